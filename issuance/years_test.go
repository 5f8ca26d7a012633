package issuance_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"certctl/acme"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/issuance"
	"certctl/lab/hostile"
	"certctl/store"
)

const (
	hour = time.Hour
	days = 24 * hour
)

// TestTenYears runs renew twice a day for ten years over fifty certificates,
// while everything goes wrong that does in ten years, one thing at a time. No
// certificate ends, nobody is hammered, and nothing is left behind.
func TestTenYears(t *testing.T) {
	years := 10
	if testing.Short() || raced {
		years = 2
	}
	for seed := range uint64(2) { // worlds of half the certificates each, side by side
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := memory(t)
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t, dir, seed, 25)
				for end := time.Now().AddDate(years, 0, 0); time.Now().Before(end); {
					l.halfDay()
				}
				l.settle()
			})
		})
	}
}

// memory returns a directory where waiting for the disk takes no time, if there
// is one.
func memory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "certctl-years-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// life is what the test lives through.
type life struct {
	*testing.T
	*scene
	random *rand.Rand
	first  *hostile.CA // with suggestions, profiles and the limits of Let's Encrypt
	second *hostile.CA // stands in for it, for most certificates
	dir    string
	states int // state directories so far: a crash starts another
	certs  []*issuance.Renewal

	born     time.Time
	troubles []trouble
	relief   func()    // ends the trouble of now
	until    time.Time // when it ends
	chosen   map[string]time.Time
	runs     int
	crashes  int
	worked   int // runs that ordered something
	resumed  int

	forgotten int // refusals that killed runs did not live to remember
	standIns  int
	failures  map[string]int // by step
}

func newLife(t *testing.T, dir string, seed uint64, certificates int) *life {
	s := newScene(certificates)
	l := &life{
		T: t, scene: s, random: rand.New(rand.NewPCG(seed, 2026)), dir: dir, born: time.Now(),
		chosen: map[string]time.Time{}, failures: map[string]int{},
	}
	look := hostile.In(s.world)
	profiles := map[string]time.Duration{"shortlived": 160 * hour}
	l.first = hostile.New("first.test", look, hostile.Policy{
		Lifetime: 90 * days, Profiles: profiles, Reuse: 30 * days, Windows: true, AskAgain: 23 * hour, Limits: hostile.LetsEncrypt(),
	})
	l.second = hostile.New("second.test", look, hostile.Policy{
		Lifetime: 90 * days, Profiles: profiles, Reuse: 7 * hour, Limits: hostile.LetsEncrypt(),
	})
	for n, name := range s.names {
		l.certs = append(l.certs, l.wanted(n, name))
	}
	l.troubles = l.misfortunes()
	return l
}

// wanted is the n-th certificate: the first lives for 160 hours, every third
// has a wildcard, and every fifth comes from one CA only.
func (l *life) wanted(n int, name string) *issuance.Renewal {
	r := &issuance.Renewal{Directory: l.first.Directory()}
	r.Certificate, r.Names = name, []string{name}
	if n == 0 {
		r.Profile = "shortlived"
	}
	if n%3 == 0 {
		r.Names = append(r.Names, "*."+name)
	}
	if n%5 != 4 {
		r.Fallbacks = []issuance.Choice{{Directory: l.second.Directory(), Profile: r.Profile}}
	}
	return r
}

// halfDay is one run, and the time until the next.
func (l *life) halfDay() {
	l.rules()
	l.misfortune()
	at := 0
	if l.random.IntN(40) == 0 {
		at = 1 + l.random.IntN(60)
	}
	l.run(at)
	time.Sleep(12*hour + time.Duration(l.random.Int64N(int64(hour))) - 30*time.Minute)
}

// rules shortens lifetimes, as Let's Encrypt does.
func (l *life) rules() {
	l.first.Change(func(p *hostile.Policy) {
		switch age := time.Since(l.born); {
		case age > 6*365*days:
			p.Lifetime, p.Reuse = 45*days, 7*hour
		case age > 3*365*days:
			p.Lifetime, p.Reuse = 64*days, 10*days
		}
	})
}

// run is one run of renew, which is killed at the given call of a CA or a DNS
// provider; zero for not at all.
func (l *life) run(at int) {
	l.runs++
	s := l.open()
	k := newKilling(at)
	ctx, cancel := context.WithCancel(l.Context())
	defer cancel()
	done := make(chan []*issuance.Result)
	go func() { done <- l.renew(ctx, s, k) }()
	select {
	case results := <-done:
		l.look(s, results)
	case <-k.killed:
		synctest.Wait() // everything stands still
		l.crashes++
		l.forgotten += k.refusals
		l.survive(func() {
			close(k.buried)
			cancel()
			<-done
		})
	}
}

func (l *life) open() *store.Store {
	s, err := store.Open(l.path())
	if err != nil {
		l.Fatal(err)
	}
	return s
}

func (l *life) path() string { return fmt.Sprintf("%s/%d", l.dir, l.states) }

// survive goes on with the files as they are now, whatever the killed run still
// writes to where they were.
func (l *life) survive(bury func()) {
	grave := l.path()
	l.states++
	if err := os.Rename(grave, l.path()); err != nil {
		l.Fatal(err)
	}
	bury()
	if err := os.RemoveAll(grave); err != nil {
		l.Fatal(err)
	}
}

// renew is what the command does.
func (l *life) renew(ctx context.Context, s *store.Store, k *killing) []*issuance.Result {
	keeper, credentials := l.keeper(s, k)
	if _, err := issuance.Sweep(ctx, s, credentials); err != nil && !k.dead() && !l.readOnly {
		l.Errorf("sweep: %v", err)
	}
	rs, err := keeper.Wanted(l.request())
	if err == nil {
		err = keeper.Plan(ctx, rs)
	}
	if err != nil && !k.dead() {
		l.Error(err)
	}
	now := time.Now()
	var due []*issuance.Renewal
	for _, r := range rs {
		l.check(r, k)
		if r.Due(now) {
			due = append(due, r)
		}
	}
	return keeper.Renew(ctx, due)
}

// request returns the certificates that are wanted, fresh for a run.
func (l *life) request() []*issuance.Renewal {
	var rs []*issuance.Renewal
	for _, c := range l.certs {
		r := *c
		rs = append(rs, &r)
	}
	return rs
}

func (l *life) keeper(s *store.Store, k *killing) (*issuance.Keeper, dns01.Credentials) {
	client := &delegation.Client{UDP: l.world.UDP(), TCP: l.world.TCP()}
	resolver := delegation.NewResolver(l.options(client))
	credentials := l.credentials(k)
	dial := func(ctx context.Context, directory string) (*acme.CA, error) {
		ca := l.first
		if directory == l.second.Directory() {
			ca = l.second
		}
		return acme.Dial(ctx, acme.Config{Directory: directory, Transport: &mortal{k, ca}})
	}
	return &issuance.Keeper{
		Store: s,
		Dial:  dial,
		Account: func(ctx context.Context, directory string) (*acme.Account, error) {
			ca, err := dial(ctx, directory)
			if err != nil {
				return nil, err
			}
			return issuance.OpenAccount(ctx, ca, s, acme.Registration{})
		},
		Issuer: func(a *acme.Account) *issuance.Issuer {
			return &issuance.Issuer{
				Account: a, Resolver: resolver, Client: client, Credentials: credentials, Store: s, Watch: l.note,
			}
		},
		Warn: func(string, string) {},
	}, credentials
}

func (l *life) note(e issuance.Event) {
	if o, ok := e.(issuance.Ordered); ok && o.Resumed {
		l.resumed++
	}
}

// check looks at a certificate at the beginning of a run: it has not ended, and
// the instant that was chosen in a window has not moved.
func (l *life) check(r *issuance.Renewal, k *killing) {
	if r.Kept == nil || r.Kept.Issued == nil || k.dead() {
		return
	}
	now := time.Now()
	if now.After(r.Kept.Issued.NotAfter) {
		l.Errorf("day %d: %s ended on day %d: %v", l.day(now), r.Certificate, l.day(r.Kept.Issued.NotAfter), r.Kept.Failure)
	}
	w := r.Kept.Window
	if w == nil || w.Chosen.IsZero() {
		return
	}
	key := fmt.Sprint(r.Certificate, r.Kept.Issued.Serial, w.Start, w.End)
	if before, seen := l.chosen[key]; seen && !before.Equal(w.Chosen) {
		l.Errorf("day %d: %s is to be renewed at %v, and was to be at %v in the same window", l.day(now), r.Certificate, w.Chosen, before)
	}
	l.chosen[key] = w.Chosen
}

func (l *life) day(t time.Time) int { return int(t.Sub(l.born) / days) }

// look checks what a run has left that was not killed: no record that is not in
// the journal, and none at all while the DNS can be written.
func (l *life) look(s *store.Store, results []*issuance.Result) {
	entries, err := s.Journal().Entries()
	if err != nil {
		l.Fatal(err)
	}
	left := l.left()
	if len(left) > len(entries) || len(left)+len(entries) > 0 && !l.readOnly {
		l.Errorf("day %d: got records %q after a run, and %d in the journal", l.day(time.Now()), left, len(entries))
	}
	if len(results) > 0 {
		l.worked++
	}
	for _, r := range results {
		l.tally(s, r)
	}
	if l.Failed() {
		l.FailNow()
	}
}

func (l *life) tally(s *store.Store, r *issuance.Result) {
	if r.Err != nil {
		text, _, _ := strings.Cut(r.Err.Error(), "\n")
		words := strings.SplitN(text, ": ", 3)
		l.failures[strings.Join(strings.Fields(words[min(1, len(words)-1)])[:1], " ")]++
		return
	}
	if kept, err := s.LoadRequest(r.Certificate); err == nil && kept.Directory == l.second.Directory() {
		l.standIns++
	}
}

// settle ends all trouble, and checks what must be true then.
func (l *life) settle() {
	if l.relief != nil {
		l.relief()
	}
	for range 4 {
		l.run(0)
		time.Sleep(25 * hour)
	}
	s := l.open()
	kept, err := s.Requests()
	if err != nil || len(kept) != len(l.certs) {
		l.Errorf("got %d certificates, %v, want %d", len(kept), err, len(l.certs))
	}
	for _, r := range kept {
		if r.Failure != nil {
			l.Errorf("%s: got a failure though nothing is wrong any more: %s", r.Name, r.Failure.Error)
		}
	}
	if entries, err := s.Journal().Entries(); err != nil || len(entries)+len(l.left()) > 0 {
		l.Errorf("got %d entries in the journal, %v, and records %q, want none", len(entries), err, l.left())
	}
	l.judge("first", l.first.Count())
	l.judge("second", l.second.Count())
	l.Logf("%d runs, %d with something to do, %d killed; %d orders taken up again; %d certificates from the second CA; failures by step: %v",
		l.runs, l.worked, l.crashes, l.resumed, l.standIns, l.failures)
	l.Logf("troubles: %v", l.met)
}

// judge checks what a CA has seen.
func (l *life) judge(name string, n hostile.Count) {
	l.Logf("%s CA: %d requests, %d orders (%d exempt from limits), %d certificates, %d failed authorizations, refused by limits: %v",
		name, n.Requests, n.Orders, n.Exempt, n.Issued, n.Failed, n.Limited)
	if n.Hammered > l.forgotten {
		l.Errorf("the %s CA was asked %d times before the time that it had named", name, n.Hammered)
	}
	for _, kind := range slices.Sorted(maps.Keys(n.Limited)) {
		if kind != "domain" { // which somebody else uses up now and then
			l.Errorf("the %s CA has refused %d orders because of its limit of %s", name, n.Limited[kind], kind)
		}
	}
}
