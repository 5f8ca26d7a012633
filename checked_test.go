//go:build unix

package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"certctl/lab"
	"certctl/lab/debian"
)

// TestCheckOfNameServer has certctl check look at names whose records go to two
// name servers of our own, a primary and a secondary with signed zones, below
// real signed parents. It finds nothing to complain about, and a value that it
// writes gets to both. Nor does certctl nameserver check.
func TestCheckOfNameServer(t *testing.T) {
	site, w := debian.New(t), &checkedWorld{t: t, dir: t.TempDir(), transfer: debian.NewKey("transfer"), update: debian.NewKey("update")}
	w.program = installed(t)
	w.servers = []netip.AddrPort{site.Addr(), site.Addr()}
	w.configure()
	ds := w.run("primary.yaml", "nameserver", "ds", "auth.example.net", direct)
	if err := os.CopyFS(filepath.Join(w.dir, "secondary", "keys"), os.DirFS(filepath.Join(w.dir, "primary", "keys"))); err != nil {
		t.Fatal(err)
	}
	w.start("primary.yaml")
	w.start("secondary.yaml")
	resolver := w.parents(site, ds)
	write(t, filepath.Join(w.dir, "client.yaml"), fmt.Sprintf(`
state: client
resolver: {servers: ["%s"], port: %d, trust_anchors: anchors}
zones:
  auth.example.net: {provider: rfc2136, server: "%s", tsig: {name: update, secret: "%s"}}
  %s: {provider: rfc2136, server: "%[3]s", tsig: {name: update, secret: "%[4]s"}}
`, resolver, site.Port, w.servers[0], w.update.Secret, direct))
	w.finds(w.run("client.yaml", "check", "--offline", "--canary", "-v", "-d", "www.example.com", "-d", "direct.example.com"), "dnssec-secure", "canary", "serial")
	primary, err := os.ReadFile(filepath.Join(w.dir, "primary.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(w.dir, "looking.yaml"), fmt.Sprintf("%s\nresolver: {servers: [\"%s\"], port: %d, trust_anchors: anchors}\n", primary, resolver, site.Port))
	w.finds(w.run("looking.yaml", "nameserver", "check", "-v"), "dnssec-secure")

	w.issues("unbound", site.Unbound(w.anchor).Addr, site.Port)
	w.issues("bind", site.BINDResolver(w.anchor).Addr, site.Port)
}

// issues orders a certificate from a CA that asks a resolver, which validates, for
// what our name servers have.
func (w *checkedWorld) issues(name string, resolver netip.AddrPort, port uint16) {
	w.t.Helper()
	l, err := lab.Start(w.t.Context(), lab.Options{Dir: w.t.TempDir(), CA: lab.CA{Resolver: resolver, NonceReject: -1}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	write(w.t, filepath.Join(w.dir, name+".yaml"), fmt.Sprintf(`
acme: {directory: "%s", agree_tos: true, ca_file: %s/ca.pem}
state: %s
resolver: {servers: ["%s"], port: %d}
zones:
  auth.example.net: {provider: rfc2136, server: "%s", tsig: {name: update, secret: "%s"}}
  %s: {provider: rfc2136, server: "%[6]s", tsig: {name: update, secret: "%[7]s"}}
`, l.Directory, l.Dir, name, resolver, port, w.servers[0], w.update.Secret, direct))
	out := w.run(name+".yaml", "issue", "-d", "www.example.com", "-d", "*.www.example.com", "-d", "direct.example.com")
	if !strings.Contains(out, "direct.example.com: the CA says valid") || !strings.Contains(out, "www.example.com: certificate issued") {
		w.t.Errorf("%s: got\n%s", name, out)
	}
}

// finds checks that a report has these words and no complaints.
func (w *checkedWorld) finds(out string, words ...string) {
	t := w.t
	t.Helper()
	for _, word := range words {
		if !regexp.MustCompile(`(?m)^  info +` + word + ` `).MatchString(out) {
			t.Errorf("got no %s", word)
		}
	}
	if found := regexp.MustCompile(`(?m)^  (?:warning|error) .*$`).FindAllString(out, -1); len(found) > 0 {
		t.Errorf("got complaints:\n%s", strings.Join(found, "\n"))
	}
	if t.Failed() {
		t.Log(out)
	}
}

const direct = "_acme-challenge.direct.example.com"

// checkedWorld is two name servers of our own, and what is around them.
type checkedWorld struct {
	t                *testing.T
	dir, program     string
	anchor           string // DNSKEY of the root
	servers          []netip.AddrPort
	transfer, update debian.Key
}

// configure writes the configurations of the two servers.
func (w *checkedWorld) configure() {
	common := fmt.Sprintf(`
nameserver:
  state: %%s
  listen: ["%%s"]
  servers:
    ns1.auth.example.net: {addresses: ["%s"]}
    ns2.auth.example.net: {addresses: ["%s"]}
  zones:
    auth.example.net: {dnssec: true}
    %s: {dnssec: true}
  keys:
    transfer: {secret: "%s"}
    update: {secret: "%s", names: [www.auth.example.net, %[3]s]}
  %%s: {address: "%%s", key: transfer}
`, w.servers[0].Addr(), w.servers[1].Addr(), direct, w.transfer.Secret, w.update.Secret)
	write(w.t, filepath.Join(w.dir, "primary.yaml"), fmt.Sprintf(common, "primary", w.servers[0], "secondaries", w.servers[1]))
	write(w.t, filepath.Join(w.dir, "secondary.yaml"), fmt.Sprintf(common, "secondary", w.servers[1], "primary", w.servers[0]))
}

// parents starts the zones above, all signed, and a resolver.
func (w *checkedWorld) parents(site *debian.Site, ds string) (resolver netip.AddrPort) {
	addrs := []netip.AddrPort{site.Addr(), site.Addr()}
	com := debian.Delegation{Zone: "example.com.", Servers: addrs}
	auth := fmt.Sprintf("ns1.auth.example.net. 60 IN A %s\nns2.auth.example.net. 60 IN A %s\n", w.servers[0].Addr(), w.servers[1].Addr())
	cuts := map[string]string{}
	for line := range strings.Lines(ds) {
		zone, _, _ := strings.Cut(line, " ")
		zone = strings.TrimSuffix(zone, ".") + "."
		cuts[zone] = line + fmt.Sprintf("%s 60 IN NS ns1.auth.example.net.\n%[1]s 60 IN NS ns2.auth.example.net.\n", zone)
		site.Serves(debian.Delegation{Zone: zone, Servers: w.servers})
	}
	zone, above := site.Sign(debian.Zone{Name: com.Zone, Text: "@ 3600 SOA ns1 hostmaster 1 3600 600 864000 60\n" + com.String() + cuts[direct+"."] +
		"_acme-challenge.www CNAME www.auth.example.net.\nwww A 192.0.2.1\ndirect A 192.0.2.1\n@ CAA 0 issue \"letsencrypt.org\"\n"}, debian.Signing{})
	for _, a := range addrs {
		site.NSD(debian.Server{Addr: a, Zones: []debian.Zone{zone}})
	}
	_, w.anchor = site.SignedRoot(com.String() + above + cuts["auth.example.net."] + auth)
	write(w.t, filepath.Join(w.dir, "anchors"), w.anchor+"\n")
	return site.Unbound(w.anchor).Addr
}

// command is certctl with a configuration.
func (w *checkedWorld) command(config string, args ...string) *exec.Cmd {
	cmd := exec.Command(w.program, append([]string{"--config", config}, args...)...)
	cmd.Dir = w.dir
	return cmd
}

// run runs certctl, which must end well, and returns what it prints.
func (w *checkedWorld) run(config string, args ...string) string {
	w.t.Helper()
	out, err := w.command(config, args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("certctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// start runs a name server until the test is over.
func (w *checkedWorld) start(config string) {
	w.t.Helper()
	var output buffer
	cmd := w.command(config, "nameserver")
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("%s:\n%s", config, &output)
		}
	})
	late := time.Now().Add(patience)
	for ; !strings.Contains(output.String(), "listening"); <-time.After(5 * time.Millisecond) {
		if time.Now().After(late) {
			w.t.Fatalf("%s: it does not listen", config)
		}
	}
}
