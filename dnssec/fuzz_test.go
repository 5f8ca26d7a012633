package dnssec

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// asked is a question about example.test. and what its servers say to it.
type asked struct {
	name  delegation.Name
	qtype uint16
	wire  []byte
}

// believed returns what is believed of an answer, or nothing.
func (w *world) believed(q asked, m *dns.Msg) string {
	zone := w.zones["example.test."]
	v := &Validator{Now: w.validator().Now}
	rep := read(m, netip.AddrPort{})
	if q.qtype == dns.TypeDNSKEY {
		l := &Link{Zone: q.name, DS: []*dns.DS{zone.key.ToDS(dns.SHA256)}}
		if v.readKeys(l, l.DS, rep) != nil {
			return ""
		}
		return fmt.Sprint(l.Keys)
	}
	a, c := &Answer{}, &Chain{Name: q.name, Type: q.qtype}
	if v.prove(a, rep, c, &Link{Zone: "example.test.", trusted: []*dns.DNSKEY{zone.key}}) != nil {
		return ""
	}
	if a.Kind != Records {
		return fmt.Sprint(a.Kind, a.Alias)
	}
	return fmt.Sprint(a.Kind, a.Wildcard, data(find(rep.answer, q.name, q.qtype)))
}

// data returns the records of a set without their headers, each once.
func data(s *set) []string {
	var all []string
	for _, rr := range s.rrs {
		all = append(all, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// FuzzAnswer changes answers. Whatever becomes of them, nothing is believed but
// what the zone has signed.
func FuzzAnswer(f *testing.F) {
	w := newWorld(exampleText)
	var questions []asked
	for _, q := range []asked{
		{name: "www.example.test.", qtype: dns.TypeTXT},
		{name: "x.wild.example.test.", qtype: dns.TypeTXT},
		{name: "b.example.test.", qtype: dns.TypeTXT},
		{name: "www.example.test.", qtype: dns.TypeA},
		{name: "none.example.test.", qtype: dns.TypeTXT},
		{name: "alias.example.test.", qtype: dns.TypeTXT},
		{name: "x.tree.example.test.", qtype: dns.TypeTXT},
		{name: "example.test.", qtype: dns.TypeDNSKEY},
	} {
		m := new(dns.Msg).SetQuestion(string(q.name), q.qtype)
		m.SetEdns0(dns.DefaultMsgSize, true)
		r, _, err := w.ExchangeContext(context.Background(), m, w.Server("ns1.example.test.").Addr().String())
		if err != nil {
			f.Fatal(err)
		}
		if q.wire, err = r.Pack(); err != nil {
			f.Fatal(err)
		}
		if w.believed(q, r) == "" {
			f.Fatalf("%s: the honest answer is not believed: %v", q.name, r)
		}
		f.Add(uint8(len(questions)), q.wire)
		questions = append(questions, q)
	}
	f.Fuzz(func(t *testing.T, i uint8, wire []byte) {
		q := questions[int(i)%len(questions)]
		honest, m := new(dns.Msg), new(dns.Msg)
		if honest.Unpack(q.wire) != nil || m.Unpack(wire) != nil {
			return
		}
		want := w.believed(q, honest)
		if got := w.believed(q, m); got != "" && got != want {
			t.Errorf("%s: got %s, want %s, or to be refused:\n%v", q.name, got, want, m)
		}
	})
}
