// Package ns1 is the provider for zones at NS1 (IBM NS1 Connect). It knows whole
// records, with all answers of a name and type, and compares nothing: what is
// there is read before and after it is written. Two programs that write at one
// name in the same moment can lose a value there; each looks whether its own are
// there, and writes again.
//
// A key can be for single records: that is the narrowest there is at any
// service.
package ns1
