package acme

import (
	"errors"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	offer := func(kind, token string) object {
		return object{"type": kind, "url": fakeURL + "/" + kind, "token": token, "status": "pending"}
	}
	strange := []any{
		"text", 7, nil, []string{}, object{}, object{"type": 7}, object{"type": "later-01", "token": object{}},
		object{"type": "dns-01", "token": 7}, object{"type": "shiny-02\x1b[31m"},
	}
	for name, test := range map[string]struct {
		offered   []any
		preferred []ChallengeType
		want      ChallengeType
		err, hint string
	}{
		"the first that is offered": {
			offered:   []any{offer("dns-01", "t"), offer("dns-account-01", "t")},
			preferred: []ChallengeType{"later-01", DNSAccount01, DNS01},
			want:      DNSAccount01,
		},
		"not the CA's order": {
			offered:   []any{offer("dns-account-01", "t"), offer("dns-01", "t")},
			preferred: []ChallengeType{DNS01, DNSAccount01},
			want:      DNS01,
		},
		"none": {
			offered:   []any{offer("http-01", "t"), offer("dns-account-01", "t")},
			preferred: []ChallengeType{DNS01, "later-01"},
			err:       "the CA offers no dns-01 or later-01 challenge, only http-01, dns-account-01",
			hint:      "allow it with --challenge dns-account-01, or with `challenges: [dns-account-01, http-01]`",
		},
		"strange ones are passed over": {
			offered:   append(strange, offer("dns-01", "t")),
			preferred: []ChallengeType{DNS01},
			want:      DNS01,
		},
		"only strange ones": {
			offered:   strange,
			preferred: []ChallengeType{DNS01},
			err:       "the CA offers no dns-01 challenge, only later-01, dns-01 (with no url), shiny-02 [31m",
		},
		"nothing": {
			preferred: []ChallengeType{DNS01},
			err:       "the CA offers no dns-01 challenge, nor any other",
		},
		"a token that is none": {
			offered:   []any{offer("dns-01", "../../etc"), offer("dns-account-01", "")},
			preferred: []ChallengeType{DNSAccount01, DNS01},
			err:       "the CA offers no dns-account-01 or dns-01 challenge, only dns-01 (with no valid token), dns-account-01 (with no valid token)",
		},
		"no url": {
			offered:   []any{object{"type": "dns-01", "token": "t"}},
			preferred: []ChallengeType{DNS01},
			err:       "the CA offers no dns-01 challenge, only dns-01 (with no url)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			authz := fakeAuthz(0, "example.com", "pending", nil)
			authz["challenges"] = test.offered
			f := newFake([]string{"example.com"}, map[string][]reply{"/authz/0": {{body: authz}}})
			o, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com"}})
			if err != nil {
				t.Fatal(err)
			}
			zs, err := o.Pending(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			err = zs[0].Choose(test.preferred)
			if test.err == "" {
				if err != nil || zs[0].Challenge.Type != test.want {
					t.Fatalf("got %v and error %v, want %s", zs[0].Challenge, err, test.want)
				}
				return
			}
			var none *NoChallengeError
			if !errors.As(err, &none) || none.Error() != test.err || none.Hint() != test.hint {
				t.Errorf("got %v\nwant %s, and the hint %q", err, test.err, test.hint)
			}
		})
	}
}

// Of all that is preferred, each identifier is proven by the first that can.
func TestChooseFor(t *testing.T) {
	types := []string{"tls-alpn-01", "http-01", "dns-01"}
	for _, test := range []struct {
		name      string
		preferred []ChallengeType
		want      ChallengeType
	}{
		{"example.com", []ChallengeType{HTTP01, DNS01}, HTTP01},
		{"*.example.com", []ChallengeType{HTTP01, TLSALPN01, DNS01}, DNS01},
		{"192.0.2.1", []ChallengeType{DNS01, DNSAccount01, TLSALPN01}, TLSALPN01},
		{"2001:db8::1", []ChallengeType{DNS01, HTTP01}, HTTP01},
	} {
		authz := fakeAuthz(0, test.name, "pending", nil)
		var offered []object
		for _, kind := range types {
			offered = append(offered, object{"type": kind, "url": fakeURL + "/" + kind, "token": "token", "status": "pending"})
		}
		authz["challenges"] = offered
		f := newFake([]string{test.name}, map[string][]reply{"/authz/0": {{body: authz}}})
		o, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{test.name}})
		if err != nil {
			t.Fatal(err)
		}
		zs, err := o.Pending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := zs[0].Choose(test.preferred); err != nil || zs[0].Challenge.Type != test.want {
			t.Errorf("%s: got %v and error %v, want %s", test.name, zs[0].Challenge, err, test.want)
		}
		if isRecord := zs[0].Value != ""; isRecord != (test.want == DNS01) {
			t.Errorf("%s: got the value %q of a record for %s", test.name, zs[0].Value, test.want)
		}
	}
}

// In the DNS a name can be proven that leaves room for the labels before it.
func TestProvesLong(t *testing.T) {
	long := func(n int) string {
		return strings.Repeat("a.", (n-len("example"))/2) + strings.Repeat("b", (n-len("example"))%2) + "example"
	}
	for kind, most := range map[ChallengeType]int{DNS01: 237, DNSAccount01: 219, DNSPersist01: 233, HTTP01: 253} {
		if name := long(most); len(name) != most || !kind.Proves(name) {
			t.Errorf("%s: got that a name of %d characters cannot be proven", kind, len(name))
		}
		if kind != HTTP01 && (kind.Proves(long(most+1)) || !kind.Proves("*."+long(most))) {
			t.Errorf("%s: got that a name of %d characters can be proven, or the wildcard of a shorter one cannot", kind, most+1)
		}
	}
}
