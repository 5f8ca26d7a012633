package foreign_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"certctl/foreign"
)

// issued is a certificate with its key, in PEM.
type issued struct {
	key, cert, chain string
}

func issue(t *testing.T, names ...string) issued {
	t.Helper()
	key, ca := newKey(t), newKey(t)
	issuer := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	number, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: number, DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	sign := func(template *x509.Certificate, public crypto.PublicKey) string {
		der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, ca)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return issued{keyPEM(t, key), sign(leaf, key.Public()), sign(issuer, ca.Public())}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// jwk writes a key as certbot does.
func jwk(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	n := func(i *big.Int) string { return base64.RawURLEncoding.EncodeToString(i.Bytes()) }
	text, err := json.Marshal(map[string]string{
		"kty": "RSA", "n": n(key.N), "e": n(big.NewInt(int64(key.E))), "d": n(key.D), "p": n(key.Primes[0]), "q": n(key.Primes[1]),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files are the contents of files below a directory.
type files map[string]string

func (f files) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// read reads what a client keeps.
func read(t *testing.T, client, dir string, o foreign.Options) (*foreign.Household, error) {
	t.Helper()
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	clients := foreign.Clients()
	i := slices.IndexFunc(clients, func(c foreign.Client) bool { return c.Name == client })
	return clients[i].Read(dir, o)
}

// leftOut returns what is left out, in lines without the directory.
func leftOut(h *foreign.Household) string {
	var lines []string
	for _, l := range h.LeftOut {
		lines = append(lines, fmt.Sprintf("%s: %v", l.What, l.Err))
	}
	slices.Sort(lines)
	return strings.ReplaceAll(strings.Join(lines, "\n"), h.Dir+"/", "")
}

func TestNoHousehold(t *testing.T) {
	dir := t.TempDir()
	for client, want := range map[string]string{
		"certbot":    "is no directory of certbot: there is no renewal, accounts or live in it",
		"lego":       "is no directory of lego: there is no certificates or accounts in it",
		"acme.sh":    "is no directory of acme.sh: there is no account.conf or ca in it",
		"dehydrated": "is no directory of dehydrated: there is no config, certs or accounts in it",
	} {
		if _, err := read(t, client, dir, foreign.Options{}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", client, err, want)
		}
		if _, err := read(t, client, filepath.Join(dir, "none"), foreign.Options{}); !os.IsNotExist(err) {
			t.Errorf("%s: got %v, want that there is none", client, err)
		}
	}
}

// certbot returns a directory with two certificates and an account.
func certbot(t *testing.T) files {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const conf = "# comment\nversion = 2.1.0\n[renewalparams]\naccount = a1\nserver = https://ca.example/dir\n"
	f := files{
		"accounts/ca.example/dir/a1/private_key.json": jwk(t, key),
		"accounts/ca.example/dir/a1/regr.json":        `{"body": {"contact": ["mailto:ops@example.com"]}, "uri": "https://ca.example/acct/1"}`,
		"renewal/good.conf":                           conf + "key_type = rsa\nauthenticator = webroot\nwebroot_path = /var/www/html,\n[[webroot_map]]\nwww.example.com = /var/www/html\n",
		"renewal/web.conf":                            conf + "key_type = ecdsa\nelliptic_curve = secp384r1\nreuse_key = True\nrenew_hook = \"sh -c 'a, b'\"\n",
	}
	for _, name := range []string{"good", "web"} {
		i := issue(t, "www.example.com", name+".example.com")
		f.add("live/"+name, i)
	}
	return f
}

func (f files) add(dir string, i issued) {
	f[dir+"/privkey.pem"], f[dir+"/cert.pem"], f[dir+"/chain.pem"], f[dir+"/fullchain.pem"] = i.key, i.cert, i.chain, i.cert+i.chain
}

func TestCertbot(t *testing.T) {
	dir := t.TempDir()
	certbot(t).write(t, dir)
	h, err := read(t, "certbot", dir, foreign.Options{})
	if err != nil || len(h.LeftOut) != 0 || len(h.Certificates) != 2 || len(h.Accounts) != 1 {
		t.Fatalf("got %+v, %v, left out:\n%s", h, err, leftOut(h))
	}
	a := h.Accounts[0]
	if a.Directory != "https://ca.example/dir" || a.URL != "https://ca.example/acct/1" || !slices.Equal(a.Contact, []string{"mailto:ops@example.com"}) {
		t.Errorf("got account %+v", a)
	}
	good, web := h.Certificates[0], h.Certificates[1]
	if good.Key != "rsa-2048" || good.Proof.Challenge != "http-01" || good.Proof.Webroot != "/var/www/html" || good.Proof.Credential != nil || good.Account != a.URL {
		t.Errorf("got %+v", good)
	}
	if web.Key != "ecdsa-p384" || !web.ReuseKey || !slices.Equal(web.Deploy, []string{"sh -c 'a, b'"}) || len(web.Latest().Chain) != 2 {
		t.Errorf("got %+v", web)
	}
}

// Half a directory: what is damaged is left out with the reason, the rest is
// there.
func TestCertbotDamaged(t *testing.T) {
	other := issue(t, "www.example.com")
	for _, test := range []struct {
		name   string
		change func(files)
		want   string
	}{
		{"no chain", func(f files) { delete(f, "live/web/fullchain.pem") }, "certificate web: open live/web/fullchain.pem: no such file or directory"},
		{"no key", func(f files) { delete(f, "live/web/privkey.pem") }, "certificate web: open live/web/privkey.pem: no such file or directory"},
		{"empty chain", func(f files) { f["live/web/fullchain.pem"] = "" }, "certificate web: live/web/fullchain.pem: there is no certificate in PEM"},
		{"cut chain", func(f files) { f["live/web/fullchain.pem"] = f["live/web/fullchain.pem"][:300] }, "certificate web: live/web/fullchain.pem: there is no certificate in PEM"},
		{"rubbish in PEM", func(f files) {
			f["live/web/fullchain.pem"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
		}, "certificate web: live/web/fullchain.pem: x509: "},
		{"another's key", func(f files) { f["live/web/privkey.pem"] = other.key }, "certificate web: live/web/privkey.pem is not the key of the certificate in live/web/fullchain.pem"},
		{"damaged key", func(f files) { f["live/web/privkey.pem"] = other.key[:100] }, "certificate web: live/web/privkey.pem: there is no private key in PEM"},
		{"another's issuer", func(f files) { f["live/web/fullchain.pem"] += "" + other.cert }, ""},
		{"mixed chain", func(f files) { f["live/web/fullchain.pem"] = f["live/web/cert.pem"] + other.cert }, "certificate web: live/web/fullchain.pem: the second certificate is not the issuer of the first"},
		{"no live", func(f files) {
			for _, what := range []string{"privkey", "cert", "chain", "fullchain"} {
				delete(f, "live/web/"+what+".pem")
			}
		}, "certificate web: open live/web/fullchain.pem: no such file or directory"},
		{"nothing asked", func(f files) { delete(f, "renewal/web.conf") }, "certificate web: there is no renewal/web.conf, which says what was asked for"},
		{"empty conf", func(f files) { f["renewal/web.conf"] = "" }, "certificate web: renewal/web.conf: it does not say which CA: there is no [renewalparams] with server"},
		{"no conf", func(f files) { f["renewal/web.conf"] = "one\ntwo" }, "certificate web: renewal/web.conf:1: neither a section nor KEY = VALUE"},
		{"account without URL", func(f files) { delete(f, "accounts/ca.example/dir/a1/regr.json") }, "account a1: open accounts/ca.example/dir/a1/regr.json: no such file or directory"},
		{"account without key", func(f files) { delete(f, "accounts/ca.example/dir/a1/private_key.json") }, "account a1: open accounts/ca.example/dir/a1/private_key.json: no such file or directory"},
		{"damaged account key", func(f files) {
			f["accounts/ca.example/dir/a1/private_key.json"] = strings.Replace(f["accounts/ca.example/dir/a1/private_key.json"], `"d":"`, `"d":"A`, 1)
		}, "account a1: accounts/ca.example/dir/a1/private_key.json: the private key is damaged, or of a kind that is not known"},
		{"no account key", func(f files) { f["accounts/ca.example/dir/a1/private_key.json"] = "{" }, "account a1: accounts/ca.example/dir/a1/private_key.json: the private key is damaged, or of a kind that is not known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, f := t.TempDir(), certbot(t)
			test.change(f)
			f.write(t, dir)
			h, err := read(t, "certbot", dir, foreign.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := leftOut(h); !strings.HasPrefix(got, test.want) || strings.Contains(got, "\n") || (got == "") != (test.want == "") {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(h.Certificates) == 0 || h.Certificates[0].Name != "good" {
				t.Errorf("got %+v, want the good one", h.Certificates)
			}
		})
	}
}

// Several directories of web servers come along, each for its names.
func TestWebroots(t *testing.T) {
	dir, f := t.TempDir(), certbot(t)
	f["renewal/good.conf"] = strings.ReplaceAll(f["renewal/good.conf"], "www.example.com = /var/www/html", "www.example.com = /srv/www\ngood.example.com = /srv/good")
	f.write(t, dir)
	check := func(h *foreign.Household, err error, want map[string]string) {
		t.Helper()
		if err != nil || len(h.Certificates) == 0 {
			t.Fatalf("got %+v, %v", h, err)
		}
		if p := h.Certificates[0].Proof; p.Challenge != "http-01" || p.Webroot != "" || !maps.Equal(p.Webroots, want) {
			t.Errorf("got %+v, want %v", p, want)
		}
	}
	h, err := read(t, "certbot", dir, foreign.Options{})
	check(h, err, map[string]string{"www.example.com": "/srv/www", "good.example.com": "/srv/good"})

	dir, f = t.TempDir(), acmeSh(t)
	f["example.com_ecc/example.com.conf"] = strings.ReplaceAll(f["example.com_ecc/example.com.conf"], "dns_nsupdate", "/srv/main,/srv/more")
	f.write(t, dir)
	h, err = read(t, "acme.sh", dir, foreign.Options{})
	check(h, err, map[string]string{"example.com": "/srv/main", "*.example.com": "/srv/more", "www.example.com": "/srv/more"})
}

// A key file that cannot be read is left out like any other.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	f := certbot(t)
	delete(f, "live/web/privkey.pem")
	f["live/web/privkey.pem/in-the-way"] = ""
	f.write(t, dir)
	h, err := read(t, "certbot", dir, foreign.Options{})
	if got, want := leftOut(h), "certificate web: read live/web/privkey.pem: is a directory"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// acmeSh returns a directory in the format that acme.sh documents and writes.
func acmeSh(t *testing.T) files {
	t.Helper()
	f := files{
		"account.conf":                  "#comment\nLOG_FILE='/var/log/acme.sh.log'\nSAVED_NSUPDATE_SERVER='192.0.2.1'\nSAVED_NSUPDATE_SERVER_PORT='5353'\nSAVED_NSUPDATE_KEY='/etc/bind/acme.key'\nSAVED_X_Token='s3cret'\nSAVED_Y_Token='other'\n",
		"ca/ca.example/dir/account.key": keyPEM(t, newKey(t)),
		"ca/ca.example/dir/ca.conf":     "ACCOUNT_URL='https://ca.example/acct/1'\nCA_EMAIL='ops@example.com'\n",
		"example.com_ecc/example.com.conf": "Le_Domain='example.com'\nLe_Alt='*.example.com,www.example.com'\nLe_Webroot='dns_nsupdate'\nLe_API='https://ca.example/dir'\nLe_Keylength='ec-384'\n" +
			"Le_ReloadCmd='__ACME_BASE64__START_" + base64.StdEncoding.EncodeToString([]byte("systemctl reload nginx && true")) + "__ACME_BASE64__END_'\nLe_RealKeyPath='/etc/nginx/key.pem'\nLe_RealFullChainPath='/etc/nginx/full.pem'\n",
		"other.example/other.example.conf": "Le_Domain='other.example'\nLe_Alt='no'\nLe_Webroot='dns_x'\nLe_API='https://ca.example/dir'\nLe_Keylength='2048'\nLe_ChallengeAlias='alias.example'\nLe_ForceNewDomainKey='1'\n",
		"dnsapi/dns_x.sh":                  "dns_x_add() {\n  X_Token=\"${X_Token:-$(_readaccountconf_mutable X_Token)}\"\n}\n",
		"acme.sh":                          "#!/bin/sh\n",
	}
	for name, base := range map[string]string{"example.com_ecc": "example.com", "other.example": "other.example"} {
		i := issue(t, base)
		f[name+"/"+base+".key"], f[name+"/"+base+".cer"], f[name+"/ca.cer"], f[name+"/fullchain.cer"] = i.key, i.cert, i.chain, i.cert+i.chain
	}
	return f
}

func TestAcmeSh(t *testing.T) {
	dir := t.TempDir()
	acmeSh(t).write(t, dir)
	h, err := read(t, "acme.sh", dir, foreign.Options{})
	if err != nil || len(h.LeftOut) != 0 || len(h.Certificates) != 2 || len(h.Accounts) != 1 {
		t.Fatalf("got %+v, %v, left out:\n%s", h, err, leftOut(h))
	}
	if a := h.Accounts[0]; a.Directory != "https://ca.example/dir" || a.URL != "https://ca.example/acct/1" || a.Contact[0] != "mailto:ops@example.com" {
		t.Errorf("got account %+v", a)
	}
	c := h.Certificates[0]
	if !slices.Equal(c.Domains, []string{"example.com", "*.example.com", "www.example.com"}) || c.Key != "ecdsa-p384" || !c.ReuseKey {
		t.Errorf("got %+v", c)
	}
	if want := []string{"sh -c 'systemctl reload nginx && true'"}; !slices.Equal(c.Deploy, want) {
		t.Errorf("got %q, want %q", c.Deploy, want)
	}
	if want := []foreign.File{{What: "privkey", Path: "/etc/nginx/key.pem"}, {What: "fullchain", Path: "/etc/nginx/full.pem"}}; !slices.Equal(c.Copies, want) {
		t.Errorf("got %q, want %q", c.Copies, want)
	}
	if z := c.Proof.Credential; z == nil || z.Server != "192.0.2.1:5353" || z.KeyFile != "/etc/bind/acme.key" {
		t.Errorf("got credential %+v", z)
	}
	other := h.Certificates[1]
	if other.Key != "rsa-2048" || other.ReuseKey || other.Proof.Owner("other.example") != "_acme-challenge.alias.example" {
		t.Errorf("got %+v", other)
	}
	z := other.Proof.Credential
	if z == nil || z.Style != "acme.sh" || !slices.Equal(z.Command, []string{filepath.Join(dir, "acme.sh"), filepath.Join(dir, "dnsapi/dns_x.sh")}) {
		t.Fatalf("got credential %+v", z)
	}
	if len(z.Environment) != 1 || z.Environment["X_Token"] != "s3cret" {
		t.Errorf("got %d variables, want X_Token alone", len(z.Environment))
	}
	if text := fmt.Sprintf("%v %+v %#v", z, z, z); strings.Contains(text, "s3cret") {
		t.Errorf("it prints its secret: %s", text)
	}
}

// The directory of an account at a CA with a port of its own is named for the
// host alone.
func TestAcmeShPort(t *testing.T) {
	dir, f := t.TempDir(), acmeSh(t)
	f["ca/ca.example/dir/ca.conf"] = "ACCOUNT_URL='https://ca.example:8443/acct/1'\n"
	f["example.com_ecc/example.com.conf"] = "Le_Domain='example.com'\nLe_API='https://ca.example:8443/dir'\n"
	f.write(t, dir)
	h, err := read(t, "acme.sh", dir, foreign.Options{})
	if err != nil || len(h.Accounts) != 1 {
		t.Fatalf("got %+v, %v", h, err)
	}
	if a, c := h.Accounts[0], h.Certificates[0]; a.Directory != "https://ca.example:8443/dir" || c.Account != a.URL {
		t.Errorf("got the account %s at %s, and a certificate of %q", a.URL, a.Directory, c.Account)
	}
}

func TestAcmeShDamaged(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(files)
		want   string
	}{
		{"no chain", func(f files) { delete(f, "other.example/fullchain.cer") }, "certificate other.example: open other.example/fullchain.cer: no such file or directory"},
		{"nothing asked", func(f files) { delete(f, "other.example/other.example.conf") }, "certificate other.example: there is no other.example/other.example.conf, which says what was asked for"},
		{"no CA", func(f files) { f["other.example/other.example.conf"] = "Le_Domain='other.example'\n" }, "certificate other.example: other.example/other.example.conf: Le_Domain and Le_API are expected"},
		{"code", func(f files) { f["other.example/other.example.conf"] = "Le_Domain=`hostname`\n" }, "certificate other.example: other.example/other.example.conf:1: only a shell knows what Le_Domain is"},
		{"no ca.conf", func(f files) { delete(f, "ca/ca.example/dir/ca.conf") }, "account ca.example/dir: open ca/ca.example/dir/ca.conf: no such file or directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, f := t.TempDir(), acmeSh(t)
			test.change(f)
			f.write(t, dir)
			h, err := read(t, "acme.sh", dir, foreign.Options{})
			if err != nil || len(h.Certificates) == 0 || h.Certificates[0].Name != "example.com_ecc" {
				t.Fatalf("got %+v, %v", h, err)
			}
			if got := leftOut(h); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDehydratedDamaged(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(files)
		want   string // what is left out, or the error
	}{
		{"whole", func(files) {}, ""},
		{"twice", func(f files) { f["domains.txt"] += "www.example.com > web\n" }, "certificate web: domains.txt has it twice"},
		{"no key", func(f files) { delete(f, "certs/web/privkey.pem") }, "certificate web: open certs/web/privkey.pem: no such file or directory"},
		{"not asked for", func(f files) { delete(f, "domains.txt") }, "certificate web: it is not in domains.txt, which says what is asked for"},
		{"code", func(f files) { f["config"] = "BASEDIR=$(pwd)\n" }, "config:1: only a shell knows what BASEDIR is"},
		{"damaged account", func(f files) { f["accounts/aHR0cHM6Ly9jYS5leGFtcGxlL2Rpcgo/account_id.json"] = "{" }, "account https://ca.example/dir: accounts/aHR0cHM6Ly9jYS5leGFtcGxlL2Rpcgo/account_id.json: unexpected end of JSON input"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			f := files{
				"config":      "CA=\"https://ca.example/dir\"\nHOOK='./hook.sh'\nCHALLENGETYPE=dns-01\nCERTDIR=\"${BASEDIR}/certs\" # comment\nsource /etc/other\n",
				"domains.txt": "# comment\n\n*.example.com \\\nwww.example.com > web\n",
				"accounts/aHR0cHM6Ly9jYS5leGFtcGxlL2Rpcgo/account_key.pem": keyPEM(t, newKey(t)),
				"accounts/aHR0cHM6Ly9jYS5leGFtcGxlL2Rpcgo/account_id.json": `{"url":"https://ca.example/acct/1"}`,
			}
			f.add("certs/web", issue(t, "www.example.com", "*.example.com"))
			test.change(f)
			f.write(t, dir)
			h, err := read(t, "dehydrated", dir, foreign.Options{})
			if err != nil {
				if got := strings.ReplaceAll(err.Error(), dir+"/", ""); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				return
			}
			if got := leftOut(h); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if test.want != "" {
				return
			}
			c := h.Certificates[0]
			if !slices.Equal(c.Domains, []string{"*.example.com", "www.example.com"}) || c.Directory != "https://ca.example/dir" || c.Account != "https://ca.example/acct/1" {
				t.Errorf("got %+v", c)
			}
			if z := c.Proof.Credential; z == nil || !slices.Equal(z.Command, []string{filepath.Join(dir, "hook.sh")}) {
				t.Errorf("got %+v", z)
			}
		})
	}
}

// lego returns a directory with one certificate.
func lego(t *testing.T) files {
	t.Helper()
	i := issue(t, "www.example.com", "*.example.com")
	return files{
		"accounts/ca.example/me@x.example/account.json":          `{"email": "me@x.example", "registration": {"uri": "https://ca.example/acct/1", "body": {}}}`,
		"accounts/ca.example/me@x.example/keys/me@x.example.key": keyPEM(t, newKey(t)),
		"certificates/_.example.com.json":                        `{"domain": "*.example.com", "certUrl": "https://ca.example/cert/1"}`,
		"certificates/_.example.com.crt":                         i.cert,
		"certificates/_.example.com.issuer.crt":                  i.chain,
		"certificates/_.example.com.key":                         i.key,
	}
}

func TestLegoDamaged(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(files)
		want   string
	}{
		{"whole", func(files) {}, ""},
		{"no key", func(f files) { delete(f, "certificates/_.example.com.key") }, "certificate _.example.com: open certificates/_.example.com.key: no such file or directory"},
		{"no JSON", func(f files) { delete(f, "certificates/_.example.com.json") }, "certificate _.example.com: there is no certificates/_.example.com.json, which says from which CA it is"},
		{"half of JSON", func(f files) { f["certificates/_.example.com.json"] = "{" }, "certificate _.example.com: certificates/_.example.com.json: unexpected end of JSON input"},
		{"no URL", func(f files) { f["certificates/_.example.com.json"] = "{}" }, `certificate _.example.com: certificates/_.example.com.json: "" is no URL of a CA`},
		{"unregistered", func(f files) { f["accounts/ca.example/me@x.example/account.json"] = "{}" }, `account me@x.example: accounts/ca.example/me@x.example/account.json: "" is no URL of a CA`},
		{"unknown CA", func(f files) {
			f["certificates/_.example.com.json"] = `{"certUrl": "https://other.example/cert/1"}`
		}, "certificate _.example.com: certificates/_.example.com.json: the URL of the directory at other.example is not kept, and the CA is not known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, f := t.TempDir(), lego(t)
			test.change(f)
			f.write(t, dir)
			h, err := read(t, "lego", dir, foreign.Options{Directories: []string{"https://ca.example/dir"}})
			if err != nil {
				t.Fatal(err)
			}
			if got := leftOut(h); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if test.want != "" {
				return
			}
			c := h.Certificates[0]
			if !slices.Equal(c.Domains, []string{"*.example.com", "www.example.com"}) || c.Account != "https://ca.example/acct/1" || len(c.Latest().Chain) != 2 {
				t.Errorf("got %+v", c)
			}
			if c.Live[1].What != "cert" {
				t.Errorf("got %q for a file with the certificate alone, want cert", c.Live[1].What)
			}
		})
	}
}
