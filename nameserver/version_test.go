package nameserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// replica is a copy of a zone that a foreign secondary has.
type replica struct {
	serial  uint32
	records map[string]dns.RR
}

// update has the copy ask for what has changed, and fails the test where it is
// told to remove what it does not have or to add what it has.
func (r *replica) update(t *testing.T, z zone) (whole bool) {
	t.Helper()
	m := new(dns.Msg).SetIxfr(string(z.apex), r.serial, "a.", "b.")
	var list []dns.RR
	for rr, err := range z.signedTransfer(m) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, rr)
	}
	if len(list) == 1 {
		return false
	}
	r.serial = list[0].(*dns.SOA).Serial
	if second, incremental := list[1].(*dns.SOA); !incremental || len(list) < 3 {
		r.records = map[string]dns.RR{}
		r.add(t, list[:len(list)-1])
		return true
	} else if z.values.Serial(z.apex) != r.serial {
		t.Fatalf("got serial %d after %d", r.serial, second.Serial)
	}
	removed, rest := untilSOA(list[2:])
	for _, rr := range slices.Concat(removed, list[1:2]) {
		if r.records[rr.String()] == nil {
			t.Fatalf("the secondary shall remove what it does not have: %v", rr)
		}
		delete(r.records, rr.String())
	}
	added, _ := untilSOA(rest[1:])
	r.add(t, slices.Concat(added, rest[:1]))
	return false
}

func (r *replica) add(t *testing.T, list []dns.RR) {
	t.Helper()
	for _, rr := range list {
		if r.records[rr.String()] != nil {
			t.Fatalf("the secondary has it already: %v", rr)
		}
		r.records[rr.String()] = rr
	}
}

// verify checks that each record set has one signature, which is good.
func (r *replica) verify(t *testing.T, z zone) {
	t.Helper()
	type id struct {
		owner  string
		rrtype uint16
	}
	sets, signatures := map[id][]dns.RR{}, map[id]*dns.RRSIG{}
	for _, rr := range r.records {
		at := id{rr.Header().Name, rr.Header().Rrtype}
		sig, ok := rr.(*dns.RRSIG)
		if !ok {
			sets[at] = append(sets[at], rr)
			continue
		}
		at.rrtype = sig.TypeCovered
		if signatures[at] != nil {
			t.Fatalf("got two signatures of %v", at)
		}
		signatures[at] = sig
	}
	for at, set := range sets {
		if sig := signatures[at]; sig == nil || sig.Verify(z.Signer.dnskey(z.apex), set) != nil {
			t.Fatalf("got signature %v of %v", sig, set)
		}
	}
	if len(sets) != len(signatures) {
		t.Fatalf("got %d signatures of %d sets", len(signatures), len(sets))
	}
}

// against returns the records that one copy has and the other has not.
func (r *replica) against(other replica) string {
	var lines []string
	for text := range r.records {
		if other.records[text] == nil {
			lines = append(lines, "too much: "+text)
		}
	}
	for text := range other.records {
		if r.records[text] == nil {
			lines = append(lines, "missing: "+text)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestSignedDifference has copies follow random changes, each from some serial
// that it has, over restarts: they are always what a new copy is.
func TestSignedDifference(t *testing.T) {
	dir, random := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	var c Config
	var s *Server
	restart := func() {
		t.Helper()
		signer, err := OpenSigner(filepath.Join(dir, "key.pem"))
		if c.Values != nil {
			err = errors.Join(err, c.Values.Close())
		}
		c = world()
		c.Keys = []Key{{Name: "transfer.", Algorithm: "hmac-sha256", Secret: []byte("secret")}}
		c.Zones[0].Signer, c.Zones[0].Secondaries = signer, []Peer{{Key: "transfer."}}
		c.Zones[0].Records = append(c.Zones[0].Records, "@ TXT fixed", "@ MX 1 mail", "b TXT fixed")
		store, openErr := values.Open(dir)
		if err := errors.Join(err, openErr); err != nil {
			t.Fatal(err)
		}
		c.Values = store
		s = newServer(t, c)
		s.frameAll()
	}
	restart()
	defer func() { c.Values.Close() }()
	owners := []delegation.Name{auth, "a.auth.example.net.", "b.auth.example.net.", "x.b.auth.example.net.", "y.b.auth.example.net.", `\000.b.auth.example.net.`, `a\.b.auth.example.net.`, "ns1.auth.example.net.", "c.d.e.auth.example.net."}
	copies := make([]replica, 4)
	wholes := 0
	for n := range 300 {
		v := values.Value{Owner: owners[random.IntN(len(owners))], Text: fmt.Sprint(random.IntN(2)), Key: "k", TTL: uint32(random.IntN(2))}
		change := c.Values.Put
		if random.IntN(2) == 0 {
			change = c.Values.Remove
		}
		if err := change(auth, v); err != nil {
			t.Fatal(err)
		}
		if n%50 == 49 {
			restart()
		}
		z, _ := s.hosting.Load().zone(auth)
		if n == 0 || random.IntN(3) == 0 {
			one := &copies[random.IntN(len(copies))]
			if one.update(t, z) {
				wholes++
			}
			fresh := replica{}
			fresh.update(t, z)
			fresh.verify(t, z)
			if one.against(fresh) != "" || one.serial != c.Values.Serial(auth) {
				t.Fatalf("after %d changes a copy differs from a new one:\n%s", n, one.against(fresh))
			}
		}
	}
	if wholes > len(copies) {
		t.Errorf("got the whole zone %d times for %d copies", wholes, len(copies))
	}
}

// TestSignedAgain lets time pass: signatures in copies are always good for longer
// than the zone's expire time, without any change of a value, and the serial
// rises with them and not otherwise.
func TestSignedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := world()
		c.Keys = []Key{{Name: "transfer.", Algorithm: "hmac-sha256", Secret: []byte("secret")}}
		for n := range c.Zones {
			c.Zones[n].Signer, c.Zones[n].Secondaries = newTestSigner(t), []Peer{{Key: "transfer."}}
		}
		put(t, c.Values, www, www, "three")
		s := newServer(t, c)
		told := map[delegation.Name]int{}
		defer c.Values.Watch(func(zones []delegation.Name) {
			for _, zone := range zones {
				told[zone]++
			}
		})()
		copies := map[delegation.Name]*replica{auth: {}, www: {}}
		for day := range 60 {
			s.frameAll()
			for apex, r := range copies {
				z, _ := s.hosting.Load().zone(apex)
				before := r.serial
				if whole := r.update(t, z); whole != (r.serial != before) {
					t.Errorf("day %d: got serial %d after %d, whole zone %v", day, r.serial, before, whole)
				}
				r.lasts(t, expire*time.Second)
				fresh := replica{}
				if fresh.update(t, z); r.against(fresh) != "" {
					t.Fatalf("day %d: the same serial is another zone:\n%s", day, r.against(fresh))
				}
			}
			time.Sleep(24 * time.Hour)
		}
		for apex := range copies {
			if told[apex] != 60/4 {
				t.Errorf("%s: it was signed %d times in 60 days, want %d", apex, told[apex], 60/4)
			}
		}
		s.frameAll()
		serial := c.Values.Serial(auth)
		s = newServer(t, c)
		if s.frameAll(); c.Values.Serial(auth) != serial {
			t.Errorf("got another serial with a restart")
		}
		if err := c.Values.SetFrame(auth, values.Frame{Digest: c.Values.Frame(auth).Digest, Signed: time.Now().Add(24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if s.frameAll(); c.Values.Frame(auth).Signed.After(time.Now()) {
			t.Errorf("got signatures that stay in the future, where the clock was put")
		}
		time.Sleep(signedZoneFor) // it was off
		s = newServer(t, c)
		z, _ := s.hosting.Load().zone(auth)
		if p := z.period(); int64(p.from) > time.Now().Unix() || int64(p.until) < time.Now().Add(24*time.Hour).Unix() {
			t.Errorf("got signatures for %v at %d before the zone is signed again", p, time.Now().Unix())
		}
	})
}

// lasts checks that all signatures are good now and for some time.
func (r *replica) lasts(t *testing.T, long time.Duration) {
	t.Helper()
	for _, rr := range r.records {
		if sig, ok := rr.(*dns.RRSIG); ok && (!sig.ValidityPeriod(time.Now()) || !sig.ValidityPeriod(time.Now().Add(long))) {
			t.Fatalf("at %v, for %v: %v", time.Now(), long, sig)
		}
	}
}

// TestFrame has the serial of a zone with secondaries rise when its
// configuration gives it something else, and only then.
func TestFrame(t *testing.T) {
	c := world()
	c.Keys = []Key{{Name: "transfer.", Algorithm: "hmac-sha256", Secret: []byte("secret")}}
	c.Zones[0].Secondaries = []Peer{{Key: "transfer."}}
	s := newServer(t, c)
	signer := newTestSigner(t)
	for _, step := range []struct {
		name   string
		change func(*Zone)
		rises  bool
	}{
		{"the start", func(*Zone) {}, true},
		{"nothing", func(*Zone) {}, false},
		{"a secondary", func(z *Zone) { z.Secondaries = append(z.Secondaries, Peer{Key: "transfer."}) }, false},
		{"a record", func(z *Zone) { z.Records = []string{"new A 192.0.2.7"} }, true},
		{"a TTL", func(z *Zone) { z.TTL = time.Hour }, true},
		{"a name server", func(z *Zone) { z.Servers = z.Servers[:1] }, true},
		{"a key", func(z *Zone) { z.Signer = signer }, true},
		{"the proof of our own answers", func(z *Zone) { z.NSEC = true }, false},
		{"another key", func(z *Zone) { z.Signer = newTestSigner(t) }, true},
		{"no key", func(z *Zone) { z.Signer = nil }, true},
		{"a primary", func(z *Zone) { z.Primary, z.Records = &Peer{somebody, "transfer."}, nil }, false},
	} {
		serial, other := c.Values.Serial(auth), c.Values.Serial(org)
		step.change(&c.Zones[0])
		if err := s.Reload(c); err != nil {
			t.Fatal(err)
		}
		s.frameAll()
		z, _ := s.hosting.Load().zone(auth)
		if list := z.transferred(new(dns.Msg).SetIxfr(string(auth), serial, "a.", "b."), false); step.rises && len(list) < 5 {
			t.Errorf("%s: got %v for somebody who has the zone as it was, want all of it", step.name, list)
		}
		if rises := c.Values.Serial(auth) > serial; rises != step.rises || c.Values.Serial(org) != other {
			t.Errorf("%s: got serial %d after %d, want a rise %v", step.name, c.Values.Serial(auth), serial, step.rises)
		}
	}
}

// TestOrder compares the order of names with that of RFC 4034 §6.1, and more.
func TestOrder(t *testing.T) {
	sorted := []delegation.Name{"example.", "a.example.", "yljkjljk.a.example.", "z.a.example.", "zabc.a.example.", "z.example.", `\000.z.example.`, `\001.z.example.`, `\001\000.z.example.`,
		`\001\001.z.example.`, `\002.z.example.`, "*.z.example.", "a.z.example.", `a\000.z.example.`, `a\001.z.example.`, `a\.b.z.example.`, `\200.z.example.`}
	for n, name := range sorted[1:] {
		if a, b := order(sorted[n]), order(name); a >= b {
			t.Errorf("got %s (%q) not before %s (%q)", sorted[n], a, name, b)
		}
	}
	if !strings.HasPrefix(order("b.a.example."), order("a.example.")) {
		t.Errorf("a name does not begin with those above it")
	}
}
