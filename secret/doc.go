// Package secret holds passwords and keys in such a way that they can be
// handed around, printed and logged without being shown.
//
// A Secret is where a secret comes from: the text itself in the configuration
// file, or a file, an environment variable, a command's output, or a systemd
// credential. Only Reveal reads it, at the moment of use; every other way of
// looking at a Secret, also from inside a larger value, shows the source and
// never the content. No error contains the content either.
package secret
