package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dns/armdns"

	"certctl/dns01"
	"certctl/dns01/azure"
	fake "certctl/lab/service/azure"
	"certctl/secret"
)

// azureKey gets tokens for the library, whose own way to them (azidentity) takes
// no directory without TLS.
type azureKey struct{ url string }

// GetToken implements azcore.TokenCredential.
func (k azureKey) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"application"}, "client_secret": {token}, "scope": o.Scopes}
	answer, err := http.PostForm(k.url+"/"+fake.Tenant+"/oauth2/v2.0/token", form)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer answer.Body.Close()
	var given struct {
		Token string `json:"access_token"`
	}
	err = json.NewDecoder(answer.Body).Decode(&given)
	return azcore.AccessToken{Token: given.Token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// azureZone is our zone as the library has it.
type azureZone struct {
	ctx context.Context
	*armdns.RecordSetsClient
}

func openAzure(t *testing.T, server string) azureZone {
	public := cloud.AzurePublic.Services[cloud.ResourceManager]
	c, err := armdns.NewRecordSetsClient(fake.Subscription, azureKey{server}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{
		InsecureAllowCredentialWithHTTP: true,
		Cloud: cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: server, Audience: public.Audience},
		}},
	}})
	check(t, err)
	return azureZone{t.Context(), c}
}

func (z azureZone) set(name string) (armdns.RecordSet, error) {
	found, err := z.Get(z.ctx, fake.Group, zone.Bare(), owner(name).Relative(zone), armdns.RecordTypeTXT, nil)
	if said, ok := errors.AsType[*azcore.ResponseError](err); ok && said.ErrorCode == "NotFound" {
		return armdns.RecordSet{Properties: &armdns.RecordSetProperties{}}, nil
	}
	return found.RecordSet, err
}

func (z azureZone) read(name string) ([]string, error) {
	set, err := z.set(name)
	if err != nil {
		return nil, err
	}
	var values []string
	for _, r := range set.Properties.TxtRecords {
		value := ""
		for _, text := range r.Value {
			value += *text
		}
		values = append(values, value)
	}
	return values, nil
}

// replace writes a set only if it is what it was, as we do.
func (z azureZone) replace(name string, _, after []string) error {
	set, err := z.set(name)
	if err != nil {
		return err
	}
	label := owner(name).Relative(zone)
	if len(after) == 0 {
		_, err = z.Delete(z.ctx, fake.Group, zone.Bare(), label, armdns.RecordTypeTXT, &armdns.RecordSetsClientDeleteOptions{IfMatch: set.Etag})
		return err
	}
	only := &armdns.RecordSetsClientCreateOrUpdateOptions{IfMatch: set.Etag}
	if set.Etag == nil {
		only.IfNoneMatch = to.Ptr("*")
	}
	properties := &armdns.RecordSetProperties{TTL: to.Ptr[int64](60), Metadata: map[string]*string{"by": to.Ptr("them")}}
	for _, v := range after {
		properties.TxtRecords = append(properties.TxtRecords, &armdns.TxtRecord{Value: []*string{&v}})
	}
	_, err = z.CreateOrUpdate(z.ctx, fake.Group, zone.Bare(), label, armdns.RecordTypeTXT, armdns.RecordSet{Properties: properties}, only)
	return err
}

// Sets have metadata, which we leave as they are.
func TestAzure(t *testing.T) {
	s := fake.New([]string{zone.Bare()}, fake.Client{ID: "application", Secret: token})
	defer s.Close()
	p, err := azure.New(azure.Config{
		SubscriptionID: fake.Subscription, ResourceGroup: fake.Group, TenantID: fake.Tenant,
		ClientID: "application", ClientSecret: secret.Plain(token), Endpoint: s.URL, Authority: s.URL,
	}, zone, dns01.Environment{})
	check(t, err)
	z := openAzure(t, s.URL)
	l := sets{
		read: z.read, replace: z.replace,
		quote:   func(value string) string { return value },
		unquote: func(data string) (string, error) { return data, nil },
	}.library()
	agree(t, l, p)
	const name = "described." + zone
	long := strings.Repeat("long", 100)
	check(t, l.add(name.Bare(), "theirs"))
	check(t, change(t, p.AppendRecords, name, "ours", long))
	want(t, l, name.Bare(), long, "ours", "theirs")
	set, err := z.set(name.Bare())
	check(t, err)
	if by := set.Properties.Metadata["by"]; by == nil || *by != "them" || *set.Name != "described" || *set.Properties.Fqdn != name.String() {
		t.Errorf("got %+v, want its metadata and names", set.Properties)
	}
}
