package debian

import (
	"net/netip"
	"text/template"

	"github.com/miekg/dns"
)

// unboundConf has what Let's Encrypt's resolvers do: nothing is cached, names
// are sent in mixed case and whole, and answers over 1232 octets come by TCP.
var unboundConf = template.Must(template.New("unbound.conf").Parse(`server:
	directory: "{{.Dir}}"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	logfile: ""
	verbosity: 1
	val-log-level: 2
	log-servfail: yes
	interface: {{.Addr.Addr}}
	port: {{.Addr.Port}}
	access-control: 127.0.0.0/8 allow
	do-ip6: no
	num-threads: 1
	outgoing-range: 512

	do-not-query-localhost: no
	unblock-lan-zones: yes
	insecure-lan-zones: yes
	local-zone: "test." nodefault
	local-zone: "invalid." nodefault

	module-config: "validator iterator"
	trust-anchor-signaling: no
{{- range .Anchors}}
	trust-anchor: "{{.}}"
{{- end}}
	val-sig-skew-min: 0
	val-sig-skew-max: 0
	ede: yes
	edns-buffer-size: 1232
	use-caps-for-id: yes
	qname-minimisation: {{if .Minimise}}yes
	qname-minimisation-strict: yes{{else}}no{{end}}
	harden-glue: yes
	harden-dnssec-stripped: yes
	harden-below-nxdomain: no
	cache-max-ttl: 0
	cache-max-negative-ttl: 0
	neg-cache-size: 0
	prefetch: no
	do-tcp: yes
	incoming-num-tcp: 200 # Pebble opens three connections for each challenge
	unwanted-reply-threshold: 10000
{{if .Stubs}}
{{- range .Stubs}}
stub-zone:
	name: "{{.Zone}}"
{{- range .Servers}}
	stub-addr: {{.Addr}}@{{.Port}}
{{- end}}
{{end}}
{{- else}}
	root-hints: "root.hints"
{{end}}
remote-control:
	control-enable: no
`))

// Unbound starts unbound as a resolver for the zones of the site that are
// served already; one of them must be the root. It has the settings of Let's
// Encrypt. Anchors are DS or DNSKEY records to validate with; without them
// everything is insecure. Where the site's port is not 53, unbound goes
// straight to the servers of each zone instead of following NS records.
func (s *Site) Unbound(anchors ...string) *Host {
	s.t.Helper()
	return s.unbound(false, anchors)
}

// UnboundMinimising is Unbound, but it sends each server no more of a name than
// that needs (RFC 9156), and takes its answer at its word.
func (s *Site) UnboundMinimising(anchors ...string) *Host {
	s.t.Helper()
	return s.unbound(true, anchors)
}

func (s *Site) unbound(minimise bool, anchors []string) *Host {
	s.t.Helper()
	if len(s.servers(".")) == 0 {
		s.t.Fatal("the site has no root server")
	}
	v := Server{}
	h := s.install("unbound", "unbound", &v)
	h.writeText("root.hints", Delegation{Zone: ".", Servers: s.servers(".")}.String())
	h.write("unbound.conf", unboundConf, struct {
		Dir      string
		Addr     netip.AddrPort
		Minimise bool
		Anchors  []string
		Stubs    []Delegation
	}{h.dir, h.Addr, minimise, anchors, s.stubs()})
	h.spawn("-d", "-p", "-c", "unbound.conf")
	h.await(".", func(r *dns.Msg) bool { return len(r.Answer) > 0 })
	return h
}

// stubs returns every zone and its servers, or nothing where root hints do.
func (s *Site) stubs() []Delegation {
	if s.Port == 53 {
		return nil
	}
	var stubs []Delegation
	for _, zone := range s.zones() {
		stubs = append(stubs, Delegation{zone, s.servers(zone)})
	}
	return stubs
}
