package delegation

import "net/netip"

// Target is the place where one validation record must be written, and the
// way that leads there.
type Target struct {
	Challenge Name     // the challenge name, where the CA starts
	Steps     []Step   // what led from there to Owner, in the order taken
	Owner     Name     // where the TXT record must be: the canonical name at the end of all aliases
	Zone      Name     // the apex of the zone that Owner is in
	Primary   Name     // MNAME of the zone's SOA record
	Servers   []Server // every authoritative server of Zone, in the order of their names

	// Explicit is set when an alias on the way was synthesised from a wildcard,
	// the first one if there are several: it is the place of the explicit
	// record that would end the synthesis. Which of the two is meant depends on
	// which of them the user has a credential for.
	Explicit *Target

	// Proxied is set when authoritative servers cannot be asked from here:
	// then everything about the target is what Resolvers say, maybe from a
	// cache, and whoever wants to know more asks them.
	Proxied   bool
	Resolvers []netip.AddrPort

	Warnings []string // contradictions that do not stop a certificate, in words
}

// Server is an authoritative server of a zone.
type Server struct {
	Name  Name
	Addrs []netip.AddrPort // all of them, IPv4 before IPv6, sorted; none if they cannot be found
}

// StepKind tells an alias from a zone cut.
type StepKind string

// The kinds of steps.
const (
	Alias StepKind = "alias" // the name at From is another name for To
	Cut   StepKind = "cut"   // the zone From delegates the names at and below To
)

// Step is one thing that authoritative servers said on the way to the owner.
type Step struct {
	Kind        StepKind
	Type        string         // record type that made the step: CNAME, DNAME or NS
	From, To    Name           // alias: owner and canonical name; cut: parent and child apex
	Zone        Name           // the zone whose server said it
	Server      netip.AddrPort // the server that said it
	ServerName  Name           // its name, "" where it is not known
	ServerNames []Name         // cut: the child's name servers
	Synthesised bool           // alias: comes from a wildcard (RFC 4592)
}

// Follow says what to do with aliases at a challenge name. The zero Follow
// follows them. With any other the steps are the cuts on the way to the owner.
type Follow struct {
	Never bool // write at the challenge name itself
	Owner Name // write at this name, wherever the alias leads; "" to look
}
