package differential

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// What one name may cost, whatever servers say.
const (
	maxQueries = 200
	maxTime    = 30 * time.Second
)

// FuzzResponses has every server of the world answer with whatever the input
// says: it neither makes the resolver panic nor keeps it busy.
func FuzzResponses(f *testing.F) {
	for _, seed := range []string{"", "l", "%", "\x00", "referral", "\x10\x21\x32\x43\x54\x65\x76\x87", "aliases all the way down"} {
		f.Add([]byte(seed))
	}
	for b := range 64 {
		f.Add([]byte{byte(b * 4), byte(b * 7), byte(b * 13), byte(b * 31)})
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if complaint := bother(t, input); complaint != "" {
			t.Error(complaint)
		}
	})
}

// bother resolves a name among liars, and says what it should not have cost.
func bother(t *testing.T, input []byte) (complaint string) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		liar := &liar{input: input, enough: cancel}
		r := delegation.NewResolver(delegation.Options{
			Recursive: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
			Client:    &delegation.Client{UDP: liar, TCP: liar},
		})
		begin := time.Now()
		target, err := r.Resolve(ctx, "_acme-challenge.www.example.com.", delegation.Follow{})
		took, n := time.Since(begin), len(liar.queries)
		switch {
		case (target == nil) == (err == nil):
			complaint = fmt.Sprintf("got %v, %v, want one of them", target, err)
		case n > maxQueries:
			complaint = fmt.Sprintf("got more than %d queries, such as\n%s", maxQueries, strings.Join(liar.queries[n-20:], "\n"))
		case took > maxTime:
			complaint = fmt.Sprintf("it took %v, want at most %v", took, maxTime)
		}
	})
	return complaint
}

// liar answers from an input that says, octet by octet, what comes next. What
// it says depends on the question, so that the order of questions does not
// matter.
type liar struct {
	input []byte

	mu      sync.Mutex
	queries []string
	enough  func() // ends the test when there are too many queries
}

// ExchangeContext implements delegation.Exchanger.
func (l *liar) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	l.mu.Lock()
	l.queries = append(l.queries, fmt.Sprintf("%s %s @%s", dns.CanonicalName(q.Question[0].Name), dns.Type(q.Question[0].Qtype), addr))
	if len(l.queries) > maxQueries {
		l.enough()
	}
	l.mu.Unlock()
	a := answer{input: l.input, q: q.Question[0], m: new(dns.Msg).SetReply(q)}
	a.at = hash(dns.CanonicalName(a.q.Name), addr) + int(a.q.Qtype)
	if a.make() {
		return a.m, 0, nil
	}
	<-ctx.Done()
	return nil, 0, ctx.Err()
}

func hash(words ...string) int {
	h := 0
	for _, w := range words {
		for i := range len(w) {
			h = (h*31 + int(w[i])) % 65521
		}
	}
	return h
}

// answer is an answer in the making.
type answer struct {
	input []byte
	at    int // where in the input
	q     dns.Question
	m     *dns.Msg
}

// next returns a number below n.
func (a *answer) next(n int) int {
	a.at++
	if len(a.input) == 0 {
		return 0
	}
	return (int(a.input[a.at%len(a.input)]) + a.at/len(a.input)*7) % n
}

// make fills in the answer, or reports false for none at all.
func (a *answer) make() bool {
	kind := a.next(16)
	a.m.Authoritative = a.next(8) > 0
	a.m.Truncated = a.next(16) == 1
	switch kind {
	case 0:
		a.m.Rcode = a.next(12)
	case 1:
		return false
	case 2:
		a.garble()
	case 3, 4:
		a.m.Rcode = dns.RcodeNameError
	}
	for range a.next(4) {
		a.m.Answer = append(a.m.Answer, a.record(a.q.Qtype))
	}
	if len(a.m.Answer) == 0 {
		a.m.Authoritative = a.next(3) == 0
	}
	for range a.next(8) {
		a.m.Ns = append(a.m.Ns, a.record([]uint16{dns.TypeNS, dns.TypeSOA}[a.next(2)]))
	}
	for range a.next(8) {
		a.m.Extra = append(a.m.Extra, a.record([]uint16{dns.TypeA, dns.TypeAAAA}[a.next(2)]))
	}
	return true
}

// garble makes the answer one to another question.
func (a *answer) garble() {
	switch a.next(4) {
	case 0:
		a.m.Id++
	case 1:
		a.m.Question = nil
	case 2:
		a.m.Question[0].Name = a.name()
	case 3:
		a.m.Response = false
	}
}

// record returns a record, mostly of one type.
func (a *answer) record(rrtype uint16) dns.RR {
	if a.next(4) == 0 {
		rrtype = []uint16{dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypeSOA, dns.TypeA, dns.TypeTXT}[a.next(6)]
	}
	h := dns.RR_Header{Name: a.name(), Rrtype: rrtype, Class: dns.ClassINET, Ttl: 60}
	switch rrtype {
	case dns.TypeCNAME:
		return &dns.CNAME{Hdr: h, Target: a.name()}
	case dns.TypeDNAME:
		return &dns.DNAME{Hdr: h, Target: a.name()}
	case dns.TypeNS:
		return &dns.NS{Hdr: h, Ns: a.name()}
	case dns.TypeSOA:
		return &dns.SOA{Hdr: h, Ns: a.name(), Mbox: "."}
	case dns.TypeA:
		return &dns.A{Hdr: h, A: []byte{192, 0, 2, byte(a.next(256))}}
	case dns.TypeAAAA:
		return &dns.AAAA{Hdr: h, AAAA: append(make([]byte, 15), byte(a.next(256)))}
	}
	return &dns.TXT{Hdr: h, Txt: []string{"text"}}
}

// name returns the name asked for, or one above it, or one made of that.
func (a *answer) name() string {
	name := dns.CanonicalName(a.q.Name)
	for range a.next(6) {
		i, end := dns.NextLabel(name, 0)
		if end {
			name = "."
			break
		}
		name = name[i:]
	}
	if label := a.next(40); label < 26 {
		name = string(rune('a'+label)) + "." + name
		if name[2:] == "." {
			name = name[:2]
		}
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return "."
	}
	return name
}
