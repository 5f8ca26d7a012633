package acme

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestParseNames(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	for _, test := range []struct {
		name string
		want string
	}{
		{"example.com", "example.com"},
		{"WWW.Example.COM.", "www.example.com"},
		{"*.example.com", "*.example.com"},
		{"*.EXAMPLE.com.", "*.example.com"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"my.github.io", "my.github.io"},
		{"github.io", "github.io"}, // a suffix that is somebody's own
		{"*.github.io", "*.github.io"},
		{"example.co.uk", "example.co.uk"},
		{"host.internal", "host.internal"},
		{"1.example.com", "1.example.com"},
		{"192.0.2.1", "192.0.2.1"},
		{"2001:DB8:0::0001", "2001:db8::1"},
		{"[2001:db8::1]", "2001:db8::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{label63 + ".example.com", label63 + ".example.com"},
		{strings.Repeat(label63+".", 3) + strings.Repeat("a", 57) + ".com", strings.Repeat(label63+".", 3) + strings.Repeat("a", 57) + ".com"},
	} {
		got, err := ParseNames([]string{test.name})
		if err != nil || !slices.Equal(got, []string{test.want}) {
			t.Errorf("%q: got %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

func TestParseNamesRefuses(t *testing.T) {
	label64 := strings.Repeat("a", 64)
	for name, want := range map[string]string{
		"":                                  "is not a name",
		".":                                 "is not a name",
		"*":                                 "is not a name",
		"*.":                                "is not a name",
		"*.*.example.com":                   "has a * that is not its whole first label",
		"w*.example.com":                    "has a * that is not its whole first label",
		"www.*.example.com":                 "has a * that is not its whole first label",
		"_acme-challenge.example.com":       "has an underscore, which no public CA may put in a certificate",
		"a..example.com":                    "has an empty label",
		".example.com":                      "has an empty label",
		"example.com..":                     "has an empty label",
		label64 + ".example.com":            "has a label of 64 characters, 63 are allowed",
		strings.Repeat("a.", 125) + "com.x": "is longer than 253 characters",
		"example .com":                      "is not a valid name: it has the character ' '",
		" example.com":                      "is not a valid name: it has the character ' '",
		"example.com,www.example.com":       "is not a valid name: it has the character ','",
		"https://example.com":               "is not a valid name: it has the character ':'",
		"example.com:443":                   "is not a valid name: it has the character ':'",
		"ops@example.com":                   "is not a valid name: it has the character '@'",
		"-a.example.com":                    "is not a valid name: ",
		"a-.example.com":                    "is not a valid name: ",
		"\xff.example.com":                  "is not UTF-8",
		"localhost":                         "has a single label",
		"*.localhost":                       "has a single label",
		"com":                               "is a public suffix",
		"co.uk":                             "is a public suffix",
		"*.co.uk":                           "is a public suffix",
		"CO.UK.":                            "is a public suffix",
		"192.0.2.1.":                        "ends in a number",
		"192.0.2":                           "ends in a number",
		"192.0.02.1":                        "ends in a number",
		"[192.0.2.1]":                       "is not a valid name: ",
		"192.0.2.1:80":                      "is not a valid name: ",
		"192.0.2.0/24":                      "is not a valid name: ",
		"[2001:db8::1":                      "is not a valid name: ",
		"[2001:db8::1]:80":                  "is not a valid name: ",
		"2001:db8::g":                       "is not a valid name: ",
		"*.192.0.2.1":                       "is a wildcard of an IP address",
		"*.2001:db8::1":                     "is a wildcard of an IP address",
		"fe80::1%eth0":                      "is an IP address that holds on one link only",
		"192.0.2.256":                       "ends in a number",
	} {
		got, err := ParseNames([]string{"example.net", name})
		var e *NameError
		if got != nil || !errors.As(err, &e) || e.Name != name || !strings.HasPrefix(e.Reason, want) {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
			continue
		}
	}
}

// Not one bad name of a list is left out.
func TestParseNamesShowsAll(t *testing.T) {
	_, err := ParseNames([]string{"example.com", "com", "Example.com.", "localhost", "www.example.org", "example.com"})
	want := `"com" is a public suffix
"Example.com." is listed twice, first as "example.com"
"localhost" has a single label
"example.com" is listed twice`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := ParseNames(nil); err == nil {
		t.Error("no names: got no error")
	}
}

func FuzzParseNames(f *testing.F) {
	for _, name := range []string{"example.com", "*.bücher.example.", "xn--bcher-kva.example", "a\u200db.example", "192.0.2.1", "*.*", "ＡＢＣ。example", "ß.de", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		names, err := ParseNames([]string{name})
		if err != nil {
			if names != nil {
				t.Fatalf("%q: got %q and an error", name, names)
			}
			return
		}
		if len(names) != 1 {
			t.Fatalf("%q: got %q, want one name", name, names)
		}
		got := names[0]
		base := strings.TrimPrefix(got, "*.")
		if strings.Trim(base, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || len(got) > 253 || !strings.Contains(base, ".") {
			t.Fatalf("%q: got %q, want lower case letters, digits and hyphens", name, got)
		}
		if again, err := ParseNames(names); err != nil || !slices.Equal(again, names) {
			t.Fatalf("%q: %q becomes %q, %v; want it to stay", name, got, again, err)
		}
		if _, err := ParseNames([]string{name, got}); err == nil {
			t.Fatalf("%q and %q: want them to be one", name, got)
		}
	})
}

func TestParseDomains(t *testing.T) {
	if got, err := ParseDomains([]string{"Example.com", "*.example.com"}); err != nil || !slices.Equal(got, []string{"example.com", "*.example.com"}) {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := ParseDomains([]string{"example.com", "[2001:db8::1]"})
	e, ok := errors.AsType[*NameError](err)
	if !ok || e.Reason != "is an IP address" || !strings.HasSuffix(e.Hint(), "-d 2001:db8::1") {
		t.Errorf("got %v", err)
	}
}

func TestNames(t *testing.T) {
	got := Names([]string{"example.com"}, []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("192.0.2.2").To4(), net.ParseIP("2001:db8:0::1")})
	if want := []string{"example.com", "192.0.2.1", "192.0.2.2", "2001:db8::1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
