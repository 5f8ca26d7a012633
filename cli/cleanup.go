package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
)

func (p *Process) cleanupCommand() *cli.Command {
	return &cli.Command{
		Name:  "cleanup",
		Usage: "remove the validation records that a killed run left",
		Description: "Every record is journaled before it is sent. This removes those that are still in the\n" +
			"journal, and nothing else: exactly these values, in the zones where they were written.",
		Flags:  []cli.Flag{noWaitFlag},
		Action: p.cleanup,
	}
}

func (p *Process) cleanup(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
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
	gone, err := issuance.Sweep(c.Context, r.store, r.credentials)
	for _, record := range gone {
		fmt.Fprintf(p.Stdout, "%s: TXT %q removed\n", record.Owner.Bare(), record.Value)
	}
	if len(gone) == 0 && err == nil {
		fmt.Fprintln(p.Stdout, "nothing to remove")
	}
	return err
}
