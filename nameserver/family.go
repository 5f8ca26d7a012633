package nameserver

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// Of a family, a secondary cannot know which zones there are. One of our own
// kind asks for the family as if it were a zone, called like in the
// configuration: it gets the serial of each zone that was ever changed, and all
// values.
const typeSerial uint16 = 65281 // of those for private use, RFC 6895 §3.1

// familyName returns the name by which a family is transferred.
func familyName(below delegation.Name) delegation.Name {
	return challengeLabel + "*." + below
}

// familyOf returns the family with this name.
func (h *hosting) familyOf(name delegation.Name) *hosted {
	below, ok := strings.CutPrefix(string(name), challengeLabel+"*.")
	if !ok {
		return nil
	}
	return h.families[delegation.Name(below)]
}

func serialRecord(apex delegation.Name, serial uint32) dns.RR {
	return &dns.RFC3597{Hdr: header(apex, typeSerial, 0), Rdata: hex.EncodeToString(binary.BigEndian.AppendUint32(nil, serial))}
}

// family returns the records of a family's transfer in their order.
func (h *hosting) family(f *hosted) []dns.RR {
	soa := zone{f, familyName(f.Name)}.soaAt(1)
	list := []dns.RR{soa}
	for _, apex := range f.values.Zones() {
		if z, ok := h.zone(apex); !ok || z.hosted != f || z.apex != apex {
			continue
		}
		all, serial := f.values.All(apex)
		list = append(append(list, serialRecord(apex, serial)), valueRecords(all, true)...)
	}
	return append(list, soa)
}

// takeFamily makes the zones of a family have what was transferred.
func (f *hosted) takeFamily(list []dns.RR) error {
	serials, all := map[delegation.Name]uint32{}, map[delegation.Name][]values.Value{}
	apex := delegation.Name("")
	for _, rr := range list {
		switch rr.Header().Rrtype {
		case typeSerial:
			serial, err := parseSerial(rr)
			if err != nil {
				return err
			}
			apex = delegation.Name(dns.CanonicalName(rr.Header().Name))
			serials[apex] = serial
		case typeValue:
			v, err := parseValue(rr)
			if err != nil {
				return err
			}
			all[apex] = append(all[apex], v)
		}
	}
	for _, apex := range sortedNames(serials) {
		if f.values.Known(apex) && f.values.Serial(apex) == serials[apex] {
			continue
		}
		if err := f.values.Replace(apex, serials[apex], all[apex]); err != nil {
			return err
		}
	}
	if f.ready() {
		return nil
	}
	return f.values.Replace(familyName(f.Name), 1, nil)
}

func parseSerial(rr dns.RR) (uint32, error) {
	r, ok := rr.(*dns.RFC3597)
	if !ok {
		return 0, errors.New("a record about a serial cannot be read")
	}
	data, err := hex.DecodeString(r.Rdata)
	if err != nil || len(data) != 4 {
		return 0, errors.New("a record about a serial cannot be read")
	}
	return binary.BigEndian.Uint32(data), nil
}

// ready reports whether the values are known: a secondary has to get them
// first.
func (z *hosted) ready() bool { return z.Primary == nil || z.values.Known(z.transferName()) }

// transferName returns the name by which the zone, or the whole family, is
// transferred.
func (z *hosted) transferName() delegation.Name {
	if z.Family {
		return familyName(z.Zone.Name)
	}
	return z.Zone.Name
}
