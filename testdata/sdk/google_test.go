package sdk

import (
	"context"
	"testing"

	gdns "google.golang.org/api/dns/v1"
	"google.golang.org/api/option"

	"certctl/dns01"
	"certctl/dns01/google"
	"certctl/dns01/txt"
	fake "certctl/lab/service/google"
	"certctl/secret"
)

// Both are known by a refresh token, which our provider exchanges by itself.
func TestGoogle(t *testing.T) {
	s := fake.New([]fake.Zone{{Name: "auth", DNSName: zone.String()}})
	defer s.Close()
	key := `{"type": "authorized_user", "client_id": "c", "client_secret": "client", "refresh_token": "refresh", "token_uri": "` + s.URL + `/token"}`
	p, err := google.New(google.Config{Project: fake.Project, Key: secret.Plain(key), Endpoint: s.URL}, zone, dns01.Environment{})
	check(t, err)
	check(t, p.(dns01.Preparer).Prepare(t.Context())) // the first token that the service gives
	c, err := gdns.NewService(context.Background(), option.WithEndpoint(s.URL), option.WithHTTPClient(bearer("ya29.token-0").client()))
	check(t, err)
	agree(t, sets{
		read: func(name string) ([]string, error) {
			out, err := c.ResourceRecordSets.List(fake.Project, "auth").Name(name + ".").Type("TXT").Do()
			if err != nil || len(out.Rrsets) == 0 {
				return nil, err
			}
			return out.Rrsets[0].Rrdatas, nil
		},
		replace: func(name string, before, after []string) error {
			change := &gdns.Change{}
			out, err := c.ResourceRecordSets.List(fake.Project, "auth").Name(name + ".").Type("TXT").Do()
			if err != nil {
				return err
			}
			change.Deletions = out.Rrsets
			if len(after) > 0 {
				change.Additions = []*gdns.ResourceRecordSet{{Name: name + ".", Type: "TXT", Ttl: 60, Rrdatas: after}}
			}
			_, err = c.Changes.Create(fake.Project, "auth", change).Do()
			return err
		},
		quote: txt.Quote, unquote: txt.Unquote,
	}.library(), p)
}
