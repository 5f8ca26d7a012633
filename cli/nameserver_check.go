package cli

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/check"
	"certctl/config"
	"certctl/delegation"
)

func (p *Process) nameserverCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "look at the zones from outside, as those do who check a delegation",
		ArgsUsage: "[ZONE…]",
		Description: "Asks the zones above for NS records and glue, and every server for SOA, NS, names and types that\n" +
			"do not exist, over UDP and TCP, with EDNS of several sizes and in mixed case. Of signed zones also DS\n" +
			"records and signatures are looked at. Without names, all zones of the configuration; of\n" +
			"_acme-challenge.*.example.com those that are named. Prints nothing when all is well; ends with exit\n" +
			"code 5 if a CA would find no record.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print also what is well"},
		},
		Action: p.nameserverCheck,
	}
}

func (p *Process) nameserverCheck(c *cli.Context) error {
	report, err := p.checkZones(c)
	if err == nil {
		err = notPassed(report)
	}
	return errors.Join(err, p.showChecked(c, report, err))
}

func (p *Process) checkZones(c *cli.Context) (*check.Report, error) {
	cfg, err := p.load(c)
	if err != nil {
		return nil, err
	}
	if cfg.NameServer == nil {
		return nil, usagef("zones and addresses go below `nameserver:` in "+cfg.Path(), "there is no name server in the configuration")
	}
	options, err := p.asking(c, cfg.Resolver)
	if err != nil {
		return nil, err
	}
	zones, err := hosted(cfg.NameServer, c.Args().Slice())
	if err != nil {
		return nil, err
	}
	anchors, err := readAnchors(string(cfg.Resolver.TrustAnchors))
	if err != nil {
		return nil, err
	}
	checker := &check.Checker{
		Resolver: delegation.NewResolver(options), Client: options.Client, Anchors: anchors,
		Lab: cfg.Resolver.Port != 0 && cfg.Resolver.Port != 53,
	}
	return checker.Zones(c.Context, zones)
}

// hosted returns the zones to look at: those named, or all that are one zone
// each.
func hosted(cfg *config.NameServer, names []string) ([]check.Hosted, error) {
	var zones []check.Hosted
	for _, name := range names {
		apex, err := delegation.ParseName(name)
		if err != nil {
			return nil, &UsageError{Err: err, Remedy: "flags come before the names of zones"}
		}
		entry := entryOf(cfg, apex)
		if entry == nil {
			return nil, usagef("its zones are below `nameserver: zones:`", "%s is no zone of the name server", apex.Bare())
		}
		zones = append(zones, check.Hosted{Apex: apex, Servers: serversOf(cfg, entry), Signed: entry.DNSSEC})
	}
	if len(names) > 0 {
		return zones, nil
	}
	for _, z := range cfg.Zones {
		if _, family := z.Family(); !family {
			zones = append(zones, check.Hosted{Apex: absolute(z.Name), Servers: serversOf(cfg, z), Signed: z.DNSSEC})
		}
	}
	if len(zones) == 0 {
		return nil, usagef("certctl nameserver check _acme-challenge.www.example.com", "the name server has only zones with a star: say which of them to look at")
	}
	return zones, nil
}

// entryOf returns the entry of the configuration that has a zone; nil if none.
func entryOf(cfg *config.NameServer, apex delegation.Name) *config.NameServerZone {
	i := slices.IndexFunc(cfg.Zones, func(z *config.NameServerZone) bool {
		below, family := z.Family()
		return z.Name == apex.Bare() || family && strings.HasPrefix(apex.String(), "_acme-challenge.") && apex.IsAtOrBelow(absolute(below))
	})
	if i < 0 {
		return nil
	}
	return cfg.Zones[i]
}

func serversOf(cfg *config.NameServer, z *config.NameServerZone) []delegation.Server {
	var servers []delegation.Server
	for _, h := range cfg.HostsOf(z) {
		s := delegation.Server{Name: absolute(h.Name)}
		for _, a := range h.Addresses {
			s.Addrs = append(s.Addrs, netip.AddrPortFrom(netip.Addr(a), 53))
		}
		servers = append(servers, s)
	}
	return servers
}
