package cli

import (
	"errors"

	"github.com/urfave/cli/v2"
)

// answering answers for the zones that this run serves itself, if there are any,
// while do runs. That it cannot matters only to names in these zones: where all
// goes well without, it is a warning.
func (r *run) answering(c *cli.Context, do func() error) error {
	stop, failed := r.standalone.Start(c.Context)
	defer stop()
	err := do()
	switch {
	case failed != nil && err != nil:
		return errors.Join(failed, err)
	case failed != nil:
		r.process.warn(c, failed.Error())
	}
	return err
}
