package issuance

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"certctl/acme"
	"certctl/store"
)

// day is the first of the tests: midnight in synctest's time.
var day = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestSchedule(t *testing.T) {
	asked := Request{Names: []string{"example.com", "www.example.com"}, Key: ECDSAP256}
	kept := func(change func(*store.Request)) *store.Request {
		k := &store.Request{
			Names: []string{"www.example.com", "example.com"}, KeyType: "ecdsa-p256", Directory: "https://ca.example/",
			Issued: &store.Issued{NotBefore: day, NotAfter: day.AddDate(0, 0, 90)},
		}
		change(k)
		return k
	}
	for _, test := range []struct {
		name string
		kept *store.Request
		live bool
		at   time.Time
		why  string
	}{
		{"never issued", nil, false, time.Time{}, "there is none yet"},
		{"failed at first", kept(func(k *store.Request) { k.Issued = nil }), false, time.Time{}, "there is none yet"},
		{"files are gone", kept(func(*store.Request) {}), false, time.Time{}, "there is none yet"},
		{"ninety days", kept(func(*store.Request) {}), true, day.AddDate(0, 0, 60), "lifetime"},
		{"six days", kept(func(k *store.Request) { k.Issued.NotAfter = day.AddDate(0, 0, 6) }), true, day.AddDate(0, 0, 3), "lifetime"},
		{"names", kept(func(k *store.Request) { k.Names = k.Names[:1] }), true, time.Time{}, "names"},
		{"key", kept(func(k *store.Request) { k.KeyType = "rsa-2048" }), true, time.Time{}, "key type"},
		{"profile", kept(func(k *store.Request) { k.Profile = "shortlived" }), true, time.Time{}, "profile"},
		{"CA", kept(func(k *store.Request) { k.Directory = "https://other.example/" }), true, time.Time{}, "CA has changed"},
		{"suggested", kept(func(k *store.Request) {
			k.Window = &store.Window{Chosen: day.AddDate(0, 0, 7), Explanation: "https://ca.example/why"}
		}),
			true, day.AddDate(0, 0, 7), "the CA suggests it: https://ca.example/why"},
		{"suggested too late", kept(func(k *store.Request) { k.Window = &store.Window{Chosen: day.AddDate(0, 0, 89)} }),
			true, day.AddDate(0, 0, 75), "a later time"},
		{"chain", kept(func(k *store.Request) { k.Chain = "Root" }), true, time.Time{}, "preferred chain"},
		{"stapling", kept(func(k *store.Request) { k.Staple = true }), true, time.Time{}, "stapling"},
		{"nothing suggested", kept(func(k *store.Request) { k.Window = &store.Window{AskAgain: day} }), true, day.AddDate(0, 0, 60), "lifetime"},
	} {
		r := &Renewal{Request: asked, Directory: "https://ca.example/", Kept: test.kept}
		r.schedule(test.live)
		if !r.At.Equal(test.at) || !strings.Contains(r.Why, test.why) {
			t.Errorf("%s: got %v because %q, want %v because %q", test.name, r.At, r.Why, test.at, test.why)
		}
	}
}

// What falls due before the next run is ordered now, where the window is over by
// then or has begun.
func TestAdvance(t *testing.T) {
	const run = 12 * time.Hour
	at := func(hours int) time.Time { return day.Add(time.Duration(hours) * time.Hour) }
	for _, test := range []struct {
		name               string
		start, chosen, end int // hours from now
		want               int
	}{
		{"long after the next run", -1, 13, 20, 13},
		{"at the next run", -1, 12, 20, 12},
		{"in the window already", -1, 5, 20, 0},
		{"the window begins now", 0, 5, 20, 0},
		{"over before the next run", 1, 5, 11, 0},
		{"over at the next run", 1, 5, 12, 0},
		{"the next run is in the window", 1, 5, 20, 5},
		{"due since", -9, -5, 20, -5},
	} {
		r := &Renewal{At: at(test.chosen), Kept: &store.Request{Window: &store.Window{Start: at(test.start), Chosen: at(test.chosen), End: at(test.end)}}}
		r.advance(day, day.Add(run))
		if !r.At.Equal(at(test.want)) {
			t.Errorf("%s: got %v, want %v", test.name, r.At, at(test.want))
		}
	}
	for name, r := range map[string]*Renewal{
		"by its lifetime": {At: at(5), Kept: &store.Request{Window: &store.Window{Start: at(-1), End: at(20)}}},
		"no window":       {At: at(5), Kept: &store.Request{}},
		"never issued":    {At: at(5)},
	} {
		if r.advance(day, day.Add(run)); !r.At.Equal(at(5)) {
			t.Errorf("%s: got %v, want %v", name, r.At, at(5))
		}
	}
}

func TestBackOff(t *testing.T) {
	cause := errors.New("no route")
	later := day.Add(30 * time.Hour)
	limited := fmt.Errorf("order: %w", &acme.Problem{Type: "rateLimited", RetryAfter: later})
	paused := &acme.ValidationError{Refused: []acme.Refusal{{Name: "a", Problem: &acme.Problem{Type: "rateLimited", Detail: "Please visit: https://ca.example/unpause?jwt=x"}}}}
	for _, test := range []struct {
		name    string
		count   int // of failures before
		err     error
		expires time.Time
		next    time.Duration
		visit   string
	}{
		{"first", 0, cause, time.Time{}, time.Hour, ""},
		{"third", 2, cause, time.Time{}, 4 * time.Hour, ""},
		{"hundredth", 99, cause, time.Time{}, 24 * time.Hour, ""},
		{"soon to end", 99, cause, day.Add(50 * time.Hour), 5 * time.Hour, ""},
		{"about to end", 99, cause, day.Add(time.Hour), 15 * time.Minute, ""},
		{"ended", 2, cause, day.Add(-time.Hour), 4 * time.Hour, ""},
		{"ended long ago", 99, cause, day.Add(-1000 * time.Hour), 6 * time.Hour, ""},
		{"limited", 0, limited, time.Time{}, 30 * time.Hour, ""},
		{"paused", 0, paused, time.Time{}, time.Hour, "https://ca.example/unpause?jwt=x"},
	} {
		kept := &store.Request{Failure: &store.Failure{Count: test.count}}
		if !test.expires.IsZero() {
			kept.Issued = &store.Issued{NotAfter: test.expires}
		}
		r := &Renewal{Directory: "https://ca.example/", Kept: kept}
		r.fail(day, []setback{{"https://ca.example/", test.err}})
		f := kept.Failure
		if next := f.Next.Sub(day); next != test.next || f.Visit != test.visit || f.Count != test.count+1 {
			t.Errorf("%s: got next try after %v, visit %q, count %d, want %v, %q, %d", test.name, next, f.Visit, f.Count, test.next, test.visit, test.count+1)
		}
	}
}

// Where all CAs have said when to come back, the first of these times counts; one
// that wants to see a person says none.
func TestReopens(t *testing.T) {
	refusal := func(after time.Duration) error {
		if after == 0 {
			return &acme.Problem{Type: "rateLimited", Detail: "Please visit: https://ca.example/unpause"}
		}
		return &acme.Problem{Type: "rateLimited", RetryAfter: day.Add(after)}
	}
	for _, hours := range [][]time.Duration{{30, 20, 40}, {20, 30, 40}, {40, 30, 20}, {0, 20, 30}, {20, 0, 30}, {30, 20, 0}} {
		r := &Renewal{Directory: "a", Fallbacks: []Choice{{Directory: "b"}, {Directory: "c"}}, Kept: &store.Request{}}
		var all []setback
		for n, c := range r.choices() {
			all = append(all, setback{c.Directory, refusal(hours[n] * time.Hour)})
		}
		r.fail(day, all)
		if next := r.Kept.Failure.Next; !next.Equal(day.Add(20 * time.Hour)) {
			t.Errorf("%d: got next try at %v, want after 20 hours", hours, next)
		}
	}
}

func TestHeld(t *testing.T) {
	r := &Renewal{Kept: &store.Request{Failure: &store.Failure{Count: 2, Next: day.Add(time.Hour)}}}
	if r.Due(day) || !r.Due(day.Add(time.Hour)) {
		t.Error("got due before the next try, or not due after it")
	}
	r.Kept.Failure.Visit = "https://ca.example/unpause"
	r.Kept.Refusals = map[string]store.Refusal{"": {Visit: r.Kept.Failure.Visit}}
	if r.Due(day.AddDate(1, 0, 0)) {
		t.Error("got due although a person has to do something first")
	}
}

// A run whose clock is years ahead does not keep the next ones, with the right
// time, from renewing.
func TestWrongClock(t *testing.T) {
	wrong := day.AddDate(30, 0, 0)
	kept := &store.Request{
		Names: []string{"example.com"}, KeyType: "ecdsa-p256", Directory: "https://ca.example/",
		Issued: &store.Issued{NotBefore: day, NotAfter: day.AddDate(0, 0, 90)},
		Window: &store.Window{AskAgain: wrong.Add(6 * time.Hour)},
	}
	r := &Renewal{Request: Remembered(kept), Directory: kept.Directory, Kept: kept}
	r.schedule(true)
	r.fail(wrong, []setback{{"https://ca.example/", errors.New("the server's certificate has expired")}})
	now := day.AddDate(0, 0, 60)
	if r.Held(now) != "" || !r.Due(now) {
		t.Errorf("got %q, want that it is due", r.Held(now))
	}
	if r.Held(wrong) == "" {
		t.Error("got that a failure is tried again at once")
	}
	if !r.asksAgain(now) {
		t.Error("got that the CA is not asked for thirty years")
	}
}

// The instant in a window is chosen once, and again when the window moves.
func TestChosenInstant(t *testing.T) {
	suggested := &acme.RenewalWindow{Start: day, End: day.AddDate(0, 0, 2)}
	first := moved(&store.Window{}, suggested)
	if first.Chosen.Before(first.Start) || !first.Chosen.Before(first.End) {
		t.Errorf("got %v, want an instant from %v to %v", first.Chosen, first.Start, first.End)
	}
	for range 10 {
		if again := moved(first, suggested); !again.Chosen.Equal(first.Chosen) {
			t.Errorf("got %v in the same window, want %v as before", again.Chosen, first.Chosen)
		}
	}
	for _, w := range []*acme.RenewalWindow{
		{Start: suggested.Start, End: suggested.Start.Add(1)},
		{Start: suggested.End.Add(-1), End: suggested.End},
	} {
		if after := moved(first, w); !after.Chosen.Equal(w.Start) {
			t.Errorf("got %v, want an instant from %v to %v, of which one end has moved", after.Chosen, w.Start, w.End)
		}
	}
	past := &acme.RenewalWindow{Start: day.AddDate(-1, 0, 0), End: day.AddDate(-1, 0, 1)}
	if after := moved(first, past); !after.Chosen.Before(past.End) {
		t.Errorf("got %v, want an instant in the window that has moved to the past", after.Chosen)
	}
}

// A CA that is down is asked again after a while, and holds up nothing.
func TestPlanWithoutCA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		kept := &store.Request{
			Name: "web", Names: []string{"example.com"}, KeyType: "ecdsa-p256", Directory: "https://ca.example/",
			Issued: &store.Issued{NotBefore: day, NotAfter: day.AddDate(0, 0, 90)},
		}
		r := &Renewal{Request: Remembered(kept), Directory: kept.Directory, Kept: kept}
		asked := 0
		dial := func(string) (*acme.CA, error) {
			asked++
			return nil, errors.New("down")
		}
		for _, want := range []int{1, 1, 2} {
			r.schedule(true)
			if r.asksAgain(time.Now()) {
				if err := r.ask(t.Context(), s, dial); err == nil {
					t.Error("got no error of a CA that is down")
				}
			}
			if asked != want || !r.At.Equal(day.AddDate(0, 0, 60)) {
				t.Errorf("got asked %d times, due at %v, want %d times, due by the lifetime", asked, r.At, want)
			}
			time.Sleep(40 * time.Minute)
		}
	})
}
