package module_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/libdns/libdns"
	"github.com/libdns/rfc2136"
	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/module"
	"certctl/dns01/txt"
	"certctl/lab/authority"
	"certctl/secret"
)

const zone delegation.Name = "auth.example.net."

// A module of the community does what it has to.
func TestModule(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		w := authority.New()
		z := w.Zone(zone.String(), "", "ns1.example.net.")
		key := z.Key("certctl-auth.")
		w.Run(t)
		p, err := module.New[rfc2136.Provider](module.Config{Options: map[string]secret.Secret{
			"key_name": secret.Plain(key.Name), "key_alg": secret.Plain(key.Algorithm), "key": secret.Plain(key.Secret),
			"server": secret.Plain(w.Server("ns1.example.net.").Addr().String()),
		}}, zone, dns01.Environment{})
		if err != nil {
			t.Fatal(err)
		}
		return p, conformance.World{
			Zone: zone, Secrets: []string{key.Secret},
			Values: func(owner delegation.Name) []string { return values(z, owner) },
			Add:    func(owner delegation.Name, value string) { z.Add(fmt.Sprintf("%s 60 IN TXT %q", owner, value)) },
		}
	})
}

func values(z *authority.Zone, owner delegation.Name) []string {
	var found []string
	for _, text := range z.Records("TXT") {
		rr, err := dns.NewRR(text)
		if err != nil || rr.Header().Name != owner.String() {
			continue
		}
		value, err := txt.Unquote(strings.TrimPrefix(rr.String(), rr.Header().String()))
		if err != nil {
			value = err.Error()
		}
		found = append(found, value)
	}
	return found
}

// careless is a module that adds twice, minds what is absent, and tells its key.
type careless struct {
	Key   string `json:"key"`
	Count int    `json:"count"`
	there []libdns.Record
}

func (c *careless) GetRecords(context.Context, string) ([]libdns.Record, error) { return c.there, nil }

func (c *careless) AppendRecords(_ context.Context, _ string, rs []libdns.Record) ([]libdns.Record, error) {
	c.there = append(c.there, rs...)
	if len(c.there) > c.Count {
		return nil, fmt.Errorf("the key %s is for %d records", c.Key, c.Count)
	}
	return rs, nil
}

func (c *careless) DeleteRecords(_ context.Context, _ string, rs []libdns.Record) ([]libdns.Record, error) {
	for _, r := range rs {
		i := slices.IndexFunc(c.there, func(t libdns.Record) bool { return t.RR().Data == r.RR().Data })
		if i < 0 {
			return nil, errors.New("no such record")
		}
		c.there = slices.Delete(c.there, i, i+1)
	}
	return rs, nil
}

func options(t *testing.T, options map[string]string) (dns01.Provider, error) {
	t.Helper()
	c := module.Config{Options: make(map[string]secret.Secret)}
	for name, value := range options {
		c.Options[name] = secret.Plain(value)
	}
	p, err := module.New[careless](c, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p, p.(dns01.Preparer).Prepare(t.Context())
}

// What a module lacks is added.
func TestCareless(t *testing.T) {
	p, err := options(t, map[string]string{"key": "s3cret", "count": "1"})
	if err != nil {
		t.Fatal(err)
	}
	record := func(value string) []libdns.Record {
		return []libdns.Record{libdns.RR{Name: "a", Type: "TXT", Data: value}}
	}
	for range 2 {
		if _, err := p.AppendRecords(t.Context(), zone.String(), record("1")); err != nil {
			t.Errorf("append: %v", err)
		}
	}
	for range 2 {
		if _, err := p.DeleteRecords(t.Context(), zone.String(), record("1")); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := p.AppendRecords(t.Context(), zone.String(), record("3")); err != nil {
		t.Errorf("append after delete: %v", err)
	}
	_, err = p.AppendRecords(t.Context(), zone.String(), append(record("1"), record("2")...))
	if want := "the key [secret] is for [secret] records"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOptions(t *testing.T) {
	for text, want := range map[string]string{
		`{"key": "a"}`:                   "<nil>",
		`{"kee": "s3cret"}`:              "options: kee: the module has no such option, or not with such a value",
		`{"count": "many"}`:              "options: count: the module has no such option, or not with such a value",
		`{"count": "1, \"key\": \"x\""}`: "options: count: the module has no such option, or not with such a value",
	} {
		var given map[string]string
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			t.Fatal(err)
		}
		if _, err := options(t, given); fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
