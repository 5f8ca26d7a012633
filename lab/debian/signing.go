package debian

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Signing says how a zone is signed (DNSSEC). One key signs everything, unless
// there are two.
type Signing struct {
	NSEC3      bool // instead of NSEC
	Iterations int  // of NSEC3
	OptOut     bool // NSEC3 records leave unsigned zones below out; not with PowerDNS

	// For Sign only; servers take what is meant by zero.
	TwoKeys     bool      // one for the keys, which the DS record is for, and one for all else
	Algorithm   string    // as dnssec-keygen calls it; "": ECDSAP256SHA256
	From, Until time.Time // of the signatures; zero: an hour ago, and in 30 days
}

// Sign signs a zone by hand, with dnssec-signzone. The zone returned is to be
// served as it is, by any server; its text has one record a line, with absolute
// names. The DS records are for the zone above.
func (s *Site) Sign(z Zone, how Signing) (signed Zone, ds string) {
	s.t.Helper()
	h := &Host{t: s.t, dir: s.t.TempDir(), program: installed(s.t, "dnssec-signzone", "bind9-utils")}
	keygen, algorithm := installed(s.t, "dnssec-keygen", "bind9-utils"), cmp.Or(how.Algorithm, "ECDSAP256SHA256")
	h.run("", keygen, "-q", "-a", algorithm, "-f", "KSK", z.Name)
	args := []string{"-S", "-P", "-O", "full", "-o", z.Name, "-f", "signed"}
	if how.TwoKeys {
		h.run("", keygen, "-q", "-a", algorithm, z.Name)
		args = append(args, "-x")
	} else {
		args = append(args, "-z")
	}
	h.writeText("zone", z.master())
	if how.NSEC3 {
		args = append(args, "-3", "-", "-H", fmt.Sprint(how.Iterations))
	}
	if how.OptOut {
		args = append(args, "-A")
	}
	for flag, at := range map[string]time.Time{"-s": how.From, "-e": how.Until} {
		if !at.IsZero() {
			args = append(args, flag, at.UTC().Format("20060102150405"))
		}
	}
	h.run("", h.program, append(args, "zone")...)
	text, err := os.ReadFile(filepath.Join(h.dir, "signed"))
	if err != nil {
		s.t.Fatal(err)
	}
	z.Text = string(text)
	return z, dsOf(z.records(s))
}

// records parses the zone's text.
func (z Zone) records(s *Site) []dns.RR {
	s.t.Helper()
	var rrs []dns.RR
	p := dns.NewZoneParser(strings.NewReader(z.master()), "", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		rrs = append(rrs, rr)
	}
	if p.Err() != nil {
		s.t.Fatalf("zone %s: %v", z.Name, p.Err())
	}
	return rrs
}

// dsOf returns the DS records that fit the key-signing keys among records, in
// master-file format.
func dsOf(rrs []dns.RR) string {
	var text string
	for _, rr := range rrs {
		if key, ok := rr.(*dns.DNSKEY); ok && key.Flags&dns.SEP != 0 {
			text += key.ToDS(dns.SHA256).String() + "\n"
		}
	}
	return text
}

// DS returns the DS records that the zone above one of the server's signed
// zones must have, in master-file format.
func (h *Host) DS(zone string) string {
	h.t.Helper()
	c := dns.Client{Net: "tcp", Timeout: stopTimeout}
	r, _, err := c.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeDNSKEY), h.Addr.String())
	if err != nil {
		h.t.Fatalf("the keys of zone %s: %v", zone, err)
	}
	ds := dsOf(r.Answer)
	if ds == "" {
		h.t.Fatalf("the keys of zone %s: got %v, want one that a DS record can stand for", zone, r.Answer)
	}
	return ds
}

// SignedRoot starts NSD with a signed root zone that has these records too:
// delegations, and the DS records of signed children. It returns the trust
// anchor.
func (s *Site) SignedRoot(text string) (h *Host, anchor string) {
	s.t.Helper()
	addr := s.Addr()
	self := Delegation{Zone: ".", Servers: []netip.AddrPort{addr}}
	root, anchor := s.Sign(Zone{Name: ".", Text: rootSOA + self.String() + text}, Signing{})
	return s.NSD(Server{Addr: addr, Zones: []Zone{root}}), strings.TrimSpace(anchor)
}

// awaitSigned waits until the server proves what does not exist in the way that
// the zone is to be signed. Servers sign after they have begun to answer.
func (h *Host) awaitSigned(z Zone) {
	h.t.Helper()
	proof := dns.TypeNSEC
	if z.Signing.NSEC3 {
		proof = dns.TypeNSEC3
	}
	q := new(dns.Msg).SetQuestion("does-not-exist."+strings.TrimPrefix(z.Name, "."), dns.TypeTXT)
	q.SetEdns0(dns.DefaultMsgSize, true)
	h.awaitAnswer(q, func(r *dns.Msg) bool {
		for _, rr := range r.Ns {
			if sig, ok := rr.(*dns.RRSIG); ok && sig.TypeCovered == proof {
				return true
			}
		}
		return false
	})
}
