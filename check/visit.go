package check

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/http01"
	"certctl/tlsalpn01"
)

// visitTime is how long one address may take to answer: CAs wait for about ten
// seconds.
const visitTime = 5 * time.Second

// redirects is how many a CA follows (as Let's Encrypt does).
const redirects = 10

// addressesOf returns those of a name, as its servers have them.
func (r *run) addressesOf(ctx context.Context, p *place) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(p.Domain); err == nil {
		return []netip.Addr{a}, nil
	}
	t, err := r.Resolver.Resolve(ctx, p.base(), delegation.Follow{})
	if err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		found, err := r.lookUp(ctx, t, qtype)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// lookUp asks the servers of a target one after the other.
func (r *run) lookUp(ctx context.Context, t *delegation.Target, qtype uint16) (found []netip.Addr, err error) {
	failed := &delegation.ServersError{Zone: t.Zone, Type: qtype, Name: t.Owner}
	servers := t.Servers
	if t.Proxied {
		servers = []delegation.Server{{Name: "resolver", Addrs: t.Resolvers}}
	}
	for _, s := range servers {
		for _, a := range s.Addrs {
			m, err := r.client.Ask(ctx, a, t.Owner, qtype, t.Proxied)
			if err == nil && (m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError) && (m.Authoritative || t.Proxied) {
				return addressesIn(m), nil
			}
			failed.Errs = append(failed.Errs, asError(err, a, t.Owner, qtype, m))
		}
	}
	return nil, failed
}

func asError(err error, a netip.AddrPort, name delegation.Name, qtype uint16, m *dns.Msg) *delegation.Error {
	if e, ok := err.(*delegation.Error); ok {
		return e
	}
	return &delegation.Error{Type: qtype, Name: name, Server: a, Rcode: m.Rcode}
}

func addressesIn(m *dns.Msg) (found []netip.Addr) {
	for _, rr := range m.Answer {
		var ip net.IP
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if a, ok := netip.AddrFromSlice(ip); ok && !slices.Contains(found, a.Unmap()) {
			found = append(found, a.Unmap())
		}
	}
	return found
}

// ask asks one address for what is shown. It says what was seen. The error is a
// *wrongError or a *tlsalpn01.OtherError where that is something else.
func (p *place) ask(ctx context.Context, at netip.AddrPort, shown http01.Answer) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	if p.Direct.TLS {
		return "has the answer", tlsalpn01.Look(ctx, at, tlsalpn01.Answer{Name: p.Domain, Text: shown.Text})
	}
	res, err := p.get(ctx, at, shown.Token)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	from := res.Request.URL.Host
	if where, err := res.Location(); err == nil {
		return "", &elsewhereError{where.Host}
	}
	text := readAtMost(res, 4<<10)
	switch {
	case shown.Text == "":
		return fmt.Sprintf("answers (%s)", res.Status), nil
	case res.StatusCode != http.StatusOK:
		return "", &wrongError{fmt.Sprintf("%s answered %s", from, res.Status)}
	case text != shown.Text:
		return "", &wrongError{fmt.Sprintf("%s answered with another text: %.60q", from, text)}
	}
	return "has the answer", nil
}

// elsewhereError says that the CA is sent to another host, which is not ours to
// visit.
type elsewhereError struct{ host string }

func (e *elsewhereError) Error() string { return "redirected to " + e.host }

// get fetches the answer for a token from one address, and follows redirects to
// the same name, whose certificate may be any.
func (p *place) get(ctx context.Context, at netip.AddrPort, token string) (*http.Response, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(at.Addr().String(), port))
		},
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(q *http.Request, via []*http.Request) error {
		if q.URL.Hostname() != via[0].URL.Hostname() || len(via) > redirects {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	host := p.Domain
	if at.Addr().String() == host && at.Addr().Is6() {
		host = "[" + host + "]"
	}
	if at.Port() != http01.Port {
		host = fmt.Sprintf("%s:%d", host, at.Port())
	}
	u := url.URL{Scheme: "http", Host: host, Path: "/.well-known/acme-challenge/" + token}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return client.Do(q)
}
