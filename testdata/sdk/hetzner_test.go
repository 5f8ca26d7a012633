package sdk

import (
	"strconv"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"certctl/dns01"
	"certctl/dns01/hetzner"
	fake "certctl/lab/service/hetzner"
	"certctl/secret"
)

func TestHetzner(t *testing.T) {
	s := &fake.Service{Zone: zone.Bare(), Token: token, Steps: 1}
	s.Start()
	defer s.Close()
	p, err := hetzner.New(hetzner.Config{Token: secret.Plain(token), URL: s.URL + "/v1"}, zone, dns01.Environment{})
	check(t, err)
	c := hcloud.NewClient(hcloud.WithToken(token), hcloud.WithEndpoint(s.URL+"/v1"),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(time.Millisecond)}))
	z, _, err := c.Zone.Get(t.Context(), zone.Bare())
	check(t, err)
	set := func(name string) *hcloud.ZoneRRSet {
		return &hcloud.ZoneRRSet{Zone: z, Name: owner(name).Relative(zone), Type: hcloud.ZoneRRSetTypeTXT}
	}
	wait := func(a *hcloud.Action, _ *hcloud.Response, err error) error {
		if err != nil {
			return err
		}
		return c.Action.WaitFor(t.Context(), a)
	}
	agree(t, library{
		add: func(name, value string) error {
			return wait(c.Zone.AddRRSetRecords(t.Context(), set(name), hcloud.ZoneRRSetAddRecordsOpts{
				Records: []hcloud.ZoneRRSetRecord{{Value: strconv.Quote(value)}},
			}))
		},
		remove: func(name, value string) error {
			return wait(c.Zone.RemoveRRSetRecords(t.Context(), set(name), hcloud.ZoneRRSetRemoveRecordsOpts{
				Records: []hcloud.ZoneRRSetRecord{{Value: strconv.Quote(value)}},
			}))
		},
		values: func(name string) ([]string, error) {
			found, _, err := c.Zone.GetRRSetByNameAndType(t.Context(), z, set(name).Name, hcloud.ZoneRRSetTypeTXT)
			if found == nil || err != nil {
				return nil, err
			}
			var values []string
			for _, r := range found.Records {
				v, _ := strconv.Unquote(r.Value)
				values = append(values, v)
			}
			return values, nil
		},
	}, p)
	if err := p.(dns01.StatusWaiter).WaitStatus(t.Context(), zone); err != nil {
		t.Error(err)
	}
}
