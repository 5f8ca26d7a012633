package debian

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"text/template"
)

var namedConf = template.Must(template.New("named.conf").Parse(`options {
	directory "{{.Dir}}";
	pid-file none;
	session-keyfile none;
	listen-on port {{.Addr.Port}} { {{.Addr.Addr}}; };
	listen-on-v6 { none; };
	query-source address {{.Addr.Addr}};
	notify-source {{.Addr.Addr}};
	transfer-source {{.Addr.Addr}};
	recursion no;
	dnssec-validation no;
	empty-zones-enable no;
	allow-transfer { 127.0.0.0/8; };
	allow-notify { 127.0.0.0/8; };
	notify explicit;
	notify-delay 0;
	check-names primary ignore;
	check-names secondary ignore;
};
controls { };
{{range .Keys}}
key "{{.Name}}" { algorithm {{.Algorithm}}; secret "{{.Secret}}"; };
{{end}}
{{- range $zone := .Zones}}
{{- with .Signing}}
dnssec-policy "{{$zone.File}}" {
	keys { csk lifetime unlimited algorithm ecdsap256sha256; };
{{- if .NSEC3}}
	nsec3param iterations {{.Iterations}} optout {{if .OptOut}}yes{{else}}no{{end}} salt-length 0;
{{- end}}
};
{{- end}}
zone "{{.Name}}" {
	file "{{.File}}";
{{- if .Signing}}
	dnssec-policy "{{.File}}";
	inline-signing yes;
{{- end}}
{{- if .Primary.IsValid}}
	type secondary;
	primaries { {{.Primary.Addr}} port {{.Primary.Port}}{{with .PrimaryKey.Name}} key "{{.}}"{{end}}; };
{{- else}}
	type primary;
	also-notify { {{range .Secondaries}}{{.Addr}} port {{.Port}}; {{end}}};
{{- with .Grants}}
	update-policy {
	{{- range .}}
		grant "{{.Key.Name}}" {{if .Owner}}name {{.Owner}}{{else}}zonesub{{end}} TXT;
	{{- end}}
	};
{{- end}}
{{- end}}
};
{{end}}`))

// BIND starts named. Its zones update as update-policy allows: a grant for one
// owner is "grant KEY name OWNER TXT".
func (s *Site) BIND(v Server) *Host {
	s.t.Helper()
	h := s.install("named", "bind9", &v)
	s.configure(v.Addr.Addr())
	c := h.settings(v)
	h.writeZones(c)
	h.write("named.conf", namedConf, c)
	return h.start(&v, "-g", "-n", "1", "-c", "named.conf")
}

// configure makes an address one of the loopback interface's own. Others listen
// anywhere in 127.0.0.0/8, but named listens only where an interface is.
func (s *Site) configure(addr netip.Addr) {
	s.t.Helper()
	ip, prefix := installed(s.t, "ip", "iproute2"), netip.PrefixFrom(addr, 32).String()
	if out, err := ip.command(s.t.Context(), "address", "add", prefix, "dev", "lo").CombinedOutput(); err != nil {
		without(s.t, fmt.Sprintf("named needs an address of its own, which only root may add: %s", bytes.TrimSpace(out)))
	}
	s.t.Cleanup(func() { ip.command(context.Background(), "address", "del", prefix, "dev", "lo").Run() })
}
