// Package foreign reads what other ACME clients keep: certbot, lego, acme.sh and
// dehydrated. It finds their accounts, certificates with keys, and what was
// asked for, as far as their files say so. It only reads.
//
// What cannot be used is left out, with the reason; the rest is there all the
// same. A certificate is there when its private key is its own and the chain
// begins with it, so that half a directory does not become half a certificate.
//
// None of the clients document their files as a format for others. What is read
// here is what they write: certbot 2.1 to 5, lego 4, dehydrated 0.7, acme.sh 3.
package foreign
