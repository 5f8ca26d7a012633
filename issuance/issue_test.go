package issuance_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/dns01"
	"certctl/issuance"
	"certctl/lab"
	"certctl/lab/authority"
	"certctl/store"
)

// request asks for one certificate, named for its first name.
func request(names ...string) issuance.Request {
	return issuance.Request{Certificate: strings.TrimPrefix(names[0], "*."), Names: names}
}

// records returns all TXT records in the zones that take updates.
func records(l *lab.Lab) []string {
	var all []string
	for _, z := range l.Zones {
		all = append(all, z.Records("TXT")...)
	}
	return all
}

// checkClean checks that nothing is left in the DNS and in the journal.
func checkClean(t *testing.T, l *lab.Lab, i *issuance.Issuer) {
	t.Helper()
	if left := records(l); len(left) > 0 {
		t.Errorf("got records %q, want none", left)
	}
	entries, err := i.Store.Journal().Entries()
	if err != nil || len(entries) > 0 {
		t.Errorf("got journal %v, %v, want none", entries, err)
	}
}

// One update a zone and one wait for any number of certificates.
func TestBatchSharesUpdates(t *testing.T) {
	names, extend := lab.Many(20)
	l := startLab(t, lab.Options{Extend: extend})
	i := newIssuer(t, l)
	var requests []issuance.Request
	for _, name := range names {
		requests = append(requests, request(name))
	}
	for n, r := range i.Issue(t.Context(), requests) {
		if r.Err != nil || r.Certificate != names[n] || r.Saved == nil {
			t.Errorf("got %s, %v, want a certificate for %s", r.Certificate, r.Err, names[n])
		}
	}
	updates := make(map[string]int)
	for _, u := range l.World.Updates() {
		updates[u.Zone]++
	}
	if got := updates["many.example.net."]; got != 2 {
		t.Errorf("got %d updates for ten names in one zone, want 2: one to add, one to remove", got)
	}
	checkClean(t, l, i)
}

// The failure of one certificate does not touch the others, at any step.
func TestBatchIsolation(t *testing.T) {
	for _, test := range []struct {
		step  issuance.Step
		name  string
		spoil func(*lab.Lab, *issuance.Issuer)
	}{
		{issuance.Ordering, "blocked.example.org", func(*lab.Lab, *issuance.Issuer) {}},
		{issuance.Locating, "nothing.example.net", func(*lab.Lab, *issuance.Issuer) {}},
		{issuance.Publishing, "www.example.com", func(l *lab.Lab, _ *issuance.Issuer) {
			l.World.Server("ns1.acme.example.com.").Fault(authority.Fault{NoUpdates: true})
		}},
		{issuance.Waiting, "www.example.com", func(l *lab.Lab, _ *issuance.Issuer) {
			l.World.Server("ns2.acme.example.com.").Lag(authority.Never)
		}},
		{issuance.Validating, "dev.example.com", loseRecords("dev.example.com.")},
	} {
		t.Run(string(test.step), func(t *testing.T) {
			l := startLab(t, lab.Options{CA: lab.CA{Blocked: []string{"blocked.example.org"}}})
			i := newIssuer(t, l)
			for _, c := range i.Credentials {
				c.Propagation.Timeout = 2e9
			}
			test.spoil(l, i)
			rs := i.Issue(t.Context(), []issuance.Request{request("plain.example.org"), request(test.name), request("example.com")})
			var failed *issuance.StepError
			if !errors.As(rs[1].Err, &failed) || failed.Step != test.step {
				t.Errorf("%s: got error %v, want one at step %s", test.name, rs[1].Err, test.step)
			}
			if rs[0].Err != nil || rs[2].Err != nil {
				t.Errorf("the others: got errors %v and %v, want none", rs[0].Err, rs[2].Err)
			}
			checkClean(t, l, i)
		})
	}
}

// loseRecords has somebody remove all TXT records of a zone before the CA looks.
func loseRecords(apex string) func(*lab.Lab, *issuance.Issuer) {
	return func(l *lab.Lab, i *issuance.Issuer) {
		n := slices.IndexFunc(l.Zones, func(z lab.Zone) bool { return z.Apex() == apex })
		i.Watch = func(e issuance.Event) {
			if name(e) == "Began-validate" {
				l.Zones[n].Remove(strings.Join(l.Zones[n].Records("TXT"), "\n"))
			}
		}
	}
}

// Interrupted at any moment, a run removes what it published, and the next one
// takes up the same order.
func TestInterrupt(t *testing.T) {
	l := startLab(t, lab.Options{CA: lab.CA{AuthzReuse: -1}})
	l.World.Server("ns2.example.net.").Lag(0)
	for _, moment := range []string{
		"Began-order", "Ordered", "Located", "Journaled", "Published", "Began-propagate", "Observed",
		"Ended-propagate", "Began-validate", "Ended-validate", "Began-finalize",
	} {
		t.Run(moment, func(t *testing.T) {
			i := newIssuer(t, l) // with an account that has no valid authorizations
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var first, second string
			i.Watch = func(e issuance.Event) {
				note(e, &first)
				if name(e) == moment {
					cancel()
				}
			}
			rs := i.Issue(ctx, []issuance.Request{request("example.com", "www.example.com")})
			if rs[0].Err == nil && moment != "Began-finalize" {
				t.Error("got no error from an interrupted run")
			}
			checkClean(t, l, i)

			i.Watch = func(e issuance.Event) { note(e, &second) }
			rs = i.Issue(t.Context(), []issuance.Request{request("example.com", "www.example.com")})
			if rs[0].Err != nil {
				t.Fatal(rs[0].Err)
			}
			if moment != "Began-order" && first != second {
				t.Errorf("got order %s in the second run, want %s of the first", second, first)
			}
			checkClean(t, l, i)
		})
	}
}

// note keeps the URL of the order.
func note(e issuance.Event, url *string) {
	if o, ok := e.(issuance.Ordered); ok {
		*url = o.URL
	}
}

// name is the type of an event, with the step that it begins or ends.
func name(e issuance.Event) string {
	switch e := e.(type) {
	case issuance.Began:
		return "Began-" + string(e.Step)
	case issuance.Ended:
		return "Ended-" + string(e.Step)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", e), "issuance.")
}

// An order that failed is given up: its authorizations are deactivated, and the
// next run places another.
func TestGiveUp(t *testing.T) {
	l := startLab(t, lab.Options{CA: lab.CA{AuthzReuse: -1}})
	i := newIssuer(t, l)
	var url string
	i.Watch = func(e issuance.Event) { note(e, &url) }
	if rs := i.Issue(t.Context(), []issuance.Request{request("nothing.example.net")}); rs[0].Err == nil {
		t.Fatal("got a certificate, want none")
	}
	if _, err := i.Store.LoadOrder("nothing.example.net"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for the saved order, want that there is none", err)
	}
	order, err := i.Account.Order(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := order.Pending(t.Context()); err == nil || !strings.Contains(err.Error(), "deactivated") {
		t.Errorf("got %v for the authorizations, want that they are deactivated", err)
	}
}

// Current keeps what is asked for and refuses everything else.
func TestCurrent(t *testing.T) {
	l := startLab(t, lab.Options{})
	i := newIssuer(t, l)
	asked := request("plain.example.org", "dev.example.com")
	if rs := i.Issue(t.Context(), []issuance.Request{asked}); rs[0].Err != nil {
		t.Fatal(rs[0].Err)
	}
	other := func(change func(*issuance.Request)) issuance.Request {
		r := asked
		r.Names = slices.Clone(asked.Names)
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		request   issuance.Request
		directory string
		want      bool
	}{
		"the same":      {asked, l.Directory, true},
		"another order": {other(func(r *issuance.Request) { slices.Reverse(r.Names) }), l.Directory, true},
		"more names":    {other(func(r *issuance.Request) { r.Names = append(r.Names, "a.example.org") }), l.Directory, false},
		"fewer names":   {other(func(r *issuance.Request) { r.Names = r.Names[:1] }), l.Directory, false},
		"another key":   {other(func(r *issuance.Request) { r.Key = issuance.RSA2048 }), l.Directory, false},
		"profile":       {other(func(r *issuance.Request) { r.Profile = "shortlived" }), l.Directory, false},
		"another CA":    {asked, "https://ca.example/directory", false},
		"unknown":       {other(func(r *issuance.Request) { r.Certificate = "unknown" }), l.Directory, false},
	} {
		live, err := issuance.Current(i.Store, &issuance.Renewal{Request: test.request, Directory: test.directory})
		if err != nil || (live != nil) != test.want {
			t.Errorf("%s: got %v, %v, want a certificate: %t", name, live, err, test.want)
		}
	}
	kept, err := i.Store.LoadRequest(asked.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	kept.Window = &store.Window{Start: time.Now().Add(-time.Hour), End: time.Now(), Chosen: time.Now().Add(-time.Minute)}
	if err := i.Store.SaveRequest(kept); err != nil {
		t.Fatal(err)
	}
	if live, err := issuance.Current(i.Store, &issuance.Renewal{Request: asked, Directory: l.Directory}); err != nil || live != nil {
		t.Errorf("got %v, %v, want none, as the CA suggests to renew it", live, err)
	}
}

// unable is a provider that finds out that it cannot work before it sends
// anything.
type unable struct{}

func (unable) AppendRecords(context.Context, string, []libdns.Record) ([]libdns.Record, error) {
	return nil, &dns01.UnwrittenError{Err: errors.New("the secret is lost")}
}

func (unable) DeleteRecords(context.Context, string, []libdns.Record) ([]libdns.Record, error) {
	return nil, errors.New("the secret is lost")
}

// Two credentials of one zone have nothing to do with each other: what one has
// written is on record, and removed, when the other could send nothing.
func TestCredentialsOfOneZone(t *testing.T) {
	l := startLab(t, lab.Options{})
	i := newIssuer(t, l)
	narrow := dns01.NewCredential("narrow", "shop.auth.example.net.", unable{})
	narrow.Zone = "auth.example.net."
	i.Credentials = append(i.Credentials, narrow)
	rs := i.Issue(t.Context(), []issuance.Request{request("example.com"), request("shop.example.com")})
	if rs[0].Err != nil {
		t.Errorf("got %v, want a certificate", rs[0].Err)
	}
	if e, ok := errors.AsType[*issuance.StepError](rs[1].Err); !ok || e.Step != issuance.Publishing {
		t.Errorf("got %v, want that publishing failed", rs[1].Err)
	}
	checkClean(t, l, i)
}
