package delegate

import (
	"fmt"
	"io"
	"strings"
)

// WriteNsupdate writes a script for nsupdate: an update for each zone. What is
// not known is left to nsupdate, which asks the resolver then.
func (p *Plan) WriteNsupdate(w io.Writer) error {
	var b strings.Builder
	b.WriteString("; nsupdate -k KEYFILE, with a key that may write these names\n")
	for _, g := range p.groups() {
		fmt.Fprintf(&b, "\n; %s\n", g.title())
		if g.primary.IsValid() {
			fmt.Fprintf(&b, "server %s %d\n", g.primary.Addr(), g.primary.Port())
		} else {
			b.WriteString("; server: not known, nsupdate asks for it\n")
		}
		if g.zone != "" {
			fmt.Fprintf(&b, "zone %s\n", g.zone)
		} else {
			b.WriteString("; zone: not known, nsupdate asks for it\n")
		}
		for _, r := range g.records {
			fmt.Fprintf(&b, "update add %s %d IN %s %s\n", r.Owner, r.seconds(), r.Type, r.Data)
		}
		b.WriteString("send\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
