package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/lab"
)

// start starts a lab for one test.
func start(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	l, err := lab.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// client trusts what is in a file, and nothing else.
func client(t *testing.T, roots string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(roots)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("%s: got no certificates", roots)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestDirectory(t *testing.T) {
	l := start(t, lab.Options{Dir: t.TempDir(), CA: lab.CA{
		Profiles: map[string]lab.Profile{"hour": {"one hour", time.Hour}},
	}})
	bundle := ""
	for _, v := range l.Env() {
		if path, ok := strings.CutPrefix(v, "SSL_CERT_FILE="); ok {
			bundle = path
		}
	}
	for _, roots := range []string{l.CAFile, bundle} {
		r, err := client(t, roots).Get(l.Directory)
		if err != nil {
			t.Fatalf("with %s: %v", roots, err)
		}
		var directory struct {
			NewOrder string
			Meta     struct{ Profiles map[string]string }
		}
		err = json.NewDecoder(r.Body).Decode(&directory)
		r.Body.Close()
		if err != nil || directory.NewOrder == "" || directory.Meta.Profiles["hour"] != "one hour" {
			t.Errorf("with %s: got %+v, %v, want newOrder and the profile hour", roots, directory, err)
		}
	}
	if _, err := client(t, l.RootFile).Get(l.Directory); err == nil {
		t.Error("the CA's own root vouches for its directory")
	}
}

// ask asks the world's resolver for the TXT records of a name.
func ask(t *testing.T, l *lab.Lab, name string) []string {
	t.Helper()
	c := dns.Client{Net: "tcp"}
	r, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeTXT), l.Resolver.String())
	if err != nil {
		t.Fatal(err)
	}
	values := []string{}
	for _, rr := range r.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			values = append(values, strings.Join(txt.Txt, ""))
		}
	}
	return values
}

// update adds a TXT record to a zone with some zone's key, at the server that
// the zone's SOA record names.
func update(t *testing.T, l *lab.Lab, zone lab.Zone, key lab.Zone, owner, value string) (rcode int) {
	t.Helper()
	mname := strings.Fields(zone.Records("SOA")[0])[4]
	m := new(dns.Msg).SetUpdate(zone.Apex())
	rr, err := dns.NewRR(owner + ` 60 IN TXT "` + value + `"`)
	if err != nil {
		t.Fatal(err)
	}
	m.Insert([]dns.RR{rr})
	name := key.Key.Name + "."
	m.SetTsig(name, dns.HmacSHA256, 300, time.Now().Unix())
	c := dns.Client{Net: "tcp", TsigSecret: map[string]string{name: key.Key.Secret}}
	r, _, err := c.Exchange(m, l.World.Server(mname).Addr().String())
	if r == nil || err != nil && !errors.Is(err, dns.ErrAuth) {
		t.Fatal(err)
	}
	return r.Rcode
}

// zone returns one of the zones that take updates.
func zone(t *testing.T, l *lab.Lab, apex string) lab.Zone {
	t.Helper()
	for _, z := range l.Zones {
		if z.Apex() == apex {
			return z
		}
	}
	t.Fatalf("no zone %s", apex)
	return lab.Zone{}
}

// What the key of a zone writes there is found by the way of delegation.
func TestDelegation(t *testing.T) {
	l := start(t, lab.Options{})
	tests := []struct{ domain, zone, owner string }{
		{"example.com.", "auth.example.net.", "example-com.auth.example.net."},
		{"mail.example.com.", "auth.example.net.", "example-com.auth.example.net."},
		{"shop.example.com.", "auth.example.net.", "shop.auth.example.net."},
		{"www.old.example.com.", "auth.example.net.", "_acme-challenge.www.old.auth.example.net."},
		{"www.example.com.", "_acme-challenge.www.example.com.", "_acme-challenge.www.example.com."},
		{"dev.example.com.", "dev.example.com.", "_acme-challenge.dev.example.com."},
		{"plain.example.org.", "example.org.", "_acme-challenge.plain.example.org."},
	}
	other := zone(t, l, "dev.example.com.")
	for _, test := range tests {
		z := zone(t, l, test.zone)
		if rcode := update(t, l, z, z, test.owner, "for "+test.domain); rcode != dns.RcodeSuccess {
			t.Errorf("%s: update: got %s, want NOERROR", test.domain, dns.RcodeToString[rcode])
		}
		if z.Apex() != other.Apex() {
			if rcode := update(t, l, z, other, test.owner, "intruder"); rcode == dns.RcodeSuccess {
				t.Errorf("%s: update with the key of another zone: got NOERROR", test.domain)
			}
		}
		found := strings.Join(ask(t, l, "_acme-challenge."+test.domain), ", ")
		if !strings.Contains(found, "for "+test.domain) || strings.Contains(found, "intruder") {
			t.Errorf("%s: got %q, want what its own key wrote", test.domain, found)
		}
	}
}

func TestMany(t *testing.T) {
	names, extend := lab.Many(4)
	l := start(t, lab.Options{Extend: extend})
	for i, name := range names {
		z, owner := zone(t, l, "many.example.net."), ""
		if i%2 == 0 {
			owner = strings.Split(name, ".")[0] + ".many.example.net."
		} else {
			owner = "_acme-challenge." + name + "."
			z = zone(t, l, owner)
		}
		update(t, l, z, z, owner, name)
		if got := ask(t, l, "_acme-challenge."+name+"."); len(got) != 1 || got[0] != name {
			t.Errorf("%s: got %q, want its own value", name, got)
		}
	}
}

// The files are complete, and the secrets are for their owner only.
func TestFiles(t *testing.T) {
	l := start(t, lab.Options{Dir: filepath.Join(t.TempDir(), "new")})
	config, err := os.ReadFile(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range l.Zones {
		apex := strings.TrimSuffix(z.Apex(), ".")
		file := "keys/" + z.Key.Name + ".key"
		want := "  " + apex + ":\n    provider: rfc2136\n    tsig: {name: " + z.Key.Name + ", algorithm: hmac-sha256, secret: {file: " + file + "}}\n"
		if !strings.Contains(string(config), want) {
			t.Errorf("configuration: got\n%s\nwant\n%s", config, want)
		}
		if strings.Contains(string(config), z.Key.Secret) {
			t.Errorf("the configuration shows the secret of %s", z.Key)
		}
		info, err := os.Stat(filepath.Join(l.Dir, file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 0600", file, info, err)
		}
	}
	var described strings.Builder
	l.Describe(&described)
	for _, want := range []string{l.Directory, l.Config, l.Resolver.String(), "_acme-challenge.www.example.com   certctl-www"} {
		if !strings.Contains(described.String(), want) {
			t.Errorf("description: got\n%s\nwant %s in it", described.String(), want)
		}
	}
}

// After Close nothing listens, nothing runs but the one goroutine that Pebble
// cannot end, and a temporary directory is gone.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := client(t, l.CAFile).Get(l.Directory); err != nil {
		t.Error(err)
	} else {
		r.Body.Close()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(l.Directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{u.Host, l.Resolver.String(), l.World.Server("ns1.example.com.").Addr().String()} {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Errorf("%s: still listening", addr)
		}
	}
	if _, err := os.Stat(l.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: got %v, want it removed", l.Dir, err)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+1; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("got %d goroutines, want %d:\n%s", runtime.NumGoroutine(), before+1, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestStartFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	for _, o := range []lab.Options{
		{Dir: filepath.Join(file, "below")},
		{CA: lab.CA{ExternalAccounts: map[string]string{"kid": "*"}}},
	} {
		l, err := lab.Start(context.Background(), o)
		if err == nil || l != nil || !strings.HasPrefix(err.Error(), "lab: ") {
			t.Errorf("got %v, %v, want an error", l, err)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("got %d goroutines, want %d", runtime.NumGoroutine(), before)
		}
	}
}

// Pebble's variables reach it, and the environment is as before afterwards.
func TestEnvironment(t *testing.T) {
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "50")
	tests := []struct {
		ca   lab.CA
		want string
	}{
		{lab.CA{}, "Configured to reject 50% of good nonces"},
		{lab.CA{NonceReject: 7}, "Configured to reject 7% of good nonces"},
		{lab.CA{NonceReject: -1}, "Configured to reject 0% of good nonces"},
		{lab.CA{AuthzReuse: -1}, "authz reuse for each identifier 0% of the time"},
		{lab.CA{AlwaysValid: true}, "VA always returns valid"},
		{lab.CA{}, "Disabling random VA sleeps"},
		{lab.CA{Sleep: 2 * time.Second}, "maximum random VA sleep time to 2 seconds"},
	}
	for _, test := range tests {
		var log strings.Builder
		start(t, lab.Options{CA: test.ca, Log: &log})
		if !strings.Contains(log.String(), test.want) {
			t.Errorf("%+v: log: got\n%s\nwant %q in it", test.ca, log.String(), test.want)
		}
	}
	if got := os.Getenv("PEBBLE_WFE_NONCEREJECT"); got != "50" {
		t.Errorf("PEBBLE_WFE_NONCEREJECT: got %q, want 50", got)
	}
	if got, ok := os.LookupEnv("PEBBLE_VA_NOSLEEP"); ok {
		t.Errorf("PEBBLE_VA_NOSLEEP: got %q, want it unset", got)
	}
}
