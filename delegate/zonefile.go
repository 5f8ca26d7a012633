package delegate

import (
	"fmt"
	"io"
	"strings"
)

// WriteZoneFile writes the records in master-file format (RFC 1035 §5) with
// absolute names, so that they can be put into any file.
func (p *Plan) WriteZoneFile(w io.Writer) error {
	width := 0
	for _, r := range p.Records() {
		width = max(width, len(r.Owner))
	}
	var b strings.Builder
	for i, g := range p.groups() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "; %s\n", g.title())
		for _, r := range g.records {
			fmt.Fprintf(&b, "%-*s %d IN %-5s %s\n", width, r.Owner, r.seconds(), r.Type, r.Data)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
