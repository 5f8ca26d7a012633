package txt_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/dns01/txt"
)

func TestQuote(t *testing.T) {
	for value, want := range map[string]string{
		"":                       `""`,
		"a b":                    `"a b"`,
		`"\`:                     `"\"\\"`,
		"é\x00":                  `"\195\169\000"`,
		strings.Repeat("x", 256): `"` + strings.Repeat("x", 255) + `" "x"`,
	} {
		if got := txt.Quote(value); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}

func TestUnquote(t *testing.T) {
	for data, want := range map[string]string{
		`plain`:         "plain",
		`"one" "two"`:   "onetwo",
		`"a;b" c`:       "a;bc",
		`"\"\\\195\.x"`: "\"\\\xc3.x",
		``:              "",
	} {
		if got, err := txt.Unquote(data); got != want || err != nil {
			t.Errorf("%s: got %q and %v, want %q", data, got, err, want)
		}
	}
	for _, data := range []string{`"`, `"a`, `\`, `\25`, `\2x5`, `\256`} {
		if got, err := txt.Unquote(data); err == nil {
			t.Errorf("%s: got %q, want an error", data, got)
		}
	}
}

// Whatever is quoted is read back, by us and by others.
func FuzzQuote(f *testing.F) {
	f.Add("v=spf1 -all")
	f.Add(strings.Repeat("\"\\\x00é", 100))
	f.Fuzz(func(t *testing.T, value string) {
		data := txt.Quote(value)
		if got, err := txt.Unquote(data); got != value || err != nil {
			t.Errorf("got %q and %v, want %q", got, err, value)
		}
		if _, err := dns.NewRR("a. TXT " + data); err != nil && len(value) < 60000 {
			t.Errorf("%s: %v", data, err)
		}
	})
}
