package acme

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The rate limits as Let's Encrypt words them: when to come back is known also
// where a proxy has lost the header, and only the pause is one.
func TestRateLimitTexts(t *testing.T) {
	const after = ", retry after 2026-11-22 06:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/#a-section"
	at := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		detail  string
		again   time.Time
		visit   string
		account bool
	}{
		{"too many new orders (300) from this account in the last 3h0m0s" + after, at, "", true},
		{`too many certificates (50) already issued for "example.com" in the last 168h0m0s` + after, at, "", false},
		{"too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s" + after, at, "", false},
		{`too many failed authorizations (5) for "example.com" in the last 1h0m0s` + after, at, "", false},
		{"too many new registrations (10) from this IP address in the last 3h0m0s" + after, at, "", false},
		{"too many certificates already issued: see https://letsencrypt.org/docs/rate-limits/", time.Time{}, "", false},
		{"retry after tomorrow: see https://ca.example/", time.Time{}, "", false},
		{"Service busy; retry later.", time.Time{}, "", false},
		{"Your account is temporarily prevented from requesting certificates for example.com and possibly others. Please visit: https://ca.example/sfe/v1/unpause?jwt=a.b.c", time.Time{}, "https://ca.example/sfe/v1/unpause?jwt=a.b.c", false},
	} {
		body := `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"` + strings.ReplaceAll(test.detail, `"`, `\"`) + `"}`
		p := fromResponse(&http.Response{StatusCode: 429, Header: http.Header{}}, []byte(body))
		visit, _ := p.Paused()
		if !p.RetryAfter.Equal(test.again) || visit != test.visit || p.AccountWide() != test.account || !p.Own() {
			t.Errorf("%s: got come back at %v, visit %q, all orders: %t, the CA's own: %t, want %v, %q, %t, true",
				test.detail, p.RetryAfter, visit, p.AccountWide(), p.Own(), test.again, test.visit, test.account)
		}
	}
}
