// Package differential compares delegation.Resolver with resolvers that do not
// know of it, in worlds made at random.
//
// A certificate authority finds a validation record by asking a recursive
// resolver. So the question is not what the standards say, but whether such a
// resolver finds a record at the place that ours names, and whether ours
// names a place wherever it would find one. The referee is lab/authority's
// Recursor, in the process and fast, and Unbound with the settings of Let's
// Encrypt.
//
//	go test ./delegation/differential -run Differential -worlds=5000
//	go test ./delegation/differential -run Differential/Unbound -seed=17 -worlds=1
//
// A world in which the two disagree is shrunk and printed. As a file in
// testdata it is judged in each run from then on; in testdata/pending it is
// skipped until it is mended.
package differential

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/debian"
)

var (
	seed   = flag.Uint64("seed", 1, "seed of the first world")
	worlds = flag.Uint64("worlds", 300, "worlds to make")
)

// TestMain runs more worlds side by side than there are processors: they
// mostly wait for dead servers.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		flag.Set("test.parallel", "64")
	}
	os.Exit(m.Run())
}

// judge serves a world and compares all its names.
type judge struct {
	name  string
	serve func(testing.TB, *world) []disagreement
	tries int // how often it may fail to find a record that is there
}

var judges = []judge{
	{"Recursor", besideRecursor, 1},
	{"Unbound", besideUnbound, 4},
}

// firmly returns the disagreements that we do not mean to have. Unbound asks
// servers in random order and gives up after so many that do not answer: a
// record that it finds once is in the right place.
func (j judge) firmly(t testing.TB, w *world) []disagreement {
	all := j.serve(t, w)
	for range j.tries - 1 {
		doubtful := w.clone()
		doubtful.names = nil
		for _, d := range all {
			if d.kind == unseen && !isMeant(w, d) {
				doubtful.names = append(doubtful.names, d.name)
			}
		}
		if doubtful.names == nil {
			break
		}
		again := j.serve(t, doubtful)
		all = slices.DeleteFunc(all, func(d disagreement) bool {
			return slices.Contains(doubtful.names, d.name) && !d.isAmong(again)
		})
	}
	return slices.DeleteFunc(all, func(d disagreement) bool { return isMeant(w, d) })
}

func TestDifferential(t *testing.T) {
	for _, judge := range judges {
		t.Run(judge.name, func(t *testing.T) {
			for s := *seed; s < *seed+*worlds; s++ {
				t.Run(fmt.Sprint(s), func(t *testing.T) {
					t.Parallel()
					compare(t, judge, generate(s))
				})
			}
		})
	}
}

// TestDifferentialFiles judges worlds in which there was a disagreement once.
func TestDifferentialFiles(t *testing.T) {
	for _, judge := range judges {
		for _, path := range glob(t, "testdata/*.world") {
			t.Run(judge.name+"/"+filepath.Base(path), func(t *testing.T) {
				t.Parallel()
				compare(t, judge, load(t, path))
			})
		}
		for _, path := range glob(t, "testdata/pending/*.world") {
			t.Run(judge.name+"/pending/"+filepath.Base(path), func(t *testing.T) {
				t.Parallel()
				t.Skipf("not yet mended: %v", judge.serve(t, load(t, path)))
			})
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func load(t *testing.T, path string) *world {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := parseWorld(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return w
}

// compare judges a world, and shows a smaller one for what is wrong first.
func compare(t *testing.T, judge judge, w *world) {
	t.Helper()
	real := func(w *world) []disagreement { return judge.firmly(t, w) }
	all := real(w)
	if len(all) == 0 {
		return
	}
	for _, d := range all {
		t.Error(d)
	}
	small := shrink(w, all[0], real)
	t.Logf("as small as it gets, the world is\n%s\nand there: %v", small, real(small))
}

// besideRecursor judges without sockets and without waiting.
func besideRecursor(t testing.TB, w *world) (all []disagreement) {
	synctest.Test(t.(*testing.T), func(t *testing.T) {
		built, zones := w.build()
		addr := built.Recursor().Addr()
		s := &served{
			world: w,
			zones: zones,
			resolver: delegation.NewResolver(delegation.Options{
				Recursive: []netip.AddrPort{addr},
				Client:    &delegation.Client{UDP: built.UDP(), TCP: built.TCP()},
			}),
			referee: &referee{addr: addr, exchange: built.TCP()},
		}
		all = s.judge(t.Context())
	})
	return all
}

// unboundMemory: what has a TTL of 0 is good for the rest of the second, and
// a name that led to SERVFAIL is not tried again for five.
var unboundMemory = memory{answers: time.Second, failures: 5 * time.Second}

// unboundTimeout is longer than it takes Unbound either to answer or not to
// answer at all: what took more than 1.9 s it keeps to itself, and is done with
// sooner when it is asked again.
const unboundTimeout = 2500 * time.Millisecond

// besideUnbound judges with a fresh Unbound for each world.
func besideUnbound(t testing.TB, w *world) []disagreement {
	scope := &scope{TB: t}
	defer scope.end()
	site := debian.New(scope)
	if site.Port != 53 {
		without(t, "Unbound follows NS records to port 53 only, which takes privileges to listen on")
	}
	built, zones := w.build()
	built.Listen(53).Run(scope)
	roots := built.Server(rootServer).Addrs()
	site.Serves(debian.Delegation{Zone: ".", Servers: roots})
	unbound := site.Unbound().Addr
	s := &served{
		world: w,
		zones: zones,
		resolver: delegation.NewResolver(delegation.Options{
			Recursive: []netip.AddrPort{unbound},
			Client:    &delegation.Client{Timeout: time.Second},
		}),
		referee: &referee{addr: unbound, exchange: &dns.Client{Timeout: unboundTimeout}, memory: unboundMemory},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	return s.judge(ctx)
}

// without ends a test that cannot have what it needs.
func without(t testing.TB, message string) {
	t.Helper()
	if os.Getenv("CERTCTL_REQUIRE_SERVERS") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

// scope ends what was started for one world before the test is over: a test
// may need many worlds to find a small one.
type scope struct {
	testing.TB
	cleanups []func()
}

// Failed keeps servers from showing their logs.
func (s *scope) Failed() bool { return false }

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scope) end() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}

func TestWorldText(t *testing.T) {
	for s := range uint64(100) {
		want := generate(s).String()
		w, err := parseWorld(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.String(); got != want {
			t.Fatalf("seed %d: got\n%s\nwant\n%s", s, got, want)
		}
	}
	for _, text := range []string{"\tx. TXT a", "server ns.x. sleepy", "zone x.", "name a..b", "sun x."} {
		if w, err := parseWorld(text); err == nil || !strings.HasPrefix(err.Error(), "line 1: ") {
			t.Errorf("%q: got %v, %v, want an error in line 1", text, w, err)
		}
	}
}
