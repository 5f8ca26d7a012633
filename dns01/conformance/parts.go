package conformance

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/service"
)

func appends(s *scene) {
	owner := s.owner(0)
	s.check(s.append(s.Context(), s.record(owner, value(0))))
	s.want(owner, value(0))
	s.check(s.append(s.Context(), s.record(owner, value(1))))
	s.want(owner, value(0), value(1))
}

// The same value twice is there once, and takes the place of no other.
func repeats(s *scene) {
	owner := s.owner(0)
	for range 2 {
		s.check(s.append(s.Context(), s.record(owner, value(0)), s.record(owner, value(1))))
	}
	s.check(s.append(s.Context(), s.record(owner, value(1))))
	s.want(owner, value(0), value(1))
}

// A delegated _acme-challenge is a zone of its own: the owner is its apex.
func writesApex(s *scene) {
	s.check(s.append(s.Context(), s.record(s.Zone, value(0))))
	s.want(s.Zone, value(0))
	s.check(s.delete(s.Context(), s.record(s.Zone, value(0))))
	if s.Newest == 0 {
		s.want(s.Zone)
	}
}

// example.com and *.example.com have one owner.
func writesTwo(s *scene) {
	owner := s.owner(0)
	s.check(s.append(s.Context(), s.record(owner, value(0)), s.record(owner, value(1))))
	s.want(owner, value(0), value(1))
	s.check(s.delete(s.Context(), s.record(owner, value(0)), s.record(owner, value(1))))
	if s.Newest == 0 {
		s.want(owner)
	}
}

func deletes(s *scene) {
	s.needsRoom()
	a, b := s.owner(0), s.owner(1)
	s.check(s.append(s.Context(), s.record(a, value(0)), s.record(a, value(1)), s.record(b, value(0))))
	s.check(s.delete(s.Context(), s.record(a, value(0))))
	s.want(a, value(1))
	s.want(b, value(0))
}

func deletesAbsent(s *scene) {
	s.check(s.delete(s.Context(), s.record(s.owner(0), value(0))))
	s.want(s.owner(0))
	s.needsRoom()
	s.Add(s.owner(0), "somebody else's")
	s.check(s.delete(s.Context(), s.record(s.owner(0), value(0)), s.record(s.owner(1), value(0))))
	s.want(s.owner(0), "somebody else's")
}

// Values of others, at the same owner and elsewhere, stay through everything.
func keepsForeign(s *scene) {
	s.needsRoom()
	owners := []delegation.Name{s.owner(0), s.owner(1), s.Zone}
	for _, owner := range owners {
		s.Add(owner, "v=spf1 -all")
	}
	mine := []libdns.Record{s.record(owners[0], value(0)), s.record(s.Zone, value(0))}
	s.check(s.append(s.Context(), mine...))
	s.want(owners[0], value(0), "v=spf1 -all")
	s.want(s.Zone, value(0), "v=spf1 -all")
	s.check(s.delete(s.Context(), mine...))
	for _, owner := range owners {
		s.want(owner, "v=spf1 -all")
	}
}

func writesMany(s *scene) {
	s.needsRoom()
	var records []libdns.Record
	for i := range 40 {
		records = append(records, s.record(s.owner(i), value(i)))
	}
	s.check(s.append(s.Context(), records...))
	for i := range records {
		s.want(s.owner(i), value(i))
	}
	s.check(s.delete(s.Context(), records...))
	for i := range records {
		s.want(s.owner(i))
	}
}

// What is no validation value is written as it is, or refused as a whole.
func writesUnusual(s *scene) {
	s.needsRoom()
	values := []string{`with "quotes"`, `with \ and \"`, "a space at the end ", "$HOME `id` ; %s {} <a>", "- é", strings.Repeat("long", 100)}
	for i, v := range values {
		r := s.record(s.owner(i), v)
		if err := s.append(s.Context(), r); err != nil {
			s.want(s.owner(i))
			continue
		}
		s.want(s.owner(i), v)
		s.check(s.delete(s.Context(), r))
		s.want(s.owner(i))
	}
}

// Twenty writers at once lose nothing of each other, nor of others.
func writesSideBySide(s *scene) {
	s.needsRoom()
	owner := s.owner(0)
	s.Add(owner, "somebody else's")
	all := []string{"somebody else's"}
	for i := range 20 {
		if s.Most == 0 || len(all) < s.Most {
			all = append(all, value(i))
		}
	}
	s.sideBySide(s.append, all[1:])
	s.want(owner, all...)
	s.sideBySide(s.delete, all[1:])
	s.want(owner, "somebody else's")
}

// sideBySide does something with each of some values at the same time.
func (s *scene) sideBySide(do func(context.Context, ...libdns.Record) error, values []string) {
	var writers sync.WaitGroup
	for _, v := range values {
		writers.Go(func() {
			if err := do(s.Context(), s.record(s.owner(0), v)); err != nil {
				s.Error(err)
			}
		})
	}
	writers.Wait()
}

// A batch with one record outside the scope is refused as a whole.
func keepsToScope(s *scene) {
	inside := s.record(s.owner(0), value(0))
	outside := []string{
		"www.example.invalid.", // absolute: libdns lets it through
		s.Zone.Parent().String(),
		"beside-" + s.Zone.String(),
	}
	for _, owner := range outside {
		rr := libdns.RR{Name: owner, Type: "TXT", TTL: time.Minute, Data: value(1)}
		s.refuses(s.Zone.String(), inside, rr)
	}
	s.refuses(s.Zone.Parent().String(), libdns.RR{Name: "beside", Type: "TXT", Data: value(1)})
	s.refuses("example.invalid.", libdns.RR{Name: "www", Type: "TXT", Data: value(1)})
	s.refuses("below."+s.Zone.String(), libdns.RR{Name: "www", Type: "TXT", Data: value(1)})
	s.want(s.owner(0))
}

// refuses checks that a batch is outside the scope, to add and to remove.
func (s *scene) refuses(zone string, records ...libdns.Record) {
	s.Helper()
	for name, do := range map[string]func(context.Context, string, []libdns.Record) ([]libdns.Record, error){
		"append": s.provider.AppendRecords, "delete": s.provider.DeleteRecords,
	} {
		_, err := do(s.Context(), zone, records)
		s.shown(err)
		if _, ok := errors.AsType[*dns01.ScopeError](err); !ok {
			s.Errorf("%s %v in zone %s: got %v, want a ScopeError", name, records, zone, err)
		}
	}
}

func refusesTypes(s *scene) {
	r := libdns.RR{Name: s.owner(0).Relative(s.Zone), Type: "A", TTL: time.Minute, Data: "192.0.2.1"}
	if s.append(s.Context(), r) == nil || s.delete(s.Context(), r) == nil {
		s.Error("a record of type A: got no error")
	}
	s.want(s.owner(0))
}

func stopsWhenCancelled(s *scene) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if err := s.append(ctx, s.record(s.owner(0), value(0))); !errors.Is(err, context.Canceled) {
		s.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
	s.want(s.owner(0))
}

func doesNothing(s *scene) {
	s.check(s.append(s.Context()))
	s.check(s.delete(s.Context()))
	s.want(s.owner(0))
}

// Secrets do not show before they are read, and not afterwards.
func showsNoSecret(s *scene) {
	s.shown(s.provider)
	s.check(s.append(s.Context(), s.record(s.owner(0), value(0))))
	s.shown(s.provider)
	s.shown(dns01.NewCredential("", s.Zone, s.provider))
	l, ok := s.provider.(dns01.Labeler)
	if !ok || l.Label() == "" {
		s.Fatalf("%T: got no label", s.provider)
	}
	s.shown(l.Label())
}

// A value that would push out another one in use is an error, and not sent.
func refusesTooMany(s *scene) {
	if s.Newest == 0 {
		s.Skip("there is room for all")
	}
	var kept []string
	for i := range s.Newest {
		s.check(s.append(s.Context(), s.record(s.owner(0), value(i))))
		kept = append(kept, value(i))
	}
	if s.append(s.Context(), s.record(s.owner(0), value(s.Newest))) == nil {
		s.Errorf("value %d at one owner: got no error", s.Newest+1)
	}
	s.want(s.owner(0), kept...)
}

// What somebody else adds after we have written is not written over.
func keepsLater(s *scene) {
	s.needsRoom()
	owner := s.owner(0)
	s.check(s.append(s.Context(), s.record(owner, value(0))))
	s.Add(owner, "later")
	s.check(s.append(s.Context(), s.record(owner, value(1))))
	s.want(owner, value(0), value(1), "later")
	s.Add(owner, "later still")
	s.check(s.delete(s.Context(), s.record(owner, value(0))))
	s.want(owner, value(1), "later", "later still")
}

// A hundred values are at one owner.
func writesHundred(s *scene) {
	s.needsRoom()
	if s.Most > 0 {
		s.Skip("the service takes no more than ", s.Most)
	}
	owner := s.owner(0)
	var records []libdns.Record
	var values []string
	for i := range 100 {
		values = append(values, value(i))
		records = append(records, s.record(owner, value(i)))
	}
	s.check(s.append(s.Context(), records...))
	s.want(owner, values...)
	s.check(s.delete(s.Context(), records[:99]...))
	s.want(owner, value(99))
}

// Two programs write at the same owners at once.
func writesTwice(s *scene) {
	if s.Again == nil {
		s.Skip("the service cannot tell what has changed in between")
	}
	other := &scene{T: s.T, World: s.World, provider: s.Again()}
	owner, pairs := s.owner(0), 10
	if s.Most > 0 {
		pairs = min(pairs, (s.Most-1)/2)
	}
	s.Add(owner, "somebody else's")
	var writers sync.WaitGroup
	for i := range pairs {
		for j, who := range []*scene{s, other} {
			writers.Go(func() {
				r := s.record(owner, value(2*i+j))
				if err := who.append(s.Context(), r); err != nil {
					s.Error(err)
				}
				if err := who.delete(s.Context(), r); err != nil {
					s.Error(err)
				}
			})
		}
	}
	writers.Wait()
	s.want(owner, "somebody else's")
}

// A busy service is asked again.
func waitsWhileBusy(s *scene) {
	s.needsFaults()
	soon := http.Header{"Retry-After": {"0"}}
	s.Fail(service.Fault{Times: 2, Status: 429, Header: soon})
	s.check(s.append(s.Context(), s.record(s.owner(0), value(0))))
	s.want(s.owner(0), value(0))
}

// What the service does not want is an error that says so, and changes nothing.
func saysRefusals(s *scene) {
	s.needsFaults()
	r := s.record(s.owner(0), value(0))
	for _, status := range []int{401, 403, 404, 500, 502} {
		s.Fail(service.Fault{Times: 1000, Status: status, Body: strings.Join(s.Secrets, " ")})
		err := s.append(s.Context(), r)
		if _, refused := errors.AsType[dns01.Refusal](err); err == nil || status != 404 && refused != (status < 404) {
			s.Errorf("status %d: got %v, refusal %t", status, err, refused)
		}
		s.want(s.owner(0))
	}
	s.Fail()
	s.check(s.append(s.Context(), r))
	s.want(s.owner(0), value(0))
}

// A connection that breaks at any request loses nothing; the same again does it.
func survivesCuts(s *scene) {
	s.needsFaults()
	s.needsRoom()
	owner := s.owner(0)
	s.Add(owner, "somebody else's")
	for _, fault := range []service.Fault{{Cut: true}, {Lost: true}} {
		for after := range 6 {
			fault.After = after
			mine := s.record(owner, value(after))
			s.untilDone(fault, s.append, mine)
			s.want(owner, "somebody else's", value(after))
			s.untilDone(fault, s.delete, mine)
			s.want(owner, "somebody else's")
		}
	}
}

// untilDone does something with a fault, and if that is an error once more
// without.
func (s *scene) untilDone(f service.Fault, do func(context.Context, ...libdns.Record) error, r libdns.Record) {
	s.Fail(f)
	err := do(s.Context(), r)
	s.Fail()
	if err != nil {
		s.check(do(s.Context(), r))
	}
}

// A service that does not answer is left when the time is over.
func leavesWhenSlow(s *scene) {
	s.needsFaults()
	s.Fail(service.Fault{Times: 1000, Slow: time.Minute})
	ctx, cancel := context.WithTimeout(s.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.append(ctx, s.record(s.owner(0), value(0))); !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("slow: got %v, want %v", err, context.DeadlineExceeded)
	}
	s.want(s.owner(0))
}

// An answer that is not the service's, of a proxy for instance, is no success.
func doubtsNonsense(s *scene) {
	s.needsFaults()
	s.check(s.append(s.Context(), s.record(s.owner(1), value(0))))
	s.Fail(service.Fault{Times: 1000, Status: 200, Body: "<html>Please log in"})
	if s.append(s.Context(), s.record(s.owner(0), value(0))) == nil {
		s.Error("an answer that is none: got no error")
	}
	s.want(s.owner(0))
}

// A provider that can ask whether the key is good does so, and changes nothing.
func pings(s *scene) {
	p, ok := s.provider.(dns01.Pinger)
	if !ok {
		s.Skip("the service has nothing to ask that with")
	}
	s.check(p.Ping(s.Context(), s.Zone, []delegation.Name{s.Zone}))
	s.want(s.Zone)
	s.needsFaults()
	s.Fail(service.Fault{Times: 1000, Status: 401})
	err := p.Ping(s.Context(), s.Zone, []delegation.Name{s.Zone})
	s.shown(err)
	if _, refused := errors.AsType[dns01.Refusal](err); !refused {
		s.Errorf("ping with a key that is not accepted: got %v", err)
	}
}

// harmless is what a probe may send: something with a name, a value or an id that
// nobody has, or what only reads. At Porkbun all of that is POST.
var harmless = regexp.MustCompile(`certctl[- ]probe|2001:db8:|^DELETE .*/dns_records/[0-9a-f]{32} $|^POST .*(/token|:testIamPermissions|/dns/retrieve|/domain/listAll)`)

// A key is tried without changing anything, and without a secret in what comes of
// it, whatever the service answers.
func probes(s *scene) {
	s.needsRoom()
	p := dns01.NewCredential("", s.Zone, s.provider)
	owner := s.owner(0)
	s.Add(owner, "kept")
	s.Add(s.Zone, "kept")
	b, err := p.ProbeScope(s.Context(), s.Zone, owner)
	s.shown(b)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		s.Skip(err)
	case err != nil || len(b.Trials) == 0:
		s.Fatalf("got %v, %v, want trials", b, err)
	}
	s.probesFailing(p, owner)
	if s.Sent != nil {
		for _, request := range s.Sent() {
			if !harmless.MatchString(request) {
				s.Errorf("sent %s", request)
			}
		}
	}
	s.want(owner, "kept")
	s.want(s.Zone, "kept")
}

// probesFailing lets each request of a probe in turn be answered with secrets.
func (s *scene) probesFailing(p *dns01.Credential, owner delegation.Name) {
	if s.Fail == nil {
		return
	}
	for _, status := range []int{200, 400, 401, 403, 404} {
		for after := range 8 {
			s.Fail(service.Fault{After: after, Times: 1000, Status: status, Body: "no " + strings.Join(s.Secrets, " ")})
			b, err := p.ProbeScope(s.Context(), s.Zone, owner)
			s.shown(b)
			s.shown(err)
		}
	}
	s.Fail()
}
