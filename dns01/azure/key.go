package azure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/dns01/token"
	"certctl/dns01/web"
)

// keys gets tokens with what there is of keys.
type keys struct {
	config Config
	env    dns01.Environment
}

// token gets a token for the API.
func (k *keys) token(ctx context.Context) (token.Token, error) {
	secret, err := k.secret(ctx)
	if err != nil {
		return token.Token{}, err
	}
	file := k.env.Variable("AZURE_FEDERATED_TOKEN_FILE")
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {k.config.ClientID}, "scope": {k.audience() + "/.default"}}
	switch {
	case secret != "":
		form.Set("client_secret", secret)
	case file != "":
		text, err := os.ReadFile(file)
		if err != nil {
			return token.Token{}, fmt.Errorf("AZURE_FEDERATED_TOKEN_FILE: %w", err)
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", strings.TrimSpace(string(text)))
	default:
		return k.identity(ctx)
	}
	authority := cmp.Or(k.config.Authority, k.env.Variable("AZURE_AUTHORITY_HOST"), "https://login.microsoftonline.com")
	client, err := web.NewClient(authority, string(k.config.CAFile), k.config.Timeout)
	if err != nil {
		return token.Token{}, fmt.Errorf("authority: %w", err)
	}
	t, err := token.Fetch(ctx, client, web.Request{Path: url.PathEscape(k.config.TenantID) + "/oauth2/v2.0/token"}, form)
	return t, newKeyError(err)
}

// secret returns the client's secret, if there is one.
func (k *keys) secret(ctx context.Context) (string, error) {
	if k.config.ClientSecret.IsZero() {
		return k.env.Variable("AZURE_CLIENT_SECRET"), nil
	}
	text, err := k.config.ClientSecret.Reveal(ctx)
	if err != nil {
		err = fmt.Errorf("client_secret: %w", err)
	}
	return text, err
}

// audience is whom tokens are for: of sovereign clouds, the API's own URL.
func (k *keys) audience() string {
	if strings.HasPrefix(k.config.Endpoint, "https://") {
		return strings.TrimSuffix(k.config.Endpoint, "/")
	}
	return management
}

// identity asks the machine's own service, or that of App Service and
// Functions.
func (k *keys) identity(ctx context.Context) (token.Token, error) {
	address, version := cmp.Or(k.env.Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "http://169.254.169.254")+"/metadata/identity/oauth2/token", "2018-02-01"
	header := http.Header{"Metadata": {"true"}}
	if own := k.env.Variable("IDENTITY_ENDPOINT"); own != "" {
		address, version = own, "2019-08-01"
		header = http.Header{"X-Identity-Header": {k.env.Variable("IDENTITY_HEADER")}}
	}
	client, err := web.NewClient(address, "", 5*time.Second)
	if err != nil {
		return token.Token{}, fmt.Errorf("IDENTITY_ENDPOINT: %w", err)
	}
	query := url.Values{"api-version": {version}, "resource": {k.audience()}}
	if k.config.ClientID != "" {
		query.Set("client_id", k.config.ClientID)
	}
	t, err := token.Fetch(ctx, client, web.Request{Method: http.MethodGet, Query: query, Header: header, Secrets: header.Values("X-Identity-Header")}, nil)
	if err != nil {
		return t, &NoKeyError{err}
	}
	return t, nil
}

// NoKeyError says that there is no key in any of the places.
type NoKeyError struct{ Err error }

func (e *NoKeyError) Error() string {
	return "no key for Azure is found: no client secret and no federated token, and this machine has no identity: " + e.Err.Error()
}

func (e *NoKeyError) Unwrap() error { return e.Err }

// Hint says how to give one.
func (*NoKeyError) Hint() string {
	return "set tenant_id:, client_id: and client_secret: {file: …}, or give the machine an identity"
}

// KeyError says that Azure gives no token for a key.
type KeyError struct {
	Code string // AADSTS and a number
	Text string
	err  error
}

func newKeyError(err error) error {
	status, ok := errors.AsType[*web.StatusError](err)
	if !ok {
		return err
	}
	var answer struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal([]byte(status.Body), &answer) != nil || answer.Description == "" {
		return err
	}
	line, _, _ := strings.Cut(answer.Description, "\n")
	code, _, _ := strings.Cut(line, ":")
	return &KeyError{Code: code, Text: guard.Quote(line), err: err}
}

func (e *KeyError) Error() string { return "no token: " + e.Text }
func (e *KeyError) Unwrap() error { return e.err }

// Hint says where to look.
func (e *KeyError) Hint() string {
	switch e.Code {
	case "AADSTS7000215":
		return "client_secret: is the value of the secret, not its id"
	case "AADSTS7000222":
		return "the client secret has expired: make a new one"
	case "AADSTS90002", "AADSTS900023":
		return "compare tenant_id: with the directory's id"
	case "AADSTS700016":
		return "compare client_id: with the application's id, and tenant_id: with the directory that it is in"
	}
	return "compare tenant_id:, client_id: and client_secret: with the application's"
}
