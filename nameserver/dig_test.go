package nameserver

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"certctl/delegation"
)

// dug is one question to dig, and what it prints about the answer: rcode, flags
// and the records by section and type, and what else it remarks.
type dug struct{ question, plain, signed string }

// digs are all kinds of answers, of zones without signatures and with them. In the signed world all ask with +dnssec.
var digs = []dug{
	{"auth.example.net SOA", "NOERROR aa | 1 SOA", "NOERROR aa | 1 RRSIG 1 SOA (do)"},
	{"auth.example.net NS", "NOERROR aa | 2 NS |  | 1 A 1 AAAA", "NOERROR aa | 2 NS 1 RRSIG |  | 1 A 1 AAAA (do)"},
	{"ns1.auth.example.net A", "NOERROR aa | 1 A", "NOERROR aa | 1 A 1 RRSIG (do)"},
	{"ns1.auth.example.net AAAA", "NOERROR aa | 1 AAAA", "NOERROR aa | 1 AAAA 1 RRSIG (do)"},
	{"auth.example.net CAA", "NOERROR aa | 1 CAA", "NOERROR aa | 1 CAA 1 RRSIG (do)"},
	{"auth.example.net DNSKEY", "NOERROR aa |  | 1 SOA", "NOERROR aa | 1 DNSKEY 1 RRSIG (do)"},
	{"auth.example.net CDS", "NOERROR aa |  | 1 SOA", "NOERROR aa | 1 CDS 1 RRSIG (do)"},
	{"single.auth.example.net TXT", "NOERROR aa | 1 TXT", "NOERROR aa | 1 RRSIG 1 TXT (do)"},
	{"www.auth.example.net TXT", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"wWw.AUTH.example.net TXT", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"many.auth.example.net TXT", "NOERROR aa | 50 TXT TCP", "NOERROR aa | 1 RRSIG 50 TXT (do) TCP"},
	{"many.auth.example.net TXT +ignore", "NOERROR aa tc", "NOERROR aa tc (do)"},
	{"many.auth.example.net TXT +bufsize=512 +ignore", "NOERROR aa tc", "NOERROR aa tc (do)"},
	{"many.auth.example.net TXT +bufsize=4096 +ignore", "NOERROR aa tc", "NOERROR aa tc (do)"},
	{"many.auth.example.net TXT +noedns +ignore", "NOERROR aa tc (no EDNS)", "NOERROR aa tc (do)"},
	{"many.auth.example.net TXT +tcp", "NOERROR aa | 50 TXT TCP", "NOERROR aa | 1 RRSIG 50 TXT (do) TCP"},
	{"www.auth.example.net A", "NOERROR aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"y.auth.example.net TXT", "NOERROR aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"y.auth.example.net ANY +notcp", "NOERROR aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"none.auth.example.net TXT", "NXDOMAIN aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"z.www.auth.example.net TXT", "NXDOMAIN aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"www.auth.example.net ANY +notcp", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"www.auth.example.net ANY", "NOERROR aa | 2 TXT TCP", "NOERROR aa | 1 RRSIG 2 TXT (do) TCP"},
	{"auth.example.net ANY +notcp", "NOERROR aa | 1 CAA", "NOERROR aa | 1 CAA 1 RRSIG (do)"},
	{"www.auth.example.net TYPE65280", "NOERROR aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"www.auth.example.net NSEC", "NOERROR aa |  | 1 SOA", "NOERROR aa | 1 NSEC 1 RRSIG (do)"},
	{"auth.example.net DS", "NOERROR aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"www.auth.example.net TXT +tcp", "NOERROR aa | 2 TXT TCP", "NOERROR aa | 1 RRSIG 2 TXT (do) TCP"},
	{"www.auth.example.net TXT +noedns", "NOERROR aa | 2 TXT (no EDNS)", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"www.auth.example.net TXT +nocookie", "NOERROR aa | 2 TXT (no cookie)", "NOERROR aa | 1 RRSIG 2 TXT (do) (no cookie)"},
	{"www.auth.example.net TXT +nsid", `NOERROR aa | 2 TXT ; NSID: 6f 6e 65 ("one")`, `NOERROR aa | 1 RRSIG 2 TXT (do) ; NSID: 6f 6e 65 ("one")`},
	{"www.auth.example.net TXT +cookie=0102030405060708", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"www.auth.example.net TXT +bufsize=512", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"www.auth.example.net TXT +edns=1 +noednsneg", "BADVERS", "BADVERS (do)"},
	{"www.auth.example.net TXT +ednsopt=65400:00ff", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"www.auth.example.net TXT +subnet=192.0.2.0/24", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"www.auth.example.net TXT +padding=64", "NOERROR aa | 2 TXT", "NOERROR aa | 1 RRSIG 2 TXT (do)"},
	{"www.auth.example.net TXT +tcp +keepalive", "NOERROR aa | 2 TXT TCP", "NOERROR aa | 1 RRSIG 2 TXT (do) TCP"},
	{"www.auth.example.net TXT +header-only", "NOERROR", "NOERROR (do)"},
	{"www.auth.example.net TXT +opcode=STATUS", "NOTIMP", "NOTIMP (do)"},
	{"www.auth.example.net TXT +opcode=15", "NOTIMP", "NOTIMP (do)"},
	{"_acme-challenge.www.example.com TXT", "NOERROR aa | 1 TXT", "NOERROR aa | 1 RRSIG 1 TXT (do)"},
	{"_acme-challenge.www.example.com SOA", "NOERROR aa | 1 SOA", "NOERROR aa | 1 RRSIG 1 SOA (do)"},
	{"_acme-challenge.www.example.com CAA", "NOERROR aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"_acme-challenge.www.example.com NS", "NOERROR aa | 2 NS |  | 1 A 1 AAAA", "NOERROR aa | 2 NS 1 RRSIG |  | 1 A 1 AAAA (do)"},
	{"_acme-challenge.www.example.org TXT", "NOERROR aa |  | 1 SOA", "NOERROR aa |  | 1 NSEC 2 RRSIG 1 SOA (do)"},
	{"www.example.com TXT", "REFUSED ; EDE: 20 (Not Authoritative): (not one of our zones)", "REFUSED (do) ; EDE: 20 (Not Authoritative): (not one of our zones)"},
	{"example.net DS", "REFUSED ; EDE: 20 (Not Authoritative): (not one of our zones)", "REFUSED (do) ; EDE: 20 (Not Authoritative): (not one of our zones)"},
	{". NS", "REFUSED ; EDE: 20 (Not Authoritative): (not one of our zones)", "REFUSED (do) ; EDE: 20 (Not Authoritative): (not one of our zones)"},
	{"auth.example.net AXFR", "transfer failed", "transfer failed"},
	{"auth.example.net IXFR=1", "transfer failed", "transfer failed"},
	{"version.bind TXT CH", "REFUSED", "REFUSED (do)"},
	{"id.server TXT CH", "REFUSED", "REFUSED (do)"},
	{"www.auth.example.net TXT -c ANY", "REFUSED", "REFUSED (do)"},
}

// TestDig has dig ask for every kind of answer. It complains about what it
// finds odd in one: that must be what is expected here, too.
func TestDig(t *testing.T) {
	requireProgram(t, "dig", "bind9-dnsutils")
	signer, err := OpenSigner(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, world := range []struct {
		name   string
		signer *Signer
		want   func(dug) string
	}{
		{"plain", nil, func(d dug) string { return d.plain }},
		{"signed", signer, func(d dug) string { return d.signed }},
	} {
		t.Run(world.name, func(t *testing.T) {
			addr := serve(t, newServer(t, digWorld(t, world.signer)))
			for _, d := range digs {
				args := strings.Fields(d.question)
				if world.signer != nil {
					args = append([]string{"+dnssec"}, args...)
				}
				if got := strings.Join(digAnswers(t, addr, args...), "\n"); got != world.want(d) {
					t.Errorf("dig %s:\ngot  %s\nwant %s", d.question, got, world.want(d))
				}
			}
		})
	}
}

// requireProgram skips a test where there is no such program, unless there has to
// be.
func requireProgram(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	message := fmt.Sprintf("%s is not installed (apt-get install %s)", name, pkg)
	if os.Getenv("CERTCTL_REQUIRE_SERVERS") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func digWorld(t *testing.T, signer *Signer) Config {
	t.Helper()
	c := world()
	for n := range c.Zones {
		c.Zones[n].Signer = signer
	}
	put(t, c.Values, auth, "www.auth.example.net.", "one", "two")
	put(t, c.Values, auth, "single.auth.example.net.", "one")
	put(t, c.Values, auth, "x.y.auth.example.net.", "deep")
	put(t, c.Values, www, www, "three")
	for n := range 50 {
		put(t, c.Values, auth, "many.auth.example.net.", fmt.Sprintf("%043d", n))
	}
	return c
}

// digAnswers runs dig and returns a line about each answer.
func digAnswers(t *testing.T, addr netip.AddrPort, args ...string) []string {
	t.Helper()
	args = append([]string{"-r", "@" + addr.Addr().String(), "-p", fmt.Sprint(addr.Port()), "+norecurse", "+time=5", "+tries=1"}, args...)
	out, err := exec.CommandContext(t.Context(), "dig", args...).CombinedOutput()
	if err != nil {
		t.Errorf("dig %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if strings.Contains(string(out), "\n; Transfer failed.\n") {
		return []string{"transfer failed"}
	}
	messages := strings.Split(string(out), ";; Got answer:\n")
	if len(messages) == 1 {
		t.Errorf("dig %s: got no answer:\n%s", strings.Join(args, " "), out)
	}
	var lines []string
	for _, message := range messages[1:] {
		lines = append(lines, summary(message))
	}
	return lines
}

var (
	digStatus = regexp.MustCompile(`(?m)^;; ->>HEADER<<- opcode: \w+, status: (\w+), id: \d+$`)
	digFlags  = regexp.MustCompile(`(?m)^;; flags: qr ?([a-z ]*); QUERY: (\d+), ANSWER: (\d+), AUTHORITY: (\d+), ADDITIONAL: (\d+)$`)
	digEDNS   = regexp.MustCompile(`(?m)^; EDNS: version: 0, flags:([a-z ]*); udp: 1232$`)
	digRemark = regexp.MustCompile(`(?mi)^; (?:NSID: .*|EDE: .*|COOKIE: .*)$|^.*(?:warning|malformed|truncated|mismatch|\bbad\b|extra bytes|unexpected).*$`)
	digRecord = regexp.MustCompile(`^[^;\s]\S*\s+\d+\s+IN\s+(\w+)\s`)
	cookieHex = regexp.MustCompile(`[0-9a-f]{48}`)
)

// summary returns what dig printed about one answer as a line.
func summary(message string) string {
	status, flags, opt := digStatus.FindStringSubmatch(message), digFlags.FindStringSubmatch(message), digEDNS.FindStringSubmatch(message)
	if status == nil || flags == nil {
		return "not understood: " + message
	}
	parts := []string{strings.TrimSpace(status[1] + " " + flags[1])}
	for _, section := range []string{"ANSWER", "AUTHORITY", "ADDITIONAL"} {
		parts = append(parts, types(message, section))
	}
	line := strings.TrimRight(strings.Join(parts, " | "), " |")
	switch {
	case opt == nil:
		line += " (no EDNS)"
	case opt[1] != "":
		line += " (" + strings.TrimSpace(opt[1]) + ")"
	}
	if opt != nil && !strings.Contains(message, "(good)") {
		line += " (no cookie)"
	}
	for _, remark := range digRemark.FindAllString(message, -1) {
		if remark = cookieHex.ReplaceAllString(remark, "HEX"); remark != "; COOKIE: HEX (good)" {
			line += " " + remark
		}
	}
	if strings.Contains(message, "(TCP)") {
		line += " TCP"
	}
	return line
}

// types counts the records of a section by type.
func types(message, section string) string {
	_, rest, _ := strings.Cut(message, ";; "+section+" SECTION:\n")
	counts := map[string]int{}
	for line := range strings.Lines(rest) {
		found := digRecord.FindStringSubmatch(line)
		if found == nil {
			break
		}
		counts[found[1]]++
	}
	var list []string
	for _, rrtype := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%d %s", counts[rrtype], rrtype))
	}
	return strings.Join(list, " ")
}

// ports notes where queries over TCP come from.
type ports struct {
	mu   sync.Mutex
	seen map[netip.AddrPort][]delegation.Name
}

func (p *ports) Observe(list ...Query) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range list {
		if q.TCP {
			p.seen[q.From] = append(p.seen[q.From], q.Name)
		}
	}
}

// TestDigKeepsOpen asks several questions over one connection.
func TestDigKeepsOpen(t *testing.T) {
	requireProgram(t, "dig", "bind9-dnsutils")
	c, seen := digWorld(t, nil), &ports{seen: map[netip.AddrPort][]delegation.Name{}}
	c.Observer = seen
	addr := serve(t, newServer(t, c))
	got := digAnswers(t, addr, "+tcp", "+keepopen", "single.auth.example.net", "TXT", "none.auth.example.net", "TXT", "many.auth.example.net", "TXT")
	want := []string{"NOERROR aa | 1 TXT TCP", "NXDOMAIN aa |  | 1 SOA TCP", "NOERROR aa | 50 TXT TCP"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for from, names := range seen.seen {
		if len(names) != 3 {
			t.Errorf("got %v from %s, want all three from one port", names, from)
		}
	}
}
