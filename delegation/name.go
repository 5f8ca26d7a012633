package delegation

// Name is an absolute domain name in presentation format: lower case, ending
// in a dot. The root is ".". Names are parsed at the edges of the program, by
// ParseName and ChallengeName, and compared as values everywhere else.
// Underscores are allowed: these are owner names, not host names.
type Name string

// ParseName reads a domain name, with or without the final dot, in any case.
// It refuses empty labels, labels over 63 octets and names over 255 octets
// (RFC 1035 §2.3.4).
func ParseName(s string) (Name, error) { panic("not yet written") }

// ChallengeName returns the name at which a CA looks for the validation record
// of a DNS identifier: "_acme-challenge." before the domain without its
// wildcard label (RFC 8555 §8.4).
func ChallengeName(domain string) (Name, error) { panic("not yet written") }

// IsAtOrBelow reports whether n is zone or a name below it. It compares whole
// labels: notexample.com is not below example.com.
func (n Name) IsAtOrBelow(zone Name) bool { panic("not yet written") }

// Parent returns n without its first label; the root's parent is the root.
func (n Name) Parent() Name { panic("not yet written") }

// Labels returns the number of labels; the root has none.
func (n Name) Labels() int { panic("not yet written") }

// Relative returns n relative to zone, "@" when they are the same, as libdns
// and zone files write it. n must be at or below zone.
func (n Name) Relative(zone Name) string { panic("not yet written") }

// String returns the name with its final dot.
func (n Name) String() string { return string(n) }
