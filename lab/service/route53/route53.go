// Package route53 is a made-up Amazon Route 53 (API version 2013-04-01), with
// the Security Token Service and a machine's metadata at the same address. It
// checks signatures, and what a key may do.
package route53

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"certctl/lab/service"
)

// Zone is a hosted zone.
type Zone struct {
	ID      string
	Name    string // with the final dot
	Private bool
}

// Key is an access key and what it may do.
type Key struct {
	ID, Secret, Token string
	Owners            []string // whose TXT records it may write, without the final dot; nil: everything everywhere
	Zone              string   // with Owners: in the hosted zone with this id
}

// Service is Route 53 with the zones and keys of one account.
type Service struct {
	service.Service
	Zones   []Zone
	Keys    []Key
	Pending int // how often a change is said to be pending
	Page    int // hosted zones and record sets in a page; 0: 100

	changes map[string]int
	roles   int
}

// New starts a service.
func New(zones []Zone, keys ...Key) *Service {
	s := &Service{Zones: zones, Keys: keys, Page: 100, changes: make(map[string]int)}
	s.Start(s.answer)
	return s
}

const namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

var rrset = regexp.MustCompile(`^/2013-04-01/hostedzone/([A-Z0-9]+)/rrset/?$`)

// problem is an error of the API.
type problem struct {
	status        int
	code, message string
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if s.metadata(w, r) {
		return
	}
	if r.URL.Path == "/" {
		s.token(w, r, body)
		return
	}
	key, p := s.authenticate(r, body, "route53")
	var answer string
	if p == nil {
		answer, p = s.serve(r, body, key)
	}
	w.Header().Set("Content-Type", "text/xml")
	if p != nil {
		p.write(w)
		return
	}
	io.WriteString(w, xml.Header+answer)
}

func (p *problem) write(w http.ResponseWriter) {
	w.WriteHeader(p.status)
	fmt.Fprintf(w, `<?xml version="1.0"?><ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
		namespace, p.code, escape(p.message))
}

func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text))
	return b.String()
}

func (s *Service) serve(r *http.Request, body []byte, key Key) (string, *problem) {
	path := r.URL.Path
	m := rrset.FindStringSubmatch(path)
	id, isChange := strings.CutPrefix(path, "/2013-04-01/change/")
	switch {
	case m != nil && r.Method == http.MethodGet:
		return s.list(m[1], r, key)
	case m != nil && r.Method == http.MethodPost:
		return s.change(m[1], body, key)
	case isChange && r.Method == http.MethodGet:
		return s.getChange(id)
	case key.Owners != nil:
		return "", &problem{403, "AccessDenied", "User is not authorized to perform this"}
	case path == "/2013-04-01/hostedzonesbyname" && r.Method == http.MethodGet:
		return s.byName(r), nil
	case path == "/2013-04-01/hostedzone" && r.Method == http.MethodGet:
		return "<ListHostedZonesResponse><HostedZones>" + listed(s.Zones) + "</HostedZones><IsTruncated>false</IsTruncated></ListHostedZonesResponse>", nil
	}
	return "", &problem{404, "NotFound", "no such resource"}
}

func listed(zones []Zone) string {
	var b strings.Builder
	for _, z := range zones {
		fmt.Fprintf(&b, "<HostedZone><Id>/hostedzone/%s</Id><Name>%s</Name><CallerReference>x</CallerReference><Config><PrivateZone>%t</PrivateZone></Config></HostedZone>", z.ID, z.Name, z.Private)
	}
	return b.String()
}

// byName lists zones from a name on, a page at a time.
func (s *Service) byName(r *http.Request) string {
	zones := slices.Clone(s.Zones)
	slices.SortStableFunc(zones, func(a, b Zone) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	from := r.URL.Query().Get("dnsname") + r.URL.Query().Get("hostedzoneid")
	zones = slices.DeleteFunc(zones, func(z Zone) bool { return z.Name+z.ID < from })
	next := ""
	if len(zones) > s.Page {
		next = fmt.Sprintf("<NextDNSName>%s</NextDNSName><NextHostedZoneId>%s</NextHostedZoneId>", zones[s.Page].Name, zones[s.Page].ID)
		zones = zones[:s.Page]
	}
	return fmt.Sprintf("<ListHostedZonesByNameResponse><HostedZones>%s</HostedZones><IsTruncated>%t</IsTruncated>%s</ListHostedZonesByNameResponse>", listed(zones), next != "", next)
}

func (s *Service) zone(id string, key Key) (Zone, *problem) {
	i := slices.IndexFunc(s.Zones, func(z Zone) bool { return z.ID == id })
	switch {
	case key.Owners != nil && key.Zone != id:
		return Zone{}, &problem{403, "AccessDenied", "User is not authorized to access this resource"}
	case i < 0:
		return Zone{}, &problem{404, "NoSuchHostedZone", "No hosted zone found with ID: " + id}
	}
	return s.Zones[i], nil
}

func (s *Service) getChange(id string) (string, *problem) {
	left, ok := s.changes[id]
	if !ok {
		return "", &problem{404, "NoSuchChange", "A change with the specified change ID does not exist."}
	}
	s.changes[id] = max(left-1, 0)
	return changeInfo("GetChangeResponse", id, left), nil
}

func changeInfo(root, id string, left int) string {
	status := "INSYNC"
	if left > 0 {
		status = "PENDING"
	}
	return fmt.Sprintf(`<%s xmlns="%s"><ChangeInfo><Id>/change/%s</Id><Status>%s</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></%s>`, root, namespace, id, status, root)
}
