package azure_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/azure"
	"certctl/dns01/conformance"
	"certctl/lab/service"
	fake "certctl/lab/service/azure"
	"certctl/secret"
)

const (
	zone   = delegation.Name("auth.example.net.")
	hidden = "s3cret~that-must-not-show"
)

var root = fake.Client{ID: "root", Secret: hidden}

func begin(t *testing.T, clients ...fake.Client) *fake.Service {
	t.Helper()
	s := fake.New([]string{zone.Bare(), "example.com"}, clients...)
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, s *fake.Service, env map[string]string, changes ...func(*azure.Config)) dns01.Provider {
	t.Helper()
	c := azure.Config{
		SubscriptionID: fake.Subscription, ResourceGroup: fake.Group, TenantID: fake.Tenant,
		ClientID: root.ID, ClientSecret: secret.Plain(hidden), Endpoint: s.URL, Authority: s.URL,
	}
	for _, change := range changes {
		change(&c)
	}
	p, err := azure.New(c, zone, dns01.Environment{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func add(t *testing.T, p dns01.Provider, owner delegation.Name) error {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{libdns.RR{Name: owner.Relative(zone), Type: "TXT", TTL: time.Minute, Data: "v"}})
	return err
}

func hints(t *testing.T, err error, want string) {
	t.Helper()
	h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err)
	if !ok || !strings.Contains(h.Hint(), want) {
		t.Errorf("%v: got no hint like %q", err, want)
	}
}

// Values are kept as lists of strings.
func quote(value string) string {
	text, _ := json.Marshal([]string{value})
	return string(text)
}

func unquote(data string) (string, error) {
	var list []string
	err := json.Unmarshal([]byte(data), &list)
	return strings.Join(list, ""), err
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := begin(t, root)
		w := conformance.Hosted(s, zone, quote, unquote, hidden)
		w.Again = func() dns01.Provider { return open(t, s, nil) }
		w.Most = 20
		return open(t, s, nil), w
	})
}

// A client that may write one record set does so, keeps the value that holds its
// place, and is refused all else.
func TestNarrowClient(t *testing.T) {
	owner := "a." + zone
	s := begin(t, fake.Client{ID: "narrow", Secret: hidden, Owners: []string{owner.String()}})
	w := conformance.Hosted(s, zone, quote, unquote)
	w.Add(owner, "-")
	p := open(t, s, nil, func(c *azure.Config) { c.ClientID = "narrow" })
	if err := add(t, p, owner); err != nil {
		t.Fatal(err)
	}
	if _, err := p.DeleteRecords(t.Context(), zone.String(), []libdns.Record{libdns.RR{Name: "a", Type: "TXT", Data: "v"}}); err != nil {
		t.Fatal(err)
	}
	if got := w.Values(owner); !slices.Equal(got, []string{"-"}) {
		t.Errorf("got %q, want what holds the place", got)
	}
	err := add(t, p, "b."+zone)
	hints(t, err, "certctl policy print")
	if _, ok := errors.AsType[dns01.Refusal](err); !ok {
		t.Errorf("got %v, want a refusal", err)
	}
}

// A record set may be there without values, as "az network dns record-set txt
// create" makes it.
func TestEmptySet(t *testing.T) {
	s := begin(t, root)
	owner := delegation.Name("a." + zone.String())
	s.Empty = []service.Key{{Owner: owner.String(), Type: "TXT"}}
	p := open(t, s, nil)
	for range 2 {
		if err := add(t, p, owner); err != nil {
			t.Fatal(err)
		}
		s.Do(func() {
			if got := s.Get(s.Empty[0]).Data; len(got) != 1 {
				t.Errorf("got %v, want one value", got)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	owner := "a." + zone
	narrow := fake.Client{ID: "root", Secret: hidden, Owners: []string{owner.String()}}
	contributor, records := narrow, narrow
	contributor.Group = []string{"Microsoft.Compute/*"}
	records.Group = []string{"Microsoft.Network/dnsZones/TXT/read"}
	for _, test := range []struct {
		client fake.Client
		want   []dns01.Reach
	}{
		{narrow, nil},
		{records, nil},
		{contributor, []dns01.Reach{dns01.Account}},
		{root, []dns01.Reach{dns01.OtherNames, dns01.NamesBelow, dns01.OtherTypes, dns01.OtherZones, dns01.Account}},
	} {
		s := begin(t, test.client)
		p := open(t, s, nil)
		conformance.Hosted(s, zone, quote, unquote).Add(owner, "kept")
		if err := p.(dns01.Pinger).Ping(t.Context(), zone, []delegation.Name{owner}); err != nil {
			t.Fatal(err)
		}
		if wide, floor := conformance.Reaches(t, p, zone, owner); !slices.Equal(wide, test.want) || len(floor) > 0 {
			t.Errorf("got %q, and %q of every key, want %q", wide, floor, test.want)
		}
	}
}

// A role for some record sets is good for these and no others.
func TestPing(t *testing.T) {
	owner := "a." + zone
	p := open(t, begin(t, fake.Client{ID: "root", Secret: hidden, Owners: []string{owner.String()}}), nil).(dns01.Pinger)
	if err := p.Ping(t.Context(), zone, []delegation.Name{owner}); err != nil {
		t.Error(err)
	}
	err := p.Ping(t.Context(), zone, []delegation.Name{owner, "b." + zone})
	if _, refused := errors.AsType[dns01.Refusal](err); !refused {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestKeys(t *testing.T) {
	s := begin(t, root)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("identity\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := func(c *azure.Config) { c.ClientSecret = secret.Secret{} }
	for _, test := range []struct {
		name   string
		env    map[string]string
		change func(*azure.Config)
		want   string
		hint   string
	}{
		{"secret", nil, func(*azure.Config) {}, "", ""},
		{"environment", map[string]string{"AZURE_TENANT_ID": fake.Tenant, "AZURE_CLIENT_ID": "root", "AZURE_CLIENT_SECRET": hidden}, func(c *azure.Config) { c.TenantID, c.ClientID, c.ClientSecret = "", "", secret.Secret{} }, "", ""},
		{"federated", map[string]string{"AZURE_FEDERATED_TOKEN_FILE": file}, plain, "", ""},
		{"machine", map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": s.URL}, plain, "", ""},
		{"app service", map[string]string{"IDENTITY_ENDPOINT": s.URL + "/msi/token", "IDENTITY_HEADER": "header"}, plain, "", ""},
		{"nowhere", map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}, plain, "no key for Azure is found", "set tenant_id:"},
		{"wrong", nil, func(c *azure.Config) { c.ClientSecret = secret.Plain("wr0ng") }, "no token: AADSTS7000215: Invalid client secret provided.", "the value of the secret, not its id"},
	} {
		err := add(t, open(t, s, test.env, test.change), "a."+zone)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if test.hint != "" {
			hints(t, err, test.hint)
		}
	}
}

func TestMistakes(t *testing.T) {
	s := begin(t, root)
	s.Zones = []string{"example.com"}
	hints(t, add(t, open(t, s, nil), zone), "compare resource_group:")
	hints(t, add(t, open(t, s, nil, func(c *azure.Config) { c.ResourceGroup = "other" }), zone), "compare resource_group:")
	id := fake.Subscription
	conformance.TestConfigs(t, azure.New, map[string]azure.Config{
		"subscription_id: it is missing":                                             {ResourceGroup: "dns"},
		`subscription_id: "main" is none, like 00000000-0000-0000-0000-000000000000`: {ResourceGroup: "dns", SubscriptionID: "main"},
		"resource_group: it is missing":                                              {SubscriptionID: id},
		`resource_group: "a/b" cannot be the name of one`:                            {SubscriptionID: id, ResourceGroup: "a/b"},
		"client_secret: tenant_id and client_id belong to it":                        {SubscriptionID: id, ResourceGroup: "dns", ClientSecret: secret.Plain("x")},
		"endpoint: url: a URL is expected, like https://dns.example.com/api":         {SubscriptionID: id, ResourceGroup: "dns", Endpoint: "x"},
	})
}

func TestPolicy(t *testing.T) {
	p := open(t, begin(t), nil).(dns01.PolicyWriter).Policies(zone, []delegation.Name{"b." + zone, zone})
	want, err := os.ReadFile("testdata/policy.txt")
	if err != nil {
		t.Fatal(err)
	}
	if p[0].Text != string(want) {
		t.Errorf("got %s, want %s", p[0].Text, want)
	}
}
