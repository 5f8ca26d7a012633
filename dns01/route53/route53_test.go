package route53_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/route53"
	"certctl/dns01/txt"
	"certctl/lab/service"
	fake "certctl/lab/service/route53"
	"certctl/secret"
)

const (
	zone = delegation.Name("auth.example.net.")
	key  = "s3cret/that+must-not-show"
)

var (
	ours    = fake.Zone{ID: "Z1", Name: zone.String()}
	private = fake.Zone{ID: "Z2", Name: zone.String(), Private: true}
	other   = fake.Zone{ID: "Z3", Name: "example.com."}
	root    = fake.Key{ID: "AKIAROOT", Secret: key}
)

func begin(t *testing.T, zones []fake.Zone, keys ...fake.Key) *fake.Service {
	t.Helper()
	s := fake.New(zones, keys...)
	t.Cleanup(s.Close)
	return s
}

// open returns a provider at a service, with changes to its configuration.
func open(t *testing.T, s *fake.Service, env map[string]string, changes ...func(*route53.Config)) dns01.Provider {
	t.Helper()
	c := route53.Config{AccessKeyID: root.ID, SecretAccessKey: secret.Plain(key), Endpoint: s.URL}
	for _, change := range changes {
		change(&c)
	}
	p, err := route53.New(c, zone, dns01.Environment{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func record(owner delegation.Name, value string) libdns.Record {
	return libdns.RR{Name: owner.Relative(zone), Type: "TXT", TTL: time.Minute, Data: value}
}

func add(t *testing.T, p dns01.Provider, owner delegation.Name, value string) error {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{record(owner, value)})
	return err
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := begin(t, []fake.Zone{ours, private, other}, root)
		s.Page = 1
		w := conformance.Hosted(s, zone, txt.Quote, txt.Unquote, key)
		w.Again = func() dns01.Provider { return open(t, s, nil) }
		return open(t, s, nil), w
	})
}

// A hundred names are one request, to add and to remove.
func TestOneRequest(t *testing.T) {
	s := begin(t, []fake.Zone{ours}, root)
	p := open(t, s, nil, func(c *route53.Config) { c.ZoneID = "/hostedzone/Z1" })
	var records []libdns.Record
	for i := range 100 {
		records = append(records, record(delegation.Name(fmt.Sprintf("n%d.%s", i, zone)), "v"))
	}
	for _, do := range []func(context.Context, string, []libdns.Record) ([]libdns.Record, error){p.AppendRecords, p.DeleteRecords} {
		if _, err := do(t.Context(), zone.String(), records); err != nil {
			t.Fatal(err)
		}
		if asked := s.Asked(); len(asked) != 1 {
			t.Errorf("got %q, want one request", asked)
		}
	}
}

// Throttling is status 400 at Route 53.
func TestThrottling(t *testing.T) {
	s := begin(t, []fake.Zone{ours}, root)
	p := open(t, s, nil, func(c *route53.Config) { c.ZoneID = "Z1" })
	const body = `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`
	s.Fail(service.Fault{Status: 400, Body: body})
	if err := add(t, p, "a."+zone, "v"); err != nil {
		t.Error(err)
	}
}

// A key that may write single names can do its work, and is refused all else.
func TestNarrowKey(t *testing.T) {
	owner := "_acme-challenge." + zone
	narrow := fake.Key{ID: "AKIANARROW", Secret: key, Zone: "Z1", Owners: []string{owner.Bare()}}
	s := begin(t, []fake.Zone{ours, other}, narrow, root)
	p := open(t, s, nil, func(c *route53.Config) { c.AccessKeyID, c.ZoneID = narrow.ID, "Z1" })
	for _, value := range []string{"1", "2"} {
		if err := add(t, p, owner, value); err != nil {
			t.Fatal(err)
		}
	}
	err := add(t, p, "other."+zone, "1")
	if want := s.URL + " answered AccessDenied: User: arn:aws:iam::1:user/certctl is not authorized to perform: route53:ChangeResourceRecordSets on resource: arn:aws:route53:::hostedzone/Z1"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	hints(t, err, "certctl policy print")

	p = open(t, s, nil, func(c *route53.Config) { c.AccessKeyID = narrow.ID })
	err = add(t, p, owner, "1")
	if want := "looking for the hosted zone auth.example.net: " + s.URL + " answered AccessDenied"; !strings.HasPrefix(fmt.Sprint(err), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	hints(t, err, "set zone_id:")
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

func TestZones(t *testing.T) {
	twin := fake.Zone{ID: "Z9", Name: zone.String()}
	for _, test := range []struct {
		zones []fake.Zone
		want  string
		hint  string
	}{
		{[]fake.Zone{ours, private}, "<nil>", ""},
		{[]fake.Zone{private, ours, twin}, "the account has 2 public hosted zones auth.example.net", "set zone_id: to that of them whose name servers the parent zone names: Z1, Z9"},
		{[]fake.Zone{private}, "the account has only a private hosted zone auth.example.net, which no CA can see", "another account"},
		{[]fake.Zone{other}, "the account has no hosted zone auth.example.net", "another account"},
	} {
		s := begin(t, test.zones, root)
		s.Page = 1
		err := add(t, open(t, s, nil), zone, "v")
		if fmt.Sprint(err) != test.want {
			t.Errorf("%v: got %v, want %s", test.zones, err, test.want)
		}
		if test.hint != "" {
			hints(t, err, test.hint)
		}
	}
	s := begin(t, []fake.Zone{ours}, root)
	err := add(t, open(t, s, nil, func(c *route53.Config) { c.ZoneID = "Z404" }), zone, "v")
	hints(t, err, "compare zone_id:")
}

func TestWrongKey(t *testing.T) {
	s := begin(t, []fake.Zone{ours}, root)
	err := add(t, open(t, s, nil, func(c *route53.Config) { c.SecretAccessKey = secret.Plain("wrong") }), zone, "v")
	hints(t, err, "compare access_key_id")
	if _, ok := errors.AsType[dns01.Refusal](err); !ok {
		t.Errorf("got %v, want a refusal", err)
	}
}

// The servers have a change when Route 53 says so.
func TestStatus(t *testing.T) {
	s := begin(t, []fake.Zone{ours}, root)
	s.Pending = 1
	p := open(t, s, nil)
	if err := add(t, p, zone, "v"); err != nil {
		t.Fatal(err)
	}
	s.Asked()
	if err := p.(dns01.StatusWaiter).WaitStatus(t.Context(), zone); err != nil {
		t.Fatal(err)
	}
	if asked := s.Asked(); len(asked) != 2 || !strings.HasPrefix(asked[0], "GET /2013-04-01/change/C") {
		t.Errorf("got %q, want two questions about the change", asked)
	}
}

// Keys are found where Amazon's tools find them.
func TestSources(t *testing.T) {
	s := begin(t, []fake.Zone{ours}, root)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	profile := "[default]\naws_access_key_id = nobody\naws_secret_access_key = x\n# a comment\n[main]\nAWS_ACCESS_KEY_ID=" + root.ID + "\naws_secret_access_key = " + key + "\n"
	none := map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}
	profiles := func(c *route53.Config) { c.Profile = "main" }
	tests := []struct {
		name   string
		env    map[string]string
		change func(*route53.Config)
		want   string
	}{
		{"environment", map[string]string{"AWS_ACCESS_KEY_ID": root.ID, "AWS_SECRET_ACCESS_KEY": key}, nil, ""},
		{"profile", map[string]string{"AWS_SHARED_CREDENTIALS_FILE": write("credentials", profile), "AWS_PROFILE": "main"}, nil, ""},
		{"config file", map[string]string{"HOME": dir, "AWS_CONFIG_FILE": write("config", strings.ReplaceAll(profile, "[main]", "[profile main]"))}, profiles, ""},
		{"web identity", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": write("token", "identity\n"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_ENDPOINT_URL_STS": s.URL}, nil, ""},
		{"container", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL + "/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container"}, nil, ""},
		{"machine", map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL}, nil, ""},
		{"role", map[string]string{"AWS_ACCESS_KEY_ID": root.ID, "AWS_SECRET_ACCESS_KEY": key, "AWS_ENDPOINT_URL_STS": s.URL}, func(c *route53.Config) { c.RoleARN = "arn:aws:iam::1:role/x" }, ""},
		{"nowhere", none, nil, "no key for Amazon is found"},
		{"no such profile", none, profiles, "the shared files have no key in the profile main"},
		{"sso", map[string]string{"AWS_CONFIG_FILE": write("sso", "[profile main]\nsso_session = x\n")}, profiles, write("sso", "[profile main]\nsso_session = x\n") + ": the profile main has no key but sso_session, which is not followed"},
		{"bad identity", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": write("bad", "b4d-identity"), "AWS_ROLE_ARN": "r", "AWS_ENDPOINT_URL_STS": s.URL}, nil, "AssumeRoleWithWebIdentity r: " + s.URL + " answered InvalidIdentityToken"},
	}
	for _, test := range tests {
		p := open(t, s, test.env, func(c *route53.Config) {
			c.AccessKeyID, c.SecretAccessKey, c.ZoneID = "", secret.Secret{}, "Z1"
			if test.change != nil {
				test.change(c)
			}
		})
		err := add(t, p, zone, test.name)
		if got := fmt.Sprint(err); (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, p), "b4d-identity") {
			t.Errorf("%s: got the token in %v", test.name, err)
		}
	}
}

func TestConfig(t *testing.T) {
	k := secret.Plain(key)
	for _, test := range []struct {
		config route53.Config
		want   string
	}{
		{route53.Config{AccessKeyID: "A"}, "access_key_id and secret_access_key come together"},
		{route53.Config{SecretAccessKey: k}, "access_key_id and secret_access_key come together"},
		{route53.Config{AccessKeyID: "A", SecretAccessKey: k, Profile: "x"}, "profile: there is an access_key_id too, and only one of the two is used"},
		{route53.Config{SessionToken: k}, "session_token: there is no access_key_id that it belongs to"},
		{route53.Config{ExternalID: "x"}, "external_id: there is no role_arn to use it for"},
		{route53.Config{ZoneID: "auth.example.net"}, `zone_id: "auth.example.net" is none, like Z0123456789ABCDEFGHIJ`},
		{route53.Config{Endpoint: "http://r53.example.com"}, "endpoint: url: https is needed: only on this host itself may a secret go over plain http, and r53.example.com is not"},
	} {
		if _, err := route53.New(test.config, zone, dns01.Environment{}); fmt.Sprint(err) != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestProbe(t *testing.T) {
	owner := "a." + zone
	narrow := fake.Key{ID: "AKIANARROW", Secret: key, Zone: "Z1", Owners: []string{owner.Bare()}}
	for _, test := range []struct {
		key  fake.Key
		want []dns01.Reach
	}{
		{narrow, nil},
		{root, []dns01.Reach{dns01.OtherNames, dns01.TheApex, dns01.NamesBelow, dns01.OtherTypes, dns01.OtherZones, dns01.Account}},
	} {
		s := begin(t, []fake.Zone{ours, other}, test.key)
		env := map[string]string{"AWS_ENDPOINT_URL_IAM": s.URL}
		p := open(t, s, env, func(c *route53.Config) { c.AccessKeyID, c.ZoneID = test.key.ID, "Z1" })
		if err := p.(dns01.Pinger).Ping(t.Context(), zone, []delegation.Name{owner}); err != nil {
			t.Fatal(err)
		}
		if wide, floor := conformance.Reaches(t, p, zone, owner); !slices.Equal(wide, test.want) || len(floor) > 0 {
			t.Errorf("%s: got %q, and %q of every key, want %q", test.key.ID, wide, floor, test.want)
		}
		s.Do(func() {
			if keys := s.Service.Keys(); len(keys) > 0 {
				t.Errorf("got %v, want nothing written", keys)
			}
		})
	}
}

// Where IAM is, or that it cannot be asked, is no reason to say that all is well.
func TestProbeUnseen(t *testing.T) {
	s := begin(t, []fake.Zone{ours}, root)
	for at, want := range map[string]string{
		"":                     "what else the key may do in the account: endpoint: is configured, and no AWS_ENDPOINT_URL_IAM is set",
		s.URL + "/2013-04-01/": "what else the key may do in the account: " + s.URL + " answered SignatureDoesNotMatch",
	} {
		p := open(t, s, map[string]string{"AWS_ENDPOINT_URL_IAM": at})
		b, err := p.(dns01.ScopeProber).ProbeScope(t.Context(), zone, "a."+zone)
		if err != nil || !strings.HasPrefix(b.Unseen, want) {
			t.Errorf("got %q, %v, want %q", b.Unseen, err, want)
		}
	}
}

func TestPolicy(t *testing.T) {
	s := begin(t, nil)
	p := open(t, s, nil, func(c *route53.Config) { c.ZoneID = "Z1" })
	policies := p.(dns01.PolicyWriter).Policies(zone, []delegation.Name{"b." + zone, "*.A." + zone})
	want, err := os.ReadFile("testdata/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(policies) != 1 || policies[0].Text != string(want) {
		t.Errorf("got %s, want %s", policies[0].Text, want)
	}
	if text := open(t, s, nil).(dns01.PolicyWriter).Policies(zone, nil)[0]; !strings.Contains(text.Excess, "zone_id:") {
		t.Errorf("got %q, want what to fill in", text.Excess)
	}
}
