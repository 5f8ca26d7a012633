package delegate

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"certctl/delegation"
)

func TestReadable(t *testing.T) {
	long := strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + ".example.com"
	for domain, want := range map[string]string{
		"example.com":         "example-com",
		"www.example.com":     "www-example-com",
		"my-site.com":         "my_site-com",
		"my.site.com":         "my-site-com",
		"xn--bcher-kva.de":    "xn__bcher_kva-de",
		long:                  strings.Repeat("a", 35) + "-_cu",
		strings.ToLower(long): strings.Repeat("a", 35) + "-_cu",
	} {
		got := Readable(domain)
		if len(domain) > maxLabel {
			if len(got) != maxLabel || !strings.HasPrefix(got, want[:35]) || !strings.Contains(got, "-_") {
				t.Errorf("%s: got %s (%d octets), want 63 octets with a hash", domain, got, len(got))
			}
		} else if got != want {
			t.Errorf("%s: got %s, want %s", domain, got, want)
		}
	}
	if a, b := Readable(long), Readable(strings.Replace(long, "b", "c", 1)); a == b {
		t.Errorf("two long domains: got %s twice", a)
	}
}

// FuzzReadable checks that what a label was made of can be told from it: no
// two domains have the same.
func FuzzReadable(f *testing.F) {
	f.Add("my-site.example.com")
	f.Add("a.b-c.d")
	f.Fuzz(func(t *testing.T, domain string) {
		name, err := ParseName(domain)
		if err != nil || strings.Contains(domain, "_") || strings.Contains(domain, "-.") || strings.Contains(domain, ".-") {
			return
		}
		domain = name.Bare()
		label := Readable(domain)
		if _, err := delegation.ParseName(label + ".auth.example.net"); err != nil {
			t.Errorf("%q: %v", domain, err)
		}
		back := strings.NewReplacer("-", ".", "_", "-").Replace(label)
		if len(domain) <= maxLabel && back != domain {
			t.Errorf("%q: got %q, which comes of %q", domain, label, back)
		}
	})
}

func TestUnguessable(t *testing.T) {
	one, other := Unguessable([]byte("one")), Unguessable([]byte("other"))
	if got := one("example.com"); len(got) != 26 || got != one("example.com") {
		t.Errorf("got %q and %q, want 128 bits in base32, twice the same", got, one("example.com"))
	}
	if one("example.com") == one("www.example.com") || one("example.com") == other("example.com") {
		t.Error("another domain, or another key: got the same label")
	}
}

// TestLabelKeyAtOnce checks that all runs use the key of the first one.
func TestLabelKeyAtOnce(t *testing.T) {
	dir := t.TempDir()
	keys := make([]string, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := LabelKey(dir)
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	wg.Wait()
	for _, key := range keys {
		if key != keys[0] || len(key) != keySize {
			t.Fatalf("got different keys, or short ones: %q", keys)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != KeyFile {
		t.Errorf("got %v, %v, want %s alone", left, err, KeyFile)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
}
