package delegate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"certctl/delegation"
)

// lines returns the records of a plan, with the zone first where it is known.
func lines(p *Plan) []string {
	var all []string
	for _, r := range p.Records() {
		all = append(all, strings.TrimSpace(string(r.Zone)+" "+r.String()))
	}
	return all
}

func hosts(t *testing.T, words ...string) []Host {
	t.Helper()
	hosts, err := ParseHosts(words)
	if err != nil {
		t.Fatal(err)
	}
	return hosts
}

func TestRecords(t *testing.T) {
	for _, test := range []struct {
		name    string
		request Request
		zone    delegation.Name // of all domains, as Survey would find it
		away    delegation.Name // zone of the hosts
		want    []string
	}{
		{
			name:    "a name and its wildcard share a record",
			request: Request{Names: []string{"example.com", "www.example.com", "*.example.com"}, To: "auth.example.net."},
			want: []string{
				"_acme-challenge.example.com. IN CNAME example-com.auth.example.net.",
				"_acme-challenge.www.example.com. IN CNAME www-example-com.auth.example.net.",
			},
		},
		{
			name:    "a host below the challenge name needs glue in the main zone, wherever that begins",
			request: Request{Names: []string{"www.example.com"}, Hosts: hosts(t, "ns1._acme-challenge.www.example.com=192.0.2.1")},
			zone:    "example.com.", away: "www.example.com.",
			want: []string{
				"example.com. _acme-challenge.www.example.com. IN NS ns1._acme-challenge.www.example.com.",
				"example.com. ns1._acme-challenge.www.example.com. IN A 192.0.2.1",
			},
		},
		{
			name:    "a host in the main zone, once for all names",
			request: Request{Names: []string{"www.example.com", "example.com"}, Hosts: hosts(t, "ns1.example.com=2001:db8::1")},
			zone:    "example.com.",
			want: []string{
				"example.com. _acme-challenge.www.example.com. IN NS ns1.example.com.",
				"example.com. ns1.example.com. IN AAAA 2001:db8::1",
				"example.com. _acme-challenge.example.com. IN NS ns1.example.com.",
			},
		},
		{
			name:    "a host in a zone below the main zone",
			request: Request{Names: []string{"example.com"}, Hosts: hosts(t, "ns1.sub.example.com=192.0.2.1")},
			zone:    "example.com.", away: "sub.example.com.",
			want: []string{"example.com. _acme-challenge.example.com. IN NS ns1.sub.example.com."},
		},
		{
			name:    "a host elsewhere",
			request: Request{Names: []string{"example.com"}, Hosts: hosts(t, "ns1.notexample.com=192.0.2.1")},
			want:    []string{"_acme-challenge.example.com. IN NS ns1.notexample.com."},
		},
		{
			name:    "without the DNS, a host below the domain is in the main zone, one beside it perhaps not",
			request: Request{Names: []string{"www.example.com"}, Hosts: hosts(t, "ns1.www.example.com=192.0.2.1", "ns2.example.com=192.0.2.2")},
			want: []string{
				"_acme-challenge.www.example.com. IN NS ns1.www.example.com.",
				"_acme-challenge.www.example.com. IN NS ns2.example.com.",
				"ns1.www.example.com. IN A 192.0.2.1",
			},
		},
		{
			name: "CAA: the domain's own property, the wildcard's own, the account",
			request: Request{
				Names: []string{"*.example.com", "www.example.com"}, To: "auth.example.net.",
				CAA: &CAA{Identities: []string{"ca.example", "ca.test"}, Account: "https://ca.example/acct/1"},
			},
			want: []string{
				"_acme-challenge.example.com. IN CNAME example-com.auth.example.net.",
				`example.com. IN CAA 0 issuewild "ca.example; validationmethods=dns-01; accounturi=https://ca.example/acct/1"`,
				`example.com. IN CAA 0 issuewild "ca.test; validationmethods=dns-01; accounturi=https://ca.example/acct/1"`,
				"_acme-challenge.www.example.com. IN CNAME www-example-com.auth.example.net.",
				`www.example.com. IN CAA 0 issue "ca.example; validationmethods=dns-01; accounturi=https://ca.example/acct/1"`,
				`www.example.com. IN CAA 0 issue "ca.test; validationmethods=dns-01; accounturi=https://ca.example/acct/1"`,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := test.request.Plan()
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range p.Delegations {
				d.Zone = test.zone
			}
			for i := range p.Hosts {
				p.Hosts[i].Zone = test.away
			}
			if diff := cmp.Diff(test.want, lines(p)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	names := []string{"www.example.com", "example.com"}
	for name, request := range map[string]Request{
		"neither zone nor hosts":  {Names: names},
		"zone and hosts":          {Names: names, To: "auth.example.net.", Hosts: []Host{{Name: "ns1.example.net."}}},
		"the challenge name":      {Names: names, To: "_acme-challenge.example.com."},
		"below a challenge name":  {Names: names, To: "auth._acme-challenge.example.com."},
		"a host without glue":     {Names: names, Hosts: []Host{{Name: "ns1._acme-challenge.example.com."}}},
		"no identity of the CA":   {Names: names, To: "auth.example.net.", CAA: &CAA{}},
		"an account that escapes": {Names: names, To: "auth.example.net.", CAA: &CAA{Identities: []string{"ca.example"}, Account: `https://ca.example/"; issue`}},
		"a name that is too long": {Names: []string{strings.Repeat("a.", 120) + "com"}, To: "auth.example.net."},
		"a target that is too long": {
			Names: names, To: delegation.Name(strings.Repeat(strings.Repeat("a", 60)+".", 4)),
		},
	} {
		p, err := request.Plan()
		if err == nil {
			t.Errorf("%s: got %q, want an error", name, lines(p))
		}
		var loop *LoopError
		if below := strings.Contains(name, "challenge name"); errors.As(err, &loop) != below {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestParseHosts(t *testing.T) {
	got := hosts(t, "NS1.example.net.", "ns2.example.net=192.0.2.1", "ns1.example.net=2001:db8::1", "ns2.example.net=::ffff:192.0.2.1")
	var words []string
	for _, h := range got {
		words = append(words, string(h.Name))
		for _, a := range h.Addrs {
			words = append(words, a.String())
		}
	}
	want := []string{"ns1.example.net.", "2001:db8::1", "ns2.example.net.", "192.0.2.1"}
	if !slices.Equal(words, want) {
		t.Errorf("got %q, want %q", words, want)
	}
	for _, bad := range []string{"", ".", "192.0.2.1", "2001:db8::1", "ns1.example.net=", "ns1.example.net=fe80::1%eth0", "ns1.example.net=ns2", `ns"1.example.net`, "$(id).net", "a;b", "*.example.net"} {
		if hosts, err := ParseHosts([]string{bad}); err == nil {
			t.Errorf("%q: got %v, want an error", bad, hosts)
		}
	}
}

// TestScopes checks where a credential belongs for each kind of delegation, and
// that a zone cut below the target zone, which the key for that cannot pass,
// makes another one.
func TestScopes(t *testing.T) {
	p, err := Request{Names: []string{"a.example.com", "b.example.com", "c.example.com"}, To: "auth.example.net."}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	p.Delegations[2].TargetZone = "c-example-com.auth.example.net."
	want := "zones:\n  auth.example.net:\n    provider: rfc2136\n    tsig: {file: certctl-auth-example-net.key}   # as tsig-keygen or keymgr -t writes it\n" +
		"  c-example-com.auth.example.net:\n    provider: rfc2136\n    tsig: {file: certctl-c_example_com-auth-example-net.key}   # as tsig-keygen or keymgr -t writes it\n"
	if diff := cmp.Diff(want, Configuration(p.Scopes())); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	long := Scope{Name: delegation.Name("_acme-challenge." + strings.Repeat("abc.", 40) + "com.")}
	if _, err := delegation.ParseName(long.KeyName()); err != nil {
		t.Errorf("key name of a long scope: %v", err)
	}
}

// Names and values come from DNS servers and CAs: in Terraform's language they
// are texts, and nothing that is evaluated.
func TestTerraformText(t *testing.T) {
	standing := func(string, bool) string {
		return `ca.example; accounturi=https://ca.example/${file("/etc/passwd")}%{if true}`
	}
	p, err := Request{Names: []string{"example.com"}, Standing: standing}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	p.Delegations[0].Owner = `${path.module}.example.net.` // where an alias leads
	var b strings.Builder
	if err := p.WriteTerraform(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		`accounturi=https://ca.example/$${file(\"/etc/passwd\")}%%{if true}`, `trimsuffix("$${path.module}.example.net.", ".${var.zone_example_com}")`,
		`resource "dns_txt_record_set" "__path_module__example_net"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%s\nwant %s in it", text, want)
		}
	}
}
