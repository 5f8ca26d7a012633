package rfc2136_test

import (
	"fmt"
	"testing"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/lab/authority"
	"certctl/secret"
)

// BenchmarkRecords publishes records in one zone with two servers, waits for
// both and removes the records again.
func BenchmarkRecords(b *testing.B) {
	for _, n := range []int{1, 10, 100, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := authority.New()
			z := w.Zone(zone, "", "ns1.example.net.", "ns2.example.net.")
			k := z.Key("k")
			w.Run(b)
			p, err := rfc2136.New(rfc2136.Config{
				Server: w.Server("ns1.example.net.").Addr().String(),
				TSIG:   rfc2136.TSIG{Name: k.Name, Secret: secret.Plain(k.Secret)},
			}, zone, dns01.Environment{})
			if err != nil {
				b.Fatal(err)
			}
			ps := publications(w, dns01.NewCredential("", zone, p), n)
			for b.Loop() {
				if err := dns01.Publish(b.Context(), ps); err != nil {
					b.Fatal(err)
				}
				if err := dns01.Wait(b.Context(), &delegation.Client{}, ps, nil); err != nil {
					b.Fatal(err)
				}
				if _, err := dns01.Remove(b.Context(), ps); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func publications(w *authority.World, c *dns01.Credential, n int) []dns01.Publication {
	var servers []delegation.Server
	for _, name := range []string{"ns1.example.net.", "ns2.example.net."} {
		servers = append(servers, delegation.Server{Name: delegation.Name(name), Addrs: w.Server(name).Addrs()})
	}
	var ps []dns01.Publication
	for i := range n {
		t := &delegation.Target{Zone: zone, Owner: delegation.Name(fmt.Sprintf("n%d.%s", i, zone)), Servers: servers}
		ps = append(ps, dns01.Publication{Grant: dns01.Grant{Target: t, Credential: c}, Value: "hmac-of-the-token-and-the-account-key-in-b64"})
	}
	return ps
}
