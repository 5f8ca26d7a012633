package trace

import (
	"context"
	"fmt"

	"certctl/delegation"
)

// NoDomainError says that the way ends in the root or at a top-level domain,
// because the domain that should be there does not exist.
type NoDomainError struct {
	Domain, Zone delegation.Name
}

func (e *NoDomainError) Error() string {
	return fmt.Sprintf("%s does not exist: the servers of zone %s say NXDOMAIN", e.Domain.Bare(), e.Zone.Bare())
}

// Hint says what may be the matter.
func (e *NoDomainError) Hint() string {
	return "is the name spelled right, and is the domain registered?"
}

// exists returns a *NoDomainError when a record would go into a zone in which
// nobody but a registry writes, below a name that is not there.
func (w *Way) exists(ctx context.Context, r *delegation.Resolver) error {
	t := w.Target
	domain := t.Owner
	for domain.Labels() > t.Zone.Labels()+1 {
		domain = domain.Parent()
	}
	if t.Zone.Labels() > 1 || domain == t.Owner || len(t.Servers) == 0 {
		return nil
	}
	for _, o := range r.Observe(ctx, t.Zone, t.Servers[:1], domain, "SOA") {
		if o.Err == nil && o.Rcode == "NXDOMAIN" {
			return &NoDomainError{Domain: domain, Zone: t.Zone}
		}
	}
	return nil
}
