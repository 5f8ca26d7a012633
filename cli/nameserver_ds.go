package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/delegation"
	"certctl/nameserver"
)

// nameserverDS prints DS records. Where there is no key yet it makes one.
func (p *Process) nameserverDS(c *cli.Context) error {
	cfg, err := p.load(c)
	if err != nil {
		return err
	}
	if cfg.NameServer == nil {
		return noNameServer(cfg)
	}
	names := c.Args().Slice()
	if len(names) == 0 {
		for _, z := range cfg.NameServer.Zones {
			if _, family := z.Family(); z.DNSSEC && !family {
				names = append(names, z.Name)
			}
		}
	}
	if len(names) == 0 {
		return usagef("`dnssec: true` below the zone", "no zone is signed")
	}
	for _, name := range names {
		if err := p.printDS(cfg, name); err != nil {
			return err
		}
	}
	return nil
}

func (p *Process) printDS(cfg *config.Config, text string) error {
	name, err := delegation.ParseName(text)
	if err != nil {
		return &UsageError{Err: err}
	}
	z := zoneOf(cfg.NameServer, name)
	if z == nil || !z.DNSSEC {
		return usagef("`dnssec: true` below the zone signs it", "%s: there is no signed zone of this name", name.Bare())
	}
	signer, err := nameserver.OpenSigner(signingKey(p.valuesDir(cfg), z))
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, strings.Join(strings.Fields(signer.DS(name).String()), " "))
	return nil
}

// zoneOf returns the configured zone with this apex; nil if there is none.
func zoneOf(cfg *config.NameServer, apex delegation.Name) *config.NameServerZone {
	var found *config.NameServerZone
	for _, z := range cfg.Zones {
		below, family := z.Family()
		switch {
		case z.Name == apex.Bare():
			return z
		case family && strings.HasPrefix(string(apex), "_acme-challenge.") && apex.Parent().IsAtOrBelow(absolute(below)):
			found = z
		}
	}
	return found
}

func noNameServer(cfg *config.Config) error {
	return usagef("zones and addresses go below `nameserver:` in "+cfg.Path(), "there is no name server in the configuration")
}
