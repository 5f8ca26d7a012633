package delegation

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// Name is an absolute domain name in presentation format: lower case, ending
// in a dot. The root is ".". Names are parsed at the edges of the program, by
// ParseName and ValidationName, and compared as values everywhere else.
// Underscores are allowed: these are owner names, not host names.
type Name string

const (
	root Name = "."

	maxLabel = 63  // octets in a label, RFC 1035 §2.3.4
	maxName  = 255 // octets in a name on the wire, with its length octets
)

// ParseName reads a domain name, with or without the final dot, in any case.
// It refuses empty labels, labels over 63 octets and names over 255 octets
// (RFC 1035 §2.3.4), and blanks, control characters and everything beyond
// ASCII: a name in another script is given as its A-label (xn--…). Escapes of
// master files (\. and \046) are understood.
func ParseName(s string) (Name, error) {
	labels, err := splitLabels(s)
	if err != nil {
		return "", fmt.Errorf("%q is not a domain name: %w", s, err)
	}
	var wire []byte
	for _, label := range labels {
		wire = append(append(wire, byte(len(label))), label...)
	}
	wire = append(wire, 0)
	if len(wire) > maxName {
		return "", fmt.Errorf("%q is not a domain name: it is longer than %d octets", s, maxName)
	}
	text, _, err := dns.UnpackDomainName(wire, 0)
	if err != nil {
		return "", fmt.Errorf("%q is not a domain name: %w", s, err)
	}
	return canonical(text), nil
}

// ChallengeName returns the name at which a CA looks for the validation record
// of a DNS identifier: "_acme-challenge." before the domain without its
// wildcard label (RFC 8555 §8.4).
func ChallengeName(domain string) (Name, error) { return ValidationName("_acme-challenge", domain) }

// ValidationName is ChallengeName for the challenges whose record is at other
// labels before the domain.
func ValidationName(prefix, domain string) (Name, error) {
	if _, err := netip.ParseAddr(domain); err == nil {
		return "", fmt.Errorf("%s is an IP address, which has no validation record in the DNS", domain)
	}
	base, err := ParseName(strings.TrimPrefix(domain, "*."))
	if err != nil {
		return "", err
	}
	switch {
	case base == root:
		return "", fmt.Errorf("%q is not the name of a host", domain)
	case strings.Contains(string(base), "*"):
		return "", fmt.Errorf("%q has a wildcard that is not its whole first label", domain)
	}
	return ParseName(prefix + "." + string(base))
}

// IsAtOrBelow reports whether n is zone or a name below it. It compares whole
// labels: notexample.com is not below example.com.
func (n Name) IsAtOrBelow(zone Name) bool {
	return dns.IsSubDomain(string(zone), string(n))
}

// Parent returns n without its first label; the root's parent is the root.
func (n Name) Parent() Name {
	next, end := dns.NextLabel(string(n), 0)
	if end || n == root {
		return root
	}
	return n[next:]
}

// Labels returns the number of labels; the root has none.
func (n Name) Labels() int { return dns.CountLabel(string(n)) }

// Relative returns n relative to zone, "@" when they are the same, as libdns
// and zone files write it. n must be at or below zone.
func (n Name) Relative(zone Name) string {
	switch {
	case n == zone:
		return "@"
	case zone == root:
		return n.Bare()
	}
	return strings.TrimSuffix(string(n), "."+string(zone))
}

// Below is the inverse of Relative: it returns the name that label, or several
// labels, have in zone n, and n itself for "@" and "". What is no name is "".
func (n Name) Below(labels string) Name {
	if labels == "@" || labels == "" {
		return n
	}
	below, err := ParseName(labels + "." + strings.TrimPrefix(string(n), "."))
	if err != nil {
		return ""
	}
	return below
}

// Bare returns the name as people write it, without the final dot; the root
// stays a dot.
func (n Name) Bare() string {
	if n == root {
		return string(root)
	}
	return strings.TrimSuffix(string(n), ".")
}

// String returns the name with its final dot.
func (n Name) String() string { return string(n) }

// isBelow reports whether n is below zone and not zone itself.
func (n Name) isBelow(zone Name) bool { return n != zone && n.IsAtOrBelow(zone) }

// child returns the name one label below n, or false if it would be too long.
func (n Name) child(label string) (Name, bool) {
	c, err := ParseName(label + "." + strings.TrimPrefix(string(n), "."))
	return c, err == nil
}

// canonical returns a name that came out of a DNS message as a Name. Servers
// and resolvers are free to change its case (RFC 4343).
func canonical(s string) Name { return Name(dns.CanonicalName(s)) }

// splitLabels undoes the presentation format: the labels of s as octets.
func splitLabels(s string) ([][]byte, error) {
	if s == string(root) {
		return nil, nil
	}
	var labels [][]byte
	var label []byte
	for rest := s; rest != ""; {
		c, width, err := octet(rest)
		if err != nil {
			return nil, err
		}
		dot := width == 1 && c == '.'
		rest = rest[width:]
		if !dot {
			label = append(label, c)
		}
		if dot || rest == "" {
			if len(label) == 0 || len(label) > maxLabel {
				return nil, labelError(label)
			}
			labels, label = append(labels, label), nil
		}
	}
	if labels == nil {
		return nil, errors.New("it is empty")
	}
	return labels, nil
}

func labelError(label []byte) error {
	if len(label) == 0 {
		return errors.New("it has an empty label")
	}
	return fmt.Errorf("the label %q is longer than %d octets", label, maxLabel)
}

// octet reads the first octet of s, which may be escaped (RFC 1035 §5.1), and
// says how many characters stand for it.
func octet(s string) (c byte, width int, err error) {
	c, width = s[0], 1
	switch {
	case c != '\\':
	case len(s) >= 4 && s[1] >= '0' && s[1] <= '9':
		n, err := strconv.ParseUint(s[1:4], 10, 8)
		if err != nil {
			return 0, 0, fmt.Errorf("%q is not an escape", s[:4])
		}
		c, width = byte(n), 4
	case len(s) >= 2 && (s[1] < '0' || s[1] > '9'):
		c, width = s[1], 2
	default:
		return 0, 0, errors.New("it ends in the middle of an escape")
	}
	switch {
	case c <= ' ' || c == 0x7f:
		return 0, 0, errors.New("it holds a blank or a control character")
	case c > 0x7f:
		return 0, 0, errors.New("it holds characters beyond ASCII; give the A-label (xn--…)")
	}
	return c, width, nil
}
