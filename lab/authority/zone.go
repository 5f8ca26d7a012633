package authority

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Zone is a zone as its primary has it; the other servers follow (Server.Lag).
type Zone struct {
	world       *World
	apex        string
	servers     []*Server // those that NS records name
	primary     *Server   // nil: nobody serves it
	undelegated bool
	records     map[string][]*record // by canonical owner name
	grants      []grant
}

// Apex returns the name of the zone.
func (z *Zone) Apex() string { return z.apex }

// Hide moves the primary to a server that no NS record names: a hidden
// primary. The servers given to World.Zone are all secondaries then. The SOA
// record names the hidden one.
func (z *Zone) Hide(primary string) *Zone {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	z.primary = z.world.server(primary)
	return z
}

// Undelegated leaves the zone out of its parent: a zone that servers have and
// nobody finds.
func (z *Zone) Undelegated() *Zone {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	z.undelegated = true
	return z
}

// Text adds to the text of the zone, before the world is used: the records are
// there from the beginning, at all servers.
func (z *Zone) Text(text string) *Zone {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	if z.world.sealed {
		panic("authority: text for zone " + z.apex + " comes after the world is in use")
	}
	z.addAll(parse(z.apex, text), time.Time{})
	return z
}

// Add adds records at the primary, as an administrator would: without key,
// rules or delay, but with a new serial.
func (z *Zone) Add(text string) {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	z.change(func(now time.Time) bool { return z.addAll(parse(z.apex, text), now) })
}

// Remove removes exactly these records at the primary.
func (z *Zone) Remove(text string) {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	z.change(func(now time.Time) bool { return z.removeAll(parse(z.apex, text), now) })
}

// Records returns the records of the given types (none: of all) as the primary
// has them, in presentation format with single spaces, sorted.
func (z *Zone) Records(types ...string) []string {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	z.world.prepare()
	var texts []string
	for _, rs := range z.records {
		for _, r := range rs {
			t := dns.TypeToString[r.rr.Header().Rrtype]
			if r.removed.IsZero() && (len(types) == 0 || slices.Contains(types, t)) {
				texts = append(texts, present(r.rr))
			}
		}
	}
	slices.Sort(texts)
	return texts
}

// present returns a record in presentation format with single spaces.
func present(rr dns.RR) string { return strings.Join(strings.Fields(rr.String()), " ") }

// parse reads records in master-file format.
func parse(origin, text string) []dns.RR {
	p := dns.NewZoneParser(strings.NewReader(dedent(text)), origin, origin)
	p.SetDefaultTTL(60)
	var rrs []dns.RR
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		rrs = append(rrs, rr)
	}
	if err := p.Err(); err != nil {
		panic("authority: zone " + err.Error())
	}
	return rrs
}

// dedent removes the indentation that all lines share, because a line that
// begins with a space means something in a master file.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	common := -1
	for _, l := range lines {
		indent := len(l) - len(strings.TrimLeft(l, " \t"))
		if indent < len(l) && (common < 0 || indent < common) {
			common = indent
		}
	}
	for i, l := range lines {
		lines[i] = l[min(max(common, 0), len(l)):]
	}
	return strings.Join(lines, "\n")
}

// parent returns name without its first label.
func parent(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// header returns the header of a record that the world adds by itself.
func header(owner string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 60}
}

// below returns a name at or below zone.
func below(label, zone string) string {
	if zone == "." {
		return label + "."
	}
	return label + "." + zone
}

// completeApex adds the SOA and NS records that the text does not have.
func (z *Zone) completeApex() {
	if z.primary != nil && len(z.live(z.apex, dns.TypeSOA)) == 0 {
		z.insert(&dns.SOA{Hdr: header(z.apex, dns.TypeSOA), Ns: z.primary.name, Mbox: below("hostmaster", z.apex),
			Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: 60}, time.Time{})
	}
	if len(z.live(z.apex, dns.TypeNS)) == 0 {
		z.insertNS(z.apex, z.servers)
	}
}

func (z *Zone) insertNS(owner string, servers []*Server) {
	for _, s := range servers {
		z.insert(&dns.NS{Hdr: header(owner, dns.TypeNS), Ns: s.name}, time.Time{})
	}
}

// delegate adds NS records for a child zone that has none here.
func (z *Zone) delegate(child *Zone) {
	if len(z.live(child.apex, dns.TypeNS)) == 0 {
		z.insertNS(child.apex, child.servers)
	}
}

// addGlue adds the addresses of every name server whose name is in this zone
// or below one of its cuts.
func (z *Zone) addGlue() {
	for _, rs := range z.records {
		for _, r := range rs {
			ns, ok := r.rr.(*dns.NS)
			if !ok || !dns.IsSubDomain(z.apex, ns.Ns) {
				continue
			}
			for _, s := range z.world.servers {
				if s.name == dns.CanonicalName(ns.Ns) {
					z.addAddresses(s)
				}
			}
		}
	}
}

// addAddresses adds a server's addresses unless the text has any for it.
func (z *Zone) addAddresses(s *Server) {
	if len(z.live(s.name, dns.TypeA))+len(z.live(s.name, dns.TypeAAAA)) > 0 {
		return
	}
	for _, a := range s.addrs {
		if a.Is4() {
			z.insert(&dns.A{Hdr: header(s.name, dns.TypeA), A: a.AsSlice()}, time.Time{})
		} else {
			z.insert(&dns.AAAA{Hdr: header(s.name, dns.TypeAAAA), AAAA: a.AsSlice()}, time.Time{})
		}
	}
}
