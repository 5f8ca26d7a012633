package nameserver

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// challengeLabel starts the names that ACME validates (RFC 8555 §8.4).
const challengeLabel = "_acme-challenge."

// hosting is the zones and keys of a configuration, indexed. It never changes.
type hosting struct {
	config   Config
	zones    map[delegation.Name]*hosted
	families map[delegation.Name]*hosted
	keys     keyring
	cache    answerCache
	limiter  *limiter
	lapses   *lapses // those of the server
}

// hosted is one entry of the configuration's zones.
type hosted struct {
	Zone
	values *values.Store
	lapses *lapses
	fixed  map[delegation.Name][]dns.RR // by owner; those of the name servers among them
	below  map[delegation.Name]bool     // names that have fixed records below them
	chains chains
	digest string // of what does not change
}

// zone is one zone, which may be one of a family.
type zone struct {
	*hosted
	apex delegation.Name
}

// newHosting checks a configuration.
func newHosting(c Config, l *lapses) (*hosting, error) {
	h := &hosting{config: c, lapses: l, zones: map[delegation.Name]*hosted{}, families: map[delegation.Name]*hosted{}, limiter: newLimiter(c.Rate)}
	var errs []error
	for _, z := range c.Zones {
		if err := h.add(z); err != nil {
			errs = append(errs, fmt.Errorf("zone %s: %w", z.title(), err))
		}
	}
	for name, z := range h.zones {
		if err := h.nested(name); err != nil {
			errs = append(errs, fmt.Errorf("zone %s: %w", z.title(), err))
		}
	}
	h.placeHosts()
	for _, index := range []map[delegation.Name]*hosted{h.zones, h.families} {
		for _, z := range index {
			z.digest = digestOf(z)
		}
	}
	var err error
	h.keys, err = newKeyring(c.Keys)
	for _, z := range c.Zones {
		errs = append(errs, h.keysOf(z))
	}
	return h, errors.Join(append(errs, err)...)
}

// title returns the zone's name as the configuration has it.
func (z Zone) title() string {
	if z.Family {
		return challengeLabel + "*." + z.Name.Bare()
	}
	return z.Name.Bare()
}

func (h *hosting) add(z Zone) error {
	z.TTL, z.NegativeTTL = cmp.Or(z.TTL, DefaultTTL), cmp.Or(z.NegativeTTL, DefaultNegativeTTL)
	hz := &hosted{Zone: z, values: h.config.Values, lapses: h.lapses, fixed: map[delegation.Name][]dns.RR{}, below: map[delegation.Name]bool{}, chains: chains{of: map[delegation.Name]*current{}}}
	index := h.zones
	if z.Family {
		index = h.families
	}
	switch {
	case index[z.Name] != nil:
		return errors.New("it is there twice")
	case z.Name == "." || z.Name == "":
		return errors.New("a name is expected")
	case len(z.Servers) == 0:
		return errors.New("it has no name servers")
	case z.Family && len(z.Records) > 0:
		return errors.New("records are for single zones")
	case z.Family && strings.Contains("."+string(z.Name), "."+challengeLabel):
		return errors.New("a name without _acme-challenge is expected: those are found below it")
	}
	index[z.Name] = hz
	return hz.parse()
}

// nested refuses a zone inside another one: the outer one would have to
// delegate it, to this very server.
func (h *hosting) nested(name delegation.Name) error {
	for above := name.Parent(); above != "."; above = above.Parent() {
		if h.zones[above] != nil {
			return fmt.Errorf("it is inside %s, which can hold its values", above.Bare())
		}
	}
	return nil
}

// keysOf checks that the keys for transfers are there.
func (h *hosting) keysOf(z Zone) error {
	peers := slices.Clone(z.Secondaries)
	if z.Primary != nil {
		peers = append(peers, *z.Primary)
	}
	for _, p := range peers {
		if _, ok := h.keys[p.Key]; !ok && h.keys != nil {
			return fmt.Errorf("zone %s: there is no key %s", z.title(), p.Key.Bare())
		}
	}
	return nil
}

// fixedTypes are the types that configured records may have.
var fixedTypes = map[uint16]bool{
	dns.TypeA: true, dns.TypeAAAA: true, dns.TypeCAA: true, dns.TypeHTTPS: true, dns.TypeMX: true,
	dns.TypeSRV: true, dns.TypeSVCB: true, dns.TypeTLSA: true, dns.TypeTXT: true,
}

// parse reads the configured records.
func (z *hosted) parse() error {
	for _, text := range z.Records {
		parser := dns.NewZoneParser(strings.NewReader(text), string(z.Name), "")
		parser.SetDefaultTTL(uint32(fixedTTL))
		rr, ok := parser.Next()
		if err := parser.Err(); err != nil || !ok {
			return fmt.Errorf("record %q: it cannot be read", text)
		}
		if !fixedTypes[rr.Header().Rrtype] {
			return fmt.Errorf("record %q: the type is none of A, AAAA, CAA, HTTPS, MX, SRV, SVCB, TLSA, TXT", text)
		}
		owner := delegation.Name(dns.CanonicalName(rr.Header().Name))
		if !owner.IsAtOrBelow(z.Name) {
			return fmt.Errorf("record %q: it is not in the zone", text)
		}
		if values.IsWildcard(owner) {
			return fmt.Errorf("record %q: there are no wildcards here", text)
		}
		z.place(owner, rr)
	}
	return nil
}

// place adds a fixed record, once.
func (z *hosted) place(owner delegation.Name, rr dns.RR) {
	rr.Header().Name, rr.Header().Class = string(owner), dns.ClassINET
	for _, other := range z.fixed[owner] {
		if dns.IsDuplicate(other, rr) {
			return
		}
	}
	z.fixed[owner] = append(z.fixed[owner], rr)
	for name := owner; name != z.Name && name != "."; {
		name = name.Parent()
		z.below[name] = true
	}
}

// placeHosts puts the addresses of all name servers into the zones that they
// are in.
func (h *hosting) placeHosts() {
	for _, z := range h.config.Zones {
		for _, host := range z.Servers {
			in, ok := h.zone(host.Name)
			if !ok || in.Family {
				continue
			}
			for _, addr := range host.Addrs {
				in.place(host.Name, addressRecord(host.Name, addr))
			}
		}
	}
}

// zone returns the zone that a name is in.
func (h *hosting) zone(name delegation.Name) (zone, bool) {
	var challenge delegation.Name
	for n := name; n != "."; n = n.Parent() {
		if z := h.zones[n]; z != nil {
			return zone{z, n}, true
		}
		if z := h.families[n]; z != nil && challenge != "" {
			return zone{z, challenge}, true
		}
		if strings.HasPrefix(string(n), challengeLabel) {
			challenge = n // the highest one below the family's name: that is where the cut is
		}
	}
	return zone{}, false
}
