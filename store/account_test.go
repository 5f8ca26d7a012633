package store

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestCrashInKeyRollover checks that no crash loses the key that the CA uses,
// whichever that is.
func TestCrashInKeyRollover(t *testing.T) {
	account := &Account{Directory: directory, URL: "https://ca.example/acct/1", Key: newKey(t)}
	old, next := account.Key, newKey(t)
	before := func(s *Store) error { return s.SaveAccount(account) }
	var used crypto.Signer // by the CA
	write := func(s *Store) error {
		used = old
		if err := s.SaveNextKey(directory, next); err != nil {
			return err
		}
		used = next
		return s.UseNextKey(directory)
	}
	crashes(t, before, write, func(s *Store, done bool) {
		got, err := s.LoadAccount(directory)
		must(t, err)
		if got.URL != account.URL {
			t.Errorf("got %q, want the account's URL", got.URL)
		}
		if !reflect.DeepEqual(got.Key, used) && !reflect.DeepEqual(got.NextKey, used) {
			t.Error("the key that the CA uses is lost")
		}
		if done && (got.NextKey != nil || !reflect.DeepEqual(got.Key, next)) {
			t.Errorf("got %+v, want the next key alone", got)
		}
	})
}

func TestNextKey(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.SaveAccount(&Account{Directory: directory, Key: newKey(t)}))
	must(t, s.SaveNextKey(directory, newKey(t)))
	must(t, s.DropNextKey(directory))
	if a, err := s.LoadAccount(directory); err != nil || a.NextKey != nil {
		t.Errorf("dropped: got %v, %v", a.NextKey, err)
	}
	must(t, s.SaveNextKey(directory, newKey(t)))
	must(t, s.SaveAccount(&Account{Directory: directory, Key: newKey(t)}))
	if a, err := s.LoadAccount(directory); err != nil || a.NextKey != nil {
		t.Errorf("another account: got the older one's next key, %v", err)
	}
}

func TestAccounts(t *testing.T) {
	s := open(t, t.TempDir())
	for _, host := range []string{"b", "a"} {
		must(t, s.SaveAccount(&Account{Directory: "https://" + host + ".example/", URL: host, Terms: "t", Key: newKey(t)}))
	}
	all, err := s.Accounts()
	if err != nil || len(all) != 2 || all[0].URL != "a" || all[1].URL != "b" || all[0].Terms != "t" {
		t.Errorf("got %v, %v, want a and b", all, err)
	}
	must(t, s.RemoveAccount("https://a.example/"))
	must(t, s.RemoveAccount("https://a.example/"))
	if all, err := s.Accounts(); err != nil || len(all) != 1 {
		t.Errorf("got %v, %v, want b alone", all, err)
	}
	if _, err := os.Stat(s.path("accounts", "a.example")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that its directory is gone", err)
	}
}

func TestExport(t *testing.T) {
	want := &Account{Directory: directory, URL: "https://ca.example/acct/1", Contact: []string{"mailto:a@example.com"}, Terms: "t", Key: newKey(t)}
	path := filepath.Join(t.TempDir(), "account.json")
	must(t, want.Export(path, false))
	if got, err := ReadExport(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
	if err := want.Export(path, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: got %v, want that the file exists", err)
	}
	must(t, want.Export(path, true))
}

func TestReadExportDamaged(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good")
	must(t, (&Account{Directory: directory, Key: newKey(t)}).Export(good, false))
	text, err := os.ReadFile(good)
	must(t, err)
	secret := strings.Split(string(text), `\n`)[1]
	for name, damaged := range map[string]string{
		"half":          string(text[:len(text)/2]),
		"half a key":    strings.Replace(string(text), secret, secret[:20], 1),
		"no directory":  strings.Replace(string(text), directory, "", 1),
		"later version": strings.Replace(string(text), `"version": 1`, `"version": 2`, 1),
		"no version":    `{}`,
		"other":         "-----BEGIN PRIVATE KEY-----",
	} {
		path := filepath.Join(t.TempDir(), "damaged")
		must(t, os.WriteFile(path, []byte(damaged), 0o600))
		a, err := ReadExport(path)
		if err == nil || strings.Contains(fmt.Sprint(err), secret[:20]) {
			t.Errorf("%s: got %+v, %v, want an error without the key", name, a, err)
		}
	}
}

// An export goes to a directory of the user's, where names that begin with a dot
// are somebody's, and where others may have put something in the way.
func TestExportBesideOthers(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, ".profile")
	must(t, os.WriteFile(theirs, []byte("theirs"), 0o666))
	account := &Account{Directory: directory, Key: newKey(t)}
	must(t, account.Export(filepath.Join(dir, "profile"), false))
	if text, err := os.ReadFile(theirs); err != nil || string(text) != "theirs" {
		t.Errorf("got %q, %v, want that another file is as it was", text, err)
	}
	blocked := filepath.Join(dir, "blocked")
	must(t, os.MkdirAll(filepath.Join(blocked, "full"), 0o700))
	if err := account.Export(blocked, true); err == nil {
		t.Error("got no error from an export over a directory")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("got %v, %v, want the export, the file and the directory alone", entries, err)
	}
}
