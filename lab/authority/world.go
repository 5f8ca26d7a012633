package authority

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// World is a set of zones and of the servers that serve them.
type World struct {
	mu       sync.Mutex // guards everything below, of servers and zones too
	servers  []*Server
	zones    []*Zone
	recursor *Recursor
	hosts    map[netip.Addr]host
	port     uint16
	listen   uint16 // port asked for; 0: the kernel chooses
	sealed   bool   // delegations, addresses and glue are in place
	queries  []Query
	updates  []Update

	sockets []*dns.Server
	running sync.WaitGroup  // one goroutine for each socket
	ctx     context.Context // of answers under way
	cancel  context.CancelFunc
}

// New returns an empty world. Zones and servers are added before it is used
// for the first time; records, faults and keys at any time.
func New() *World {
	ctx, cancel := context.WithCancel(context.Background())
	return &World{port: 53, ctx: ctx, cancel: cancel}
}

// TB is the part of testing.TB that Run needs.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// Run starts the world for the time of one test.
func (w *World) Run(t TB) {
	t.Helper()
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
}

// Server returns the server with this host name; the first mention makes it.
// It has one address unless more are asked for.
func (w *World) Server(name string) *Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server(name)
}

func (w *World) server(name string) *Server {
	name = dns.CanonicalName(name)
	for _, s := range w.servers {
		if s.name == name {
			return s
		}
	}
	if w.sealed {
		panic("authority: server " + name + " is new to a world in use")
	}
	s := &Server{world: w, name: name, want: 1}
	w.servers = append(w.servers, s)
	return s
}

// Zone adds a zone: its apex, its records in master-file format, and the host
// names of the servers that serve it, the primary first. Names in the text are
// relative to the apex, the TTL is 60 where none is given, and common
// indentation is ignored.
func (w *World) Zone(apex, text string, servers ...string) *Zone {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.zone(apex, text, servers...)
}

func (w *World) zone(apex, text string, servers ...string) *Zone {
	if w.sealed {
		panic("authority: zone " + apex + " is new to a world in use")
	}
	z := &Zone{world: w, apex: dns.CanonicalName(apex), records: map[string][]*record{}}
	for _, name := range servers {
		z.servers = append(z.servers, w.server(name))
	}
	if len(servers) > 0 {
		z.primary = z.servers[0]
	}
	for _, rr := range parse(z.apex, text) {
		z.insert(rr, time.Time{})
	}
	w.zones = append(w.zones, z)
	return z
}

// Recursor returns the world's recursive resolver; the first call makes it.
func (w *World) Recursor() *Recursor {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.recursor == nil {
		if w.sealed {
			panic("authority: the recursor is new to a world in use")
		}
		w.recursor = &Recursor{world: w}
	}
	return w.recursor
}

// Port returns the port of all servers: 53 until the world is started.
func (w *World) Port() uint16 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.port
}

// Listen makes a world listen on a port of the caller's choice instead of the
// kernel's: resolvers follow NS records to port 53 only.
func (w *World) Listen(port uint16) *World {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listen = port
	return w
}

// prepare makes a world ready that is used without sockets.
func (w *World) prepare() {
	if !w.sealed {
		w.assign()
		w.seal()
	}
}

// assign gives every host its addresses. A world without a root gets one here,
// because its server needs an address too.
func (w *World) assign() {
	if w.closest(".") == nil {
		w.zone(".", "", "ns.root.")
	}
	next := addresses()
	w.hosts = map[netip.Addr]host{}
	for _, s := range w.servers {
		s.addrs = append([]netip.Addr(nil), s.fixed...)
		for range s.want {
			s.addrs = append(s.addrs, next())
		}
		for _, a := range s.addrs {
			w.hosts[a] = s
		}
	}
	if w.recursor != nil {
		w.recursor.addr = next()
		w.hosts[w.recursor.addr] = w.recursor
	}
}

// seal adds to the zones what follows from who serves what, and where.
func (w *World) seal() {
	for _, z := range w.zones {
		z.completeApex()
	}
	for _, z := range w.zones {
		if z.apex != "." && !z.undelegated {
			w.closest(parent(z.apex)).delegate(z)
		}
	}
	for _, z := range w.zones {
		z.addGlue()
	}
	for _, s := range w.servers {
		w.closest(s.name).addAddresses(s)
	}
	w.sealed = true
}

// closest returns the zone with the longest apex at or above name, nil if
// there is no root yet.
func (w *World) closest(name string) *Zone {
	name = dns.CanonicalName(name)
	var best *Zone
	for _, z := range w.zones {
		if isWithin(name, z.apex) && (best == nil || len(z.apex) > len(best.apex)) {
			best = z
		}
	}
	return best
}

// Close stops listening and waits until nothing runs any more. A world that
// was never started needs no Close.
func (w *World) Close() {
	w.cancel()
	for _, s := range w.sockets {
		_ = s.Shutdown()
	}
	w.running.Wait()
}
