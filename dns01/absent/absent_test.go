package absent_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
)

const zone = delegation.Name("example.com.")

// What is asked for is outside of what a key should be for, and nobody has it.
func TestRecords(t *testing.T) {
	long := delegation.Name(strings.Repeat("a23456789.", 22) + string(zone)) // no name fits below it
	for owner, want := range map[delegation.Name][]string{
		"_acme-challenge." + zone: {
			"other names: removal of an absent TXT certctl-probe-*.example.com",
			"the zone's apex: removal of an absent TXT example.com",
			"names below: removal of an absent TXT certctl-probe-*._acme-challenge.example.com",
			"other types: removal of an absent AAAA _acme-challenge.example.com",
		},
		zone: {
			"other names: removal of an absent TXT certctl-probe-*.example.com",
			"other types: removal of an absent AAAA example.com",
		},
		long: {
			"other names: removal of an absent TXT certctl-probe-*.example.com",
			"the zone's apex: removal of an absent TXT example.com",
			"other types: removal of an absent AAAA " + long.Bare(),
		},
	} {
		var got []string
		for _, r := range absent.Records(zone, owner) {
			got = append(got, string(r.Reach)+": "+r.Question())
			harmless(t, r)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", owner, diff)
		}
	}
	elsewhere := absent.In("example.net.")
	if harmless(t, elsewhere); elsewhere.Reach != dns01.OtherZones || elsewhere.Owner.Parent() != "example.net." {
		t.Errorf("got %+v, want a name in example.net.", elsewhere)
	}
}

// harmless checks that a record is no one's: another each time, and an address of
// nobody.
func harmless(t *testing.T, r absent.Record) {
	t.Helper()
	if _, err := delegation.ParseName(r.Owner.String()); err != nil {
		t.Errorf("%s: %v", r.Owner, err)
	}
	if r.Type == "TXT" && len(r.Value) < len("certctl probe ")+20 {
		t.Errorf("got the value %q, want one that nobody has", r.Value)
	}
	if r.Type != "AAAA" {
		return
	}
	documentation := netip.MustParsePrefix("2001:db8::/32")
	if a, err := netip.ParseAddr(r.Value); err != nil || !documentation.Contains(a) {
		t.Errorf("got the address %s, %v, want one for documentation", r.Value, err)
	}
}

func TestRandom(t *testing.T) {
	a, b := absent.Records(zone, zone), absent.Records(zone, zone)
	for i := range a {
		if a[i].Value == b[i].Value || i == 0 && a[i].Owner == b[i].Owner {
			t.Errorf("got %v twice", a[i])
		}
	}
}

// All are tried, until one cannot be.
func TestTry(t *testing.T) {
	records := absent.Records(zone, "a."+zone)
	verdicts := map[dns01.Reach]absent.Verdict{dns01.OtherNames: absent.Refused, dns01.TheApex: absent.Accepted, dns01.NamesBelow: absent.Unclear}
	lost := errors.New("the connection broke")
	trials, err := absent.Try(t.Context(), records, func(_ context.Context, r absent.Record) (absent.Verdict, string, error) {
		if r.Type == "AAAA" {
			return absent.Unclear, "", lost
		}
		return verdicts[r.Reach], "answer", nil
	})
	if !errors.Is(err, lost) || len(trials) != 3 {
		t.Fatalf("got %v and %v, want three and %v", trials, err, lost)
	}
	for i, want := range []struct{ accepted, refused bool }{{false, true}, {true, false}, {false, false}} {
		got := trials[i]
		if got.Accepted != want.accepted || got.Refused != want.refused || got.Reach != records[i].Reach || got.Answer != "answer" || got.Question != records[i].Question() {
			t.Errorf("got %+v, want accepted %t, refused %t", got, want.accepted, want.refused)
		}
	}
}
