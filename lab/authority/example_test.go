package authority_test

import (
	"context"
	"fmt"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// A world with a CNAME that leads from a zone without keys into a dedicated
// challenge zone with two servers. Root and delegations come by themselves.
func Example() {
	w := authority.New()
	w.Zone("example.com.", `
		_acme-challenge CNAME example-com.auth.example.net.
	`, "ns1.example.com.")
	auth := w.Zone("auth.example.net.", "", "ns1.example.net.", "ns2.example.net.")
	auth.Key("certctl-auth")
	w.Server("ns2.example.net.").Lag(authority.Never)

	auth.Add(`example-com TXT "hello"`)
	q := new(dns.Msg).SetQuestion("example-com.auth.example.net.", dns.TypeTXT)
	for _, name := range []string{"ns1.example.net.", "ns2.example.net."} {
		r, _, err := w.UDP().ExchangeContext(context.Background(), q, w.Server(name).Addr().String())
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(name, dns.RcodeToString[r.Rcode], len(r.Answer))
	}
	// Output:
	// ns1.example.net. NOERROR 1
	// ns2.example.net. NXDOMAIN 0
}
