// Package lego has the acme-dns provider of lego get certificates through certctl's
// name server, unchanged as its module has it. It is a module of its own, so that
// nothing of lego comes near the program.
package lego
