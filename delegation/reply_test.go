package delegation

import (
	"testing"

	"github.com/miekg/dns"
)

// Whatever a server sends, it cannot lead out of its zone, upward, or to a
// zone that the name is not in.
func FuzzRead(f *testing.F) {
	q := new(dns.Msg).SetQuestion(string(challenge), dns.TypeCNAME)
	for _, m := range []*dns.Msg{refer("www.example.com.", "ns.example.net.")(q), soaOf("example.com.")(q), soaOf("com.")(q), refer(".", "a.root.")(q)} {
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil {
			return
		}
		z := &zone{apex: "example.com.", parent: &zone{apex: root}}
		rep, failed := read(z, peer{}, m, challenge, dns.TypeCNAME, 53)
		switch {
		case (rep == nil) == (failed == nil):
			t.Fatalf("got %v, %v, want one of them", rep, failed)
		case rep == nil:
		case rep.cut != nil && !(rep.cut.apex.isBelow(z.apex) && challenge.IsAtOrBelow(rep.cut.apex)):
			t.Fatalf("referred to %s", rep.cut.apex)
		case rep.apex != "" && !(rep.apex.IsAtOrBelow(z.apex) && challenge.IsAtOrBelow(rep.apex)):
			t.Fatalf("in zone %s", rep.apex)
		case rep.cut == nil && !m.Authoritative:
			t.Fatal("believed without authority")
		}
	})
}
