package debian_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"certctl/cli"
	"certctl/lab/debian"
)

// estate is a site with servers of every brand, and what a user of certctl has
// for it.
type estate struct {
	site     *debian.Site
	resolver netip.AddrPort
	places   []place
	entries  []entry
}

// place is where one validation record goes, and who serves it.
type place struct {
	domain, owner string
	servers       []netip.AddrPort
}

// entry is one of zones: in the configuration.
type entry struct {
	scope  string
	zone   string
	key    debian.Key
	server string // "": the zone's primary
	api    string // URL of PowerDNS's API, in place of key and server

	registrations string // file for acme-dns, in place of all that
}

// newEstate starts the servers. The main zone, example.com, is on NSD and takes
// no updates; each place has a key of its own, as narrow as its server allows.
func newEstate(t *testing.T) *estate {
	t.Helper()
	site := debian.New(t)
	bind, pdns, knot, nsd := site.Addr(), site.Addr(), site.Addr(), site.Addr()
	delegate := func(zone string, servers ...netip.AddrPort) debian.Delegation {
		return debian.Delegation{Zone: zone, Servers: servers}
	}
	com, org := delegate("example.com.", nsd), delegate("example.org.", bind)
	auth, shop := delegate("auth.example.net.", bind, knot, nsd), delegate("shop.example.net.", pdns, nsd)
	api := delegate("_acme-challenge.api.example.com.", knot, nsd)

	e := &estate{
		site: site,
		places: []place{
			{"example.com", "example-com.auth.example.net.", auth.Servers},
			{"*.example.com", "example-com.auth.example.net.", auth.Servers},
			{"www.example.com", "www.auth.example.net.", auth.Servers},
			{"shop.example.com", "a.b.shop.example.net.", shop.Servers},
			{"api.example.com", api.Zone, api.Servers},
			{"plain.example.org", "_acme-challenge.plain.example.org.", org.Servers},
		},
		entries: []entry{
			{scope: auth.Zone, key: debian.NewKey("certctl-auth")},
			{scope: shop.Zone, key: debian.NewKey("certctl-shop"), server: pdns.String()},
			{scope: api.Zone, key: debian.NewKey("certctl-api")},
			{scope: "_acme-challenge.plain.example.org.", zone: org.Zone, key: debian.NewKey("certctl-plain")},
		},
	}
	grant := func(i int, owner string) []debian.Grant { return []debian.Grant{{Key: e.entries[i].key, Owner: owner}} }
	site.BIND(debian.Server{Addr: bind, Zones: []debian.Zone{
		{Name: auth.Zone, Text: soa + auth.String(), Grants: grant(0, ""), Secondaries: []netip.AddrPort{knot, nsd}},
		{Name: org.Zone, Text: soa + org.String(), Grants: grant(3, e.entries[3].scope)},
	}})
	site.PowerDNS(debian.Server{Addr: pdns, Zones: []debian.Zone{
		{Name: shop.Zone, Text: soa + shop.String(), Grants: grant(1, ""), Secondaries: []netip.AddrPort{nsd}},
	}})
	site.Knot(debian.Server{Addr: knot, Zones: []debian.Zone{
		{Name: auth.Zone, Primary: bind},
		{Name: api.Zone, Text: soa + api.String(), Grants: grant(2, api.Zone), Secondaries: []netip.AddrPort{nsd}},
	}})
	site.NSD(debian.Server{Addr: nsd, Zones: []debian.Zone{
		{Name: auth.Zone, Primary: bind},
		{Name: shop.Zone, Primary: pdns},
		{Name: api.Zone, Primary: knot},
		{Name: com.Zone, Text: soa + com.String() + api.String() + aliasesOfMain},
	}})
	site.Root(com, org, auth, shop)
	e.resolver = site.Unbound().Addr
	return e
}

const aliasesOfMain = `
_acme-challenge      CNAME example-com.auth.example.net.
_acme-challenge.www  CNAME www.auth.example.net.
_acme-challenge.shop CNAME a.b.shop.example.net.
`

// config writes certctl.yaml and returns its path.
func (e *estate) config(t *testing.T, directory string, root []byte) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`
acme: {directory: %q, email: ops@example.com, agree_tos: true, ca_file: ca.pem}
state: state
resolver: {servers: [%q], port: %d}
zones:
`, directory, e.resolver, e.site.Port)
	for _, z := range e.entries {
		text += z.config()
	}
	for name, content := range map[string][]byte{"certctl.yaml": []byte(text), "ca.pem": root} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "certctl.yaml")
}

// config returns the entry's lines.
func (z entry) config() string {
	if z.registrations != "" {
		return fmt.Sprintf("  %s:\n    provider: acme-dns\n    storage: %q\n", z.scope, z.registrations)
	}
	if z.api != "" {
		return fmt.Sprintf("  %s:\n    provider: powerdns\n    url: %q\n    api_key: %s\n", z.scope, z.api, apiKey)
	}
	text := fmt.Sprintf("  %s:\n    provider: rfc2136\n    tsig: {name: %s, secret: %q}\n", z.scope, z.key.Name, z.key.Secret)
	if z.zone != "" {
		text += fmt.Sprintf("    zone: %s\n", z.zone)
	}
	if z.server != "" {
		text += fmt.Sprintf("    server: %q\n", z.server)
	}
	return text
}

// startPebble starts a CA that asks a resolver, and returns its directory and
// the root of its own TLS.
func startPebble(t *testing.T, resolver netip.AddrPort) (directory string, root []byte) {
	t.Helper()
	logger, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {ValidityPeriod: 7776000}}
	issuer := ca.New(logger, store, "", "ecdsa", 0, 1, profiles)
	validator := va.New(logger, 5002, 5001, false, resolver.String(), store)
	front := wfe.New(logger, store, validator, issuer, []string{"example.com"}, false, false, 3, 5)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server.URL + wfe.DirectoryPath, root
}

// TestIssue issues one certificate for names that are delegated in every way,
// to servers of every brand, by a CA that asks Unbound.
func TestIssue(t *testing.T) {
	t.Parallel()
	newEstate(t).issue(t)
}

// issue issues one certificate for all places, and checks that nothing is left.
func (e *estate) issue(t *testing.T) {
	t.Helper()
	directory, root := startPebble(t, e.resolver)
	config := e.config(t, directory, root)
	args := []string{"certctl", "--config", config, "issue"}
	var want []string
	for _, p := range e.places {
		args, want = append(args, "-d", p.domain), append(want, p.domain)
	}
	var stdout, stderr bytes.Buffer
	begin := time.Now()
	err := cli.Run(t.Context(), &cli.Process{
		Args: args, Getenv: func(string) string { return "" },
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
	})
	t.Logf("issued in %v:\n%s%s", time.Since(begin), &stdout, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	leaf := readLeaf(t, filepath.Join(filepath.Dir(config), "state", "live", "example.com", "fullchain.pem"))
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(leaf.DNSNames)); !slices.Equal(got, want) {
		t.Errorf("names of the certificate: got %q, want %q", got, want)
	}
	e.checkGone(t)
}

func readLeaf(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// checkGone checks that the primaries have no record left. Secondaries follow
// in their own time.
func (e *estate) checkGone(t *testing.T) {
	t.Helper()
	for _, p := range e.places {
		if rcode, values := ask(t, p.servers[0], p.owner); len(values) > 0 {
			t.Errorf("%s at %s: got %s %q, want nothing left", p.owner, p.servers[0], rcode, values)
		}
	}
}
