package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"certctl/secret"
)

// own stands for a provider's configuration.
type own struct {
	Server string `yaml:"server"`
	TSIG   struct {
		Name   string        `yaml:"name" required:"true"`
		Secret secret.Secret `yaml:"secret"`
		File   secret.Path   `yaml:"file"`
	} `yaml:"tsig"`
	Timeout time.Duration `yaml:"timeout"`
}

const marked = "Hunter2InTheClear"

const full = `# everything that there is
acme:
  - directory: zerossl
    email: ops@example.com
    agree_tos: true
    ca_file: pebble.minica.pem
    eab: {kid: k1, hmac: {file: eab.key}}
    profile: shortlived
  - directory: https://ca.example/dir
state: state
resolver:
  servers: [192.0.2.53, "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353", "tls://dns.example", "https://[2001:db8::53]/dns-query"]
  port: 5300
zones:
  Auth.Example.NET.:
    provider: rfc2136
    server: 192.0.2.1:53
    tsig: {name: certctl-auth, secret: Hunter2InTheClear}
  _acme-challenge.example.org:
    provider: rfc2136
    tsig:
      name: k
      file: auth.key
    ttl: 2m
    propagation: {timeout: 5m, settle: 10s}
    timeout: 3s
certificates:
  web:
    domains: [example.com, "*.example.com", www.example.com]
    key: rsa-3072
    profile: tlsserver
    deploy: [systemctl reload nginx, "true"]
    follow: {Example.com: never, www.example.com.: X.auth.example.net.}
  mail:
    domains: mail.example.com
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "certctl.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoad(t *testing.T) {
	path := write(t, full)
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) secret.Path { return secret.Path(filepath.Join(filepath.Dir(path), name)) }
	var hmac secret.Secret
	if err := hmac.UnmarshalYAML(func(into any) error {
		form, ok := into.(*map[string]any)
		if !ok {
			return errors.New("not a string")
		}
		*form = map[string]any{"file": string(in("eab.key"))}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := &Config{
		ACME: []*ACME{{
			Directory: "zerossl", Email: "ops@example.com", AgreeTOS: true, CAFile: in("pebble.minica.pem"),
			EAB: &EAB{"k1", hmac}, Profile: "shortlived",
		}, {Directory: "https://ca.example/dir"}},
		State: in("state"),
		Keep:  5,
		Resolver: Resolver{Port: 5300, Servers: []Server{
			{Addr: netip.MustParseAddrPort("192.0.2.53:53")}, {Addr: netip.MustParseAddrPort("192.0.2.53:5353")},
			{Addr: netip.MustParseAddrPort("[2001:db8::53]:53")}, {Addr: netip.MustParseAddrPort("[2001:db8::53]:5353")},
			{URL: "tls://dns.example"}, {URL: "https://[2001:db8::53]/dns-query"},
		}},
		Zones: []*Zone{
			{Scope: "auth.example.net", Provider: "rfc2136"},
			{
				Scope: "_acme-challenge.example.org", Provider: "rfc2136", TTL: 2 * time.Minute,
				Propagation: Propagation{Timeout: 5 * time.Minute, Settle: 10 * time.Second},
			},
		},
		Certificates: []*Certificate{
			{
				Name: "web", Domains: []string{"example.com", "*.example.com", "www.example.com"}, Key: "rsa-3072",
				Profile: "tlsserver", Deploy: []string{"systemctl reload nginx", "true"},
				Follow: map[string]string{"example.com": "never", "www.example.com": "x.auth.example.net"},
			},
			{Name: "mail", Domains: []string{"mail.example.com"}, Key: "ecdsa-p256"},
		},
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		name := p.Last().String()
		return name == ".file" || name == ".at" || name == ".decoded"
	}, cmp.Ignore())
	compare := cmp.Options{
		ignore, cmp.AllowUnexported(Config{}, Zone{}),
		cmp.Comparer(func(a, b secret.Secret) bool { return a.String() == b.String() }),
		cmp.Comparer(func(a, b Server) bool { return a == b }),
	}
	if diff := cmp.Diff(want, c, compare); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestDecodeZone(t *testing.T) {
	c := load(t, full)
	var o own
	if err := c.Zones[1].Decode(&o); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(c.Path()), "auth.key"); string(o.TSIG.File) != want {
		t.Errorf("got %q, want %q", o.TSIG.File, want)
	}
	if o.Timeout != 3*time.Second || o.TSIG.Name != "k" {
		t.Errorf("got %+v", o)
	}
	if err := c.Zones[0].Decode(&o); err != nil {
		t.Fatal(err)
	}
	if got, err := o.TSIG.Secret.Reveal(t.Context()); err != nil || got != marked {
		t.Errorf("got %q, %v, want %q", got, err, marked)
	}
}

func TestEmptyFile(t *testing.T) {
	for _, text := range []string{"", "---\n", "# nothing\n", "acme:\nzones:\n", "acme: {directory: }"} {
		c := load(t, text)
		if len(c.ACME) != 1 || c.ACME[0].URL() != "https://acme-v02.api.letsencrypt.org/directory" {
			t.Errorf("%q: got %+v, want Let's Encrypt", text, c.ACME)
		}
	}
}

// TestProblems pins the words about everything that can be wrong.
func TestProblems(t *testing.T) {
	zone := func(text string) string { return "zones:\n  auth.example.net:\n    provider: rfc2136\n    " + text }
	certificate := func(text string) string { return "certificates:\n  web:\n    domains: [example.com]\n    " + text }
	api := func(text string) string {
		return "nameserver:\n  servers: {ns.example.net: }\n  zones: {auth.example.net: }\n  api:\n    " + text
	}
	const host = `, like servers: {ns1.example.net: {addresses: [192.0.2.53, "2001:db8::53"]}}`
	servers := func(text string) string { return "nameserver:\n  zones: {auth.example.net: }\n  servers: " + text }
	signed := func(text string) string {
		return "nameserver:\n  servers: {ns1.example.net: }\n  zones: {auth.example.net: {" + text + "}}"
	}
	const users = ", users: {web: {password: x, names: [web.auth.example.net]}}}"
	for _, test := range []struct{ text, want string }{
		{"zonse: {}", `1: unknown key "zonse": did you mean zones?`},
		{"x: {}\nzones: 1\nacme: {emial: x}", `1: unknown key "x": it may be acme, state, keep, resolver, zones, defaults, certificates, hooks, renew, metrics, log, nameserver
2: zones: a mapping is expected, from names
3: unknown key "emial": did you mean email?`},
		{marked + ": 1", "1: unknown key: it may be acme, state, keep, resolver, zones, defaults, certificates, hooks, renew, metrics, log"},
		{"[a]", "1: the file: a mapping is expected, with the keys acme, state, keep, resolver, zones, defaults, certificates, hooks, renew, metrics, log"},
		{"state: a\nstate: b", "2: this key is also in line 1"},
		{"state: [" + marked + "]", "1: state: a string is expected"},
		{"state: {a: [}", "1: did not find expected node content"},
		{"acme: {}\nstate: *" + marked, "2: an unquoted value that starts with * refers to an anchor, and there is none of this name"},
		{"state: a\n---\nstate: b", "2: there is a second YAML document: one is expected"},

		{"acme: {directory: letsencript}", "1: directory: neither an https URL nor a known directory: did you mean letsencrypt?"},
		{"acme:\n  email: a\n  directory: http://ca.example", "2: email: a single address is expected, like ops@example.com\n3: directory: neither an https URL nor a known directory: it may be letsencrypt, "},
		{"acme: {email: 'mailto:a@example.com'}", "1: email: a single address"},
		{"acme: {agree_tos: 1}", "1: agree_tos: true or false is expected"},
		{"acme: {eab: {kid: k}}", "1: eab: hmac is missing"},
		{"acme: {eab: {kid: k, hmac: {" + marked + "}}}", "1: hmac: a secret is a string, or one of {file: PATH}"},
		{"acme: [{directory: zerossl}, {directory: https://acme.zerossl.com/v2/DV90}]", "1: the directory https://acme.zerossl.com/v2/DV90 is listed twice"},

		{"resolver: {port: 0}", "1: port: a port is a number from 1 to 65535"},
		{"resolver: {port: 65536}", "1: port: a port"},
		{"resolver: {port: dns}", "1: port: a port"},
		{"resolver: {servers: [dns.example]}", "1: servers: an IP address is expected"},
		{"resolver: {servers: ['192.0.2.1:0']}", "1: servers: an IP address is expected"},
		{"resolver:\n  servers:\n  - 192.0.2.1\n  - quic://192.0.2.1", "4: servers: quic:// is not supported"},
		{"resolver: {servers: 'https://:443/dns-query'}", "1: servers: a URL is expected, like https://dns.example/dns-query"},
		{"resolver: {servers: 'https://me:secret@dns.example/dns-query'}", "1: servers: a URL is expected"},
		{"resolver: {servers: tls://dns.example/dns-query}", "1: servers: DNS over TLS has no path"},
		{"resolver: {servers: {a: b}}", "1: servers: a single value is expected"},

		{"zones:\n  example.net: {}\n", "2: example.net: provider is missing"},
		{"zones:\n  example.net:\n", "2: example.net: provider is missing"},
		{"zones:\n  a..b: {provider: x}", "2: scope a..b: a domain name is expected"},
		{"zones:\n  '*.example.net': {provider: x}", "2: scope *.example.net: a domain name is expected"},
		{"zones:\n  bücher.example: {provider: x}", "2: scope this name: a domain name is expected, like auth.example.net, with xn--"},
		{"zones:\n  .: {provider: x}", "2: scope this name: a domain name is expected"},
		{"zones:\n  a.example: {provider: x}\n  A.example.:\n    provider: x", "3: the scope a.example is also in line 2"},
		{zone("ttl: 60"), "4: ttl: a duration is expected, like 90s, 5m or 1h"},
		{zone("ttl: 1500ms"), "4: ttl: whole seconds are expected"},
		{zone("ttl: -1s"), "4: ttl: a duration must be positive"},
		{zone("propagation: {timeout: 0s}"), "4: timeout: a duration must be positive"},
		{zone("propagation: {timeuot: 5s}"), `4: unknown key "timeuot": did you mean timeout?`},

		{api("{listen: '192.0.2.1:443'" + users), "5: api: listen: 192.0.2.1:443 is not of loopback: passwords would pass in the clear"},
		{api("{listen: 192.0.2.1" + users), "5: listen: an IP address with port is expected"},
		{api("{listen: '127.0.0.1:80'}"), "5: api: it has neither users nor register: nobody could use it"},
		{api("{listen: '127.0.0.1:80', chain: a.pem" + users), "5: api: chain and key come together"},
		{api("{listen: '127.0.0.1:80', users: {web: {password: x}}}"), "5: users: web: names or subtrees is missing"},
		{api("{listen: '127.0.0.1:80', users: {web: {password: x, names: [a..b]}}}"), "5: names: a..b: a domain name is expected"},
		{api("{listen: '127.0.0.1:80', users: {web: {password: x, subtrees: [a.example], from: [" + marked + "]}}}"), "5: from: an IP address or network is expected"},
		{api("{listen: '127.0.0.1:80', register: {zone: auth.example.net}}"), "5: register: without token and from, everybody could fill the server with accounts"},

		{servers("[ns1.example.net, ns2.example.net]"), "3: servers: a mapping is expected, from names" + host},
		{servers("ns1.example.net"), "3: servers: a mapping is expected, from names" + host},
		{servers("{ns1.example.net: [192.0.2.1, 192.0.2.2]}"), "3: ns1.example.net: a mapping is expected, with the keys addresses" + host},
		{servers("{ns1.example.net: 192.0.2.1}"), "3: ns1.example.net: a mapping is expected, with the keys addresses" + host},
		{signed("denial: nsec"), "3: denial: it is for signed zones: dnssec: true signs this one"},
		{signed("dnssec: true, denial: nsec3"), "3: denial: unknown value: did you mean nsec?"},
		{servers("[]"), "2: nameserver: zone auth.example.net has no name servers: write them below servers:"},
		{servers(""), "2: nameserver: zone auth.example.net has no name servers: write them below servers:"},

		{"certificates: {web: {}}", "1: web: domains is missing"},
		{"keep: 0", "1: keep: 1 or more is expected"},
		{"certificates: {web: {domains: []}}", "1: web: domains is missing"},
		{"certificates: {web: 1}", "1: web: a mapping is expected, with the keys domains, ca, key, challenges, persist_for, http, tls_alpn, profile, reuse_key, csr, preferred_chain, must_staple, install, deploy, follow"},
		{"certificates:\n  ../x: {domains: a.example}", "2: certificate name this name: lower-case letters"},
		{"certificates:\n  Web: {domains: a.example}", "2: certificate name Web: lower-case letters"},
		{"certificates:\n  web: {domains: a.example}\n  web: {domains: b.example}", "3: this key is also in line 2"},
		{certificate("challenges: [dns-01, dns-presist-01]"), "4: challenges: unknown value: did you mean dns-persist-01?"},
		{certificate("challenges: [dns-01, dns-account-01, dns-01]"), "4: challenges: dns-01 is there twice"},
		{certificate("persist_for: 90m"), "4: persist_for: a day or more is expected, like 2160h"},
		{"defaults: {persist_for: 90d}", "1: persist_for: a duration is expected, like 90s, 5m or 1h"},
		{certificate("key: rsa2048"), "4: key: unknown value: did you mean rsa-2048?"},
		{certificate("follow: {example.org: never}"), "4: follow: example.org is not among the domains"},
		{certificate("follow: {example.com: nowhere/}"), "4: follow: example.com: auto, never or a domain name is expected"},
	} {
		path := write(t, test.text)
		_, err := Load(path)
		if err == nil {
			t.Errorf("%s: got no error, want %q", test.text, test.want)
			continue
		}
		got := strings.TrimPrefix(strings.ReplaceAll(err.Error(), path+":", ""), " ")
		if !strings.HasPrefix(got, test.want) || strings.Count(got, "\n") != strings.Count(test.want, "\n") {
			t.Errorf("%s: got:\n%s\nwant:\n%s", test.text, got, test.want)
		}
		if strings.Contains(err.Error(), marked) {
			t.Errorf("%s: the error shows a value: %v", test.text, err)
		}
		var problem *Problem
		if !errors.As(err, &problem) || problem.File != path {
			t.Errorf("%s: got %T, want a *Problem", test.text, err)
		}
	}
}

func TestZoneProblems(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"servr: x", `4: unknown key "servr": did you mean server?`},
		{"zzz: x", `4: unknown key "zzz": it may be server, tsig, timeout, zone, provider, ttl, propagation`},
		{"server: [" + marked + "]", "4: server: a string is expected"},
		{"tsig: " + marked, "4: tsig: a mapping is expected, with the keys name, secret, file"},
		{"tsig: {name: a, secret: {flie: " + marked + "}}", "4: secret: a secret is a string"},
		{"tsig: {name: a, sceret: " + marked + "}", `4: unknown key "sceret": did you mean secret?`},
		{"timeout: 3", "4: timeout: a duration is expected"},
	} {
		c := load(t, "zones:\n  auth.example.net:\n    provider: rfc2136\n    "+test.text)
		err := c.Zones[0].Decode(&own{})
		if err == nil || !strings.HasPrefix(err.Error(), c.Path()+":"+test.want) || strings.Contains(err.Error(), marked) {
			t.Errorf("%s: got %v, want %s", test.text, err, test.want)
		}
	}
	z := load(t, full).Zones[0]
	if got := z.UnknownProvider([]string{"rfc2163"}).Error(); !strings.HasSuffix(got, "certctl.yaml:16: zone auth.example.net: there is no such provider: did you mean rfc2163?") {
		t.Errorf("got %s", got)
	}
	if got := z.Problem("", errors.New("x")).Error(); !strings.HasSuffix(got, "certctl.yaml:15: zone auth.example.net: x") {
		t.Errorf("got %s", got)
	}
}

// TestMerge shares keys between zones, as YAML allows, and keeps what merges
// itself from running for ever.
func TestMerge(t *testing.T) {
	c := load(t, `zones:
  a.example: &a {provider: rfc2136, server: 192.0.2.1, ttl: 5s}
  b.example: {<<: *a, ttl: 6s}
  c.example: {<<: [*a, {server: 192.0.2.2}]}
`)
	for i, want := range []time.Duration{5 * time.Second, 6 * time.Second, 5 * time.Second} {
		var o own
		if err := c.Zones[i].Decode(&o); err != nil || o.Server != "192.0.2.1" || c.Zones[i].TTL != want {
			t.Errorf("%s: got %+v, %v, %v", c.Zones[i].Scope, o, c.Zones[i].TTL, err)
		}
	}
	if _, err := Load(write(t, "zones: &a\n  <<: [*a, *a, *a, *a, *a, *a, *a, *a]\n")); err != nil && !strings.Contains(err.Error(), "aliases") {
		t.Errorf("got %v", err)
	}
}

func TestAliasBomb(t *testing.T) {
	text := "acme:\n- &a0 {ca_file: x, unknown: y}\n"
	var lists strings.Builder
	fmt.Fprintf(&lists, "certificates:\n  web:\n    domains: &b0 [%s]\n    deploy:\n", strings.Repeat("a,", 1000))
	for range 2000 {
		lists.WriteString("    - *b0\n")
	}
	for _, text := range []string{text, lists.String()} {
		if _, err := Load(write(t, text)); err == nil {
			t.Errorf("%.40s…: got no error", text)
		}
	}
}

func TestRedacted(t *testing.T) {
	c := load(t, full)
	before, err := c.Redacted()
	if err != nil || strings.Contains(string(before), marked) || strings.Contains(string(before), "certctl-auth") {
		t.Errorf("before Decode: got %s, %v, want nothing of the provider's own", before, err)
	}
	for _, z := range c.Zones {
		if err := z.Decode(&own{}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(c.Path()) + string(filepath.Separator)
	want := `acme:
    - directory: zerossl
      email: ops@example.com
      agree_tos: true
      ca_file: pebble.minica.pem
      eab:
        kid: k1
        hmac: file eab.key
      profile: shortlived
    - directory: https://ca.example/dir
state: state
keep: 5
resolver:
    servers:
        - 192.0.2.53:53
        - 192.0.2.53:5353
        - '[2001:db8::53]:53'
        - '[2001:db8::53]:5353'
        - tls://dns.example
        - https://[2001:db8::53]/dns-query
    port: 5300
zones:
    auth.example.net:
        provider: rfc2136
        server: 192.0.2.1:53
        tsig:
            name: certctl-auth
            secret: in the configuration file
    _acme-challenge.example.org:
        provider: rfc2136
        ttl: 2m0s
        propagation:
            timeout: 5m0s
            settle: 10s
        tsig:
            name: k
            file: auth.key
        timeout: 3s
certificates:
    web:
        domains:
            - example.com
            - '*.example.com'
            - www.example.com
        key: rsa-3072
        profile: tlsserver
        deploy:
            - systemctl reload nginx
            - "true"
        follow:
            example.com: never
            www.example.com: x.auth.example.net
    mail:
        domains:
            - mail.example.com
        key: ecdsa-p256
`
	if diff := cmp.Diff(want, strings.ReplaceAll(string(got), dir, "")); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestWarnings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	path := write(t, full)
	for mode, want := range map[os.FileMode][]string{
		0o600: {":7: everybody can read " + filepath.Join(filepath.Dir(path), "eab.key")},
		0o644: {":7: everybody can read ", ":18: there is a secret here, and everybody can read this file"},
	} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "eab.key"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // each is said once
			if err := c.Zones[0].Decode(&own{}); err != nil {
				t.Fatal(err)
			}
		}
		got := c.Warnings()
		if len(got) != len(want) {
			t.Fatalf("mode %04o: got %q, want %q", mode, got, want)
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) || strings.Contains(got[i], marked) {
				t.Errorf("mode %04o: got %q, want %q", mode, got[i], want[i])
			}
		}
	}
}

func TestLoadUnreadable(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
	if _, err := Load(write(t, strings.Repeat("#\n", maxSize))); err == nil || !strings.Contains(err.Error(), "larger than 16 MB") {
		t.Errorf("got %v, want a word on the size", err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	env := map[string]string{"XDG_CONFIG_HOME": filepath.Join(dir, "xdg"), "HOME": filepath.Join(dir, "home")}
	getenv := func(name string) string { return env[name] }
	find := func(flag, want string) {
		t.Helper()
		if got, err := Find(flag, getenv); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	touch := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var missing *NotFoundError
	if _, err := Find("", getenv); !errors.As(err, &missing) || !strings.Contains(missing.Hint(), "provider: rfc2136") {
		t.Errorf("got %v, want a *NotFoundError with an example", err)
	}
	home := touch(filepath.Join(dir, "home", ".config", "certctl", "certctl.yaml"))
	xdg := touch(filepath.Join(dir, "xdg", "certctl", "certctl.yaml"))
	find("", xdg)
	env["XDG_CONFIG_HOME"] = ""
	find("", home)
	touch(filepath.Join(dir, "certctl.yaml"))
	find("", "certctl.yaml")
	env["CERTCTL_CONFIG"] = "env.yaml"
	find("", "env.yaml")
	find("flag.yaml", "flag.yaml")
}

// TestHint loads what the hint shows.
func TestHint(t *testing.T) {
	c := load(t, minimal)
	if len(c.Zones) != 1 || c.Zones[0].Scope != "auth.example.net" {
		t.Errorf("got %+v", c.Zones)
	}
}

// TestSample reads back what Sample writes.
func TestSample(t *testing.T) {
	type keys struct {
		URL   string        `yaml:"url" required:"true"`
		Token secret.Secret `yaml:"token" required:"true"`
		TSIG  struct {
			File string `yaml:"file"`
		} `yaml:"tsig" required:"true"`
		TTL string `yaml:"other"`
	}
	text, err := Extend(nil, []Entry{Sample("auth.example.net", "x", keys{})})
	if err != nil {
		t.Fatal(err)
	}
	want := `zones:
  auth.example.net:
    provider: x
    url: https://HOST
    token: {file: auth.example.net.token}
    tsig: {file: auth.example.net.key}
`
	if got := string(text); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := load(t, string(text)).Zones[0].Decode(&keys{}); err != nil {
		t.Error(err)
	}
}

// FuzzLoad puts a secret where a secret belongs, and anything around it.
func FuzzLoad(f *testing.F) {
	secretLine := "secret: " + marked + "\n"
	f.Add("zones: {a.example: {provider: x, tsig: {", "}}}")
	f.Add("zones:\n  a.example:\n    provider: x\n    tsig:\n      ", "")
	f.Add("a: &a [*a]\nb: !!int ", "<<: *a")
	if before, after, ok := strings.Cut(full, secretLine); ok {
		f.Add(before, after)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		c, err := parse(&file{path: "certctl.yaml"}, []byte(before+secretLine+after))
		if err == nil {
			for _, z := range c.Zones {
				err = errors.Join(err, z.Decode(&own{}))
			}
			if text, redactErr := c.Redacted(); redactErr != nil {
				t.Errorf("redacted: %s, %v", text, redactErr)
			}
		}
		if err != nil && strings.Contains(err.Error(), marked) {
			t.Errorf("the error shows the secret: %v", err)
		}
	})
}

// The state directory is never relative to where a run happens to be begun.
func TestDefaultState(t *testing.T) {
	for _, test := range []struct {
		env        map[string]string
		root, user string
	}{
		{nil, RootState, RootState},
		{map[string]string{"HOME": "/home/a"}, RootState, "/home/a/.local/state/certctl"},
		{map[string]string{"HOME": "/home/a", "XDG_STATE_HOME": "/s"}, RootState, "/s/certctl"},
		{map[string]string{"HOME": "/home/a", "CERTCTL_STATE": "/x"}, "/x", "/x"},
	} {
		want := test.user
		if os.Geteuid() == 0 {
			want = test.root
		}
		if got := DefaultState(func(name string) string { return test.env[name] }); runtime.GOOS != "windows" && got != want {
			t.Errorf("%v: got %s, want %s", test.env, got, want)
		}
	}
}
