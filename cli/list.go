package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
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
	Revoked     *time.Time `json:"revoked,omitempty"`
	LastError   string     `json:"last_error,omitempty"`
	NextTry     *time.Time `json:"next_try,omitempty"`
	Undeployed  bool       `json:"undeployed,omitempty"` // copies or deploy commands are still to be done
	DeployError string     `json:"deploy_error,omitempty"`
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
	wanted, err := r.everything()
	if err != nil {
		return err
	}
	all := []*listed{}
	for _, w := range wanted {
		all = append(all, r.newListed(w))
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

// everything returns the certificates of the configuration, also those that
// were never ordered, and all that are kept.
func (r *run) everything() ([]*issuance.Renewal, error) {
	kept, err := r.store.Requests()
	if err != nil {
		return nil, err
	}
	return r.wantedAnyway(kept)
}

func (r *run) newListed(w *issuance.Renewal) *listed {
	l := &listed{Certificate: w.Certificate, Names: w.Names, Directory: w.Directory}
	k := w.Kept
	if k == nil {
		return l
	}
	l.Names, l.Directory = k.Names, k.Directory
	if k.Issued != nil {
		at := issuance.RenewAfter(k)
		l.Serial, l.NotAfter, l.RenewAfter = k.Issued.Serial, &k.Issued.NotAfter, &at
		if !k.Issued.Revoked.IsZero() {
			l.Revoked, l.RenewAfter = &k.Issued.Revoked, nil
		}
	}
	if l.Undeployed = r.deployment(k).Pending(k); l.Undeployed {
		l.DeployError = k.DeployError
	}
	if f := k.Failure; f != nil {
		l.LastError, l.NextTry, l.Visit = f.Error, &f.Next, f.Visit
	}
	return l
}

func writeList(w io.Writer, all []*listed) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CERTIFICATE\tNAMES\tCA\tEXPIRES\tRENEW\tLAST ERROR")
	for _, l := range all {
		problem, _, _ := strings.Cut(l.LastError, "\n")
		if problem == "" && l.Revoked != nil {
			problem = "revoked"
		}
		if problem == "" && l.Undeployed {
			problem = first(l.DeployError, "not deployed")
		}
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
