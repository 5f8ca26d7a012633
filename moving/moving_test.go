package moving_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"certctl/foreign"
	"certctl/moving"
	"certctl/store"
)

const directory = "https://ca.example/dir"

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// version makes a certificate that ends after a time.
func version(t *testing.T, serial int64, left time.Duration, names ...string) *foreign.Version {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(left)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &foreign.Version{Key: key, Chain: []*x509.Certificate{leaf}}
}

// certificate returns one with this name for names of example.com.
func certificate(t *testing.T, name string, serial int64) *foreign.Certificate {
	t.Helper()
	names := []string{"www.example.com", "*.www.example.com"}
	return &foreign.Certificate{
		Name: name, From: "conf", Domains: names, Directory: directory, Account: directory + "/1", Deploy: []string{"true"},
		Versions: []*foreign.Version{version(t, serial, time.Hour, names...), version(t, serial+1, time.Hour, names...)},
	}
}

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plan(t *testing.T, h *foreign.Household, s *store.Store, o moving.Options) *moving.Plan {
	t.Helper()
	o.Now = time.Now()
	if o.Zone == nil {
		o.Zone = func(name string) (string, error) {
			if name == "_acme-challenge.b.example.com" {
				return name, nil
			}
			return strings.Join(strings.Split(name, ".")[2:], "."), nil
		}
	}
	p, err := moving.New(h, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reasons returns what is left out, a line each.
func reasons(p *moving.Plan) string {
	var lines []string
	for _, l := range p.LeftOut {
		lines = append(lines, fmt.Sprintf("%s: %v", l.What, l.Err))
	}
	return strings.Join(lines, "\n")
}

func TestCarry(t *testing.T) {
	s := open(t)
	account := &foreign.Account{Directory: directory, URL: directory + "/1", Contact: []string{"mailto:ops@example.com"}, Key: newKey(t)}
	h := &foreign.Household{Accounts: []*foreign.Account{account}, Certificates: []*foreign.Certificate{certificate(t, "web", 1)}}
	p := plan(t, h, s, moving.Options{})
	if p.Idle() || reasons(p) != "" {
		t.Fatalf("got idle %t, left out %q", p.Idle(), reasons(p))
	}
	if err := p.Carry(); err != nil {
		t.Fatal(err)
	}
	live, err := s.LoadCertificate("web")
	if err != nil || live.Leaf.SerialNumber.Int64() != 2 {
		t.Errorf("got %+v, %v, want the newest", live, err)
	}
	if versions, err := s.Versions("web"); err != nil || !slices.Equal(versions, []string{"2", "1"}) {
		t.Errorf("got versions %q, %v", versions, err)
	}
	r, err := s.LoadRequest("web")
	if err != nil || r.KeyType != "ecdsa-p256" || r.Account != account.URL || r.Issued.Serial != "2" || r.Deployed == "" {
		t.Errorf("got request %+v, %v", r, err)
	}
	if saved, err := s.LoadAccount(directory); err != nil || saved.URL != account.URL || !slices.Equal(saved.Contact, account.Contact) {
		t.Errorf("got account %+v, %v", saved, err)
	}
	if again := plan(t, h, s, moving.Options{}); !again.Idle() || reasons(again) != "" {
		t.Errorf("again: got idle %t, left out %q", again.Idle(), reasons(again))
	}
}

func TestKeep(t *testing.T) {
	s := open(t)
	h := &foreign.Household{Certificates: []*foreign.Certificate{certificate(t, "web", 1)}}
	if err := plan(t, h, s, moving.Options{Keep: 1}).Carry(); err != nil {
		t.Fatal(err)
	}
	if versions, err := s.Versions("web"); err != nil || !slices.Equal(versions, []string{"2"}) {
		t.Errorf("got versions %q, %v, want the newest alone", versions, err)
	}
}

// A move that was cut off is finished, whatever it has left.
func TestCutOff(t *testing.T) {
	s, c := open(t), certificate(t, "web", 1)
	if _, err := s.SaveCertificate("web", c.Versions[0].Key, [][]byte{c.Versions[0].Leaf().Raw}); err != nil {
		t.Fatal(err)
	}
	p := plan(t, &foreign.Household{Certificates: []*foreign.Certificate{c}}, s, moving.Options{})
	if err := p.Carry(); err != nil || reasons(p) != "" {
		t.Fatalf("got %v, left out %q", err, reasons(p))
	}
	if live, err := s.LoadCertificate("web"); err != nil || live.Leaf.SerialNumber.Int64() != 2 {
		t.Errorf("got %+v, %v, want the newest", live, err)
	}
}

// What cannot be saved as a whole is not there at all; others are.
func TestTakenBack(t *testing.T) {
	s := open(t)
	h := &foreign.Household{Certificates: []*foreign.Certificate{certificate(t, "bad", 1), certificate(t, "good", 3)}}
	p := plan(t, h, s, moving.Options{})
	h.Certificates[0].Versions[1].Key = newKey(t)
	err := p.Carry()
	if err == nil || !strings.HasPrefix(err.Error(), "bad: bad: the certificate is not for this private key") {
		t.Errorf("got %v", err)
	}
	for _, dir := range []string{"live", "archive", "certificates"} {
		if _, err := os.Lstat(filepath.Join(s.Dir, dir, "bad")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is %s of it: %v", dir, err)
		}
	}
	if has, err := s.HasCertificate("good"); !has || err != nil {
		t.Errorf("the other: got %t, %v", has, err)
	}
}

func TestLeftOut(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*foreign.Household)
		want   string
	}{
		{"ended", func(h *foreign.Household) {
			h.Certificates[0].Versions = []*foreign.Version{version(t, 1, -time.Minute, "a.example.com")}
		}, "certificate web: it ended on " + time.Now().Add(-time.Minute).UTC().Format(time.DateOnly)},
		{"no URL", func(h *foreign.Household) { h.Certificates[0].Directory = "ca.example" }, `certificate web: conf: "ca.example" is not the https URL of a CA's directory`},
		{"account without URL", func(h *foreign.Household) { h.Accounts[0].Directory = "http://ca.example/dir" }, `account ` + directory + `/1: "http://ca.example/dir" is not the https URL of a CA's directory`},
		{"bad name", func(h *foreign.Household) { h.Certificates[0].Name = "a b" }, `certificate a b: certificate name "a b": only lower-case letters, digits, dots, hyphens and underscores are allowed`},
		{"bad domain", func(h *foreign.Household) { h.Certificates[0].Domains = []string{"a..example"} }, "certificate web: "},
		{"two of a name", func(h *foreign.Household) {
			h.Certificates = append(h.Certificates, certificate(t, "WEB", 5))
		}, "certificate WEB: another certificate is called web too"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &foreign.Household{
				Accounts:     []*foreign.Account{{Directory: directory, URL: directory + "/1", Key: newKey(t)}},
				Certificates: []*foreign.Certificate{certificate(t, "web", 1)},
			}
			test.change(h)
			if got := reasons(plan(t, h, open(t), moving.Options{})); !strings.HasPrefix(got, test.want) || strings.Contains(got, "\n") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	h := &foreign.Household{}
	for n, name := range []string{"example.com", "example.com_ecc", "_.example.net", "*.example.org", "*.example.com"} {
		h.Certificates = append(h.Certificates, certificate(t, name, int64(10*n+1)))
	}
	p := plan(t, h, open(t), moving.Options{})
	var got []string
	for _, c := range p.Certificates {
		got = append(got, c.Name)
	}
	if want := []string{"example.com", "example.com_ecc", "example.net", "example.org", "_.example.com"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q; left out %s", got, want, reasons(p))
	}
	if note := "example.com is for the same names: one of them may be enough"; !slices.Contains(p.Certificates[1].Notes, note) {
		t.Errorf("got notes %q, want %q", p.Certificates[1].Notes, note)
	}
}

// An account that is here: the same key is fine, another stays unless it is to
// be replaced.
func TestAccountHere(t *testing.T) {
	here, key := newKey(t), newKey(t)
	for _, test := range []struct {
		name    string
		key     crypto.Signer
		replace bool
		want    moving.Verdict // "" if it is left out
	}{
		{"same", here, false, moving.Present},
		{"other", key, false, ""},
		{"other, by force", key, true, moving.Replace},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			if err := s.SaveAccount(&store.Account{Directory: directory, URL: directory + "/1", Key: here}); err != nil {
				t.Fatal(err)
			}
			h := &foreign.Household{Accounts: []*foreign.Account{{Directory: directory, URL: directory + "/2", Key: test.key}}}
			p := plan(t, h, s, moving.Options{Replace: test.replace})
			var got moving.Verdict
			if len(p.Accounts) == 1 {
				got = p.Accounts[0].Verdict
			}
			if got != test.want || (got == "") != (len(p.LeftOut) == 1) {
				t.Errorf("got %q, left out %q, want %q", got, reasons(p), test.want)
			}
		})
	}
}

// Of several accounts at a CA, the one with most certificates has no name, and
// the others one of their own. Once they are here, they stay what they are.
func TestSeveralAccounts(t *testing.T) {
	h := &foreign.Household{}
	for n, url := range []string{"/1", "/acct/B_2-", "/other/b_2", "", "/" + strings.Repeat("x", 70)} {
		if url != "" {
			url = directory + url
		}
		h.Accounts = append(h.Accounts, &foreign.Account{Directory: directory, URL: url, Key: newKey(t)})
		c := certificate(t, fmt.Sprintf("c%d", n), int64(2*n+1))
		c.Account = url
		h.Certificates = append(h.Certificates, c)
	}
	h.Certificates = append(h.Certificates, certificate(t, "more", 21))
	h.Certificates[5].Account = directory + "/acct/B_2-"
	s := open(t)
	p := plan(t, h, s, moving.Options{})
	sum := func(n int) string { return fingerprint(t, h.Accounts[n].Key) }
	want := []string{"", "#1", "#b_2", "#" + strings.Repeat("x", 63), "#" + sum(3)}
	var got []string
	for _, a := range p.Accounts {
		got = append(got, strings.TrimPrefix(a.Directory, directory))
	}
	if !slices.Equal(got, want) || reasons(p) != "" {
		t.Errorf("got accounts %q, want %q; left out %q", got, want, reasons(p))
	}
	for n, name := range []string{"#1", "", "#b_2", "", "#" + strings.Repeat("x", 63), ""} {
		c := p.Certificates[n]
		if c.Request.Directory != directory+name || c.Entry == nil || (c.Entry.CA != "") != (name != "") || c.Entry.CA != "" && c.Entry.CA != directory+name {
			t.Errorf("%s: got %s, entry %+v, want %s", c.Name, c.Request.Directory, c.Entry, name)
		}
	}
	listed := plan(t, h, s, moving.Options{Directory: directory, Others: []string{directory + "#1"}})
	if listed.Certificates[0].Entry == nil || listed.Certificates[2].Entry != nil || len(listed.Notes) != 2 || !strings.Contains(listed.Notes[0], "account: b_2 is what it lacks") {
		t.Errorf("in a configuration with one of them: got notes %q", listed.Notes)
	}
	if err := p.Carry(); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(h.Certificates)
	h.Certificates = h.Certificates[1:3]
	if p = plan(t, h, s, moving.Options{}); !p.Idle() || reasons(p) != "" || len(p.Accounts) != 5 {
		t.Errorf("again: got idle %t, %d accounts, left out %q", p.Idle(), len(p.Accounts), reasons(p))
	}
	if a, err := s.LoadAccount(directory + "#b_2"); err != nil || a.URL != directory+"/other/b_2" {
		t.Errorf("got %+v, %v", a, err)
	}
}

// A name that another account here has is not taken from it.
func TestAccountNameTaken(t *testing.T) {
	s := open(t)
	if err := s.SaveAccount(&store.Account{Directory: directory + "#2", URL: directory + "/mine", Key: newKey(t)}); err != nil {
		t.Fatal(err)
	}
	h := &foreign.Household{}
	for _, n := range []string{"1", "2"} {
		h.Accounts = append(h.Accounts, &foreign.Account{Directory: directory, URL: directory + "/" + n, Key: newKey(t)})
	}
	p := plan(t, h, s, moving.Options{Replace: true})
	if len(p.Accounts) != 2 {
		t.Fatalf("got %d accounts, left out %q", len(p.Accounts), reasons(p))
	}
	if got, want := p.Accounts[1].Directory, directory+"#"+fingerprint(t, h.Accounts[1].Key); got != want || p.Accounts[1].Verdict != moving.Add {
		t.Errorf("got %s, %s, want %s added", got, p.Accounts[1].Verdict, want)
	}
}

// fingerprint is the name of an account that has no other.
func fingerprint(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(der))[:12]
}

// Each credential is for the names at which it has written, and no more; its
// secrets go into files that only their owner can read.
func TestZones(t *testing.T) {
	tsig := func() *foreign.Credential {
		return &foreign.Credential{Provider: "rfc2136", Server: "192.0.2.1:53", KeyName: "acme/key", Secret: "c2VjcmV0", Algorithm: "hmac-sha256"}
	}
	h := &foreign.Household{Certificates: []*foreign.Certificate{certificate(t, "a", 1), certificate(t, "b", 3), certificate(t, "c", 5)}}
	h.Certificates[0].Proof.Credential, h.Certificates[1].Proof.Credential = tsig(), tsig()
	h.Certificates[1].Domains = []string{"b.example.com"}
	h.Certificates[2].Domains = []string{"c.example.net"}
	h.Certificates[2].Proof.Credential = tsig()
	p := plan(t, h, open(t), moving.Options{Scopes: map[string]string{"example.net": "example.net", "example.com": "other.example.com"}})
	if len(p.Zones) != 2 {
		t.Fatalf("got %d zones, want one for each zone", len(p.Zones))
	}
	within, own := p.Zones[0], p.Zones[1]
	if want := []string{"_acme-challenge.www.example.com"}; !slices.Equal(within.Scopes, want) || within.Entry.Zone != "example.com" {
		t.Errorf("got %q in %q, want %q", within.Scopes, within.Entry.Zone, want)
	}
	if want := []string{"_acme-challenge.b.example.com"}; !slices.Equal(own.Scopes, want) || own.Entry.Zone != "" {
		t.Errorf("got %q in %q, want %q", own.Scopes, own.Entry.Zone, want)
	}
	if note := "_acme-challenge.c.example.net is written with the credential that is configured for example.net"; !slices.Contains(p.Certificates[2].Notes, note) {
		t.Errorf("got notes %q, want %q", p.Certificates[2].Notes, note)
	}
	dir := t.TempDir()
	for range 2 {
		if err := p.WriteSecrets(dir); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "keys", "imported-acme_key.key")
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "c2VjcmV0\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteSecrets(dir); err == nil || !strings.HasSuffix(err.Error(), "is there already, with another secret in it") {
		t.Errorf("got %v", err)
	}
}

// Paths are kept as they are: whose they are, and who may read them.
// A registration at acme-dns is for the name that the alias leads to.
func TestRegistrations(t *testing.T) {
	const name = "s1.auth.example.org"
	h := &foreign.Household{}
	for i, domain := range []string{"a", "b", "c"} {
		c := certificate(t, domain, int64(i))
		c.Proof.Overridden = map[string]string{"www.example.com": domain + ".example.com"}
		c.Proof.Credential = &foreign.Credential{Provider: "acme-dns", Settings: map[string]string{"subdomain": "S1"}}
		h.Certificates = append(h.Certificates, c)
	}
	p := plan(t, h, open(t), moving.Options{
		Alias: func(owner string) (string, error) {
			switch owner {
			case "a.example.com":
				return "", errors.New("no answer")
			case "b.example.com":
				return name, nil
			}
			return "else.example.org", nil
		},
		Zone: func(string) (string, error) { return "auth.example.org", nil },
	})
	if len(p.Zones) != 1 || !slices.Equal(p.Zones[0].Scopes, []string{name}) || p.Zones[0].Entry.Zone != "auth.example.org" {
		t.Fatalf("got %+v, want one for %s", p.Zones, name)
	}
	for i, want := range []string{"cannot be seen (no answer)", "", "leads to else.example.org, which is not"} {
		if got := strings.Join(p.Certificates[i].Notes, ""); strings.Contains(got, " leads") != (want != "") || !strings.Contains(got, want) {
			t.Errorf("got notes %q, want %q", got, want)
		}
	}
}

func TestKeepPaths(t *testing.T) {
	dir := t.TempDir()
	key, full := filepath.Join(dir, "key.pem"), filepath.Join(dir, "full.pem")
	for path, mode := range map[string]fs.FileMode{key: 0o644, full: 0o640} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	c := certificate(t, "web", 1)
	c.Live = []foreign.File{{What: "privkey", Path: key}, {What: "fullchain", Path: full}, {What: "chain", Path: filepath.Join(dir, "none.pem")}}
	h := &foreign.Household{Certificates: []*foreign.Certificate{c}}
	if p := plan(t, h, open(t), moving.Options{}); p.Certificates[0].Entry.Install != nil {
		t.Errorf("got copies that nobody has asked for")
	}
	p := plan(t, h, open(t), moving.Options{KeepPaths: true})
	copies := p.Certificates[0].Entry.Install
	if len(copies) != 2 || copies[0].PrivKey != key || copies[0].Mode != "0640" || copies[1].FullChain != full || copies[1].Mode != "0640" {
		t.Errorf("got %+v", copies)
	}
	if note := p.Certificates[0].Notes; len(note) != 1 || !strings.HasPrefix(note[0], "it is not copied: stat ") {
		t.Errorf("got notes %q", note)
	}
	other := plan(t, h, open(t), moving.Options{KeepPaths: true, Directory: "https://other.example/dir"}).Certificates[0]
	if other.Entry != nil || !slices.Contains(other.Notes, "it is not copied to "+dir+": its CA is not in the configuration") {
		t.Errorf("from another CA: got %+v, notes %q", other.Entry, other.Notes)
	}
	second := plan(t, h, open(t), moving.Options{Directory: "https://other.example/dir", Others: []string{directory}}).Certificates[0]
	if second.Entry == nil || second.Entry.CA != directory {
		t.Errorf("from the second CA: got %+v", second.Entry)
	}
}

// Commands around a run come once, with the certificates that come; where there
// are some, their owner is told.
func TestHooks(t *testing.T) {
	h := &foreign.Household{
		Hooks:        foreign.Hooks{Post: []string{"all"}},
		Certificates: []*foreign.Certificate{certificate(t, "a", 1), certificate(t, "b", 3), certificate(t, "c", 5)},
	}
	for _, c := range h.Certificates {
		c.Hooks = foreign.Hooks{Pre: []string{"stop"}, Post: []string{"start " + c.Name}}
	}
	h.Certificates[2].Versions = []*foreign.Version{version(t, 7, -time.Minute, "c.example.com")}
	s := open(t)
	p := plan(t, h, s, moving.Options{})
	if want := (foreign.Hooks{Pre: []string{"stop"}, Post: []string{"all", "start a", "start b"}}); !reflect.DeepEqual(p.Hooks, want) {
		t.Errorf("got %q, want %q", p.Hooks, want)
	}
	p = plan(t, h, s, moving.Options{Hooks: foreign.Hooks{Post: []string{"mine", "all", "start a"}}})
	if want := []string{"the configuration has commands below hooks: post: already: add start b where it belongs among them"}; len(p.Hooks.Pre) != 1 || p.Hooks.Post != nil || !slices.Equal(p.Notes, want) {
		t.Errorf("got %q, notes %q, want %q", p.Hooks, p.Notes, want)
	}
	if err := p.Carry(); err != nil {
		t.Fatal(err)
	}
	if p = plan(t, h, s, moving.Options{}); p.Hooks.Pre != nil || p.Hooks.Post != nil {
		t.Errorf("again: got %q, want none", p.Hooks)
	}
}

// What was validated over HTTP goes on being so.
func TestAnswers(t *testing.T) {
	c := certificate(t, "web", 1)
	c.Domains = []string{"www.example.com"}
	c.Proof = foreign.Proof{By: "webroot", Challenge: "http-01", Webroot: "/var/www"}
	p := plan(t, &foreign.Household{Certificates: []*foreign.Certificate{c}}, open(t), moving.Options{})
	got := p.Certificates[0]
	if r := got.Request; !slices.Equal(r.Challenges, []string{"http-01"}) || r.Webroot != "/var/www" {
		t.Errorf("got request %+v", r)
	}
	if e := got.Entry; !slices.Equal(e.Challenges, []string{"http-01"}) || e.HTTP == nil || e.HTTP.Webroot != "/var/www" {
		t.Errorf("got entry %+v", e)
	}
	c.Proof.Webroot, c.Proof.Webroots = "", map[string]string{"www.example.com": "/srv/www", "example.com": "/srv/main"}
	p = plan(t, &foreign.Household{Certificates: []*foreign.Certificate{c}}, open(t), moving.Options{})
	if e := p.Certificates[0].Entry; e.HTTP == nil || e.HTTP.Webroots["example.com"] != "/srv/main" || p.Certificates[0].Request.Webroots["www.example.com"] != "/srv/www" {
		t.Errorf("got %+v", e.HTTP)
	}
	c.Proof = foreign.Proof{By: "nginx"}
	p = plan(t, &foreign.Household{Certificates: []*foreign.Certificate{c}}, open(t), moving.Options{})
	if notes := p.Certificates[0].Notes; !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "it was validated with nginx: ") }) {
		t.Errorf("got notes %q", notes)
	}
}
