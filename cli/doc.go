// Package cli turns flags into calls and results into words. There is one file
// for each command; what two commands need is in a package below.
//
// Progress and warnings go to stderr, results to stdout. With --json, stdout is
// exactly one JSON document.
package cli
