package delegation

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// reply is a usable answer of one server to one question: the name is an
// alias, or the server refers to a zone below, or it has the last word.
type reply struct {
	from   peer
	alias  *alias
	cut    *zone    // the zone referred to, not yet in the cache
	exists bool     // NOERROR; after an alias this speaks of its end
	apex   Name     // owner of the SOA record: the zone that the name is in; "" when none was shown
	mname  Name     // the primary server in that record
	soa    *dns.SOA // the record
	rrs    []dns.RR // records of the type asked for, at the name
	m      *dns.Msg // the whole
}

// alias is a CNAME or DNAME record that makes one name another.
type alias struct {
	rrtype uint16
	owner  Name // of the record: the name itself, or for a DNAME one above it
	to     Name // the canonical name
}

// read judges what a server of z said. Only NOERROR and NXDOMAIN mean
// anything, and only with authority, or as a referral further down (RFC 1034
// §5.3.3 step 4); every other answer is an *Error. A recursive resolver is
// taken at its word.
func read(z *zone, p peer, m *dns.Msg, name Name, qtype uint16, port uint16) (*reply, *Error) {
	r := &reply{from: p, exists: m.Rcode == dns.RcodeSuccess, m: m}
	failed := &Error{Type: qtype, Name: name, Host: p.host, Server: p.addr}
	if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		failed.Rcode, failed.Detail = m.Rcode, extendedError(m)
		return nil, failed
	}
	r.alias = aliasIn(m.Answer, name)
	r.rrs = rrset(m.Answer, name, qtype)
	if r.alias == nil {
		if r.soa = soaIn(m, name); r.soa != nil {
			r.apex, r.mname = canonical(r.soa.Hdr.Name), canonical(r.soa.Ns)
		}
	}
	silent := r.alias == nil && r.apex == "" && len(r.rrs) == 0
	if silent && !z.proxied {
		r.cut = referral(z, p, m, name, port)
	}
	strayed := r.apex != "" && !(name.IsAtOrBelow(r.apex) && r.apex.IsAtOrBelow(z.apex))
	if strayed || r.cut == nil && !m.Authoritative && !z.proxied {
		failed.Lame = true
		return nil, failed
	}
	return r, nil
}

// aliasIn finds the alias that name is. The CNAME beside a DNAME is only
// there for resolvers that do not know DNAME (RFC 6672 §3.1). The rest of a
// chain is left alone: it may come from a zone that the server does not serve.
func aliasIn(answer []dns.RR, name Name) *alias {
	var found *alias
	for _, rr := range answer {
		owner := canonical(rr.Header().Name)
		switch rr := rr.(type) {
		case *dns.DNAME:
			if name.isBelow(owner) {
				return &alias{dns.TypeDNAME, owner, substitute(name, owner, canonical(rr.Target))}
			}
		case *dns.CNAME:
			if owner == name {
				found = &alias{dns.TypeCNAME, owner, canonical(rr.Target)}
			}
		}
	}
	return found
}

// substitute puts target in the place of the suffix owner of name (RFC 6672
// §2.2). A result that is too long does not come here: the server says
// YXDOMAIN.
func substitute(name, owner, target Name) Name {
	prefix := Name(name.Relative(owner) + ".")
	if target == root {
		return prefix
	}
	return prefix + target
}

// soaIn finds the SOA record of the zone that name is in: in the answer where
// name is the apex, else in the authority section (RFC 2308 §3).
func soaIn(m *dns.Msg, name Name) *dns.SOA {
	for _, section := range [][]dns.RR{rrset(m.Answer, name, dns.TypeSOA), m.Ns} {
		for _, rr := range section {
			if soa, ok := rr.(*dns.SOA); ok {
				return soa
			}
		}
	}
	return nil
}

func rrset(rrs []dns.RR, owner Name, rrtype uint16) []dns.RR {
	var set []dns.RR
	for _, rr := range rrs {
		if rr.Header().Rrtype == rrtype && canonical(rr.Header().Name) == owner {
			set = append(set, rr)
		}
	}
	return set
}

// referral reads the NS records of a zone below z, at or above name, with the
// glue that z may speak of. A referral upwards or sideways is none: the server
// is lame.
func referral(z *zone, p peer, m *dns.Msg, name Name, port uint16) *zone {
	for _, rr := range m.Ns {
		apex := canonical(rr.Header().Name)
		if rr.Header().Rrtype != dns.TypeNS || !apex.isBelow(z.apex) || !name.IsAtOrBelow(apex) {
			continue
		}
		child := &zone{apex: apex, parent: z, from: p, named: nsNames(rrset(m.Ns, apex, dns.TypeNS))}
		for _, host := range child.named {
			child.servers = append(child.servers, Server{Name: host, Addrs: glue(z, m.Extra, host, port)})
		}
		return child
	}
	return nil
}

// nsNames returns the names of servers in NS records, sorted, each once.
func nsNames(rrs []dns.RR) []Name {
	names := make([]Name, 0, len(rrs))
	for _, rr := range rrs {
		if ns, ok := rr.(*dns.NS); ok {
			names = append(names, canonical(ns.Ns))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// glue returns the addresses of a host in the additional section, if its name
// is one that z has a say in.
func glue(z *zone, extra []dns.RR, host Name, port uint16) []netip.AddrPort {
	if !host.IsAtOrBelow(z.apex) {
		return nil
	}
	addrs := append(addresses(rrset(extra, host, dns.TypeA)), addresses(rrset(extra, host, dns.TypeAAAA))...)
	return withPort(addrs, port)
}

// addresses returns the addresses in A and AAAA records.
func addresses(rrs []dns.RR) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range rrs {
		var octets []byte
		switch rr := rr.(type) {
		case *dns.A:
			octets = rr.A.To4()
		case *dns.AAAA:
			octets = rr.AAAA
		}
		if a, ok := netip.AddrFromSlice(octets); ok {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// withPort returns the addresses sorted, IPv4 before IPv6, each once.
func withPort(addrs []netip.Addr, port uint16) []netip.AddrPort {
	slices.SortFunc(addrs, netip.Addr.Compare)
	var out []netip.AddrPort
	for _, a := range slices.Compact(addrs) {
		out = append(out, netip.AddrPortFrom(a, port))
	}
	return out
}

// extendedError returns the text of an extended DNS error (RFC 8914).
func extendedError(m *dns.Msg) string {
	opt := m.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, o := range opt.Option {
		if ede, ok := o.(*dns.EDNS0_EDE); ok {
			if ede.ExtraText != "" {
				return ede.ExtraText
			}
			return dns.ExtendedErrorCodeToString[ede.InfoCode]
		}
	}
	return ""
}
