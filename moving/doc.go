// Package moving takes over what another ACME client keeps: it compares what
// package foreign has read with what is here, says what it would do, and does
// it. Whether a certificate is taken over or left out is decided for each by
// itself, before anything is written, and it is there whole or not at all.
//
// There is one account for each CA here. What is here already stays.
package moving
