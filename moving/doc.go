// Package moving takes over what another ACME client keeps: it compares what
// package foreign has read with what is here, says what it would do, and does
// it. Whether a certificate is taken over or left out is decided for each by
// itself, before anything is written, and it is there whole or not at all.
//
// Of several accounts at one CA, all but one get a name. What is here already
// stays. A credential is taken over for the very names at which it was used: in
// which zones they are, the caller asks the DNS.
package moving
