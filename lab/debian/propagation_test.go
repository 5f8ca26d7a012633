package debian_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/debian"
)

// pair is a primary and its secondary, of two brands.
type pair struct{ primary, secondary brand }

var pairs = []pair{
	{brands[0], brands[1]}, // BIND to Knot
	{brands[0], brands[3]}, // BIND to NSD
	{brands[1], brands[3]}, // Knot to NSD
	{brands[2], brands[0]}, // PowerDNS to BIND
}

// replicated is a zone on a primary, a secondary that is told of changes, and
// one that is not.
type replicated struct {
	primary, told, untold *debian.Host
	credential            *dns01.Credential
}

func newReplicated(t *testing.T, p pair) replicated {
	t.Helper()
	site, key := debian.New(t), debian.NewKey("certctl-auth")
	told, untold := site.Addr(), site.Addr()
	primary := p.primary.start(site, debian.Server{Zones: []debian.Zone{{
		Name:        authZone,
		Text:        authText,
		Grants:      []debian.Grant{{Key: key}},
		Secondaries: []netip.AddrPort{told},
	}}})
	copied := []debian.Zone{{Name: authZone, Primary: primary.Addr}}
	return replicated{
		primary:    primary,
		told:       p.secondary.start(site, debian.Server{Addr: told, Zones: copied}),
		untold:     p.secondary.start(site, debian.Server{Addr: untold, Zones: copied}),
		credential: credential(t, primary.Addr, key),
	}
}

// publish writes a value and returns what to wait for: that these servers have it.
func (r replicated) publish(t *testing.T, timeout time.Duration, servers ...*debian.Host) []dns01.Publication {
	t.Helper()
	target := &delegation.Target{Owner: "www." + authZone, Zone: authZone}
	for i, s := range servers {
		name := delegation.Name([]string{"ns1.", "ns2.", "ns3."}[i] + authZone)
		target.Servers = append(target.Servers, delegation.Server{Name: name, Addrs: []netip.AddrPort{s.Addr}})
	}
	r.credential.Propagation.Timeout = timeout
	ps := []dns01.Publication{{Grant: dns01.Grant{Target: target, Credential: r.credential}, Value: "v1"}}
	if err := dns01.Publish(t.Context(), ps); err != nil {
		t.Fatal(err)
	}
	return ps
}

func eachPair(t *testing.T, test func(*testing.T, replicated)) {
	for _, p := range pairs {
		t.Run(p.primary.name+" to "+p.secondary.name, func(t *testing.T) {
			t.Parallel()
			test(t, newReplicated(t, p))
		})
	}
}

// TestWait ends no sooner than the last secondary has the value: here, when the
// test tells it.
func TestWait(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, r replicated) {
		ps := r.publish(t, time.Minute, r.primary, r.told, r.untold)
		done := make(map[netip.AddrPort]bool)
		err := dns01.Wait(t.Context(), &delegation.Client{}, ps, func(o dns01.Observation) {
			if o.Done {
				done[o.Server.Addrs[0]] = true
			}
			if done[r.told.Addr] && !done[r.untold.Addr] {
				r.untold.Notify(authZone)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []*debian.Host{r.primary, r.told, r.untold} {
			if _, got := ask(t, h.Addr, "www."+authZone); !slices.Contains(got, "v1") || !done[h.Addr] {
				t.Errorf("%s: got %q and done %v, want v1", h.Addr, got, done[h.Addr])
			}
		}
	})
}

// TestWaitInVain ends with an error when a secondary answers without the value.
func TestWaitInVain(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, r replicated) {
		ps := r.publish(t, time.Second, r.primary, r.told, r.untold)
		eventually(t, r.told.Addr, "www."+authZone, "v1")
		err := dns01.Wait(t.Context(), &delegation.Client{}, ps, nil)
		var late *dns01.PropagationError
		if !errors.As(err, &late) {
			t.Fatalf("got %v, want a PropagationError", err)
		}
		for _, o := range late.Answers {
			if want := o.Server.Addrs[0] != r.untold.Addr; o.Done != want {
				t.Errorf("%s: got done %v (%s), want %v", o.Server.Addrs[0], o.Done, o.Answer, want)
			}
		}
		wantWords(t, "wait", err, authZone, r.untold.Addr.String(), "1 other value")
	})
}

// TestWaitBesideStoppedServer sets a dead server aside, as another one has the
// value.
func TestWaitBesideStoppedServer(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, pairs[0])
	r.untold.Stop()
	ps := r.publish(t, time.Minute, r.primary, r.told, r.untold)
	var last dns01.Observation
	err := dns01.Wait(t.Context(), &delegation.Client{}, ps, func(o dns01.Observation) {
		if o.Server.Addrs[0] == r.untold.Addr {
			last = o
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !last.Failed || last.Done {
		t.Errorf("the stopped server: got %+v, want Failed", last)
	}
}
