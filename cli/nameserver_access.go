package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"certctl/config"
	"certctl/delegation"
	"certctl/nameserver"
	"certctl/nameserver/access"
	"certctl/nameserver/accounts"
	"certctl/nameserver/api"
	"certctl/nameserver/metrics"
	updates "certctl/nameserver/update"
	"certctl/nameserver/witness"
)

// doors are the ways to put values into the name server, and what is counted
// there. They outlast a reload of the configuration.
type doors struct {
	gate     access.Gate
	rate     access.Rate
	counters metrics.Counters
	witness  witness.Witness

	handler   atomic.Pointer[http.Handler] // of the API
	listeners []net.Listener               // of the API
	numbers   net.Listener                 // for Prometheus
	own       *api.Certificate
}

// Requests a second of one network to the API, and how many at once.
const (
	requestRate  = 20
	requestBurst = 200
)

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
	c := cfg.NameServer.API.Register
	if c == nil {
		a.Accounts, err = accounts.Open(n.accountsDir(), "")
		return err
	}
	a.Accounts, err = accounts.Open(n.accountsDir(), absolute(c.Zone))
	if err != nil {
		return err
	}
	a.Open = &api.Registration{From: prefixes(c.From)}
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

func (n *nameserverRun) accountsDir() string {
	return filepath.Join(n.dir, "accounts")
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

// listenHTTP opens the sockets of the API, and for Prometheus.
func (n *nameserverRun) listenHTTP(ctx context.Context, cfg *config.Config) (err error) {
	d, log := &n.doors, n.process.logger()
	d.rate.PerSecond, d.rate.Burst = requestRate, requestBurst
	d.counters.Values, d.witness.Log = n.values, log
	if c := cfg.NameServer.API; c != nil {
		for _, s := range c.Listen {
			l, err := listenTCP(ctx, netip.AddrPort(s))
			if err != nil {
				return fmt.Errorf("api: %w", err)
			}
			d.listeners = append(d.listeners, l)
			log.Info("listening", "api", l.Addr().String(), "tls", c.TLS())
		}
		n.ownCertificate(cfg)
	}
	if c := cfg.NameServer.Metrics; c != nil {
		if d.numbers, err = listenTCP(ctx, netip.AddrPort(c.Listen)); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
		log.Info("listening", "metrics", "http://"+d.numbers.Addr().String()+"/metrics")
	}
	return nil
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
func (n *nameserverRun) ownCertificate(cfg *config.Config) {
	c := cfg.NameServer.API
	if !c.TLS() {
		return
	}
	dir := filepath.Join(cfg.StateDir(n.process.Getenv), "live", c.Certificate)
	n.doors.own = &api.Certificate{Chain: filepath.Join(dir, "fullchain.pem"), Key: filepath.Join(dir, "privkey.pem")}
	if c.Chain != "" {
		n.doors.own = &api.Certificate{Chain: string(c.Chain), Key: string(c.Key)}
	}
	log := n.process.logger()
	n.doors.own.Changed = func(text string) { log.Info(text, "file", n.doors.own.Chain) }
	if n.doors.own.Ready() != nil {
		log.Warn("the API answers nobody until there is its certificate: certctl issue", "file", n.doors.own.Chain)
	}
}

// serveHTTP answers at the API and for Prometheus until ctx ends.
func (n *nameserverRun) serveHTTP(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, d := make(chan error, 2), &n.doors
	go func() {
		done <- api.Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*d.handler.Load()).ServeHTTP(w, r) }), d.own, d.listeners...)
	}()
	go func() {
		if d.numbers == nil {
			done <- nil
			return
		}
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", &d.counters)
		done <- api.Serve(ctx, mux, nil, d.numbers)
	}()
	err := errors.Join(<-done, <-done)
	if err == nil {
		<-ctx.Done()
	}
	return err
}
