package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/secret"
	"certctl/store"
)

func (p *Process) accountRegisterCommand() *cli.Command {
	return &cli.Command{
		Name:  "register",
		Usage: "register an account, or find the one that is there",
		Flags: caFlags(
			&cli.StringFlag{Name: "email", Aliases: []string{"m"}, Usage: "where the CA may write to: `ADDRESS`"},
			&cli.BoolFlag{Name: "agree-tos", Usage: "agree to the CA's terms of service"},
			&cli.StringFlag{Name: "eab-kid", Usage: "`IDENTIFIER` of the key of an external account"},
			&cli.StringFlag{Name: "eab-hmac-file", Usage: "`FILE` with that key, in base64url as the CA gave it"},
			&cli.BoolFlag{Name: "force", Usage: "register a new account with a new key in the place of the one that is there"},
		),
		Action: p.accountRegister,
	}
}

func (p *Process) accountRegister(c *cli.Context) error {
	return p.withCA(c, func(a *atCA) error {
		if err := a.bind(c); err != nil {
			return err
		}
		open := issuance.OpenAccount
		if c.Bool("force") {
			open = issuance.ReplaceAccount
		}
		account, err := a.openWith(c.Context, open, a.ca, a.chosen)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "account at %s: %s\n", a.label(), account.URL)
		return nil
	})
}

// bind takes the external account from flags.
func (a *atCA) bind(c *cli.Context) error {
	kid, file := c.String("eab-kid"), c.String("eab-hmac-file")
	if kid == "" && file == "" {
		return nil
	}
	if kid == "" || file == "" {
		return usagef("", "--eab-kid and --eab-hmac-file are needed both, or none")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return usagef("", "--eab-hmac-file: %w", err)
	}
	a.chosen.EAB = &config.EAB{KID: kid, HMAC: secret.Plain(strings.TrimSpace(string(text)))}
	return nil
}

// opening is issuance.OpenAccount or issuance.ReplaceAccount.
type opening func(context.Context, *acme.CA, *store.Store, acme.Registration) (*acme.Account, error)

// openWith opens an account. Where the CA wants an external account for it, and
// has a service that gives out one for an address, it is asked.
func (r *run) openWith(ctx context.Context, open opening, ca *acme.CA, chosen *config.ACME) (*acme.Account, error) {
	registration, err := registration(ctx, chosen)
	if err != nil {
		return nil, err
	}
	account, err := open(ctx, ca, r.store, registration)
	_, unbound := errors.AsType[*acme.ExternalAccountError](err)
	service := config.DirectoryOf(ca.URL).BindingAPI
	if err == nil {
		return account, r.keepRoots(chosen)
	}
	if !unbound || service == "" || chosen.Email == "" {
		return nil, explained(err, chosen)
	}
	if registration.External, err = acme.ExternalAccountFor(ctx, acme.Config{UserAgent: userAgent()}, service, chosen.Email); err != nil {
		return nil, err
	}
	return open(ctx, ca, r.store, registration)
}

// keepRoots remembers the roots with which a CA was asked that the configuration
// does not have.
func (r *run) keepRoots(chosen *config.ACME) error {
	if r.configFor(chosen.URL()).CAFile == chosen.CAFile {
		return nil
	}
	saved, err := r.store.LoadAccount(chosen.URL())
	if err != nil {
		return err
	}
	saved.CAFile = string(chosen.CAFile)
	return r.store.SaveAccount(saved)
}

// explained adds to an error what is particular about a CA.
func explained(err error, a *config.ACME) error {
	_, unbound := errors.AsType[*acme.ExternalAccountError](err)
	if binding := config.DirectoryOf(a.URL()).Binding; unbound && binding != "" {
		return &hintedError{err, "they come from " + binding}
	}
	return err
}

// hintedError is an error with a remedy more.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }

// Hint returns the remedy.
func (e *hintedError) Hint() string { return e.hint }
