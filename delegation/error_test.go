package delegation

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

func TestErrorTexts(t *testing.T) {
	server := netip.MustParseAddrPort("192.0.2.1:53")
	odd := netip.MustParseAddrPort("[2001:db8::1]:5300")
	refused := &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("read", syscall.ECONNREFUSED)}
	unreachable := &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
	soa := func(e Error) error {
		e.Type, e.Name = dns.TypeSOA, "www.example.com."
		if !e.Server.IsValid() {
			e.Server = server
		}
		return &e
	}
	for _, test := range []struct {
		err        error
		want, hint string
	}{
		{err: soa(Error{Rcode: dns.RcodeServerFailure, Host: "ns1.example.com."}),
			want: "SOA of www.example.com.: ns1.example.com. (192.0.2.1) answered SERVFAIL: it could not say, for instance because it could not load the zone or reach another server"},
		{err: soa(Error{Rcode: dns.RcodeServerFailure, Detail: "no data from upstream"}),
			want: `SOA of www.example.com.: 192.0.2.1 answered SERVFAIL: it could not say, for instance because it could not load the zone or reach another server ("no data from upstream")`},
		{err: soa(Error{Rcode: dns.RcodeRefused, Server: odd}),
			want: "SOA of www.example.com.: [2001:db8::1]:5300 answered REFUSED: it does not want to, for instance because it does not serve the zone"},
		{err: soa(Error{Rcode: dns.RcodeFormatError}),
			want: "SOA of www.example.com.: 192.0.2.1 answered FORMERR: it did not understand the question"},
		{err: soa(Error{Rcode: dns.RcodeNotImplemented}),
			want: "SOA of www.example.com.: 192.0.2.1 answered NOTIMP: it cannot answer questions of this kind"},
		{err: soa(Error{Rcode: dns.RcodeYXDomain}),
			want: "SOA of www.example.com.: 192.0.2.1 answered YXDOMAIN: the name that a DNAME makes of it is too long"},
		{err: soa(Error{Rcode: 3841}),
			want: "SOA of www.example.com.: 192.0.2.1 answered rcode 3841: this says neither that the name exists nor that it does not"},
		{err: soa(Error{Lame: true}),
			want: "SOA of www.example.com.: 192.0.2.1 does not serve the zone (no authority, no referral)"},
		{err: soa(Error{Err: os.ErrDeadlineExceeded}),
			want: "SOA of www.example.com.: 192.0.2.1 gave no answer"},
		{err: soa(Error{Err: context.Canceled}),
			want: "SOA of www.example.com.: 192.0.2.1 was not waited for"},
		{err: soa(Error{Err: refused}),
			want: "SOA of www.example.com.: 192.0.2.1 cannot be asked: nothing listens there"},
		{err: soa(Error{Err: unreachable}),
			want: "SOA of www.example.com.: 192.0.2.1 cannot be asked: this host has no route to it"},
		{err: soa(Error{Err: &net.OpError{Op: "write", Net: "udp", Err: os.NewSyscallError("write", syscall.EPERM)}}),
			want: "SOA of www.example.com.: 192.0.2.1 cannot be asked (write: operation not permitted)"},
		{err: soa(Error{Err: &truncatedError{os.ErrDeadlineExceeded}}),
			want: "SOA of www.example.com.: 192.0.2.1 sent an answer too long for UDP, and over TCP it gave no answer"},
		{err: soa(Error{Err: errMalformed}),
			want: "SOA of www.example.com.: 192.0.2.1 sent nothing usable (it does not answer the question)"},
		{err: &ServersError{Zone: "example.com.", Type: dns.TypeSOA, Name: "www.example.com.", Missing: []Missing{{Name: "ns3.example.com."}, {"ns4.example.com.", errors.New("cause")}}, Errs: []*Error{
			{Host: "ns1.example.com.", Server: server, Err: os.ErrDeadlineExceeded},
			{Host: "ns2.example.com.", Server: odd, Rcode: dns.RcodeRefused}}},
			want: "no server of zone example.com. could say the SOA of www.example.com.: ns1.example.com. (192.0.2.1) gave no answer; " +
				"ns2.example.com. ([2001:db8::1]:5300) answered REFUSED: it does not want to, for instance because it does not serve the zone; " +
				"ns3.example.com. has no address; ns4.example.com. has no known address (cause)"},
		{err: &ServersError{Zone: "example.com.", Type: dns.TypeSOA, Name: "www.example.com.", Errs: []*Error{{Server: server, Lame: true}, {Server: odd, Rcode: dns.RcodeRefused}}},
			want: "no server of zone example.com. could say the SOA of www.example.com.: 192.0.2.1 does not serve the zone (no authority, no referral); " +
				"[2001:db8::1]:5300 answered REFUSED: it does not want to, for instance because it does not serve the zone",
			hint: "example.com. is delegated to servers that do not serve it: set it up there, or mend its NS records in the zone above"},
		{err: &ServersError{Zone: ".", Type: dns.TypeA, Name: "ns.example.com.", Proxied: true, Errs: []*Error{{Server: server, Rcode: dns.RcodeRefused}}},
			want: "no recursive resolver could say the A of ns.example.com.: 192.0.2.1 answered REFUSED: it does not want to, for instance because it does not serve the zone"},
		{err: &ServersError{Zone: "example.com.", Type: dns.TypeSOA, Name: "www.example.com."},
			want: "no server of zone example.com. could say the SOA of www.example.com.: there is none"},
		{err: &AliasError{Path: []Name{"a.", "b.", "c.", "b."}, Loop: true},
			want: "aliases form a loop: b. → c. → b."},
		{err: &AliasError{Path: []Name{"a.", "b.", "l."}},
			want: "l. is at the end of 11 aliases and is one itself: a CA gives up (SERVFAIL) after 11",
			hint: "point the CNAME at a. straight at the name where the chain ends"},
		{err: &WildcardError{Challenge: "_acme-challenge.a.example.com.", Name: "lb.example.net.", Err: errors.New("what went wrong")},
			want: "what went wrong",
			hint: "lb.example.net. is an alias only through a wildcard; if that was not meant for it, set `follow: lb.example.net` for this name"},
		{err: &WildcardError{Challenge: "a.example.com.", Name: "a.example.com.", Err: errors.New("what went wrong")},
			want: "what went wrong",
			hint: "a.example.com. is an alias only through a wildcard; if that was not meant for it, set `follow: never` for this name"},
		{err: &PrimaryError{Zone: "auth.example.net."},
			want: "zone auth.example.net. shows no SOA record, so its primary server is not known",
			hint: "set `server:` for the zone auth.example.net to the server that takes updates"},
		{err: &PrimaryError{Zone: "auth.example.net.", Name: "hidden."},
			want: "the primary server of zone auth.example.net. is hidden., which has no address",
			hint: "set `server:` for the zone auth.example.net to the server that takes updates"},
		{err: &PrimaryError{Zone: "auth.example.net.", Name: "hidden.", Err: errors.New("cause")},
			want: "the primary server of zone auth.example.net. is hidden., whose address cannot be found: cause",
			hint: "set `server:` for the zone auth.example.net to the server that takes updates"},
		{err: &SystemError{Path: "/etc/resolv.conf", Err: os.ErrNotExist},
			want: "no recursive resolver is known: /etc/resolv.conf: file does not exist",
			hint: "set `resolver: servers:` to the address of a recursive resolver"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
		var hint string
		if h, ok := test.err.(interface{ Hint() string }); ok {
			hint = h.Hint()
		}
		if hint != test.hint {
			t.Errorf("%v: got hint %q, want %q", test.err, hint, test.hint)
		}
	}
}

func TestErrorsUnwrap(t *testing.T) {
	err := &ServersError{Errs: []*Error{{Rcode: dns.RcodeRefused}, {Err: syscall.ECONNREFUSED}}, Missing: []Missing{{Name: "a."}, {"b.", os.ErrNotExist}}}
	var one *Error
	if !errors.As(err, &one) || one.Rcode != dns.RcodeRefused {
		t.Errorf("got %+v, want the first server's error", one)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error("the network error is not in the chain")
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Error("the reason why a server could not be asked is not in the chain")
	}
	if !errors.Is(&SystemError{Err: os.ErrNotExist}, os.ErrNotExist) {
		t.Error("the system's error is not in the chain")
	}
}
