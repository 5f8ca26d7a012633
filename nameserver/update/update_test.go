package update_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/access"
	"certctl/nameserver/update"
	"certctl/nameserver/values"
)

const (
	zone  delegation.Name = "auth.example.net."
	value string          = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
	other string          = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
)

var secret = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

// scene is a handler with what is behind it.
type scene struct {
	*testing.T
	handler *update.Handler
	store   *values.Store
	log     bytes.Buffer
}

// served is one zone with the values of a store.
type served struct{ store *values.Store }

func (s served) Serves(apex delegation.Name) bool { return apex == zone }

func (s served) Records(apex, name delegation.Name) []dns.RR {
	var all []dns.RR
	if name == apex {
		soa, _ := dns.NewRR(apex.String() + " SOA ns1 hostmaster 1 2 3 4 5")
		all = append(all, soa)
	}
	for _, v := range s.store.At(apex, name) {
		rr, _ := dns.NewRR(fmt.Sprintf("%s 60 TXT %q", name, v.Text))
		all = append(all, rr)
	}
	return all
}

func begin(t *testing.T) *scene {
	store, err := values.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &scene{T: t, store: store}
	s.handler = &update.Handler{
		Zones: served{store}, Keys: map[delegation.Name]*update.Key{},
		Desk: access.NewDesk(store, slog.New(slog.NewTextHandler(&s.log, nil))),
		Gate: new(access.Gate),
	}
	s.key("web", "hmac-sha256", access.Key{Names: []delegation.Name{"web.auth.example.net."}})
	s.key("all", "hmac-sha512", access.Key{Subtrees: []delegation.Name{zone}, AnyValue: true})
	t.Cleanup(func() {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log shows a secret: %s", &s.log)
		}
	})
	return s
}

func (s *scene) key(name, algorithm string, rights access.Key) {
	rights.ID = "tsig " + name
	k, err := update.NewKey(name, algorithm, secret, rights)
	if err != nil {
		s.Fatal(err)
	}
	s.handler.Keys[k.Name] = k
}

// message is an update with these lines of nsupdate's words: add and remove of
// records in the update section, and yx, nx of names and sets that are
// prerequisites.
func message(t testing.TB, lines ...string) *dns.Msg {
	m := new(dns.Msg).SetUpdate(zone.String())
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		rr, err := dns.NewRR(rest)
		if err != nil {
			t.Fatal(err)
		}
		rrs := []dns.RR{rr}
		map[string]func([]dns.RR){
			"add": m.Insert, "remove": m.Remove, "clear": m.RemoveRRset, "erase": m.RemoveName,
			"used": m.NameUsed, "unused": m.NameNotUsed, "set": m.RRsetUsed, "unset": m.RRsetNotUsed, "same": m.Used,
		}[word](rrs)
	}
	return m
}

// send signs a message as a key would, and returns the answer and its rcode.
func (s *scene) send(m *dns.Msg, key, algorithm string) (*dns.Msg, string) {
	s.Helper()
	m.SetTsig(dns.Fqdn(key), algorithm, 300, time.Now().Unix())
	packet, mac, err := dns.TsigGenerate(m, secret, "", false)
	if err != nil {
		s.Fatal(err)
	}
	packed := s.handler.Update(context.Background(), slices.Clone(packet), netip.MustParseAddr("192.0.2.7"), true)
	r := unpack(s, packed)
	if r.Rcode != dns.RcodeNotAuth {
		if err := dns.TsigVerify(packed, secret, mac, false); err != nil {
			s.Errorf("the answer's signature: %v", err)
		}
	}
	return r, dns.RcodeToString[r.Rcode]
}

func unpack(t testing.TB, packed []byte) *dns.Msg {
	t.Helper()
	r := new(dns.Msg)
	if err := r.Unpack(packed); err != nil {
		t.Fatal(err)
	}
	return r
}

// at returns the values at a name.
func (s *scene) at(name delegation.Name) []string {
	var all []string
	for _, v := range s.store.At(zone, name) {
		all = append(all, v.Text)
	}
	return all
}

func (s *scene) want(name delegation.Name, want ...string) {
	s.Helper()
	if got := s.at(name); !slices.Equal(got, want) {
		s.Errorf("at %s: got %q, want %q", name, got, want)
	}
}

func TestUpdate(t *testing.T) {
	s := begin(t)
	step := func(want string, lines ...string) {
		t.Helper()
		if _, got := s.send(message(t, lines...), "web", dns.HmacSHA256); got != want {
			t.Errorf("%q: got %s, want %s", lines, got, want)
		}
	}
	const web = "web.auth.example.net."
	step("NOERROR", "add "+web+" 60 TXT "+value)
	step("NOERROR", "add WEB.auth.example.NET. 60 TXT "+value, "add "+web+" 60 TXT "+other)
	s.want(web, value, other)
	if got := s.store.At(zone, web)[0]; got.Key != "tsig web" || got.TTL != 60 {
		t.Errorf("got %+v, want the TTL and the key", got)
	}
	step("NOERROR", "remove "+web+" TXT "+value)
	s.want(web, other)
	step("NOERROR", "add "+web+" 60 TXT "+value, "remove "+web+" TXT "+value)
	step("NOERROR", "remove "+web+" TXT "+other, "add "+web+" 60 TXT "+other)
	s.want(web, other)
	step("NOERROR", "clear "+web+" TXT x", "add "+web+" 60 TXT "+value)
	s.want(web, value)
	step("NOERROR", "erase "+web+" TXT x")
	s.want(web)

	step("REFUSED", "add "+web+" 60 TXT not-a-value")
	step("REFUSED", "add "+web+" 60 A 192.0.2.1")
	step("REFUSED", "clear "+web+" A 192.0.2.1")
	step("REFUSED", "add "+web+" 60 TXT "+value, "add www.auth.example.net. 60 TXT "+value)
	step("REFUSED", "clear "+zone.String()+" SOA a. b. 1 2 3 4 5")
	step("NOTZONE", "add web.example.net. 60 TXT "+value)
	s.want(web)
}

// A key removes what it has put, and nothing of others.
func TestOthersStay(t *testing.T) {
	s := begin(t)
	const web = "web.auth.example.net."
	for key, algorithm := range map[string]string{"web": dns.HmacSHA256, "all": dns.HmacSHA512} {
		v := map[string]string{"web": value, "all": other}[key]
		if _, got := s.send(message(t, "add "+web+" 60 TXT "+v), key, algorithm); got != "NOERROR" {
			t.Fatalf("%s: got %s", key, got)
		}
	}
	for _, line := range []string{"remove " + web + " TXT " + value, "clear " + web + " TXT x", "erase " + web + " TXT x"} {
		if _, got := s.send(message(t, line), "all", dns.HmacSHA512); got != "NOERROR" {
			t.Errorf("%s: got %s", line, got)
		}
	}
	s.want(web, value)
}

func TestPrerequisites(t *testing.T) {
	s := begin(t)
	const web = "web.auth.example.net."
	if _, got := s.send(message(t, "add "+web+" 60 TXT "+value), "web", dns.HmacSHA256); got != "NOERROR" {
		t.Fatal(got)
	}
	for want, lines := range map[string][]string{
		"NOERROR":  {"used " + web + " TXT x", "unused no." + web + " TXT x", "set " + web + " TXT x", "unset " + web + " A 192.0.2.1", "same " + web + " TXT " + value, "set " + zone.String() + " SOA a. b. 1 2 3 4 5"},
		"NXDOMAIN": {"used no." + web + " TXT x"},
		"YXDOMAIN": {"unused " + web + " TXT x"},
		"NXRRSET":  {"set " + web + " A 192.0.2.1", "same " + web + " TXT " + other},
		"YXRRSET":  {"unset " + web + " TXT x"},
		"NOTZONE":  {"used example.com. TXT x"},
	} {
		for _, line := range lines {
			m := message(t, line, "add "+web+" 60 TXT "+other)
			if _, got := s.send(m, "web", dns.HmacSHA256); got != want {
				t.Errorf("%s: got %s, want %s", line, got, want)
			}
			if want == "NOERROR" {
				s.send(message(t, "remove "+web+" TXT "+other), "web", dns.HmacSHA256)
			}
			s.want(web, value)
		}
	}
}

func TestKeys(t *testing.T) {
	s := begin(t)
	line := "add web.auth.example.net. 60 TXT " + value
	tsigError := func(r *dns.Msg) string {
		if r.IsTsig() == nil {
			return "none"
		}
		return dns.RcodeToString[int(r.IsTsig().Error)]
	}
	r, got := s.send(message(t, line), "nobody", dns.HmacSHA256)
	if got != "NOTAUTH" || tsigError(r) != "BADKEY" {
		t.Errorf("unknown key: got %s %s", got, tsigError(r))
	}
	r, got = s.send(message(t, line), "web", dns.HmacSHA1)
	if got != "NOTAUTH" || tsigError(r) != "BADKEY" {
		t.Errorf("another algorithm: got %s %s", got, tsigError(r))
	}
	if r := s.raw(message(t, line), nil); r.Rcode != dns.RcodeRefused {
		t.Errorf("no signature: got %v, want REFUSED", r)
	}
	r = s.raw(message(t, line), func(m *dns.Msg) { m.SetTsig("web.", dns.HmacSHA256, 300, time.Now().Unix()-1000) })
	if r.Rcode != dns.RcodeNotAuth || tsigError(r) != "BADTIME" || r.IsTsig().OtherLen != 6 {
		t.Errorf("old: got %v", r)
	}
	s.key("transfers", "hmac-sha256", access.Key{})
	if _, got := s.send(message(t, line), "transfers", dns.HmacSHA256); got != "REFUSED" {
		t.Errorf("a key without rights: got %s, want REFUSED", got)
	}
	s.store.Foreign(func(delegation.Name) string { return "192.0.2.1:53" })
	if _, got := s.send(message(t, line), "web", dns.HmacSHA256); got != "REFUSED" {
		t.Errorf("at a secondary: got %s, want REFUSED", got)
	}
	s.store.Foreign(func(delegation.Name) string { return "" })
	foreign := message(t, line)
	foreign.Question[0].Name = "example.org."
	if _, got := s.send(foreign, "web", dns.HmacSHA256); got != "NOTAUTH" {
		t.Errorf("another zone: got %s, want NOTAUTH", got)
	}
	wrong := message(t, line)
	wrong.Question[0].Qtype = dns.TypeA
	if _, got := s.send(wrong, "web", dns.HmacSHA256); got != "FORMERR" {
		t.Errorf("type A in the zone section: got %s, want FORMERR", got)
	}
	s.want("web.auth.example.net.")
}

// raw sends a message that is signed with the right secret, or not at all.
func (s *scene) raw(m *dns.Msg, sign func(*dns.Msg)) *dns.Msg {
	packet, err := m.Pack()
	if sign != nil {
		sign(m)
		packet, _, err = dns.TsigGenerate(m, secret, "", false)
	}
	if err != nil {
		s.Fatal(err)
	}
	return unpack(s, s.handler.Update(context.Background(), packet, netip.MustParseAddr("192.0.2.7"), true))
}

// Whoever guesses secrets over TCP is locked out; over UDP the address may be
// made up.
func TestLockOut(t *testing.T) {
	s := begin(t)
	guess := func(secret string, tcp bool) string {
		m := message(t, "add web.auth.example.net. 60 TXT "+value)
		m.SetTsig("web.", dns.HmacSHA256, 300, time.Now().Unix())
		packet, _, err := dns.TsigGenerate(m, secret, "", false)
		if err != nil {
			t.Fatal(err)
		}
		return dns.RcodeToString[unpack(t, s.handler.Update(t.Context(), packet, netip.MustParseAddr("192.0.2.66"), tcp)).Rcode]
	}
	wrong := base64.StdEncoding.EncodeToString([]byte("another secret of 32 octets ...."))
	for range 40 {
		if got := guess(wrong, false); got != "NOTAUTH" {
			t.Fatalf("a wrong secret: got %s", got)
		}
	}
	if got := guess(secret, true); got != "NOERROR" {
		t.Errorf("after wrong ones over UDP: got %s, want NOERROR", got)
	}
	for range 10 {
		guess(wrong, true)
	}
	if got := guess(secret, true); got != "NOTAUTH" {
		t.Errorf("after wrong ones over TCP: got %s, want NOTAUTH", got)
	}
}

func TestNewKey(t *testing.T) {
	for _, c := range []struct{ algorithm, secret, want string }{
		{"hmac-md5", secret, `algorithm: "hmac-md5" is none of hmac-sha256, hmac-sha384, hmac-sha512`},
		{"hmac-sha256", "hunter2!", "the secret is not base64"},
		{"hmac-sha256", "aHVudGVyMg==", "the secret has 56 bits: 128 are the least; tsig-keygen makes one"},
	} {
		if _, err := update.NewKey("k", c.algorithm, c.secret, access.Key{}); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	k, err := update.NewKey("k", "hmac-sha256", secret, access.Key{})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, k); strings.Contains(got, secret) {
			t.Errorf("%s: got %s", verb, got)
		}
	}
}

// Whatever comes: an answer or nothing, never a panic, and no value without a
// right signature.
func FuzzUpdate(f *testing.F) {
	store, err := values.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	defer store.Close()
	k, err := update.NewKey("web", "hmac-sha256", secret, access.Key{ID: "web", Subtrees: []delegation.Name{zone}})
	if err != nil {
		f.Fatal(err)
	}
	h := &update.Handler{
		Zones: served{store}, Keys: map[delegation.Name]*update.Key{k.Name: k},
		Desk: access.NewDesk(store, nil), Gate: new(access.Gate),
	}
	m := message(f, "add web.auth.example.net. 60 TXT "+value, "used web.auth.example.net. TXT x")
	unsigned, _ := m.Pack()
	m.SetTsig("web.", dns.HmacSHA256, 300, 1700000000)
	signed, _, _ := dns.TsigGenerate(m, secret, "", false)
	f.Add(unsigned)
	f.Add(signed)
	f.Add([]byte("\x00\x01\x28\x00\x00\x01\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		answer := h.Update(context.Background(), slices.Clone(packet), netip.MustParseAddr("192.0.2.1"), false)
		if answer != nil && (len(answer) < 12 || answer[2]&0x80 == 0) {
			t.Errorf("got %x, want a response", answer)
		}
		if all, _ := store.All(zone); len(all) > 0 {
			t.Errorf("got %v, want nothing kept", all)
		}
	})
}
