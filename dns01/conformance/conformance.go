package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/service"
)

// World is the service behind a provider, as its owner sees it.
type World struct {
	Zone    delegation.Name                           // which is the provider's scope too
	Values  func(owner delegation.Name) []string      // all that is there, in any order
	Add     func(owner delegation.Name, value string) // adds a value of somebody else
	Secrets []string                                  // of the provider; must show nowhere

	// Again returns a second provider at the same service, as another program
	// would have; nil where the service has nothing by which the two could know of
	// each other.
	Again func() dns01.Provider

	// Fail lets the service's next requests meet faults; nil where it cannot.
	Fail func(...service.Fault)

	// Sent returns what was asked with other methods than GET since the last time;
	// nil where nobody has noted that.
	Sent func() []string

	// Most is how many values the service takes at an owner; 0: as many as you
	// like.
	Most int

	// Newest is for services like acme-dns, which have one place (the zone's
	// apex), keep so many of the newest values there and remove none.
	Newest int
}

// Test runs all parts of the test.
func Test(t *testing.T, begin func(*testing.T) (dns01.Provider, World)) {
	parts := map[string]func(*scene){
		"append":          appends,
		"idempotent":      repeats,
		"apex":            writesApex,
		"two at once":     writesTwo,
		"scope":           keepsToScope,
		"other types":     refusesTypes,
		"cancelled":       stopsWhenCancelled,
		"nothing to do":   doesNothing,
		"secrets":         showsNoSecret,
		"delete":          deletes,
		"delete absent":   deletesAbsent,
		"foreign values":  keepsForeign,
		"many owners":     writesMany,
		"unusual values":  writesUnusual,
		"many writers":    writesSideBySide,
		"beyond capacity": refusesTooMany,
		"later values":    keepsLater,
		"hundred values":  writesHundred,
		"two programs":    writesTwice,
		"busy":            waitsWhileBusy,
		"refused":         saysRefusals,
		"outcomes":        knowsOutcomes,
		"errors":          saysWhatIsWrong,
		"cut":             survivesCuts,
		"slow":            leavesWhenSlow,
		"nonsense":        doubtsNonsense,
		"ping":            pings,
		"probe":           probes,
	}
	for name, part := range parts {
		t.Run(name, func(t *testing.T) {
			p, w := begin(t)
			if w.Fail != nil {
				t.Parallel() // a service that fails is asked again after a while
			}
			part(&scene{T: t, World: w, provider: p})
		})
	}
}

// scene is one part of the test.
type scene struct {
	*testing.T
	World
	provider dns01.Provider
	mu       sync.Mutex // for errors seen
}

// needsRoom skips what a service that keeps a few values at one place cannot do.
func (s *scene) needsRoom() {
	s.Helper()
	if s.Newest > 0 {
		s.Skip("the service has one place and removes nothing")
	}
}

// needsFaults skips what needs a service that fails on demand.
func (s *scene) needsFaults() {
	s.Helper()
	if s.Fail == nil {
		s.Skip("the service does not fail on demand")
	}
}

// owner returns the nth owner name in the zone.
func (s *scene) owner(n int) delegation.Name {
	if s.Newest > 0 {
		return s.Zone
	}
	return delegation.Name(fmt.Sprintf("owner-%d.%s", n, s.Zone))
}

// value returns the nth value, which looks as RFC 8555 §8.4 has it.
func value(n int) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(n)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *scene) record(owner delegation.Name, value string) libdns.Record {
	return libdns.RR{Name: owner.Relative(s.Zone), Type: "TXT", TTL: time.Minute, Data: value}
}

// append appends, and returns an error without secrets.
func (s *scene) append(ctx context.Context, records ...libdns.Record) error {
	_, err := s.provider.AppendRecords(ctx, s.Zone.String(), records)
	s.shown(err)
	return err
}

// delete deletes records, whatever their TTL.
func (s *scene) delete(ctx context.Context, records ...libdns.Record) error {
	for i, r := range records {
		rr := r.RR()
		rr.TTL = 0
		records[i] = rr
	}
	_, err := s.provider.DeleteRecords(ctx, s.Zone.String(), records)
	s.shown(err)
	return err
}

// shown checks that something, printed in any way, has no secret in it.
func (s *scene) shown(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x", "%d"} {
		text := fmt.Sprintf(verb, v)
		for _, secret := range s.Secrets {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				s.Errorf("%T printed with %s: got a secret in %s", v, verb, text)
			}
		}
	}
	if h, ok := v.(interface{ Hint() string }); ok {
		s.shownHint(h.Hint())
	}
}

func (s *scene) shownHint(hint string) {
	for _, secret := range s.Secrets {
		if strings.Contains(hint, secret) {
			s.Errorf("hint: got a secret in %s", hint)
		}
	}
}

func (s *scene) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// want checks what is at an owner.
func (s *scene) want(owner delegation.Name, values ...string) {
	s.Helper()
	got, want := slices.Sorted(slices.Values(s.Values(owner))), slices.Sorted(slices.Values(values))
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("values at %s (-want +got):\n%s", owner, diff)
	}
}
