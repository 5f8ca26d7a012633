package delegate

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// CAA says which CA, and which account there, may issue for the names.
type CAA struct {
	Identities []string // of the CA, as in its directory's caaIdentities; one record for each
	Account    string   // URL of the account; "": any
	Methods    []string // of validation; none: dns-01
}

// check refuses what would be a malformed record (RFC 8659 §4.2).
func (c *CAA) check() error {
	if c == nil {
		return nil
	}
	for _, identity := range c.Identities {
		if _, err := ParseName(identity); err != nil {
			return fmt.Errorf("CA identity: %w", err)
		}
	}
	if len(c.Identities) == 0 {
		return errors.New("CA identity: none is given")
	}
	if strings.ContainsFunc(c.Account, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' || r == '"' || r == '\\' }) {
		return fmt.Errorf("the account %q cannot be written in a CAA record", c.Account)
	}
	return nil
}

// records returns the records for one domain: issue for the domain itself,
// issuewild for its wildcard (RFC 8659 §4.2 and §4.3).
func (c *CAA) records(d *Delegation) []Record {
	if c == nil || d.Alias {
		return nil
	}
	var records []Record
	for _, name := range d.Names {
		property := "issue"
		if strings.HasPrefix(name, "*.") {
			property = "issuewild"
		}
		for _, identity := range c.Identities {
			records = append(records, Record{Owner: d.base(), Type: "CAA", Data: fmt.Sprintf("0 %s %q", property, c.value(identity))})
		}
	}
	return records
}

// value names a CA, and binds it to the account and to how the names are proven
// (RFC 8657 §3, §4).
func (c *CAA) value(identity string) string {
	value := identity + "; validationmethods=" + cmp.Or(strings.Join(c.Methods, ","), "dns-01")
	if c.Account != "" {
		value += "; accounturi=" + c.Account
	}
	return value
}
