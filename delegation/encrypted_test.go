package delegation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

func TestParseEncrypted(t *testing.T) {
	for _, test := range []struct {
		url, want string // port, or error
	}{
		{"tls://dns.example", "853"},
		{"tls://192.0.2.53:8853", "8853"},
		{"tls://[2001:db8::53]", "853"},
		{"https://dns.example/dns-query", "443"},
		{"https://[2001:db8::53]:8443/", "8443"},
		{"udp://dns.example", "neither tls://host nor https://host/path"},
		{"https:///dns-query", "neither tls://host nor https://host/path"},
		{"https://me:secret@dns.example/", "neither tls://host nor https://host/path"},
		{"tls://dns.example:99999", "no valid port"},
		{"tls://dns.example:0", "no valid port"},
		{"tls://dns.example:x", "is not a URL"},
	} {
		e, err := ParseEncrypted(test.url)
		got := errText(err)
		if err == nil {
			got = fmt.Sprint(e.port)
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: got %s, want %s", test.url, got, test.want)
		}
	}
}

// encryptedServer starts a server for DNS over TLS and one over HTTPS on
// loopback, which answer as f does, and returns their URLs and the root that
// vouches for both.
func encryptedServer(t *testing.T, f func(q *dns.Msg) *dns.Msg) (urls []string, roots *x509.CertPool) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q := new(dns.Msg)
		if r.Header.Get("Content-Type") != mediaType || q.Unpack(body) != nil {
			http.Error(w, "no question", http.StatusBadRequest)
			return
		}
		packed, _ := f(q).Pack()
		_, _ = w.Write(packed)
	}))
	t.Cleanup(web.Close)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(f(q)) })}
	ended := make(chan error, 1)
	go func() { ended <- server.ActivateAndServe() }()
	t.Cleanup(func() { listener.Close(); <-ended })
	roots = x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return []string{"tls://" + listener.Addr().String(), web.URL + "/dns-query"}, roots
}

// trusting reads a URL, for a server with a certificate of these roots.
func trusting(t *testing.T, url string, roots *x509.CertPool) *Encrypted {
	e, err := ParseEncrypted(url)
	if err != nil {
		t.Fatal(err)
	}
	e.roots = roots
	if e.http != nil {
		e.http.Transport = e.transport()
		t.Cleanup(e.http.CloseIdleConnections)
	}
	return e
}

// encrypted is a resolver that knows a bench's recursive resolver by these URLs
// alone, which open says is all that it reaches, or not.
func (b *bench) encrypted(t *testing.T, open bool, roots func(*x509.CertPool) *x509.CertPool) []*Resolver {
	urls, pool := encryptedServer(t, func(q *dns.Msg) *dns.Msg {
		r, _, err := b.TCP().ExchangeContext(context.Background(), q, b.Recursor().Addr().String())
		if err != nil {
			t.Error(err)
		}
		return r
	})
	wall := func(netip.Addr) error {
		if open {
			return nil
		}
		return syscall.ECONNREFUSED
	}
	var resolvers []*Resolver
	for _, url := range urls {
		resolvers = append(resolvers, NewResolver(Options{
			Client: &Client{
				UDP: firewall{b.UDP(), wall}, TCP: firewall{b.TCP(), wall},
				Encrypted: []*Encrypted{trusting(t, url, roots(pool))},
			},
			Warn: func(s string) { b.warned = append(b.warned, s) },
		}))
	}
	return resolvers
}

// A resolver that is asked over TLS or HTTPS finds the root servers and, where
// nothing else is allowed out, everything.
func TestEncrypted(t *testing.T) {
	for _, open := range []bool{true, false} {
		b := newBench(cnamed)
		for _, r := range b.encrypted(t, open, func(p *x509.CertPool) *x509.CertPool { return p }) {
			b.warned = nil
			at := r.client.Encrypted[0]
			target, err := r.Resolve(t.Context(), challenge, Follow{})
			if err != nil {
				t.Errorf("%s: %v", at, err)
				continue
			}
			if target.Owner != "www.example.net." || target.Zone != "example.net." || target.Proxied == open {
				t.Errorf("%s: got %+v", at, target)
			}
			if !open && (len(target.Resolvers) != 1 || target.Resolvers[0] != at.known()[0]) {
				t.Errorf("%s: got resolvers %v, want %v", at, target.Resolvers, at.known())
			}
			if (len(b.warned) == 1) == open {
				t.Errorf("%s: got warnings %q", at, b.warned)
			}
		}
	}
}

func TestEncryptedUntrusted(t *testing.T) {
	b := newBench(cnamed)
	for _, r := range b.encrypted(t, false, func(*x509.CertPool) *x509.CertPool { return x509.NewCertPool() }) {
		_, err := r.Resolve(t.Context(), challenge, Follow{})
		if err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
			t.Errorf("%s: got %v", r.client.Encrypted[0], err)
		}
	}
}

// The host of a URL that cannot be found is said, and not what it is asked for.
func TestEncryptedLost(t *testing.T) {
	e, err := ParseEncrypted("tls://nothing.invalid")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := NewResolver(Options{Client: &Client{Encrypted: []*Encrypted{e}}})
	if _, err := r.proxy(ctx); err == nil || !strings.HasPrefix(err.Error(), "resolver tls://nothing.invalid: ") {
		t.Errorf("got %v", err)
	}
}
