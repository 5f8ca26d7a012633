package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/store"
)

// target is a server to look at.
type target struct {
	text       string // as it was given
	host, port string
	sni        string // "" if none was given
	named      bool   // the certificate was
}

// served is what one address of a server shows.
type served struct {
	Target      string     `json:"target"`
	Address     string     `json:"address"`
	SNI         string     `json:"sni"`
	Certificate string     `json:"certificate"` // that it should show
	Expected    string     `json:"expected_serial"`
	Serial      string     `json:"serial,omitempty"` // hexadecimal
	Names       []string   `json:"names,omitempty"`
	NotAfter    *time.Time `json:"not_after,omitempty"`
	Problems    []string   `json:"problems"` // empty if all is well
}

func verifyTargets(c *cli.Context) ([]target, error) {
	if c.NArg() > 1 {
		return nil, usagef("flags come before the name", "verify takes one name, but got %s", strings.Join(c.Args().Slice(), " "))
	}
	if len(c.StringSlice("tls")) == 0 {
		return nil, usagef("certctl verify --tls www.example.com:443", "it has to be said where to look")
	}
	if c.Duration("timeout") <= 0 {
		return nil, usagef("certctl verify --timeout 5s", "--timeout has to be positive")
	}
	var targets []target
	for _, text := range c.StringSlice("tls") {
		host, port, err := net.SplitHostPort(text)
		if err != nil || host == "" || port == "" {
			return nil, usagef("certctl verify --tls www.example.com:443", "--tls %s: HOST:PORT is expected", text)
		}
		t := target{text: text, host: host, port: port, sni: c.String("sni"), named: c.Args().Present()}
		if _, err := netip.ParseAddr(host); err == nil && t.sni == "" && !t.named {
			return nil, usagef("certctl verify --tls "+text+" NAME", "--tls %s: for an address --sni or the certificate has to be named", text)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// name is what the server is asked for, where that does not depend on the
// certificate.
func (t target) name() string { return first(t.sni, strings.TrimSuffix(t.host, ".")) }

// nameFor is what the server is asked for. For a wildcard it is any name below.
func (t target) nameFor(live *store.Certificate) string {
	if _, err := netip.ParseAddr(t.host); err != nil || t.sni != "" || len(live.Leaf.DNSNames) == 0 {
		return t.name()
	}
	return strings.Replace(live.Leaf.DNSNames[0], "*.", "www.", 1)
}

// look asks every address of a server. An address of a family that has no way
// from here is left out, if there is another.
func (t target) look(ctx context.Context, live *store.Certificate, timeout time.Duration) []*served {
	lookUp, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(lookUp, "ip", t.host)
	if err != nil {
		s := t.expect(live, t.text)
		s.Problems = append(s.Problems, err.Error())
		return []*served{s}
	}
	var all, unreachable []*served
	for _, a := range addresses {
		s := t.expect(live, net.JoinHostPort(a.Unmap().String(), t.port))
		err := s.look(ctx, live, timeout)
		if noRoute(err) {
			unreachable = append(unreachable, s)
			continue
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return unreachable
	}
	return all
}

// look notes what is wrong with what one address shows. The error is that there
// is nothing to see.
func (s *served) look(ctx context.Context, live *store.Certificate, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	chain, err := handshake(ctx, s.Address, s.SNI)
	if err != nil {
		s.Problems = append(s.Problems, "no certificate is shown: "+err.Error())
		return err
	}
	s.compare(chain, live)
	return nil
}

func (t target) expect(live *store.Certificate, address string) *served {
	return &served{
		Target: t.text, Address: address, SNI: t.nameFor(live),
		Certificate: live.Name, Expected: serial(live.Leaf), Problems: []string{},
	}
}

// handshake returns the chain that a server shows. Whether it is any good is
// for others to judge.
func handshake(ctx context.Context, address, sni string) ([]*x509.Certificate, error) {
	d := tls.Dialer{Config: &tls.Config{ServerName: sni, InsecureSkipVerify: true}} // compared, not trusted
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}

// compare says how the chain differs from what was issued.
func (s *served) compare(chain []*x509.Certificate, live *store.Certificate) {
	leaf := chain[0]
	s.Serial, s.Names, s.NotAfter = serial(leaf), acme.NamesIn(leaf), &leaf.NotAfter
	note := func(format string, args ...any) { s.Problems = append(s.Problems, fmt.Sprintf(format, args...)) }
	switch {
	case leaf.Equal(live.Leaf):
		for _, issuer := range live.Issuers {
			if !slices.ContainsFunc(chain, issuer.Equal) {
				note("the chain is not complete: the certificate of %s is missing; use fullchain.pem", issuer.Subject.CommonName)
			}
		}
	case older(leaf, live):
		note("shows an older certificate of %s, serial %s, until %s: the newest has serial %s, and the server was not told of it", live.Name, s.Serial, day(leaf.NotAfter), s.Expected)
	default:
		note("shows another certificate, serial %s, for %s, issued by %s: %s has serial %s", s.Serial, first(names(s.Names), "no name"), first(leaf.Issuer.CommonName, "itself"), live.Name, s.Expected)
	}
	if err := leaf.VerifyHostname(s.SNI); err != nil {
		note("what it shows is not for %s", s.SNI)
	}
	if !time.Now().Before(leaf.NotAfter) {
		note("what it shows ended on %s", day(leaf.NotAfter))
	}
}

// older reports whether a certificate is an earlier version: kept in the
// archive, or for the same names and from before.
func older(leaf *x509.Certificate, live *store.Certificate) bool {
	if leaf.NotBefore.Before(live.Leaf.NotBefore) && slices.Equal(acme.NamesIn(leaf), acme.NamesIn(live.Leaf)) {
		return true
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(live.Version), serial(leaf), filepath.Base(live.Cert)))
	if err != nil {
		return false
	}
	block, _ := pem.Decode(text)
	return block != nil && bytes.Equal(block.Bytes, leaf.Raw)
}

// noRoute reports whether there is no way from here to an address of this
// family.
func noRoute(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}
