package issuance_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"certctl/acme"
	"certctl/issuance"
	"certctl/lab/hostile"
	"certctl/store"
)

// A name is rehearsed until the CA has issued for it. A mistake found there ends
// it; a rehearsal that cannot be held does not.
func TestRehearsal(t *testing.T) {
	oneDay(t, 5, func(t *testing.T, l *life, s *store.Store) {
		l.order(s, "h1.d0.test", "h2.d0.test")
		before := l.first.Count().Orders
		var rehearsed []string
		keeper, _ := l.keeper(s, newKilling(0))
		keeper.Rehearsal = func(_ context.Context, directory string, requests []issuance.Request) (results []*issuance.Result, err error) {
			for _, r := range requests {
				rehearsed = append(rehearsed, r.Certificate)
				result := &issuance.Result{Certificate: r.Certificate}
				switch r.Certificate {
				case "h3.d0.test":
					result.Err = &issuance.StepError{Certificate: r.Certificate, Step: issuance.Waiting, Err: errors.New("a mistake")}
				case "h4.d0.test":
					result.Err = &issuance.StepError{Certificate: r.Certificate, Step: issuance.Ordering, Err: &acme.DirectoryError{URL: directory, Err: errors.New("down")}}
				}
				results = append(results, result)
			}
			return results, nil
		}
		rs, err := keeper.Wanted(l.request())
		if err != nil {
			t.Fatal(err)
		}
		failed := map[string]error{}
		for _, r := range keeper.Renew(t.Context(), rs) {
			if r.Err != nil {
				failed[r.Certificate] = r.Err
			}
		}
		slices.Sort(rehearsed)
		if got := fmt.Sprint(rehearsed); got != "[h0.d0.test h3.d0.test h4.d0.test]" {
			t.Errorf("got rehearsals of %s, want of those without a certificate", got)
		}
		if err := failed["h3.d0.test"]; len(failed) != 1 || err == nil || !strings.Contains(err.Error(), "a mistake") {
			t.Errorf("got failures %v, want that of h3.d0.test", failed)
		}
		if got := l.first.Count().Orders - before; got != 4 {
			t.Errorf("got %d orders, want those of the other four", got)
		}
	})
}

// A CA that may not issue what is wanted does not stand in for another.
func TestPermitted(t *testing.T) {
	oneDay(t, 1, func(t *testing.T, l *life, s *store.Store) {
		l.first.Trouble(hostile.Trouble{Down: true})
		keeper, _ := l.keeper(s, newKilling(0))
		keeper.Permitted = func(_ context.Context, a *acme.Account, _ issuance.Request) error {
			if a.CA.URL == l.first.Directory() {
				t.Error("the CA that is wanted most was asked about")
			}
			return errors.New("CAA forbids it")
		}
		rs, err := keeper.Wanted(l.request())
		if err != nil {
			t.Fatal(err)
		}
		result := keeper.Renew(t.Context(), rs)[0]
		if result.Err == nil || !strings.Contains(result.Err.Error(), "order at second.test: CAA forbids it") || !strings.Contains(result.Err.Error(), "order at first.test: ") {
			t.Errorf("got %v, want what both are kept by", result.Err)
		}
		if n := l.second.Count().Orders; n != 0 {
			t.Errorf("got %d orders at the second CA, want none", n)
		}
	})
}

// What a CA says about when to come back is on disk before the run goes on.
func TestRefusalIsKeptAtOnce(t *testing.T) {
	oneDay(t, 5, func(t *testing.T, l *life, s *store.Store) {
		l.first.Pause("h4.d0.test", true)
		keeper, _ := l.keeper(s, newKilling(0))
		issuer, seen := keeper.Issuer, false
		keeper.Issuer = func(a *acme.Account) *issuance.Issuer {
			i := issuer(a)
			i.Watch = func(e issuance.Event) {
				if ended, ok := e.(issuance.Ended); ok && ended.Step == issuance.Ordering && !seen {
					seen = true
					kept, err := s.LoadRequest("h4.d0.test")
					if err != nil || kept.Refusals[l.first.Directory()].Visit == "" {
						t.Errorf("after the orders: got %+v, %v, want the place to visit", kept, err)
					}
				}
			}
			return i
		}
		rs, err := keeper.Wanted(l.request())
		if err != nil {
			t.Fatal(err)
		}
		if keeper.Renew(t.Context(), rs); !seen {
			t.Error("no orders were placed")
		}
	})
}

// What a person asks for once and cannot have is forgotten, unless there is a
// certificate already. CAs that have refused are asked all the same.
func TestIssueOnce(t *testing.T) {
	oneDay(t, 1, func(t *testing.T, l *life, s *store.Store) {
		l.first.Pause("h0.d0.test", true)
		r := l.request()[0]
		r.Fallbacks, r.Once = nil, true
		keeper, _ := l.keeper(s, newKilling(0))
		for range 2 {
			if result := keeper.Issue(t.Context(), []*issuance.Renewal{r}); result[0].Err == nil {
				t.Fatal("got no error of a CA that is paused")
			}
			if _, err := s.LoadRequest(r.Certificate); err == nil {
				t.Error("got a request to be repeated, want none")
			}
		}
		l.first.Pause("h0.d0.test", false)
		if result := keeper.Issue(t.Context(), []*issuance.Renewal{r}); result[0].Err != nil {
			t.Fatal(result[0].Err)
		}
		l.first.Pause("h0.d0.test", true)
		var err error
		if r.Kept, err = s.LoadRequest(r.Certificate); err != nil {
			t.Fatal(err)
		}
		keeper.Issue(t.Context(), []*issuance.Renewal{r})
		if kept, err := s.LoadRequest(r.Certificate); err != nil || kept.Failure == nil || kept.Failure.Next.Before(time.Now()) {
			t.Errorf("got %+v, %v, want the failure", kept, err)
		}
	})
}
