package dns01

import (
	"context"
	"net/netip"

	"github.com/libdns/libdns"

	"certctl/delegation"
)

// Provider edits the records of DNS zones at one server or service, with one
// key. AppendRecords must return nil only when the records are there (read back
// where a service's word proves little), must be idempotent, and must never
// change or remove another record; DeleteRecords removes exactly the given
// values and succeeds when they are gone already.
type Provider interface {
	libdns.RecordAppender
	libdns.RecordDeleter
}

// Labeler is a Provider that knows how the user knows it.
type Labeler interface {
	Label() string // provider and key name, never the secret
}

// Preparer is a Provider that has something to read, such as its secret,
// before it can work. Prepare may be called more than once.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Verifier is a Provider that reads every value back from the server that took
// it, before AppendRecords returns. Others believe what their service says.
type Verifier interface {
	Verifies()
}

// Limiter is a Provider whose service keeps few values at a name, and gives the
// oldest up for a new one.
type Limiter interface {
	Capacity(owner delegation.Name) int // how many values it keeps; 0: as many as you like
}

// Environment is what the run of the program offers to the constructors of
// providers.
type Environment struct {
	// Client asks DNS servers.
	Client *delegation.Client

	// Primary returns the addresses of the server that takes a zone's updates
	// unless the configuration names another; (*delegation.Resolver).Primary
	// is one.
	Primary func(ctx context.Context, zone delegation.Name) ([]netip.AddrPort, error)

	// Getenv reads the environment, for what services' own tools read from there;
	// nil: it is empty.
	Getenv func(name string) string
}

// Variable returns the value of an environment variable, or "".
func (e Environment) Variable(name string) string {
	if e.Getenv == nil {
		return ""
	}
	return e.Getenv(name)
}
