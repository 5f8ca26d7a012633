package debian

import (
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"github.com/miekg/dns"
)

var resolverConf = template.Must(template.New("named.conf").Parse(`options {
	directory "{{.Dir}}";
	pid-file none;
	session-keyfile none;
	listen-on port {{.Addr.Port}} { {{.Addr.Addr}}; };
	listen-on-v6 { none; };
	query-source address {{.Addr.Addr}};
	recursion yes;
	allow-recursion { 127.0.0.0/8; };
	dnssec-validation {{if .Anchors}}yes{{else}}no{{end}};
	empty-zones-enable no;
};
controls { };
trust-anchors {
{{- range .Anchors}}
	{{.}};
{{- end}}
};
zone "." { type hint; file "root.hints"; };
`))

// BINDResolver starts named as a resolver for the zones of the site; one of them
// must be the root, and the site's port 53. Anchors are DS records to validate
// with.
func (s *Site) BINDResolver(anchors ...string) *Host {
	s.t.Helper()
	if s.Port != 53 {
		without(s.t, "named follows referrals to port 53 only")
	}
	v := Server{}
	h := s.install("named", "bind9", &v)
	s.configure(v.Addr.Addr())
	h.writeText("root.hints", Delegation{Zone: ".", Servers: s.servers(".")}.String())
	h.write("named.conf", resolverConf, struct {
		Dir     string
		Addr    netip.AddrPort
		Anchors []string
	}{h.dir, h.Addr, bindAnchors(anchors)})
	h.spawn("-g", "-n", "1", "-c", "named.conf")
	h.await(".", func(r *dns.Msg) bool { return len(r.Answer) > 0 })
	return h
}

// bindAnchors writes DS records as named.conf has them.
func bindAnchors(records []string) []string {
	var anchors []string
	for _, text := range records {
		for line := range strings.Lines(text) {
			if rr, err := dns.NewRR(line); err == nil && rr != nil {
				ds := rr.(*dns.DS)
				anchors = append(anchors, fmt.Sprintf("%s static-ds %d %d %d %q", ds.Hdr.Name, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest))
			}
		}
	}
	return anchors
}
