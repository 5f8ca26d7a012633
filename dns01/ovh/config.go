package ovh

import (
	"cmp"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/token"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: ovh. There is either a consumer key
// with its application, or a service account.
type Config struct {
	// Region is where the account is: eu (the default), ca or us.
	Region string `yaml:"region,omitempty" default:"eu" enum:"eu,ca,us"`

	// ApplicationKey names the application that the consumer key is for.
	ApplicationKey string `yaml:"application_key,omitempty"`

	// ApplicationSecret is the application's.
	ApplicationSecret secret.Secret `yaml:"application_secret,omitempty"`

	// ConsumerKey has the rules. It should have those for this zone only.
	ConsumerKey secret.Secret `yaml:"consumer_key,omitempty"`

	// ClientID is a service account, instead of these three.
	ClientID string `yaml:"client_id,omitempty"`

	// ClientSecret is the service account's.
	ClientSecret secret.Secret `yaml:"client_secret,omitempty"`

	// Endpoint is the URL of the API. Default: that of the region.
	Endpoint string `yaml:"endpoint,omitempty"`

	// TokenURL gives tokens to service accounts. Default: that of the region.
	TokenURL string `yaml:"token_url,omitempty"`
}

// regions are where the APIs are, and what gives tokens for them.
func regions(region string) (api, tokens string, err error) {
	switch region {
	case "", "eu":
		return "https://eu.api.ovh.com/1.0", "https://www.ovh.com/auth/oauth2/token", nil
	case "ca":
		return "https://ca.api.ovh.com/1.0", "https://ca.ovh.com/auth/oauth2/token", nil
	case "us":
		return "https://api.us.ovhcloud.com/1.0", "https://us.ovhcloud.com/auth/oauth2/token", nil
	}
	return "", "", fmt.Errorf("region: %q is none of eu, ca, us", region)
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	api, tokens, err := regions(c.Region)
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	client, err := web.NewClient(cmp.Or(c.Endpoint, api), "", 0)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	s := &service{client: client, region: cmp.Or(c.Region, "eu")}
	label := "ovh " + cmp.Or(c.ApplicationKey, c.ClientID)
	if c.ClientID == "" {
		s.account = web.NewAccount(client, map[string]secret.Secret{
			"application_secret": c.ApplicationSecret, "consumer_key": c.ConsumerKey,
		}, s.signer(c.ApplicationKey))
		return &provider{Provider: hosted.New(label, scope, s.account, s.open), service: s, scope: scope}, nil
	}
	giver, err := web.NewClient(cmp.Or(c.TokenURL, tokens), "", 0)
	if err != nil {
		return nil, fmt.Errorf("token_url: %w", err)
	}
	s.tokens = &token.Account{Client: client, Source: token.NewSource(func(ctx context.Context) (token.Token, error) {
		text, err := c.ClientSecret.Reveal(ctx)
		if err != nil {
			return token.Token{}, fmt.Errorf("client_secret: %w", err)
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {text}, "scope": {"all"}}
		return token.Fetch(ctx, giver, web.Request{}, form)
	})}
	return &provider{Provider: hosted.New(label, scope, s.tokens, s.open), service: s, scope: scope}, nil
}

func (c Config) check() error {
	signed := c.ApplicationKey != "" || !c.ApplicationSecret.IsZero() || !c.ConsumerKey.IsZero()
	switch account := c.ClientID != "" || !c.ClientSecret.IsZero(); {
	case account && signed:
		return errors.New("client_id: there is an application too, and only one of the two is used")
	case account && (c.ClientID == "" || c.ClientSecret.IsZero()):
		return errors.New("client_id and client_secret come together")
	case !account && (c.ApplicationKey == "" || c.ApplicationSecret.IsZero() || c.ConsumerKey.IsZero()):
		return errors.New("application_key, application_secret and consumer_key are needed; or client_id and client_secret")
	}
	return nil
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	service *service
	scope   delegation.Name
}

// signer signs requests with a consumer key, by the service's clock.
func (s *service) signer(application string) web.Signer {
	return func(r *web.Request, keys map[string]string) {
		r.Header.Set("X-Ovh-Application", application)
		r.Header.Set("X-Ovh-Consumer", keys["consumer_key"])
		r.Sign = func(request *http.Request, body []byte) error {
			now := strconv.FormatInt(time.Now().Add(s.ahead).Unix(), 10)
			text := strings.Join([]string{keys["application_secret"], keys["consumer_key"], r.Method, request.URL.String(), string(body), now}, "+")
			request.Header.Set("X-Ovh-Timestamp", now)
			request.Header.Set("X-Ovh-Signature", fmt.Sprintf("$1$%x", sha1.Sum([]byte(text))))
			return nil
		}
	}
}
