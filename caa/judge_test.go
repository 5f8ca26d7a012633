package caa

import "testing"

const account = "https://ca.test/acct/1"

// Each set of records is judged for ca.test with our account and dns-01, for a
// name and for its wildcard.
func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name          string
		records       []Record
		want, wantAll Reason // for the name, for the wildcard
	}{
		{"nothing", nil, Unrestricted, Unrestricted},
		{"iodef only", []Record{{0, "iodef", "mailto:a@b"}}, Unrestricted, Unrestricted},
		{"ours", []Record{{0, "issue", "ca.test"}}, Granted, Granted},
		{"ours, other case", []Record{{0, "ISSUE", " CA.Test "}}, Granted, Granted},
		{"another", []Record{{0, "issue", "other.test"}}, OtherIssuer, OtherIssuer},
		{"one of two", []Record{{0, "issue", "other.test"}, {0, "issue", "ca.test"}}, Granted, Granted},
		{"nobody", []Record{{0, "issue", ";"}}, Nobody, Nobody},
		{"nobody, said twice", []Record{{0, "issue", ""}, {0, "issue", " ; "}}, Nobody, Nobody},
		{"nobody and ours", []Record{{0, "issue", ";"}, {0, "issue", "ca.test"}}, Granted, Granted},
		{"wildcards by nobody", []Record{{0, "issue", "ca.test"}, {0, "issuewild", ";"}}, Granted, Nobody},
		{"wildcards only", []Record{{0, "issuewild", "ca.test"}}, Unrestricted, Granted},
		{"wildcards by ours, names by another", []Record{{0, "issue", "other.test"}, {0, "issuewild", "ca.test"}}, OtherIssuer, Granted},
		{"malformed issuer", []Record{{0, "issue", "ca test"}}, Malformed, Malformed},
		{"malformed parameter", []Record{{0, "issue", "ca.test; policy"}}, Malformed, Malformed},
		{"blank in a parameter", []Record{{0, "issue", "ca.test; accounturi=" + account + " x"}}, Malformed, Malformed},
		{"parameter beyond ASCII", []Record{{0, "issue", "ca.test; policy=é"}}, Malformed, Malformed},
		{"all that a parameter may have", []Record{{0, "issue", "ca.test; policy=!~"}}, Granted, Granted},
		{"parameter without a name", []Record{{0, "issue", "ca.test; =ev"}}, Malformed, Malformed},
		{"letters and digits from end to end", []Record{{0, "issue", "az-09.test"}}, OtherIssuer, OtherIssuer},
		{"empty parameters", []Record{{0, "issue", "ca.test ; "}}, Granted, Granted},
		{"unknown parameter", []Record{{0, "issue", "ca.test; policy=ev"}}, Granted, Granted},
		{"our account", []Record{{0, "issue", "ca.test; accounturi=" + account}}, Granted, Granted},
		{"another account", []Record{{0, "issue", "ca.test; accounturi=" + account + "2"}}, OtherAccount, OtherAccount},
		{"two accounts in one", []Record{{0, "issue", "ca.test; accounturi=" + account + "; accounturi=" + account}}, OtherAccount, OtherAccount},
		{"two records for accounts", []Record{{0, "issue", "ca.test; accounturi=x"}, {0, "issue", "ca.test;accounturi=" + account}}, Granted, Granted},
		{"our method", []Record{{0, "issue", "ca.test; validationmethods=http-01,dns-01"}}, Granted, Granted},
		{"other methods", []Record{{0, "issue", "ca.test; validationmethods=http-01"}}, OtherMethod, OtherMethod},
		{"methods twice", []Record{{0, "issue", "ca.test; validationmethods=dns-01; validationmethods=dns-01"}}, OtherMethod, OtherMethod},
		{"a method like ours", []Record{{0, "issue", "ca.test; validationmethods=dns-01x"}}, OtherMethod, OtherMethod},
		{"method fits, account does not", []Record{{0, "issue", "ca.test; validationmethods=dns-01; accounturi=x"}}, OtherAccount, OtherAccount},
		{"closest of all", []Record{{0, "issue", "other.test"}, {0, "issue", "ca.test; accounturi=x"}, {0, "issue", ";"}}, OtherAccount, OtherAccount},
		{"critical and unknown", []Record{{128, "tbs", "x"}, {0, "issue", "ca.test"}}, Critical, Critical},
		{"critical by mistake", []Record{{1, "tbs", "x"}, {0, "issue", "ca.test"}}, Critical, Critical},
		{"unknown", []Record{{0, "tbs", "x"}, {0, "issue", "ca.test"}}, Granted, Granted},
		{"critical and known", []Record{{128, "issue", "ca.test"}}, Granted, Granted},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := Request{Identities: []string{"other-name.test", "ca.test"}, Account: account, Method: "dns-01"}
			if got := Judge(test.records, q); got.Reason != test.want {
				t.Errorf("name: got %s, want %s", got.Reason, test.want)
			}
			q.Wildcard = true
			if got := Judge(test.records, q); got.Reason != test.wantAll {
				t.Errorf("wildcard: got %s, want %s", got.Reason, test.wantAll)
			}
		})
	}
}

// What is not known is not guessed.
func TestJudgeUnknown(t *testing.T) {
	issue := func(v string) []Record { return []Record{{0, "issue", v}} }
	for _, test := range []struct {
		name       string
		records    []Record
		q          Request
		want       Reason
		ok, refuse bool
	}{
		{"no identities", issue("ca.test"), Request{Method: "dns-01"}, Undecided, false, false},
		{"no identities, nobody", issue(";"), Request{Method: "dns-01"}, Nobody, false, true},
		{"no identities, no records", nil, Request{Method: "dns-01"}, Unrestricted, true, false},
		{"no account", issue("ca.test; accounturi=x"), Request{Identities: []string{"ca.test"}, Method: "dns-01"}, NoAccount, false, false},
		{"another account", issue("ca.test; accounturi=x"), Request{Identities: []string{"ca.test"}, Account: account, Method: "dns-01"}, OtherAccount, false, true},
		{"no account needed", issue("ca.test"), Request{Identities: []string{"ca.test"}, Method: "dns-01"}, Granted, true, false},
	} {
		got := Judge(test.records, test.q)
		if got.Reason != test.want || got.Allowed() != test.ok || got.Forbidden() != test.refuse {
			t.Errorf("%s: got %s (allowed %t, forbidden %t), want %s (%t, %t)",
				test.name, got.Reason, got.Allowed(), got.Forbidden(), test.want, test.ok, test.refuse)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(uint8(0), "issue", "ca.test; accounturi=x")
	f.Add(uint8(128), "tbs", ";")
	f.Fuzz(func(t *testing.T, flags uint8, tag, value string) {
		v := Judge([]Record{{flags, tag, value}}, Request{Identities: []string{"ca.test"}, Method: "dns-01"})
		if v.Allowed() == v.Forbidden() && v.Reason != NoAccount {
			t.Errorf("%q %q: got %s, which neither allows nor forbids", tag, value, v.Reason)
		}
	})
}
