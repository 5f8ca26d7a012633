package delegation

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestParseName(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct{ in, want, err string }{
		{in: ".", want: "."},
		{in: "example.com", want: "example.com."},
		{in: "example.com.", want: "example.com."},
		{in: "_ACME-Challenge.Example.COM", want: "_acme-challenge.example.com."},
		{in: "*.example.com", want: "*.example.com."},
		{in: "0/26.2.0.192.in-addr.arpa", want: "0/26.2.0.192.in-addr.arpa."},
		{in: `a\.b.example`, want: `a\.b.example.`},
		{in: `a\046b.example`, want: `a\.b.example.`},
		{in: `\065\b.example`, want: `ab.example.`},
		{in: long + ".com", want: long + ".com."},
		{in: strings.Repeat(long+".", 3) + strings.Repeat("a", 61), want: strings.Repeat(long+".", 3) + strings.Repeat("a", 61) + "."},

		{in: "", err: `"" is not a domain name: it is empty`},
		{in: "..", err: `".." is not a domain name: it has an empty label`},
		{in: ".com", err: `".com" is not a domain name: it has an empty label`},
		{in: "a..com", err: `"a..com" is not a domain name: it has an empty label`},
		{in: "a.com..", err: `"a.com.." is not a domain name: it has an empty label`},
		{in: "a b.com", err: `"a b.com" is not a domain name: it holds a blank or a control character`},
		{in: "a\n.com", err: `"a\n.com" is not a domain name: it holds a blank or a control character`},
		{in: `a\010.com`, err: `"a\\010.com" is not a domain name: it holds a blank or a control character`},
		{in: `a\999.com`, err: `"a\\999.com" is not a domain name: "\\999" is not an escape`},
		{in: `a.com\`, err: `"a.com\\" is not a domain name: it ends in the middle of an escape`},
		{in: `a.com\1`, err: `"a.com\\1" is not a domain name: it ends in the middle of an escape`},
		{in: "bücher.example", err: `"bücher.example" is not a domain name: it holds characters beyond ASCII; give the A-label (xn--…)`},
		{in: long + "a.com", err: `"` + long + `a.com" is not a domain name: the label "` + long + `a" is longer than 63 octets`},
		{in: strings.Repeat(long+".", 3) + strings.Repeat("a", 62), err: `"` + strings.Repeat(long+".", 3) + strings.Repeat("a", 62) + `" is not a domain name: it is longer than 255 octets`},
	} {
		got, err := ParseName(test.in)
		if string(got) != test.want || errText(err) != test.err {
			t.Errorf("ParseName(%q): got %q, %v, want %q, %s", test.in, got, err, test.want, test.err)
		}
	}
}

func TestChallengeName(t *testing.T) {
	for _, test := range []struct{ in, want, err string }{
		{in: "example.com", want: "_acme-challenge.example.com."},
		{in: "*.example.com", want: "_acme-challenge.example.com."},
		{in: "WWW.Example.com.", want: "_acme-challenge.www.example.com."},
		{in: "com", want: "_acme-challenge.com."},

		{in: "*.*.example.com", err: `"*.*.example.com" has a wildcard that is not its whole first label`},
		{in: "w*.example.com", err: `"w*.example.com" has a wildcard that is not its whole first label`},
		{in: ".", err: `"." is not the name of a host`},
		{in: "*.", err: `"" is not a domain name: it is empty`},
		{in: "192.0.2.1", err: "192.0.2.1 is an IP address, which has no validation record in the DNS"},
		{in: "2001:db8::1", err: "2001:db8::1 is an IP address, which has no validation record in the DNS"},
	} {
		got, err := ChallengeName(test.in)
		if string(got) != test.want || errText(err) != test.err {
			t.Errorf("ChallengeName(%q): got %q, %v, want %q, %s", test.in, got, err, test.want, test.err)
		}
	}
	if got, err := ChallengeName(strings.Repeat("abcdefg.", 30)); err == nil {
		t.Errorf("a name with no room for the prefix: got %q, want an error", got)
	}
}

func TestIsAtOrBelow(t *testing.T) {
	for _, test := range []struct {
		n, zone Name
		want    bool
	}{
		{"example.com.", "example.com.", true},
		{"a.b.example.com.", "example.com.", true},
		{"notexample.com.", "example.com.", false},
		{`not\.example.com.`, "example.com.", false},
		{"com.", "example.com.", false},
		{"example.com.", ".", true},
		{".", ".", true},
		{".", "com.", false},
	} {
		if got := test.n.IsAtOrBelow(test.zone); got != test.want {
			t.Errorf("%s at or below %s: got %t, want %t", test.n, test.zone, got, test.want)
		}
	}
}

func TestNameParts(t *testing.T) {
	for _, test := range []struct {
		n, parent Name
		labels    int
	}{
		{"a.example.com.", "example.com.", 3},
		{`a\.b.com.`, "com.", 2},
		{"com.", ".", 1},
		{".", ".", 0},
	} {
		if parent, labels := test.n.Parent(), test.n.Labels(); parent != test.parent || labels != test.labels {
			t.Errorf("%s: got parent %s, %d labels, want %s, %d", test.n, parent, labels, test.parent, test.labels)
		}
	}
	for _, test := range []struct {
		n, zone Name
		want    string
	}{
		{"example.com.", "example.com.", "@"},
		{"_acme-challenge.www.example.com.", "example.com.", "_acme-challenge.www"},
		{"example.com.", ".", "example.com"},
		{".", ".", "@"},
	} {
		if got := test.n.Relative(test.zone); got != test.want {
			t.Errorf("%s relative to %s: got %s, want %s", test.n, test.zone, got, test.want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What ParseName accepts is a name that goes onto the wire and comes back the
// same, and whose parents end at the root.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{".", "example.com", "*.A.b.", `a\.b\046c.`, "a..b", `\`, `a\1`, "ü", strings.Repeat("a.", 130)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseName(s)
		if err != nil {
			return
		}
		if again, err := ParseName(n.String()); err != nil || again != n {
			t.Fatalf("ParseName(%q): got %q, and from that %q, %v", s, n, again, err)
		}
		wire := make([]byte, maxName)
		end, err := dns.PackDomainName(n.String(), wire, 0, nil, false)
		if err != nil {
			t.Fatalf("%q does not go onto the wire: %v", n, err)
		}
		if back, _, err := dns.UnpackDomainName(wire[:end], 0); err != nil || canonical(back) != n {
			t.Fatalf("%q comes back as %q, %v", n, back, err)
		}
		labels := n.Labels()
		for p := n; p != root; p = p.Parent() {
			if labels--; labels < 0 || !p.IsAtOrBelow(p.Parent()) || p.Parent().IsAtOrBelow(p) {
				t.Fatalf("the parents of %q do not end at the root", n)
			}
			if rel := n.Relative(p.Parent()); rel == "@" || !n.isBelow(p.Parent()) {
				t.Fatalf("%q relative to %q: got %q", n, p.Parent(), rel)
			}
		}
	})
}

func TestBare(t *testing.T) {
	for name, want := range map[Name]string{".": ".", "com.": "com", "_acme-challenge.example.com.": "_acme-challenge.example.com"} {
		if got := name.Bare(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
