package dnssec

import (
	"context"
	"fmt"

	"certctl/delegation"
)

// maxZones bounds the zones that one name can make us look at.
const maxZones = 12

// zones returns the zones from the root down to the one that name is in. It
// remembers which zone is above which.
func (v *Validator) zones(ctx context.Context, name delegation.Name) ([]delegation.Zone, error) {
	z, err := v.Resolver.Zone(ctx, name)
	if err != nil {
		return nil, err
	}
	zones := []delegation.Zone{z}
	for z.Apex != root {
		above, known := v.parents.Load(z.Apex)
		if !known {
			if above, err = v.Resolver.ParentZone(ctx, z.Apex); err != nil {
				return nil, err
			}
			v.parents.Store(z.Apex, above)
		}
		if len(zones) == maxZones {
			return nil, fmt.Errorf("%s is below more than %d zones", name, maxZones)
		}
		z = above.(delegation.Zone)
		zones = append([]delegation.Zone{z}, zones...)
	}
	return zones, nil
}
