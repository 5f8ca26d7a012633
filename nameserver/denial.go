package nameserver

import (
	"slices"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// That something does not exist is proved by NSEC records, in one of two ways.
// The compact one (RFC 9824) makes a record for the very name that was asked for:
// the name is there, but of no type. Nothing else is said about the zone. The
// other one (RFC 4035 §3.1.3) is a chain of all names in their order: each record
// leads from one to the next, and what is in between does not exist. That can be
// transferred, and is made of few signatures.

// typeNXNAME in an NSEC record says that there is no such name (RFC 9824 §3.4).
const typeNXNAME uint16 = 128

// isMissing reports whether a record says so.
func isMissing(rr dns.RR) bool {
	nsec, ok := rr.(*dns.NSEC)
	return ok && slices.Contains(nsec.TypeBitMap, typeNXNAME)
}

// nsec returns the record that says which types there are among the records at a
// name, and what the next name is.
func (z zone) nsec(name, next delegation.Name, records []dns.RR, more ...uint16) dns.RR {
	types := append([]uint16{dns.TypeRRSIG, dns.TypeNSEC}, more...)
	for _, rr := range records {
		types = append(types, rr.Header().Rrtype)
	}
	slices.Sort(types)
	return &dns.NSEC{Hdr: header(name, dns.TypeNSEC, seconds(z.NegativeTTL)), NextDomain: string(next), TypeBitMap: slices.Compact(types)}
}

// compact returns the record about a name that covers nothing but the name
// itself (RFC 9824 §3.1).
func (z zone) compact(name delegation.Name, out outcome) dns.RR {
	if out == noName {
		return z.nsec(name, `\000.`+name, nil, typeNXNAME)
	}
	return z.nsec(name, `\000.`+name, z.records(name))
}

// longName reports whether there is no room for one more label, as a compact
// proof needs it.
func longName(name delegation.Name) bool {
	wire := make([]byte, 256)
	n, err := dns.PackDomainName(string(name), wire, 0, nil, false)
	return err != nil || n > 253
}

// signedContent answers a question about a name with proofs and signatures. All
// of it is of one serial.
func (z zone) signedContent(name delegation.Name, qtype uint16) content {
	const tries = 4
	for range tries {
		serial := z.values.Serial(z.apex)
		c, out := z.content(name, qtype)
		c = z.signed(c, name, out)
		if z.values.Serial(z.apex) == serial {
			return c
		}
	}
	return z.failed()
}

func (z zone) failed() content { return content{rcode: dns.RcodeServerFailure, zone: z.apex} }

// signed returns an answer with proofs and signatures.
func (z zone) signed(c content, name delegation.Name, out outcome) content {
	switch {
	case out == found:
	case z.NSEC:
		c.ns = append(c.ns, z.proof(name)...)
	case longName(name):
		return z.failed()
	default:
		c.rcode = dns.RcodeSuccess // RFC 9824 §2
		c.ns = append(c.ns, z.compact(name, out))
	}
	var errs [2]error
	p := z.period()
	c.answer, errs[0] = z.Signer.sign(z.apex, p, c.answer)
	c.ns, errs[1] = z.Signer.sign(z.apex, p, c.ns)
	if errs[0] != nil || errs[1] != nil {
		return z.failed()
	}
	return c
}

// ownNSEC returns the NSEC record at a name; nil if there is none.
func (z zone) ownNSEC(name delegation.Name, out outcome) dns.RR {
	if !z.NSEC {
		if longName(name) {
			return nil
		}
		return z.compact(name, out)
	}
	if at := z.around(name); at.exact {
		return z.linked(at)
	}
	return nil
}

// linked returns the NSEC record of a link as it is now.
func (z zone) linked(at link) dns.RR { return z.nsec(at.owner, at.next, z.records(at.owner)) }

// proof returns the links of the chain that prove that there is no such name, or
// no record of the type asked for. Where there is no such name, there must be no
// wildcard either that would stand for it (RFC 4035 §3.1.3.2).
func (z zone) proof(name delegation.Name) []dns.RR {
	at := z.around(name)
	list := []dns.RR{z.linked(at)}
	if at.exact || at.next.IsAtOrBelow(name) {
		return list
	}
	wildcard := z.around("*." + at.encloser(name))
	if wildcard.owner != at.owner {
		list = append(list, z.linked(wildcard))
	}
	return list
}
