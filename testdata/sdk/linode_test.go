package sdk

import (
	"strings"
	"testing"

	"github.com/linode/linodego"

	"certctl/dns01"
	"certctl/dns01/linode"
	fake "certctl/lab/service/linode"
	"certctl/secret"
)

func TestLinode(t *testing.T) {
	s := &fake.Service{Zone: zone.Bare(), Token: token}
	s.Start()
	defer s.Close()
	p, err := linode.New(linode.Config{Token: secret.Plain(token), URL: s.URL + "/v4"}, zone, dns01.Environment{})
	check(t, err)
	c := linodego.NewClient(nil)
	c.SetToken(token)
	c.SetBaseURL(s.URL)
	label := func(name string) string { return strings.TrimPrefix(owner(name).Relative(zone), "@") }
	agree(t, library{
		add: func(name, value string) error {
			_, err := c.CreateDomainRecord(t.Context(), fake.ZoneID, linodego.DomainRecordCreateOptions{
				Type: linodego.RecordTypeTXT, Name: label(name), Target: value, TTLSec: 300,
			})
			return err
		},
		remove: func(name, value string) error {
			found, err := c.ListDomainRecords(t.Context(), fake.ZoneID, nil)
			for _, r := range found {
				if r.Name == label(name) && r.Target == value {
					err = c.DeleteDomainRecord(t.Context(), fake.ZoneID, r.ID)
				}
			}
			return err
		},
		values: func(name string) ([]string, error) {
			found, err := c.ListDomainRecords(t.Context(), fake.ZoneID, nil)
			var values []string
			for _, r := range found {
				if r.Type == linodego.RecordTypeTXT && r.Name == label(name) {
					values = append(values, r.Target)
				}
			}
			return values, err
		},
	}, p)
}
