package api

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of what one client can take up.
const (
	headerTime    = 5 * time.Second
	requestTime   = 10 * time.Second
	idleTime      = 30 * time.Second
	largestHeader = 8 << 10
	closingTime   = 2 * time.Second
)

// Server answers requests at sockets that may change while it does. Its methods
// may be called at the same time. The zero Server has no sockets.
type Server struct {
	face atomic.Pointer[Face]
	room room

	mu      sync.Mutex // guards what follows
	sockets map[netip.AddrPort]*socket
	fail    func(error)    // ends Serve; nil while it does not run
	tasks   sync.WaitGroup // of Serve
}

// Face is what clients of a Server find.
type Face struct {
	Handler     http.Handler
	Certificate *Certificate // for TLS; nil: none
	Listen      []netip.AddrPort
}

// SamePlace reports whether clients find two faces at the same URLs.
func (f Face) SamePlace(g Face) bool {
	return slices.Equal(f.Listen, g.Listen) && f.Scheme() == g.Scheme()
}

// Scheme returns http or https.
func (f Face) Scheme() string {
	if f.Certificate != nil {
		return "https"
	}
	return "http"
}

// socket is where one listens.
type socket struct {
	net.Listener
	http    *http.Server
	serving bool
}

// Open opens a socket at each address that has none yet, or at none. Nobody is
// answered there before Switch.
func (s *Server) Open(addrs []netip.AddrPort, listen func(netip.AddrPort) (net.Listener, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened := map[netip.AddrPort]*socket{}
	for _, addr := range addrs {
		if s.sockets[addr] != nil || opened[addr] != nil {
			continue
		}
		l, err := listen(addr)
		if err != nil {
			for _, o := range opened {
				o.Close()
			}
			return err
		}
		opened[addr] = s.newSocket(l)
	}
	if s.sockets == nil {
		s.sockets = map[netip.AddrPort]*socket{}
	}
	for addr, o := range opened {
		s.sockets[addr] = o
	}
	return nil
}

func (s *Server) newSocket(l net.Listener) *socket {
	return &socket{Listener: &door{Listener: l, server: s}, http: &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.face.Load().Handler.ServeHTTP(w, r) }),
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime,
		IdleTimeout: idleTime, MaxHeaderBytes: largestHeader, ErrorLog: log.New(io.Discard, "", 0),
	}}
}

// Switch has the server show another face. Of the sockets that Open has opened
// those that it does not list are closed; requests that are under way there are
// answered. Connections that there are keep their certificate.
func (s *Server) Switch(f Face) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.face.Store(&f)
	s.start()
	for addr, o := range s.sockets {
		if !slices.Contains(f.Listen, addr) {
			s.stop(o, requestTime)
			delete(s.sockets, addr)
		}
	}
}

// Addrs returns the addresses at which the server listens, sorted.
func (s *Server) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []netip.AddrPort
	for _, o := range s.sockets {
		addrs = append(addrs, o.Addr().(*net.TCPAddr).AddrPort())
	}
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	return addrs
}

// Serve answers requests until the context is done, and then closes all
// sockets.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	s.mu.Lock()
	s.fail = func(err error) {
		select {
		case failed <- err:
		default: // there was one before
		}
	}
	s.start()
	s.mu.Unlock()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.Close()
	s.tasks.Wait()
	return err
}

// Close closes all sockets. Serve does so itself.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.sockets {
		s.stop(o, closingTime)
	}
	s.sockets, s.fail = nil, nil
}

// start has all sockets answer, if Serve runs; s.mu is held.
func (s *Server) start() {
	fail := s.fail
	for _, o := range s.sockets {
		if fail == nil || s.face.Load() == nil || o.serving {
			continue
		}
		o.serving = true
		s.tasks.Go(func() {
			if err := o.http.Serve(o); !errors.Is(err, http.ErrServerClosed) {
				fail(err)
			}
		})
	}
}

// stop closes a socket, and its connections when they have had some time; s.mu
// is held.
func (s *Server) stop(o *socket, grace time.Duration) {
	if !o.serving {
		o.Close()
		return
	}
	s.tasks.Go(func() {
		last, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		if o.http.Shutdown(last) != nil {
			o.http.Close()
		}
	})
}

// door is a listener that hangs up on those for whom there is no room, and
// speaks TLS where there is a certificate.
type door struct {
	net.Listener
	server *Server
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := client(c.RemoteAddr())
		if !d.server.room.enter(from) {
			c.Close()
			continue
		}
		c = &guest{Conn: c, leave: sync.OnceFunc(func() { d.server.room.leave(from) })}
		if certificate := d.server.face.Load().Certificate; certificate != nil {
			c = tls.Server(c, &tls.Config{GetCertificate: certificate.Get, NextProtos: []string{"http/1.1"}})
		}
		return c, nil
	}
}

// guest is a connection that is counted.
type guest struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}
