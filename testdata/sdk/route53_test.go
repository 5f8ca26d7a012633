package sdk

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	aws53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"certctl/dns01"
	"certctl/dns01/route53"
	"certctl/dns01/txt"
	fake "certctl/lab/service/route53"
	"certctl/secret"
)

// The library signs its requests too, and more of them than we do.
func TestRoute53(t *testing.T) {
	s := fake.New([]fake.Zone{{ID: "Z1", Name: zone.String()}}, fake.Key{ID: "AKIAROOT", Secret: token})
	defer s.Close()
	p, err := route53.New(route53.Config{AccessKeyID: "AKIAROOT", SecretAccessKey: secret.Plain(token), Endpoint: s.URL}, zone, dns01.Environment{})
	check(t, err)
	c := aws53.New(aws53.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIAROOT", token, ""),
	})
	agree(t, sets{
		read: func(name string) ([]string, error) {
			out, err := c.ListResourceRecordSets(t.Context(), &aws53.ListResourceRecordSetsInput{
				HostedZoneId: aws.String("Z1"), StartRecordName: aws.String(name + "."), StartRecordType: types.RRTypeTxt, MaxItems: aws.Int32(1),
			})
			if err != nil || len(out.ResourceRecordSets) == 0 || aws.ToString(out.ResourceRecordSets[0].Name) != name+"." {
				return nil, err
			}
			var data []string
			for _, r := range out.ResourceRecordSets[0].ResourceRecords {
				data = append(data, aws.ToString(r.Value))
			}
			return data, nil
		},
		replace: func(name string, before, after []string) error {
			change := func(action types.ChangeAction, data []string) types.Change {
				set := &types.ResourceRecordSet{Name: aws.String(name), Type: types.RRTypeTxt, TTL: aws.Int64(60)}
				for _, d := range data {
					set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: aws.String(d)})
				}
				return types.Change{Action: action, ResourceRecordSet: set}
			}
			batch := &types.ChangeBatch{Changes: []types.Change{change(types.ChangeActionUpsert, after)}}
			if len(after) == 0 {
				batch.Changes = []types.Change{change(types.ChangeActionDelete, before)}
			}
			out, err := c.ChangeResourceRecordSets(t.Context(), &aws53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String("Z1"), ChangeBatch: batch})
			if err != nil {
				return err
			}
			_, err = c.GetChange(t.Context(), &aws53.GetChangeInput{Id: out.ChangeInfo.Id})
			return err
		},
		quote: txt.Quote, unquote: txt.Unquote,
	}.library(), p)
}
