package google

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"certctl/dns01"
	"certctl/dns01/token"
	"certctl/dns01/web"
)

const (
	dnsScope   = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
	cloudScope = "https://www.googleapis.com/auth/cloud-platform"
	readScope  = "https://www.googleapis.com/auth/cloud-platform.read-only"
	tokenURL   = "https://oauth2.googleapis.com/token"
)

// keys gets tokens with what there is of keys.
type keys struct {
	config  Config
	env     dns01.Environment
	project string // as the key has it, after the first token
}

// credentials is a file with credentials. Its values are not to be printed.
type credentials struct {
	Type      string `json:"type"`
	ProjectID string `json:"project_id"`
	Quota     string `json:"quota_project_id"`
	TokenURI  string `json:"token_uri"`

	PrivateKeyID string `json:"private_key_id"` // service_account
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`

	ClientID     string `json:"client_id"` // authorized_user
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`

	Audience         string `json:"audience"` // external_account
	SubjectTokenType string `json:"subject_token_type"`
	TokenURL         string `json:"token_url"`
	CredentialSource struct {
		File   string `json:"file"`
		Format struct {
			Type  string `json:"type"`
			Field string `json:"subject_token_field_name"`
		} `json:"format"`
	} `json:"credential_source"`

	ImpersonationURL string       `json:"service_account_impersonation_url"`
	Source           *credentials `json:"source_credentials"` // impersonated_service_account
}

// token gets a token for the API.
func (k *keys) token(ctx context.Context) (token.Token, error) { return k.tokenFor(ctx, dnsScope) }

// tokenFor gets a token with a scope. Where a machine or a user's login gives
// tokens, these have the scopes that they have.
func (k *keys) tokenFor(ctx context.Context, scope string) (token.Token, error) {
	text, name, err := k.find(ctx)
	if err != nil {
		return token.Token{}, err
	}
	if text == "" {
		return k.machine(ctx)
	}
	var c credentials
	if json.Unmarshal([]byte(text), &c) != nil { // the error may show a part of it
		return token.Token{}, fmt.Errorf("%s: it is no JSON with credentials", name)
	}
	k.project = cmp.Or(c.ProjectID, c.Quota)
	t, err := k.exchange(ctx, &c, scope)
	if err != nil {
		return t, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// find returns the text of the credentials, and where they are; nothing where
// the machine is to be asked.
func (k *keys) find(ctx context.Context) (text, name string, err error) {
	if !k.config.Key.IsZero() {
		text, err = k.config.Key.Reveal(ctx)
		return text, "key", err
	}
	if file := k.env.Variable("GOOGLE_APPLICATION_CREDENTIALS"); file != "" {
		found, err := os.ReadFile(file)
		return string(found), file, err
	}
	dir := cmp.Or(k.env.Variable("CLOUDSDK_CONFIG"), filepath.Join(k.env.Variable("HOME"), ".config", "gcloud"))
	file := filepath.Join(dir, "application_default_credentials.json")
	found, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return string(found), file, err
}

// exchange gets a token for credentials.
func (k *keys) exchange(ctx context.Context, c *credentials, scope string) (token.Token, error) {
	wanted := scope
	if c.ImpersonationURL != "" {
		scope = cloudScope // of the one who impersonates
	}
	var form url.Values
	endpoint := cmp.Or(c.TokenURI, tokenURL)
	var err error
	switch c.Type {
	case "service_account":
		form, err = c.assertion(endpoint, scope, time.Now())
	case "authorized_user":
		form = url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "refresh_token": {c.RefreshToken}}
	case "external_account":
		endpoint = cmp.Or(c.TokenURL, "https://sts.googleapis.com/v1/token")
		form, err = c.subject(scope)
	case "impersonated_service_account":
		if c.Source == nil {
			return token.Token{}, errors.New("it has no source_credentials")
		}
		source, err := k.exchange(ctx, c.Source, cloudScope)
		if err != nil {
			return token.Token{}, err
		}
		return k.impersonate(ctx, c, source, wanted)
	default:
		return token.Token{}, fmt.Errorf("credentials of type %q are not known", c.Type)
	}
	if err != nil {
		return token.Token{}, err
	}
	t, err := k.fetch(ctx, endpoint, form, strings.Fields(c.PrivateKey))
	if err != nil || c.ImpersonationURL == "" {
		return t, err
	}
	return k.impersonate(ctx, c, t, wanted)
}

func (k *keys) fetch(ctx context.Context, endpoint string, form url.Values, secrets []string) (token.Token, error) {
	client, err := web.NewClient(endpoint, string(k.config.CAFile), k.config.Timeout)
	if err != nil {
		return token.Token{}, fmt.Errorf("token_uri: %w", err)
	}
	return token.Fetch(ctx, client, web.Request{Secrets: secrets}, form)
}

// assertion signs what a service account's key says of itself (RFC 7523 §2.1).
func (c *credentials) assertion(audience, scope string, now time.Time) (url.Values, error) {
	block, _ := pem.Decode([]byte(c.PrivateKey))
	if block == nil {
		return nil, errors.New("private_key: it is no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("private_key: it is no PKCS #8 key")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("private_key: it is no RSA key")
	}
	text := segment(map[string]any{"alg": "RS256", "typ": "JWT", "kid": c.PrivateKeyID}) + "." + segment(map[string]any{
		"iss": c.ClientEmail, "scope": scope, "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	text += "." + base64.RawURLEncoding.EncodeToString(signature)
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {text}}, nil
}

func segment(v map[string]any) string {
	text, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text)
}

// subject reads a token of an identity elsewhere, to exchange it (RFC 8693 §2.1).
func (c *credentials) subject(scope string) (url.Values, error) {
	if c.CredentialSource.File == "" {
		return nil, errors.New("credential_source: only file is known")
	}
	text, err := os.ReadFile(c.CredentialSource.File)
	if err != nil {
		return nil, fmt.Errorf("credential_source: %w", err)
	}
	subject := strings.TrimSpace(string(text))
	if c.CredentialSource.Format.Type == "json" {
		var fields map[string]any
		_ = json.Unmarshal(text, &fields)
		subject, _ = fields[c.CredentialSource.Format.Field].(string)
	}
	return url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "audience": {c.Audience}, "scope": {scope},
		"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "subject_token": {subject},
		"subject_token_type": {c.SubjectTokenType},
	}, nil
}

// impersonate gets a token of a service account with the token of another.
func (k *keys) impersonate(ctx context.Context, c *credentials, source token.Token, scope string) (token.Token, error) {
	client, err := web.NewClient(c.ImpersonationURL, string(k.config.CAFile), k.config.Timeout)
	if err != nil {
		return token.Token{}, fmt.Errorf("service_account_impersonation_url: %w", err)
	}
	var answer struct {
		AccessToken string    `json:"accessToken"`
		ExpireTime  time.Time `json:"expireTime"`
	}
	account := token.Account{Client: client, Source: token.NewSource(func(context.Context) (token.Token, error) { return source, nil })}
	_, err = account.Call(ctx, web.Request{Method: http.MethodPost, Asks: true, Body: map[string]any{"scope": []string{scope}}}, &answer)
	return token.Token{Text: answer.AccessToken, Expires: answer.ExpireTime, Secrets: source.Secrets}, err
}

// machine asks the machine's own service.
func (k *keys) machine(ctx context.Context) (token.Token, error) {
	host := cmp.Or(k.env.Variable("GCE_METADATA_HOST"), "169.254.169.254")
	client, err := web.NewClient("http://"+host+"/computeMetadata/v1", "", 2*time.Second)
	if err != nil {
		return token.Token{}, fmt.Errorf("GCE_METADATA_HOST: %w", err)
	}
	header := http.Header{"Metadata-Flavor": {"Google"}}
	t, err := token.Fetch(ctx, client, web.Request{Method: http.MethodGet, Path: "instance/service-accounts/default/token", Header: header}, nil)
	if err != nil {
		return t, &NoKeyError{err}
	}
	project, err := client.Do(ctx, web.Request{Method: http.MethodGet, Path: "project/project-id", Header: header})
	if err == nil {
		k.project = string(project)
	}
	return t, nil
}

// NoKeyError says that there is no key in any of the places.
type NoKeyError struct{ Err error }

func (e *NoKeyError) Error() string {
	return "no key for Google is found: not in the configuration, the environment or gcloud's files, and this machine has none: " + e.Err.Error()
}

func (e *NoKeyError) Unwrap() error { return e.Err }

// Hint says how to give one.
func (*NoKeyError) Hint() string { return "set key: {file: …} to the key file of a service account" }
