package google_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/google"
	"certctl/dns01/txt"
	"certctl/lab/service"
	fake "certctl/lab/service/google"
	"certctl/secret"
)

const (
	zone  = delegation.Name("auth.example.net.")
	email = "certctl@my-project.iam.gserviceaccount.com"
)

var (
	ours    = fake.Zone{Name: "auth", DNSName: zone.String()}
	private = fake.Zone{Name: "inside", DNSName: zone.String(), Private: true}
	other   = fake.Zone{Name: "other", DNSName: "example.com."}
)

// key is the key of a service account, and its text in PEM.
var key = sync.OnceValues(func() (*rsa.PrivateKey, string) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		panic(err)
	}
	return k, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

func begin(t *testing.T, zones []fake.Zone, owners ...string) *fake.Service {
	t.Helper()
	k, _ := key()
	s := fake.New(zones, fake.Key{Email: email, Public: &k.PublicKey, Owners: owners})
	t.Cleanup(s.Close)
	return s
}

// account returns the key file of the service account.
func account(s *fake.Service) string {
	_, text := key()
	return file(map[string]any{
		"type": "service_account", "project_id": fake.Project, "private_key_id": "1", "private_key": text,
		"client_email": email, "token_uri": s.URL + "/token",
	})
}

func file(fields map[string]any) string {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func open(t *testing.T, s *fake.Service, env map[string]string, changes ...func(*google.Config)) dns01.Provider {
	t.Helper()
	c := google.Config{Key: secret.Plain(account(s)), Endpoint: s.URL}
	for _, change := range changes {
		change(&c)
	}
	p, err := google.New(c, zone, dns01.Environment{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func add(t *testing.T, p dns01.Provider, owners ...delegation.Name) error {
	t.Helper()
	var records []libdns.Record
	for _, o := range owners {
		records = append(records, libdns.RR{Name: o.Relative(zone), Type: "TXT", TTL: time.Minute, Data: "v"})
	}
	_, err := p.AppendRecords(t.Context(), zone.String(), records)
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

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := begin(t, []fake.Zone{ours, private, other})
		s.Page = 1
		_, text := key()
		w := conformance.Hosted(s, zone, txt.Quote, txt.Unquote, strings.Split(text, "\n")[3])
		w.Again = func() dns01.Provider { return open(t, s, nil) }
		return open(t, s, nil), w
	})
}

// A token, the zone, and one request for all names.
func TestRequests(t *testing.T) {
	s := begin(t, []fake.Zone{ours})
	p := open(t, s, nil)
	var owners []delegation.Name
	for i := range 100 {
		owners = append(owners, delegation.Name(fmt.Sprintf("n%d.%s", i, zone)))
	}
	if err := add(t, p, owners...); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /token", "GET /dns/v1/projects/my-project/managedZones?dnsName=auth.example.net.", "POST /dns/v1/projects/my-project/managedZones/auth/changes"}
	if asked := s.Asked(); !slices.Equal(asked, want) {
		t.Errorf("got %q, want %q", asked, want)
	}
}

func TestBusy(t *testing.T) {
	s := begin(t, []fake.Zone{ours})
	p := open(t, s, nil)
	if err := p.(dns01.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Fail(service.Fault{Status: 403, Body: `{"error": {"code": 403, "message": "Quota", "errors": [{"reason": "rateLimitExceeded"}]}}`, Header: map[string][]string{"Retry-After": {"0"}}})
	if err := add(t, p, zone); err != nil {
		t.Error(err)
	}
}

func TestZones(t *testing.T) {
	twin := fake.Zone{Name: "a-twin", DNSName: zone.String()}
	for _, test := range []struct {
		zones []fake.Zone
		want  string
		hint  string
	}{
		{[]fake.Zone{private, ours}, "<nil>", ""},
		{[]fake.Zone{ours, private, twin}, "the project my-project has 2 public zones auth.example.net", "set managed_zone: to that of them whose name servers the parent zone names: a-twin, auth"},
		{[]fake.Zone{private}, "the project my-project has only a private zone auth.example.net, which no CA can see", "another project"},
		{[]fake.Zone{other}, "the project my-project has no zone auth.example.net", "another project"},
	} {
		s := begin(t, test.zones)
		s.Page = 1
		err := add(t, open(t, s, nil), zone)
		if fmt.Sprint(err) != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if test.hint != "" {
			hints(t, err, test.hint)
		}
	}
	s := begin(t, []fake.Zone{ours})
	hints(t, add(t, open(t, s, nil, func(c *google.Config) { c.ManagedZone = "elsewhere" }), zone), "compare project: and managed_zone:")
	hints(t, add(t, open(t, s, nil, func(c *google.Config) { c.Project = "elsewhere" }), zone), "certctl policy print")
}

// A key for single record sets can do its work, and is refused all else.
func TestNarrowKey(t *testing.T) {
	owner := "a." + zone
	s := begin(t, []fake.Zone{ours, other}, owner.String())
	p := open(t, s, nil, func(c *google.Config) { c.ManagedZone = "auth" })
	if err := add(t, p, owner); err != nil {
		t.Fatal(err)
	}
	hints(t, add(t, p, "b."+zone), "certctl policy print")
	hints(t, add(t, open(t, s, nil), owner), "managed_zone: set")
	for _, test := range []struct {
		service *fake.Service
		want    []dns01.Reach
	}{
		{s, nil},
		{begin(t, []fake.Zone{ours, other}), []dns01.Reach{dns01.OtherNames, dns01.TheApex, dns01.NamesBelow, dns01.OtherTypes, dns01.OtherZones, dns01.Account}},
	} {
		env := map[string]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER": test.service.URL}
		p := open(t, test.service, env, func(c *google.Config) { c.ManagedZone = "auth" })
		if err := p.(dns01.Pinger).Ping(t.Context(), zone, nil); err != nil {
			t.Fatal(err)
		}
		if wide, floor := conformance.Reaches(t, p, zone, owner); !slices.Equal(wide, test.want) || len(floor) > 0 {
			t.Errorf("got %q, and %q of every key, want %q", wide, floor, test.want)
		}
	}
	b, err := p.(dns01.ScopeProber).ProbeScope(t.Context(), zone, owner)
	if err != nil || !strings.HasPrefix(b.Unseen, "what else the key may do in the project: endpoint: is configured") {
		t.Errorf("got %q, %v, want that the project was not looked at", b.Unseen, err)
	}
}

func TestStatus(t *testing.T) {
	s := begin(t, []fake.Zone{ours})
	s.Pending = 1
	p := open(t, s, nil)
	if err := add(t, p, zone); err != nil {
		t.Fatal(err)
	}
	s.Asked()
	if err := p.(dns01.StatusWaiter).WaitStatus(t.Context(), zone); err != nil {
		t.Fatal(err)
	}
	if asked := s.Asked(); len(asked) != 2 || asked[0] != "GET /dns/v1/projects/my-project/managedZones/auth/changes/1" {
		t.Errorf("got %q, want two questions about the change", asked)
	}
}

// Keys are found where Google's tools find them.
func TestKeys(t *testing.T) {
	s := begin(t, []fake.Zone{ours})
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	user := map[string]any{"type": "authorized_user", "client_id": "c", "client_secret": "client", "refresh_token": "refresh", "token_uri": s.URL + "/token", "quota_project_id": fake.Project}
	external := func(source map[string]any) string {
		return file(map[string]any{"type": "external_account", "audience": "a", "subject_token_type": "jwt", "token_url": s.URL + "/token", "credential_source": source, "quota_project_id": fake.Project,
			"service_account_impersonation_url": s.URL + "/v1/projects/-/serviceAccounts/x:generateAccessToken"})
	}
	tests := []struct {
		name, key string
		env       map[string]string
		want      string
	}{
		{"key", account(s), nil, ""},
		{"user", file(user), nil, ""},
		{"environment", "", map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write("key.json", account(s))}, ""},
		{"gcloud", "", map[string]string{"CLOUDSDK_CONFIG": filepath.Dir(write("application_default_credentials.json", file(user)))}, ""},
		{"elsewhere", external(map[string]any{"file": write("token", "identity\n")}), nil, ""},
		{"elsewhere in JSON", external(map[string]any{"file": write("token.json", `{"t": "identity"}`), "format": map[string]any{"type": "json", "subject_token_field_name": "t"}}), nil, ""},
		{"impersonated", file(map[string]any{"type": "impersonated_service_account", "source_credentials": user, "quota_project_id": fake.Project, "service_account_impersonation_url": s.URL + "/v1/x:generateAccessToken"}), nil, ""},
		{"machine", "", map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(s.URL, "http://"), "HOME": t.TempDir()}, ""},
		{"nowhere", "", map[string]string{"GCE_METADATA_HOST": "127.0.0.1:1", "HOME": t.TempDir()}, "no key for Google is found"},
		{"no JSON", "s3cret", nil, "key: it is no JSON with credentials"},
		{"unknown", `{"type": "s3cret"}`, nil, `key: credentials of type "s3cret" are not known`},
		{"no key", strings.ReplaceAll(account(s), "MII", "XXX"), nil, "key: private_key: it is no PKCS #8 key"},
		{"another's", strings.ReplaceAll(account(s), email, "other@example.com"), nil, "key: " + s.URL + " answered 400 Bad Request: invalid_grant"},
	}
	for _, test := range tests {
		p := open(t, s, test.env, func(c *google.Config) {
			if c.Key = secret.Plain(test.key); test.key == "" {
				c.Key = secret.Secret{}
			}
		})
		err := add(t, p, zone)
		if got := fmt.Sprint(err); (err == nil) != (test.want == "") || err != nil && !strings.Contains(got, test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestConfig(t *testing.T) {
	conformance.TestConfigs(t, google.New, map[string]google.Config{
		`project: "My project" is not the id of one`:                                       {Project: "My project"},
		`managed_zone: "auth.example.net" is not a zone's name in a project, like my-zone`: {ManagedZone: "auth.example.net"},
		"endpoint: url: a URL is expected, like https://dns.example.com/api":               {Endpoint: "x"},
	})
}

func TestPolicy(t *testing.T) {
	s := begin(t, nil)
	p := open(t, s, nil, func(c *google.Config) { c.Project, c.ManagedZone = fake.Project, "auth" })
	policies := p.(dns01.PolicyWriter).Policies(zone, []delegation.Name{"b." + zone, "a." + zone})
	want, err := os.ReadFile("testdata/policy.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := policies[0].Text + "\n" + policies[1].Text; got != string(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
