package foreign_test

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"certctl/foreign"
)

// conf is how certbot says what was asked for.
const conf = "[renewalparams]\nserver = https://ca.example/dir\n"

// What a client keeps for a service becomes a credential of our provider for
// it; half of it becomes none.
func TestServices(t *testing.T) {
	conf := conf + "authenticator = "
	for _, test := range []struct {
		name, client string
		change       func(f files, env map[string]string)
		provider     string            // "" for none
		keys         map[string]string // also those that are no secrets
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
		{"acme.sh, acme-dns", "acme.sh", func(f files, _ map[string]string) {
			f["example.com_ecc/example.com.conf"] = "Le_Domain='example.com'\nLe_API='https://ca.example/dir'\nLe_Webroot='dns_acmedns'\n" +
				"ACMEDNS_BASE_URL='https://any:t0ken@auth.example:8443'\nACMEDNS_USERNAME='u'\nACMEDNS_PASSWORD='p'\nACMEDNS_SUBDOMAIN='s'\n"
		}, "acme-dns", map[string]string{"url": "https://auth.example:8443", "username": "u", "password": "p", "subdomain": "s"}},
		{"certbot, OVH", "certbot", func(f files, _ map[string]string) {
			f["renewal/good.conf"] = conf + "dns-ovh\ndns_ovh_credentials = ovh.ini\n"
			f["ovh.ini"] = "dns_ovh_endpoint = ovh-ca\n" + ovhKeys
		}, "ovh", map[string]string{"region": "ca", "application_key": "a", "application_secret": "s", "consumer_key": "c"}},
		{"certbot, a brand of OVH", "certbot", func(f files, _ map[string]string) {
			f["renewal/good.conf"] = conf + "dns-ovh\ndns_ovh_credentials = ovh.ini\n"
			f["ovh.ini"] = "dns_ovh_endpoint = kimsufi-eu\n" + ovhKeys
		}, "", nil},
		{"certbot, NS1", "certbot", func(f files, _ map[string]string) {
			f["renewal/good.conf"] = conf + "dns-nsone\ndns_nsone_credentials = ns1.ini\n"
			f["ns1.ini"] = "dns_nsone_api_key = k\n"
		}, "ns1", map[string]string{"key": "k"}},
		{"acme.sh, OVH", "acme.sh", acmeShSaved("dns_ovh", "SAVED_OVH_AK='a'\nSAVED_OVH_AS='s'\nSAVED_OVH_CK='c'\n"),
			"ovh", map[string]string{"application_key": "a", "application_secret": "s", "consumer_key": "c"}},
		{"acme.sh, OVH in the United States, saved long ago", "acme.sh", acmeShSaved("dns_ovh", "OVH_AK='a'\nOVH_AS='s'\nOVH_CK='c'\nOVH_END_POINT='ovh-us'\n"),
			"ovh", map[string]string{"region": "us", "application_key": "a", "application_secret": "s", "consumer_key": "c"}},
		{"acme.sh, half of OVH", "acme.sh", acmeShSaved("dns_ovh", "OVH_AK='a'\nOVH_AS='s'\n"), "", nil},
		{"acme.sh, NS1", "acme.sh", acmeShSaved("dns_nsone", "NS1_Key='k'\n"), "ns1", map[string]string{"key": "k"}},
		{"acme.sh, Hetzner", "acme.sh", acmeShSaved("dns_hetznercloud", "SAVED_HETZNER_TOKEN='t'\n"), "hetzner", map[string]string{"token": "t"}},
		{"acme.sh, the DNS that Hetzner had", "acme.sh", acmeShSaved("dns_hetzner", "SAVED_HETZNER_Token='t'\n"), "", nil},
		{"acme.sh, Scaleway", "acme.sh", acmeShSaved("dns_scaleway", "SAVED_SCALEWAY_API_TOKEN='t'\n"), "scaleway", map[string]string{"secret_key": "t"}},
		{"acme.sh, Azure", "acme.sh", func(f files, env map[string]string) {
			acmeShSaved("dns_azure", azureKeys)(f, env)
			env["AZURE_RESOURCE_GROUP"] = "group"
		}, "azure", map[string]string{"subscription_id": "s", "tenant_id": "t", "client_id": "a", "client_secret": "x", "resource_group": "group"}},
		{"acme.sh, Azure, no group", "acme.sh", acmeShSaved("dns_azure", azureKeys), "", nil},
		{"acme.sh, Azure, no group but a hook", "acme.sh", func(f files, env map[string]string) {
			acmeShSaved("dns_azure", azureKeys)(f, env)
			f["dnsapi/dns_azure.sh"] = "dns_azure_add() {\n  AZUREDNS_APPID=\"$(_readaccountconf_mutable AZUREDNS_APPID)\"\n}\n"
		}, "exec", map[string]string{"AZUREDNS_APPID": "a"}},
		{"lego, Azure", "lego", func(_ files, env map[string]string) {
			env["AZURE_SUBSCRIPTION_ID"], env["AZURE_RESOURCE_GROUP"], env["AZURE_TENANT_ID"] = "s", "g", "t"
			env["AZURE_CLIENT_ID"], env["AZURE_CLIENT_SECRET"] = "i", "x"
		}, "azure", map[string]string{"subscription_id": "s", "resource_group": "g", "tenant_id": "t", "client_id": "i", "client_secret": "x"}},
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
			if (got != nil) != (test.provider != "") || got != nil && (got.Provider != test.provider || !maps.Equal(keys(got), test.keys)) {
				t.Errorf("got %v, want %s with %d keys", got, test.provider, len(test.keys))
			}
			if (got == nil || got.Provider == "exec") && len(h.Certificates[0].Notes)+len(h.Notes) == 0 {
				t.Error("nobody is told that there is none")
			}
		})
	}
}

const (
	ovhKeys   = "dns_ovh_application_key = a\ndns_ovh_application_secret = s\ndns_ovh_consumer_key = c\n"
	azureKeys = "SAVED_AZUREDNS_SUBSCRIPTIONID='s'\nSAVED_AZUREDNS_TENANTID='t'\nSAVED_AZUREDNS_APPID='a'\nSAVED_AZUREDNS_CLIENTSECRET='x'\n"
)

// acmeShSaved has acme.sh validate with a hook, and keep these settings for it.
func acmeShSaved(hook, settings string) func(f files, env map[string]string) {
	return func(f files, _ map[string]string) {
		f["account.conf"] = settings
		f["example.com_ecc/example.com.conf"] = "Le_Domain='example.com'\nLe_API='https://ca.example/dir'\nLe_Webroot='" + hook + "'\n"
	}
}

// keys are all that a credential says, with what is secret.
func keys(c *foreign.Credential) map[string]string {
	all := map[string]string{}
	for _, part := range []map[string]string{c.Settings, c.Secrets, c.Environment} {
		maps.Copy(all, part)
	}
	return all
}

// Programs in renewal-hooks are run for every certificate, before its own.
func TestCertbotHooks(t *testing.T) {
	dir := t.TempDir()
	f := certbot(t)
	f["renewal/good.conf"] = conf + "pre_hook = service nginx stop\npost_hook = None\n"
	for _, name := range []string{"pre/p.sh", "deploy/a.sh", "deploy/b c.sh", "deploy/old.sh~", "post/p.sh"} {
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
	if want := (foreign.Hooks{Pre: []string{own + "/pre/p.sh"}, Post: []string{own + "/post/p.sh"}}); !reflect.DeepEqual(h.Hooks, want) || h.Notes != nil {
		t.Errorf("got %q, want %q; notes %q", h.Hooks, want, h.Notes)
	}
	if got, want := h.Certificates[0].Hooks, (foreign.Hooks{Pre: []string{"service nginx stop"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What cli.ini says counts for all certificates, and before what was asked for.
func TestCertbotOptions(t *testing.T) {
	dir, f := t.TempDir(), certbot(t)
	f["renewal/good.conf"] = conf + "pre_hook = mine\nrenew_hook = mine\n"
	f["cli.ini"] = "# pre-hook = no\nagree-tos\nemail=me@x.example\npre-hook = service nginx stop && true\npost-hook: \"service nginx start\" \ndeploy-hook all # comment\n"
	f.write(t, dir)
	h, err := read(t, "certbot", dir, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range h.Certificates {
		want := foreign.Hooks{Pre: []string{"sh -c 'service nginx stop && true'"}, Post: []string{"service nginx start"}}
		if !reflect.DeepEqual(c.Hooks, want) || !slices.Equal(c.Deploy, []string{"all"}) {
			t.Errorf("%s: got %q and %q, want %q and all", c.Name, c.Hooks, c.Deploy, want)
		}
	}
}

// acme.sh keeps hooks with each certificate; dehydrated has one for everything,
// also for before and after a run if it knows of that.
func TestHooks(t *testing.T) {
	dir, f := t.TempDir(), acmeSh(t)
	f["example.com_ecc/example.com.conf"] += "Le_PreHook='__ACME_BASE64__START_" + base64.StdEncoding.EncodeToString([]byte("a; b")) + "__ACME_BASE64__END_'\nLe_PostHook='c'\n"
	f.write(t, dir)
	h, err := read(t, "acme.sh", dir, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.Certificates[0].Hooks, (foreign.Hooks{Pre: []string{"sh -c 'a; b'"}, Post: []string{"c"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := h.Certificates[1].Hooks; got.Pre != nil || got.Post != nil {
		t.Errorf("got %q, want none", got)
	}
	for text, want := range map[string]foreign.Hooks{
		"case $1 in deploy_cert) ;; esac": {},
		"case $1 in exit_hook) ;; esac":   {Post: []string{"'HOOK 1' exit_hook"}},
		"startup_hook() { :; }":           {Pre: []string{"'HOOK 1' startup_hook"}},
	} {
		dir := t.TempDir()
		files{"config": "HOOK='./HOOK 1'\n", "HOOK 1": text}.write(t, dir)
		h, err := read(t, "dehydrated", dir, foreign.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, lines := range [][]string{h.Hooks.Pre, h.Hooks.Post} {
			for i := range lines {
				lines[i] = strings.ReplaceAll(lines[i], dir+"/", "")
			}
		}
		if !reflect.DeepEqual(h.Hooks, want) {
			t.Errorf("%s: got %q, want %q", text, h.Hooks, want)
		}
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
