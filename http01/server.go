package http01

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"certctl/listen"
)

// Port is where CAs ask.
const Port = 80

// The longest that a client may take for its request and to read the answer,
// and that the end waits for answers under way.
const (
	patience = 5 * time.Second
	farewell = time.Second
)

// Server answers CAs until it is closed.
type Server struct {
	server    http.Server
	listeners []net.Listener
	running   sync.WaitGroup // one goroutine for each listener
}

// Serve answers at addresses, as listen.Parse returns them. Where one cannot be
// had the error is a *listen.Error.
func Serve(ctx context.Context, addresses []string, answers []Answer) (*Server, error) {
	if err := check(answers); err != nil {
		return nil, err
	}
	listeners, err := listen.Open(ctx, addresses)
	if refused, ok := errors.AsType[*listen.Error](err); ok {
		refused.Instead = "have the web server that is there serve the answers: --webroot-path DIR, or `http: {webroot: DIR}`"
	}
	if err != nil {
		return nil, err
	}
	return start(listeners, answers), nil
}

func start(listeners []net.Listener, answers []Answer) *Server {
	s := &Server{listeners: listeners, server: http.Server{
		Handler:        handler(answers),
		ReadTimeout:    patience,
		WriteTimeout:   2 * patience, // counted from the same moment
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       log.New(io.Discard, "", 0),
	}}
	s.server.SetKeepAlivesEnabled(false)
	for _, l := range listeners {
		s.running.Go(func() { _ = s.server.Serve(l) })
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

// Close ends the server: answers under way have a second.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
	for _, l := range s.listeners {
		_ = l.Close() // if Serve has not yet got to know it
	}
	s.running.Wait()
}

// handler knows its answers, and nothing else.
func handler(answers []Answer) http.Handler {
	texts := make(map[string]string)
	for _, a := range answers {
		texts["/"+directory+"/"+a.Token] = a.Text
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, known := texts[r.URL.Path]
		switch {
		case !known:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		default:
			w.Header().Set("Content-Type", "application/octet-stream") // RFC 8555 §8.3
			_, _ = io.WriteString(w, text)
		}
	})
}
