package rfc2136_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/dns01/rfc2136"
)

func TestUpdateError(t *testing.T) {
	const prefix = "server 192.0.2.1:53 refused the update of zone example.net.: "
	tests := []struct {
		rcode, tsig int
		want, hint  string
	}{
		{dns.RcodeServerFailure, 0, "SERVFAIL: it failed to carry it out", "the server's log says why: often it cannot write the zone's journal or directory"},
		{dns.RcodeNotZone, 0, "NOTZONE: a name is outside that zone", ""},
		{dns.RcodeNotImplemented, 0, "NOTIMP: it does not know dynamic updates", ""},
		{dns.RcodeFormatError, 0, "FORMERR: it did not understand it", ""},
		{dns.RcodeYXDomain, 0, "YXDOMAIN: this is no answer to such an update", ""},
		{99, 0, "rcode 99: this is no answer to such an update", ""},
		{dns.RcodeNotAuth, 0, "NOTAUTH: it is not the primary of that zone, or does not serve it", "set server: to the primary of example.net, and look whether it serves a zone of exactly this name"},
		{dns.RcodeRefused, 0, "REFUSED: the key k may not write all of these records, or it takes no updates from here",
			"look at the zone's update-policy or allow-update (BIND) or TSIG-ALLOW-DNSUPDATE (PowerDNS, which refuses unknown keys, wrong secrets and clocks in this way too) for the key k"},
		{dns.RcodeNotAuth, dns.RcodeBadSig, "BADSIG: its secret for the key k is another one", "compare secret and algorithm of the key k in the configuration with the server's"},
		{dns.RcodeNotAuth, dns.RcodeBadKey, "BADKEY: it does not know the key k with hmac-sha256, or does not let it write here",
			"compare the name (k) and algorithm (hmac-sha256) of the key with the server's; Knot answers this also when no acl with action: update lets the key write these names"},
		{dns.RcodeNotAuth, dns.RcodeBadTime, "BADTIME: its clock and this host's are too far apart", "set both clocks right (NTP): signatures are good for five minutes"},
		{dns.RcodeNotAuth, dns.RcodeBadTrunc, "BADTRUNC: it wants longer signatures than hmac-sha256 makes", "use the algorithm that the server has for this key"},
		{dns.RcodeNotAuth, dns.RcodeBadMode, "BADMODE: it does not accept the signature of key k", ""},
	}
	for _, test := range tests {
		e := &rfc2136.UpdateError{
			Server: netip.MustParseAddrPort("192.0.2.1:53"), Zone: "example.net.",
			Key: "k.", Algorithm: "hmac-sha256", Rcode: test.rcode, TSIG: test.tsig,
		}
		if got := strings.TrimPrefix(e.Error(), prefix); got != test.want {
			t.Errorf("rcode %d, TSIG %d: got %q, want %q", test.rcode, test.tsig, got, test.want)
		}
		if got := e.Hint(); got != test.hint {
			t.Errorf("rcode %d, TSIG %d: hint: got %q, want %q", test.rcode, test.tsig, got, test.hint)
		}
	}
}

// A server that has the zone says NOTAUTH for another reason than that.
func TestUpdateErrorServed(t *testing.T) {
	e := &rfc2136.UpdateError{Zone: "example.net.", Key: "k.", Algorithm: "hmac-sha256", Rcode: dns.RcodeNotAuth, Served: true}
	if got, want := e.Error(), ": NOTAUTH: it does not know the key k with hmac-sha256, or does not let it write here, or is not the primary of that zone"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end in %q", got, want)
	}
	if got, want := e.Hint(), "acl with action: update"; !strings.Contains(got, want) {
		t.Errorf("hint: got %q, want %q in it", got, want)
	}
}
