package dnssec

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// denialOf returns what records deny in zone example., whose signatures are
// taken to be good.
func denialOf(t *testing.T, text string) *denial {
	t.Helper()
	d := &denial{zone: "example."}
	p := dns.NewZoneParser(strings.NewReader(text), "example.", "")
	p.SetDefaultTTL(60)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		wire := make([]byte, dns.MaxMsgSize)
		end, err := dns.PackRR(rr, wire, 0, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		rr, _, err := dns.UnpackRR(wire[:end], 0)
		if err != nil {
			t.Fatal(err)
		}
		d.add(&set{rrs: []dns.RR{rr}}, Signature{})
	}
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
	return d
}

// hashed is a name's label in NSEC3 records without salt and iterations.
func hashed(name string) string { return dns.HashName(name, dns.SHA1, 0, "") }

// before and after return labels of NSEC3 records right beside a name's.
func before(name string) string { return beside(hashed(name), -1) }
func after(name string) string  { return beside(hashed(name), +1) }

// beside returns the hash next to one: it counts in base32hex.
func beside(hash string, step int) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
	last := len(hash) - 1
	i := strings.IndexByte(digits, hash[last]) + step
	if i < 0 || i == len(digits) {
		return beside(hash[:last], step) + string(digits[(i+len(digits))%len(digits)])
	}
	return hash[:last] + string(digits[i])
}

// around is the NSEC3 record in whose gap a name lies, alone.
func around(name, flags string) string {
	return before(name) + " NSEC3 1 " + flags + " 0 - " + after(name) + " TXT\n"
}

// at is the NSEC3 record of a name.
func at(name, types string) string {
	return hashed(name) + " NSEC3 1 0 0 - " + after(name) + " " + types + "\n"
}

// denialCase asks records for a proof. The code is empty where they have it.
type denialCase struct {
	name string
	text string
	ask  func(*denial) *Reason
	want Code
}

// The names that the cases deny something of.
const (
	b    delegation.Name = "b.example."
	deep delegation.Name = "x.y.b.example."
)

func noData(name delegation.Name) func(*denial) *Reason {
	return func(d *denial) *Reason { return d.noData(name, dns.TypeTXT) }
}

func noName(name delegation.Name) func(*denial) *Reason {
	return func(d *denial) *Reason { return d.noName(name, dns.TypeTXT) }
}

func noDS(child delegation.Name) func(*denial) *Reason {
	return func(d *denial) *Reason { return d.noDS(child) }
}

// noCloser is about the wildcard right below example.
func noCloser(name delegation.Name) func(*denial) *Reason {
	return func(d *denial) *Reason { return d.noCloser(name, dns.TypeTXT, 1) }
}

func TestNSEC(t *testing.T) {
	runDenials(t, []denialCase{
		{"NODATA", "b NSEC c A", noData(b), ""},
		{"NODATA that is not true", "b NSEC c A TXT", noData(b), NoProof},
		{"NODATA of an alias", "b NSEC c CNAME", noData(b), NoProof},
		{"NODATA said by the zone above a cut", "b NSEC c NS", noData(b), NoProof},
		{"NODATA of a zone's apex", "b NSEC c NS SOA", noData(b), ""},
		{"NODATA of an empty non-terminal", "a NSEC x.b A", noData(b), ""},
		{"NODATA of a neighbour of an empty non-terminal", "a NSEC x.c A", noData(b), NoProof},
		{"NODATA by a wildcard", "a NSEC c A\n* NSEC a A", noData(b), ""},
		{"NODATA by a wildcard that has the type", "a NSEC c A\n* NSEC a TXT", noData(b), NoProof},
		{"NODATA by a wildcard, for a name that may exist", "* NSEC a A", noData(b), NoProof},
		{"NODATA by the wildcard of another level", "a NSEC c A\n*.a NSEC b A", noData(b), NoProof},

		{"NODATA for a name that does not exist (RFC 9824)", `b NSEC \000.b RRSIG NSEC TYPE128`, noData(b), ""},
		{"NXDOMAIN", "a NSEC c A\n@ NSEC a SOA", noName(b), ""},
		{"NXDOMAIN by one record", "@ NSEC c SOA", noName(b), ""},
		{"NXDOMAIN at the end of the zone", "a NSEC @ A\n@ NSEC a SOA", noName(b), ""},
		{"NXDOMAIN in a gap that ends before", "a NSEC aa A\n@ NSEC a SOA", noName(b), NoProof},
		{"NXDOMAIN in a gap that starts there", "b NSEC c A\n@ NSEC a SOA", noName(b), NoProof},
		{"NXDOMAIN without a word on wildcards", "a NSEC c A", noName(b), NoProof},
		{"NXDOMAIN with a wildcard", "a NSEC c A\n* NSEC a A", noName(b), NoProof},
		{"NXDOMAIN of an empty non-terminal", "@ NSEC x.b SOA", noName(b), NoProof},
		{"NXDOMAIN below a cut", "b NSEC c NS\n@ NSEC a SOA", noName(deep), NoProof},
		{"NXDOMAIN below a DNAME", "b NSEC c DNAME\n@ NSEC a SOA", noName(deep), NoProof},
		{"NXDOMAIN below a name", "b NSEC c A", noName(deep), ""},
		{"NXDOMAIN by a record of a name outside", "!. NSEC z. A", noName(b), NoProof},
		{"NXDOMAIN below the end of a gap", "a NSEC z.y.b A", noName(deep), ""},
		{"nothing at all", "", noName(b), NoProof},

		{"no DS", "b NSEC c NS", noDS(b), NoDS},
		{"no DS (RFC 9824)", `b NSEC \000.b NS RRSIG NSEC`, noDS(b), NoDS},
		{"no DS that is not true", "b NSEC c NS DS", noDS(b), NoProof},
		{"no DS said by the child", "b NSEC c NS SOA", noDS(b), NoProof},
		{"no DS, and no zone", "b NSEC c A", noDS(b), Undelegated},
		{"no DS of an empty non-terminal", "a NSEC x.b A", noDS(b), Undelegated},
		{"no DS of no name", "a NSEC c A\n@ NSEC a SOA", noDS(b), Undelegated},
		{"no DS by nothing", "x NSEC y A", noDS(b), NoProof},

		{"wildcard", "a NSEC c A", noCloser(b), ""},
		{"wildcard two labels up", "a NSEC c A", noCloser(deep), ""},
		{"wildcard although there is a closer name", "a.b NSEC c A", noCloser("y.b.example."), NoProof},
		{"wildcard although the name exists", "b NSEC c A", noCloser(b), NoProof},
	})
}

func TestNSEC3(t *testing.T) {
	runDenials(t, []denialCase{
		{"NODATA", at("b.example.", "A"), noData(b), ""},
		{"NODATA that is not true", at("b.example.", "A TXT"), noData(b), NoProof},
		{"NODATA by a wildcard", at("example.", "SOA") + around("b.example.", "0") + at("*.example.", "A"), noData(b), ""},
		{"NODATA by a wildcard that has the type", at("example.", "SOA") + around("b.example.", "0") + at("*.example.", "TXT"), noData(b), NoProof},
		{"NODATA by a wildcard, with opt-out", at("example.", "SOA") + around("b.example.", "1") + at("*.example.", "A"), noData(b), OptOut},
		{"NODATA by a wildcard that has the type, with opt-out", at("example.", "SOA") + around("b.example.", "1") + at("*.example.", "TXT"), noData(b), NoProof},
		{"NODATA with opt-out", at("example.", "SOA") + around("b.example.", "1"), noData(b), OptOut},
		{"NXDOMAIN", at("example.", "SOA") + around("b.example.", "0") + around("*.example.", "0"), noName(b), ""},
		{"NXDOMAIN with opt-out", at("example.", "SOA") + around("b.example.", "1") + around("*.example.", "0"), noName(b), OptOut},
		{"NXDOMAIN with a wildcard", at("example.", "SOA") + around("b.example.", "0") + at("*.example.", "A"), noName(b), NoProof},
		{"NXDOMAIN without a closest encloser", around("b.example.", "0") + around("*.example.", "0"), noName(b), NoProof},
		{"NXDOMAIN below a cut", at("b.example.", "NS") + around("y.b.example.", "0") + around("*.b.example.", "0"), noName(deep), NoProof},
		{"NXDOMAIN below a name", at("b.example.", "A") + around("y.b.example.", "0") + around("*.b.example.", "0"), noName(deep), ""},
		{"unknown hash", strings.ReplaceAll(at("b.example.", "A"), "NSEC3 1", "NSEC3 2"), noData(b), NoProof},
		{"unknown flag", strings.ReplaceAll(at("b.example.", "A"), "NSEC3 1 0", "NSEC3 1 2"), noData(b), NoProof},
		{"of a zone below", strings.ReplaceAll(at("b.example.", "A"), " NSEC3", ".b NSEC3"), noData(b), NoProof},
		{"no DS", at("b.example.", "NS"), noDS(b), NoDS},
		{"no DS with opt-out", at("example.", "SOA") + around("b.example.", "1"), noDS(b), OptOut},
		{"no DS without opt-out", at("example.", "SOA") + around("b.example.", "0"), noDS(b), Undelegated},
		{"wildcard", around("b.example.", "0"), noCloser(deep), ""},
		{"wildcard with opt-out", around("b.example.", "1"), noCloser(b), OptOut},
		{"wildcard, the name is in a gap but not the one above", around("x.b.example.", "0"), noCloser("x.b.example."), NoProof},
		{"hashed often", "00000000000000000000000000000000 NSEC3 1 0 150 - VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV A", noName(b), NoProof},
		{"hashed too often", "00000000000000000000000000000000 NSEC3 1 0 151 - VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV A", noName(b), Iterations},
	})
}

func runDenials(t *testing.T, cases []denialCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Code("")
			if why := c.ask(denialOf(t, c.text)); why != nil {
				got = why.Code
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestDenialByWildcard has a record that a wildcard made: its signature says
// nothing about the name that it has.
func TestDenialByWildcard(t *testing.T) {
	key, private := newKey("example.")
	s := signer{Zone: newWorld("").Zone("example.", ""), key: key}
	n := &dns.NSEC{
		Hdr:        dns.RR_Header{Name: "b.example.", Rrtype: dns.TypeNSEC, Class: dns.ClassINET},
		NextDomain: "example.", TypeBitMap: []uint16{dns.TypeA},
	}
	for from, want := range map[delegation.Name]Code{"b.example.": "", "*.example.": BadSign} {
		section := []dns.RR{n, s.signature([]dns.RR{n}, from, key, private)}
		d := checker{"example.", []*dns.DNSKEY{key}, today}.denial(sets(section))
		got := Code("")
		if why := d.noData("b.example.", dns.TypeTXT); why != nil {
			got = why.Code
		}
		if got != want {
			t.Errorf("signed as %s: got %q, want %q", from, got, want)
		}
	}
}

// TestDenialBound has more records than are looked at.
func TestDenialBound(t *testing.T) {
	key, private := newKey("example.")
	s := signer{Zone: newWorld("").Zone("example.", ""), key: key}
	var section []dns.RR
	for range 30 {
		n := &dns.NSEC3{
			Hdr:  dns.RR_Header{Name: hashed(dns.Fqdn(strings.Repeat("x", 1+len(section)))) + ".example.", Rrtype: dns.TypeNSEC3, Class: dns.ClassINET},
			Hash: dns.SHA1, HashLength: 20, NextDomain: hashed("example."),
		}
		section = append(section, n, s.signature([]dns.RR{n}, canonical(n.Hdr.Name), key, private))
	}
	d := checker{"example.", []*dns.DNSKEY{key}, today}.denial(sets(section))
	if len(d.nsec3) != maxDenials {
		t.Errorf("got %d records, want %d", len(d.nsec3), maxDenials)
	}
}
