// Package route53 is the provider for Amazon Route 53.
//
// All values of a zone are changed in one request, which names what is there and
// what shall be there: Route 53 makes all of it or, if somebody else was faster,
// nothing. So a key needs the actions CREATE and DELETE only, which a policy can
// grant for single names and the type TXT.
//
// Requests are signed with Signature Version 4. The key is the configuration's,
// or found where Amazon's own tools find one: the environment, the shared files,
// a web identity, the container, the machine.
package route53
