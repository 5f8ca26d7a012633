// Package install copies certificates to where programs want them: as PEM in
// one or several files, as PKCS #12 (RFC 7292), PKCS #8 (RFC 5958) and DER, with
// owner and mode.
//
// A copy is there whole or not at all: it is written beside its place, given to
// its owner, and then renamed. One that is as it should be is not touched.
package install
