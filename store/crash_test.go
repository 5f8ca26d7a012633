package store

import (
	"crypto"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
)

// crash is what stops an operation in the middle.
type crash struct{}

// crashes runs write again and again on a store that before has filled, and
// stops it before its first change to the disk, before its second, and so on,
// with nothing run afterwards, as kill -9 does. After each crash, check looks at
// what is left, with whether write came to its end; then write is done again,
// and must succeed.
func crashes(t *testing.T, before, write func(*Store) error, check func(s *Store, done bool)) {
	t.Helper()
	for n := 0; ; n++ {
		s := open(t, t.TempDir())
		must(t, before(s))
		done := stopAt(t, s, n, write)
		check(s, done)
		must(t, write(s))
		check(s, true)
		if done {
			if n < 2 {
				t.Errorf("got %d steps: was it stopped at all?", n)
			}
			return
		}
	}
}

func stopAt(t *testing.T, s *Store, n int, write func(*Store) error) (done bool) {
	t.Helper()
	s.disk.step = func() {
		if n--; n < 0 {
			panic(crash{})
		}
	}
	defer func() {
		s.disk.step = nil
		if p := recover(); p != nil && p != (crash{}) {
			panic(p)
		}
	}()
	must(t, write(s))
	return true
}

func TestCrashInSaveCertificate(t *testing.T) {
	oldKey, newKey := newKey(t), newKey(t)
	oldChain, newChain := issued(t, oldKey, 1), issued(t, newKey, 2)
	before := func(s *Store) error {
		_, err := s.SaveCertificate("web", oldKey, oldChain)
		return errors.Join(err, s.SaveOrder("web", &Order{URL: "u", Key: newKey}))
	}
	write := func(s *Store) error {
		if _, err := s.SaveCertificate("web", newKey, newChain); err != nil {
			return err
		}
		return s.ClearOrder("web")
	}
	crashes(t, before, write, func(s *Store, done bool) {
		c, err := s.LoadCertificate("web") // checks that key and certificate are a pair
		must(t, err)
		isNew := c.Leaf.SerialNumber.Int64() == 2
		if done && !isNew {
			t.Error("the old certificate is live after the new one was saved")
		}
		if _, err := s.LoadOrder("web"); !isNew && err != nil {
			t.Errorf("got %v, want the order kept until its certificate is", err)
		}
		if entries, err := os.ReadDir(s.path("live", "web")); err != nil || len(entries) != 4 {
			t.Errorf("got %v, %v, want four files", entries, err)
		}
	})
}

func TestCrashInFirstSaveCertificate(t *testing.T) {
	key := newKey(t)
	chain := issued(t, key, 1)
	before := func(*Store) error { return nil }
	write := func(s *Store) error { _, err := s.SaveCertificate("web", key, chain); return err }
	crashes(t, before, write, func(s *Store, done bool) {
		if _, err := s.LoadCertificate("web"); err != nil && (done || !errors.Is(err, fs.ErrNotExist)) {
			t.Errorf("got %v, want the certificate or none", err)
		}
		if all, err := s.Certificates(); err != nil || done && len(all) != 1 {
			t.Errorf("got %v, %v", all, err)
		}
	})
}

func TestCrashInSaveAccount(t *testing.T) {
	older := &Account{Directory: directory, URL: "https://ca.example/acct/1", Key: newKey(t)}
	newer := &Account{Directory: directory, URL: "https://ca.example/acct/2", Key: newKey(t)}
	url := map[crypto.Signer]string{older.Key: older.URL, newer.Key: newer.URL}
	before := func(s *Store) error { return s.SaveAccount(older) }
	write := func(s *Store) error { return s.SaveAccount(newer) }
	crashes(t, before, write, func(s *Store, done bool) {
		got, err := s.LoadAccount(directory)
		must(t, err)
		if done && !reflect.DeepEqual(got, newer) {
			t.Errorf("got %+v, want %+v", got, newer)
		}
		for key, url := range url {
			if reflect.DeepEqual(got.Key, key) && got.URL != "" && got.URL != url {
				t.Errorf("got %s beside the key of %s", got.URL, url)
			}
		}
	})
}

func TestCrashInSaveOrder(t *testing.T) {
	older := &Order{URL: "https://ca.example/order/1", Key: newKey(t)}
	newer := &Order{URL: "https://ca.example/order/2", Key: newKey(t)}
	before := func(s *Store) error { return s.SaveOrder("web", older) }
	write := func(s *Store) error { return s.SaveOrder("web", newer) }
	crashes(t, before, write, func(s *Store, done bool) {
		got, err := s.LoadOrder("web")
		must(t, err)
		if !reflect.DeepEqual(got, newer) && (done || !reflect.DeepEqual(got, older)) {
			t.Errorf("done %v: got %+v, want the older or the newer", done, got)
		}
	})
}

func TestCrashInJournal(t *testing.T) {
	add := func(names ...string) func(s *Store) error {
		return func(s *Store) error {
			for _, name := range names {
				if err := s.Journal().Add(entry(name)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	crashes(t, func(*Store) error { return nil }, add("a", "b"), func(s *Store, done bool) {
		if got := values(t, s.Journal()); done && len(got) != 2 {
			t.Errorf("got %q, want a and b", got)
		}
	})
	remove := func(s *Store) error { return s.Journal().Remove(entry("b")) }
	crashes(t, add("a", "b", "c"), remove, func(s *Store, done bool) {
		got := values(t, s.Journal())
		whole := reflect.DeepEqual(got, []string{"a", "b", "c"})
		if !reflect.DeepEqual(got, []string{"a", "c"}) && (done || !whole) {
			t.Errorf("done %v: got %q", done, got)
		}
	})
}

// TestSwitchIsSeenWhole reads the live certificate while it is replaced over
// and over: LoadCertificate fails where key and certificate are not a pair.
func TestSwitchIsSeenWhole(t *testing.T) {
	s := open(t, t.TempDir())
	keys := []crypto.Signer{newKey(t), newKey(t)}
	chains := [][][]byte{issued(t, keys[0], 1), issued(t, keys[1], 2)}
	_, err := s.SaveCertificate("web", keys[0], chains[0])
	must(t, err)
	var seen [3]atomic.Bool
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(failed)
		for {
			select {
			case <-stop:
				return
			default:
			}
			c, err := s.LoadCertificate("web")
			if err != nil {
				failed <- err
				return
			}
			seen[c.Leaf.SerialNumber.Int64()].Store(true)
		}
	}()
	for i := 0; i < 50 || !(seen[1].Load() && seen[2].Load()) && i < 10000; i++ {
		if _, err := s.SaveCertificate("web", keys[i%2], chains[i%2]); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	must(t, <-failed)
}

// TestLinkInSteps tests on every system what Windows does.
func TestLinkInSteps(t *testing.T) {
	root := t.TempDir()
	for _, serial := range []string{"1", "2"} {
		dir := filepath.Join(root, "archive", serial)
		must(t, os.MkdirAll(dir, 0o700))
		must(t, os.WriteFile(filepath.Join(dir, "cert.pem"), []byte(serial), 0o600))
	}
	live := filepath.Join(root, "live", "web")
	must(t, os.MkdirAll(filepath.Dir(live), 0o700))
	for _, serial := range []string{"1", "2", "1"} {
		must(t, disk{}.linkInSteps(filepath.Join("..", "archive", serial), live))
		if got, err := os.ReadFile(filepath.Join(live, "cert.pem")); err != nil || string(got) != serial {
			t.Errorf("got %q, %v, want %q", got, err, serial)
		}
		if entries, err := os.ReadDir(filepath.Dir(live)); err != nil || len(entries) != 1 {
			t.Errorf("got %v, %v, want web alone", entries, err)
		}
	}
}
