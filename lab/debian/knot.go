package debian

import "text/template"

var knotConf = template.Must(template.New("knot.conf").Parse(`server:
    rundir: "{{.Dir}}"
    listen: {{.Addr.Addr}}@{{.Addr.Port}}
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1

log:
  - target: stderr
    any: info

database:
    storage: "{{.Dir}}"
    journal-db-max-size: 64M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
{{if .Keys}}
key:
{{- range .Keys}}
  - id: {{.Name}}
    algorithm: {{.Algorithm}}
    secret: {{.Secret}}
{{- end}}
{{end}}
remote:
{{- range .Zones}}
{{- range .Remotes}}
  - id: {{.ID}}
    address: {{.Addr.Addr}}@{{.Addr.Port}}
    via: {{$.Addr.Addr}}
{{- with .Key}}
    key: {{.}}
{{- end}}
{{- end}}
{{- end}}

acl:
  - id: transfer
    address: 127.0.0.0/8
    action: [transfer, notify]
{{- range .Keys}}
  - id: signed-{{.Name}}
    key: {{.Name}}
    action: notify
{{- end}}
{{- range .Zones}}
{{- range .Updates}}
  - id: {{.ID}}
    key: {{.Key.Name}}
    action: update
    update-type: TXT
{{- if .Owner}}
    update-owner: name
    update-owner-match: equal
    update-owner-name: {{.Owner}}
{{- end}}
{{- end}}
{{- end}}

{{range $zone := .Zones}}
{{- with .Signing}}
policy:
  - id: {{$zone.File}}
    algorithm: ecdsap256sha256
    single-type-signing: on
{{- if .NSEC3}}
    nsec3: on
    nsec3-iterations: {{.Iterations}}
    nsec3-opt-out: {{if .OptOut}}on{{else}}off{{end}}
    nsec3-salt-length: 0
{{- end}}
{{end}}
{{- end}}
template:
  - id: default
    storage: "{{.Dir}}"
    semantic-checks: off
    zonefile-sync: -1

zone:
{{- range .Zones}}
  - domain: {{.Name}}
    file: {{.File}}
{{- if .Signing}}
    dnssec-signing: on
    dnssec-policy: {{.File}}
{{- end}}
    acl: [transfer{{with .PrimaryKey.Name}}, signed-{{.}}{{end}}{{range .Updates}}, {{.ID}}{{end}}]
{{- if .Primary.IsValid}}
    master: {{(index .Remotes 0).ID}}
{{- else if .Remotes}}
    notify: [{{range $i, $r := .Remotes}}{{if $i}}, {{end}}{{$r.ID}}{{end}}]
{{- end}}
{{- end}}
`))

// Knot starts knotd. Its zones update as an acl allows: a grant for one owner
// has update-owner-name.
func (s *Site) Knot(v Server) *Host {
	s.t.Helper()
	h := s.install("knotd", "knot", &v)
	c := h.settings(v)
	h.writeZones(c)
	h.write("knot.conf", knotConf, c)
	return h.start(&v, "-c", "knot.conf")
}
