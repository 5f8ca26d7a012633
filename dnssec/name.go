package dnssec

import (
	"bytes"

	"github.com/miekg/dns"

	"certctl/delegation"
)

const root delegation.Name = "."

// canonical returns a name that came out of a message as a Name.
func canonical(s string) delegation.Name { return delegation.Name(dns.CanonicalName(s)) }

// isBelow reports whether n is below zone and not zone itself.
func isBelow(n, zone delegation.Name) bool { return n != zone && n.IsAtOrBelow(zone) }

// encloser returns the ancestor of n that has that many labels, or n itself.
func encloser(n delegation.Name, labels int) delegation.Name {
	for n.Labels() > labels {
		n = n.Parent()
	}
	return n
}

// common returns the longest name that both names are at or below.
func common(a, b delegation.Name) delegation.Name {
	for !b.IsAtOrBelow(a) {
		a = a.Parent()
	}
	return a
}

// wildcard returns the wildcard right below a name.
func wildcard(n delegation.Name) delegation.Name {
	if n == root {
		return "*."
	}
	return "*." + n
}

// compare says which name comes first in the canonical order (RFC 4034 §6.1):
// label by label from the right, each as octets.
func compare(a, b delegation.Name) int {
	la, lb := labels(a), labels(b)
	for i := 1; i <= len(la) && i <= len(lb); i++ {
		if c := bytes.Compare(la[len(la)-i], lb[len(lb)-i]); c != 0 {
			return c
		}
	}
	return len(la) - len(lb)
}

// labels returns the labels of a name as octets, without escapes. A name that
// is none has no labels.
func labels(n delegation.Name) [][]byte {
	wire := make([]byte, 256)
	if _, err := dns.PackDomainName(string(n), wire, 0, nil, false); err != nil {
		return nil
	}
	var all [][]byte
	for size := int(wire[0]); size > 0; size = int(wire[0]) {
		all = append(all, wire[1:1+size])
		wire = wire[1+size:]
	}
	return all
}
