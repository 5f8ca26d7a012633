package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImports checks that dependencies point down only, and that each
// third-party library stays in its package.
func TestImports(t *testing.T) {
	ours := map[string][]string{
		"certctl":                          {"acme", "cli", "issuance", "secret"},
		"certctl/cli":                      {"acme", "caa", "check", "config", "delegate", "delegation", "dns01", "dns01/acmedns", "dns01/azure", "dns01/cloudflare", "dns01/desec", "dns01/digitalocean", "dns01/exec", "dns01/gandi", "dns01/google", "dns01/hetzner", "dns01/linode", "dns01/ns1", "dns01/ovh", "dns01/porkbun", "dns01/powerdns", "dns01/rfc2136", "dns01/route53", "dns01/scaleway", "dns01/standalone", "dns01/webhook", "dnssec", "foreign", "hook", "http01", "install", "issuance", "lab", "listen", "moving", "nameserver", "nameserver/access", "nameserver/accounts", "nameserver/api", "nameserver/metrics", "nameserver/update", "nameserver/values", "nameserver/witness", "persist", "secret", "store", "tlsalpn01", "trace"},
		"certctl/issuance":                 {"acme", "delegation", "dns01", "dns01/txt", "hook", "http01", "install", "persist", "store", "tlsalpn01"},
		"certctl/persist":                  {},
		"certctl/hook":                     {},
		"certctl/install":                  {"secret", "store"},
		"certctl/acme":                     {},
		"certctl/delegation":               {},
		"certctl/delegation/differential":  {},
		"certctl/trace":                    {"delegation"},
		"certctl/caa":                      {"delegation"},
		"certctl/check":                    {"caa", "delegation", "dns01", "dns01/txt", "dnssec", "http01", "listen", "persist", "tlsalpn01"},
		"certctl/delegate":                 {"delegation", "dns01/txt"},
		"certctl/dns01":                    {"delegation"},
		"certctl/dnssec":                   {"delegation"},
		"certctl/dns01/rfc2136":            {"delegation", "dns01", "secret"},
		"certctl/dns01/standalone":         {"address", "delegation", "dns01", "dns01/guard", "nameserver", "nameserver/values", "nameserver/witness"},
		"certctl/dns01/conformance":        {"delegation", "dns01", "lab/service"},
		"certctl/dns01/acmedns":            {"delegation", "dns01", "dns01/guard", "dns01/web", "secret"},
		"certctl/dns01/webhook":            {"delegation", "dns01", "dns01/guard", "dns01/web", "secret"},
		"certctl/dns01/exec":               {"delegation", "dns01", "dns01/guard", "hook", "secret"},
		"certctl/dns01/guard":              {"delegation", "dns01"},
		"certctl/dns01/web":                {"delegation", "dns01", "dns01/guard", "secret"},
		"certctl/dns01/txt":                {},
		"certctl/dns01/records":            {"delegation", "dns01"},
		"certctl/dns01/hosted":             {"delegation", "dns01", "dns01/guard"},
		"certctl/dns01/rrset":              {"delegation", "dns01", "dns01/guard"},
		"certctl/dns01/cloudflare":         {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/records", "dns01/txt", "dns01/web", "secret"},
		"certctl/dns01/digitalocean":       {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/records", "dns01/web", "secret"},
		"certctl/dns01/linode":             {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/records", "dns01/web", "secret"},
		"certctl/dns01/porkbun":            {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/records", "dns01/web", "secret"},
		"certctl/dns01/hetzner":            {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/records", "dns01/txt", "dns01/web", "secret"},
		"certctl/dns01/desec":              {"delegation", "dns01", "dns01/absent", "dns01/hosted", "dns01/reach", "dns01/rrset", "dns01/txt", "dns01/web", "secret"},
		"certctl/dns01/gandi":              {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/rrset", "dns01/txt", "dns01/web", "secret"},
		"certctl/dns01/powerdns":           {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/rrset", "dns01/txt", "dns01/web", "secret"},
		"certctl/lab/service/cloudflare":   {"lab/service"},
		"certctl/lab/service/digitalocean": {"lab/service"},
		"certctl/lab/service/linode":       {"lab/service"},
		"certctl/lab/service/porkbun":      {"lab/service"},
		"certctl/lab/service/hetzner":      {"lab/service"},
		"certctl/lab/service/desec":        {"lab/service"},
		"certctl/lab/service/gandi":        {"lab/service"},
		"certctl/lab/service/powerdns":     {"lab/service"},
		"certctl/listen":                   {},
		"certctl/http01":                   {"listen"},
		"certctl/tlsalpn01":                {"listen"},
		"certctl/config":                   {"address", "hook", "listen", "secret"},
		"certctl/address":                  {},
		"certctl/secret":                   {},
		"certctl/foreign":                  {"hook", "issuance"},
		"certctl/moving":                   {"acme", "foreign", "install", "issuance", "store"},
		"certctl/store":                    {},
		"certctl/nameserver/values":        {"delegation", "store"},
		"certctl/nameserver/access":        {"delegation", "nameserver/values"},
		"certctl/nameserver/update":        {"delegation", "dns01/txt", "nameserver/access", "nameserver/values"},
		"certctl/nameserver/api":           {"delegation", "nameserver/access", "nameserver/values"},
		"certctl/nameserver/witness":       {"delegation", "nameserver"},
		"certctl/nameserver/metrics":       {"delegation", "nameserver", "nameserver/values"},
		"certctl/nameserver/accounts":      {"delegation", "install", "nameserver/access", "nameserver/api"},
		"certctl/lab":                      {"lab/authority"},
		"certctl/lab/authority":            {},
		"certctl/lab/debian":               {},
		"certctl/lab/hostile":              {"lab/authority"},
		"certctl/lab/service":              {},
		"certctl/nameserver":               {"delegation", "dns01/txt", "nameserver/values"},
		"certctl/dns01/module":             {"delegation", "dns01", "dns01/guard", "secret"},
		"certctl/dns01/azure":              {"delegation", "dns01", "dns01/absent", "dns01/guard", "dns01/hosted", "dns01/reach", "dns01/rrset", "dns01/token", "dns01/web", "secret"},
		"certctl/dns01/ovh":                {"delegation", "dns01", "dns01/guard", "dns01/hosted", "dns01/reach", "dns01/records", "dns01/token", "dns01/txt", "dns01/web", "secret"},
		"certctl/dns01/ns1":                {"delegation", "dns01", "dns01/absent", "dns01/hosted", "dns01/reach", "dns01/rrset", "dns01/web", "secret"},
		"certctl/dns01/scaleway":           {"delegation", "dns01", "dns01/hosted", "dns01/reach", "dns01/records", "dns01/rrset", "dns01/txt", "dns01/web", "secret"},
		"certctl/lab/service/azure":        {"lab/service"},
		"certctl/lab/service/ovh":          {"lab/service"},
		"certctl/lab/service/ns1":          {"lab/service"},
		"certctl/lab/service/scaleway":     {"lab/service"},
		"certctl/dns01/google":             {"delegation", "dns01", "dns01/absent", "dns01/guard", "dns01/hosted", "dns01/reach", "dns01/rrset", "dns01/token", "dns01/txt", "dns01/web", "secret"},
		"certctl/dns01/route53":            {"delegation", "dns01", "dns01/absent", "dns01/guard", "dns01/hosted", "dns01/rrset", "dns01/txt", "dns01/web", "secret"},
		"certctl/dns01/absent":             {"delegation", "dns01"},
		"certctl/dns01/reach":              {"delegation", "dns01", "dns01/guard", "dns01/web"},
		"certctl/dns01/token":              {"dns01", "dns01/guard", "dns01/web"},
		"certctl/lab/service/google":       {"lab/service"},
		"certctl/lab/service/route53":      {"lab/service"},
	}
	theirs := map[string][]string{
		"github.com/urfave/cli/v2":  {"certctl/cli"},
		"gopkg.in/yaml.v3":          {"certctl/config"},
		"golang.org/x/crypto/acme":  {"certctl/acme"},
		"github.com/miekg/dns":      {"certctl/caa", "certctl/check", "certctl/delegate", "certctl/delegation", "certctl/dns01", "certctl/dns01/rfc2136", "certctl/dnssec", "certctl/lab", "certctl/lab/authority", "certctl/lab/debian", "certctl/lab/hostile", "certctl/nameserver", "certctl/nameserver/metrics", "certctl/nameserver/update", "certctl/nameserver/witness"},
		"github.com/libdns/libdns":  {"certctl/dns01", "certctl/dns01/acmedns", "certctl/dns01/conformance", "certctl/dns01/exec", "certctl/dns01/module", "certctl/dns01/guard", "certctl/dns01/hosted", "certctl/dns01/rfc2136", "certctl/dns01/standalone", "certctl/dns01/webhook"},
		"github.com/go-jose":        {"certctl/acme"},
		"golang.org/x/net":          {"certctl/acme", "certctl/nameserver"},
		"golang.org/x/text":         {"certctl/acme"},
		"github.com/letsencrypt/pe": {"certctl/lab"},
		"software.sslmate.com":      {"certctl/install"},
	}
	for pkg, imports := range listImports(t) {
		allowed, known := ours[pkg]
		if !known {
			t.Errorf("package %s is not in the list: say here what it may import", pkg)
		}
		for _, imported := range imports {
			if short, ok := strings.CutPrefix(imported, "certctl/"); ok && !slices.Contains(allowed, short) {
				t.Errorf("%s imports %s", pkg, imported)
			}
			for prefix, users := range theirs {
				if strings.HasPrefix(imported, prefix) && !slices.Contains(users, pkg) {
					t.Errorf("%s imports %s, which is for %s only", pkg, imported, strings.Join(users, ", "))
				}
			}
		}
	}
}

// listImports returns what each of our packages imports, tests left out.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		imports[words[0]] = words[1:]
	}
	return imports
}
