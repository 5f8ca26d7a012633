package sdk

import (
	"errors"
	"net/url"
	"strconv"
	"testing"
	"time"

	api "github.com/ovh/go-ovh/ovh"

	"certctl/dns01"
	"certctl/dns01/ovh"
	"certctl/dns01/txt"
	fake "certctl/lab/service/ovh"
	"certctl/secret"
)

// ovhRecord is a record as the API's console describes it: the library has no
// types of its own.
type ovhRecord struct {
	FieldType string `json:"fieldType"`
	SubDomain string `json:"subDomain"`
	Target    string `json:"target"`
	TTL       int    `json:"ttl"`
}

// The library sets its clock by the service's, too, and signs with it.
func TestOVH(t *testing.T) {
	s := &fake.Service{
		Zone: zone.Bare(), Application: "application", Secret: token, Consumer: "consumer", Ahead: time.Hour,
		Rules: fake.Rules("GET /domain/zone/*/record", "POST /domain/zone/*/record", "POST /domain/zone/*/refresh", "GET /domain/zone/*/record/*", "DELETE /domain/zone/*/record/*"),
	}
	s.Start()
	defer s.Close()
	p, err := ovh.New(ovh.Config{
		ApplicationKey: "application", ApplicationSecret: secret.Plain(token), ConsumerKey: secret.Plain("consumer"), Endpoint: s.URL,
	}, zone, dns01.Environment{})
	check(t, err)
	c, err := api.NewClient(s.URL, "application", token, "consumer")
	check(t, err)
	records := "/domain/zone/" + zone.Bare() + "/record"
	sub := func(name string) string {
		if owner(name) == zone {
			return ""
		}
		return owner(name).Relative(zone)
	}
	// read returns the records at a name by their paths.
	read := func(name string) (map[string]string, error) {
		var ids []int64
		query := url.Values{"fieldType": {"TXT"}, "subDomain": {sub(name)}}
		if err := c.GetWithContext(t.Context(), records+"?"+query.Encode(), &ids); err != nil {
			return nil, err
		}
		found := make(map[string]string)
		for _, id := range ids {
			var r ovhRecord
			path := records + "/" + strconv.FormatInt(id, 10)
			if err := c.GetWithContext(t.Context(), path, &r); err != nil {
				return nil, err
			}
			found[path] = r.Target
		}
		return found, nil
	}
	refresh := func() error {
		return c.PostWithContext(t.Context(), "/domain/zone/"+zone.Bare()+"/refresh", nil, nil)
	}
	agree(t, library{
		add: func(name, value string) error {
			var made ovhRecord
			err := c.PostWithContext(t.Context(), records, ovhRecord{"TXT", sub(name), txt.Quote(value), 60}, &made)
			return errors.Join(err, refresh())
		},
		remove: func(name, value string) error {
			found, err := read(name)
			for path, target := range found {
				if target == txt.Quote(value) {
					err = c.DeleteWithContext(t.Context(), path, nil)
				}
			}
			return errors.Join(err, refresh())
		},
		values: func(name string) ([]string, error) {
			found, err := read(name)
			var values []string
			for _, target := range found {
				v, wrong := txt.Unquote(target)
				values, err = append(values, v), errors.Join(err, wrong)
			}
			return values, err
		},
	}, p)
	var said *api.APIError
	if err := c.GetWithContext(t.Context(), records+"/1", nil); !errors.As(err, &said) || said.Code != 404 || said.Class != "Client::NotFound" {
		t.Errorf("got %v, want that there is no such record", err)
	}
}
