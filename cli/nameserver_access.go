package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"certctl/config"
	"certctl/delegation"
	"certctl/nameserver"
	"certctl/nameserver/access"
	"certctl/nameserver/accounts"
	"certctl/nameserver/api"
	"certctl/nameserver/metrics"
	updates "certctl/nameserver/update"
	"certctl/nameserver/values"
	"certctl/nameserver/witness"
)

// doors are the ways to put values into the name server, and what is counted
// there. They outlast a reload of the configuration.
type doors struct {
	gate     access.Gate
	rate     access.Rate
	counters metrics.Counters
	witness  witness.Witness

	api      api.Server
	numbers  api.Server // for Prometheus
	own      *api.Certificate
	accounts *accounts.Book // nil: not opened yet
}

// Requests a second of one network to the API, and how many at once.
const (
	requestRate  = 20
	requestBurst = 200
)

// begin sets what stays as it is when the configuration is read again.
func (d *doors) begin(s *values.Store, log *slog.Logger) {
	d.rate.PerSecond, d.rate.Burst = requestRate, requestBurst
	d.counters.Values, d.witness.Log = s, log
}

// Observe implements nameserver.Observer.
func (d *doors) Observe(list ...nameserver.Query) {
	d.counters.Observe(list...)
	d.witness.Observe(list...)
}

// desk returns what takes changes.
func (n *nameserverRun) desk(cfg *config.NameServer) *access.Desk {
	d := access.NewDesk(n.values, n.process.logger())
	d.Lifetime, d.Count, d.Renewed = cfg.Lifetime, n.doors.counters.Changed, n.doors.witness.Renew
	return d
}

// updates returns what takes updates.
func (n *nameserverRun) updates(ctx context.Context, cfg *config.NameServer) (*updates.Handler, error) {
	h := &updates.Handler{Zones: n.server, Keys: make(map[delegation.Name]*updates.Key), Desk: n.desk(cfg), Gate: &n.doors.gate}
	var errs []error
	for _, k := range cfg.Keys {
		transfers := len(k.Names)+len(k.Subtrees) == 0 // of any algorithm; updates with it are refused
		secret, err := k.Secret.Reveal(ctx)
		if err == nil {
			rights := rights("tsig "+k.Name, k.Names, k.Subtrees, k.From)
			rights.AnyValue = k.AnyValue
			var key *updates.Key
			if key, err = updates.NewKey(k.Name, k.Algorithm, secret, rights); err == nil {
				h.Keys[key.Name] = key
			}
		}
		if err != nil && !transfers {
			errs = append(errs, fmt.Errorf("key %s: %w", k.Name, err))
		}
	}
	return h, errors.Join(errs...)
}

// rights makes rights of lists that the configuration has checked.
func rights(id string, names, subtrees []string, from []config.Network) access.Key {
	k := access.Key{ID: id, From: prefixes(from)}
	for _, name := range names {
		k.Names = append(k.Names, absolute(name))
	}
	for _, name := range subtrees {
		k.Subtrees = append(k.Subtrees, absolute(name))
	}
	return k
}

func prefixes(list []config.Network) []netip.Prefix {
	var all []netip.Prefix
	for _, n := range list {
		all = append(all, netip.Prefix(n))
	}
	return all
}

// newAPI returns what answers at the API; nothing does where there is none.
func (n *nameserverRun) newAPI(ctx context.Context, cfg *config.Config) (http.Handler, error) {
	if err := inZones(cfg.NameServer); err != nil {
		return nil, err
	}
	c := cfg.NameServer.API
	if c == nil {
		return http.NotFoundHandler(), nil
	}
	a := &api.API{Users: make(map[string]*api.User), Zone: n.server.Zone, Desk: n.desk(cfg.NameServer), Gate: &n.doors.gate, Rate: &n.doors.rate, Proxies: prefixes(c.Proxies), Log: n.process.logger()}
	for _, u := range c.Users {
		password, err := u.Password.Reveal(ctx)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", u.Name, err)
		}
		key := rights("user "+u.Name, u.Names, u.Subtrees, u.From)
		key.AnyValue = u.AnyValue
		a.Users[u.Name] = &api.User{Key: key, Name: u.Name, Password: access.NewDigest(password)}
	}
	if err := n.openRegister(ctx, cfg, a); err != nil {
		return nil, err
	}
	return a.Handler(), nil
}

// openRegister lets clients register, if the configuration does. Accounts that
// there are stay good in any case.
func (n *nameserverRun) openRegister(ctx context.Context, cfg *config.Config, a *api.API) (err error) {
	if n.doors.accounts == nil {
		n.doors.accounts, err = accounts.Open(filepath.Join(n.dir, "accounts"))
	} else {
		err = n.doors.accounts.Read()
	}
	if err != nil {
		return err
	}
	a.Accounts = n.doors.accounts
	c := cfg.NameServer.API.Register
	if c == nil {
		return nil
	}
	a.Open = &api.Registration{Zone: absolute(c.Zone), From: prefixes(c.From)}
	if c.Token.IsZero() {
		return nil
	}
	token, err := c.Token.Reveal(ctx)
	if err != nil {
		return fmt.Errorf("register: token: %w", err)
	}
	digest := access.NewDigest(token)
	a.Open.Token = &digest
	return nil
}

// inZones checks that each name where somebody may put values is in a zone.
func inZones(cfg *config.NameServer) error {
	var errs []error
	check := func(who string, names []string) {
		for _, name := range names {
			if !inAnyZone(cfg, absolute(name)) {
				errs = append(errs, fmt.Errorf("%s: names: %s is in no zone of the name server", who, name))
			}
		}
	}
	for _, k := range cfg.Keys {
		check("key "+k.Name, k.Names)
	}
	if cfg.API != nil {
		for _, u := range cfg.API.Users {
			check("user "+u.Name, u.Names)
		}
		if r := cfg.API.Register; r != nil {
			check("register", []string{r.Zone})
		}
	}
	return errors.Join(errs...)
}

// inAnyZone reports whether a name is in a zone of the name server.
func inAnyZone(cfg *config.NameServer, name delegation.Name) bool {
	return slices.ContainsFunc(cfg.Zones, func(z *config.NameServerZone) bool {
		below, family := z.Family()
		if !family {
			return name.IsAtOrBelow(absolute(z.Name))
		}
		return name.IsAtOrBelow(absolute(below)) && strings.Contains("."+name.String(), "._acme-challenge.")
	})
}

// faces are the API and what Prometheus sees.
type faces struct{ api, numbers api.Face }

// faces makes them of the configuration.
func (n *nameserverRun) faces(ctx context.Context, cfg *config.Config) (f faces, err error) {
	if f.api.Handler, err = n.newAPI(ctx, cfg); err != nil {
		return f, err
	}
	if c := cfg.NameServer.API; c != nil {
		for _, s := range c.Listen {
			f.api.Listen = append(f.api.Listen, netip.AddrPort(s))
		}
		f.api.Certificate = n.ownCertificate(cfg)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", &n.doors.counters)
	f.numbers.Handler = mux
	if c := cfg.NameServer.Metrics; c != nil {
		f.numbers.Listen = []netip.AddrPort{netip.AddrPort(c.Listen)}
		if c.TLS {
			f.numbers.Certificate = f.api.Certificate
		}
	}
	return f, nil
}

// open opens the sockets that faces need and that are not open, or none.
func (n *nameserverRun) open(ctx context.Context, f faces) error {
	listen := func(addr netip.AddrPort) (net.Listener, error) { return listenTCP(ctx, addr) }
	if err := n.doors.api.Open(f.api.Listen, listen); err != nil {
		return fmt.Errorf("api: %w", err)
	}
	if err := n.doors.numbers.Open(f.numbers.Listen, listen); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// keep closes the sockets that faces do not need.
func (d *doors) keep(f faces) {
	d.api.Switch(f.api)
	d.numbers.Switch(f.numbers)
}

// close closes all sockets.
func (d *doors) close() {
	d.api.Close()
	d.numbers.Close()
}

// show has the API and what Prometheus sees be as faces say.
func (n *nameserverRun) show(f faces) {
	n.doors.keep(f)
	n.doors.own = f.api.Certificate
	log := n.process.logger()
	if !f.api.SamePlace(n.shown.api) {
		for _, addr := range n.doors.api.Addrs() {
			log.Info("listening", "api", addr.String(), "tls", f.api.Certificate != nil)
		}
	}
	if !f.numbers.SamePlace(n.shown.numbers) {
		for _, addr := range n.doors.numbers.Addrs() {
			log.Info("listening", "metrics", f.numbers.Scheme()+"://"+addr.String()+"/metrics")
		}
	}
	n.shown = f
}

func listenTCP(ctx context.Context, addr netip.AddrPort) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, &nameserver.ListenError{Addr: addr, Err: err}
	}
	return l, nil
}

// ownCertificate finds the API's certificate. It need not be there yet: the name
// server may be needed to get it.
func (n *nameserverRun) ownCertificate(cfg *config.Config) *api.Certificate {
	c := cfg.NameServer.API
	if !c.TLS() {
		return nil
	}
	dir := filepath.Join(cfg.StateDir(n.process.Getenv), "live", c.Certificate)
	own := &api.Certificate{Chain: filepath.Join(dir, "fullchain.pem"), Key: filepath.Join(dir, "privkey.pem")}
	if c.Chain != "" {
		own = &api.Certificate{Chain: string(c.Chain), Key: string(c.Key)}
	}
	if old := n.doors.own; old != nil && old.Chain == own.Chain && old.Key == own.Key {
		return old
	}
	log := n.process.logger()
	own.Changed = func(text string) { log.Info(text, "file", own.Chain) }
	if own.Ready() != nil {
		log.Warn("the API answers nobody until there is its certificate: certctl issue", "file", own.Chain)
	}
	return own
}
