package nameserver

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01/txt"
	"certctl/lab/debian"
	"certctl/nameserver/values"
)

const (
	auth = delegation.Name("auth.example.net.")
	www  = delegation.Name("_acme-challenge.www.example.com.")
)

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// journal is a log that tests read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) has(words string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), words)
}

// exchange asks a server over TCP.
func exchange(t *testing.T, addr netip.AddrPort, name string, qtype uint16) *dns.Msg {
	t.Helper()
	client := dns.Client{Net: "tcp", Timeout: 5 * time.Second}
	m, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, qtype), addr.String())
	if err != nil {
		return new(dns.Msg)
	}
	return m
}

func records(m *dns.Msg) string {
	var list []string
	for _, rr := range m.Answer {
		list = append(list, strings.Join(strings.Fields(rr.String()), " "))
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// TestSecondaries has BIND, Knot and NSD follow every change, by NOTIFY and IXFR.
func TestSecondaries(t *testing.T) {
	site := debian.New(t)
	key := debian.NewKey("transfer")
	secret, err := base64.StdEncoding.DecodeString(key.Secret)
	if err != nil {
		t.Fatal(err)
	}
	addrs := map[string]netip.AddrPort{"BIND": site.Addr(), "Knot": site.Addr(), "NSD": site.Addr()}
	var log journal
	c := world()
	c.Zones, c.Keys = c.Zones[:1], []Key{{Name: "transfer.", Algorithm: key.Algorithm, Secret: secret}}
	c.Listen, c.Log = []netip.AddrPort{site.Addr()}, slog.New(slog.NewTextHandler(&log, nil))
	for _, addr := range addrs {
		c.Zones[0].Secondaries = append(c.Zones[0].Secondaries, Peer{addr, "transfer."})
	}
	for n := range 500 {
		put(t, c.Values, auth, delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n)), fmt.Sprintf("%043d", n))
	}
	ours := serve(t, newServer(t, c))
	zones := []debian.Zone{{Name: string(auth), Primary: ours, PrimaryKey: key}}
	site.BIND(debian.Server{Addr: addrs["BIND"], Zones: zones})
	site.Knot(debian.Server{Addr: addrs["Knot"], Zones: zones})
	site.NSD(debian.Server{Addr: addrs["NSD"], Zones: zones})
	same := func(name string, qtype uint16) {
		t.Helper()
		for server, addr := range addrs {
			until(t, server+" "+name, func() bool {
				want := exchange(t, ours, name, qtype)
				got := exchange(t, addr, name, qtype)
				return got.Rcode == want.Rcode && records(got) == records(want)
			})
		}
	}
	same(string(auth), dns.TypeSOA)
	same(string(auth), dns.TypeNS)
	same("a.b.auth.example.net.", dns.TypeA)
	same("n499.auth.example.net.", dns.TypeTXT)
	value := values.Value{Owner: "n1.auth.example.net.", Text: "new", Key: "k", TTL: 5}
	for _, change := range []func() error{
		func() error { return c.Values.Put(auth, value) },
		func() error { return c.Values.Put(auth, values.Value{Owner: value.Owner, Text: "new", Key: "other"}) },
		func() error { return c.Values.Remove(auth, value) },
		func() error { return c.Values.Remove(auth, c.Values.At(auth, value.Owner)...) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		same(string(auth), dns.TypeSOA)
		same(string(value.Owner), dns.TypeTXT)
	}
	if !log.has("records=7\n") {
		t.Errorf("got no transfer of a few records: all were whole")
	}
}

// pair starts a primary and a secondary of our own.
func pair(t *testing.T, signer *Signer) (primary, secondary *Server, p, s Config) {
	t.Helper()
	p = world()
	p.Keys = []Key{{Name: "transfer.", Algorithm: "hmac-sha256", Secret: []byte("secret")}}
	for n := range p.Zones {
		p.Zones[n].Signer = signer
		p.Zones[n].Secondaries = []Peer{{Key: "transfer."}}
	}
	primary = newServer(t, p)
	addr := serve(t, primary)
	s = world()
	s.Keys = p.Keys
	for n := range s.Zones {
		s.Zones[n].Primary = &Peer{addr, "transfer."}
	}
	return primary, newServer(t, s), p, s
}

// TestOwnSecondary has a second instance know everything that the first knows,
// and take over.
func TestOwnSecondary(t *testing.T) {
	primary, secondary, p, s := pair(t, nil)
	expires := time.Now().Add(time.Hour).Round(time.Millisecond)
	full := values.Value{Owner: "x.auth.example.net.", Text: "text", TTL: 7, Key: "alice", Expires: expires}
	challenge := values.Value{Owner: www, Text: "three", Key: "bob", Expires: expires}
	for zone, v := range map[delegation.Name]values.Value{auth: full, www: challenge} {
		if err := p.Values.Put(zone, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{string(full.Owner), string(www)} {
		if m := secondary.Answer(new(dns.Msg).SetQuestion(name, dns.TypeTXT), somebody, true); m.Rcode != dns.RcodeServerFailure {
			t.Errorf("%s: got %s before the transfer, want SERVFAIL", name, dns.RcodeToString[m.Rcode])
		}
	}
	addr := serve(t, secondary)
	same := func() {
		t.Helper()
		for _, zone := range []delegation.Name{auth, www} {
			until(t, zone.Bare(), func() bool {
				want, serial := p.Values.All(zone)
				got, now := s.Values.All(zone)
				return now == serial && slices.EqualFunc(got, want, func(a, b values.Value) bool {
					return a.Owner == b.Owner && a.Text == b.Text && a.TTL == b.TTL && a.Key == b.Key && a.Expires.Equal(b.Expires)
				})
			})
		}
	}
	same()
	for n := range p.Zones {
		p.Zones[n].Secondaries = []Peer{{addr, "transfer."}}
	}
	if err := primary.Reload(p); err != nil {
		t.Fatal(err)
	}
	put(t, p.Values, auth, "y.auth.example.net.", "1", "2")
	put(t, p.Values, www, www, "four")
	if err := p.Values.Remove(auth, full); err != nil {
		t.Fatal(err)
	}
	same()
	if err := s.Values.Put(auth, full); err == nil {
		t.Errorf("got no error for a value that is put at the secondary")
	}
	for n := range s.Zones {
		s.Zones[n].Primary = nil
	}
	serial := s.Values.Serial(www)
	if err := secondary.Reload(s); err != nil {
		t.Fatal(err)
	}
	if err := s.Values.Remove(www, challenge); err != nil || s.Values.Serial(www) <= serial || len(s.Values.At(www, www)) != 1 {
		t.Errorf("got %v and serial %d after %d from the promoted secondary", err, s.Values.Serial(www), serial)
	}
}

// TestTransferRefused gives a zone to nobody without the right key.
func TestTransferRefused(t *testing.T) {
	c := world()
	c.Keys = []Key{{Name: "transfer.", Algorithm: "hmac-sha256", Secret: []byte("secret")}, {Name: "other.", Algorithm: "hmac-sha256", Secret: []byte("other")}}
	c.Zones[0].Secondaries = []Peer{{Key: "transfer."}}
	addr := serve(t, newServer(t, c))
	secrets := map[string]string{"transfer.": "c2VjcmV0", "other.": "b3RoZXI=", "none.": "b3RoZXI="}
	transfer := func(key, secret string, qtype uint16) (int, error) {
		m := new(dns.Msg).SetAxfr(string(auth))
		if qtype == dns.TypeIXFR {
			m.SetIxfr(string(auth), 1, "a.", "b.")
		}
		tr := dns.Transfer{}
		if key != "" {
			tr.TsigSecret = map[string]string{key: secret}
			m.SetTsig(key, dns.HmacSHA256, 300, time.Now().Unix())
		}
		envelopes, err := tr.In(m, addr.String())
		if err != nil {
			return 0, err
		}
		count := 0
		for e := range envelopes {
			count += len(e.RR)
			if e.Error != nil {
				err = e.Error
			}
		}
		return count, err
	}
	for _, qtype := range []uint16{dns.TypeAXFR, dns.TypeIXFR} {
		if n, err := transfer("transfer.", secrets["transfer."], qtype); err != nil || n != 8 {
			t.Errorf("got %d records, %v, want 8", n, err)
		}
		for key, secret := range map[string]string{"": "", "other.": secrets["other."], "none.": secrets["none."], "transfer.": secrets["other."]} {
			if n, err := transfer(key, secret, qtype); err == nil || n > 0 {
				t.Errorf("key %q: got %d records, %v, want an error", key, n, err)
			}
		}
	}
}

// TestForeignTexts takes values of a primary of another kind as they are meant,
// and not as master files write them.
func TestForeignTexts(t *testing.T) {
	z, _ := newServer(t, world()).hosting.Load().zone(auth)
	const want = `say "ä" \ twice`
	rr, err := dns.NewRR(`x.auth.example.net. 60 IN TXT "say \"\195\164\" \\ " "twice"`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := z.valuesIn([]dns.RR{rr}, false)
	if err != nil || len(list) != 1 || list[0].Text != want || list[0].TTL != 60 {
		t.Fatalf("got %+v, %v, want %q for 60 s", list, err, want)
	}
	m := new(dns.Msg)
	m.Answer = z.textsOf(list)
	packed, err := m.Pack()
	if err != nil || m.Unpack(packed) != nil {
		t.Fatal(err)
	}
	if again, err := txt.Join(m.Answer[0].(*dns.TXT).Txt); err != nil || again != want {
		t.Errorf("got %q, %v served again, want %q", again, err, want)
	}
}
