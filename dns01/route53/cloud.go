package route53

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"certctl/dns01/web"
)

// metadataTimeout is how long a machine's or a container's own service may take.
// Where there is none, nobody answers.
const metadataTimeout = 2 * time.Second

// temporary is a key as machines and containers are given it.
type temporary struct {
	AccessKeyID     string `json:"AccessKeyId" xml:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey" xml:"SecretAccessKey"`
	Token           string `json:"Token" xml:"-"`
	SessionToken    string `json:"-" xml:"SessionToken"`
	Expiration      time.Time
}

func (t temporary) keys() (*keys, error) {
	if t.AccessKeyID == "" || t.SecretAccessKey == "" {
		return nil, errors.New("there is no key in the answer")
	}
	return &keys{id: t.AccessKeyID, secret: t.SecretAccessKey, token: cmp.Or(t.Token, t.SessionToken), expires: t.Expiration}, nil
}

// container asks the service of a container (ECS, EKS).
func (s site) container(ctx context.Context) (*keys, error) {
	full := s.env.Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := s.env.Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		full = "http://169.254.170.2" + relative
	}
	if full == "" {
		return nil, errNone
	}
	token := s.env.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := s.env.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		token = strings.TrimSpace(string(text))
	}
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", token)
	}
	k, err := askMetadata(ctx, full, header)
	if err != nil {
		return nil, fmt.Errorf("the container's key: %w", err)
	}
	return k, nil
}

// machine asks the service of a machine (EC2), in its second version.
func (s site) machine(ctx context.Context) (*keys, error) {
	if strings.EqualFold(s.env.Variable("AWS_EC2_METADATA_DISABLED"), "true") {
		return nil, errNone
	}
	base := cmp.Or(s.env.Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "http://169.254.169.254")
	client, err := web.NewClient(base, "", metadataTimeout)
	if err != nil {
		return nil, fmt.Errorf("AWS_EC2_METADATA_SERVICE_ENDPOINT: %w", err)
	}
	token, err := client.Do(ctx, web.Request{
		Method: http.MethodPut, Path: "latest/api/token", Asks: true,
		Header: http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"300"}},
	})
	if err != nil {
		return nil, cmp.Or(ctx.Err(), errNone) // this is no such machine
	}
	header := http.Header{"X-Aws-Ec2-Metadata-Token": {string(token)}}
	const path = "latest/meta-data/iam/security-credentials/"
	role, err := client.Do(ctx, web.Request{Method: http.MethodGet, Path: path, Header: header})
	if status, ok := errors.AsType[*web.StatusError](err); ok && status.Status == http.StatusNotFound {
		return nil, errNone // it has no role
	}
	if err != nil {
		return nil, fmt.Errorf("the machine's role: %w", err)
	}
	name, _, _ := strings.Cut(string(role), "\n")
	k, err := askMetadata(ctx, strings.TrimSuffix(base, "/")+"/"+path+url.PathEscape(name), header)
	if err != nil {
		return nil, fmt.Errorf("the machine's key: %w", err)
	}
	return k, nil
}

func askMetadata(ctx context.Context, address string, header http.Header) (*keys, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("its address is no URL")
	}
	query := u.Query()
	u.RawQuery = ""
	client, err := web.NewClient(u.String(), "", metadataTimeout)
	if err != nil {
		return nil, err
	}
	body, err := client.Do(ctx, web.Request{Method: http.MethodGet, Query: query, Header: header, Secrets: header.Values("Authorization")})
	if err != nil {
		return nil, err
	}
	var t temporary
	if json.Unmarshal(body, &t) != nil {
		return nil, errors.New("the answer is no JSON with a key")
	}
	return t.keys()
}

// webIdentity exchanges a token, as Kubernetes and CI services give it, for a key.
func (s site) webIdentity(ctx context.Context) (*keys, error) {
	file, role := s.env.Variable("AWS_WEB_IDENTITY_TOKEN_FILE"), s.env.Variable("AWS_ROLE_ARN")
	if file == "" || role == "" {
		return nil, errNone
	}
	token, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the web identity: %w", err)
	}
	return s.sts(ctx, nil, url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "RoleArn": {role}, "WebIdentityToken": {strings.TrimSpace(string(token))},
		"RoleSessionName": {cmp.Or(s.env.Variable("AWS_ROLE_SESSION_NAME"), "certctl")},
	})
}

// assumeRole gets a key for the configured role.
func (s site) assumeRole(ctx context.Context, k *keys) (*keys, error) {
	form := url.Values{"Action": {"AssumeRole"}, "RoleArn": {s.config.RoleARN}, "RoleSessionName": {"certctl"}}
	if s.config.ExternalID != "" {
		form.Set("ExternalId", s.config.ExternalID)
	}
	return s.sts(ctx, k, form)
}

// sts asks the Security Token Service, with a key or without.
func (s site) sts(ctx context.Context, k *keys, form url.Values) (*keys, error) {
	form.Set("Version", "2011-06-15")
	what := form.Get("Action") + " " + form.Get("RoleArn")
	client, err := web.NewClient(cmp.Or(s.env.Variable("AWS_ENDPOINT_URL_STS"), "https://sts.amazonaws.com"), string(s.config.CAFile), s.config.Timeout)
	if err != nil {
		return nil, fmt.Errorf("AWS_ENDPOINT_URL_STS: %w", err)
	}
	r := web.Request{
		Method: http.MethodPost, Path: "/", Body: []byte(form.Encode()), Busy: busy, Asks: true,
		Header:  http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/xml"}},
		Secrets: []string{form.Get("WebIdentityToken")},
	}
	if k != nil {
		r.Secrets = append(r.Secrets, k.secrets()...)
		r.Sign = func(r *http.Request, body []byte) error {
			sign(r, body, k, s.config.Region, "sts", time.Now())
			return nil
		}
	}
	body, err := client.Do(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, newAPIError(err, s.config.ZoneID))
	}
	var answer struct {
		One   temporary `xml:"AssumeRoleResult>Credentials"`
		Other temporary `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if xml.Unmarshal(body, &answer) != nil {
		return nil, fmt.Errorf("%s: the answer is none of that service", what)
	}
	if answer.One.AccessKeyID == "" {
		answer.One = answer.Other
	}
	return answer.One.keys()
}
