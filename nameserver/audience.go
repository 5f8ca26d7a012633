package nameserver

import (
	"net/netip"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Audience answers signed questions of class CH for TXT records: who has asked
// for the values at a name, in strings of records. It returns false where the key
// has no right to know.
type Audience func(key, name delegation.Name, from netip.Addr) (records [][]string, may bool)

// asksForAudience reports whether a message is such a question.
func (h *hosting) asksForAudience(r request) bool {
	if h.config.Audience == nil || r.key == "" || len(r.msg.Question) != 1 {
		return false
	}
	q := r.msg.Question[0]
	return q.Qclass == dns.ClassCHAOS && q.Qtype == dns.TypeTXT
}

// audience answers one.
func (h *hosting) audience(r request) content {
	q := r.msg.Question[0]
	records, may := h.config.Audience(r.key, delegation.Name(dns.CanonicalName(q.Name)), r.from.Addr())
	if !may {
		return content{rcode: dns.RcodeRefused}
	}
	c := content{aa: true}
	for _, texts := range records {
		c.answer = append(c.answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}, Txt: texts})
	}
	return c
}
