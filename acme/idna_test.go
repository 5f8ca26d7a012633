package acme

import (
	"slices"
	"strings"
	"testing"
)

func TestParseNamesIDNA(t *testing.T) {
	for _, test := range []struct {
		name string
		want string
	}{
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"*.bücher.example", "*.xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"straße.example", "xn--strae-oqa.example"}, // not strasse: non-transitional
		{"例え。テスト", "xn--r8jz45g.xn--zckzah"},
	} {
		got, err := ParseNames([]string{test.name})
		if err != nil || !slices.Equal(got, []string{test.want}) {
			t.Errorf("%q: got %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

func TestParseNamesRefusesIDNA(t *testing.T) {
	for name, want := range map[string]string{
		"ab--cd.example.com":   "is not a valid name: ",
		"xn--a.example.com":    "is not a valid name: ",
		"xn--.example.com":     "has an empty label",
		"a\u200db.example.com": "is not a valid name: ",
		"aא.example.com":       "is not a valid name: ",
		"１９２.0.2.1":            "ends in a number", // full-width digits
	} {
		if got, err := ParseNames([]string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
		}
	}
	_, err := ParseNames([]string{"bücher.example", "xn--bcher-kva.example"})
	want := `"xn--bcher-kva.example" is listed twice, first as "bücher.example"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
