// Package google is the provider for Google Cloud DNS.
//
// All values of a zone are changed in one request, which names what is there and
// what shall be there: Google makes all of it or, if somebody else was faster,
// nothing.
//
// The key is a file with credentials, of any kind that Google's own tools keep:
// of a service account, of a user, of an identity elsewhere, to impersonate a
// service account. Without one it is found where those tools look: in
// $GOOGLE_APPLICATION_CREDENTIALS, in gcloud's files, at the machine.
package google
