package acme

import (
	"slices"
	"strings"
	"testing"
)

// The vectors of the draft.
func TestAccountHash(t *testing.T) {
	terms := PersistTerms{
		account: "https://ca.example/acct/123", hashPrefix: "https://ca.example/",
		thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
	}
	want := []string{
		"https://ca.example/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
		"https://ca.example/sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug",
	}
	if got := terms.Accounts("example.com"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Each version of the draft has a shape of its own, and each is known by the
// fields that the CA sends.
func TestPersistShapes(t *testing.T) {
	ours := fakeURL + "/account/1"
	old := []string{"ca.test", "www.ca.test"}
	hashes := object{"accountHashPrefix": "https://ca.test/a/", "issuerDomainNames": []string{"meta.test"}}
	for name, test := range map[string]struct {
		meta, fields object
		issuers      []string
		hashed       bool
		err          string
	}{
		"-00":                                {fields: object{"issuer-domain-names": old}, issuers: old},
		"-01":                                {fields: object{"issuer-domain-names": old, "accounturi": ours}, issuers: old},
		"-02":                                {meta: hashes, fields: object{"issuerDomainNames": old}, issuers: old, hashed: true},
		"-02, issuers in the directory only": {meta: hashes, issuers: []string{"meta.test"}, hashed: true},
		"both, before -02 is there":          {fields: object{"issuer-domain-names": old, "accounturi": ours, "issuerDomainNames": old}, err: "issuerDomainNames, but no accountHashPrefix in the directory"},
		"both":                               {meta: hashes, fields: object{"issuer-domain-names": []string{"old.test"}, "issuerDomainNames": old}, issuers: old, hashed: true},
		"-01 of a CA on its way to -02":      {meta: hashes, fields: object{"issuer-domain-names": old, "accounturi": ours}, issuers: old},
		"no issuers":                         {err: "no issuer domain names"},
		"empty issuers":                      {fields: object{"issuer-domain-names": []string{}}, err: "no issuer domain names"},
		"another account":                    {fields: object{"issuer-domain-names": old, "accounturi": fakeURL + "/account/2\x1b[2J"}, err: "the account " + fakeURL + "/account/2 [2J in place of ours, " + ours},
		"an account that is no text":         {fields: object{"issuer-domain-names": old, "accounturi": 7}, err: "fields of the wrong type"},
		"issuers that are no list":           {fields: object{"issuer-domain-names": "ca.test"}, err: "fields of the wrong type"},
		"an issuer that is no text":          {fields: object{"issuer-domain-names": []any{nil, 7}}, err: "fields of the wrong type"},
		"an issuer with more":                {fields: object{"issuer-domain-names": []string{"ca.test", "ca.test; policy=wildcard"}}, err: `the issuer domain name "ca.test; policy=wildcard"`},
		"an issuer with a dot":               {fields: object{"issuer-domain-names": []string{"ca.test."}}, err: `the issuer domain name "ca.test."`},
		"eleven issuers":                     {fields: object{"issuer-domain-names": slices.Repeat([]string{"ca.test"}, 11)}, err: "11 issuer domain names"},
		"a prefix that ends the value":       {meta: object{"accountHashPrefix": "https://ca.test/;"}, fields: object{"issuerDomainNames": old}, err: `accountHashPrefix "https://ca.test/;"`},
		"a directory that makes no sense":    {meta: object{"accountHashPrefix": 7, "issuerDomainNames": "ca.test"}, fields: object{"issuer-domain-names": old}, issuers: old},
	} {
		t.Run(name, func(t *testing.T) {
			challenge := object{"type": "dns-persist-01", "url": fakeURL + "/x", "status": "pending"}
			for key, value := range test.fields {
				challenge[key] = value
			}
			f := newFake([]string{"example.com"}, map[string][]reply{})
			f.script["/directory"][0].body.(object)["meta"] = test.meta
			authz := fakeAuthz(0, "example.com", "pending", nil)
			authz["challenges"] = []any{challenge}
			f.script["/authz/0"] = []reply{{body: authz}}
			o, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com"}})
			if err != nil {
				t.Fatal(err)
			}
			zs, err := o.Pending(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			err = zs[0].Choose([]ChallengeType{DNSPersist01})
			if test.err != "" {
				if want := "the CA offers no dns-persist-01 challenge, only dns-persist-01 (with " + test.err + ")"; err == nil || err.Error() != want {
					t.Errorf("got %v\nwant %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			z := zs[0]
			if z.Prefix != "_validation-persist" || z.Value != "" || !slices.Equal(z.Persist.Issuers, test.issuers) {
				t.Errorf("got prefix %q, value %q and issuers %q, want those of the CA, %q", z.Prefix, z.Value, z.Persist.Issuers, test.issuers)
			}
			accounts := z.Persist.Accounts("example.com")
			if hashed := strings.HasPrefix(accounts[0], "https://ca.test/a/sha-256/"); hashed != test.hashed || !hashed && !slices.Equal(accounts, []string{ours}) {
				t.Errorf("got accounts %q, want hashed: %v", accounts, test.hashed)
			}
		})
	}
}
