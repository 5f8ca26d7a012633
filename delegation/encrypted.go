package delegation

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Encrypted is a recursive resolver that is asked over TLS (DoT, RFC 7858) or
// HTTPS (DoH, RFC 8484): for networks that let nothing else out, or in which
// something else answers on port 53. It is an Exchanger.
type Encrypted struct {
	url   *url.URL
	port  uint16
	roots *x509.CertPool // nil: the system's
	http  *http.Client   // nil: over TLS

	mu    sync.Mutex
	addrs []netip.AddrPort // of the host, once they are known
}

// ParseEncrypted reads tls://host[:853] or https://host[:443]/path. The host
// is a name or an address; its certificate must be for it.
func ParseEncrypted(s string) (*Encrypted, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL", s)
	}
	standard := map[string]string{"tls": "853", "https": "443"}[u.Scheme]
	if standard == "" || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("%q is neither tls://host nor https://host/path", s)
	}
	text := u.Port()
	if text == "" {
		text = standard
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("%q has no valid port", s)
	}
	e := &Encrypted{url: u, port: uint16(port)}
	if u.Scheme == "https" {
		e.http = &http.Client{Transport: e.transport()}
	}
	return e, nil
}

// String returns the URL.
func (e *Encrypted) String() string { return e.url.String() }

// name returns the name of the host, "" if only its address is known.
func (e *Encrypted) name() Name {
	if _, err := netip.ParseAddr(e.url.Hostname()); err == nil {
		return ""
	}
	return canonical(e.url.Hostname())
}

// encryptedAt returns the one that has this address, or nil.
func encryptedAt(all []*Encrypted, addr netip.AddrPort) Exchanger {
	for _, e := range all {
		for _, a := range e.known() {
			if a == addr {
				return e
			}
		}
	}
	return nil
}

func (e *Encrypted) known() []netip.AddrPort {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.addrs
}

// locate returns the addresses of the host. A name is looked up as the system
// looks up any: it is not a name that records are published for.
func (e *Encrypted) locate(ctx context.Context) ([]netip.AddrPort, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.addrs != nil {
		return e.addrs, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.url.Hostname())
	if err != nil {
		return nil, fmt.Errorf("resolver %s: %w", e, err)
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	e.addrs = withPort(addrs, e.port)
	return e.addrs, nil
}

// ExchangeContext sends m to addr, which is an address of the host.
func (e *Encrypted) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	began := time.Now()
	ask := e.overTLS
	if e.http != nil {
		ask = e.overHTTPS
	}
	r, err := ask(ctx, m, addr)
	return r, time.Since(began), err
}

func (e *Encrypted) tls() *tls.Config {
	return &tls.Config{ServerName: e.url.Hostname(), RootCAs: e.roots, MinVersion: tls.VersionTLS12}
}

// overTLS opens a connection for one question.
func (e *Encrypted) overTLS(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, error) {
	dialer := &tls.Dialer{Config: e.tls()}
	socket, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	conn := &dns.Conn{Conn: socket}
	if err := conn.WriteMsg(m); err != nil {
		return nil, err
	}
	return conn.ReadMsg()
}

// addrKey is for the address in the context of a request: the URL names the
// host, and the context the address of it that is asked.
type addrKey struct{}

// transport keeps connections for a while: a handshake takes longer than an
// answer.
func (e *Encrypted) transport() *http.Transport {
	var dialer net.Dialer
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if chosen, ok := ctx.Value(addrKey{}).(string); ok {
				addr = chosen
			}
			return dialer.DialContext(ctx, network, addr)
		},
		TLSClientConfig:   e.tls(),
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   10 * time.Second,
	}
}

const mediaType = "application/dns-message" // RFC 8484 §6

func (e *Encrypted) overHTTPS(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, error) {
	packed, err := m.Pack()
	if err != nil {
		return nil, err
	}
	ctx = context.WithValue(ctx, addrKey{}, addr)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url.String(), bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", mediaType)
	response, err := e.http.Do(request)
	if err != nil {
		return nil, plain(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %s", response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, dns.MaxMsgSize))
	if err != nil {
		return nil, err
	}
	r := new(dns.Msg)
	return r, r.Unpack(body)
}

// plain takes the URL out of an error that will be shown beside it.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
