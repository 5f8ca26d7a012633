package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
	"certctl/store"
)

func (p *Process) listCommand() *cli.Command {
	return &cli.Command{
		Name:    "list",
		Aliases: []string{"certificates", "ls"},
		Usage:   "list the certificates, when they end and when they are renewed",
		Flags:   []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON document"}},
		Action:  p.list,
	}
}

// listed is a certificate as list shows it.
type listed struct {
	Certificate string     `json:"certificate"`
	Names       []string   `json:"names"`
	Directory   string     `json:"directory"`
	Serial      string     `json:"serial,omitempty"` // hexadecimal
	NotAfter    *time.Time `json:"not_after,omitempty"`
	RenewAfter  *time.Time `json:"renew_after,omitempty"`
	LastError   string     `json:"last_error,omitempty"`
	NextTry     *time.Time `json:"next_try,omitempty"`
	Visit       string     `json:"visit,omitempty"` // where a person has to go before the next try
}

func (p *Process) list(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	requests, err := r.store.Requests()
	if err != nil {
		return err
	}
	all := []*listed{}
	for _, request := range requests {
		all = append(all, newListed(request))
	}
	if c.Bool("json") {
		return writeJSON(p.Stdout, map[string]any{"certificates": all})
	}
	if len(all) == 0 {
		fmt.Fprintln(p.Stdout, "there are no certificates yet: certctl issue -d example.com")
		return nil
	}
	return writeList(p.Stdout, all)
}

func newListed(r *store.Request) *listed {
	l := &listed{Certificate: r.Name, Names: r.Names, Directory: r.Directory}
	if r.Issued != nil {
		at := issuance.RenewAfter(r)
		l.Serial, l.NotAfter, l.RenewAfter = r.Issued.Serial, &r.Issued.NotAfter, &at
	}
	if f := r.Failure; f != nil {
		l.LastError, l.NextTry, l.Visit = f.Error, &f.Next, f.Visit
	}
	return l
}

func writeList(w io.Writer, all []*listed) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CERTIFICATE\tNAMES\tCA\tEXPIRES\tRENEW\tLAST ERROR")
	for _, l := range all {
		problem, _, _ := strings.Cut(l.LastError, "\n")
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Certificate, names(l.Names), ca(l.Directory), in(l.NotAfter), in(l.RenewAfter), problem)
	}
	return t.Flush()
}

// names shows the first names, and how many more there are.
func names(all []string) string {
	const shown = 3
	if len(all) <= shown {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:shown-1], ", "), len(all)-shown+1)
}

// ca shows the host of a directory.
func ca(directory string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(directory, "https://"), "/")
	return host
}

// in says how far an instant is away.
func in(t *time.Time) string {
	if t == nil {
		return "-"
	}
	switch left := time.Until(*t); {
	case left < 0:
		return "now"
	case left < 48*time.Hour:
		return fmt.Sprintf("in %d h", int(left.Hours()))
	default:
		return fmt.Sprintf("in %d d", int(left.Hours()/24))
	}
}
