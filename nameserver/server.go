package nameserver

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Server answers queries. Its methods may be called at the same time.
type Server struct {
	hosting  atomic.Pointer[hosting]
	cookies  cookies
	conns    conns
	refusals refusals
	lapses   *lapses
	due      *changedZones // of which a primary has said that they have changed
	log      *slog.Logger

	mu        sync.Mutex // guards what follows
	listeners map[netip.AddrPort]*listener
	adopted   []*listener     // instead of listeners
	serving   context.Context // of Serve; nil while it does not run
	tasks     sync.WaitGroup  // goroutines of Serve
}

// New returns a server. The error names everything that is wrong with its
// configuration.
func New(c Config) (*Server, error) {
	l := newLapses()
	h, err := newHosting(c, l)
	if err != nil {
		return nil, err
	}
	s := &Server{lapses: l, cookies: newCookies(), log: c.Log, due: newChangedZones(), conns: conns{from: map[netip.Prefix]int{}}, listeners: map[netip.AddrPort]*listener{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := l.begin(h); err != nil {
		return nil, err
	}
	s.hosting.Store(h)
	c.Values.Foreign(s.primary)
	return s, nil
}

// primary returns where the values of a zone come from, "" for here.
func (s *Server) primary(apex delegation.Name) string {
	if z, ok := s.hosting.Load().zone(apex); ok && z.Primary != nil {
		return z.Primary.Addr.String()
	}
	return ""
}

// Listen opens the sockets of the configuration. It comes before Serve, so that
// a process can give up its privileges in between. Where there is port 0 the
// system chooses one.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened, err := s.open(s.hosting.Load().config.Listen)
	if err != nil {
		return err
	}
	for addr, l := range opened {
		s.listeners[addr] = l
	}
	return nil
}

// Adopt has the server answer at sockets that are open already, as systemd
// hands them over, instead of at those of the configuration: Listen then opens
// none. It comes before Serve, and closes the files.
func (s *Server) Adopt(files []*os.File) error {
	list, err := adopt(files)
	for _, f := range files {
		f.Close()
	}
	if err != nil {
		for _, l := range list {
			l.close()
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopted = append(s.adopted, list...)
	return nil
}

// open opens a socket at each address that has none yet, or at none.
func (s *Server) open(addrs []netip.AddrPort) (map[netip.AddrPort]*listener, error) {
	opened := map[netip.AddrPort]*listener{}
	if len(s.adopted) > 0 {
		return opened, nil
	}
	for _, addr := range addrs {
		if s.listeners[addr] != nil || opened[addr] != nil {
			continue
		}
		l, err := listen(addr)
		if err != nil {
			err = inOurWay(err, addr, maps.Keys(s.listeners))
			for _, l := range opened {
				l.close()
			}
			return nil, err
		}
		opened[addr] = l
	}
	return opened, nil
}

// Addrs returns the addresses at which the server listens, sorted.
func (s *Server) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []netip.AddrPort
	for _, l := range s.all() {
		addrs = append(addrs, l.addr())
	}
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	return slices.Compact(addrs)
}

// all returns all listeners; s.mu is held.
func (s *Server) all() []*listener {
	return slices.AppendSeq(slices.Clone(s.adopted), maps.Values(s.listeners))
}

// Serve answers until the context is done, and then closes all sockets.
func (s *Server) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	if s.serving != nil {
		s.mu.Unlock()
		return errors.New("the server serves already")
	}
	s.serving = ctx
	for _, l := range s.all() {
		s.start(l)
	}
	s.mu.Unlock()
	s.tasks.Go(func() { s.sweep(ctx) })
	s.tasks.Go(func() { s.notify(ctx) })
	s.tasks.Go(func() { s.follow(ctx) })
	s.tasks.Go(func() { s.frame(ctx) })
	<-ctx.Done()
	s.Close()
	s.tasks.Wait()
	return nil
}

// Close closes all sockets. Serve does so itself.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.all() {
		l.close()
	}
	clear(s.listeners)
	s.adopted, s.serving = nil, nil
}

// start has a listener answer; s.mu is held.
func (s *Server) start(l *listener) {
	ctx := s.serving
	for _, p := range l.udp {
		s.tasks.Go(func() { s.serveUDP(ctx, p) })
	}
	if l.tcp != nil {
		s.tasks.Go(func() { s.serveTCP(ctx, l.tcp) })
	}
}

// Reload makes the server what another configuration says. Sockets at the
// same addresses stay open and no query is lost. If it fails, everything stays
// as it was.
func (s *Server) Reload(c Config) error {
	h, err := newHosting(c, s.lapses)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	opened, err := s.open(c.Listen)
	if err != nil {
		return err
	}
	if err := s.lapses.begin(h); err != nil {
		for _, l := range opened {
			l.close()
		}
		return err
	}
	s.hosting.Store(h)
	for addr, l := range opened {
		s.listeners[addr] = l
		if s.serving != nil {
			s.start(l)
		}
	}
	wanted := map[netip.AddrPort]bool{}
	for _, addr := range c.Listen {
		wanted[addr] = true
	}
	for addr, l := range s.listeners {
		if !wanted[addr] {
			l.close()
			delete(s.listeners, addr)
		}
	}
	if s.serving != nil {
		s.frameAll()
	}
	return nil
}

// Zone returns the zone that a name is in: there its values are put.
func (s *Server) Zone(name delegation.Name) (apex delegation.Name, ok bool) {
	z, ok := s.hosting.Load().zone(name)
	return z.apex, ok
}

// Serves reports whether a name is the apex of one of the zones.
func (s *Server) Serves(apex delegation.Name) bool {
	z, ok := s.hosting.Load().zone(apex)
	return ok && z.apex == apex
}

// Records returns all records at a name of the zone, none where there is no
// such name. They are the caller's own.
func (s *Server) Records(apex, name delegation.Name) []dns.RR {
	z, ok := s.hosting.Load().zone(name)
	if !ok || z.apex != apex {
		return nil
	}
	var list []dns.RR
	for _, rr := range z.records(name) {
		list = append(list, dns.Copy(rr))
	}
	return list
}

// sweepEvery is how often expired values are looked for.
const sweepEvery = 5 * time.Second

// sweep removes expired values.
func (s *Server) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			gone, err := s.hosting.Load().config.Values.Sweep(now)
			if err != nil {
				s.log.Error("expired values cannot be removed", "error", err.Error())
			}
			for _, v := range gone {
				s.log.Info("value expired", "owner", v.Owner.Bare(), "key", v.Key)
			}
		}
	}
}
