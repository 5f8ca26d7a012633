package dns01_test

import (
	"slices"
	"testing"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/authority"
)

// What each server has is told apart from what it does not say.
func TestLook(t *testing.T) {
	s := newSite(5)
	s.zone.Add(`www TXT "a" "b"`)
	s.zone.Add(`www TXT "c"`)
	s.Server("ns2.example.net.").Fault(authority.Fault{Refuse: true})
	s.Server("ns3.example.net.").Fault(authority.Fault{NoAA: true})
	s.Server("ns4.example.net.").Fault(authority.Fault{Truncate: true})
	s.Server("ns5.example.net.").Fault(authority.Fault{Servfail: -1})
	target := func(owner delegation.Name) *delegation.Target {
		return &delegation.Target{Zone: "auth.example.net.", Owner: owner, Servers: s.servers}
	}
	sights, err := dns01.Look(t.Context(), s.client, target("www.auth.example.net."))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "REFUSED", "not authoritative", "", "SERVFAIL"} {
		got := sights[i]
		slices.Sort(got.Values)
		if got.Answer != want || (want == "") != slices.Equal(got.Values, []string{"ab", "c"}) {
			t.Errorf("%s: got %q and %q, want %q", got.Server.Name, got.Values, got.Answer, want)
		}
	}
	sights, err = dns01.Look(t.Context(), s.client, target("none.auth.example.net."))
	if err != nil || len(sights[0].Values) > 0 || sights[0].Answer != "" {
		t.Errorf("got %v and error %v of a name that does not exist, want no values", sights, err)
	}
}
