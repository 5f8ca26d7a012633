package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"os"
	"time"

	"certctl/dns01"
	"certctl/dns01/guard"
)

// DefaultTimeout is how long a service may take to answer one request.
const DefaultTimeout = 30 * time.Second

// maxBody is how long an answer may be.
const maxBody = 8 << 20

// failures is how often a service that fails is asked, with a pause in between
// that is twice as long each time.
const (
	failures   = 4
	firstPause = 100 * time.Millisecond
)

// Client sends requests to one service.
type Client struct {
	base   *url.URL
	client *http.Client
}

// NewClient returns a client for the service at a URL. caFile, if not "", has
// the roots for its TLS; a timeout of 0 means DefaultTimeout.
func NewClient(base, caFile string, timeout time.Duration) (*Client, error) {
	u, err := parse(base)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if timeout < 0 {
		return nil, fmt.Errorf("timeout: %v is less than nothing", timeout)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if u.Scheme == "http" {
		transport.Proxy = nil
	}
	if caFile != "" {
		roots, err := readRoots(caFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return &Client{base: u, client: &http.Client{
		Transport:     transport,
		Timeout:       cmp.Or(timeout, DefaultTimeout),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// parse reads the URL of a service. Its errors do not repeat it: people put
// tokens into URLs.
func parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("it is missing")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("a URL is expected, like https://dns.example.com/api")
	case u.User != nil:
		return nil, errors.New("it has a user name or password in it: there are keys for them")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it must end with the path, without ? and #")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("https is needed: only on this host itself may a secret go over plain http, and %s is not", u.Hostname())
	}
	return u, nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (a.IsLoopback() || metadata.Contains(a))
}

// metadata is where clouds tell their machines and containers who they are, over
// plain http that does not leave the machine's host.
var metadata = netip.MustParsePrefix("169.254.168.0/22")

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: there is no certificate in it", file)
	}
	return roots, nil
}

// Server names the service in errors.
func (c *Client) Server() string { return c.base.Scheme + "://" + c.base.Host }

// Request is what is sent. Its values are not to be printed.
type Request struct {
	Method  string
	Path    string // below the service's URL, with percent-encoding where it needs it
	Query   url.Values
	Header  http.Header // with the credentials
	Body    any         // JSON; []byte is sent as it is, with the header's Content-Type; nil for none
	Secrets []string    // taken out of what the service answers, in errors

	// Asks says that nothing changes by this, whatever its method. Of GET that is
	// known.
	Asks bool

	// Sign, if not nil, is given every try before it is sent, with its body.
	Sign func(r *http.Request, body []byte) error

	// Twice says that it is the same to carry it out once or twice. Of GET, PUT
	// and DELETE that is known (RFC 9110 §9.2.2).
	Twice bool

	// Busy, if not nil, reports whether an answer says that the service is too
	// busy, beside 429 and 503.
	Busy func(*StatusError) bool
}

// Answer is an answer with a status of 200 to 299.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request and returns the body of an answer with a status of 200 to
// 299. Any other is a *StatusError. Where no connection came about, the error is
// a *dns01.UnwrittenError. dns01.Written hears of what may have changed something.
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	answer, err := c.Send(ctx, r)
	return answer.Body, err
}

// Send is Do, for those who want more of the answer than its body.
func (c *Client) Send(ctx context.Context, r Request) (Answer, error) {
	body, err := r.body()
	if err != nil {
		return Answer{}, err
	}
	for try := 1; ; try++ {
		answer, err := c.once(ctx, r, body)
		if !r.asks() && !unchanged(err) {
			dns01.Written(ctx)
		}
		pause, again := r.again(err, try)
		if !again || ctx.Err() != nil || !inTime(ctx, pause) {
			return answer, err
		}
		if err, busy := errors.AsType[*StatusError](err); busy && pause >= noticed {
			dns01.TellBusy(ctx, dns01.Busy{Server: c.Server(), Status: err.Status, Pause: pause})
		}
		if interrupted := wait(ctx, pause); interrupted != nil {
			return Answer{}, fmt.Errorf("%w: %w", err, interrupted)
		}
	}
}

// again reports whether a request is worth another try, and after how long. One
// that failed on the way, or at the service, may have been carried out, so it is
// repeated only where that does no harm (RFC 9110 §9.2.2).
func (r Request) again(err error, try int) (time.Duration, bool) {
	status, ok := errors.AsType[*StatusError](err)
	if ok && r.busy(status) {
		return status.pause(try)
	}
	failed, _ := errors.AsType[*FailedError](err)
	if !r.harmless() || !(ok && status.failed() || failed != nil && failed.passing()) {
		return 0, false
	}
	pause := firstPause << (try - 1)
	return pause + rand.N(pause/2), try < failures
}

// inTime reports whether somebody still waits when a pause is over.
func inTime(ctx context.Context, pause time.Duration) bool {
	end, bounded := ctx.Deadline()
	return !bounded || time.Until(end) > pause
}

// asks reports whether a request changes nothing.
func (r Request) asks() bool { return r.Asks || r.Method == http.MethodGet }

// harmless reports whether it is the same to carry a request out once or twice.
func (r Request) harmless() bool {
	return r.asks() || r.Twice || r.Method == http.MethodPut || r.Method == http.MethodDelete
}

// unchanged reports whether an error says that a request was not carried out:
// not sent, or refused.
func unchanged(err error) bool {
	_, unsent := errors.AsType[*dns01.UnwrittenError](err)
	_, refused := errors.AsType[*RefusedError](err)
	return unsent || refused || IsStatus(err, http.StatusTooManyRequests)
}

func (r Request) body() ([]byte, error) {
	switch body := r.Body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return body, nil
	}
	return json.Marshal(r.Body)
}

func (r Request) busy(e *StatusError) bool { return e.busy() || r.Busy != nil && r.Busy(e) }

// request makes what is sent in one try.
func (c *Client) request(ctx context.Context, r Request, body []byte) (*http.Request, error) {
	u := c.base.JoinPath(r.Path)
	u.RawQuery = r.Query.Encode()
	request, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("this request cannot be made") // the error would show the URL
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	if r.Sign != nil {
		return request, r.Sign(request, body)
	}
	return request, nil
}

func (c *Client) once(ctx context.Context, r Request, body []byte) (Answer, error) {
	connected := false
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
	request, err := c.request(traced, r, body)
	if err != nil {
		return Answer{}, &dns01.UnwrittenError{Err: err}
	}
	response, err := c.client.Do(request)
	if err != nil && !connected {
		return Answer{}, &dns01.UnwrittenError{Err: c.failure(ctx, err, r.Secrets)}
	}
	if err != nil {
		return Answer{}, c.failure(ctx, err, r.Secrets)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil && len(answer) > maxBody {
		err = ErrTooLong
	}
	if err != nil {
		return Answer{}, c.failure(ctx, err, r.Secrets)
	}
	if response.StatusCode/100 == 2 {
		return Answer{response.StatusCode, response.Header, answer}, nil
	}
	return Answer{}, newStatusError(c.Server(), response, answer, r.Secrets)
}

// ErrTooLong is in the chain of errors where an answer is longer than 8 MB.
var ErrTooLong = fmt.Errorf("the answer is longer than %d MB", maxBody>>20)

// failure says what happened instead of an answer.
func (c *Client) failure(ctx context.Context, err error, secrets []string) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL
	}
	failed := &FailedError{Server: c.Server(), Err: err}
	if clean := guard.Quote(err.Error(), secrets...); clean != err.Error() {
		failed.Err = errors.New(clean)
	}
	timeout, _ := errors.AsType[net.Error](err)
	if timeout != nil && timeout.Timeout() && ctx.Err() == nil {
		failed.Err = fmt.Errorf("no answer within %v", c.client.Timeout)
	}
	return failed
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
