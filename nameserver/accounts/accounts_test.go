package accounts_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"certctl/nameserver/accounts"
)

// An account outlasts a restart, and its file does not show the password.
func TestBook(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "accounts")
	b, err := accounts.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	made, password, subdomain, err := b.Register("auth.example.net.", nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = accounts.Open(dir); err != nil {
		t.Fatal(err)
	}
	found := b.Find(made.Name)
	if found == nil || !found.Password.Matches(password) || found.Password.Matches(password+"x") || found.Names[0].Bare() != subdomain+".auth.example.net" {
		t.Errorf("got %v of account %s", found, made.Name)
	}
	if b.Find("nobody") != nil {
		t.Error("got an account for nobody")
	}
	if err := b.Read(); err != nil || b.Find(made.Name) == nil {
		t.Errorf("read again: got %v", err)
	}
	path := filepath.Join(dir, made.Name+".json")
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), password) {
		t.Errorf("the file: got %s, %v", text, err)
	}
	defer func() {
		if os.Remove(path); b.Read() != nil || b.Find(made.Name) != nil {
			t.Errorf("an account is there without its file")
		}
	}()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != fs.FileMode(0o600) && os.PathSeparator == '/' {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
}

func TestBroken(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.json"), []byte(`{"password": "hunter2`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := accounts.Open(dir)
	if err == nil || !strings.HasSuffix(err.Error(), "x.json: it is not as certctl has written it") {
		t.Errorf("got %v", err)
	}
}
