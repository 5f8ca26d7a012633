package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"certctl/delegation"
)

// Finding is one thing that is known.
type Finding struct {
	Severity Severity   `json:"severity"`
	Code     Code       `json:"code"`
	Name     string     `json:"name"` // a domain of a certificate, or a zone
	Text     string     `json:"text"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Remedy   string     `json:"remedy,omitempty"`
}

// same reports whether another finding says the same of the same.
func (f Finding) same(g Finding) bool {
	return f.Code == g.Code && f.Name == g.Name && f.Text == g.Text && f.Remedy == g.Remedy && slices.Equal(f.Evidence, g.Evidence)
}

// Evidence is what a server said.
type Evidence struct {
	Server string `json:"server,omitempty"` // name and address
	Record string `json:"record,omitempty"` // type and owner
	Value  string `json:"value"`            // of the record, or the answer
}

// Report is everything that was found.
type Report struct {
	Domains  []string // that were looked at, in the order given
	Findings []Finding
}

// Count returns how many findings are of a severity.
func (r *Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Group is the findings about one name.
type Group struct {
	Name     string    `json:"name"`
	Findings []Finding `json:"findings"`
}

// Groups returns the findings by name: the domains first, in the order given,
// then zones; errors before warnings before info.
func (r *Report) Groups() []Group {
	var groups []Group
	for _, d := range r.Domains {
		groups = append(groups, Group{Name: d})
	}
	for _, f := range r.Findings {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == f.Name })
		if i < 0 {
			i = len(groups)
			groups = append(groups, Group{Name: f.Name})
		}
		groups[i].Findings = append(groups[i].Findings, f)
	}
	for _, g := range groups {
		slices.SortStableFunc(g.Findings, func(a, b Finding) int {
			return cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity))
		})
	}
	return groups
}

// findings collects what one subject finds.
type findings []Finding

// add adds a finding. The remedy may be "".
func (fs *findings) add(code Code, name, text, remedy string, evidence ...Evidence) {
	*fs = append(*fs, Finding{code.Severity(), code, name, text, evidence, remedy})
}

// list writes names with commas.
func list(names []delegation.Name) string {
	var words []string
	for _, n := range names {
		words = append(words, n.Bare())
	}
	return strings.Join(words, ", ")
}

// at names a server by its address, with the port if it is unusual.
func at(host delegation.Name, a netip.AddrPort) string {
	addr := a.String()
	if a.Port() == 53 {
		addr = a.Addr().String()
	}
	if host == "" {
		return addr
	}
	return fmt.Sprintf("%s (%s)", host.Bare(), addr)
}

// count returns "1 server" or "3 servers".
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
