package sdk

import (
	"errors"
	"testing"

	api "github.com/scaleway/scaleway-sdk-go/api/domain/v2beta1"
	"github.com/scaleway/scaleway-sdk-go/scw"

	"certctl/dns01"
	"certctl/dns01/scaleway"
	"certctl/dns01/txt"
	fake "certctl/lab/service/scaleway"
	"certctl/secret"
)

// The library adds one record a request, and removes it by what it has, where we
// use ids.
func TestScaleway(t *testing.T) {
	const key = "11111111-2222-3333-4444-555555555555" // the library takes none of another form
	s := &fake.Service{Zone: zone.Bare(), Key: key, Page: 7}
	s.Start()
	defer s.Close()
	p, err := scaleway.New(scaleway.Config{SecretKey: secret.Plain(key), URL: s.URL + "/domain/v2beta1"}, zone, dns01.Environment{})
	check(t, err)
	client, err := scw.NewClient(scw.WithAPIURL(s.URL), scw.WithAuth("SCWAAAAAAAAAAAAAAAAA", key))
	check(t, err)
	c := api.NewAPI(client)
	label := func(name string) string {
		if owner(name) == zone {
			return ""
		}
		return owner(name).Relative(zone)
	}
	update := func(change *api.RecordChange) error {
		_, err := c.UpdateDNSZoneRecords(&api.UpdateDNSZoneRecordsRequest{
			DNSZone: zone.Bare(), Changes: []*api.RecordChange{change}, DisallowNewZoneCreation: true,
		}, scw.WithContext(t.Context()))
		return err
	}
	agree(t, library{
		add: func(name, value string) error {
			r := &api.Record{Name: label(name), Type: api.RecordTypeTXT, Data: txt.Quote(value), TTL: 60}
			return update(&api.RecordChange{Add: &api.RecordChangeAdd{Records: []*api.Record{r}}})
		},
		remove: func(name, value string) error {
			r := &api.RecordIdentifier{Name: label(name), Type: api.RecordTypeTXT, Data: scw.StringPtr(txt.Quote(value))}
			return update(&api.RecordChange{Delete: &api.RecordChangeDelete{IDFields: r}})
		},
		values: func(name string) ([]string, error) {
			found, err := c.ListDNSZoneRecords(&api.ListDNSZoneRecordsRequest{
				DNSZone: zone.Bare(), Name: label(name), Type: api.RecordTypeTXT,
			}, scw.WithAllPages(), scw.WithContext(t.Context()))
			if err != nil {
				return nil, err
			}
			var values []string
			for _, r := range found.Records {
				v, wrong := txt.Unquote(r.Data)
				if r.Name == label(name) {
					values, err = append(values, v), errors.Join(err, wrong)
				}
			}
			return values, err
		},
	}, p)
	err = update(&api.RecordChange{Delete: &api.RecordChangeDelete{ID: scw.StringPtr("1")}})
	if said, ok := errors.AsType[*scw.ResourceNotFoundError](err); !ok || said.Resource != "record" {
		t.Errorf("got %v, want that there is no such record", err)
	}
}
