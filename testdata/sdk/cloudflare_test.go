package sdk

import (
	"strconv"
	"testing"

	api "github.com/cloudflare/cloudflare-go"

	"certctl/dns01"
	"certctl/dns01/cloudflare"
	fake "certctl/lab/service/cloudflare"
	"certctl/secret"
)

func TestCloudflare(t *testing.T) {
	s := &fake.Service{Zone: zone.Bare(), Token: token}
	s.Start()
	defer s.Close()
	p, err := cloudflare.New(cloudflare.Config{Token: secret.Plain(token), URL: s.URL}, zone, dns01.Environment{})
	check(t, err)
	c, err := api.NewWithAPIToken(token, api.BaseURL(s.URL), api.UsingRateLimit(1e6))
	check(t, err)
	id, err := c.ZoneIDByName(zone.Bare())
	check(t, err)
	at := api.ZoneIdentifier(id)
	list := func(name string) ([]api.DNSRecord, error) {
		found, _, err := c.ListDNSRecords(t.Context(), at, api.ListDNSRecordsParams{Type: "TXT", Name: name})
		return found, err
	}
	agree(t, library{
		add: func(name, value string) error {
			_, err := c.CreateDNSRecord(t.Context(), at, api.CreateDNSRecordParams{Type: "TXT", Name: name, Content: strconv.Quote(value), TTL: 120})
			return err
		},
		remove: func(name, value string) error {
			found, err := list(name)
			for _, r := range found {
				if r.Content == strconv.Quote(value) {
					err = c.DeleteDNSRecord(t.Context(), at, r.ID)
				}
			}
			return err
		},
		values: func(name string) ([]string, error) {
			found, err := list(name)
			var values []string
			for _, r := range found {
				v, _ := strconv.Unquote(r.Content)
				values = append(values, v)
			}
			return values, err
		},
	}, p)
}
