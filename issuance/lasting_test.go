package issuance_test

import (
	"strings"
	"testing"
	"time"

	"certctl/acme"
	"certctl/issuance"
	"certctl/lab/hostile"
	"certctl/store"
)

// persisting is a short life of one certificate with a wildcard, which is proven
// by dns-persist-01 if that can be.
func persisting(t *testing.T, challenges []acme.ChallengeType, do func(t *testing.T, l *life, s *store.Store)) {
	t.Helper()
	oneDay(t, 1, func(t *testing.T, l *life, s *store.Store) {
		l.domains[0].Add("_validation-persist.h0.d0.test. CNAME persist.auth0.hosting.test.")
		l.certs[0].Challenges, l.certs[0].Profile, l.certs[0].Fallbacks = challenges, "", nil
		do(t, l, s)
	})
}

// Whichever version of the draft a CA has, one record is written, the CA accepts
// it, and it is still good when the certificate is renewed.
func TestPersistDrafts(t *testing.T) {
	for draft, account := range map[hostile.Draft]string{
		hostile.Draft00: "accounturi=https://first.test/account/",
		hostile.Draft01: "accounturi=https://first.test/account/",
		hostile.Draft02: "accounturi=https://first.test/hashed/sha-256/",
	} {
		t.Run(string(draft), func(t *testing.T) {
			persisting(t, []acme.ChallengeType{acme.DNSPersist01}, func(t *testing.T, l *life, s *store.Store) {
				l.first.Change(func(p *hostile.Policy) { p.Persist = draft })
				for range 2 {
					if err := l.order(s)["h0.d0.test"]; err != nil {
						t.Fatal(err)
					}
					left := l.left()
					if len(left) != 1 || !strings.HasPrefix(left[0], "persist.auth0.hosting.test.") || !strings.Contains(left[0], account) || !strings.Contains(left[0], "policy=wildcard") {
						t.Fatalf("got records %q, want one with %s for the wildcard, too", left, account)
					}
					time.Sleep(80 * days)
				}
				if n := l.first.Count(); n.Issued != 2 {
					t.Errorf("got %d certificates, want 2", n.Issued)
				}
			})
		})
	}
}

// What a CA should not offer is an error that names it, and writes nothing.
func TestOddChallenges(t *testing.T) {
	offer := func(fields map[string]any) map[string]any {
		fields["type"], fields["url"], fields["status"] = "dns-persist-01", "https://first.test/challenge/1", "pending"
		return fields
	}
	issuers := []string{"first.test"}
	for want, offered := range map[string]any{
		"only later-01":                                      map[string]any{"type": "later-01", "url": 7, "token": []int{1}, "deep": map[string]any{"er": nil}},
		"nor any other":                                      []any{nil, 7, "text", []any{}},
		"(with no issuer domain names)":                      offer(map[string]any{}),
		"(with fields of the wrong type)":                    offer(map[string]any{"issuer-domain-names": "first.test"}),
		"(with the account https://first.test/account/0 in":  offer(map[string]any{"issuer-domain-names": issuers, "accounturi": "https://first.test/account/0"}),
		`(with the issuer domain name "first.test; policy=x`: offer(map[string]any{"issuer-domain-names": []string{"first.test; policy=x"}}),
		"(with issuerDomainNames, but no accountHashPrefix":  offer(map[string]any{"issuerDomainNames": issuers}),
		"(with no url)":                                      map[string]any{"type": "dns-persist-01", "issuer-domain-names": issuers},
		"dns-01 (with no valid token)":                       map[string]any{"type": "dns-01", "url": "https://first.test/x", "token": "../x"},
		"only http-01, dns-account-01":                       []any{map[string]any{"type": "http-01", "url": "x", "token": "t"}, map[string]any{"type": "dns-account-01", "url": "x", "token": "t"}},
	} {
		t.Run(want, func(t *testing.T) {
			persisting(t, []acme.ChallengeType{acme.DNSPersist01, acme.DNS01}, func(t *testing.T, l *life, s *store.Store) {
				challenges, several := offered.([]any)
				if !several {
					challenges = []any{offered}
				}
				l.first.Trouble(hostile.Trouble{Challenges: challenges})
				err := l.order(s)["h0.d0.test"]
				if err == nil || !strings.Contains(err.Error(), "h0.d0.test: order: the CA offers no dns-persist-01 or dns-01 challenge, ") || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant %s", err, want)
				}
				if left := l.left(); len(left) > 0 {
					t.Errorf("got records %q, want none", left)
				}
			})
		})
	}
}

// Of two types the first that is offered is used, and the next CA is asked where
// one offers none.
func TestNextCAForChallenge(t *testing.T) {
	persisting(t, []acme.ChallengeType{acme.DNSPersist01, acme.DNS01}, func(t *testing.T, l *life, s *store.Store) {
		l.certs[0].Fallbacks = []issuance.Choice{{Directory: l.second.Directory()}}
		l.first.Trouble(hostile.Trouble{Challenges: []any{map[string]any{"type": "later-01"}}})
		if err := l.order(s)["h0.d0.test"]; err != nil {
			t.Fatal(err)
		}
		if n, left := l.second.Count(), l.left(); n.Issued != 1 || len(left) != 0 {
			t.Errorf("got %d certificates of the second CA and records %q, want one by dns-01", n.Issued, left)
		}
	})
}
