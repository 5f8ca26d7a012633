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
	"sync"
	"time"
)

// Limits of what one client can take up.
const (
	headerTime       = 5 * time.Second
	requestTime      = 10 * time.Second
	idleTime         = 30 * time.Second
	largestHeader    = 8 << 10
	mostConnections  = 512
	mostOfOneAddress = 64
	closingTime      = 2 * time.Second
)

// Serve answers requests on all listeners until ctx ends, with TLS where there
// is a certificate.
func Serve(ctx context.Context, handler http.Handler, certificate *Certificate, listeners ...net.Listener) error {
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime,
		IdleTimeout: idleTime, MaxHeaderBytes: largestHeader, ErrorLog: log.New(io.Discard, "", 0),
	}
	var running sync.WaitGroup
	errs := make([]error, len(listeners))
	room := &room{each: make(map[netip.Addr]int)}
	for i, l := range listeners {
		l = &bounded{Listener: l, room: room}
		if certificate != nil {
			l = tls.NewListener(l, &tls.Config{GetCertificate: certificate.Get, NextProtos: []string{"http/1.1"}})
		}
		running.Go(func() { errs[i] = s.Serve(l) })
	}
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
		defer cancel()
		if s.Shutdown(last) != nil {
			_ = s.Close()
		}
	})
	running.Wait()
	if stop() {
		_ = s.Close()
	}
	return errors.Join(failures(errs)...)
}

// failures leaves out the ends that were asked for.
func failures(errs []error) []error {
	var all []error
	for _, err := range errs {
		if !errors.Is(err, http.ErrServerClosed) {
			all = append(all, err)
		}
	}
	return all
}

// room counts connections: of all, and of each address.
type room struct {
	mu   sync.Mutex
	all  int
	each map[netip.Addr]int
}

func (r *room) enter(a netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == mostConnections || r.each[a] == mostOfOneAddress {
		return false
	}
	r.all++
	r.each[a]++
	return true
}

func (r *room) leave(a netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.each[a]--; r.each[a] == 0 {
		delete(r.each, a)
	}
}

// bounded is a listener that hangs up on those for whom there is no room.
type bounded struct {
	net.Listener
	room *room
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
		if b.room.enter(from.Addr()) {
			return &guest{Conn: c, leave: sync.OnceFunc(func() { b.room.leave(from.Addr()) })}, nil
		}
		_ = c.Close()
	}
}

// guest is a connection that is counted.
type guest struct {
	net.Conn
	leave func()
}

func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}
