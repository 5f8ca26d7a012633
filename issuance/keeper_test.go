package issuance_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"certctl/issuance"
	"certctl/lab"
	"certctl/lab/hostile"
	"certctl/store"
)

// oneDay runs a short life in which nothing goes wrong by itself.
func oneDay(t *testing.T, certificates int, do func(t *testing.T, l *life, s *store.Store)) {
	t.Helper()
	dir := memory(t)
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, dir, 1, certificates)
		do(t, l, l.open())
	})
}

// order renews everything, due or not, and returns the errors by certificate.
func (l *life) order(s *store.Store, only ...string) map[string]error {
	k := newKilling(0)
	keeper, _ := l.keeper(s, k)
	rs, err := keeper.Wanted(l.request())
	if err = errors.Join(err, keeper.Plan(l.Context(), rs)); err != nil {
		l.Fatal(err)
	}
	rs = slices.DeleteFunc(rs, func(r *issuance.Renewal) bool {
		return len(only) > 0 && !slices.Contains(only, r.Certificate) || !r.Due(time.Now())
	})
	failed := map[string]error{}
	for _, r := range keeper.Renew(l.Context(), rs) {
		failed[r.Certificate] = r.Err
	}
	return failed
}

// Two certificates for the same names, with keys of two kinds, come both: a CA
// that has an order for them under way gives it to whoever orders the same.
func TestSameNames(t *testing.T) {
	oneDay(t, 2, func(t *testing.T, l *life, s *store.Store) {
		twin := *l.certs[0]
		twin.Certificate, twin.Key = "twin", issuance.RSA2048
		l.certs = append(l.certs, &twin)
		for name, err := range l.order(s) {
			if err != nil {
				t.Errorf("%s: got %v, want a certificate", name, err)
			}
		}
		live, err := s.LoadCertificate("twin")
		if err != nil || issuance.KeyTypeOf(live.Leaf.PublicKey) != issuance.RSA2048 {
			t.Errorf("got %v, %v, want a certificate with a key of RSA", live, err)
		}
		if n := l.second.Count(); n.Orders != 0 {
			t.Errorf("got %d orders at the second CA, want none", n.Orders)
		}
	})
}

// The times of those that go one after the other are added up.
func TestSameNamesTimings(t *testing.T) {
	l := startLab(t, lab.Options{})
	i := newIssuer(t, l)
	one, two := request("plain.example.org"), request("plain.example.org")
	two.Certificate = "two"
	began := map[issuance.Step]int{}
	took := map[issuance.Step]time.Duration{}
	i.Watch = func(e issuance.Event) {
		if ended, ok := e.(issuance.Ended); ok {
			began[ended.Step]++
			took[ended.Step] += ended.Took
		}
	}
	for _, r := range i.Issue(t.Context(), []issuance.Request{one, two}) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		for _, timing := range r.Timings {
			if timing.Took != took[timing.Step] {
				t.Errorf("%s: got %v for %s, want %v", r.Certificate, timing.Took, timing.Step, took[timing.Step])
			}
		}
	}
	if began[issuance.Finalizing] != 2 {
		t.Errorf("got %d times the step finalize, want 2", began[issuance.Finalizing])
	}
}

// A paused CA is not asked again until somebody says so; the other one is, and
// what comes from there does not end that.
func TestPausedCA(t *testing.T) {
	oneDay(t, 5, func(t *testing.T, l *life, s *store.Store) {
		l.first.Pause("h0.d0.test", true) // with a second choice
		l.first.Pause("h4.d0.test", true) // without
		failed := l.order(s)
		if err := failed["h4.d0.test"]; err == nil || !strings.Contains(err.Error(), "temporarily prevented") {
			t.Errorf("got %v, want the CA's words", err)
		}
		delete(failed, "h4.d0.test")
		for name, err := range failed {
			if err != nil {
				t.Errorf("%s: got %v, want a certificate", name, err)
			}
		}
		kept, err := s.LoadRequest("h4.d0.test")
		if err != nil || kept.Failure == nil || !strings.HasPrefix(kept.Failure.Visit, "https://first.test/unpause") {
			t.Errorf("got %+v, %v, want the place to visit", kept, err)
		}
		time.Sleep(100 * days)
		if failed := l.order(s); failed["h4.d0.test"] != nil || len(failed) != 4 {
			t.Errorf("got orders %v, want the other four", failed)
		}
		if n := l.first.Count(); n.Limited["paused"] != 2 {
			t.Errorf("got %d orders that the CA had to refuse, want 2", n.Limited["paused"])
		}
		l.first.Pause("h4.d0.test", false)
		r := l.request()[4]
		r.Kept = kept
		if err := issuance.Forgive(s, []*issuance.Renewal{r}); err != nil {
			t.Fatal(err)
		}
		if failed := l.order(s); failed["h4.d0.test"] != nil || len(failed) != 1 {
			t.Errorf("got orders %v, want one that is well", failed)
		}
	})
}

// Once the CA takes no more orders of the account, no other is put to it.
func TestAccountWideLimit(t *testing.T) {
	oneDay(t, 25, func(t *testing.T, l *life, s *store.Store) {
		l.first.Change(func(p *hostile.Policy) { p.Limits.Orders = hostile.Limit{Count: 5, Per: 3 * hour} })
		l.second.Trouble(hostile.Trouble{Down: true})
		issued := 0
		for _, err := range l.order(s) {
			if err == nil {
				issued++
			} else if !strings.Contains(err.Error(), "too many new orders") {
				t.Errorf("got %v, want the limit", err)
			}
		}
		if n := l.first.Count(); issued != 5 || n.Limited["orders"] > 8 {
			t.Errorf("got %d certificates and %d orders refused, want 5, and no more refused than are on their way at once", issued, n.Limited["orders"])
		}
	})
}

// An order that the CA is still at work on is taken up by the next run.
func TestProcessing(t *testing.T) {
	oneDay(t, 5, func(t *testing.T, l *life, s *store.Store) {
		l.first.Trouble(hostile.Trouble{Processing: hour})
		if err := l.order(s, "h4.d0.test")["h4.d0.test"]; err == nil || !strings.Contains(err.Error(), "not done") {
			t.Fatalf("got %v, want that the CA is not done", err)
		}
		time.Sleep(2 * hour)
		if err := l.order(s, "h4.d0.test")["h4.d0.test"]; err != nil {
			t.Error(err)
		}
		if n := l.first.Count(); n.Orders != 1 || n.Issued != 1 {
			t.Errorf("got %d orders and %d certificates, want one of each", n.Orders, n.Issued)
		}
	})
}

// A suggestion that cannot be met at the next run any more is met now; one
// that can is waited for.
func TestNextRun(t *testing.T) {
	oneDay(t, 1, func(t *testing.T, l *life, s *store.Store) {
		l.order(s)
		renewed := time.Now()
		for range 6 {
			time.Sleep(23 * hour)
			if failed := l.order(s); len(failed) > 0 {
				break
			}
		}
		middle := renewed.Add(80 * hour) // of 160
		if now := time.Now(); now.After(middle) || now.Before(middle.Add(-24*hour)) {
			t.Errorf("got the renewal after %v, want the last run before the window in the middle of 160 hours", now.Sub(renewed))
		}
	})
}

// That a CA is down is told once, and not for each certificate.
func TestDeafCA(t *testing.T) {
	oneDay(t, 25, func(t *testing.T, l *life, s *store.Store) {
		l.order(s)
		l.first.Trouble(hostile.Trouble{Down: true})
		time.Sleep(24 * hour)
		keeper, _ := l.keeper(s, newKilling(0))
		told := 0
		keeper.Warn = func(string, string) { told++ }
		rs, err := keeper.Wanted(l.request())
		if err := errors.Join(err, keeper.Plan(context.Background(), rs)); err != nil {
			t.Fatal(err)
		}
		if told != 1 {
			t.Errorf("got told %d times that the CA is down, want once", told)
		}
	})
}
