package dnssec

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestParseAnchors(t *testing.T) {
	key, _ := newKey("example.")
	ds := key.ToDS(dns.SHA256).String()
	revoked := dns.Copy(key).(*dns.DNSKEY)
	revoked.Flags |= dns.REVOKE
	for _, c := range []struct {
		text string
		want int
		err  string
	}{
		{rootAnchors, 2, ""},
		{"; comment\n" + ds + "\n" + key.String() + " ; more\n", 2, ""},
		{strings.ToUpper(ds), 1, ""},
		{"example. DS 1 13 2 00", 1, ""},
		{"", 0, "there is no DS or DNSKEY record"},
		{"example. A 127.0.0.1", 0, "but example. has A"},
		{revoked.String(), 0, "cannot be a trust anchor"},
		{"example. DS 1 13", 0, "reading trust anchors"},
		{"$INCLUDE /etc/passwd", 0, "reading trust anchors"},
	} {
		got, err := ParseAnchors(c.text)
		if len(got) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: got %v, %v, want %d and %q", c.text, got, err, c.want, c.err)
		}
	}
	fromKey, _ := ParseAnchors(key.String())
	if got := fromKey.of("example."); len(got) != 1 || !stands(got[0], key) {
		t.Errorf("got %v, want the DS record of the key", got)
	}
}
