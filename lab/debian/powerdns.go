package debian

import (
	"fmt"
	"net/netip"
	"strings"
	"text/template"
)

const powerdnsSchema = "usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"

var pdnsConf = template.Must(template.New("pdns.conf").Parse(`launch=gsqlite3
module-dir={{.Modules}}
gsqlite3-database={{.Dir}}/zones.db
gsqlite3-pragma-synchronous=0
gsqlite3-dnssec=yes
socket-dir={{.Dir}}
local-address={{.Addr.Addr}}
local-port={{.Addr.Port}}
query-local-address={{.Addr.Addr}}
receiver-threads=1
distributor-threads=1
retrieval-threads=1
primary=yes
secondary=yes
xfr-cycle-interval=1
only-notify=
allow-axfr-ips=127.0.0.0/8
allow-notify-from=127.0.0.0/8
trusted-notification-proxy=127.0.0.1
dnsupdate=yes
dname-processing=yes
allow-dnsupdate-from=127.0.0.0/8
default-soa-edit=
security-poll-suffix=
version-string=anonymous
{{- if .APIKey}}
api=yes
api-key={{.APIKey}}
webserver=yes
webserver-address={{.Addr.Addr}}
webserver-port={{.APIPort}}
webserver-allow-from=127.0.0.0/8
webserver-max-bodysize=64
{{- end}}
`))

// apiPort is the HTTP API's at the address of a PowerDNS.
const apiPort = 8081

var powerdnsMetadata = template.Must(template.New("metadata").Parse(`
{{- range .Keys}}
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('{{.Name}}', '{{.Algorithm}}', '{{.Secret}}');
{{- end}}
{{- range $zone := .Zones}}
UPDATE domains SET type = '{{if .Primary.IsValid}}SLAVE{{else}}MASTER{{end}}' WHERE name = '{{.Domain}}';
{{- range .Metadata}}
INSERT INTO domainmetadata (domain_id, kind, content)
	SELECT id, '{{.Kind}}', '{{.Content}}' FROM domains WHERE name = '{{$zone.Domain}}';
{{- end}}
{{- end}}
`))

// PowerDNS starts pdns_server with an SQLite database. A key may update all
// TXT and other records of a zone that it has a grant for: TSIG-ALLOW-DNSUPDATE
// knows nothing narrower. With an API key the server has its HTTP API, too.
func (s *Site) PowerDNS(v Server) *Host {
	s.t.Helper()
	sqlite, pdnsutil := installed(s.t, "sqlite3", "sqlite3"), find(s.t, "pdnsutil", "pdns-server")
	h := s.install("pdns_server", "pdns-server", &v)
	c := h.settings(v)
	h.write("pdns.conf", pdnsConf, struct {
		settings
		Modules string
	}{c, h.program.find("usr/lib/*-linux-gnu/pdns")})
	h.run(".read "+h.program.find(powerdnsSchema), sqlite, "zones.db")
	h.writeZones(c)
	for _, z := range c.Zones {
		if z.Primary.IsValid() {
			h.run("", pdnsutil, "--config-dir=.", "create-secondary-zone", z.Name, z.Primary.String())
		} else {
			h.run("", pdnsutil, "--config-dir=.", "load-zone", z.Name, z.File)
			h.secure(pdnsutil, z.Zone)
		}
	}
	h.run("", pdnsutil, "--config-dir=.", "rectify-all-zones")
	h.write("metadata.sql", powerdnsMetadata, c)
	h.run(".read metadata.sql", sqlite, "zones.db")
	h.start(&v, "--config-dir=.", "--daemon=no", "--guardian=no", "--disable-syslog", "--write-pid=no")
	if v.APIKey != "" {
		h.API = fmt.Sprintf("http://%s:%d", v.Addr.Addr(), apiPort)
		h.awaitConnection(netip.AddrPortFrom(v.Addr.Addr(), apiPort))
	}
	return h
}

// secure makes a key for a zone that is to be signed.
func (h *Host) secure(pdnsutil program, z Zone) {
	h.t.Helper()
	if z.Signing == nil {
		return
	}
	h.run("", pdnsutil, "--config-dir=.", "secure-zone", z.Name)
	if z.Signing.NSEC3 {
		h.run("", pdnsutil, "--config-dir=.", "set-nsec3", z.Name, fmt.Sprintf("1 0 %d -", z.Signing.Iterations))
	}
}

// Domain is the zone's name as PowerDNS stores it.
func (z zoneSettings) Domain() string { return strings.TrimSuffix(z.Name, ".") }

type metadata struct{ Kind, Content string }

// Metadata returns the zone's per-domain settings: who may update it, and who
// is told of changes, which is not a matter of course after an update.
func (z zoneSettings) Metadata() []metadata {
	m := []metadata{{"NOTIFY-DNSUPDATE", "1"}, {"SOA-EDIT-API", "DEFAULT"}}
	granted := make(map[string]bool)
	for _, g := range z.Grants {
		if !granted[g.Key.Name] {
			granted[g.Key.Name] = true
			m = append(m, metadata{"TSIG-ALLOW-DNSUPDATE", g.Key.Name})
		}
	}
	for _, addr := range z.Secondaries {
		m = append(m, metadata{"ALSO-NOTIFY", addr.String()})
	}
	return m
}
