package debian_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"certctl/cli"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/acmedns"
	"certctl/dns01/conformance"
	"certctl/lab/debian"
)

// registered makes registrations for domains, and returns their names.
func registered(t *testing.T, h *debian.Host, file string, from []string, domains ...string) []delegation.Name {
	t.Helper()
	book, err := acmedns.OpenBook(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []delegation.Name
	for _, d := range domains {
		if err := book.Register(t.Context(), h.API, "", d, from); err != nil {
			t.Fatal(err)
		}
		name, _ := book.Name(d)
		names = append(names, name)
	}
	return names
}

func TestAcmeDNS(t *testing.T) {
	t.Parallel()
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		site := debian.New(t)
		h, file := site.AcmeDNS(site.Addr(), authZone), filepath.Join(t.TempDir(), "registrations.json")
		full := registered(t, h, file, []string{"127.0.0.0/8"}, "example.com")[0]
		p, err := acmedns.New(acmedns.Config{Storage: acmedns.Storage(file)}, full, dns01.Environment{})
		if err != nil {
			t.Fatal(err)
		}
		return p, conformance.World{Zone: full, Newest: 2, Values: func(owner delegation.Name) []string {
			_, values := ask(t, h.Addr, owner.String())
			return values
		}}
	})
}

// TestIssueAcmeDNS has names served by three registrations: one of three names,
// which take turns, one that takes updates from here, and one that does not.
func TestIssueAcmeDNS(t *testing.T) {
	t.Parallel()
	site := debian.New(t)
	addr, nsd := site.Addr(), site.Addr()
	h, file := site.AcmeDNS(addr, authZone), filepath.Join(t.TempDir(), "registrations.json")
	auth := debian.Delegation{Zone: authZone, Servers: []netip.AddrPort{addr}}
	com := debian.Delegation{Zone: "example.com.", Servers: []netip.AddrPort{nsd}}
	names := registered(t, h, file, nil, "a.example.com")
	names = append(names, registered(t, h, file, []string{"127.0.0.0/8"}, "near.example.com")...)
	names = append(names, registered(t, h, file, []string{"192.0.2.0/24"}, "far.example.com")...)
	text := soa + com.String()
	for domain, name := range map[string]delegation.Name{"a": names[0], "b": names[0], "c": names[0], "near": names[1], "far": names[2]} {
		text += fmt.Sprintf("_acme-challenge.%s CNAME %s\n", domain, name)
	}
	site.NSD(debian.Server{Addr: nsd, Zones: []debian.Zone{{Name: com.Zone, Text: text}}})
	site.Root(com, auth)
	e := &estate{site: site, resolver: site.Unbound().Addr, entries: []entry{{scope: auth.Zone, registrations: file}}}
	directory, root := startPebble(t, e.resolver)
	config := e.config(t, directory, root)
	run := func(args ...string) (string, error) {
		var stdout, stderr bytes.Buffer
		err := cli.Run(t.Context(), &cli.Process{
			Args: append([]string{"certctl", "--config", config}, args...), Getenv: func(string) string { return "" },
			Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		})
		t.Logf("%s:\n%s%s%v", args, &stdout, &stderr, err)
		return stdout.String(), err
	}
	if _, err := run("issue", "-d", "a.example.com", "-d", "*.a.example.com", "-d", "b.example.com", "-d", "c.example.com", "-d", "near.example.com"); err != nil {
		t.Error(err)
	}
	if _, err := run("issue", "-d", "far.example.com"); err == nil || !strings.Contains(err.Error(), "401 forbidden") || !strings.Contains(err.Error(), "allowfrom") {
		t.Errorf("got %v, want 401 and a word about allowfrom", err)
	}
	out, err := run("delegate", "-d", "new.example.com", "-d", "near.example.com", "--acme-dns", h.API, "--registrations", file)
	if err != nil || !strings.Contains(out, names[1].String()) {
		t.Errorf("got %v, want a new registration, and %s again", err, names[1])
	}
}
