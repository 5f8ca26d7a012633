package dnssec

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"certctl/delegation"
)

const (
	// maxAliases is how many aliases Follow follows: as many as CAs' resolvers do.
	maxAliases = 11

	// maxTime bounds how long servers can make the judgement on one name take.
	maxTime = 30 * time.Second
)

// Validator validates names. It remembers the keys of zones for as long as it
// lives, which is one run of the program. It is safe for concurrent use.
type Validator struct {
	// Resolver finds the zones and their servers. Where only recursive
	// resolvers can be asked, it takes a Client that is Signed to be told about
	// zones that they reject.
	Resolver *delegation.Resolver
	Client   *delegation.Client // asks the servers; nil: the zero Client
	Anchors  Anchors            // none: everything is insecure
	Now      func() time.Time   // nil: time.Now

	links   links
	parents sync.Map // the apex of a zone → the delegation.Zone above it
	silent  sync.Map // netip.AddrPort of servers that gave no answer
}

// Validate judges what the DNS says about the records of one type at one name,
// down the chain of trust from the closest anchor. The name may exist or not.
// An alias is judged as such; what it leads to is another name. The error means
// that the zones on the way cannot be found; every fault of DNSSEC is the
// Chain's Reason.
func (v *Validator) Validate(ctx context.Context, name delegation.Name, qtype uint16) (*Chain, error) {
	zones, err := v.zones(ctx, name)
	if err != nil {
		return nil, err
	}
	c := &Chain{Name: name, Type: qtype}
	v.judge(ctx, c, zones)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("validating %s: %w", name, context.Cause(ctx))
	}
	return c, nil
}

// judge completes a chain.
func (v *Validator) judge(ctx context.Context, c *Chain, zones []delegation.Zone) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	last := v.descend(ctx, c, zones)
	if c.Verdict == Secure || c.Verdict == Insecure {
		v.answer(ctx, c, zones[len(zones)-1], last)
	}
}

// Follow validates a name, and each name that aliases lead to from there. It
// stops where a chain breaks, and at an alias that leads in a circle or is one
// too many.
func (v *Validator) Follow(ctx context.Context, name delegation.Name, qtype uint16) ([]*Chain, error) {
	var chains []*Chain
	for path := []delegation.Name{}; !slices.Contains(path, name) && len(path) <= maxAliases; {
		c, err := v.Validate(ctx, name, qtype)
		if err != nil {
			return chains, err
		}
		chains = append(chains, c)
		if c.Answer == nil || c.Answer.Kind != Alias || c.Verdict == Bogus {
			break
		}
		path, name = append(path, name), c.Answer.Alias
	}
	return chains, nil
}

// descend builds the links from the closest anchor down, and returns the last.
func (v *Validator) descend(ctx context.Context, c *Chain, zones []delegation.Zone) *Link {
	c.end(Secure, nil)
	start := v.start(zones)
	if start < 0 {
		apex := zones[len(zones)-1].Apex
		c.end(Insecure, &Reason{Code: NoAnchor, Zone: apex, Name: apex})
		start = 0
	}
	var link *Link
	for i := start; i < len(zones); i++ {
		switch {
		case c.Verdict == Insecure:
			link = &Link{Zone: zones[i].Apex, Verdict: Insecure, Reason: c.Reason}
		case i == start:
			link = v.anchored(ctx, zones[i])
		default:
			link = v.delegated(ctx, zones[i-1], zones[i], link)
		}
		c.Links = append(c.Links, *link)
		c.end(link.Verdict, link.Reason)
		if c.Verdict == Bogus || c.Verdict == Indeterminate {
			break
		}
	}
	return link
}

// start returns the index of the lowest zone that has a trust anchor, or -1.
func (v *Validator) start(zones []delegation.Zone) int {
	for i, z := range slices.Backward(zones) {
		if len(v.Anchors.of(z.Apex)) > 0 {
			return i
		}
	}
	return -1
}

func (v *Validator) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}
