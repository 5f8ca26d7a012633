package cli

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/store"
)

func (p *Process) deleteCommand() *cli.Command {
	return &cli.Command{
		Name:        "delete",
		Usage:       "remove a certificate, its keys, its older versions and what was asked for",
		ArgsUsage:   "NAME",
		Description: "It stays valid: certctl revoke has the CA declare it invalid.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "also one that the configuration wants, which renew will order again"},
			yesFlag(),
			noWaitFlag,
		},
		Action: p.delete,
	}
}

func (p *Process) delete(c *cli.Context) error {
	name, err := oneName(c)
	if err != nil {
		return err
	}
	if err := store.CheckName(name); err != nil {
		return &UsageError{Err: err}
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	wanted := slices.ContainsFunc(r.config.Certificates, func(cert *config.Certificate) bool { return cert.Name == name })
	if wanted && !c.Bool("force") {
		return usagef("remove it from the configuration first; --force deletes it all the same", "%s is in %s: renew would order it again", name, r.config.Path())
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	if !r.store.Keeps(name) {
		return usagef("certctl list shows those that there are", "there is no certificate %s", name)
	}
	if err := p.confirm(c, fmt.Sprintf("Delete the certificate %s, its keys and all that belongs to it?", name)); err != nil {
		return err
	}
	if err := r.store.DeleteCertificate(name); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s: deleted\n", name)
	return nil
}
