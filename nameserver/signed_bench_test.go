package nameserver

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// BenchmarkSigned measures answers of signed zones without sockets: one that is
// kept, and one to a name that nobody has asked for, with each proof. One
// signature is the floor of what cannot be kept.
func BenchmarkSigned(b *testing.B) {
	signer := newTestSigner(b)
	b.Run("one signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := (repeatable{signer.key}).Sign(nil, make([]byte, 32), dns.AlgorithmToHash[dns.ECDSAP256SHA256]); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, nsec := range map[string]bool{"compact": false, "nsec": true} {
		c := world()
		c.Zones[0].Signer, c.Zones[0].NSEC = signer, nsec
		for n := range 1000 {
			put(b, c.Values, auth, delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n)), "one")
		}
		s, out := newServer(b, c), make([]byte, 0, 4096)
		b.Run(name+"/kept", func(b *testing.B) {
			packed, _ := new(dns.Msg).SetQuestion("n1.auth.example.net.", dns.TypeTXT).SetEdns0(1232, true).Pack()
			for b.Loop() {
				s.quick(out, packed, somebody, false)
			}
		})
		b.Run(name+"/new name", func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				packed, _ := new(dns.Msg).SetQuestion(fmt.Sprintf("x%d.auth.example.net.", n), dns.TypeTXT).SetEdns0(1232, true).Pack()
				s.quick(out, packed, somebody, false)
			}
		})
	}
}
