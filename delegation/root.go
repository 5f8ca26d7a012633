package delegation

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// resolvConf is where systems that have one keep the addresses of the
// recursive resolvers.
const resolvConf = "/etc/resolv.conf"

// hints are the root servers of the Internet, for when the recursive resolver
// does not name any: https://www.internic.net/domain/named.root, version
// 2024041801.
var hints = []struct {
	host   Name
	v4, v6 string
}{
	{"a.root-servers.net.", "198.41.0.4", "2001:503:ba3e::2:30"},
	{"b.root-servers.net.", "170.247.170.2", "2801:1b8:10::b"},
	{"c.root-servers.net.", "192.33.4.12", "2001:500:2::c"},
	{"d.root-servers.net.", "199.7.91.13", "2001:500:2d::d"},
	{"e.root-servers.net.", "192.203.230.10", "2001:500:a8::e"},
	{"f.root-servers.net.", "192.5.5.241", "2001:500:2f::f"},
	{"g.root-servers.net.", "192.112.36.4", "2001:500:12::d0d"},
	{"h.root-servers.net.", "198.97.190.53", "2001:500:1::53"},
	{"i.root-servers.net.", "192.36.148.17", "2001:7fe::53"},
	{"j.root-servers.net.", "192.58.128.30", "2001:503:c27::2:30"},
	{"k.root-servers.net.", "193.0.14.129", "2001:7fd::1"},
	{"l.root-servers.net.", "199.7.83.42", "2001:500:9f::42"},
	{"m.root-servers.net.", "202.12.27.33", "2001:dc3::35"},
}

// startAtRoot makes the root the first known zone.
func (r *Resolver) startAtRoot(ctx context.Context) error {
	z, err := r.roots.do(ctx, root, func() (*zone, error) { return r.prime(ctx) })
	if err == nil {
		r.cuts.add(z)
	}
	return err
}

// prime finds the root servers: those that the recursive resolver uses
// (RFC 8109), so that a private root works, or the Internet's.
func (r *Resolver) prime(ctx context.Context) (*zone, error) {
	proxy, err := r.proxy(ctx)
	if err != nil {
		return nil, err
	}
	z := &zone{apex: root}
	rep, err := r.ask(ctx, proxy, root, dns.TypeNS)
	if err == nil {
		for _, host := range nsNames(rep.rrs) {
			z.servers = append(z.servers, Server{host, glue(z, rep.m.Extra, host, r.port)})
		}
	}
	if len(peersOf(z.servers)) == 0 {
		z.servers, _ = r.locate(ctx, z.unglued())
	}
	if ctx.Err() != nil {
		return nil, interrupted(ctx, root, dns.TypeNS)
	}
	if len(z.servers) == 0 {
		z.servers = hinted(r.port)
	}
	return z, nil
}

func hinted(port uint16) []Server {
	var servers []Server
	for _, h := range hints {
		addrs := []netip.Addr{netip.MustParseAddr(h.v4), netip.MustParseAddr(h.v6)}
		servers = append(servers, Server{h.host, withPort(addrs, port)})
	}
	return servers
}

// fallBack makes the recursive resolvers the servers of the root, and so of
// everything, when no root server could be asked and none ever was: port 53 is
// closed, or something in between answers in their place. Otherwise it returns
// the cause.
func (r *Resolver) fallBack(ctx context.Context, z *zone, cause error) error {
	if r.direct.Load() {
		return cause
	}
	proxy, err := r.proxy(ctx)
	if err != nil {
		return errors.Join(cause, err)
	}
	if r.cuts.replaceRoot(z, proxy) {
		r.warn("authoritative servers cannot be asked from here (" + why(cause) + "): asking " +
			strings.Join(names(proxy), ", ") + " instead, who may answer from a cache")
	}
	return nil
}

// why shortens the error of many root servers to that of the first.
func why(err error) string {
	var all *ServersError
	if errors.As(err, &all) && len(all.Errs) > 0 {
		s := all.Errs[0].answer()
		if more := len(all.Errs) - 1; more > 0 {
			s += "; " + strconv.Itoa(more) + " more failed"
		}
		return s
	}
	return err.Error()
}

func names(z *zone) []string {
	var s []string
	for _, p := range peersOf(z.servers) {
		s = append(s, p.String())
	}
	return s
}

// proxy returns the recursive resolvers in the place of the root's servers,
// those first that nothing on the way can listen to or speak for.
func (r *Resolver) proxy(ctx context.Context) (*zone, error) {
	var servers []Server
	var errs []error
	add := func(name Name, addrs []netip.AddrPort, err error) {
		if errs = append(errs, err); len(addrs) > 0 {
			servers = append(servers, Server{name, addrs})
		}
	}
	for _, e := range r.client.Encrypted {
		addrs, err := e.locate(ctx)
		add(e.name(), addrs, err)
	}
	addrs, err := r.recursive()
	add("", addrs, err)
	if servers == nil {
		return nil, errors.Join(errs...)
	}
	return &zone{apex: root, servers: servers, proxied: true}, nil
}

// systemResolvers reads the system's recursive resolvers.
func systemResolvers(path string) ([]netip.AddrPort, error) {
	conf, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, &SystemError{Path: path, Err: withoutPath(err)}
	}
	port, err := strconv.ParseUint(conf.Port, 10, 16)
	if err != nil {
		return nil, &SystemError{Path: path, Err: err}
	}
	var addrs []netip.AddrPort
	for _, s := range conf.Servers {
		if a, err := netip.ParseAddr(s); err == nil {
			addrs = append(addrs, netip.AddrPortFrom(a, uint16(port)))
		}
	}
	if addrs == nil {
		return nil, &SystemError{Path: path, Err: errors.New("it names none")}
	}
	return addrs, nil
}

// withoutPath takes the path out of an error that will be shown beside it.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
