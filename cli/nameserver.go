package cli

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/delegation"
	"certctl/nameserver"
	updates "certctl/nameserver/update"
	"certctl/nameserver/values"
)

func (p *Process) nameserverCommand() *cli.Command {
	return &cli.Command{
		Name:  "nameserver",
		Usage: "serve challenge zones, and nothing else",
		Description: "Answers for the zones below nameserver: in the configuration until it is interrupted.\n" +
			"SIGHUP has it read the configuration again.",
		Action: p.nameserver,
		Subcommands: []*cli.Command{p.nameserverCheckCommand(), {
			Name:      "ds",
			Usage:     "print the DS records of signed zones, for their parent zones",
			ArgsUsage: "[NAME…]",
			Description: "Without names, those of all zones that have dnssec: true. Of _acme-challenge.*.example.com each\n" +
				"name is a zone with a record of its own: say which.",
			Action: p.nameserverDS,
		}},
	}
}

// nameserver runs the name server.
func (p *Process) nameserver(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	cfg, err := p.load(c)
	if err != nil {
		return err
	}
	if cfg.NameServer == nil {
		return noNameServer(cfg)
	}
	if p.Unheard != nil {
		p.Unheard()
	}
	if !c.IsSet("log-format") {
		p.logAs(cfg.Log.Format)
	}
	dir := p.valuesDir(cfg)
	store, err := values.Open(dir)
	if err != nil {
		return err
	}
	defer store.Close()
	n := &nameserverRun{process: p, context: c, values: store, dir: dir}
	n.doors.begin(store, p.logger())
	return n.run(cfg)
}

// valuesDir returns the directory of the name server's values and keys.
func (p *Process) valuesDir(cfg *config.Config) string {
	if dir := cfg.NameServer.State; dir != "" {
		return string(dir)
	}
	return filepath.Join(cfg.StateDir(p.Getenv), "nameserver")
}

// signingKey returns the path of a zone's key.
func signingKey(dir string, z *config.NameServerZone) string {
	return filepath.Join(dir, "keys", strings.ReplaceAll(z.Name, "*", "any")+".pem")
}

// nameserverRun is a run of the name server.
type nameserverRun struct {
	process *Process
	context *cli.Context
	values  *values.Store
	dir     string // of values
	server  *nameserver.Server
	update  *updates.Handler
	doors   doors
	shown   faces
	started *config.NameServer // what cannot change later is as here
}

func (n *nameserverRun) run(cfg *config.Config) error {
	made, err := n.make(cfg)
	if err != nil {
		return &UsageError{Err: err}
	}
	if n.server, err = nameserver.New(made); err != nil {
		return &UsageError{Err: err}
	}
	n.update.Zones = n.server
	shown, err := n.faces(n.context.Context, cfg)
	if err != nil {
		return &UsageError{Err: err}
	}
	n.started = cfg.NameServer
	if err := n.listen(cfg, shown); err != nil {
		n.server.Close()
		n.doors.close()
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ctx, cancel := context.WithCancel(n.context.Context)
	defer cancel()
	served := make(chan error, 3)
	for _, serve := range []func(context.Context) error{n.server.Serve, n.doors.api.Serve, n.doors.numbers.Serve} {
		go func() { served <- serve(ctx) }()
	}
	for {
		select {
		case err := <-served:
			cancel()
			return errors.Join(err, <-served, <-served)
		case <-hangup:
			n.reload()
		}
	}
}

// listen opens the sockets, or takes those that systemd hands over, and gives
// up privileges.
func (n *nameserverRun) listen(cfg *config.Config, f faces) error {
	if err := n.server.Adopt(n.process.sockets()); err != nil {
		return err
	}
	if err := n.server.Listen(); err != nil {
		return err
	}
	if err := n.open(n.context.Context, f); err != nil {
		return err
	}
	n.show(f)
	addrs := n.server.Addrs()
	if len(addrs) == 0 {
		return usagef("`listen: [192.0.2.1]` below `nameserver:`", "there is no address to listen at")
	}
	for _, addr := range addrs {
		n.process.logger().Info("listening", "address", addr.String())
	}
	if cfg.NameServer.User != "" {
		return become(cfg.NameServer.User, n.dir)
	}
	return nil
}

// reload reads the configuration again. If it is wrong, or a socket cannot be
// opened, the server goes on with the one that it has.
func (n *nameserverRun) reload() {
	log := n.process.logger()
	if err := n.reread(); err != nil {
		log.Error("the configuration stays as it was", "error", err.Error())
		for _, hint := range Hints(err) {
			log.Info("hint: " + hint)
		}
		return
	}
	log.Info("configuration read again")
}

func (n *nameserverRun) reread() error {
	cfg, err := n.process.load(n.context)
	if err != nil {
		return err
	}
	if cfg.NameServer == nil {
		return errors.New("there is no name server in the configuration")
	}
	made, err := n.make(cfg)
	if err != nil {
		return err
	}
	f, err := n.faces(n.context.Context, cfg)
	if err != nil {
		return err
	}
	err = n.open(n.context.Context, f)
	if err == nil {
		err = n.server.Reload(made)
	}
	if err != nil {
		n.doors.keep(n.shown)
		return err
	}
	n.show(f)
	if cfg.NameServer.User != n.started.User || n.process.valuesDir(cfg) != n.dir {
		n.process.logger().Warn("user: and state: change with the next start only")
	}
	return nil
}

// make makes the server's configuration of the file's.
func (n *nameserverRun) make(cfg *config.Config) (nameserver.Config, error) {
	made := nameserver.Config{NSID: cfg.NameServer.NSID, Values: n.values, Log: n.process.logger(), Observer: &n.doors}
	made.Rate.Answers = cfg.NameServer.RateLimit.Answers
	for _, network := range cfg.NameServer.RateLimit.Exempt {
		made.Rate.Exempt = append(made.Rate.Exempt, netip.Prefix(network))
	}
	for _, e := range cfg.NameServer.Listen {
		made.Listen = append(made.Listen, netip.AddrPort(e))
	}
	for _, z := range cfg.NameServer.Zones {
		zone, err := n.zone(cfg.NameServer, z)
		if err != nil {
			return made, err
		}
		made.Zones = append(made.Zones, zone)
	}
	for _, k := range cfg.NameServer.Keys {
		key, err := tsigKey(n.context.Context, k)
		if err != nil {
			return made, err
		}
		made.Keys = append(made.Keys, key)
	}
	var err error
	n.update, err = n.updates(n.context.Context, cfg.NameServer)
	made.Updates, made.Audience = n.update, tellsAudience(n.update, &n.doors.witness)
	return made, err
}

// zone makes a zone of the configuration's.
func (n *nameserverRun) zone(cfg *config.NameServer, z *config.NameServerZone) (nameserver.Zone, error) {
	zone := nameserver.Zone{Name: absolute(z.Name), Records: z.Records, TTL: z.TTL, NegativeTTL: z.NegativeTTL}
	if below, ok := z.Family(); ok {
		zone.Name, zone.Family = absolute(below), true
	}
	for _, h := range cfg.HostsOf(z) {
		host := nameserver.Host{Name: absolute(h.Name)}
		for _, a := range h.Addresses {
			host.Addrs = append(host.Addrs, netip.Addr(a))
		}
		zone.Servers = append(zone.Servers, host)
	}
	for _, peer := range cfg.SecondariesOf(z) {
		zone.Secondaries = append(zone.Secondaries, peerOf(peer))
	}
	if primary := cfg.PrimaryOf(z); primary != nil {
		peer := peerOf(primary)
		zone.Primary = &peer
	}
	if !z.DNSSEC {
		return zone, nil
	}
	var err error
	zone.NSEC = z.Denial == "nsec"
	zone.Signer, err = nameserver.OpenSigner(signingKey(n.dir, z))
	return zone, err
}

func peerOf(p *config.NameServerPeer) nameserver.Peer {
	key, _ := delegation.ParseName(p.Key) // one that is no name is not there either
	return nameserver.Peer{Addr: netip.AddrPort(p.Address), Key: key}
}

// absolute makes a name of one that the configuration has checked.
func absolute(name string) delegation.Name { return delegation.Name(name + ".") }

func tsigKey(ctx context.Context, k *config.NameServerKey) (nameserver.Key, error) {
	text, err := k.Secret.Reveal(ctx)
	if err != nil {
		return nameserver.Key{}, fmt.Errorf("key %s: %w", k.Name, err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) == 0 {
		return nameserver.Key{}, fmt.Errorf("key %s: %s is not base64", k.Name, k.Secret)
	}
	return nameserver.Key{Name: absolute(k.Name), Algorithm: k.Algorithm, Secret: raw}, nil
}
