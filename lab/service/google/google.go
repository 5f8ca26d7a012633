// Package google is a made-up Google Cloud DNS (API version 1), with the token
// endpoint and a machine's metadata at the same address. It checks the signed
// assertions of service accounts, and what a key may do.
package google

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"certctl/lab/service"
)

// Project is the only project.
const Project = "my-project"

// Zone is a managed zone.
type Zone struct {
	Name    string // in the project
	DNSName string // with the final dot
	Private bool
}

// Key is what a service account has, and what it may do.
type Key struct {
	Email  string
	Public *rsa.PublicKey
	Owners []string // whose TXT records it may write, with the final dot; nil: everything

	scope string // of a token; "": as of a machine, for everything
}

// Service is Cloud DNS with one project.
type Service struct {
	service.Service
	Zones   []Zone
	Keys    []Key
	Pending int // how often a change is said to be pending
	Page    int // zones in a page

	tokens  map[string]Key
	changes map[string]int
}

// New starts a service.
func New(zones []Zone, keys ...Key) *Service {
	s := &Service{Zones: zones, Keys: keys, Page: 100, tokens: make(map[string]Key), changes: make(map[string]int)}
	s.Start(s.answer)
	return s
}

type problem struct {
	code            int
	reason, message string
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	if s.token(w, r) {
		return
	}
	key, ok := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		(&problem{401, "authError", "Request had invalid authentication credentials."}).write(w)
		return
	}
	answer, p := s.serve(r, key)
	if p != nil {
		p.write(w)
		return
	}
	service.Write(w, 200, answer)
}

func (p *problem) write(w http.ResponseWriter) {
	service.Write(w, p.code, map[string]any{"error": map[string]any{
		"code": p.code, "message": p.message,
		"errors": []any{map[string]string{"domain": "global", "reason": p.reason, "message": p.message}},
	}})
}

var forbidden = &problem{403, "forbidden", "Forbidden"}

func (s *Service) serve(r *http.Request, key Key) (any, *problem) {
	if r.URL.Path == "/v1/projects/"+Project+":testIamPermissions" {
		return permissions(r, key)
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/dns/v1/projects/"+Project+"/managedZones")
	if !ok {
		return nil, forbidden // as Google says of projects that are not there
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if name == "" {
		return s.list(r, key)
	}
	i := slices.IndexFunc(s.Zones, func(z Zone) bool { return z.Name == name })
	if i < 0 {
		return nil, &problem{404, "notFound", fmt.Sprintf("The 'parameters.managedZone' resource named '%s' does not exist.", name)}
	}
	id, isChange := strings.CutPrefix(rest, "changes/")
	switch {
	case rest == "rrsets" && r.Method == http.MethodGet:
		return s.read(r), nil
	case rest == "changes" && r.Method == http.MethodPost:
		return s.change(s.Zones[i], r, key)
	case isChange && r.Method == http.MethodGet:
		left, ok := s.changes[id]
		if !ok {
			return nil, &problem{404, "notFound", "no such change"}
		}
		s.changes[id] = left - 1
		return map[string]any{"kind": "dns#change", "id": id, "status": status(left)}, nil
	}
	return nil, &problem{404, "notFound", "Not Found"}
}

// permissions is a part of Resource Manager: which of those that are asked for a
// key has.
func permissions(r *http.Request, key Key) (any, *problem) {
	var body struct{ Permissions []string }
	switch {
	case r.Method != http.MethodPost || !service.Read(r, &body) || len(body.Permissions) == 0:
		return nil, &problem{400, "badRequest", "Invalid JSON payload received."}
	case key.scope != "" && !strings.HasPrefix(key.scope, cloud):
		return nil, &problem{403, "insufficientPermissions", "Request had insufficient authentication scopes."}
	case key.Owners != nil:
		return map[string]any{}, nil
	}
	return map[string]any{"permissions": body.Permissions}, nil
}

func status(left int) string {
	if left > 0 {
		return "pending"
	}
	return "done"
}

func (s *Service) list(r *http.Request, key Key) (any, *problem) {
	if key.Owners != nil {
		return nil, forbidden
	}
	var found []map[string]any
	for _, z := range s.Zones {
		if want := r.URL.Query().Get("dnsName"); want != "" && want != z.DNSName {
			continue
		}
		visibility := "public"
		if z.Private {
			visibility = "private"
		}
		found = append(found, map[string]any{"kind": "dns#managedZone", "name": z.Name, "dnsName": z.DNSName, "visibility": visibility, "id": "123"})
	}
	answer := map[string]any{"kind": "dns#managedZonesListResponse"}
	page := max(1, service.Number(r, "pageToken"))
	part, last := service.Page(found, page, s.Page, s.Page)
	if answer["managedZones"] = part; page < last {
		answer["nextPageToken"] = fmt.Sprint(page + 1)
	}
	return answer, nil
}

// set is a ResourceRecordSet.
type set struct {
	Kind    string          `json:"kind,omitempty"`
	Name    string          `json:"name"`
	Type    string          `json:"type"`
	TTL     int             `json:"ttl"`
	Data    []string        `json:"rrdatas"`
	Routing json.RawMessage `json:"routingPolicy,omitempty"`
}

func (s set) key() service.Key { return service.Key{Owner: strings.ToLower(s.Name), Type: s.Type} }

func (s *Service) read(r *http.Request) any {
	q := r.URL.Query()
	found := []set{}
	for _, k := range s.Service.Keys() {
		if name := q.Get("name"); name != "" && (k.Owner != name || q.Get("type") != "" && k.Type != q.Get("type")) {
			continue
		}
		found = append(found, set{Kind: "dns#resourceRecordSet", Name: k.Owner, Type: k.Type, TTL: s.Get(k).TTL, Data: s.Get(k).Data})
	}
	return map[string]any{"kind": "dns#resourceRecordSetsListResponse", "rrsets": found}
}

// change makes all of a change or nothing.
func (s *Service) change(z Zone, r *http.Request, key Key) (any, *problem) {
	var c struct {
		Kind                 string `json:"kind,omitempty"`
		Additions, Deletions []set
	}
	if !service.Read(r, &c) || len(c.Additions)+len(c.Deletions) == 0 {
		return nil, &problem{400, "invalid", "Invalid value for 'entity.change'"}
	}
	for _, d := range slices.Concat(c.Deletions, c.Additions) {
		if key.Owners != nil && (d.Type != "TXT" || !slices.Contains(key.Owners, d.Name)) {
			return nil, forbidden
		}
		if d.Name != z.DNSName && !strings.HasSuffix(d.Name, "."+z.DNSName) || len(d.Data) == 0 {
			return nil, &problem{400, "invalid", "Invalid value for 'entity.change': '" + d.Name + "'"}
		}
	}
	if p := s.wrong(c.Deletions, c.Additions); p != nil {
		return nil, p
	}
	for _, d := range c.Deletions {
		s.Put(d.key(), service.Set{})
	}
	for _, a := range c.Additions {
		s.Put(a.key(), service.Set{TTL: a.TTL, Data: a.Data})
	}
	id := fmt.Sprint(len(s.changes) + 1)
	s.changes[id] = s.Pending
	return map[string]any{"kind": "dns#change", "id": id, "status": "pending", "additions": c.Additions, "deletions": c.Deletions}, nil
}

// wrong returns what is wrong with a change, by what is there.
func (s *Service) wrong(deletions, additions []set) *problem {
	gone := make(map[service.Key]bool)
	for i, d := range deletions {
		have := s.Get(d.key())
		where := fmt.Sprintf("entity.change.deletions[%d]", i)
		if len(have.Data) == 0 {
			return &problem{404, "notFound", fmt.Sprintf("The '%s' resource named '%s (%s)' does not exist.", where, d.Name, d.Type)}
		}
		if have.TTL != d.TTL || !slices.Equal(slices.Sorted(slices.Values(have.Data)), slices.Sorted(slices.Values(d.Data))) {
			return &problem{412, "conditionNotMet", fmt.Sprintf("Precondition not met for '%s'", where)}
		}
		gone[d.key()] = true
	}
	for i, a := range additions {
		if have := s.Get(a.key()); len(have.Data) > 0 && !gone[a.key()] {
			return &problem{409, "alreadyExists", fmt.Sprintf("The resource 'entity.change.additions[%d]' named '%s (%s)' already exists", i, a.Name, a.Type)}
		}
		for _, data := range a.Data {
			if a.Type == "TXT" && !strings.HasPrefix(data, `"`) {
				return &problem{400, "invalid", "Invalid value for 'entity.change.additions'"}
			}
		}
	}
	return nil
}
