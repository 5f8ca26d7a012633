package cli

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
	"certctl/store"
)

func (p *Process) accountExportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write the account with its key into a file, for another machine",
		Flags: caFlags(
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "the `FILE` to write", Required: true},
			&cli.BoolFlag{Name: "force", Usage: "write over a file that is there"},
		),
		Action: p.accountExport,
	}
}

func (p *Process) accountExport(c *cli.Context) error {
	return p.withCA(c, func(a *atCA) error {
		_, saved, err := a.known(c)
		if err != nil {
			return err
		}
		err = saved.Export(c.String("output"), c.Bool("force"))
		if errors.Is(err, fs.ErrExist) {
			return usagef("--force writes over it", "%s is there already", c.String("output"))
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "account at %s: written to %s with its private key\n", a.label(), c.String("output"))
		return nil
	})
}

func (p *Process) accountImportCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "take over an account from a file that export wrote",
		ArgsUsage: "FILE",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "take it in the place of another account at this CA"},
			noWaitFlag,
		},
		Action: p.accountImport,
	}
}

func (p *Process) accountImport(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("flags come before the file: certctl account import FILE", "one file is expected")
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	imported, err := store.ReadExport(c.Args().First())
	if err != nil {
		return usagef("", "import: %w", err)
	}
	chosen := r.configFor(imported.Directory)
	ca, err := r.ca(c.Context, chosen)
	if err != nil {
		return err
	}
	return (&atCA{r, chosen, ca}).take(c, imported)
}

// take keeps an account whose key the CA confirms.
func (a *atCA) take(c *cli.Context, taken *store.Account) error {
	if err := a.vacant(taken.Key, c.Bool("force")); err != nil {
		return err
	}
	found, err := a.ca.Find(c.Context, taken.Key)
	if err != nil {
		return err
	}
	if taken.URL != "" && found.URL != taken.URL {
		return fmt.Errorf("the file is about the account %s, but its key is that of %s", taken.URL, found.URL)
	}
	details, err := found.Details(c.Context)
	if err != nil {
		return err
	}
	taken.URL, taken.Contact = found.URL, details.Contact
	if err := a.store.SaveAccount(taken); err != nil {
		return err
	}
	fmt.Fprintf(a.process.Stdout, "account at %s: %s\n", a.label(), taken.URL)
	return nil
}

// vacant refuses to take an account in the place of another.
func (a *atCA) vacant(key crypto.Signer, force bool) error {
	saved, err := a.store.LoadAccount(a.ca.URL)
	if errors.Is(err, fs.ErrNotExist) || force {
		return nil
	}
	if err != nil {
		return err
	}
	same, ok := saved.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if saved.URL == "" || ok && same.Equal(key.Public()) {
		return nil
	}
	return usagef("--force takes it in its place; certctl account export keeps that one first", "there is another account at %s: %s", a.label(), saved.URL)
}

func (p *Process) accountRecoverCommand() *cli.Command {
	return &cli.Command{
		Name:  "recover",
		Usage: "find an account at the CA by its private key",
		Flags: caFlags(
			&cli.StringFlag{Name: "key", Usage: "`FILE` with the key in PEM; default: the key in the state directory"},
			&cli.BoolFlag{Name: "force", Usage: "take it in the place of another account at this CA"},
		),
		Action: p.accountRecover,
	}
}

func (p *Process) accountRecover(c *cli.Context) error {
	return p.withCA(c, func(a *atCA) error {
		if path := c.String("key"); path != "" {
			key, err := readKey(path)
			if err != nil {
				return usagef("", "--key: %w", err)
			}
			return a.take(c, &store.Account{Directory: a.ca.URL, Key: key})
		}
		saved, err := a.store.LoadAccount(a.ca.URL)
		if errors.Is(err, fs.ErrNotExist) {
			return usagef("certctl account recover --key FILE", "there is no key of an account at %s", a.label())
		}
		if err != nil {
			return err
		}
		return a.take(c, &store.Account{Directory: saved.Directory, Key: saved.Key})
	})
}

// readKey reads a private key that was brought along.
func readKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := issuance.ReadKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
