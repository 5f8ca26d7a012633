package config

import (
	"errors"
	"net/netip"

	"certctl/secret"
)

// NameServerAPI is the interfaces over HTTP of the name server: that of
// acme-dns, and httpreq of lego.
type NameServerAPI struct {
	// Listen are addresses with port to answer at. Those that are not of
	// loopback need a certificate.
	Listen []Socket `yaml:"listen" required:"true"`

	// Certificate is the name of the certificate for TLS in the state directory,
	// one of those that certctl keeps valid. Its renewal needs no restart.
	// Default: none, and no TLS.
	Certificate string `yaml:"certificate"`

	// Chain is a file with another certificate for TLS and its chain, in PEM, and
	// Key its private key: copies that install: makes for the user of the name
	// server, for instance. They are read again when they have changed. Default:
	// none.
	Chain secret.Path `yaml:"chain"`

	// Key is the file with the private key of Chain, in PEM.
	Key secret.Path `yaml:"key"`

	// Proxies are web servers that pass requests on: of what comes from there the
	// last address in X-Forwarded-For counts that is not a proxy's. Default: none.
	Proxies []Network `yaml:"proxies"`

	// Users maps names of users to what they may do.
	Users []*NameServerUser `yaml:"users"`

	// Register lets clients of acme-dns make accounts for themselves. Default:
	// nobody may.
	Register *NameServerRegister `yaml:"register"`
}

// NameServerUser is somebody who puts values over HTTP.
type NameServerUser struct {
	// Name is the user's name.
	Name string `yaml:",key"`

	// Password is the user's password.
	Password secret.Secret `yaml:"password" required:"true"`

	// Names are the names where the user may put values; for clients of acme-dns
	// the first label is the subdomain. Default: none.
	Names []string `yaml:"names"`

	// Subtrees are names at and below which the user may put values. Default: none.
	Subtrees []string `yaml:"subtrees"`

	// AnyValue allows other values than those of challenges, which have 43
	// characters of base64url.
	AnyValue bool `yaml:"any_value"`

	// From are the networks that the user may come from. Default: all.
	From []Network `yaml:"from"`
}

// NameServerRegister says who may register, as with acme-dns.
type NameServerRegister struct {
	// Zone is the zone in which each account gets a name of its own.
	Zone string `yaml:"zone" required:"true"`

	// Token must be shown, as a bearer token or as the password in
	// https://any:TOKEN@host. Default: none is needed.
	Token secret.Secret `yaml:"token"`

	// From are the networks from which accounts can be made. Default: all.
	From []Network `yaml:"from"`
}

// NameServerMetrics is where Prometheus finds numbers about the name server.
type NameServerMetrics struct {
	// Listen is an address with port to answer at, at /metrics.
	Listen Socket `yaml:"listen" required:"true"`

	// TLS is whether to answer over HTTPS, with the certificate of the API.
	// Default: false.
	TLS bool `yaml:"tls"`
}

// TLS reports whether there is a certificate.
func (a *NameServerAPI) TLS() bool { return a.Certificate != "" || a.Chain != "" }

func (a *NameServerAPI) check(at place) {
	for _, s := range a.Listen {
		if addr := netip.AddrPort(s).Addr(); !a.TLS() && addr.IsValid() && !addr.IsLoopback() {
			at.problem("listen", "api: listen: %s is not of loopback: passwords would pass in the clear; name a certificate", netip.AddrPort(s))
		}
	}
	switch {
	case (a.Chain == "") != (a.Key == ""):
		at.problem("", "api: chain and key come together")
	case a.Chain != "" && a.Certificate != "":
		at.problem("chain", "api: chain: there is certificate, too, and only one of the two is used")
	}
	if len(a.Users) == 0 && a.Register == nil {
		at.problem("", "api: it has neither users nor register: nobody could use it")
	}
}

func (u *NameServerUser) check(at place) {
	checkRights(at, u.Names, u.Subtrees)
	if len(u.Names)+len(u.Subtrees) == 0 {
		at.problem("", "users: %s: names or subtrees is missing: it may put values nowhere", printable(u.Name))
	}
}

func (r *NameServerRegister) check(at place) {
	r.Zone = normal(r.Zone)
	if err := checkDomain(r.Zone); err != nil {
		at.problem("zone", "register: zone %s: %w", printable(r.Zone), err)
	}
	if r.Token.IsZero() && len(r.From) == 0 {
		at.problem("", "register: without token and from, everybody could fill the server with accounts: name one of them")
	}
}

// checkRights checks names, and makes them lower case.
func checkRights(at place, names, subtrees []string) {
	for key, list := range map[string][]string{"names": names, "subtrees": subtrees} {
		for i, name := range list {
			list[i] = normal(name)
			if err := checkDomain(list[i]); err != nil {
				at.problem(key, "%s: %s: %w", key, printable(name), err)
			}
		}
	}
}

// Socket is an IP address with a port that has to be named.
type Socket netip.AddrPort

// UnmarshalText reads an address with port.
func (s *Socket) UnmarshalText(text []byte) error {
	addr, err := netip.ParseAddrPort(string(text))
	if err != nil {
		return errors.New("an IP address with port is expected, like 192.0.2.53:443, 127.0.0.1:8053 or [::]:443")
	}
	*s = Socket(addr)
	return nil
}

// MarshalText returns address and port.
func (s Socket) MarshalText() ([]byte, error) { return []byte(netip.AddrPort(s).String()), nil }

// Network is an IP address, or a network in CIDR notation.
type Network netip.Prefix

// UnmarshalText reads an address or a network.
func (n *Network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil && addr.Zone() == "" {
		*n = Network(netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(string(text))
	if err != nil {
		return errors.New("an IP address or network is expected, like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")
	}
	*n = Network(p.Masked())
	return nil
}

// MarshalText returns the network.
func (n Network) MarshalText() ([]byte, error) { return []byte(netip.Prefix(n).String()), nil }
