package debian

import (
	"net/netip"
	"text/template"

	"github.com/miekg/dns"
)

// kresdConf keeps nothing in the cache for longer than a second, which is the
// least there is, and lets name servers be at loopback addresses.
var kresdConf = template.Must(template.New("kresd.conf").Parse(`
net.ipv6 = false
net.outgoing_v4('{{.Addr.Addr}}')
net.listen('{{.Addr.Addr}}', {{.Addr.Port}}, { kind = 'dns' })
modules = { 'hints > iterate' }
hints.root({ ['ns1.'] = { {{range .Root}}'{{.Addr}}', {{end}} } })
cache.open(10 * MB, 'lmdb://{{.Dir}}/cache')
cache.min_ttl(0)
cache.max_ttl(1)
option('ALLOW_LOCAL', true)
modules.unload('ta_update')
modules.unload('ta_signal_query')
trust_anchors.remove('.')
{{range .Anchors}}trust_anchors.add('{{.}}')
{{end}}
`))

// KnotResolver starts kresd as a resolver for the zones of the site; one of them
// must be the root, and the site's port 53. It always sends servers no more of a
// name than they need (RFC 9156). Anchors are DS records to validate with.
func (s *Site) KnotResolver(anchors ...string) *Host {
	s.t.Helper()
	if s.Port != 53 {
		without(s.t, "kresd follows referrals to port 53 only")
	}
	v := Server{}
	h := s.install("kresd", "knot-resolver", &v)
	h.write("kresd.conf", kresdConf, struct {
		Dir     string
		Addr    netip.AddrPort
		Root    []netip.AddrPort
		Anchors []string
	}{h.dir, h.Addr, s.servers("."), anchors})
	h.spawn("--noninteractive", "--config="+h.dir+"/kresd.conf", h.dir)
	h.await(".", func(r *dns.Msg) bool { return len(r.Answer) > 0 })
	return h
}
