package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/moving"
)

// moveReport is what import would do, or has done.
type moveReport struct {
	Client        string              `json:"client"`
	Dir           string              `json:"dir"`
	Accounts      []*movedAccount     `json:"accounts"`
	Certificates  []*movedCertificate `json:"certificates"`
	Zones         []*movedZone        `json:"zones"`
	Hooks         movedHooks          `json:"hooks,omitzero"`
	LeftOut       []*leftOut          `json:"left_out"`
	Notes         []string            `json:"notes,omitempty"`
	Done          bool                `json:"done"`
	Configuration string              `json:"configuration,omitempty"` // lines to add to it
	Path          string              `json:"path"`                    // of the configuration
	Written       string              `json:"written,omitempty"`       // the same, once the lines are in it
}

type movedAccount struct {
	URL       string         `json:"url,omitempty"`
	Directory string         `json:"directory"`
	Verdict   moving.Verdict `json:"verdict"`
}

type movedCertificate struct {
	Certificate string         `json:"certificate"`
	Names       []string       `json:"names"`
	KeyType     string         `json:"key_type"`
	Directory   string         `json:"directory"`
	Account     string         `json:"account,omitempty"`
	NotAfter    time.Time      `json:"not_after"`
	Versions    int            `json:"versions"`
	Deploy      []string       `json:"deploy,omitempty"`
	Copies      int            `json:"copies"`
	Verdict     moving.Verdict `json:"verdict"`
	Notes       []string       `json:"notes,omitempty"`
}

type movedZone struct {
	Scopes   []string `json:"scopes"`
	Provider string   `json:"provider"`
	Files    []string `json:"files,omitempty"` // with its secrets
}

type movedHooks struct {
	Pre  []string `json:"pre,omitempty"`
	Post []string `json:"post,omitempty"`
}

type leftOut struct {
	What  string   `json:"what"`
	Error string   `json:"error"`
	Hints []string `json:"hints,omitempty"`
}

func (m *move) report() *moveReport {
	r := &moveReport{
		Client: m.household.Client, Dir: m.household.Dir, Notes: m.plan.Notes, Path: m.path,
		Accounts: []*movedAccount{}, Certificates: []*movedCertificate{}, Zones: []*movedZone{}, LeftOut: []*leftOut{},
	}
	for _, a := range m.plan.Accounts {
		r.Accounts = append(r.Accounts, &movedAccount{a.URL, a.Directory, a.Verdict})
	}
	for _, c := range m.plan.Certificates {
		moved := &movedCertificate{
			Certificate: c.Name, Names: c.Request.Names, KeyType: c.Request.KeyType, Directory: c.Directory, Account: c.Account,
			NotAfter: c.Request.Issued.NotAfter, Versions: len(c.Versions), Deploy: c.Request.Deploy, Verdict: c.Verdict, Notes: c.Notes,
		}
		if c.Entry != nil {
			moved.Copies = len(c.Entry.Install)
		}
		r.Certificates = append(r.Certificates, moved)
	}
	for _, z := range m.plan.Zones {
		r.Zones = append(r.Zones, &movedZone{z.Scopes, z.Entry.Provider, secretFiles(z, filepath.Dir(m.path))})
	}
	r.Hooks = movedHooks(m.plan.Hooks)
	for _, l := range m.plan.LeftOut {
		r.LeftOut = append(r.LeftOut, &leftOut{l.What, l.Err.Error(), Hints(l.Err)})
	}
	if lines, err := config.Extend(nil, m.entries); err == nil && !m.plan.Idle() {
		r.Configuration = string(lines)
	}
	return r
}

func secretFiles(z *moving.Zone, dir string) (paths []string) {
	for _, f := range z.Files {
		paths = append(paths, filepath.Join(dir, filepath.FromSlash(f.Path)))
	}
	return paths
}

// sign marks a line as in a comparison of two files.
func sign(v moving.Verdict) string {
	return map[moving.Verdict]string{moving.Add: "+", moving.Replace: "~", moving.Present: "="}[v]
}

// write writes what comes (+), is here already (=) or takes the place of
// something (~), and what is left out (!).
func (r *moveReport) write(w io.Writer) {
	fmt.Fprintf(w, "%s in %s\n", r.Client, r.Dir)
	for _, a := range r.Accounts {
		fmt.Fprintf(w, "%s account %s at %s\n", sign(a.Verdict), first(a.URL, "whose URL its CA will tell"), config.DirectoryOf(a.Directory).Label())
	}
	for _, c := range r.Certificates {
		c.write(w)
	}
	for _, z := range r.Zones {
		fmt.Fprintf(w, "+ zone %s: %s\n", strings.Join(z.Scopes, ", "), z.Provider)
		for _, file := range z.Files {
			fmt.Fprintf(w, "    secret: %s\n", file)
		}
	}
	for _, line := range r.Hooks.Pre {
		fmt.Fprintf(w, "+ hooks: pre: %s\n", line)
	}
	for _, line := range r.Hooks.Post {
		fmt.Fprintf(w, "+ hooks: post: %s\n", line)
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(w, "! %s is left out: %s\n", l.What, strings.ReplaceAll(l.Error, "\n", "; "))
		for _, hint := range l.Hints {
			fmt.Fprintf(w, "    hint: %s\n", hint)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
}

// write writes what comes with a certificate.
func (c *movedCertificate) write(w io.Writer) {
	fmt.Fprintf(w, "%s certificate %s: %s\n", sign(c.Verdict), c.Certificate, c)
	for _, line := range c.Deploy {
		fmt.Fprintf(w, "    deploy: %s\n", line)
	}
	if c.Copies > 0 {
		fmt.Fprintf(w, "    install: %s\n", count(c.Copies, "file"))
	}
	for _, note := range c.Notes {
		fmt.Fprintf(w, "    note: %s\n", note)
	}
}

// String says what a certificate is like.
func (c *movedCertificate) String() string {
	words := []string{names(c.Names), c.KeyType, "until " + c.NotAfter.UTC().Format(time.DateOnly), "from " + config.DirectoryOf(c.Directory).Label()}
	if c.Versions > 1 {
		words = append(words, count(c.Versions, "version"))
	}
	return strings.Join(words, "; ")
}

// print ends an import: with the JSON document, or the lines for the
// configuration and what comes next.
func (m *move) print(c *cli.Context, r *moveReport) error {
	w := m.process.Stdout
	switch {
	case c.Bool("json"):
		return writeJSON(w, r)
	case c.Bool("quiet"):
		return nil
	case r.Written != "":
		fmt.Fprintf(w, "\n%s has these lines now:\n\n%s", r.Written, r.Configuration)
	case r.Configuration != "":
		fmt.Fprintf(w, "\nLines for %s, which --write-config adds to it:\n\n%s", m.path, r.Configuration)
	}
	if !r.Done {
		return nil
	}
	fmt.Fprintln(w, "\nWhat comes next:")
	if m.copies() {
		fmt.Fprintln(w, "  certctl deploy             # makes the copies, and runs the deploy commands")
	}
	fmt.Fprintf(w, "  certctl check              # finds what would make an order fail\n"+
		"  certctl renew --dry-run    # orders from the CA's staging\n"+
		"  %s\n"+
		"  certctl systemd            # prints what runs certctl renew\n", m.client.Off)
	return nil
}

// copies reports whether there are copies to be made.
func (m *move) copies() bool {
	for _, c := range m.plan.Certificates {
		if c.Verdict == moving.Add && c.Entry != nil && len(c.Entry.Install) > 0 {
			return true
		}
	}
	return false
}
