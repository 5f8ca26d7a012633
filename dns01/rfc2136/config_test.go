package rfc2136_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/secret"
)

// nowhere is an environment that knows a primary.
var nowhere = dns01.Environment{Primary: func(context.Context, delegation.Name) ([]netip.AddrPort, error) { return nil, nil }}

func TestConfigErrors(t *testing.T) {
	good := rfc2136.TSIG{Name: "k", Secret: secret.Plain("c2VjcmV0")}
	with := func(change func(*rfc2136.TSIG)) rfc2136.TSIG {
		key := good
		change(&key)
		return key
	}
	tests := []struct {
		config rfc2136.Config
		env    dns01.Environment
		want   string
	}{
		{rfc2136.Config{TSIG: good}, nowhere, "<nil>"},
		{rfc2136.Config{TSIG: good}, dns01.Environment{}, "server: it is missing, and nobody can look it up"},
		{rfc2136.Config{TSIG: good, Server: "192.0.2.1"}, dns01.Environment{}, "<nil>"},
		{rfc2136.Config{TSIG: good, Server: "192.0.2.1:5353"}, dns01.Environment{}, "<nil>"},
		{rfc2136.Config{TSIG: good, Server: "2001:db8::1"}, dns01.Environment{}, "<nil>"},
		{rfc2136.Config{TSIG: good, Server: "[2001:db8::1]:5353"}, dns01.Environment{}, "<nil>"},
		{rfc2136.Config{TSIG: good, Server: "ns1.example.net"}, dns01.Environment{}, "<nil>"},
		{rfc2136.Config{TSIG: good, Server: "ns1.example.net:5353"}, dns01.Environment{}, "<nil>"},
		{rfc2136.Config{TSIG: good, Server: "ns1.example.net:domain"}, nowhere, `server: "ns1.example.net:domain" is no host, and no host:port`},
		{rfc2136.Config{TSIG: good, Server: "ns1.example.net:0"}, nowhere, `server: "ns1.example.net:0" is no host, and no host:port`},
		{rfc2136.Config{TSIG: good, Server: "ns1.example.net:65536"}, nowhere, `server: "ns1.example.net:65536" is no host, and no host:port`},
		{rfc2136.Config{TSIG: good, Server: ":53"}, nowhere, `server: ":53" is no host, and no host:port`},
		{rfc2136.Config{TSIG: good, Server: "1:2:3"}, nowhere, `server: "1:2:3" is no host, and no host:port`},
		{rfc2136.Config{TSIG: good, Server: "dns://ns1"}, nowhere, `server: "dns://ns1" is no host, and no host:port`},
		{rfc2136.Config{TSIG: good, Timeout: -time.Second}, nowhere, "timeout: -1s is less than nothing"},
		{rfc2136.Config{}, nowhere, "tsig: name: it is missing"},
		{rfc2136.Config{TSIG: rfc2136.TSIG{Name: "k"}}, nowhere, "tsig: secret: it is missing"},
		{rfc2136.Config{TSIG: with(func(k *rfc2136.TSIG) { k.Name = "a..b" })}, nowhere, `tsig: name: "a..b" is not a domain name: it has an empty label`},
		{rfc2136.Config{TSIG: with(func(k *rfc2136.TSIG) { k.Algorithm = "sha256" })}, nowhere,
			`tsig: algorithm: "sha256" is none of hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1, hmac-md5`},
		{rfc2136.Config{TSIG: with(func(k *rfc2136.TSIG) { k.Algorithm = "hmac-md5" })}, nowhere, "<nil>"},
		{rfc2136.Config{TSIG: with(func(k *rfc2136.TSIG) { k.File = "/x" })}, nowhere, "tsig: file: it has the algorithm and the secret, name no others"},
	}
	for _, test := range tests {
		_, err := rfc2136.New(test.config, zone, test.env)
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("server %q: got %s, want %s", test.config.Server, got, test.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	write := func(text string, mode os.FileMode) secret.Path {
		path := filepath.Join(t.TempDir(), "auth.key")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return secret.Path(path)
	}
	open := write(bindFile, 0o644)
	tests := []struct {
		key  rfc2136.TSIG
		want []string
	}{
		{rfc2136.TSIG{Name: "k"}, nil},
		{rfc2136.TSIG{Name: "k", Algorithm: "hmac-sha512."}, nil},
		{rfc2136.TSIG{Name: "k", Algorithm: "HMAC-MD5.sig-alg.reg.int."}, []string{"the key k is for hmac-md5.sig-alg.reg.int, which is weak: make one for hmac-sha256"}},
		{rfc2136.TSIG{File: write(bindFile, 0o600)}, nil},
		{rfc2136.TSIG{File: write(`key k { algorithm hmac-sha1; secret "c2Vj"; };`, 0o600)}, []string{"the key k is for hmac-sha1, which is weak: make one for hmac-sha256"}},
		{rfc2136.TSIG{File: open}, []string{fmt.Sprintf("everybody can read %[1]s (mode 0644): chmod 600 %[1]s", open)}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.key.Warnings()); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.key.Name, test.key.File, diff)
		}
	}
}

// The secret is looked at last, and never shown.
func TestPrepare(t *testing.T) {
	t.Setenv("CERTCTL_TEST_SECRET", "certainly not base64!")
	env := new(secret.Secret)
	if err := env.UnmarshalYAML(func(v any) error {
		form, ok := v.(*map[string]any)
		if !ok {
			return os.ErrInvalid
		}
		*form = map[string]any{"env": "CERTCTL_TEST_SECRET"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		secret secret.Secret
		want   string
	}{
		{secret.Plain("c2VjcmV0\n"), "<nil>"},
		{secret.Plain("certainly not base64!"), "tsig: secret in the configuration file: the secret of key k. is not base64"},
		{secret.Plain("\n"), "tsig: secret in the configuration file: the secret of key k. is not base64"},
		{*env, "tsig: secret env CERTCTL_TEST_SECRET: the secret of key k. is not base64"},
	}
	for _, test := range tests {
		p, err := rfc2136.New(rfc2136.Config{TSIG: rfc2136.TSIG{Name: "k", Secret: test.secret}}, zone, nowhere)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(dns01.NewCredential("", zone, p).Prepare(t.Context())); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

const (
	bindFile = `# the key of certctl
key "certctl-auth" { // by tsig-keygen
	algorithm hmac-sha512;
	secret "c2Vj//0==";
};
/* key "old" {
	algorithm hmac-md5; secret "b2xk"; };
*/
`
	twoKeys  = bindFile + "key second. { secret b2xk; algorithm \"hmac-sha256\"; };\n# key third { algorithm hmac-md5; secret \"b2xk\"; };\n"
	knotFile = `# hmac-sha384:certctl-auth:ea+R25gtzZP82ZLmRPe32MjVL9xOh+Uu+HmaYibIsso=
key:
  - id: certctl-auth
    algorithm: hmac-sha384
    secret: ea+R25gtzZP82ZLmRPe32MjVL9xOh+Uu+HmaYibIsso=
`
)

func TestKeyFile(t *testing.T) {
	tests := []struct {
		text, name string
		want       string // the label, or the error
	}{
		{bindFile, "", "rfc2136 key certctl-auth"},
		{bindFile, "certctl-auth", "rfc2136 key certctl-auth"},
		{bindFile, "CERTCTL-auth.", "rfc2136 key certctl-auth"},
		{bindFile, "old", "tsig: file FILE: it has no key old, only certctl-auth"},
		{twoKeys, "second", "rfc2136 key second"},
		{twoKeys, "", "tsig: file FILE: it has the keys certctl-auth, second.: say which by name"},
		{knotFile, "", "rfc2136 key certctl-auth"},
		{"", "", "tsig: file FILE: there is no key in it that has an algorithm and a secret"},
		{"c2VjcmV0", "", "tsig: file FILE: there is no key in it that has an algorithm and a secret"},
		{`key "x" { algorithm hmac-sha999; secret "c2Vj"; };`, "", `tsig: algorithm: "hmac-sha999" is none of hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1, hmac-md5`},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "auth.key")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := rfc2136.New(rfc2136.Config{TSIG: rfc2136.TSIG{Name: test.name, File: secret.Path(path)}}, zone, nowhere)
		got := strings.ReplaceAll(fmt.Sprint(err), path, "FILE")
		if err == nil {
			got = fmt.Sprint(p)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("name %q in %q (-want +got):\n%s", test.name, test.text, diff)
		}
	}
}

func TestKeyFileMissing(t *testing.T) {
	_, err := rfc2136.New(rfc2136.Config{TSIG: rfc2136.TSIG{File: "/nowhere/auth.key"}}, zone, nowhere)
	if want := "tsig: file /nowhere/auth.key: no such file or directory"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A file with a broken secret says so at first use, without showing it.
func TestKeyFileNotBase64(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.key")
	if err := os.WriteFile(path, []byte(`key "k" { algorithm hmac-sha256; secret "not-base64"; };`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := rfc2136.New(rfc2136.Config{TSIG: rfc2136.TSIG{File: secret.Path(path)}}, zone, nowhere)
	if err != nil {
		t.Fatal(err)
	}
	err = dns01.NewCredential("", zone, p).Prepare(t.Context())
	if want := "tsig: secret file " + path + ": the secret of key k. is not base64"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
