package nameserver

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

const (
	fixedTTL = 3600 // seconds, of NS and fixed records

	// What secondaries go by (RFC 1035 §3.3.13), in seconds. They are told of
	// changes, so refresh is for the case that this was lost.
	refresh = 300
	retry   = 60
	expire  = 14 * 24 * 3600
)

// outcome is what a lookup in a zone comes to.
type outcome int

const (
	found outcome = iota
	noData
	noName
)

// lookup returns the records of a type at a name of the zone.
func (z zone) lookup(name delegation.Name, qtype uint16) ([]dns.RR, outcome) {
	all := z.records(name)
	var list []dns.RR
	for _, rr := range all {
		if rr.Header().Rrtype == qtype {
			list = append(list, rr)
		}
	}
	switch {
	case len(list) > 0:
		return list, found
	case len(all) > 0 || z.hasBelow(name):
		return nil, noData
	}
	return nil, noName
}

// hasBelow reports whether there are names below a name, which makes it exist
// even without records (RFC 8020 §3.1).
func (z zone) hasBelow(name delegation.Name) bool {
	return z.values.Below(z.apex, name) || z.below[name]
}

// records returns all records at a name of the zone.
func (z zone) records(name delegation.Name) []dns.RR {
	return z.recordsWith(name, z.values.At(z.apex, name), z.values.Serial(z.apex))
}

// recordsWith returns all records at a name, where its values and the zone's
// serial are these.
func (z zone) recordsWith(name delegation.Name, at []values.Value, serial uint32) []dns.RR {
	var list []dns.RR
	if name == z.apex {
		list = append(z.ns(), z.soaAt(serial))
		if z.Signer != nil {
			list = append(list, z.Signer.keys(z.apex)...)
		}
	}
	texts := z.textsOf(at)
	for _, rr := range z.fixed[name] {
		if len(texts) > 0 && rr.Header().Rrtype == dns.TypeTXT {
			rr = dns.Copy(rr)
			rr.Header().Ttl = texts[0].Header().Ttl // all of a set have one (RFC 2181 §5.2)
		}
		list = append(list, rr)
	}
	return append(list, texts...)
}

// textsOf returns the values of one name as records, each text once and all with
// one TTL, the lowest (RFC 2181 §5).
func (z zone) textsOf(list []values.Value) []dns.RR {
	if len(list) == 0 {
		return nil
	}
	ttl := uint32(1<<31 - 1)
	seen := make(map[string]bool, len(list))
	records := make([]dns.RR, 0, len(list))
	for _, v := range list {
		if v.TTL == 0 {
			v.TTL = seconds(z.TTL)
		}
		ttl = min(ttl, v.TTL)
		if !seen[v.Text] {
			seen[v.Text] = true
			records = append(records, &dns.TXT{Hdr: header(v.Owner, dns.TypeTXT, 0), Txt: []string{escape.Replace(v.Text)}})
		}
	}
	for _, rr := range records {
		rr.Header().Ttl = ttl
	}
	return records
}

// escape writes a text as the library wants it, which reads escapes of master
// files (RFC 1035 §5.1).
var escape = strings.NewReplacer(`\`, `\\`)

// soa returns the zone's SOA record. Its TTL is that of negative answers (RFC
// 2308 §3).
func (z zone) soa() dns.RR { return z.soaAt(z.values.Serial(z.apex)) }

func (z zone) soaAt(serial uint32) dns.RR {
	return &dns.SOA{
		Hdr: header(z.apex, dns.TypeSOA, seconds(z.NegativeTTL)),
		Ns:  string(z.Servers[0].Name), Mbox: "hostmaster." + string(z.Servers[0].Name),
		Serial: serial, Refresh: refresh, Retry: retry, Expire: expire, Minttl: seconds(z.NegativeTTL),
	}
}

func (z zone) ns() []dns.RR {
	list := make([]dns.RR, 0, len(z.Servers))
	for _, host := range z.Servers {
		list = append(list, &dns.NS{Hdr: header(z.apex, dns.TypeNS, fixedTTL), Ns: string(host.Name)})
	}
	return list
}

// glue returns the addresses of the name servers that are in our zones.
func (h *hosting) glue(z zone) []dns.RR {
	var list []dns.RR
	for _, host := range z.Servers {
		if _, ok := h.zone(host.Name); !ok {
			continue
		}
		for _, addr := range host.Addrs {
			list = append(list, addressRecord(host.Name, addr))
		}
	}
	return list
}

func addressRecord(owner delegation.Name, addr netip.Addr) dns.RR {
	if addr = addr.Unmap(); addr.Is4() {
		return &dns.A{Hdr: header(owner, dns.TypeA, fixedTTL), A: addr.AsSlice()}
	}
	return &dns.AAAA{Hdr: header(owner, dns.TypeAAAA, fixedTTL), AAAA: addr.AsSlice()}
}

func header(owner delegation.Name, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: string(owner), Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }

// sortedNames returns the keys of a map, sorted.
func sortedNames[V any](m map[delegation.Name]V) []delegation.Name {
	return slices.Sorted(maps.Keys(m))
}
