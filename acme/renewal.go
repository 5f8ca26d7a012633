package acme

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// RenewalWindow is when the CA suggests to renew a certificate (RFC 9773
// §4.2). A window in the past means at once.
type RenewalWindow struct {
	Start, End  time.Time
	Explanation string    // URL for a human, or ""
	AskAgain    time.Time // not before this; the CA's Retry-After (RFC 9773 §4.3)
}

// wireRenewal is RFC 9773 §4.2.
type wireRenewal struct {
	SuggestedWindow struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"suggestedWindow"`
	ExplanationURL string `json:"explanationURL"`
}

// Retry-After is taken within these bounds, as RFC 9773 §4.3.2 asks for.
const (
	soonestRenewalInfo = time.Minute
	latestRenewalInfo  = 24 * time.Hour
	usualRenewalInfo   = 6 * time.Hour // where the CA does not say
)

// ErrNoRenewalInfo says that the CA does not suggest when to renew.
var ErrNoRenewalInfo = errors.New("the CA has no renewal information")

// RenewalWindow asks when to renew a certificate.
func (c *CA) RenewalWindow(ctx context.Context, leaf *x509.Certificate) (*RenewalWindow, error) {
	if c.RenewalInfo == "" {
		return nil, ErrNoRenewalInfo
	}
	id, err := RenewalID(leaf)
	if err != nil {
		return nil, err
	}
	get := func() (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, c.RenewalInfo+"/"+id, nil)
	}
	res, body, err := c.send(get)
	if err != nil {
		return nil, fmt.Errorf("renewal information: %w", err)
	}
	var w wireRenewal
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, fmt.Errorf("renewal information: %w", err)
	}
	if w.SuggestedWindow.Start.IsZero() {
		return nil, errors.New("renewal information: the suggested window has no start") // and would have been open for ever
	}
	if !w.SuggestedWindow.Start.Before(w.SuggestedWindow.End) {
		return nil, errors.New("renewal information: the suggested window ends before it starts") // RFC 9773 §4.2
	}
	return &RenewalWindow{
		Start:       w.SuggestedWindow.Start,
		End:         w.SuggestedWindow.End,
		Explanation: plain(w.ExplanationURL),
		AskAgain:    askAgain(res.Header),
	}, nil
}

func askAgain(h http.Header) time.Time {
	now := time.Now()
	said := retryAfter(h)
	if said.IsZero() {
		return now.Add(usualRenewalInfo)
	}
	wait := min(max(said.Sub(now), soonestRenewalInfo), latestRenewalInfo)
	return now.Add(wait)
}

// RenewalID names a certificate to its CA (RFC 9773 §4.1): the key identifier
// of its issuer and its serial number, both in base64url.
func RenewalID(leaf *x509.Certificate) (string, error) {
	if len(leaf.AuthorityKeyId) == 0 {
		return "", errors.New("the certificate does not say which key signed it (no authority key identifier)")
	}
	serial, err := asn1.Marshal(leaf.SerialNumber) // two's complement: a leading zero is part of it
	if err != nil {
		return "", err
	}
	var content asn1.RawValue
	if _, err := asn1.Unmarshal(serial, &content); err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode(leaf.AuthorityKeyId) + "." + encode(content.Bytes), nil
}
