// Package scaleway is the provider for zones at Scaleway. All changes of a zone
// are one request, each of one record.
package scaleway
