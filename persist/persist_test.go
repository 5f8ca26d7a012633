package persist

import (
	"slices"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	account := "https://ca.example/acct/1"
	for value, want := range map[string]Record{
		"ca.example; accounturi=" + account:                                              {Issuer: "ca.example", Account: account},
		"ca.example;accounturi=" + account + ";policy=wildcard":                          {Issuer: "ca.example", Account: account, Wildcard: true},
		"\tca.example ; ACCOUNTURI = " + account + " ; Policy=WildCard":                  {Issuer: "ca.example", Account: account, Wildcard: true},
		"ca.example; accounturi=" + account + "; policy=other; persistUntil=1767225600":  {Issuer: "ca.example", Account: account, Until: time.Unix(1767225600, 0)},
		"ca.example; accounturi=" + account + "; persistUntil=9223372036854775807":       {Issuer: "ca.example", Account: account, Until: time.Unix(latest, 0)},
		"ca.example; accounturi=" + account + "; persistUntil=-62135596800":              {Issuer: "ca.example", Account: account, Until: time.Unix(0, 0)},
		"ca.example; accounturi=" + account + "; later=x=y; policy=":                     {Issuer: "ca.example", Account: account},
		"ca.example; persistuntil=-1; accounturi=" + account:                             {Issuer: "ca.example", Account: account, Until: time.Unix(0, 0)},
		"xn--bcher-kva.example; accounturi=https://ca.example/hash/sha-256/5SQm7n6tPh2-": {Issuer: "xn--bcher-kva.example", Account: "https://ca.example/hash/sha-256/5SQm7n6tPh2-"},
	} {
		got, err := Parse(value)
		if err != nil || got != want {
			t.Errorf("%q: got %v and error %v, want %v", value, got, err, want)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%q: written and read again: got %v and error %v, want %v", value, again, err, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for value, want := range map[string]string{
		"":                          "the issuer's domain name is missing",
		" ; accounturi=x":           "the issuer's domain name is missing",
		"ca.example":                "accounturi is missing",
		"ca.example;":               `"" is not a parameter like tag=value`,
		"ca.example; accounturi=x;": `"" is not a parameter like tag=value`,
		"ca.example; accounturi=x; ; policy=wildcard":       `"" is not a parameter like tag=value`,
		"ca.example; accounturi":                            `"accounturi" is not a parameter like tag=value`,
		"ca.example; =x":                                    `"=x" is not a parameter like tag=value`,
		"ca.example; accounturi=":                           "accounturi is empty",
		"ca.example; accounturi=x; AccountURI=x":            "accounturi is there twice",
		"ca.example; later=1; later=2; accounturi=x":        "later is there twice",
		"ca.example; accounturi=x y":                        "the value of accounturi has characters that it may not have",
		"ca.example; accounturi=ü":                          "the value of accounturi has characters that it may not have",
		"ca.example; accounturi=x; persistUntil=":           `persistUntil "" is not a number of seconds`,
		"ca.example; accounturi=x; persistUntil=2027-01-01": `persistUntil "2027-01-01" is not a number of seconds`,
	} {
		if got, err := Parse(value); err == nil || err.Error() != want {
			t.Errorf("%q: got %v and error %v, want %s", value, got, err, want)
		}
	}
}

func TestJudge(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ours := "ca.example; accounturi=https://ca.example/acct/1"
	values := []string{
		"other.example; accounturi=https://other.example/1",
		"43-characters-of-a-validation-value-or-so",
		ours + ";",
		"ca.example; accounturi=https://ca.example/acct/2; policy=wildcard",
		ours + "; policy=wildcard; persistUntil=1800000000",
		ours + "; policy=wildcard; persistUntil=1800000001",
		ours,
		ours + "; policy=wildcard; persistUntil=1900000000",
	}
	for wildcard, want := range map[bool][]Flaw{
		true:  {Malformed, OtherAccount, Expired, None, NoWildcard, None},
		false: {Malformed, OtherAccount, Expired, None, None, None},
	} {
		need := Need{Issuers: []string{"ca.test", "ca.example"}, Accounts: []string{"https://ca.example/acct/1"}, Wildcard: wildcard}
		standing := need.Judge(values, now)
		var got []Flaw
		for _, s := range standing {
			got = append(got, s.Flaw)
		}
		if !slices.Equal(got, want) {
			t.Errorf("wildcard %v: got %q, want %q", wildcard, got, want)
		}
		best := ours // has no end
		if wildcard {
			best = values[7]
		}
		if s := Best(standing); s == nil || s.Value != best {
			t.Errorf("wildcard %v: got the best %v, want %q", wildcard, s, best)
		}
	}
	if s := Best(Need{Issuers: []string{"ca.example"}, Accounts: []string{"x"}}.Judge(values, now)); s != nil {
		t.Errorf("got %v for another account, want none", s)
	}
}

// Whatever is in the DNS, nothing breaks, and what is understood can be written
// and is understood the same.
func FuzzParse(f *testing.F) {
	f.Add("ca.example; accounturi=https://ca.example/acct/1; policy=wildcard; persistUntil=1767225600")
	f.Add("ca.example;;=;accounturi==;")
	f.Fuzz(func(t *testing.T, value string) {
		r, err := Parse(value)
		if err != nil {
			return
		}
		if again, err := Parse(r.String()); err != nil || !again.Until.Equal(r.Until) || again.Account != r.Account || again.Issuer != r.Issuer || again.Wildcard != r.Wildcard {
			t.Errorf("%q: got %v, and written and read again %v, %v", value, r, again, err)
		}
	})
}
