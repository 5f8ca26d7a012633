package acme

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/acme"
)

func TestProblemError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(d time.Duration) time.Time { return time.Now().Add(d) }
		local := func(d time.Duration) string { return at(d).Local().Format(time.RFC3339) }
		for _, test := range []struct {
			problem *Problem
			want    string
		}{
			{&Problem{Type: "dns", Detail: "no such thing"}, "dns: no such thing"},
			{&Problem{Type: "serverInternal"}, "serverInternal"},
			{&Problem{Status: 502}, "HTTP 502 Bad Gateway"},
			{&Problem{Status: 599, Detail: "what"}, "HTTP 599: what"},
			{
				&Problem{Type: "rateLimited", Detail: "too many", RetryAfter: at(3*time.Hour + 2*time.Minute)},
				"rateLimited: too many (come back at " + local(3*time.Hour+2*time.Minute) + ", in 3h2m)",
			},
			{
				&Problem{Type: "rateLimited", RetryAfter: at(45 * time.Second)},
				"rateLimited (come back at " + local(45*time.Second) + ", in 45s)",
			},
			{
				&Problem{Type: "rateLimited", RetryAfter: at(-time.Second)},
				"rateLimited (come back at " + local(-time.Second) + ")",
			},
			{
				&Problem{Type: "rejectedIdentifier", Detail: "two are bad", Subproblems: []*Problem{
					{Type: "malformed", Detail: "bad", Identifier: "a.example"},
					{Type: "dns", Detail: "worse", Subproblems: []*Problem{{Type: "caa", Detail: "nested", Identifier: "b.example"}}},
				}},
				"rejectedIdentifier: two are bad\n  a.example: malformed: bad\n  dns: worse\n    b.example: caa: nested",
			},
		} {
			if got := test.problem.Error(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		}
	})
}

func TestProblemFromResponse(t *testing.T) {
	for _, test := range []struct {
		body string
		want Problem
	}{
		{`{"type":"urn:ietf:params:acme:error:rateLimited","detail":"wait","status":200}`, Problem{Type: "rateLimited", Detail: "wait", Status: 429}},
		{`{"type":"about:blank","detail":"hm"}`, Problem{Detail: "hm", Status: 429}},
		{`{"type":"https://ca.test/odd"}`, Problem{Type: "https://ca.test/odd", Status: 429}},
		{"{\"type\":\"dns\",\"detail\":\"red \\u001b[31mbell\\u0007\\nline\"}", Problem{Type: "dns", Detail: "red  [31mbell  line", Status: 429}},
		{"<html>", Problem{Status: 429}},
		{" no healthy upstream\n", Problem{Status: 429, Detail: "no healthy upstream"}},
		{strings.Repeat("é", 300), Problem{Status: 429, Detail: strings.Repeat("é", 100) + "…"}},
		{"", Problem{Status: 429}},
		{"null", Problem{Status: 429}},
	} {
		got := fromResponse(&http.Response{StatusCode: 429, Header: http.Header{}}, []byte(test.body))
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.body, diff)
		}
	}
}

func TestProblemFromClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &acme.Error{
			StatusCode: 403, ProblemType: "urn:ietf:params:acme:error:userActionRequired", Detail: "new terms", Instance: "https://ca.test/terms",
			Header:      http.Header{"Retry-After": {"60"}},
			Subproblems: []acme.Subproblem{{Type: "urn:ietf:params:acme:error:caa", Detail: "no", Identifier: &acme.AuthzID{Type: "dns", Value: "a.example"}}},
		}
		want := &Problem{
			Type: "userActionRequired", Detail: "new terms", Status: 403, Instance: "https://ca.test/terms", RetryAfter: time.Now().Add(time.Minute),
			Subproblems: []*Problem{{Type: "caa", Detail: "no", Identifier: "a.example"}},
		}
		if diff := cmp.Diff(error(want), fromClient(from)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if other := errors.New("other"); fromClient(other) != other {
			t.Error("another error was changed")
		}
		page := fromClient(&acme.Error{StatusCode: 502, Detail: "<html>"})
		if got, want := page.Error(), "HTTP 502 Bad Gateway"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestPaused(t *testing.T) {
	const text = "Your account is temporarily prevented from requesting certificates for example.com and possibly others. Please visit: https://portal.test/sfe/v1/unpause?jwt=a.b.c."
	for _, test := range []struct {
		name    string
		problem Problem
		url     string
	}{
		{"paused", Problem{Type: "rateLimited", Status: 429, Detail: text}, "https://portal.test/sfe/v1/unpause?jwt=a.b.c"},
		{"with a time", Problem{Type: "rateLimited", Status: 429, Detail: text, RetryAfter: time.Now()}, ""},
		{"without URL", Problem{Type: "rateLimited", Status: 429, Detail: "Service busy; retry later."}, ""},
		{"other type", Problem{Type: "unauthorized", Status: 403, Detail: text}, ""},
	} {
		url, ok := test.problem.Paused()
		if url != test.url || ok != (test.url != "") {
			t.Errorf("%s: got %q, %v; want %q", test.name, url, ok, test.url)
		}
		if hint := test.problem.Hint(); ok && !strings.Contains(hint, url) {
			t.Errorf("%s: got hint %q, want one with the URL", test.name, hint)
		}
	}
}

// What Boulder says, and a word of the hint that it must bring.
func TestHints(t *testing.T) {
	for detail, want := range map[string]string{
		"No TXT record found at _acme-challenge.example.com":                                                                                                 "without the record",
		"No TXT records found for DNS challenge":                                                                                                             "without the record",
		`Incorrect TXT record "v" (and 1 more) found at _acme-challenge.example.com`:                                                                         "another value",
		"DNS problem: NXDOMAIN looking up TXT for _acme-challenge.example.com - check that a DNS record exists for this domain":                              "does not have the name yet",
		"DNS problem: SERVFAIL looking up TXT for _acme-challenge.example.com - the domain's nameservers may be malfunctioning":                              "11 aliases",
		"DNS problem: looking up TXT for _acme-challenge.example.com: DNSSEC: Bogus":                                                                         "DS record",
		"DNS problem: SERVFAIL looking up TXT for _acme-challenge.example.com: No Reachable Authority":                                                       "11 aliases",
		"DNS problem: looking up TXT for _acme-challenge.example.com: Network Error between Resolver and Authority":                                          "firewall",
		"DNS problem: query timed out looking up TXT for _acme-challenge.example.com":                                                                        "slowly",
		"During secondary validation: DNS problem: NXDOMAIN looking up TXT for _acme-challenge.example.com - check that a DNS record exists for this domain": "several places",
		"While processing CAA for example.com: CAA record for example.com prevents issuance":                                                                 "CAA record",
		"While processing CAA for example.com: DNS problem: SERVFAIL looking up CAA for com - the domain's nameservers may be malfunctioning":                "top-level",
		`too many failed authorizations (5) for "example.com" in the last 1h0m0s, retry after 2026-11-22 06:00:00 UTC`:                                       "cause",
		"too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s":                                                    "staging",
		`Profile "classic" does not permit ip type identifiers`:                                                                                              "--profile shortlived",
		"192.0.2.1: Fetching http://web.example.com/.well-known/acme-challenge/t: Timeout during connect (likely firewall problem)":                          "firewall",
		"192.0.2.1: Fetching http://web.example.com/.well-known/acme-challenge/t: Connection refused":                                                        "nobody listens",
		`192.0.2.1: Invalid response from http://web.example.com/.well-known/acme-challenge/t: 404`:                                                          "webroot",
		`The key authorization file from the server did not match this challenge. Expected "a" (got "b")`:                                                    "ACME client answers",
		`192.0.2.1: Cannot negotiate ALPN protocol "acme-tls/1" for tls-alpn-01 challenge`:                                                                   "port 443",
		"something new": "",
	} {
		p := &Problem{Type: "any", Detail: "compound", Subproblems: []*Problem{{Detail: detail}}}
		if got := p.Hint(); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: got hint %q, want %q in it", detail, got, want)
		}
	}
}
