package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"certctl/check"
)

// checkReport is the document that check prints with --json.
type checkReport struct {
	Names    []check.Group `json:"names"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
	Error    string        `json:"error,omitempty"`
	Hints    []string      `json:"hints,omitempty"`
}

// showCodes prints the table of codes.
func (p *Process) showCodes() error {
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range check.Codes() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.Code, m.Severity, m.Text)
	}
	return table.Flush()
}

// showChecked prints what was found. The report is nil where nothing was looked
// at.
func (p *Process) showChecked(c *cli.Context, r *check.Report, err error) error {
	switch {
	case c.Bool("json"):
		return p.showCheckedJSON(r, err)
	case r == nil:
		return nil
	}
	least := []check.Severity{check.Error, check.Warning}
	switch {
	case c.Bool("verbose"):
		least = append(least, check.Info)
	case c.Bool("quiet"):
		least = least[:1]
	}
	var b strings.Builder
	for _, g := range r.Groups() {
		writeGroup(&b, g, least, c.Bool("verbose"))
	}
	_, failed := io.WriteString(p.Stdout, b.String())
	return failed
}

func (p *Process) showCheckedJSON(r *check.Report, err error) error {
	document := checkReport{Names: []check.Group{}}
	if err != nil {
		document.Error, document.Hints = err.Error(), Hints(err)
	}
	if r != nil {
		document.Names = append(document.Names, r.Groups()...)
		document.Errors, document.Warnings = r.Count(check.Error), r.Count(check.Warning)
	}
	for i, g := range document.Names {
		if g.Findings == nil {
			document.Names[i].Findings = []check.Finding{}
		}
	}
	return writeJSON(p.Stdout, document)
}

// writeGroup writes the findings about one name, of some severities.
func writeGroup(w *strings.Builder, g check.Group, least []check.Severity, all bool) {
	var shown []check.Finding
	wrong, width := 0, 0
	for _, f := range g.Findings {
		if f.Severity != check.Info {
			wrong++
		}
		for _, s := range least {
			if f.Severity == s {
				shown = append(shown, f)
				width = max(width, len(f.Code))
			}
		}
	}
	switch {
	case all && wrong == 0:
		fmt.Fprintf(w, "%s: ok\n", g.Name)
	case len(shown) > 0:
		fmt.Fprintf(w, "%s:\n", g.Name)
	}
	for _, f := range shown {
		fmt.Fprintf(w, "  %-7s  %-*s  %s\n", f.Severity, width, f.Code, strings.ReplaceAll(f.Text, "\n", "\n"+indent))
		writeEvidence(w, f.Evidence, all)
		if f.Remedy != "" {
			fmt.Fprintf(w, "%s→ %s\n", indent, strings.ReplaceAll(f.Remedy, "\n", "\n"+indent+"  "))
		}
	}
}

// indent is in front of what belongs to a finding: it begins below the code.
const indent = "           "

// muchEvidence is how many lines of it convince.
const muchEvidence = 6

// writeEvidence writes what servers said, in columns.
func writeEvidence(w *strings.Builder, evidence []check.Evidence, all bool) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, e := range evidence {
		if i == muchEvidence && !all {
			fmt.Fprintf(table, "%sand %d more (-v)\n", indent, len(evidence)-i)
			break
		}
		fmt.Fprintf(table, "%s%s\t%s\t%s\n", indent, first(e.Server, "-"), first(e.Record, "-"), e.Value)
	}
	table.Flush()
}
