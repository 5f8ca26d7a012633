package check

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/lab/authority"
	"certctl/secret"
)

const (
	domain = "www.example.com"
	owner  = "www.auth.example.net."
	apex   = "auth.example.net."
)

// bench is a world in which nothing is wrong: _acme-challenge.www.example.com
// is an alias for www.auth.example.net, where a key may write and nowhere else.
// A test changes it before it is looked at.
type bench struct {
	*authority.World
	main, net, auth *authority.Zone
	keys            []scoped // in the place of the one key
	names           []Name
	client          *delegation.Client
	checker         *Checker
	ca              *CA
}

// scoped is a key, and the scope for which it is configured.
type scoped struct {
	scope delegation.Name
	key   authority.Key
}

// newBench makes the world. change is called before it starts.
func newBench(t testing.TB, change func(b *bench)) *bench {
	t.Helper()
	w := authority.New()
	b := &bench{World: w, names: []Name{{Domain: domain}}}
	b.ca = &CA{Directory: "https://ca.test/directory", Identities: []string{"ca.test"}, Account: "https://ca.test/acct/1"}
	w.Zone(".", "", "a.root.", "b.root.")
	w.Zone("com.", "", "a.gtld.", "b.gtld.")
	w.Zone("net.", "", "a.gtld.", "b.gtld.")
	b.main = w.Zone("example.com.", `
		@   CAA 0 issue "ca.test"
		www A   192.0.2.1
		_acme-challenge.www CNAME www.auth.example.net.
	`, "ns1.example.com.", "ns2.example.com.")
	b.net = w.Zone("example.net.", "", "ns1.example.net.", "ns2.example.net.")
	b.auth = w.Zone(apex, "", "ns1.auth.example.net.", "ns2.auth.example.net.")
	if change != nil {
		change(b)
	}
	if b.keys == nil {
		b.keys = []scoped{{apex, b.auth.Key("certctl-www", owner)}}
	}
	w.Recursor()
	w.Run(t)
	for i := range b.names {
		if b.names[i].CA == nil {
			b.names[i].CA = b.ca
		}
	}
	b.client = &delegation.Client{Timeout: 400 * time.Millisecond, Retries: -1}
	b.checker = &Checker{Client: b.client, Resolver: delegation.NewResolver(delegation.Options{
		Recursive: []netip.AddrPort{w.Recursor().Addr()}, Port: w.Port(), Client: b.client,
	})}
	b.open(t)
	return b
}

// open makes credentials of the keys.
func (b *bench) open(t testing.TB) {
	t.Helper()
	for _, k := range b.keys {
		p, err := rfc2136.New(rfc2136.Config{
			Timeout: time.Second,
			TSIG:    rfc2136.TSIG{Name: k.key.Name, Algorithm: k.key.Algorithm, Secret: secret.Plain(k.key.Secret)},
		}, k.scope, dns01.Environment{Primary: b.checker.Resolver.Primary})
		if err != nil {
			t.Fatal(err)
		}
		c := dns01.NewCredential("", k.scope, p)
		c.Propagation.Timeout = time.Second
		b.checker.Credentials = append(b.checker.Credentials, c)
	}
}

// change is what a test does to a world, before it starts or afterwards. Either
// may be nil.
type change struct{ before, after func(b *bench) }

func look(t *testing.T, c change) *Report {
	t.Helper()
	b := newBench(t, c.before)
	if c.after != nil {
		c.after(b)
	}
	return b.check(t)
}

func (b *bench) check(t testing.TB) *Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	report, err := b.checker.Check(ctx, b.names)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// found returns the findings with a code.
func (r *Report) found(code Code) []Finding {
	var fs []Finding
	for _, f := range r.Findings {
		if f.Code == code {
			fs = append(fs, f)
		}
	}
	return fs
}

func (r *Report) String() string {
	var b strings.Builder
	for _, g := range r.Groups() {
		for _, f := range g.Findings {
			fmt.Fprintf(&b, "%s: %s %s: %s\n", f.Name, f.Severity, f.Code, f.Text)
			for _, e := range f.Evidence {
				fmt.Fprintf(&b, "    %s: %s: %s\n", e.Server, e.Record, e.Value)
			}
			if f.Remedy != "" {
				fmt.Fprintf(&b, "    -> %s\n", f.Remedy)
			}
		}
	}
	return b.String()
}

// ledger is a journal that counts.
type ledger struct {
	mu            sync.Mutex
	left          map[string]bool
	added         int
	failAdd       error
	valuesByOwner map[string]string
}

func (l *ledger) Add(rs []dns01.Removal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failAdd != nil {
		return l.failAdd
	}
	if l.left == nil {
		l.left, l.valuesByOwner = map[string]bool{}, map[string]string{}
	}
	for _, r := range rs {
		l.left[r.Value] = true
		l.valuesByOwner[r.Owner.String()] = r.Value
		l.added++
	}
	return nil
}

func (l *ledger) Remove(rs []dns01.Removal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rs {
		delete(l.left, r.Value)
	}
	return nil
}

// In a world in which nothing is wrong, nothing is found.
func TestAllIsWell(t *testing.T) {
	r := newBench(t, nil).check(t)
	if n := r.Count(Error) + r.Count(Warning); n > 0 {
		t.Errorf("got %d errors and warnings, want none:\n%s", n, r)
	}
	t.Logf("\n%s", r)
}
