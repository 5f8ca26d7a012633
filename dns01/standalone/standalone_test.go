package standalone

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/address"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/nameserver/values"
)

const zone delegation.Name = "_acme-challenge.www.example.com."

var loopback = address.Endpoint(netip.MustParseAddrPort("127.0.0.1:0"))

// begin returns a provider whose zone is served.
func begin(t *testing.T) (*Pool, dns01.Provider) {
	t.Helper()
	p := new(Pool)
	made, err := p.New(Config{Name: "www.example.com", Listen: []address.Endpoint{loopback}}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return p, made
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		p, made := begin(t)
		return made, conformance.World{
			Zone: zone,
			Most: values.MaxValues,
			Values: func(owner delegation.Name) []string {
				var all []string
				for _, v := range p.values.At(zone, owner) {
					all = append(all, v.Text)
				}
				return all
			},
			Add: func(owner delegation.Name, text string) {
				if err := p.values.Put(zone, values.Value{Owner: owner, Text: text, Key: "somebody else"}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// Two zones share a listener, and nothing listens afterwards.
func TestShared(t *testing.T) {
	own := fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)) // where nobody else takes the port
	free, err := net.ListenPacket("udp", own)
	if err != nil {
		t.Fatal(err)
	}
	addr := free.LocalAddr().(*net.UDPAddr).AddrPort()
	free.Close()
	p := new(Pool)
	var made []dns01.Provider
	zones := []delegation.Name{zone, "auth.example.net."}
	for _, z := range zones {
		one, err := p.New(Config{Name: "ns1." + z.Bare(), Listen: []address.Endpoint{address.Endpoint(addr)}}, z, dns01.Environment{})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, one)
	}
	stop, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, z := range zones {
		c := dns01.NewCredential("", z, made[i])
		record := dns01.Record{Zone: z, Owner: z, Value: `a "quoted" \ value`}
		if err := c.Append(t.Context(), z, []dns01.Record{record}); err != nil {
			t.Fatal(err)
		}
		for qtype, want := range map[uint16]int{dns.TypeSOA: 1, dns.TypeNS: 1, dns.TypeTXT: 1, dns.TypeA: 0} {
			r, err := dns.Exchange(new(dns.Msg).SetQuestion(z.String(), qtype), addr.String())
			if err != nil || !r.Authoritative || len(r.Answer) != want || want == 0 && len(r.Ns) != 1 {
				t.Errorf("%s %s: got %v, %v", z, dns.TypeToString[qtype], r, err)
			}
			if qtype == dns.TypeTXT && !strings.Contains(r.Answer[0].String(), `"a \"quoted\" \\ value"`) {
				t.Errorf("got %v", r.Answer)
			}
		}
		if got := p.witness.Asked(z); len(got) != 1 || !got[0].Served() {
			t.Errorf("witness: got %v", got)
		}
	}
	var taken *StartError
	other := new(Pool)
	if _, err := other.New(Config{Name: "x.example", Listen: []address.Endpoint{address.Endpoint(addr)}}, zone, dns01.Environment{}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Start(t.Context()); !errors.As(err, &taken) || !strings.Contains(err.Error(), "another program has this port") || !strings.HasPrefix(taken.Hint(), "ss -lntup") {
		t.Errorf("a taken port: got %v", err)
	}
	stop()
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatalf("after the end: got %v", err)
	}
	l.Close()
}

// Without a server nothing can be added, and what a killed run left is gone.
func TestNotServing(t *testing.T) {
	p := new(Pool)
	made, err := p.New(Config{Name: "www.example.com", Listen: []address.Endpoint{loopback}}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	c := dns01.NewCredential("", zone, made)
	records := []dns01.Record{{Zone: zone, Owner: zone, Value: "x"}}
	var unsent *dns01.UnwrittenError
	if err := c.Append(t.Context(), zone, records); !errors.As(err, &unsent) {
		t.Errorf("append: got %v, want an UnwrittenError", err)
	}
	if err := c.Delete(t.Context(), zone, records); err != nil {
		t.Errorf("delete: got %v", err)
	}
	if err := c.Ping(t.Context(), zone, nil); err == nil {
		t.Error("ping: got no error")
	}
}

func TestConfig(t *testing.T) {
	c := Config{Listen: []address.Endpoint{address.Endpoint(netip.MustParseAddrPort("0.0.0.0:53")), address.Endpoint(netip.MustParseAddrPort("192.0.2.1:53"))}}
	if got := c.addresses(); !slices.Equal(got, []netip.Addr{netip.MustParseAddr("192.0.2.1")}) {
		t.Errorf("got %v", got)
	}
}
