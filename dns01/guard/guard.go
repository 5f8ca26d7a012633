// Package guard is what every provider does first and last: it lets records
// through that are within the scope, and takes secrets out of what others say.
package guard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
)

// Admit reads the TXT records of one zone, and refuses all if one is outside
// the scope of the provider with this label: with a *dns01.ScopeError.
func Admit(label string, scope delegation.Name, zone string, records []libdns.Record) ([]dns01.Record, error) {
	apex, err := delegation.ParseName(zone)
	if err != nil {
		return nil, err
	}
	admitted := make([]dns01.Record, len(records))
	for i, r := range records {
		rr := r.RR()
		if rr.Type != "TXT" {
			return nil, fmt.Errorf("a record of type %s: only TXT is written", rr.Type)
		}
		owner, err := delegation.ParseName(libdns.AbsoluteName(rr.Name, zone))
		if err != nil {
			return nil, err
		}
		if !owner.IsAtOrBelow(scope) || !scope.IsAtOrBelow(apex) {
			return nil, &dns01.ScopeError{Label: label, Scope: scope, Zone: apex, Owner: owner}
		}
		admitted[i] = dns01.Record{Zone: apex, Owner: owner, Value: rr.Data, TTL: rr.TTL}
	}
	return admitted, nil
}

// Done returns records as libdns has them, for a provider's answer.
func Done(records []dns01.Record) []libdns.Record {
	done := make([]libdns.Record, len(records))
	for i, r := range records {
		done[i] = libdns.TXT{Name: r.Owner.Relative(r.Zone), TTL: r.TTL, Text: r.Value}
	}
	return done
}

// longest is how much of what others say is repeated.
const longest = 300

// Quote makes one short line of what a server or a program has said, for an
// error: without the secrets, without control characters, the beginning and the
// end of it.
func Quote(text string, secrets ...string) string {
	text = Censor(text, secrets...)
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > longest {
		return string(runes[:longest/2]) + " … " + string(runes[len(runes)-longest/2:])
	}
	return string(runes)
}

// Censor takes secrets out of a text, the longest first.
func Censor(text string, secrets ...string) string {
	sorted := slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, secret := range sorted {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[secret]")
		}
	}
	return text
}
