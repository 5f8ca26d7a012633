package delegation

import "net/netip"

// Error says what one server answered to one question, or why it did not.
// Its text names the record type, the name, the server and the cause in plain
// words.
type Error struct {
	Type   uint16
	Name   Name
	Server netip.AddrPort
	Rcode  int   // dns.RcodeSuccess when Err is set or the answer was lame
	Lame   bool  // answered without authority and without a referral
	Err    error // network error, or nil
}

func (e *Error) Error() string { panic("not yet written") }
func (e *Error) Unwrap() error { return e.Err }
