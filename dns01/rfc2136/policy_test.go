package rfc2136_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/secret"
)

const (
	policyZone  = delegation.Name("auth.example.net.")
	policyOwner = delegation.Name("example-com.auth.example.net.")
	policyText  = `$ORIGIN auth.example.net.
$TTL 60
@           SOA ns1 hostmaster 1 86400 86400 864000 1
@           NS  ns1
ns1         A   127.0.0.1
`
)

// printed returns the policy for one kind of server, as it is printed.
func printed(t *testing.T, kind string) string {
	t.Helper()
	c := writer(t, rfc2136.Config{TSIG: rfc2136.TSIG{Name: "certctl-auth", Secret: secret.Plain("c2VjcmV0")}, Server: "127.0.0.1"})
	policies, err := c.Policies(policyZone, []delegation.Name{policyOwner, "www-example-com.auth.example.net."})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		if strings.Contains(p.Text, "c2VjcmV0") {
			t.Errorf("the policy for %s shows the secret:\n%s", p.Server, p.Text)
		}
		if p.Kind == kind {
			return p.Text
		}
	}
	t.Fatalf("there is no policy for %s", kind)
	return ""
}

func writer(t *testing.T, c rfc2136.Config) *dns01.Credential {
	t.Helper()
	p, err := rfc2136.New(c, policyZone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return dns01.NewCredential("", policyZone, p)
}

// program returns the path of a program, or ends the test.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	if os.Getenv("CERTCTL_REQUIRE_SERVERS") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// policed is a directory with the zone, in which a server is to run.
type policed struct {
	dir  string
	addr netip.AddrPort
}

func newPoliced(t *testing.T) *policed {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &policed{t.TempDir(), l.Addr().(*net.TCPAddr).AddrPort()}
	s.write(t, "auth.example.net.zone", policyText)
	return s
}

func (s *policed) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// commanded runs the command in the policy's comment that makes the key.
func (s *policed) commanded(t *testing.T, policy string) {
	t.Helper()
	for line := range strings.Lines(policy) {
		if command, found := strings.CutPrefix(strings.TrimLeft(line, "/# "), "umask 027; "); found {
			s.run(t, command)
			return
		}
	}
	t.Fatalf("no command makes the key:\n%s", policy)
}

func (s *policed) run(t *testing.T, command string) {
	t.Helper()
	sh := exec.Command("sh", "-e", "-c", command)
	sh.Dir = s.dir
	sh.Env = append(os.Environ(), "PATH="+filepath.Join(s.dir, "bin")+":"+os.Getenv("PATH")+":/usr/sbin", "ADDRESS=127.0.0.1/32")
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// start starts the server, and returns when it answers for the zone.
func (s *policed) start(t *testing.T, path string, args ...string) {
	t.Helper()
	command := exec.Command(path, args...)
	command.Dir = s.dir
	log := new(strings.Builder)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			command.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", path, log)
		}
	})
	s.await(t, ended)
}

func (s *policed) await(t *testing.T, ended chan struct{}) {
	t.Helper()
	tick, late := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		r, err := dns.Exchange(new(dns.Msg).SetQuestion(string(policyZone), dns.TypeSOA), s.addr.String())
		if err == nil && r.Authoritative && len(r.Answer) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatal("the server ended")
		case <-late:
			t.Fatalf("the server does not answer: got %v, %v", r, err)
		}
	}
}

// TestPolicyBIND loads the printed lines into named: the key may write TXT
// records at the owner, and nothing else anywhere.
func TestPolicyBIND(t *testing.T) {
	t.Parallel()
	named, _ := program(t, "named"), program(t, "tsig-keygen")
	s, policy := newPoliced(t), printed(t, "bind")
	s.commanded(t, policy)
	s.write(t, "named.conf", fmt.Sprintf(`options {
	directory "%s"; pid-file none; session-keyfile none; recursion no; dnssec-validation no;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
};
controls { };
%s`, s.dir, s.addr.Port(), policy))
	s.start(t, named, "-g", "-n", "1", "-c", filepath.Join(s.dir, "named.conf"))
	s.checkNarrow(t)
}

// TestPolicyKnot does the same with knotd.
func TestPolicyKnot(t *testing.T) {
	t.Parallel()
	knotd, _ := program(t, "knotd"), program(t, "keymgr")
	s, policy := newPoliced(t), printed(t, "knot")
	s.commanded(t, policy)
	s.write(t, "knot.conf", fmt.Sprintf(`server:
    rundir: "%[1]s"
    listen: 127.0.0.1@%[2]d
database:
    storage: "%[1]s"
    journal-db-max-size: 64M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
template:
  - id: default
    storage: "%[1]s"
    file: "%%s.zone"
    zonefile-sync: -1
%[3]s`, s.dir, s.addr.Port(), policy))
	s.start(t, knotd, "-c", filepath.Join(s.dir, "knot.conf"))
	s.checkNarrow(t)
}

// checkNarrow checks what the key may do, and what it may not.
func (s *policed) checkNarrow(t *testing.T) {
	t.Helper()
	key := rfc2136.TSIG{File: secret.Path(filepath.Join(s.dir, "certctl-auth.key"))}
	c := writer(t, rfc2136.Config{Server: s.addr.String(), TSIG: key})
	write := func(owner delegation.Name) error {
		return c.Append(t.Context(), policyZone, []dns01.Record{{Zone: policyZone, Owner: owner, Value: "v", TTL: time.Minute}})
	}
	for _, owner := range []delegation.Name{policyOwner, "www-example-com." + policyZone} {
		if err := write(owner); err != nil {
			t.Errorf("at %s: %v", owner, err)
		}
	}
	if err := c.Delete(t.Context(), policyZone, []dns01.Record{{Zone: policyZone, Owner: policyOwner, Value: "v"}}); err != nil {
		t.Errorf("removal: %v", err)
	}
	for _, owner := range []delegation.Name{"sibling." + policyZone, "below." + policyOwner, policyZone} {
		if err := write(owner); err == nil {
			t.Errorf("at %s: got no error, want a refusal", owner)
		}
	}
	for _, rr := range []string{string(policyOwner) + " 60 A 192.0.2.1", string(policyOwner) + " 60 CNAME evil.example."} {
		if rcode := s.update(t, rr); rcode == dns.RcodeSuccess {
			t.Errorf("%s: got NOERROR, want a refusal", rr)
		}
	}
}

// update adds any record with the key, and returns the rcode.
func (s *policed) update(t *testing.T, text string) int {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(s.dir, "certctl-auth.key"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(file), "secret")
	fields := strings.Fields(strings.NewReplacer(`"`, " ", ";", " ", ":", " ").Replace(after))
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg).SetUpdate(string(policyZone))
	m.Insert([]dns.RR{rr})
	m.SetTsig("certctl-auth.", dns.HmacSHA256, 300, time.Now().Unix())
	client := dns.Client{Net: "tcp", TsigSecret: map[string]string{"certctl-auth.": fields[0]}}
	r, _, err := client.Exchange(m, s.addr.String())
	if r == nil {
		t.Fatal(err)
	}
	return r.Rcode
}

// TestPolicyPowerDNS runs the printed commands, and starts the server with the
// settings that they ask for: the key may write, and nobody without it.
func TestPolicyPowerDNS(t *testing.T) {
	t.Parallel()
	pdns, pdnsutil, sqlite := program(t, "pdns_server"), program(t, "pdnsutil"), program(t, "sqlite3")
	s, policy := newPoliced(t), printed(t, "powerdns")
	settings := fmt.Sprintf("launch=gsqlite3\ngsqlite3-database=%[1]s/zones.db\nsocket-dir=%[1]s\nlocal-address=127.0.0.1\nlocal-port=%[2]d\nsecurity-poll-suffix=\nprimary=yes\n",
		s.dir, s.addr.Port())
	for line := range strings.Lines(policy) {
		if setting, found := strings.CutPrefix(line, "#   "); found {
			settings += setting
		}
	}
	s.write(t, "pdns.conf", settings)
	s.run(t, "mkdir bin; printf '#!/bin/sh\\nexec "+pdnsutil+" --config-dir="+s.dir+" \"$@\"\\n' > bin/pdnsutil; chmod +x bin/pdnsutil")
	s.run(t, sqlite+" zones.db < /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql; pdnsutil load-zone auth.example.net auth.example.net.zone")
	s.run(t, policy)
	s.run(t, "pdnsutil list-tsig-keys | sed 's/^\\(.*\\)\\. \\(.*\\)\\. \\(.*\\)$/key \"\\1\" { algorithm \\2; secret \"\\3\"; };/' > certctl-auth.key")
	s.start(t, pdns, "--config-dir="+s.dir, "--daemon=no", "--guardian=no", "--disable-syslog", "--write-pid=no")

	if rcode := s.update(t, string(policyOwner)+" 60 TXT v"); rcode != dns.RcodeSuccess {
		t.Errorf("with the key: got %s, want NOERROR", dns.RcodeToString[rcode])
	}
	rr, err := dns.NewRR(string(policyOwner) + " 60 TXT unsigned")
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg).SetUpdate(string(policyZone))
	m.Insert([]dns.RR{rr})
	if r, err := dns.Exchange(m, s.addr.String()); err != nil || r.Rcode != dns.RcodeRefused {
		t.Errorf("without the key: got %v, %v, want REFUSED", r, err)
	}
}
