package foreign_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"certctl/foreign"
)

// What a client keeps for a service becomes a credential of our provider for
// it; half of it becomes none.
func TestServices(t *testing.T) {
	conf := "[renewalparams]\nserver = https://ca.example/dir\nauthenticator = "
	for _, test := range []struct {
		name, client string
		change       func(f files, env map[string]string)
		provider     string // "" for none
		secrets      map[string]string
	}{
		{"certbot", "certbot", func(f files, _ map[string]string) {
			f["renewal/good.conf"] = conf + "dns-cloudflare\ndns_cloudflare_credentials = cf.ini\n"
			f["cf.ini"] = "# comment\ndns_cloudflare_api_token = t0ken # comment\n"
		}, "cloudflare", map[string]string{"token": "t0ken"}},
		{"certbot, global key", "certbot", func(f files, _ map[string]string) {
			f["renewal/good.conf"] = conf + "dns-cloudflare\ndns_cloudflare_credentials = cf.ini\n"
			f["cf.ini"] = "dns_cloudflare_email = me@x.example\ndns_cloudflare_api_key = k\n"
		}, "", nil},
		{"certbot, no file", "certbot", func(f files, _ map[string]string) {
			f["renewal/good.conf"] = conf + "dns-linode\ndns_linode_credentials = none.ini\n"
		}, "", nil},
		{"certbot, Amazon", "certbot", func(f files, _ map[string]string) { f["renewal/good.conf"] = conf + "dns-route53\n" }, "route53", nil},
		{"acme.sh", "acme.sh", func(f files, _ map[string]string) {
			f["account.conf"] = "SAVED_CF_Token='t0ken'\n"
			f["example.com_ecc/example.com.conf"] = "Le_Domain='example.com'\nLe_API='https://ca.example/dir'\nLe_Webroot='dns_cf'\n"
		}, "cloudflare", map[string]string{"token": "t0ken"}},
		{"lego", "lego", func(_ files, env map[string]string) {
			env["PORKBUN_API_KEY"], env["PORKBUN_SECRET_API_KEY"] = "a", "b"
		}, "porkbun", map[string]string{"api_key": "a", "secret_api_key": "b"}},
		{"lego, half", "lego", func(_ files, env map[string]string) { env["PORKBUN_API_KEY"] = "a" }, "", nil},
		{"lego, two services", "lego", func(_ files, env map[string]string) { env["DESEC_TOKEN"], env["LINODE_TOKEN"] = "a", "b" }, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := map[string]func(*testing.T) files{"certbot": certbot, "acme.sh": acmeSh, "lego": lego}[test.client](t)
			dir, env := t.TempDir(), map[string]string{}
			test.change(f, env)
			f.write(t, dir)
			h, err := read(t, test.client, dir, foreign.Options{Directories: []string{"https://ca.example/dir"}, Getenv: func(name string) string { return env[name] }})
			if err != nil || len(h.Certificates) == 0 {
				t.Fatalf("got %+v, %v", h, err)
			}
			got := h.Certificates[0].Proof.Credential
			if (got != nil) != (test.provider != "") || got != nil && (got.Provider != test.provider || !maps.Equal(got.Secrets, test.secrets)) {
				t.Errorf("got %v, want %s with %d secrets", got, test.provider, len(test.secrets))
			}
			if got == nil && len(h.Certificates[0].Notes)+len(h.Notes) == 0 {
				t.Error("nobody is told that there is none")
			}
		})
	}
}

// Programs in renewal-hooks are run for every certificate, before its own.
func TestCertbotHooks(t *testing.T) {
	dir := t.TempDir()
	f := certbot(t)
	for _, name := range []string{"deploy/a.sh", "deploy/b c.sh", "deploy/old.sh~", "post/p.sh"} {
		f["renewal-hooks/"+name] = "#!/bin/sh\n"
	}
	f["renewal-hooks/deploy/README"] = "not a program"
	f.write(t, dir)
	for name := range f {
		if filepath.Ext(name) == ".sh" || filepath.Ext(name) == ".sh~" {
			if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	h, err := read(t, "certbot", dir, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "renewal-hooks")
	if got, want := h.Certificates[1].Deploy, []string{own + "/deploy/a.sh", "'" + own + "/deploy/b c.sh'", "sh -c 'a, b'"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := []string{own + "/post/p.sh is not taken along: hooks: {post: [" + own + "/post/p.sh]}"}; !slices.Equal(h.Notes, want) {
		t.Errorf("got notes %q, want %q", h.Notes, want)
	}
}

// Commands that a shell ran are run by one where they need it.
func TestCommand(t *testing.T) {
	for line, want := range map[string]string{
		"systemctl reload nginx":   "systemctl reload nginx",
		"cp 'a b' c":               "cp 'a b' c",
		"echo $RENEWED_LINEAGE":    "sh -c 'echo $RENEWED_LINEAGE'",
		"a && b":                   "sh -c 'a && b'",
		"cat *.pem":                "sh -c 'cat *.pem'",
		"X=1 prog":                 "sh -c 'X=1 prog'",
		"cd /etc":                  "sh -c 'cd /etc'",
		"echo 'it'\\''s' >/tmp/x":  `sh -c 'echo '\''it'\''\'\'''\''s'\'' >/tmp/x'`,
		"/usr/bin/x --token=a%b,c": "/usr/bin/x --token=a%b,c",
	} {
		if got := foreign.Command(line); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}
