package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/issuance"
	"certctl/store"
)

func (p *Process) accountShowCommand() *cli.Command {
	return &cli.Command{
		Name:   "show",
		Usage:  "show the account, as the CA sees it, and all that is bound to it",
		Flags:  caFlags(&cli.BoolFlag{Name: "json", Usage: "print one JSON document"}),
		Action: p.accountShow,
	}
}

// accountReport is what show prints of an account.
type accountReport struct {
	Directory  string   `json:"directory"`
	Name       string   `json:"name,omitempty"` // short name of the directory
	URL        string   `json:"url,omitempty"`
	Status     string   `json:"status,omitempty"`
	Contact    []string `json:"contact"`
	KeyType    string   `json:"key_type"`
	Thumbprint string   `json:"thumbprint,omitempty"` // RFC 7638
	CAA        []string `json:"caa,omitempty"`        // values that allow this account alone (RFC 8657 §3)
	Label      string   `json:"label,omitempty"`      // where its dns-account-01 records are, below the domain
	Terms      string   `json:"terms,omitempty"`      // of service, as agreed to
	NewTerms   string   `json:"new_terms,omitempty"`  // if they have changed since
	Rollover   bool     `json:"rollover_unfinished,omitempty"`
}

// reportSaved tells what is known without the CA.
func reportSaved(a *store.Account) *accountReport {
	return &accountReport{
		Directory: a.Directory, Name: config.DirectoryOf(a.Directory).Name, URL: a.URL,
		Contact: append([]string{}, a.Contact...), KeyType: string(issuance.KeyTypeOf(a.Key.Public())),
		Terms: a.Terms, Rollover: a.NextKey != nil,
	}
}

func (p *Process) accountShow(c *cli.Context) error {
	return p.withCA(c, func(a *atCA) error {
		rep, err := a.report(c)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return writeJSON(p.Stdout, rep)
		}
		rep.write(p.Stdout)
		return nil
	})
}

func (a *atCA) report(c *cli.Context) (*accountReport, error) {
	account, saved, err := a.known(c)
	if err != nil {
		return nil, err
	}
	details, err := account.Details(c.Context)
	if err != nil {
		return nil, err
	}
	rep := reportSaved(saved)
	rep.Status, rep.Contact = string(details.Status), append([]string{}, details.Contact...)
	if rep.Thumbprint, err = account.Thumbprint(); err != nil {
		return nil, err
	}
	for _, identity := range a.ca.CAAIdentities {
		rep.CAA = append(rep.CAA, fmt.Sprintf("0 issue \"%s; accounturi=%s\"", identity, account.URL))
	}
	rep.Label = account.Label() + "._acme-challenge"
	if a.ca.Terms != rep.Terms {
		rep.NewTerms = a.ca.Terms
	}
	return rep, nil
}

func (r *accountReport) write(w io.Writer) {
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-11s %s\n", label, value)
		}
	}
	fmt.Fprintf(w, "account at %s\n", first(r.Name, r.Directory))
	row("directory", r.Directory)
	row("url", r.URL)
	row("status", r.Status)
	row("contact", first(strings.Join(r.Contact, ", "), "none"))
	row("key", r.KeyType)
	row("thumbprint", r.Thumbprint)
	for _, value := range r.CAA {
		row("caa", value)
	}
	row("label", r.Label)
	row("terms", r.Terms)
	row("new terms", r.NewTerms)
	if r.Rollover {
		row("key change", "it was cut off: certctl account rollover finishes it")
	}
}
