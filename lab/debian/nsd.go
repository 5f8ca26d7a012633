package debian

import "text/template"

var nsdConf = template.Must(template.New("nsd.conf").Parse(`server:
	ip-address: {{.Addr.Addr}}@{{.Addr.Port}}
	do-ip6: no
	server-count: 1
	rrl-ratelimit: 0
	username: ""
	chroot: ""
	zonesdir: "{{.Dir}}"
	database: ""
	pidfile: ""
	xfrdfile: "{{.Dir}}/xfrd.state"
	xfrdir: "{{.Dir}}"
	zonelistfile: "{{.Dir}}/zone.list"
	cookie-secret-file: ""
	xfrd-reload-timeout: 0
	verbosity: 2
remote-control:
	control-enable: no
{{- range .Keys}}
key:
	name: "{{.Name}}"
	algorithm: {{.Algorithm}}
	secret: "{{.Secret}}"
{{- end}}
{{range .Zones}}
zone:
	name: "{{.Name}}"
	zonefile: "{{.File}}"
	provide-xfr: 127.0.0.0/8 NOKEY
	allow-notify: 127.0.0.0/8 {{or .PrimaryKey.Name "NOKEY"}}
	outgoing-interface: {{$.Addr.Addr}}
{{- if .Primary.IsValid}}
	request-xfr: {{.Primary.Addr}}@{{.Primary.Port}} {{or .PrimaryKey.Name "NOKEY"}}
{{- end}}
{{- range .Secondaries}}
	notify: {{.Addr}}@{{.Port}} NOKEY
{{- end}}
{{end}}`))

// NSD starts nsd, which takes no updates and does not sign: zones with grants
// are refused, and signed ones come from Sign.
func (s *Site) NSD(v Server) *Host {
	s.t.Helper()
	for _, z := range v.Zones {
		if len(z.Grants) > 0 {
			s.t.Fatal("NSD takes no updates")
		}
		if z.Signing != nil {
			s.t.Fatal("NSD does not sign: use Site.Sign")
		}
	}
	h := s.install("nsd", "nsd", &v)
	c := h.settings(v)
	h.writeZones(c)
	h.write("nsd.conf", nsdConf, c)
	return h.start(&v, "-d", "-c", "nsd.conf")
}
