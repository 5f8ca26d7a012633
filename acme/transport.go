package acme

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	connections    = 8 // to one CA, and requests at once for one order
	requestTimeout = 90 * time.Second
	maxBody        = 6 << 20 // a chain of certificates is the largest thing that a CA sends
)

func newClient(c Config) *http.Client {
	next := c.Transport
	if next == nil {
		next = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:       &tls.Config{RootCAs: c.Roots},
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
			IdleConnTimeout:       90 * time.Second,
			MaxConnsPerHost:       connections,
			MaxIdleConnsPerHost:   connections,
			ForceAttemptHTTP2:     true,
		}
	}
	return &http.Client{
		Transport: &transport{next: next, agent: cmp.Or(c.UserAgent, "certctl")},
		Timeout:   requestTimeout,
	}
}

// transport repeats requests whose connection broke, also signed ones: when the
// first has arrived after all, the CA calls the nonce of the second bad, and it
// is signed anew (RFC 8555 §6.5). Bodies are read whole, so that a connection
// that breaks in the middle of one is noticed here.
type transport struct {
	next  http.RoundTripper
	agent string
}

var errTooLarge = fmt.Errorf("answer of more than %d bytes", maxBody)

const maxTries = 4 // of one request over connections that break

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if !secure(req.URL) {
		return nil, &insecureError{URL: req.URL.Redacted()}
	}
	pause := 50 * time.Millisecond
	for try := 1; ; try++ {
		res, err := t.once(req)
		if err == nil || try == maxTries || !broken(req.Context(), err) {
			return res, err
		}
		if err := sleep(req.Context(), pause); err != nil {
			return nil, err
		}
		pause *= 4
	}
}

func (t *transport) once(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", t.agent)
	if req.Body != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req.Body = body
	}
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// broken tells a connection that broke from one that never came to be, from one
// that is too slow, and from a server that is not trusted or makes no sense.
func broken(ctx context.Context, err error) bool {
	var op *net.OpError
	var timeout net.Error
	var untrusted *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	switch {
	case ctx.Err() != nil,
		errors.As(err, &op) && op.Op == "dial",
		errors.As(err, &timeout) && timeout.Timeout(),
		errors.As(err, &untrusted),
		errors.As(err, &plain),
		errors.Is(err, http.ErrSchemeMismatch),
		errors.Is(err, errTooLarge):
		return false
	default:
		return true
	}
}

// secure reports whether a URL may be asked: ACME is spoken over https
// (RFC 8555 §6.1), but for a CA on this very host.
func secure(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && addr.IsLoopback())
}

// insecureError is a URL that is not https.
type insecureError struct {
	URL string
}

func (e *insecureError) Error() string {
	return fmt.Sprintf("%s is not https, which is needed for all but loopback addresses", e.URL)
}

// shortcut gives x/crypto's client what is known already: the directory, which
// it would read again, and a nonce.
type shortcut struct {
	ca *CA
}

func (s *shortcut) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case req.Method == http.MethodGet && req.URL.String() == s.ca.URL:
		return answer(req, http.Header{}, s.ca.directory), nil
	case req.Method == http.MethodHead && req.URL.String() == s.ca.newNonce:
		if nonce, ok := s.ca.nonces.take(); ok {
			return answer(req, http.Header{replayNonce: {nonce}}, nil), nil
		}
	}
	return s.ca.http.Transport.RoundTrip(req)
}

func answer(req *http.Request, header http.Header, body []byte) *http.Response {
	return &http.Response{
		Status:     "200 OK",
		StatusCode: http.StatusOK,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     header,
		Body:       io.NopCloser(bytes.NewReader(body)),
		Request:    req,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
