package nameserver

import (
	"encoding/hex"

	"github.com/miekg/dns"
)

// udpSize is how long our answers over UDP are at most, and what we say that we
// take (RFC 6891 §6.2.5): longer ones would be fragmented somewhere.
const udpSize = 1232

// edns is what the OPT record of a query says (RFC 6891).
type edns struct {
	present bool
	version uint8
	size    int // of the longest answer over UDP
	do      bool
	nsid    bool
	cookie  []byte // nil: none
}

// parseEDNS reads the OPT record, and returns what is wrong with it.
func parseEDNS(m *dns.Msg) (e edns, rcode int) {
	e.size = dns.MinMsgSize
	for _, rr := range m.Extra {
		opt, ok := rr.(*dns.OPT)
		if !ok {
			continue
		}
		if e.present || opt.Hdr.Name != "." {
			return e, dns.RcodeFormatError // RFC 6891 §6.1.1
		}
		e.present, e.version, e.do = true, opt.Version(), opt.Do()
		e.size = min(max(int(opt.UDPSize()), dns.MinMsgSize), udpSize)
		if rcode := e.options(opt.Option); rcode != dns.RcodeSuccess {
			return e, rcode
		}
	}
	if e.version != 0 {
		return e, dns.RcodeBadVers
	}
	return e, dns.RcodeSuccess
}

func (e *edns) options(list []dns.EDNS0) (rcode int) {
	for _, option := range list {
		switch o := option.(type) {
		case *dns.EDNS0_NSID:
			e.nsid = true
		case *dns.EDNS0_COOKIE:
			cookie, err := hex.DecodeString(o.Cookie)
			if err != nil || !cookieLength(len(cookie)) {
				return dns.RcodeFormatError // RFC 7873 §5.2.2
			}
			if e.cookie == nil {
				e.cookie = cookie
			}
		}
	}
	return dns.RcodeSuccess
}

// option returns the OPT record of an answer.
func (s *Server) option(h *hosting, r request, e edns, c content) *dns.OPT {
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(udpSize)
	if e.do {
		opt.SetDo()
	}
	if e.cookie != nil {
		cookie := s.cookies.answer(e.cookie, r.from.Addr())
		opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(cookie)})
	}
	if e.nsid && h.config.NSID != "" {
		opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hex.EncodeToString([]byte(h.config.NSID))})
	}
	if c.edeText != "" {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: c.edeCode, ExtraText: c.edeText})
	}
	return opt
}
