package delegation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/miekg/dns"
)

// Error says what one server answered to one question, or why it did not.
// Its text names the record type, the name, the server and the cause in plain
// words.
type Error struct {
	Type   uint16
	Name   Name
	Host   Name // the server's name, "" where it is not known
	Server netip.AddrPort
	Rcode  int    // dns.RcodeSuccess when Err is set or the answer was lame
	Detail string // what the server added to its rcode (RFC 8914), or ""
	Lame   bool   // answered without authority and without a referral
	Err    error  // network error, or nil

	// Intercepted is set when a root server seems to offer recursion. None
	// does: something on the way answers in its place.
	Intercepted bool
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s of %s: %s", dns.Type(e.Type), e.Name, e.answer())
}

func (e *Error) Unwrap() error { return e.Err }

// answer says which server did what.
func (e *Error) answer() string {
	return peer{e.Host, e.Server}.String() + " " + e.cause()
}

func (e *Error) cause() string {
	switch {
	case e.Err != nil:
		return networkCause(e.Err)
	case e.Intercepted:
		return "answered as a recursive resolver does: something on the way answers in its place"
	case e.Lame:
		return "does not serve the zone (no authority, no referral)"
	case e.Detail != "":
		return fmt.Sprintf("answered %s: %s (%q)", rcodeName(e.Rcode), rcodeCause(e.Rcode), e.Detail)
	}
	return fmt.Sprintf("answered %s: %s", rcodeName(e.Rcode), rcodeCause(e.Rcode))
}

func networkCause(err error) string {
	var truncated *truncatedError
	var limit *LimitError
	switch {
	case errors.As(err, &limit):
		return "was not waited for: " + limit.Error()
	case errors.As(err, &truncated):
		return "sent an answer too long for UDP, and over TCP it " + networkCause(truncated.err)
	case errors.Is(err, context.Canceled):
		return "was not waited for"
	case isTimeout(err):
		return "gave no answer"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "cannot be asked: nothing listens there"
	case IsNoRoute(err):
		return "cannot be asked: this host has no route to it"
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op != "read" {
		return fmt.Sprintf("cannot be asked (%v)", op.Err)
	}
	return fmt.Sprintf("sent nothing usable (%v)", err)
}

func rcodeName(rcode int) string {
	if s, ok := dns.RcodeToString[rcode]; ok {
		return s
	}
	return fmt.Sprintf("rcode %d", rcode)
}

// rcodeCause explains what the standards hide behind a mnemonic.
func rcodeCause(rcode int) string {
	switch rcode {
	case dns.RcodeFormatError:
		return "it did not understand the question"
	case dns.RcodeServerFailure:
		return "it could not say, for instance because it could not load the zone or reach another server"
	case dns.RcodeNotImplemented:
		return "it cannot answer questions of this kind"
	case dns.RcodeRefused:
		return "it does not want to, for instance because it does not serve the zone"
	case dns.RcodeYXDomain:
		return "the name that a DNAME makes of it is too long"
	}
	return "this says neither that the name exists nor that it does not"
}

// ServersError says that no server of a zone gave a usable answer, and what
// each of them did instead.
type ServersError struct {
	Zone    Name
	Type    uint16
	Name    Name
	Errs    []*Error  // one for each address
	Missing []Missing // servers without one
	Proxied bool      // Errs are of recursive resolvers
}

// Missing is a name server whose address is not known.
type Missing struct {
	Name Name
	Err  error // why; nil: it has none
}

func (m Missing) String() string {
	if m.Err == nil {
		return string(m.Name) + " has no address"
	}
	return fmt.Sprintf("%s has no known address (%v)", m.Name, m.Err)
}

func (e *ServersError) Error() string {
	who := "server of zone " + string(e.Zone)
	if e.Proxied {
		who = "recursive resolver"
	}
	said := make([]string, 0, len(e.Errs)+len(e.Missing))
	for _, err := range e.Errs {
		said = append(said, err.answer())
	}
	for _, m := range e.Missing {
		said = append(said, m.String())
	}
	if len(said) == 0 {
		said = append(said, "there is none")
	}
	return fmt.Sprintf("no %s could say the %s of %s: %s", who, dns.Type(e.Type), e.Name, strings.Join(said, "; "))
}

// Unwrap returns what each server did, and why servers could not be asked.
func (e *ServersError) Unwrap() []error {
	errs := make([]error, 0, len(e.Errs)+len(e.Missing))
	for _, err := range e.Errs {
		errs = append(errs, err)
	}
	for _, m := range e.Missing {
		if m.Err != nil {
			errs = append(errs, m.Err)
		}
	}
	return errs
}

// Hint tells a delegation to the wrong servers from servers in trouble.
func (e *ServersError) Hint() string {
	if e.Proxied || len(e.Errs) == 0 {
		return ""
	}
	for _, err := range e.Errs {
		if !err.Lame && err.Rcode != dns.RcodeRefused {
			return ""
		}
	}
	return fmt.Sprintf("%s is delegated to servers that do not serve it: set it up there, or mend its NS records in the zone above", e.Zone)
}

// AliasError says that aliases lead nowhere: in a circle, or further than a CA
// follows them.
type AliasError struct {
	Path []Name // the names passed; in a loop, the last one is there twice
	Loop bool
}

func (e *AliasError) Error() string {
	last := e.Path[len(e.Path)-1]
	if !e.Loop {
		return fmt.Sprintf("%s is at the end of %d aliases and is one itself: a CA gives up (SERVFAIL) after %d", last, maxAliases, maxAliases)
	}
	var circle []string
	for _, n := range e.Path {
		if n == last || circle != nil {
			circle = append(circle, string(n))
		}
	}
	return "aliases form a loop: " + strings.Join(circle, " → ")
}

// Hint says what shortens the way.
func (e *AliasError) Hint() string {
	if e.Loop {
		return ""
	}
	return fmt.Sprintf("point the CNAME at %s straight at the name where the chain ends", e.Path[0])
}

// WildcardError says that an alias made by a wildcard leads nowhere.
type WildcardError struct {
	Challenge Name // where the way began
	Name      Name // the name on the way that a wildcard makes an alias
	Err       error
}

func (e *WildcardError) Error() string { return e.Err.Error() }
func (e *WildcardError) Unwrap() error { return e.Err }

// Hint says how not to follow it.
func (e *WildcardError) Hint() string {
	how := "never"
	if e.Name != e.Challenge {
		how = e.Name.Bare()
	}
	return fmt.Sprintf("%s is an alias only through a wildcard; if that was not meant for it, set `follow: %s` for this name", e.Name, how)
}

// PrimaryError says that the server named in a zone's SOA record cannot be
// found.
type PrimaryError struct {
	Zone, Name Name // Name is "" when the zone shows no SOA record
	Err        error
}

func (e *PrimaryError) Error() string {
	switch {
	case e.Name == "":
		return fmt.Sprintf("zone %s shows no SOA record, so its primary server is not known", e.Zone)
	case e.Err == nil:
		return fmt.Sprintf("the primary server of zone %s is %s, which has no address", e.Zone, e.Name)
	}
	return fmt.Sprintf("the primary server of zone %s is %s, whose address cannot be found: %v", e.Zone, e.Name, e.Err)
}

func (e *PrimaryError) Unwrap() error { return e.Err }

// Hint names the way around.
func (e *PrimaryError) Hint() string {
	return fmt.Sprintf("set `server:` for the zone %s to the server that takes updates", e.Zone.Bare())
}

// SystemError says that the system's recursive resolvers are not known.
type SystemError struct {
	Path string
	Err  error
}

func (e *SystemError) Error() string {
	return fmt.Sprintf("no recursive resolver is known: %s: %v", e.Path, e.Err)
}

func (e *SystemError) Unwrap() error { return e.Err }

// Hint names the setting.
func (e *SystemError) Hint() string {
	return "set `resolver: servers:` to the address of a recursive resolver"
}
