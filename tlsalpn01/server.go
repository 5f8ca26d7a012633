package tlsalpn01

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"certctl/listen"
)

// Port is where CAs connect to.
const Port = 443

// protocol is the only one that is spoken (RFC 8737 §6.2).
const protocol = "acme-tls/1"

// patience is the longest that a client may take for its handshake.
const patience = 5 * time.Second

// Server answers CAs until it is closed.
type Server struct {
	listeners []net.Listener
	ctx       context.Context // of handshakes under way
	cancel    context.CancelFunc
	running   sync.WaitGroup // one goroutine for each listener and connection

	mu      sync.Mutex // guards what follows
	shown   map[string]*tls.Certificate
	changed chan struct{} // closed when names are hidden
}

// Serve listens at addresses, as listen.Parse returns them, and has nothing to
// show yet. Where one cannot be had the error is a *listen.Error.
func Serve(ctx context.Context, addresses []string) (*Server, error) {
	listeners, err := listen.Open(ctx, addresses)
	if refused, ok := errors.AsType[*listen.Error](err); ok {
		refused.Instead = "take another challenge: --challenge http-01 or dns-01"
	}
	if err != nil {
		return nil, err
	}
	return start(listeners), nil
}

func start(listeners []net.Listener) *Server {
	s := &Server{listeners: listeners, shown: make(map[string]*tls.Certificate), changed: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, l := range listeners {
		s.running.Go(func() { s.accept(l) })
	}
	return s
}

// Addrs returns where the server listens.
func (s *Server) Addrs() []net.Addr {
	var addrs []net.Addr
	for _, l := range s.listeners {
		addrs = append(addrs, l.Addr())
	}
	return addrs
}

// Show shows these answers until they are hidden. A name has one answer at a
// time, so that it waits until none of the names is shown for somebody else.
func (s *Server) Show(ctx context.Context, answers []Answer) (hide func(), err error) {
	certificates := make(map[string]*tls.Certificate)
	for _, a := range answers {
		if certificates[serverName(a.Name)], err = a.certificate(); err != nil {
			return nil, err
		}
	}
	for {
		busy := s.enter(certificates)
		if busy == nil {
			return func() { s.leave(certificates) }, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// enter shows all, or none and returns what is closed at the next change.
func (s *Server) enter(certificates map[string]*tls.Certificate) (busy <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range certificates {
		if s.shown[name] != nil {
			return s.changed
		}
	}
	for name, c := range certificates {
		s.shown[name] = c
	}
	return nil
}

func (s *Server) leave(certificates map[string]*tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range certificates {
		delete(s.shown, name)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Close ends the server and all connections.
func (s *Server) Close() {
	s.cancel()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.running.Wait()
}

// accept takes connections until the listener is closed.
func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if err == nil {
				_ = c.Close()
			}
			return
		}
		if err != nil { // one connection that is gone, or too many open files
			pause(s.ctx)
			continue
		}
		s.running.Go(func() { s.talk(c) })
	}
}

func pause(ctx context.Context) {
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// talk shakes hands, which is all that there is (RFC 8737 §3): the CA has seen
// the certificate by then.
func (s *Server) talk(c net.Conn) {
	defer c.Close()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	t := tls.Server(c, &tls.Config{GetConfigForClient: s.answer, MinVersion: tls.VersionTLS12}) // RFC 8737 §3
	if t.HandshakeContext(ctx) == nil {
		_ = t.SetDeadline(time.Now().Add(patience))
		_ = t.Close()
	}
}

var errNotCA = errors.New("not a CA")

// answer finds the certificate for a client that is a CA. All others get none,
// and no connection.
func (s *Server) answer(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	s.mu.Lock()
	c := s.shown[plain(hello.ServerName)]
	s.mu.Unlock()
	if c == nil || !slices.Equal(hello.SupportedProtos, []string{protocol}) {
		return nil, errNotCA
	}
	return &tls.Config{
		Certificates:           []tls.Certificate{*c},
		NextProtos:             []string{protocol},
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
	}, nil
}
