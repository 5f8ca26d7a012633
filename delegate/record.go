package delegate

import (
	"net/netip"
	"time"

	"certctl/delegation"
)

// Record is one record that the owner of a zone must add.
type Record struct {
	Zone  delegation.Name // that it belongs in; "" where it is not known
	Owner delegation.Name
	TTL   time.Duration
	Type  string
	Data  string // in master-file format
}

// String returns the record in master-file format, without a TTL.
func (r Record) String() string { return string(r.Owner) + " IN " + r.Type + " " + r.Data }

func (r Record) seconds() int { return int(r.TTL / time.Second) }

// addressType returns the type of the records that hold an address.
func addressType(a netip.Addr) string {
	if a.Is4() {
		return "A"
	}
	return "AAAA"
}
