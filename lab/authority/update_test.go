package authority_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// change is one update for a test to send.
type change struct {
	zone   string
	key    authority.Key // none: unsigned
	skew   time.Duration // of the client's clock
	edit   func(m *dns.Msg)
	server *authority.Server
}

// send sends the update over TCP and returns the rcode, with the TSIG error.
func (c change) send(t *testing.T) (string, *dns.Msg) {
	t.Helper()
	m := new(dns.Msg).SetUpdate(c.zone)
	if c.edit != nil {
		c.edit(m)
	}
	client := &dns.Client{Net: "tcp"}
	if c.key.Name != "" {
		name := dns.CanonicalName(c.key.Name)
		client.TsigSecret = map[string]string{name: c.key.Secret}
		m.SetTsig(name, dns.Fqdn(c.key.Algorithm), 300, time.Now().Add(c.skew).Unix())
	}
	r, _, err := client.Exchange(m, c.server.Addr().String())
	if r == nil || err != nil && !errors.Is(err, dns.ErrAuth) && r.Rcode != dns.RcodeNotAuth {
		t.Fatal(err)
	}
	rcode := dns.RcodeToString[r.Rcode]
	if s := r.IsTsig(); s != nil && s.Error != 0 {
		rcode += " " + dns.RcodeToString[int(s.Error)]
	}
	return rcode, r
}

func rr(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

func add(t *testing.T, texts ...string) func(*dns.Msg) {
	return func(m *dns.Msg) {
		for _, text := range texts {
			m.Insert([]dns.RR{rr(t, text)})
		}
	}
}

func TestUpdate(t *testing.T) {
	w := authority.New()
	w.Zone("example.com.", "", "ns1.example.net.")
	z := w.Zone("auth.example.net.", `
		alias  CNAME www
		cut    NS    ns.example.org.
		keep   TXT   "old"
	`, "ns1.example.net.", "ns2.example.net.")
	all := z.Key("all")
	narrow := z.Key("narrow", "www", "_acme-challenge.www.auth.example.net.")
	other := w.Zone("other.example.", "", "ns1.example.net.").Key("other")
	w.Server("ns2.example.net.").Lag(authority.Never)
	w.Run(t)
	ns1, ns2 := w.Server("ns1.example.net."), w.Server("ns2.example.net.")
	wrong := all
	wrong.Secret = narrow.Secret
	sha512 := all
	sha512.Algorithm = "hmac-sha512"
	txt := `www.auth.example.net. 60 TXT "new"`

	tests := []struct {
		name   string
		change change
		rcode  string
		want   []string // TXT records of the zone
	}{
		{"add", change{key: all, edit: add(t, txt)}, "NOERROR", []string{"keep old", "www new"}},
		{"add what is there", change{key: all, edit: add(t, txt)}, "NOERROR", []string{"keep old", "www new"}},
		{"narrow key, its name", change{key: narrow, edit: add(t, `www.auth.example.net. 60 TXT "too"`)}, "NOERROR", []string{"keep old", "www new", "www too"}},
		{"narrow key, other name", change{key: narrow, edit: add(t, `x.auth.example.net. 60 TXT "new"`)}, "REFUSED", nil},
		{"narrow key, below its name", change{key: narrow, edit: add(t, `x.www.auth.example.net. 60 TXT "new"`)}, "REFUSED", nil},
		{"narrow key, other type", change{key: narrow, edit: add(t, `www.auth.example.net. 60 A 192.0.2.1`)}, "REFUSED", nil},
		{"beside a CNAME", change{key: all, edit: add(t, `alias.auth.example.net. 60 TXT "new"`)}, "NOERROR", nil},
		{"CNAME beside others", change{key: all, edit: add(t, `keep.auth.example.net. 60 CNAME www`)}, "NOERROR", nil},
		{"below a cut", change{key: all, edit: add(t, `x.cut.auth.example.net. 60 TXT "occluded"`)}, "NOERROR", []string{"keep old", "www new", "www too", "x.cut occluded"}},
		{"outside the zone", change{key: all, edit: add(t, `www.example.org. 60 TXT "new"`)}, "NOTZONE", nil},
		{"unsigned", change{edit: add(t, txt)}, "REFUSED", nil},
		{"unknown key", change{key: authority.NewKey("nobody"), edit: add(t, txt)}, "NOTAUTH BADKEY", nil},
		{"wrong secret", change{key: wrong, edit: add(t, txt)}, "NOTAUTH BADSIG", nil},
		{"wrong algorithm", change{key: sha512, edit: add(t, txt)}, "NOTAUTH BADKEY", nil},
		{"wrong clock", change{key: all, skew: -time.Hour, edit: add(t, txt)}, "NOTAUTH BADTIME", nil},
		{"key of another zone", change{key: other, edit: add(t, txt)}, "REFUSED", nil},
		{"zone without keys", change{key: all, zone: "example.com."}, "REFUSED", nil},
		{"not an apex", change{key: all, zone: "www.auth.example.net."}, "NOTAUTH", nil},
		{"not served", change{key: all, zone: "example.org."}, "NOTAUTH", nil},
		{"at a secondary", change{key: all, server: ns2, edit: add(t, txt)}, "REFUSED", nil},
		{"prerequisite met", change{key: all, edit: func(m *dns.Msg) {
			m.RRsetUsed([]dns.RR{rr(t, `keep.auth.example.net. TXT ""`)})
			m.Remove([]dns.RR{rr(t, txt)})
		}}, "NOERROR", []string{"keep old", "www too", "x.cut occluded"}},
		{"set must be absent", change{key: all, edit: func(m *dns.Msg) { m.RRsetNotUsed([]dns.RR{rr(t, `keep.auth.example.net. TXT ""`)}) }}, "YXRRSET", nil},
		{"set must exist", change{key: all, edit: func(m *dns.Msg) { m.RRsetUsed([]dns.RR{rr(t, `keep.auth.example.net. A 192.0.2.1`)}) }}, "NXRRSET", nil},
		{"name must be absent", change{key: all, edit: func(m *dns.Msg) { m.NameNotUsed([]dns.RR{rr(t, txt)}) }}, "YXDOMAIN", nil},
		{"name must exist", change{key: all, edit: func(m *dns.Msg) { m.NameUsed([]dns.RR{rr(t, `x.auth.example.net. A 192.0.2.1`)}) }}, "NXDOMAIN", nil},
		{"remove an absent record", change{key: all, edit: func(m *dns.Msg) { m.Remove([]dns.RR{rr(t, txt)}) }}, "NOERROR", nil},
		{"remove a set", change{key: all, edit: func(m *dns.Msg) { m.RemoveRRset([]dns.RR{rr(t, txt)}) }}, "NOERROR", []string{"keep old", "x.cut occluded"}},
		{"remove a name", change{key: all, edit: func(m *dns.Msg) { m.RemoveName([]dns.RR{rr(t, `x.cut.auth.example.net. TXT ""`)}) }}, "NOERROR", []string{"keep old"}},
		{"remove the apex", change{key: all, edit: func(m *dns.Msg) { m.RemoveName([]dns.RR{rr(t, `auth.example.net. TXT ""`)}) }}, "NOERROR", nil},
	}
	before := texts(z)
	for _, test := range tests {
		if test.change.zone == "" {
			test.change.zone = z.Apex()
		}
		if test.change.server == nil {
			test.change.server = ns1
		}
		serial := z.Records("SOA")
		if got, _ := test.change.send(t); got != test.rcode {
			t.Errorf("%s: got %s, want %s", test.name, got, test.rcode)
		}
		if test.want == nil {
			test.want = before
		}
		after := texts(z)
		if diff := cmp.Diff(test.want, after); diff != "" {
			t.Errorf("%s: TXT records (-want +got):\n%s", test.name, diff)
		}
		if changed := !slices.Equal(serial, z.Records("SOA")); changed == slices.Equal(before, after) {
			t.Errorf("%s: serial: got changed=%t, want it to follow the records", test.name, changed)
		}
		before = after
	}
	if got := len(z.Records("SOA", "NS")); got != 4 {
		t.Errorf("SOA and NS records: got %d, want 4", got)
	}
}

// texts returns the TXT records of a zone, as "name value".
func texts(z *authority.Zone) []string {
	got := []string{}
	for _, r := range z.Records("TXT") {
		f := strings.Fields(r)
		got = append(got, strings.TrimSuffix(f[0], "."+z.Apex())+" "+strings.Trim(f[4], `"`))
	}
	return got
}

func TestUpdateTTL(t *testing.T) {
	w := authority.New()
	z := w.Zone("example.com.", `x 300 TXT "old"`, "ns1.example.com.")
	c := change{zone: z.Apex(), key: z.Key("k"), server: w.Server("ns1.example.com."), edit: add(t, `x.example.com. 60 TXT "new"`)}
	w.Run(t)
	c.send(t)
	want := []string{`x.example.com. 60 IN TXT "new"`, `x.example.com. 60 IN TXT "old"`}
	if diff := cmp.Diff(want, z.Records("TXT")); diff != "" {
		t.Errorf("TTL of the set (-want +got):\n%s", diff)
	}
}

// The clock of the server travels with BADTIME, and the client's signature is
// good: the reply is signed.
func TestBadTime(t *testing.T) {
	w := authority.New()
	z := w.Zone("example.com.", "", "ns1.example.com.")
	c := change{zone: z.Apex(), key: z.Key("k"), server: w.Server("ns1.example.com.")}
	c.server.Fault(authority.Fault{ClockAhead: time.Hour})
	w.Run(t)
	rcode, r := c.send(t)
	if rcode != "NOTAUTH BADTIME" {
		t.Fatalf("got %s, want NOTAUTH BADTIME", rcode)
	}
	s := r.IsTsig()
	clock, err := hex.DecodeString(s.OtherData)
	if err != nil || len(clock) != 6 {
		t.Fatalf("other data: got %q, want 48 bits of time", s.OtherData)
	}
	var unix int64
	for _, b := range clock {
		unix = unix<<8 | int64(b)
	}
	ahead := time.Until(time.Unix(unix, 0)).Round(time.Minute)
	if ahead != time.Hour {
		t.Errorf("server's clock: got %s ahead, want 1h", ahead)
	}
	if s.MACSize == 0 {
		t.Error("reply is not signed")
	}
}

func TestUpdateFaults(t *testing.T) {
	tests := []struct {
		fault authority.Fault
		rcode string
	}{
		{authority.Fault{NoUpdates: true}, "REFUSED"},
		{authority.Fault{Swallow: true}, "NOERROR"},
	}
	for _, test := range tests {
		w := authority.New()
		z := w.Zone("example.com.", "", "ns1.example.com.")
		c := change{zone: z.Apex(), key: z.Key("k"), edit: add(t, `x.example.com. 60 TXT "new"`),
			server: w.Server("ns1.example.com.").Fault(test.fault)}
		w.Run(t)
		if got, _ := c.send(t); got != test.rcode {
			t.Errorf("%+v: got %s, want %s", test.fault, got, test.rcode)
		}
		if got := z.Records("TXT"); len(got) != 0 {
			t.Errorf("%+v: got %q, want no records", test.fault, got)
		}
	}
}

func TestUpdateLog(t *testing.T) {
	w := authority.New()
	z := w.Zone("example.com.", "", "ns1.example.com.")
	c := change{zone: "Example.com.", key: z.Key("K1"), server: w.Server("ns1.example.com.")}
	c.edit = func(m *dns.Msg) {
		add(t, `a.example.com. 60 TXT "a"`)(m)
		m.Remove([]dns.RR{rr(t, `b.example.com. 60 TXT "b"`)})
		m.RemoveName([]dns.RR{rr(t, `c.example.com. 60 TXT "c"`)})
	}
	w.Run(t)
	c.send(t)
	c.key = authority.NewKey("k2")
	c.send(t)
	log := c.server.Updates()
	if len(log) != 2 {
		t.Fatalf("got %d updates, want 2", len(log))
	}
	want := `ns1.example.com. zone example.com. key k1 +["a.example.com. 60 IN TXT \"a\""] -["b.example.com. 0 IN TXT \"b\"" "c.example.com. ANY"] NOERROR`
	if got := log[0].String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := log[1].Key + " " + log[1].Rcode; got != "k2 NOTAUTH BADKEY" {
		t.Errorf("got %s, want k2 NOTAUTH BADKEY", got)
	}
	if !log[0].TCP || !log[0].From.IsLoopback() {
		t.Errorf("got tcp=%t from %s, want TCP from a loopback address", log[0].TCP, log[0].From)
	}
}
