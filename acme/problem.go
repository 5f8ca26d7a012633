package acme

import "time"

// Problem is a problem document of the CA (RFC 7807, RFC 8555 §6.7).
type Problem struct {
	Type        string // short: "rateLimited", without the urn prefix
	Detail      string // verbatim
	Status      int
	Identifier  string     // of a subproblem
	RetryAfter  time.Time  // when to come back; zero if the CA does not say
	Subproblems []*Problem // RFC 8555 §6.7.1
}

func (p *Problem) Error() string { panic("not yet written") }
