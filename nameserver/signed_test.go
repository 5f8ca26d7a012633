package nameserver

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/debian"
	"certctl/nameserver/values"
)

func newTestSigner(t testing.TB) *Signer {
	t.Helper()
	signer, err := OpenSigner(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// all are the servers of a signedWorld.
var all = []string{"ours", "BIND", "Knot", "NSD"}

const org = delegation.Name("_acme-challenge.www.example.org.")

// signedWorld is our server with two signed zones, one with each proof, of which
// BIND, Knot and NSD have copies.
type signedWorld struct {
	t      *testing.T
	site   *debian.Site
	server *Server
	config Config
	signer *Signer
	key    debian.Key
	log    journal
	addrs  map[string]netip.AddrPort // of all servers
	anchor string                    // of the root
}

func newSignedWorld(t *testing.T) *signedWorld {
	w := &signedWorld{t: t, site: debian.New(t), signer: newTestSigner(t), key: debian.NewKey("transfer"), addrs: map[string]netip.AddrPort{}}
	for _, name := range all {
		w.addrs[name] = w.site.Addr()
	}
	w.configure()
	w.server = newServer(t, w.config)
	serve(t, w.server)
	until(t, "the zones are signed", func() bool { return w.signed(auth) && w.signed(org) })
	zones := []debian.Zone{{Name: string(auth), Primary: w.addrs["ours"], PrimaryKey: w.key}, {Name: string(org), Primary: w.addrs["ours"], PrimaryKey: w.key}}
	w.site.BIND(debian.Server{Addr: w.addrs["BIND"], Zones: zones})
	w.site.Knot(debian.Server{Addr: w.addrs["Knot"], Zones: zones})
	w.site.NSD(debian.Server{Addr: w.addrs["NSD"], Zones: zones})
	return w
}

func (w *signedWorld) signed(apex delegation.Name) bool {
	return !w.config.Values.Frame(apex).Signed.IsZero()
}

func (w *signedWorld) configure() {
	secret, err := base64.StdEncoding.DecodeString(w.key.Secret)
	if err != nil {
		w.t.Fatal(err)
	}
	c := world()
	c.Zones = []Zone{c.Zones[0], c.Zones[2]}
	c.Zones[0].NSEC = true
	c.Keys = []Key{{Name: "transfer.", Algorithm: w.key.Algorithm, Secret: secret}}
	c.Listen, c.Log = []netip.AddrPort{w.addrs["ours"]}, slog.New(slog.NewTextHandler(&w.log, nil))
	var hosts []Host
	for n, name := range all {
		hosts = append(hosts, Host{delegation.Name(fmt.Sprintf("ns%d.auth.example.net.", n+1)), []netip.Addr{w.addrs[name].Addr()}})
	}
	for n := range c.Zones {
		c.Zones[n].Signer, c.Zones[n].Servers = w.signer, hosts
		for _, name := range all[1:] {
			c.Zones[n].Secondaries = append(c.Zones[n].Secondaries, Peer{w.addrs[name], "transfer."})
		}
	}
	put(w.t, c.Values, auth, "www.auth.example.net.", "one", "two")
	put(w.t, c.Values, auth, "x.y.auth.example.net.", "deep")
	put(w.t, c.Values, auth, `a\.b.auth.example.net.`, "dotted")
	put(w.t, c.Values, org, org, "three")
	for n := range 50 {
		put(w.t, c.Values, auth, "many.auth.example.net.", fmt.Sprintf("%043d", n))
	}
	w.config = c
}

// above makes the zone above delegate to all servers.
func (w *signedWorld) above() {
	var text strings.Builder
	for _, apex := range []delegation.Name{auth, org} {
		fmt.Fprintln(&text, w.signer.DS(apex))
		for n, host := range w.config.Zones[0].Servers {
			fmt.Fprintf(&text, "%s 60 IN NS %s\n", apex, host.Name)
			if apex == auth {
				fmt.Fprintf(&text, "%s 60 IN A %s\n", host.Name, host.Addrs[0])
			}
			w.site.Serves(debian.Delegation{Zone: string(apex), Servers: []netip.AddrPort{netip.AddrPortFrom(w.config.Zones[0].Servers[n].Addrs[0], w.site.Port)}})
		}
	}
	_, w.anchor = w.site.SignedRoot(text.String())
}

// asked are questions of all kinds, and what each answer comes to.
var asked = []struct {
	question string
	absent   bool
}{
	{"auth.example.net. SOA", false},
	{"auth.example.net. NS", false},
	{"auth.example.net. DNSKEY", false},
	{"auth.example.net. CDS", false},
	{"auth.example.net. CAA", false},
	{"auth.example.net. MX", true},
	{"ns1.auth.example.net. A", false},
	{"ns1.auth.example.net. AAAA", true},
	{"www.auth.example.net. TXT", false},
	{"WWW.auth.example.net. TXT", false},
	{"many.auth.example.net. TXT", false},
	{`a\.b.auth.example.net. TXT`, false},
	{"x.y.auth.example.net. TXT", false},
	{"y.auth.example.net. TXT", true},
	{"b.auth.example.net. A", true},
	{"none.auth.example.net. TXT", true},
	{"0.auth.example.net. TXT", true},
	{"zzz.auth.example.net. TXT", true},
	{"q.y.auth.example.net. TXT", true},
	{"a.b.c.none.auth.example.net. TXT", true},
	{"z.www.auth.example.net. TXT", true},
	{"*.auth.example.net. TXT", true},
	{`\000.auth.example.net. TXT`, true},
	{"_acme-challenge.www.example.org. TXT", false},
	{"_acme-challenge.www.example.org. CAA", true},
	{"a._acme-challenge.www.example.org. TXT", true},
}

// validates has BIND's validator judge the answers of servers, each alone.
func (w *signedWorld) validates(servers ...string) {
	w.t.Helper()
	anchors := filepath.Join(w.t.TempDir(), "anchors")
	var text strings.Builder
	for _, apex := range []delegation.Name{auth, org} {
		ds := w.signer.DS(apex)
		fmt.Fprintf(&text, "trust-anchors { %s static-ds %d %d %d %q; };\n", apex, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
	}
	if err := os.WriteFile(anchors, []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	for _, server := range servers {
		running.Go(func() {
			for _, q := range asked {
				w.delv(server, anchors, q.question, q.absent)
			}
		})
	}
}

func (w *signedWorld) delv(server, anchors, question string, absent bool) {
	name, qtype, _ := strings.Cut(question, " ")
	root, addr := auth, w.addrs[server]
	if strings.HasSuffix(name, string(org)) {
		root = org
	}
	out, err := exec.Command("delv", "@"+addr.Addr().String(), "-p", fmt.Sprint(addr.Port()), "-a", anchors, "+root="+string(root), name, qtype).CombinedOutput()
	negative := strings.Contains(string(out), "negative response, fully validated")
	if err != nil || negative != absent || !strings.Contains(string(out), "fully validated") {
		w.t.Errorf("%s: delv %s: %v, want absent %v\n%s", server, question, err, absent, out)
	}
}

// follow waits until all have the zone with our serial, and looks at each copy
// as a whole.
func (w *signedWorld) follow(apex delegation.Name) {
	w.t.Helper()
	var first string
	for _, server := range all {
		until(w.t, server, func() bool {
			m := exchange(w.t, w.addrs[server], string(apex), dns.TypeSOA)
			return len(m.Answer) == 1 && m.Answer[0].(*dns.SOA).Serial == w.config.Values.Serial(apex)
		})
		text := w.copy(server, apex)
		if first == "" {
			first = text
			w.verify(apex, text)
		} else if text != first {
			w.t.Errorf("%s: %s has\n%s\nand we have\n%s", apex, server, text, first)
		}
	}
}

// copy returns a zone as a server transfers it, sorted.
func (w *signedWorld) copy(server string, apex delegation.Name) string {
	w.t.Helper()
	tr, m := dns.Transfer{}, new(dns.Msg).SetAxfr(string(apex))
	if server == "ours" {
		tr.TsigSecret = map[string]string{"transfer.": w.key.Secret}
		m.SetTsig("transfer.", dns.HmacSHA256, 300, time.Now().Unix())
	}
	envelopes, err := tr.In(m, w.addrs[server].String())
	if err != nil {
		w.t.Fatalf("%s: %v", server, err)
	}
	var list []dns.RR
	for e := range envelopes {
		if e.Error != nil {
			w.t.Fatalf("%s: %v", server, e.Error)
		}
		list = append(list, e.RR...)
	}
	var lines []string
	for _, rr := range list[1:] {
		lines = append(lines, rr.String()+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// verify has other people's programs look at a whole zone.
func (w *signedWorld) verify(apex delegation.Name, text string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "zone")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if out, err := exec.Command("dnssec-verify", "-z", "-o", string(apex), path).CombinedOutput(); err != nil {
		w.t.Errorf("dnssec-verify: %v\n%s%s", err, out, text)
	}
}

// TestSignedSecondaries has BIND, Knot and NSD get signed zones, follow every
// change, and get new signatures: what each of them says of everything is
// believed, and all of them have the very same zone.
func TestSignedSecondaries(t *testing.T) {
	requireProgram(t, "delv", "bind9-dnsutils")
	requireProgram(t, "dnssec-verify", "bind9-utils")
	w := newSignedWorld(t)
	w.above()
	w.follow(auth)
	w.follow(org)
	w.validates(all...)
	for name, resolver := range map[string]*debian.Host{"Unbound": w.site.UnboundMinimising(w.anchor), "Let's Encrypt": w.site.Unbound(w.anchor)} {
		for range 3 { // it asks another server each time
			for _, q := range asked {
				w.resolves(name, resolver.Addr, q.question, q.absent)
			}
		}
	}
	w.changes()
	w.validates("ours")
}

// resolves asks a validating resolver.
func (w *signedWorld) resolves(resolver string, addr netip.AddrPort, question string, absent bool) {
	w.t.Helper()
	name, qtype, _ := strings.Cut(question, " ")
	q := new(dns.Msg).SetQuestion(name, dns.StringToType[qtype])
	q.AuthenticatedData = true
	client := dns.Client{Net: "tcp", Timeout: 10 * time.Second}
	m, _, err := client.Exchange(q, addr.String())
	if err != nil || m.Rcode == dns.RcodeServerFailure || !m.AuthenticatedData || len(m.Answer) == 0 != absent {
		w.t.Errorf("%s: %s: %v, %v", resolver, question, err, m)
	}
}

// changes has every kind of change get around.
func (w *signedWorld) changes() {
	w.t.Helper()
	value := values.Value{Owner: "m.x.y.auth.example.net.", Text: "new", Key: "k", TTL: 5}
	apex := values.Value{Owner: auth, Text: "apex", Key: "k"}
	store, before := w.config.Values, w.log.count("msg=transfer ")
	for _, change := range []func() error{
		func() error { return store.Put(auth, value, apex) },
		func() error { return store.Put(auth, values.Value{Owner: value.Owner, Text: "other", Key: "k"}) },
		func() error { return store.Remove(auth, apex, value) },
		func() error { return store.Remove(auth, store.At(auth, value.Owner)...) },
	} {
		if err := change(); err != nil {
			w.t.Fatal(err)
		}
		w.follow(auth)
	}
	if n := w.log.count("msg=transfer "); n > before+4*4 {
		w.t.Errorf("got %d transfers for four changes, three secondaries and us: some were of no use", n-before)
	}
	old := values.Frame{Digest: store.Frame(auth).Digest, Signed: time.Now().Add(-signAgain).Truncate(time.Second).UTC()}
	if err := store.SetFrame(auth, old); err != nil {
		w.t.Fatal(err)
	}
	w.server.frameAll()
	if !store.Frame(auth).Signed.After(old.Signed) {
		w.t.Errorf("got no new signatures")
	}
	w.follow(auth)
	w.config.Zones[0].Records = append(w.config.Zones[0].Records, "new A 192.0.2.9")
	if err := w.server.Reload(w.config); err != nil {
		w.t.Fatal(err)
	}
	w.follow(auth)
	if m := exchange(w.t, w.addrs["NSD"], "new.auth.example.net.", dns.TypeA); len(m.Answer) != 1 {
		w.t.Errorf("got %v of a record that is new in the configuration", m)
	}
}

func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Count(j.text.Bytes(), []byte(words))
}
