// Package web is how providers speak to services over HTTP: with TLS except on
// this very host, without following redirects, in bounded time and size, and
// with errors that name the server but neither the path nor a secret.
//
// A service that is too busy (429 and 503, RFC 6585 §4 and RFC 9110 §15.6.4) is
// asked again when it says, if that is soon.
package web
