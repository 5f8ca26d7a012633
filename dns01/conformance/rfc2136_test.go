package conformance_test

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/rfc2136"
	"certctl/lab/authority"
	"certctl/secret"
)

const zone delegation.Name = "auth.example.net."

func TestRFC2136(t *testing.T) { conformance.Test(t, beginUpdates) }

// beginUpdates returns a provider for a zone on a server with UPDATE.
func beginUpdates(t *testing.T) (dns01.Provider, conformance.World) {
	w := authority.New()
	z := w.Zone(zone.String(), "", "ns1.example.net.")
	key := z.Key("certctl-auth")
	w.Run(t)
	p, err := rfc2136.New(rfc2136.Config{
		Server: w.Server("ns1.example.net.").Addr().String(),
		TSIG:   rfc2136.TSIG{Name: key.Name, Algorithm: key.Algorithm, Secret: secret.Plain(key.Secret)},
	}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p, conformance.World{
		Zone:    zone,
		Values:  func(owner delegation.Name) []string { return values(t, z, owner) },
		Add:     func(owner delegation.Name, value string) { z.Add(fmt.Sprintf("%s 60 IN TXT %q", owner, value)) },
		Secrets: []string{key.Secret},
	}
}

// values returns the values of the TXT records that a zone has at an owner.
func values(t *testing.T, z *authority.Zone, owner delegation.Name) []string {
	t.Helper()
	var found []string
	for _, text := range z.Records("TXT") {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		if rr.Header().Name == owner.String() {
			found = append(found, plain(rr.(*dns.TXT)))
		}
	}
	return found
}

// plain returns a record's value without the escapes of its presentation
// (RFC 1035 §5.1).
func plain(rr *dns.TXT) string {
	var value []byte
	for _, s := range rr.Txt {
		for i := 0; i < len(s); i++ {
			if s[i] != '\\' {
				value = append(value, s[i])
				continue
			}
			var code int
			if n, _ := fmt.Sscanf(s[i+1:min(len(s), i+4)], "%3d", &code); n == 1 {
				value, i = append(value, byte(code)), i+3
			} else {
				value, i = append(value, s[i+1]), i+1
			}
		}
	}
	return string(value)
}
