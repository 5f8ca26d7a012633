package rfc2136

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"certctl/delegation"
)

// dialTimeout is for one address; the next one may do.
const dialTimeout = 5 * time.Second

// server is where updates go, as configured.
type server struct {
	host string // name or address
	port uint16
}

// parseServer reads host, host:port, or an IPv6 address with or without a port;
// nil if there is none.
func parseServer(text string) (*server, error) {
	if text == "" {
		return nil, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return &server{host: a.String(), port: 53}, nil
	}
	full := text
	if !strings.Contains(text, ":") {
		full += ":53"
	}
	host, port, err := net.SplitHostPort(full)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, "/ @") {
		return nil, fmt.Errorf("%q is no host, and no host:port", text)
	}
	return &server{host: host, port: uint16(n)}, nil
}

// addrs returns the addresses to try, in this order.
func (p *provider) addrs(ctx context.Context, zone delegation.Name) ([]netip.AddrPort, error) {
	if p.server == nil {
		addrs, err := p.primary(ctx, zone)
		if err == nil && len(addrs) == 0 {
			err = fmt.Errorf("the primary of zone %s has no address", zone)
		}
		return addrs, err
	}
	if a, err := netip.ParseAddr(p.server.host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a, p.server.port)}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", p.server.host)
	if err != nil {
		return nil, fmt.Errorf("server %s: %w", p.server.host, err)
	}
	addrs := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip.Unmap(), p.server.port)
	}
	return addrs, nil
}

// open connects to the first of the server's addresses that can be connected
// to.
func (p *provider) open(ctx context.Context, zone delegation.Name) (*session, error) {
	addrs, err := p.addrs(ctx, zone)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addrs {
		s := &session{addr: a, zone: zone, key: p.key, timeout: p.timeout}
		err := s.connect(ctx)
		if err == nil {
			return s, nil
		}
		errs = append(errs, err)
	}
	return nil, &UnreachableError{Zone: zone, Configured: p.server != nil, Err: errors.Join(errs...)}
}

// UnreachableError says that no connection to the server could be made:
// nothing was sent.
type UnreachableError struct {
	Zone       delegation.Name
	Configured bool // the configuration names the server
	Err        error
}

func (e *UnreachableError) Error() string { return e.Err.Error() }
func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint says how to name another server.
func (e *UnreachableError) Hint() string {
	if e.Configured {
		return "updates go over TCP: is server: the right one, and may this host reach it on that port?"
	}
	return fmt.Sprintf("this is the primary that the SOA record of %s names; where updates go to another server, name it as server: in the zone's entry", e.Zone)
}
