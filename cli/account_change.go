package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/issuance"
)

func (p *Process) accountUpdateCommand() *cli.Command {
	return &cli.Command{
		Name:  "update",
		Usage: "change where the CA may write to, or agree to changed terms of service",
		Flags: caFlags(
			&cli.StringSliceFlag{Name: "email", Aliases: []string{"m"}, Usage: "`ADDRESS`; repeat for more"},
			&cli.BoolFlag{Name: "no-email", Usage: "have the CA forget the addresses"},
			&cli.BoolFlag{Name: "agree-tos", Usage: "agree to the terms of service as they are now"},
		),
		Action: p.accountUpdate,
	}
}

func (p *Process) accountUpdate(c *cli.Context) error {
	emails := c.StringSlice("email")
	if change := len(emails) > 0; change && c.Bool("no-email") || !change && !c.Bool("no-email") && !c.Bool("agree-tos") {
		return usagef("certctl account update --email ops@example.com", "one of --email and --no-email is needed, or --agree-tos")
	}
	return p.withCA(c, func(a *atCA) error {
		account, saved, err := a.known(c)
		if err != nil {
			return err
		}
		if len(emails) > 0 || c.Bool("no-email") {
			details, err := account.SetContact(c.Context, mailto(emails))
			if err != nil {
				return err
			}
			saved.Contact = details.Contact
			fmt.Fprintf(p.Stdout, "contact at %s: %s\n", a.label(), first(strings.Join(saved.Contact, ", "), "none"))
		}
		if c.Bool("agree-tos") {
			saved.Terms = a.ca.Terms
			fmt.Fprintf(p.Stdout, "terms of %s, agreed to: %s\n", a.label(), first(saved.Terms, "none"))
		}
		return a.store.SaveAccount(saved)
	})
}

func mailto(addresses []string) []string {
	var urls []string
	for _, address := range addresses {
		urls = append(urls, "mailto:"+strings.TrimPrefix(address, "mailto:"))
	}
	return urls
}

func (p *Process) accountRolloverCommand() *cli.Command {
	return &cli.Command{
		Name:  "rollover",
		Usage: "give the account a new key",
		Description: "The old key is kept until the CA is known to use the new one. A rollover that was cut off\n" +
			"harms nothing: the next command finds out which key is used, and rollover finishes it.",
		Flags: caFlags(
			&cli.StringFlag{Name: "key", Aliases: []string{"key-type"}, Usage: "`TYPE` of the new key: " + strings.Join(config.KeyTypes(), ", ")},
		),
		Action: p.accountRollover,
	}
}

func (p *Process) accountRollover(c *cli.Context) error {
	keyType, err := parseKeyType(c)
	if err != nil {
		return err
	}
	return p.withCA(c, func(a *atCA) error {
		if config.DirectoryOf(a.ca.URL).NoRollover {
			return usagef("certctl account register --force registers an account with a new key; deactivate the old one before",
				"%s changes no keys of accounts", a.label())
		}
		account, err := issuance.Rollover(c.Context, a.ca, a.store, keyType)
		if err != nil {
			return err
		}
		thumbprint, err := account.Thumbprint()
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "account at %s: it has a new key, with the thumbprint %s\n", a.label(), thumbprint)
		return nil
	})
}

func (p *Process) accountDeactivateCommand() *cli.Command {
	return &cli.Command{
		Name:   "deactivate",
		Usage:  "end the account for good, and forget it",
		Flags:  caFlags(yesFlag()),
		Action: p.accountDeactivate,
	}
}

func (p *Process) accountDeactivate(c *cli.Context) error {
	return p.withCA(c, func(a *atCA) error {
		account, _, err := a.known(c)
		if err != nil {
			return err
		}
		question := fmt.Sprintf("Deactivate the account %s for good? Its certificates stay valid, and it can neither renew nor revoke them.", account.URL)
		if err := p.confirm(c, question); err != nil {
			return err
		}
		if err := account.Deactivate(c.Context); err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "account at %s: deactivated\n", a.label())
		return a.store.RemoveAccount(a.ca.URL)
	})
}
