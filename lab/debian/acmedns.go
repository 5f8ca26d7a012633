package debian

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"text/template"

	"github.com/miekg/dns"
)

var acmednsConf = template.Must(template.New("acme-dns.cfg").Parse(`[general]
listen = "{{.Addr}}"
protocol = "both4"
domain = "{{.Domain}}"
nsname = "ns1.{{.Domain}}"
nsadmin = "hostmaster.{{.Domain}}"
records = ["{{.Domain}}. NS ns1.{{.Domain}}.", "ns1.{{.Domain}}. A {{.Addr.Addr}}"]
[database]
engine = "sqlite3"
connection = "{{.Dir}}/acme-dns.db"
[api]
ip = "{{.Addr.Addr}}"
port = "{{.APIPort}}"
tls = "none"
corsorigins = ["*"]
[logconfig]
loglevel = "debug"
logtype = "stdout"
logformat = "text"
`))

// AcmeDNS starts an acme-dns for a zone, with its HTTP API. Debian has no package
// of it: without a program of that name on the path the test is skipped.
func (s *Site) AcmeDNS(addr netip.AddrPort, zone string) *Host {
	s.t.Helper()
	if _, err := exec.LookPath("acme-dns"); err != nil {
		s.t.Skip("acme-dns is not installed")
	}
	v := Server{Addr: addr, Zones: []Zone{{Name: zone}}}
	h := s.install("acme-dns", "", &v)
	h.write("acme-dns.cfg", acmednsConf, struct {
		settings
		Domain string
	}{h.settings(v), strings.TrimSuffix(zone, ".")})
	h.spawn("-c", "acme-dns.cfg")
	h.await(zone, func(r *dns.Msg) bool { return r.Authoritative && len(r.Answer) > 0 })
	h.API = fmt.Sprintf("http://%s:%d", h.Addr.Addr(), apiPort)
	h.awaitConnection(netip.AddrPortFrom(h.Addr.Addr(), apiPort))
	return h
}
