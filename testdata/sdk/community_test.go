package sdk

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	gandiapi "github.com/go-gandi/go-gandi"
	"github.com/go-gandi/go-gandi/config"
	"github.com/go-gandi/go-gandi/types"
	pdns "github.com/joeig/go-powerdns/v3"
	desecapi "github.com/nrdcg/desec"
	porkbunapi "github.com/nrdcg/porkbun"

	"certctl/dns01"
	"certctl/dns01/desec"
	"certctl/dns01/gandi"
	"certctl/dns01/porkbun"
	"certctl/dns01/powerdns"
	"certctl/dns01/txt"
	fakedesec "certctl/lab/service/desec"
	fakegandi "certctl/lab/service/gandi"
	fakeporkbun "certctl/lab/service/porkbun"
	fakepowerdns "certctl/lab/service/powerdns"
	"certctl/secret"
)

// The makers of deSEC, Gandi, Porkbun and PowerDNS have no library of their own.
// Those here are others', the ones that are used most: what they and we take alike
// is what many have tried, and not what a maker says.

func TestDeSEC(t *testing.T) {
	s := &fakedesec.Service{Zone: zone.Bare(), Token: token}
	s.Start()
	defer s.Close()
	p, err := desec.New(desec.Config{Token: secret.Plain(token), URL: s.URL + "/api/v1"}, zone, dns01.Environment{})
	check(t, err)
	c := desecapi.New(token, desecapi.NewDefaultClientOptions())
	c.BaseURL = s.URL + "/api/v1/"
	subname := func(name string) string { return strings.TrimPrefix(owner(name).Relative(zone), "@") }
	agree(t, sets{
		read: func(name string) ([]string, error) {
			found, err := c.Records.Get(t.Context(), zone.Bare(), subname(name), "TXT")
			if _, missing := errors.AsType[*desecapi.NotFoundError](err); missing {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			return found.Records, nil
		},
		replace: func(name string, before, after []string) error {
			set := desecapi.RRSet{Domain: zone.Bare(), SubName: subname(name), Type: "TXT", Records: after, TTL: 3600}
			var err error
			switch {
			case len(after) == 0:
				err = c.Records.Delete(t.Context(), zone.Bare(), set.SubName, "TXT")
			case len(before) == 0:
				_, err = c.Records.Create(t.Context(), set)
			default:
				_, err = c.Records.Update(t.Context(), zone.Bare(), set.SubName, "TXT", set)
			}
			return err
		},
		quote: txt.Quote, unquote: txt.Unquote,
	}.library(), p)
}

func TestGandi(t *testing.T) {
	s := &fakegandi.Service{Zone: zone.Bare(), Token: token}
	s.Start()
	defer s.Close()
	p, err := gandi.New(gandi.Config{Token: secret.Plain(token), URL: s.URL + "/v5/livedns"}, zone, dns01.Environment{})
	check(t, err)
	c := gandiapi.NewLiveDNSClient(config.Config{PersonalAccessToken: token, APIURL: s.URL})
	label := func(name string) string { return owner(name).Relative(zone) }
	agree(t, sets{
		read: func(name string) ([]string, error) {
			found, err := c.GetDomainRecordByNameAndType(zone.Bare(), label(name), "TXT")
			if e, ok := errors.AsType[*types.RequestError](err); ok && e.StatusCode == http.StatusNotFound {
				return nil, nil
			}
			return found.RrsetValues, err
		},
		replace: func(name string, _, after []string) error {
			if len(after) == 0 {
				return c.DeleteDomainRecord(zone.Bare(), label(name), "TXT")
			}
			_, err := c.UpdateDomainRecordByNameAndType(zone.Bare(), label(name), "TXT", 300, after)
			return err
		},
		quote: txt.Quote, unquote: txt.Unquote,
	}.library(), p)
}

func TestPorkbun(t *testing.T) {
	s := &fakeporkbun.Service{Zone: zone.Bare(), Key: "pk1", SecretKey: token}
	s.Start()
	defer s.Close()
	p, err := porkbun.New(porkbun.Config{APIKey: secret.Plain("pk1"), SecretAPIKey: secret.Plain(token), URL: s.URL + "/api/json/v3"}, zone, dns01.Environment{})
	check(t, err)
	c := porkbunapi.New(token, "pk1")
	c.BaseURL, err = c.BaseURL.Parse(s.URL + "/api/json/v3/")
	check(t, err)
	at := func(name string) (found []porkbunapi.Record, err error) {
		all, err := c.RetrieveRecords(t.Context(), zone.Bare())
		return slices.DeleteFunc(all, func(r porkbunapi.Record) bool { return r.Name != name || r.Type != "TXT" }), err
	}
	agree(t, library{
		add: func(name, value string) error {
			label := strings.TrimPrefix(owner(name).Relative(zone), "@")
			_, err := c.CreateRecord(t.Context(), zone.Bare(), porkbunapi.Record{Name: label, Type: "TXT", Content: value, TTL: "600"})
			return err
		},
		remove: func(name, value string) error {
			found, err := at(name)
			for _, r := range found {
				if id, _ := strconv.Atoi(r.ID); r.Content == value {
					err = c.DeleteRecord(t.Context(), zone.Bare(), id)
				}
			}
			return err
		},
		values: func(name string) ([]string, error) {
			found, err := at(name)
			var values []string
			for _, r := range found {
				values = append(values, r.Content)
			}
			return values, err
		},
	}, p)
}

func TestPowerDNS(t *testing.T) {
	s := &fakepowerdns.Service{Zone: zone.String(), Key: token}
	s.Start()
	defer s.Close()
	p, err := powerdns.New(powerdns.Config{URL: s.URL, APIKey: secret.Plain(token)}, zone, dns01.Environment{})
	check(t, err)
	c := pdns.New(s.URL, "localhost", pdns.WithAPIKey(token))
	kind := pdns.RRTypeTXT
	agree(t, sets{
		read: func(name string) ([]string, error) {
			found, err := c.Records.Get(t.Context(), zone.String(), name+".", &kind)
			var data []string
			for _, set := range found {
				for _, r := range set.Records {
					data = append(data, *r.Content)
				}
			}
			return data, err
		},
		replace: func(name string, _, after []string) error {
			if len(after) == 0 {
				return c.Records.Delete(t.Context(), zone.String(), name+".", kind)
			}
			return c.Records.Change(t.Context(), zone.String(), name+".", kind, 60, after)
		},
		quote: txt.Quote, unquote: txt.Unquote,
	}.library(), p)
}
