package sdk

import (
	"testing"

	"github.com/digitalocean/godo"

	"certctl/dns01"
	"certctl/dns01/digitalocean"
	fake "certctl/lab/service/digitalocean"
	"certctl/secret"
)

func TestDigitalOcean(t *testing.T) {
	s := &fake.Service{Zone: zone.Bare(), Token: token}
	s.Start()
	defer s.Close()
	p, err := digitalocean.New(digitalocean.Config{Token: secret.Plain(token), URL: s.URL + "/v2"}, zone, dns01.Environment{})
	check(t, err)
	c := godo.NewFromToken(token)
	check(t, godo.SetBaseURL(s.URL+"/")(c))
	list := func(name string) (all []godo.DomainRecord, err error) {
		for page := 1; ; page++ {
			found, r, err := c.Domains.RecordsByTypeAndName(t.Context(), zone.Bare(), "TXT", name, &godo.ListOptions{Page: page})
			if all = append(all, found...); err != nil || r.Links.IsLastPage() {
				return all, err
			}
		}
	}
	agree(t, library{
		add: func(name, value string) error {
			label := owner(name).Relative(zone)
			_, _, err := c.Domains.CreateRecord(t.Context(), zone.Bare(), &godo.DomainRecordEditRequest{Type: "TXT", Name: label, Data: value, TTL: 120})
			return err
		},
		remove: func(name, value string) error {
			found, err := list(name)
			for _, r := range found {
				if r.Data == value {
					_, err = c.Domains.DeleteRecord(t.Context(), zone.Bare(), r.ID)
				}
			}
			return err
		},
		values: func(name string) ([]string, error) {
			found, err := list(name)
			var values []string
			for _, r := range found {
				values = append(values, r.Data)
			}
			return values, err
		},
	}, p)
}
