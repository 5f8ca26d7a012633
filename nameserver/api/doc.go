// Package api takes values over HTTP, in two dialects that clients of other
// programs speak: that of acme-dns (/register, /update, /health) and httpreq of
// lego (/present, /cleanup). Clients need not know that it is not the original.
//
// It differs where the originals lose something: all values of a name are kept
// until they expire, not the last two; and a failure to say who one is counts.
package api
