package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
)

func (p *Process) cleanupCommand() *cli.Command {
	return &cli.Command{
		Name:  "cleanup",
		Usage: "remove the validation records and files that a killed run left",
		Description: "Every record and every file for http-01 is journaled before it is written. This removes\n" +
			"those that are still in the journal, and nothing else: exactly these values, in the zones\n" +
			"and webroots where they were written.",
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
	clean, fileErr := issuance.SweepFiles(r.store)
	for _, root := range clean {
		fmt.Fprintf(p.Stdout, "%s: files for http-01 removed\n", root)
	}
	if err = errors.Join(err, fileErr); err == nil && len(gone)+len(clean) == 0 {
		fmt.Fprintln(p.Stdout, "nothing to remove")
	}
	return err
}
