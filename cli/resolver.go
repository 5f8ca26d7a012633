package cli

import (
	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/delegation"
)

// asking says how the DNS is asked, as the configuration wants it.
func (p *Process) asking(c *cli.Context, r config.Resolver) (delegation.Options, error) {
	o := delegation.Options{
		Recursive: r.Addresses(),
		Port:      uint16(r.Port),
		Client:    &delegation.Client{},
		Warn:      func(text string) { p.warn(c, text) },
	}
	for _, url := range r.URLs() {
		e, err := delegation.ParseEncrypted(url)
		if err != nil {
			return o, &UsageError{Err: err}
		}
		o.Client.Encrypted = append(o.Client.Encrypted, e)
	}
	return o, nil
}
