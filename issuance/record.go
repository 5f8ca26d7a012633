package issuance

import "certctl/dns01"

// record is the DNS record that proves one name.
type record struct {
	Placement
	value    string
	round    int      // in which it is published, where not all values can be there at a time
	outdated []string // values beside it that nobody needs once it is there
}

func (r record) publication() dns01.Publication {
	return dns01.Publication{Grant: r.Grant, Value: r.value}
}

// Records of a batch are chosen by these.
func (r record) any() bool     { return true }
func (r record) written() bool { return !r.Standing }
func (r record) passing() bool { return !r.Standing && !r.Lasting }
