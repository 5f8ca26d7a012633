package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/store"
)

func (p *Process) accountCommand() *cli.Command {
	return &cli.Command{
		Name:  "account",
		Usage: "accounts at CAs: register, show, change, move",
		UsageText: `certctl account register --email ops@example.com --agree-tos
certctl account show --server letsencrypt-staging
certctl account rollover`,
		Description: "The account is that at the first CA of the configuration, or at that of --server or --staging.\n" +
			"Of several accounts at one CA, --server DIRECTORY#ACCOUNT says which.",
		Subcommands: []*cli.Command{
			p.accountRegisterCommand(),
			p.accountShowCommand(),
			p.accountListCommand(),
			p.accountUpdateCommand(),
			p.accountRolloverCommand(),
			p.accountDeactivateCommand(),
			p.accountExportCommand(),
			p.accountImportCommand(),
			p.accountRecoverCommand(),
		},
		Action: p.noSubcommand,
	}
}

// caFlags are the flags that choose a CA.
func caFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "server", Usage: "the CA with this directory `URL` or short name"},
		&cli.BoolFlag{Name: "staging", Aliases: []string{"test-cert"}, Usage: "the same as --server letsencrypt-staging"},
		&cli.StringFlag{Name: "ca-file", Usage: "trust the roots in `FILE` (PEM) for the directory's own TLS"},
		noWaitFlag,
	}, more...)
}

// atCA is a command about the account at one CA.
type atCA struct {
	*run
	chosen *config.ACME
	ca     *acme.CA
}

// withCA opens what a command about an account needs, under the lock of the
// state directory, and does it.
func (p *Process) withCA(c *cli.Context, do func(*atCA) error) error {
	if err := noArguments(c); err != nil {
		return err
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	chosen, err := chooseCA(c, r.config)
	if err != nil {
		return err
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	ca, err := r.ca(c.Context, chosen)
	if err != nil {
		return err
	}
	return do(&atCA{r, chosen, ca})
}

// known returns the account that is there, and never registers one.
func (a *atCA) known(c *cli.Context) (*acme.Account, *store.Account, error) {
	account, err := issuance.KnownAccount(c.Context, a.ca, a.store)
	if err != nil {
		return nil, nil, err
	}
	saved, err := a.store.LoadAccount(a.ca.URL)
	return account, saved, err
}

// label is what people call the CA.
func (a *atCA) label() string { return config.DirectoryOf(a.ca.URL).Label() }

func (p *Process) accountListCommand() *cli.Command {
	return &cli.Command{
		Name:   "list",
		Usage:  "list the accounts that are here, without asking the CAs",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON document"}},
		Action: p.accountList,
	}
}

func (p *Process) accountList(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	accounts, err := r.store.Accounts()
	if err != nil {
		return err
	}
	all := []*accountReport{}
	for _, a := range accounts {
		all = append(all, reportSaved(a))
	}
	if c.Bool("json") {
		return writeJSON(p.Stdout, map[string]any{"accounts": all})
	}
	if len(all) == 0 {
		fmt.Fprintln(p.Stdout, "there are no accounts yet: certctl account register")
		return nil
	}
	t := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CA\tACCOUNT\tCONTACT")
	for _, a := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\n", config.DirectoryOf(a.Directory).Label(), first(a.URL, "not registered"), strings.Join(a.Contact, ", "))
	}
	return t.Flush()
}
