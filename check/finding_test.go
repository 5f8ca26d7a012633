package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
	"certctl/persist"
)

// aCase is a world in which a code is found, and another in which it is not.
// Where there is no other, it is the world in which nothing is wrong.
type aCase struct {
	code     Code
	name     string         // of what the finding is about
	evidence string         // part of one of its lines, or of the text
	change   func(b *bench) // before the world starts
	late     func(b *bench) // when it runs
	absent   func(b *bench)
}

const (
	ns1Main = "ns1.example.com."
	ns2Main = "ns2.example.com."
	ns1Auth = "ns1.auth.example.net."
	ns2Auth = "ns2.auth.example.net."
)

// fault makes a server faulty.
func fault(server string, f authority.Fault) func(b *bench) {
	return func(b *bench) { b.Server(server).Fault(f) }
}

// text adds to the zone example.com, and asks for other names.
func text(records string, domains ...string) func(b *bench) {
	return func(b *bench) {
		b.main.Text(records)
		if len(domains) > 0 {
			b.names = nil
		}
		for _, d := range domains {
			b.names = append(b.names, Name{Domain: d})
		}
	}
}

// lie makes a server answer questions of a type with an rcode and records.
func lie(server string, qtype uint16, rcode int, name string, records ...string) func(b *bench) {
	return fault(server, authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != qtype || !strings.EqualFold(q.Question[0].Name, name) {
			return nil
		}
		m := new(dns.Msg).SetRcode(q, rcode)
		m.Authoritative = true
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				panic(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		return m
	}})
}

// chain is an alias by way of n others.
func chain(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "c%d CNAME c%d\n", i, i+1)
	}
	fmt.Fprintf(&b, "_acme-challenge.chain CNAME c0\nc%d CNAME www.auth.example.net.\n", n)
	return b.String()
}

func values(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "www TXT %q\n", fmt.Sprintf("%043d", i))
	}
	return b.String()
}

func caaIs(records string) func(b *bench) {
	return func(b *bench) {
		b.names = []Name{{Domain: "x.example.org"}}
		b.Zone("org.", "", "a.gtld.", "b.gtld.")
		b.Zone("example.org.", "_acme-challenge.x CNAME www.auth.example.net.\n"+records, ns1Main, ns2Main)
	}
}

var cases = []aCase{
	{code: "target", name: domain, evidence: "www.auth.example.net in zone auth.example.net", absent: text("_acme-challenge.l CNAME l\nl CNAME _acme-challenge.l", "l.example.com")},
	{code: "alias-loop", name: "l.example.com", evidence: "alias l.example.com: _acme-challenge.l.example.com", change: text("_acme-challenge.l CNAME l\nl CNAME _acme-challenge.l", "l.example.com")},
	{code: "alias-too-long", name: "chain.example.com", evidence: "c9.example.com", change: text(chain(11), "chain.example.com"), absent: text(chain(9), "chain.example.com")},
	{code: "alias-long", name: "chain.example.com", evidence: "CNAME c3.example.com: c4.example.com", change: text(chain(9), "chain.example.com"), absent: text(chain(6), "chain.example.com")},
	{code: "alias-dangling", name: "d.example.com", evidence: "CNAME gone.example.net: NXDOMAIN", change: text("_acme-challenge.d CNAME x.gone.example.net.", "d.example.com"), absent: text("_acme-challenge.d CNAME x.example.net.", "d.example.com")},
	{code: "alias-dangling", name: "d.example.com", evidence: "CNAME unregistered.net: NXDOMAIN", change: text("_acme-challenge.d CNAME x.unregistered.net.", "d.example.com")},
	{code: "alias-wildcard", name: "a.wild.example.com", evidence: "www.auth.example.net", change: text("*.wild CNAME www.auth.example.net.", "a.wild.example.com"), absent: text("_acme-challenge.a.wild CNAME www.auth.example.net.", "a.wild.example.com")},
	{code: "wildcard-ended", name: "a.cdn.example.com", evidence: "lb.example.org", change: covered("*.cdn CNAME lb.example.org.", "a.cdn.example.com"), absent: covered("", "a.cdn.example.com")},
	{code: "wildcard-vanish", name: "a.cdn.example.com", evidence: "*.cdn.example.com: A 192.0.2.9", change: covered("*.cdn A 192.0.2.9", "a.cdn.example.com"), absent: covered("*.cdn A 192.0.2.9\na.cdn A 192.0.2.9\nb A 192.0.2.9", "a.cdn.example.com")},
	{code: "follow-never", name: domain, evidence: "CNAME _acme-challenge.www.example.com: www.auth.example.net", change: followed(delegation.Follow{Never: true}), absent: func(b *bench) {
		covered("", "b.example.com")(b)
		b.names[0].Follow.Never = true
	}},
	{code: "follow-elsewhere", name: domain, evidence: "CAs look at www.auth.example.net", change: followed(delegation.Follow{Owner: "x.auth.example.net."}), absent: followed(delegation.Follow{Owner: owner})},
	{code: "target-shared", name: "shop.example.com", evidence: "www.example.com, shop.example.com", change: text("_acme-challenge.shop CNAME www.auth.example.net.", domain, "shop.example.com"), absent: text("", domain, "*."+domain)},
	{code: "unresolved", name: domain, evidence: "REFUSED", change: func(b *bench) {
		fault(ns1Main, authority.Fault{Refuse: true})(b)
		fault(ns2Main, authority.Fault{Refuse: true})(b)
	}},
	{code: "indirect", name: domain, evidence: "resolvers", late: func(b *bench) {
		only := b.Recursor().Addr().String()
		b.client.UDP, b.client.TCP = closed{only, "udp"}, closed{only, "tcp"}
	}},

	{code: "persist-stands", name: domain, evidence: "acct/1 is good", change: lasting(good, false), absent: lasting("", false)},
	{code: "persist-stands", name: "*." + domain, evidence: "policy=wildcard", change: lasting(good+`; policy=wildcard`, true), absent: lasting(good, true)},
	{code: "persist-new", name: domain, evidence: "an order writes one", change: writable(lasting("", false)), absent: writable(lasting(good, false))},
	{code: "persist-none", name: domain, evidence: "no record for the CA", change: lasting("", false), absent: lasting(good, false)},
	{code: "persist-none", name: domain, evidence: "acct/2 is for another account", change: lasting(`ca.test; accounturi=https://ca.test/acct/2`, false), absent: lasting(good, false)},
	{code: "persist-none", name: "*." + domain, evidence: "is not for the wildcard", change: lasting(good, true), absent: lasting(good+`; policy=wildcard`, true)},
	{code: "persist-unfit", name: domain, evidence: "has ended on 2020-09-13", change: lasting(good+`; persistUntil=1600000000`, false), absent: lasting(good, false)},
	{code: "persist-unfit", name: domain, evidence: "accounturi is there twice", change: lasting(good+`; accounturi=x`, false), absent: lasting(`ca.test; accounturi=https://ca.test/acct/2`, false)},
	{code: "persist-differs", name: domain, evidence: "no record for the CA", change: func(b *bench) {
		lasting(good, false)(b)
		lie(ns2Main, dns.TypeTXT, dns.RcodeSuccess, "_validation-persist.www.example.com.")(b)
	}, absent: lasting(good, false)},
	{code: "persist-unknown", name: domain, evidence: "no account yet", change: func(b *bench) {
		lasting(good, false)(b)
		b.names[0].Persist, b.names[0].Err = nil, errors.New("no account yet")
	}, absent: lasting(good, false)},
	{code: "unresolved", name: domain, evidence: "no account yet", change: func(b *bench) {
		b.names = []Name{{Domain: domain, Method: "dns-account-01", Err: errors.New("no account yet")}}
	}, absent: func(b *bench) {
		b.names = []Name{{Domain: domain, Method: "dns-account-01", Prefix: "_label._acme-challenge"}}
	}},
	{code: "persist-ending", name: domain, evidence: "only", change: lasting(good+ends(29), false), absent: lasting(good+ends(31), false)},
	{code: "persist-ending", name: domain, evidence: "only", change: writable(lasting(good+ends(9), false)), absent: writable(lasting(good+ends(11), false))},

	{code: "credential", name: domain, evidence: "rfc2136 key certctl-www", absent: text("_acme-challenge.other CNAME x.example.net.", "other.example.com")},
	{code: "credential-none", name: "other.example.com", evidence: "no credential for x.example.net.", change: text("_acme-challenge.other CNAME x.example.net.", "other.example.com")},
	{code: "credential-wide", name: "example.com", evidence: "b.example.com", change: covered("", "b.example.com"), absent: func(b *bench) {
		b.names = []Name{{Domain: "b.example.com"}}
		b.keys = []scoped{{"_acme-challenge.b.example.com.", b.main.Key("certctl-b", "_acme-challenge.b.example.com.")}}
	}},
	{code: "credential-refused", name: "auth.example.net", evidence: "BADKEY", change: func(b *bench) { b.keys = []scoped{{apex, authority.NewKey("nobody")}} }},
	{code: "credential-refused", name: "auth.example.net", evidence: "BADSIG", change: func(b *bench) {
		b.auth.Key("certctl-www")
		b.keys = []scoped{{apex, authority.NewKey("certctl-www")}}
	}},
	{code: "credential-refused", name: "auth.example.net", evidence: "BADTIME", change: fault(ns1Auth, authority.Fault{ClockAhead: 3600e9})},
	{code: "credential-refused", name: "auth.example.net", evidence: "REFUSED", change: fault(ns1Auth, authority.Fault{NoUpdates: true})},
	{code: "credential-unreadable", name: "auth.example.net", evidence: "is not base64", change: func(b *bench) {
		b.keys = []scoped{{apex, authority.Key{Name: "odd", Algorithm: "hmac-sha256", Secret: "???"}}}
	}},
	{code: "credential-unreachable", name: "auth.example.net", evidence: "", change: fault(ns1Auth, authority.Fault{NoTCP: true})},
	{code: "key-scoped", name: "auth.example.net", evidence: "absent AAAA www.auth.example.net: REFUSED", absent: broadKey},
	{code: "key-broad", name: "auth.example.net", evidence: "serial before and after: 1, 1", change: broadKey},
	{code: "key-own-zone", name: "_acme-challenge.own.example.com", evidence: "NOERROR", change: ownZone(false), absent: ownZone(true)},

	{code: "ns-differ", name: "auth.example.net", evidence: "ns3.example.net", change: func(b *bench) { b.auth.Text("@ NS ns3.example.net."); b.net.Text("ns3 A 127.0.0.1") }},
	{code: "ns-none", name: "auth.example.net", evidence: "NS auth.example.net", change: func(b *bench) {
		lie(ns1Auth, dns.TypeNS, dns.RcodeSuccess, apex)(b)
		lie(ns2Auth, dns.TypeNS, dns.RcodeSuccess, apex)(b)
	}},
	{code: "ns-unnamed", name: "child.example.net", evidence: "ns2.example.net", change: unnamed, late: unnamedToo},
	{code: "ns-no-address", name: "auth.example.net", evidence: "ns9.example.net", change: func(b *bench) { b.auth.Text("@ NS ns9.example.net.") }},
	{code: "ns-single", name: "single.example.net", evidence: "ns1.example.net", change: single},
	{code: "cut-missing", name: "auth.example.net", evidence: "NXDOMAIN", change: lie("ns2.example.net.", dns.TypeNS, dns.RcodeNameError, apex)},
	{code: "glue-missing", name: "auth.example.net", evidence: "ns2.auth.example.net, no address", late: refer(false)},
	{code: "glue-stale", name: "auth.example.net", evidence: "127.0.0.99", late: refer(true)},

	{code: "ns-lame", name: "auth.example.net", evidence: "SOA auth.example.net: REFUSED", change: fault(ns2Auth, authority.Fault{Refuse: true})},
	{code: "ns-lame", name: "auth.example.net", evidence: "SOA auth.example.net: no authority", change: fault(ns2Auth, authority.Fault{NoAA: true})},
	{code: "ns-failing", name: "auth.example.net", evidence: "SOA auth.example.net: SERVFAIL", change: fault(ns2Auth, authority.Fault{Servfail: -1})},
	{code: "ns-unreachable", name: "auth.example.net", evidence: "SOA auth.example.net: no answer", change: fault(ns2Auth, authority.Fault{Dead: true})},
	{code: "ns-unreachable", name: "auth.example.net", evidence: "SOA auth.example.net over TCP: NOERROR", change: fault(ns2Auth, authority.Fault{NoUDP: true})},
	{code: "ns-unrouted", name: "auth.example.net", evidence: "no route from this host", late: func(b *bench) { b.client.UDP = unrouted{&dns.Client{Net: "udp"}, b.Server(ns2Auth).Addr().String()} }},
	{code: "ns-no-tcp", name: "auth.example.net", evidence: "SOA auth.example.net over TCP", change: fault(ns2Auth, authority.Fault{NoTCP: true})},
	{code: "ns-tcp-needed", name: "auth.example.net", evidence: "TXT www.auth.example.net", change: func(b *bench) {
		b.auth.Text(values(40))
		fault(ns2Auth, authority.Fault{NoTCP: true})(b)
	}, absent: func(b *bench) { b.auth.Text(values(3)); fault(ns2Auth, authority.Fault{NoTCP: true})(b) }},
	{code: "case-folded", name: "auth.example.net", evidence: "in another case", change: fault(ns2Auth, authority.Fault{LowerCase: true})},
	{code: "case-sensitive", name: "auth.example.net", evidence: "in lower case: NOERROR", change: fault(ns2Auth, authority.Fault{CaseBlind: true})},
	{code: "no-edns", name: "auth.example.net", evidence: "no OPT record", late: noEDNS},

	{code: "records-differ", name: "example.com", evidence: "CNAME _acme-challenge.www.example.com: NXDOMAIN", change: lie(ns2Main, dns.TypeCNAME, dns.RcodeNameError, "_acme-challenge.www.example.com.")},
	{code: "records-differ", name: "auth.example.net", evidence: "CNAME www.auth.example.net: elsewhere.example.net", change: lie(ns2Auth, dns.TypeTXT, dns.RcodeSuccess, owner, owner+" CNAME elsewhere.example.net.")},
	{code: "txt-present", name: "auth.example.net", evidence: "1 TXT record", change: func(b *bench) { b.auth.Text(values(1)) }},
	{code: "txt-many", name: "auth.example.net", evidence: "11 TXT records", change: func(b *bench) { b.auth.Text(values(11)) }, absent: func(b *bench) { b.auth.Text(values(10)) }},
	{code: "txt-beside", name: "example.com", evidence: "TXT _acme-challenge.www.example.com: 1 TXT record", change: lie(ns2Main, dns.TypeTXT, dns.RcodeSuccess, "_acme-challenge.www.example.com.", `_acme-challenge.www.example.com. TXT "theirs"`)},
	{code: "txt-beside", name: "auth.example.net", evidence: "TXT www.auth.example.net: 1 TXT record", change: lie("ns2.example.net.", dns.TypeTXT, dns.RcodeSuccess, owner, owner+` TXT "old"`)},
	{code: "answer-truncated", name: "auth.example.net", evidence: "TXT records", change: func(b *bench) { b.auth.Text(values(40)) }, absent: func(b *bench) { b.auth.Text(values(3)) }},
	{code: "nxdomain-existing", name: "auth.example.net", evidence: "A www.auth.example.net: NXDOMAIN", change: func(b *bench) {
		b.auth.Text(values(1))
		lie(ns2Auth, dns.TypeA, dns.RcodeNameError, owner)(b)
	}, absent: func(b *bench) { b.auth.Text(values(1)) }},
	{code: "nxdomain-existing", name: "example.com", evidence: "A www.example.com: NXDOMAIN", change: lie(ns2Main, dns.TypeA, dns.RcodeNameError, "www.example.com.")},

	{code: "serial", name: "auth.example.net", evidence: "serial auth.example.net: 1", absent: text("_acme-challenge.l CNAME l\nl CNAME _acme-challenge.l", "l.example.com")},
	{code: "serial-differs", name: "auth.example.net", evidence: "serial auth.example.net: 2", change: func(b *bench) { b.Server(ns2Auth).Lag(authority.Never) }, late: func(b *bench) { b.auth.Add(`new TXT "1"`) }},
	{code: "negative-ttl", name: "long.example.net", evidence: "minimum 86400", change: minimum(86400), absent: minimum(60)},

	{code: "caa-none", name: "x.example.org", evidence: "no CAA record", change: caaIs("")},
	{code: "caa-none", name: "x.example.org", evidence: "do not bind", change: caaIs(`@ CAA 0 iodef "mailto:a@example.org"`)},
	{code: "caa-grants", name: domain, evidence: `CAA example.com: 0 issue "ca.test"`, absent: caaIs("")},
	{code: "caa-forbids", name: "x.example.org", evidence: `0 issue "other.test"`, change: caaIs(`@ CAA 0 issue "other.test"`)},
	{code: "caa-forbids", name: "x.example.org", evidence: `for another account`, change: caaIs(`@ CAA 0 issue "ca.test; accounturi=https://ca.test/acct/2"`)},
	{code: "caa-forbids", name: "x.example.org", evidence: `other methods`, change: caaIs(`@ CAA 0 issue "ca.test; validationmethods=http-01"`)},
	{code: "caa-forbids", name: "x.example.org", evidence: `critical`, change: caaIs(`@ CAA 128 tbs "x"`)},
	{code: "caa-account", name: "x.example.org", evidence: "one account only", change: func(b *bench) {
		b.ca.Account = ""
		caaIs(`@ CAA 0 issue "ca.test; accounturi=https://ca.test/acct/2"`)(b)
	}, absent: caaIs(`@ CAA 0 issue "ca.test; accounturi=https://ca.test/acct/1"`)},
	{code: "caa-undecided", name: domain, evidence: "without its directory", change: func(b *bench) { b.ca.Identities = nil }},
	{code: "caa-unanswered", name: domain, evidence: "CAA www.example.com: NOTIMP", change: func(b *bench) {
		lie(ns1Main, dns.TypeCAA, dns.RcodeNotImplemented, "www.example.com.")(b)
		lie(ns2Main, dns.TypeCAA, dns.RcodeNotImplemented, "www.example.com.")(b)
	}},
	{code: "caa-flaky", name: domain, evidence: "CAA www.example.com: SERVFAIL", change: lie(ns2Main, dns.TypeCAA, dns.RcodeServerFailure, "www.example.com.")},
	{code: "caa-differs", name: domain, evidence: `CAA example.com: 0 issue "other.test"`, change: lie(ns2Main, dns.TypeCAA, dns.RcodeSuccess, "example.com.", `example.com. CAA 0 issue "other.test"`)},
	{code: "ca-unreachable", name: "ca.test", evidence: "closed today", change: func(b *bench) { b.ca.Identities, b.ca.Err = nil, errors.New("closed today") }},
}

// covered adds records to example.com, and a key for all of it.
func covered(records string, domains ...string) func(b *bench) {
	return func(b *bench) {
		text(records, domains...)(b)
		b.keys = []scoped{{"example.com.", b.main.Key("certctl-main")}}
	}
}

// followed says what to do with the alias.
func followed(f delegation.Follow) func(b *bench) {
	return func(b *bench) { b.names[0].Follow = f }
}

func broadKey(b *bench) { b.keys = []scoped{{apex, b.auth.Key("certctl-www")}} }

// ownZone delegates a challenge name by NS. The key is for the one record, or
// for all of the zone.
func ownZone(narrow bool) func(b *bench) {
	return func(b *bench) {
		const challenge = "_acme-challenge.own.example.com."
		z := b.Zone(challenge, "", ns1Main, ns2Main)
		b.names = []Name{{Domain: "own.example.com"}}
		owners := pick(narrow, []string{challenge}, nil)
		b.keys = []scoped{{challenge, z.Key("certctl-own", owners...)}}
	}
}

// A server of the parent that refuses names nobody, which is no contradiction;
// and one that serves the child as well does not have to refer to it.
func TestParentUnwilling(t *testing.T) {
	for name, f := range map[string]authority.Fault{"refuses": {Refuse: true}, "fails": {Servfail: -1}, "is dead": {Dead: true}} {
		r := look(t, change{fault("ns2.example.net.", f), nil})
		for _, code := range []Code{"ns-differ", "cut-missing", "glue-missing"} {
			if len(r.found(code)) > 0 {
				t.Errorf("a server of the parent %s: got %s:\n%s", name, code, r)
			}
		}
	}
}

// A DNAME above the challenge name is an alias like any other.
func TestDNAME(t *testing.T) {
	r := look(t, change{func(b *bench) {
		b.main.Text("old DNAME auth.example.net.\nnew CNAME _acme-challenge.x.old")
		b.names = []Name{{Domain: "www.old.example.com"}}
		b.keys = []scoped{{apex, b.auth.Key("certctl-old", "_acme-challenge.www."+apex)}}
	}, nil})
	if r.Count(Error)+r.Count(Warning) > 0 || len(r.found("target")) != 1 {
		t.Errorf("got errors or warnings, want none:\n%s", r)
	}
}

// unnamed makes a server of the parent answer for a child that does not name
// it. Another of them serves the child too, so that there is no referral.
func unnamed(b *bench) {
	z := b.Zone("child.example.net.", "", "ns1.example.net.", ns1Main)
	b.names = []Name{{Domain: "c.example.com"}}
	b.main.Text("_acme-challenge.c CNAME x.child.example.net.")
	b.keys = []scoped{{"child.example.net.", z.Key("certctl-child")}}
}

func unnamedToo(b *bench) {
	const child = "child.example.net."
	b.Server("ns2.example.net.").Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		name, qtype := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
		soa, _ := dns.NewRR(child + " SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 60")
		one, _ := dns.NewRR(child + " NS ns1.example.net.")
		two, _ := dns.NewRR(child + " NS " + ns1Main)
		switch {
		case !dns.IsSubDomain(child, name):
			return nil
		case name == child && qtype == dns.TypeNS:
			m.Answer = []dns.RR{one, two}
		case name == child && qtype == dns.TypeSOA:
			m.Answer = []dns.RR{soa}
		default:
			m.Ns = []dns.RR{soa}
		}
		return m
	}})
}

// refer makes the parent's servers refer to the zone without the address of its
// second server, or with one too many.
func refer(more bool) func(b *bench) {
	return func(b *bench) {
		first, second := b.Server(ns1Auth).Addr().Addr().String(), b.Server(ns2Auth).Addr().Addr().String()
		glue := []string{ns1Auth + " A " + first}
		if more {
			glue = append(glue, ns2Auth+" A "+second, ns2Auth+" A 127.0.0.99")
		}
		referral := authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
			if !dns.IsSubDomain(apex, strings.ToLower(q.Question[0].Name)) {
				return nil
			}
			m := new(dns.Msg).SetReply(q)
			for _, text := range []string{apex + " NS " + ns1Auth, apex + " NS " + ns2Auth} {
				rr, _ := dns.NewRR(text)
				m.Ns = append(m.Ns, rr)
			}
			for _, text := range glue {
				rr, _ := dns.NewRR(text)
				m.Extra = append(m.Extra, rr)
			}
			return m
		}}
		b.Server("ns1.example.net.").Fault(referral)
		b.Server("ns2.example.net.").Fault(referral)
	}
}

// noEDNS makes a server answer without an OPT record.
func noEDNS(b *bench) {
	b.client.UDP = plain{&dns.Client{Net: "udp"}, b.Server(ns2Auth).Addr().String()}
}

// plain takes the OPT record out of the answers of one server.
type plain struct {
	next   delegation.Exchanger
	server string
}

func (p plain) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	r, rtt, err := p.next.ExchangeContext(ctx, m, addr)
	if r != nil && addr == p.server {
		r.Extra = nil
	}
	return r, rtt, err
}

// unrouted is a network without a route to one server.
type unrouted struct {
	next   delegation.Exchanger
	server string
}

func (u unrouted) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if addr == u.server {
		return nil, 0, syscall.ENETUNREACH
	}
	return u.next.ExchangeContext(ctx, m, addr)
}

// closed is a network on which only one server can be asked.
type closed struct{ only, network string }

func (c closed) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if addr != c.only {
		return nil, 0, syscall.ECONNREFUSED
	}
	return (&dns.Client{Net: c.network}).ExchangeContext(ctx, m, addr)
}

const good = "ca.test; accounturi=https://ca.test/acct/1"

// lasting is a world with a TXT record that stays, and one of another CA, for a
// name or its wildcard. No key may write there.
func lasting(value string, wildcard bool) func(b *bench) {
	return func(b *bench) {
		name := domain
		if wildcard {
			name = "*." + domain
		}
		b.names = []Name{{
			Domain: name, Method: "dns-persist-01", Prefix: "_validation-persist", PersistFor: 60 * 24 * time.Hour,
			Persist: &persist.Need{Issuers: []string{"ca.test"}, Accounts: []string{"https://ca.test/acct/1"}, Wildcard: wildcard},
		}}
		b.main.Text(`_validation-persist.www TXT "other.test; accounturi=https://other.test/1; policy=wildcard"`)
		if value != "" {
			b.main.Text(fmt.Sprintf("_validation-persist.www TXT %q", value))
		}
	}
}

// writable adds a key that may write there.
func writable(world func(b *bench)) func(b *bench) {
	return func(b *bench) {
		world(b)
		b.keys = []scoped{{"example.com.", b.main.Key("certctl-main")}}
	}
}

// ends is the parameter of a record that ends in so many days.
func ends(days int) string {
	return fmt.Sprintf("; persistUntil=%d", time.Now().AddDate(0, 0, days).Unix())
}

func single(b *bench) {
	z := b.Zone("single.example.net.", "", "ns1.example.net.")
	b.names = []Name{{Domain: "s.example.com"}}
	b.main.Text("_acme-challenge.s CNAME x.single.example.net.")
	b.keys = []scoped{{"single.example.net.", z.Key("certctl-single")}}
}

func minimum(seconds int) func(b *bench) {
	return func(b *bench) {
		z := b.Zone("long.example.net.", fmt.Sprintf("@ 86400 SOA %s hostmaster 1 3600 600 86400 %d", ns1Auth, seconds), ns1Auth, ns2Auth)
		b.names = []Name{{Domain: "n.example.com"}}
		b.main.Text("_acme-challenge.n CNAME x.long.example.net.")
		b.keys = []scoped{{"long.example.net.", z.Key("certctl-long")}}
	}
}

// In the one world the code is found, about the right name and with what shows
// it; in the other it is not.
func TestFindings(t *testing.T) {
	for _, c := range cases {
		t.Run(string(c.code)+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			report := look(t, change{c.change, c.late})
			if !slices.ContainsFunc(report.found(c.code), c.matches) {
				t.Errorf("got no %s about %s with %q:\n%s", c.code, c.name, c.evidence, report)
			}
			for _, f := range report.Findings {
				if f.Severity != Info && f.Remedy == "" {
					t.Errorf("%s: there is no remedy", f.Code)
				}
			}
			if report := look(t, change{c.absent, nil}); slices.ContainsFunc(report.found(c.code), func(f Finding) bool { return f.Name == c.name }) {
				t.Errorf("got %s about %s in a world where it is not so:\n%s", c.code, c.name, report)
			}
		})
	}
}

// matches reports whether a finding is the one that is wanted.
func (c aCase) matches(f Finding) bool {
	if f.Name != c.name {
		return false
	}
	text := f.Text
	for _, e := range f.Evidence {
		text += "\n" + e.Record + ": " + e.Value
	}
	return strings.Contains(text, c.evidence)
}
