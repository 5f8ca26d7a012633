package values

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/store"
)

const (
	auth = delegation.Name("auth.example.net.")
	www  = delegation.Name("www.auth.example.net.")
	deep = delegation.Name("a.b.auth.example.net.")
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, s *Store, list ...Value) {
	t.Helper()
	if err := s.Put(auth, list...); err != nil {
		t.Fatal(err)
	}
}

// texts returns what is at an owner, with the key of each.
func texts(s *Store, owner delegation.Name) string {
	var list []string
	for _, v := range s.At(auth, owner) {
		list = append(list, v.Key+"="+v.Text)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func expect(t *testing.T, s *Store, owner delegation.Name, want string) {
	t.Helper()
	if got := texts(s, owner); got != want {
		t.Errorf("%s: got %q, want %q", owner, got, want)
	}
}

func TestPutAndRemove(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, Value{Owner: www, Text: "1", Key: "a"}, Value{Owner: www, Text: "2", Key: "b"})
	put(t, s, Value{Owner: www, Text: "1", Key: "b"}, Value{Owner: deep, Text: "3", Key: "a"})
	expect(t, s, www, "a=1 b=1 b=2")
	if !s.Below(auth, "b.auth.example.net.") || s.Below(auth, www) {
		t.Errorf("got the wrong names with others below")
	}
	if err := s.Remove(auth, Value{Owner: www, Text: "2", Key: "a"}, Value{Owner: www, Text: "1", Key: "a"}); err != nil {
		t.Fatal(err)
	}
	expect(t, s, www, "b=1 b=2")
	if err := s.Remove(auth, Value{Owner: deep, Text: "3", Key: "a"}); err != nil || s.Below(auth, "b.auth.example.net.") {
		t.Errorf("got %v and a name below, want none", err)
	}
	serial := s.Serial(auth)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(auth, Value{Owner: www, Text: "4"}); !errors.Is(err, errClosed) {
		t.Errorf("got %v after Close, want %v", err, errClosed)
	}
	expect(t, s, www, "b=1 b=2")
	again := open(t, dir)
	expect(t, again, www, "b=1 b=2")
	if got := again.Serial(auth); got != serial {
		t.Errorf("got serial %d after a restart, want %d", got, serial)
	}
}

func TestSerial(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	last := s.Serial(auth)
	if now := uint32(time.Now().Unix()); now-last > 60 {
		t.Errorf("got serial %d at first, want about %d", last, now)
	}
	rises := func(s *Store, v Value) {
		t.Helper()
		put(t, s, v)
		if now := s.Serial(auth); int32(now-last) <= 0 {
			t.Errorf("got serial %d after %d, want a higher one", now, last)
		} else {
			last = now
		}
	}
	for n := range 5 {
		rises(s, Value{Owner: www, Text: fmt.Sprint(n)})
	}
	put(t, s, Value{Owner: www, Text: "1"})
	if got := s.Serial(auth); got != last {
		t.Errorf("got serial %d after no change, want %d", got, last)
	}
	s.Close()
	s = open(t, dir)
	before := last
	rises(s, Value{Owner: www, Text: "after"})
	if last-before < leap {
		t.Errorf("got serial %d after %d and a restart, want a leap", last, before)
	}
	if err := s.Replace(auth, 1<<32-1, []Value{{Owner: www, Text: "x"}}); err != nil {
		t.Fatal(err)
	}
	put(t, s, Value{Owner: www, Text: "y"})
	if got := s.Serial(auth); int32(got-(1<<32-1)) <= 0 {
		t.Errorf("got serial %d after the last of 32 bits, want a higher one", got)
	}
}

func TestSince(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	start := s.Serial(auth)
	old, renewed := Value{Owner: www, Text: "1", Key: "a"}, Value{Owner: www, Text: "1", Key: "a", TTL: 5}
	put(t, s, old)
	middle := s.Serial(auth)
	if err := s.Change(auth, []Value{renewed, {Owner: deep, Text: "2"}}, nil); err != nil {
		t.Fatal(err)
	}
	check := func(s *Store) {
		t.Helper()
		c, ok := s.Since(auth, start)
		if !ok || c.Now != s.Serial(auth) || len(c.Before[www])+len(c.Before[deep]) != 0 || len(c.After[www]) != 1 || !c.After[www][0].equal(renewed) || len(c.After[deep]) != 1 {
			t.Errorf("got %v %v since the start", c, ok)
		}
		c, ok = s.Since(auth, middle)
		if !ok || len(c.Before[www]) != 1 || !c.Before[www][0].equal(old) || len(c.After[www]) != 1 || !c.After[www][0].equal(renewed) {
			t.Errorf("got %v %v since the first change, want the new TTL", c, ok)
		}
		if c, ok := s.Since(auth, c.Now); !ok || len(c.After) != 0 {
			t.Errorf("got %v %v since now, want nothing", c, ok)
		}
		if _, ok := s.Since(auth, start-1); ok {
			t.Errorf("got changes from a serial that never was")
		}
	}
	check(s)
	s.Close()
	check(open(t, dir))
}

// TestFollow has one store do what another one did.
func TestFollow(t *testing.T) {
	primary, secondary := Memory(), Memory()
	put(t, primary, Value{Owner: www, Text: "1", Key: "a"}, Value{Owner: www, Text: "2", Key: "b"})
	list, serial := primary.All(auth)
	if secondary.Known(auth) {
		t.Errorf("got a zone that was never transferred")
	}
	if err := secondary.Replace(auth, serial, list); err != nil {
		t.Fatal(err)
	}
	if err := primary.Change(auth, []Value{{Owner: deep, Text: "3"}}, list[:1]); err != nil {
		t.Fatal(err)
	}
	c, _ := primary.Since(auth, serial)
	if err := secondary.Follow(auth, serial-1, c.Now, c.After[deep], nil); err == nil {
		t.Errorf("got no error for a change from another serial")
	}
	if err := secondary.Follow(auth, serial, c.Now, c.After[deep], list[:1]); err != nil {
		t.Fatal(err)
	}
	got, now := secondary.All(auth)
	want, _ := primary.All(auth)
	if now != c.Now || !slices.EqualFunc(got, want, Value.equal) {
		t.Errorf("got %v with serial %d, want %v with %d", got, now, want, c.Now)
	}
}

// TestForeign leaves the values of another server alone.
func TestForeign(t *testing.T) {
	s := Memory()
	now := time.Now()
	put(t, s, Value{Owner: www, Text: "1", Expires: now})
	s.Foreign(func(zone delegation.Name) string { return "192.0.2.1:53" })
	err := s.Put(auth, Value{Owner: www, Text: "2"})
	if _, ok := errors.AsType[*SecondaryError](err); !ok {
		t.Errorf("got %v, want that it is a secondary", err)
	}
	if gone, err := s.Sweep(now); err != nil || len(gone) != 0 {
		t.Errorf("got %v, %v swept, want nothing", gone, err)
	}
	expect(t, s, www, "=1")
}

func TestHistoryIsBounded(t *testing.T) {
	z := newZone(0)
	for n := range uint32(3 * maxSteps) {
		z.serial = n + 1
		z.remember(Step{From: n, To: n + 1})
	}
	steps, ok := z.since(3*maxSteps - 50)
	if !ok || len(steps) != 50 || len(z.history) > maxSteps {
		t.Errorf("got %d steps %v of %d, want 50", len(steps), ok, len(z.history))
	}
	if _, ok := z.since(0); ok {
		t.Errorf("got steps from the beginning, want them forgotten")
	}
}

// TestFrameAndLapse keeps a zone's frame and when it lapses over restarts, transfers and
// compaction. Only the frame raises the serial and tells watchers.
func TestFrameAndLapse(t *testing.T) {
	dir, at := t.TempDir(), time.Unix(1763827200, 0).UTC()
	s := open(t, dir)
	if err := s.SetLapse(auth, at); err == nil {
		t.Errorf("got no error for the lapse of a zone that is not there")
	}
	put(t, s, Value{Owner: www, Text: "1", Key: "a"})
	serial, told := s.Serial(auth), 0
	defer s.Watch(func(zones []delegation.Name) { told += len(zones) })()
	for _, err := range []error{s.SetLapse(auth, at.Add(time.Hour)), s.SetFrame(auth, Frame{"d", at})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if now := s.Serial(auth); told != 1 || now <= serial {
		t.Errorf("got serial %d after %d, and %d zones told, want 1", now, serial, told)
	}
	if c, ok := s.Since(auth, serial); !ok || !c.Framed || len(c.After) > 0 {
		t.Errorf("got %+v, %v since it has a frame", c, ok)
	}
	for _, change := range []func(*Store) error{
		func(*Store) error { return nil },
		func(s *Store) error { s.writing.Lock(); defer s.writing.Unlock(); return s.compact() },
	} {
		if err := errors.Join(change(s), s.Close()); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		if all, _ := s.All(auth); s.Frame(auth) != (Frame{"d", at}) || !s.Lapse(auth).Equal(at.Add(time.Hour)) || len(all) != 1 {
			t.Errorf("got %v, %v and lapse %v after a restart", all, s.Frame(auth), s.Lapse(auth))
		}
	}
	if err := errors.Join(s.Replace(auth, 7, nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	if s = open(t, dir); !s.Lapse(auth).Equal(at.Add(time.Hour)) || s.Frame(auth) != (Frame{}) {
		t.Errorf("got lapse %v and %v after a transfer", s.Lapse(auth), s.Frame(auth))
	}
}

func TestSweep(t *testing.T) {
	s := open(t, t.TempDir())
	now := time.Now()
	put(t, s, Value{Owner: www, Text: "1", Expires: now}, Value{Owner: www, Text: "2", Expires: now.Add(time.Second)}, Value{Owner: www, Text: "3"})
	gone, err := s.Sweep(now)
	if err != nil || len(gone) != 1 || gone[0].Text != "1" {
		t.Errorf("got %v, %v, want the first", gone, err)
	}
	expect(t, s, www, "=2 =3")
	serial := s.Serial(auth)
	if gone, err := s.Sweep(now); err != nil || len(gone) != 0 || s.Serial(auth) != serial {
		t.Errorf("got %v, %v, want no change", gone, err)
	}
}

func TestRefused(t *testing.T) {
	s := open(t, t.TempDir())
	var many []Value
	for n := range MaxValues {
		many = append(many, Value{Owner: www, Text: fmt.Sprint(n)})
	}
	put(t, s, many...)
	serial := s.Serial(auth)
	for want, v := range map[string]Value{
		"www.auth.example.net: it has 60 values: 60 at most":         {Owner: www, Text: "one more"},
		"www.example.net: it is not in the zone auth.example.net":    {Owner: "www.example.net.", Text: "x"},
		"a.b.auth.example.net: the text has 256 octets: 255 at most": {Owner: deep, Text: strings.Repeat("x", 256)},
		"a.*.auth.example.net: there are no wildcards here":          {Owner: "a.*.auth.example.net.", Text: "x"},
		"a.b.auth.example.net: the text is not UTF-8":                {Owner: deep, Text: "\xff"},
	} {
		err := s.Put(auth, Value{Owner: deep, Text: "fine"}, v)
		if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	expect(t, s, deep, "")
	if s.Serial(auth) != serial || s.Below(auth, "b.auth.example.net.") {
		t.Errorf("a change that was refused left something")
	}
	if err := s.Change(auth, []Value{{Owner: www, Text: "one more"}}, many[:1]); err != nil {
		t.Errorf("got %v where one goes and one comes", err)
	}
}

func TestOpenedTwice(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, err := Open(dir)
	if locked, ok := errors.AsType[*store.LockedError](err); !ok || locked.Holder.PID != os.Getpid() {
		t.Errorf("got %v, want that it is in use by us", err)
	}
	s.Close()
	open(t, dir)
}

// TestTornFile cuts the file off at every octet: what was there up to the last
// whole line is there, and goes on from there.
func TestTornFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var ends []int64
	for n := range 4 {
		ends = append(ends, s.length)
		put(t, s, Value{Owner: www, Text: fmt.Sprint(n)})
	}
	s.Close()
	path := filepath.Join(dir, "values.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := int(ends[0]); cut <= len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		want := 0
		for want < len(ends)-1 && int64(cut) >= ends[want+1] {
			want++
		}
		if cut == len(whole) {
			want = len(ends)
		}
		if got := len(s.At(auth, www)); got != want {
			t.Fatalf("cut off at %d: got %d values, want %d", cut, got, want)
		}
		put(t, s, Value{Owner: www, Text: "new"})
		s.Close()
		if s = open(t, dir); len(s.At(auth, www)) != want+1 {
			t.Fatalf("cut off at %d: got %d values after another one, want %d", cut, len(s.At(auth, www)), want+1)
		}
		s.Close()
	}
}

func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, Value{Owner: www, Text: "first"})
	put(t, s, Value{Owner: www, Text: "second"})
	s.Close()
	path := filepath.Join(dir, "values.jsonl")
	whole, _ := os.ReadFile(path)
	for want, text := range map[string][]byte{
		":2: the line is damaged, and it is not the last one":     bytes.Replace(whole, []byte("first"), []byte("fArst"), 1),
		"it is not a file of values":                              []byte("hello\n"),
		"values.jsonl: it is not a file of values":                {},
		"it has version 2, and this certctl knows version 1 only": appendLine(nil, header{Version: 2}),
	} {
		os.WriteFile(path, text, 0o600)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, text) {
			t.Errorf("%s: the file was changed", want)
		}
	}
	os.WriteFile(path, bytes.Replace(whole, []byte("second"), []byte("sEcond"), 1), 0o600)
	s = open(t, dir)
	expect(t, s, www, "=first")
	s.Close()

	// As the hint says, the other lines are kept without a damaged one.
	lines := bytes.SplitAfter(whole, []byte("\n"))
	os.WriteFile(path, slices.Concat(lines[0], []byte("torn\n"), lines[2]), 0o600)
	_, err := Open(dir)
	damaged, ok := errors.AsType[*DamagedError](err)
	if !ok || damaged.Line != 2 || !strings.Contains(damaged.Hint(), "sed -i.bak 2d "+path) {
		t.Fatalf("got %v, want a hint for line 2", err)
	}
	os.WriteFile(path, slices.Concat(lines[0], lines[2]), 0o600)
	expect(t, open(t, dir), www, "=second")
}

func TestCompact(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	long := strings.Repeat("x", 200)
	for n := range 100 {
		put(t, s, Value{Owner: www, Text: long, TTL: uint32(n)}, Value{Owner: deep, Text: long})
	}
	before, serial := s.length, s.Serial(auth)
	s.writing.Lock()
	err := s.compact()
	s.writing.Unlock()
	if err != nil || s.length > before/10 {
		t.Fatalf("got %v and %d octets of %d, want far less", err, s.length, before)
	}
	put(t, s, Value{Owner: www, Text: "after"})
	s.Close()
	s = open(t, dir)
	expect(t, s, www, "=after ="+long)
	if s.Serial(auth) <= serial || !s.Below(auth, "b.auth.example.net.") {
		t.Errorf("got serial %d, want more than %d", s.Serial(auth), serial)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, ".*")); len(names) > 0 {
		t.Errorf("got %q left over", names)
	}
}

func TestCompactsByItself(t *testing.T) {
	s := open(t, t.TempDir())
	var list []Value
	for n := range 500 {
		list = append(list, Value{Owner: delegation.Name(fmt.Sprintf("%d.auth.example.net.", n)), Text: strings.Repeat("x", 255)})
	}
	for n := range 60 {
		for i := range list {
			list[i].TTL = uint32(n)
		}
		put(t, s, list...)
	}
	if s.length > 3*spare/2 {
		t.Errorf("got a file of %d octets, want it compacted", s.length)
	}
}

// TestFullDisk has a write fail: nothing of it stays, and the next succeeds.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, Value{Owner: www, Text: "1"})
	serial, good := s.Serial(auth), s.file
	s.file, _ = os.Open(s.path) // for reading only
	if err := s.Change(auth, []Value{{Owner: deep, Text: "2"}}, []Value{{Owner: www, Text: "1"}}); err == nil {
		t.Errorf("got no error, want one")
	}
	if err := s.Put("other.example.", Value{Owner: "other.example.", Text: "2"}); err == nil {
		t.Errorf("got no error for another zone, want one")
	}
	if c, ok := s.Since(auth, serial); c.Now != serial || !ok || len(c.After) != 0 || s.Below(auth, "b.auth.example.net.") || len(s.Zones()) != 1 {
		t.Errorf("a change that failed left something: %v", c)
	}
	expect(t, s, www, "=1")
	s.file.Close()
	s.file = good
	put(t, s, Value{Owner: www, Text: "3"})
	s.Close()
	expect(t, open(t, dir), www, "=1 =3")
}

// TestUnsettled has what a write could not cut off, and a file that could not be
// opened again: the next write makes both good first.
func TestUnsettled(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, Value{Owner: www, Text: "1"})
	s.file.WriteAt([]byte(strings.Repeat("half a line ", 100)+"\n"), s.length)
	s.uncut = true
	s.file.Close()
	s.file = nil
	s.replaced = true
	put(t, s, Value{Owner: www, Text: "2"})
	if s.uncut || s.replaced {
		t.Errorf("got uncut %v, replaced %v after a write", s.uncut, s.replaced)
	}
	s.Close()
	expect(t, open(t, dir), www, "=1 =2")
	if err := s.Put(auth, Value{Owner: www, Text: "3"}); !errors.Is(err, errClosed) {
		t.Errorf("got %v from one that is closed", err)
	}
}

// TestKilled kills a process that writes, and compacts all the time: what it was
// told is done is there.
func TestKilled(t *testing.T) {
	dir, env := t.TempDir(), "CERTCTL_VALUES_KILLED"
	if dir := os.Getenv(env); dir != "" {
		writeUntilKilled(t, dir)
	}
	last := 0
	for round := range 12 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		cmd.Env = append(os.Environ(), env+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 10*round {
				cmd.Process.Kill()
			}
			if last, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatalf("the other process said %q", lines.Text())
			}
		}
		cmd.Wait()
		s := open(t, dir)
		if got := s.At(auth, www); len(got) != 1 || int(got[0].TTL) < last {
			t.Fatalf("round %d: got %v, want a TTL of %d or more", round, got, last)
		}
		s.Close()
	}
	if last == 0 {
		t.Errorf("nothing was written")
	}
}

// writeUntilKilled puts one value again and again, each time with another TTL.
func writeUntilKilled(t *testing.T, dir string) {
	s := open(t, dir)
	first := uint32(1)
	if there := s.At(auth, www); len(there) > 0 {
		first = there[0].TTL + 1
	}
	for n := first; ; n++ {
		put(t, s, Value{Owner: www, Text: "x", TTL: n})
		fmt.Println(n)
		if n%3 == 0 {
			s.writing.Lock()
			if err := s.compact(); err != nil {
				t.Fatal(err)
			}
			s.writing.Unlock()
		}
	}
}

// TestManyAtOnce has many writers: none loses anything, and what they were told is done is.
func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var heard sync.Map
	stop := s.Watch(func(zones []delegation.Name) {
		for _, z := range zones {
			heard.Store(z, s.Serial(z))
		}
	})
	defer stop()
	var writers sync.WaitGroup
	for w := range 20 {
		writers.Go(func() {
			for n := range 20 {
				v := Value{Owner: delegation.Name(fmt.Sprintf("%d.auth.example.net.", n)), Text: fmt.Sprint(w), Key: fmt.Sprint(w)}
				if err := s.Put(auth, v); err != nil {
					t.Error(err)
				}
				if !slices.ContainsFunc(s.At(auth, v.Owner), v.is) {
					t.Errorf("%v is not there", v)
				}
			}
		})
	}
	writers.Wait()
	if serial, ok := heard.Load(auth); !ok || serial != s.Serial(auth) {
		t.Errorf("got the serial %v last, want %d", serial, s.Serial(auth))
	}
	s.Close()
	if list, _ := open(t, dir).All(auth); len(list) != 400 {
		t.Errorf("got %d values, want 400", len(list))
	}
}

// BenchmarkPut measures changes of many writers, each on the disk.
func BenchmarkPut(b *testing.B) {
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for n := 0; pb.Next(); n++ {
			if err := s.Put(auth, Value{Owner: www, Text: "x", TTL: uint32(n)}); err != nil {
				b.Error(err)
			}
		}
	})
}
