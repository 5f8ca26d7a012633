package sdk

import (
	"errors"
	"strings"
	"testing"

	api "gopkg.in/ns1/ns1-go.v2/rest"
	"gopkg.in/ns1/ns1-go.v2/rest/model/dns"
	"gopkg.in/ns1/ns1-go.v2/rest/model/filter"

	"certctl/dns01"
	"certctl/dns01/ns1"
	fake "certctl/lab/service/ns1"
	"certctl/secret"
)

// The library writes records with filters, which we leave as they are.
func TestNS1(t *testing.T) {
	s := &fake.Service{Zones: []string{zone.Bare()}, Key: token}
	s.Start()
	defer s.Close()
	p, err := ns1.New(ns1.Config{Key: secret.Plain(token), URL: s.URL}, zone, dns01.Environment{})
	check(t, err)
	c := api.NewClient(nil, api.SetEndpoint(s.URL+"/"), api.SetAPIKey(token))
	l := sets{
		read: func(name string) ([]string, error) {
			found, _, err := c.Records.Get(zone.Bare(), name, "TXT")
			if errors.Is(err, api.ErrRecordMissing) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			var values []string
			for _, a := range found.Answers {
				values = append(values, strings.Join(a.Rdata, ""))
			}
			return values, nil
		},
		replace: func(name string, before, after []string) error {
			r := dns.NewRecord(zone.Bare(), name, "TXT", nil, nil)
			r.TTL = 60
			r.AddFilter(filter.NewShuffle())
			for _, v := range after {
				r.AddAnswer(dns.NewAnswer([]string{v}))
			}
			var err error
			switch {
			case len(after) == 0:
				_, err = c.Records.Delete(zone.Bare(), name, "TXT")
			case len(before) == 0:
				_, err = c.Records.Create(r)
			default:
				_, err = c.Records.Update(r)
			}
			return err
		},
		quote:   func(value string) string { return value },
		unquote: func(data string) (string, error) { return data, nil },
	}.library()
	agree(t, l, p)
	const name = "filtered." + zone
	check(t, l.add(name.Bare(), "theirs"))
	check(t, change(t, p.AppendRecords, name, "ours"))
	want(t, l, name.Bare(), "ours", "theirs")
	r, _, err := c.Records.Get(zone.Bare(), name.Bare(), "TXT")
	check(t, err)
	if len(r.Filters) != 1 || r.Filters[0].Type != "shuffle" || r.TTL != 60 {
		t.Errorf("got %+v, want its filter and TTL", r)
	}
}
