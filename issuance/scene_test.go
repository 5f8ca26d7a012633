package issuance_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/authority"
	"certctl/lab/hostile"
)

const perDomain = 5 // certificates

// scene is a DNS world in which the challenge names of many certificates are
// delegated by CNAME to one of two zones, without sockets.
type scene struct {
	world    *authority.World
	names    []string // one for each certificate
	domains  []*authority.Zone
	homes    []*authority.Zone // where validation records may be
	at       int               // the home that challenge names lead to
	readOnly bool              // the homes take no changes
	met      map[string]int    // troubles
}

func newScene(certificates int) *scene {
	s := &scene{world: authority.New()}
	for n := range (certificates + perDomain - 1) / perDomain {
		z := s.world.Zone(domain(n)+".", "", "ns1.hosting.test.", "ns2.hosting.test.")
		s.domains = append(s.domains, z)
		for h := range min(perDomain, certificates-n*perDomain) {
			name := fmt.Sprintf("h%d.%s", h, domain(n))
			s.names = append(s.names, name)
			z.Text(s.aliases(name, 0))
		}
	}
	s.world.Zone("hosting.test.", "", "ns1.hosting.test.", "ns2.hosting.test.")
	for n := range 2 {
		s.homes = append(s.homes, s.world.Zone(home(n), "", "ns1.hosting.test.", "ns2.hosting.test."))
	}
	s.world.Recursor()
	return s
}

func home(n int) string { return fmt.Sprintf("auth%d.hosting.test.", n) }

// aliases are those of a certificate's challenge names, absolute.
func (s *scene) aliases(name string, to int) string {
	target := strings.ReplaceAll(name, ".", "-") + "." + home(to)
	return fmt.Sprintf("_acme-challenge.%s. CNAME %s\n_acme-challenge.www.%s. CNAME %s\n", name, target, name, target)
}

// move has all challenge names lead to the other home.
func (s *scene) move() { s.lead(1 - s.at) }

func (s *scene) lead(to int) {
	for n, name := range s.names {
		z := s.domains[n/perDomain]
		z.Remove(s.aliases(name, s.at))
		z.Add(s.aliases(name, to))
	}
	s.at = to
}

// mislead has them lead to where there is no zone.
func (s *scene) mislead() (relief func()) {
	before := s.at
	s.lead(9)
	return func() { s.lead(before) }
}

// silence lets one of two nameservers die.
func (s *scene) silence() (relief func()) {
	ns := s.world.Server("ns2.hosting.test.")
	ns.Fault(authority.Fault{Dead: true})
	return func() { ns.Fault(authority.Fault{}) }
}

// left returns the validation records that are there.
func (s *scene) left() []string {
	return append(s.homes[0].Records("TXT"), s.homes[1].Records("TXT")...)
}

func (s *scene) options(client *delegation.Client) delegation.Options {
	return delegation.Options{Client: client, Recursive: []netip.AddrPort{s.world.Recursor().Addr()}, Port: s.world.Port()}
}

func (s *scene) credentials(k *killing) dns01.Credentials {
	var all dns01.Credentials
	for n, z := range s.homes {
		c := dns01.NewCredential("home", delegation.Name(home(n)), &provider{s, z, k})
		c.Propagation.Timeout = time.Minute
		all = append(all, c)
	}
	return all
}

// provider edits a zone as a DNS service would.
type provider struct {
	*scene
	zone *authority.Zone
	*killing
}

func (p *provider) AppendRecords(_ context.Context, zone string, rs []libdns.Record) ([]libdns.Record, error) {
	return rs, p.edit(p.zone.Add, zone, rs)
}

func (p *provider) DeleteRecords(_ context.Context, zone string, rs []libdns.Record) ([]libdns.Record, error) {
	return rs, p.edit(p.zone.Remove, zone, rs)
}

func (p *provider) edit(do func(string), zone string, rs []libdns.Record) error {
	if err := p.live(); err != nil {
		return err
	}
	if p.readOnly {
		return errors.New("the service is down for maintenance")
	}
	var text strings.Builder
	for _, r := range rs {
		rr := r.RR()
		fmt.Fprintf(&text, "%s TXT %q\n", libdns.AbsoluteName(rr.Name, zone), rr.Data)
	}
	do(text.String())
	return p.live()
}

// mortal is a CA as a run sees it that may be killed.
type mortal struct {
	*killing
	ca *hostile.CA
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := m.live(); err != nil {
		return nil, err
	}
	res, err := m.ca.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusTooManyRequests {
		m.mu.Lock()
		m.refusals++
		m.mu.Unlock()
	}
	if err := m.live(); err != nil {
		return nil, err
	}
	return res, err
}

// killing is the death of a run, as by kill -9, between one call of the outside
// world and the next. There it stands still, so that its files can be taken
// away from it, and what it does after that has no effect.
type killing struct {
	killed chan struct{} // closed when it has happened
	buried chan struct{} // closed when the files are out of reach

	mu       sync.Mutex
	calls    int
	at       int // the call at which it happens; 0: never
	refusals int // by rate limits, of which a killed run remembers nothing
}

func newKilling(at int) *killing {
	return &killing{killed: make(chan struct{}), buried: make(chan struct{}), at: at}
}

// live returns an error after death.
func (k *killing) live() error {
	k.mu.Lock()
	k.calls++
	if k.calls == k.at {
		close(k.killed)
	}
	k.mu.Unlock()
	if !k.dead() {
		return nil
	}
	<-k.buried
	return errors.New("killed")
}

func (k *killing) dead() bool {
	select {
	case <-k.killed:
		return true
	default:
		return false
	}
}
