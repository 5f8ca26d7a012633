package guard_test

import (
	"strings"
	"testing"

	"certctl/dns01/guard"
)

func TestQuote(t *testing.T) {
	tests := []struct {
		text    string
		secrets []string
		want    string
	}{
		{" no\n such\r\nzone\x1b[31m ", nil, "no such zone [31m"},
		{"key abc and abcdef", []string{"abc", "", "abcdef"}, "key [secret] and [secret]"},
		{"bad \xff", nil, "bad ?"},
		{strings.Repeat("a", 200) + strings.Repeat("b", 200), nil, strings.Repeat("a", 150) + " … " + strings.Repeat("b", 150)},
		{strings.Repeat("a", 147) + " s3cret" + strings.Repeat("b", 200), []string{"s3cret"},
			strings.Repeat("a", 147) + " [s … " + strings.Repeat("b", 150)},
	}
	for _, test := range tests {
		if got := guard.Quote(test.text, test.secrets...); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
