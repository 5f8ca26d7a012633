// Package scaleway is a made-up API of Scaleway for domains (version v2beta1).
package scaleway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"certctl/lab/service"
)

// Service is Scaleway with one project and one key.
type Service struct {
	service.Service
	Zone  string   // without the final dot
	Other []string // zones beside it
	Key   string
	Full  bool // whether the key may do more than DNS
	Page  int  // records in a page at most; 0: 100
}

// Start begins to serve.
func (s *Service) Start() { s.Service.Start(s.answer) }

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	const base = "/domain/v2beta1/dns-zones"
	switch {
	case r.Header.Get("X-Auth-Token") != s.Key:
		service.Write(w, 401, map[string]string{"type": "denied_authentication", "message": "authentication is denied", "method": "api_key", "reason": "not_found"})
	case r.URL.Path == "/instance/v1/zones/fr-par-1/servers", r.URL.Path == "/iam/v1alpha1/api-keys":
		s.rest(w)
	case r.URL.Path == base:
		var zones []any
		for _, z := range append([]string{s.Zone}, s.Other...) {
			sub, domain, _ := strings.Cut(z, ".")
			zones = append(zones, map[string]string{"domain": domain, "subdomain": sub})
		}
		service.Write(w, 200, map[string]any{"dns_zones": zones, "total_count": len(zones)})
	case r.URL.Path != base+"/"+s.Zone+"/records":
		missing(w, "dns_zone")
	case r.Method == http.MethodGet:
		s.list(w, r)
	case r.Method == http.MethodPatch:
		s.change(w, r)
	default:
		w.WriteHeader(405)
	}
}

// rest is what is no DNS.
func (s *Service) rest(w http.ResponseWriter) {
	if !s.Full {
		service.Write(w, 403, map[string]any{"type": "permissions_denied", "message": "insufficient permissions", "details": []any{map[string]string{"resource": "servers", "action": "read"}}})
		return
	}
	service.Write(w, 200, map[string]any{"total_count": 0})
}

func missing(w http.ResponseWriter, resource string) {
	service.Write(w, 404, map[string]string{"type": "not_found", "message": "resource is not found", "resource": resource})
}

type record struct {
	ID       string  `json:"id,omitempty"`
	Name     string  `json:"name"`
	Type     string  `json:"type"`
	Data     string  `json:"data"`
	TTL      int     `json:"ttl"`
	Priority int     `json:"priority"`
	Comment  *string `json:"comment"`
	Updated  *string `json:"updated_at"`
}

func (s *Service) name(owner string) string {
	return strings.TrimSuffix(strings.TrimSuffix(owner, s.Zone+"."), ".")
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	found := []record{}
	for _, have := range s.Records() {
		if n := q.Get("name"); n != "" && n != s.name(have.Owner) || q.Get("type") != "" && q.Get("type") != have.Type {
			continue
		}
		found = append(found, record{ID: strconv.Itoa(have.ID), Name: s.name(have.Owner), Type: have.Type, Data: have.Data, TTL: have.TTL})
	}
	most := s.Page
	if most == 0 {
		most = 100
	}
	part, _ := service.Page(found, service.Number(r, "page"), service.Number(r, "page_size"), most)
	service.Write(w, 200, map[string]any{"total_count": len(found), "records": part})
}

// change is one of a request. There is one of the two.
type change struct {
	Add *struct {
		Records []record `json:"records"`
	} `json:"add"`
	Delete *removal `json:"delete"`
}

// removal is by id, or by all that a record has. There is one of the two.
type removal struct {
	ID     *string `json:"id"`
	Fields *struct {
		Name string  `json:"name"`
		Type string  `json:"type"`
		Data *string `json:"data"`
		TTL  *int    `json:"ttl"`
	} `json:"id_fields"`
}

func (c change) valid() bool {
	if c.Delete != nil {
		return c.Add == nil && (c.Delete.ID == nil) != (c.Delete.Fields == nil)
	}
	return c.Add != nil
}

// found returns the records that are to be removed.
func (s *Service) found(r *removal) []service.Record {
	return slices.DeleteFunc(s.Records(), func(have service.Record) bool {
		if f := r.Fields; f != nil {
			return f.Name != s.name(have.Owner) || f.Type != have.Type || f.Data != nil && *f.Data != have.Data || f.TTL != nil && *f.TTL != have.TTL
		}
		return *r.ID != strconv.Itoa(have.ID)
	})
}

// change makes all changes or none.
func (s *Service) change(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Changes []change `json:"changes"`
		All     bool     `json:"return_all_records"`
		New     bool     `json:"disallow_new_zone_creation"`
	}
	invalid := func(c change) bool { return !c.valid() }
	if !service.Read(r, &body) || len(body.Changes) == 0 || len(body.Changes) > 100 || !body.New || slices.ContainsFunc(body.Changes, invalid) {
		service.Write(w, 400, map[string]string{"type": "invalid_arguments", "message": "invalid argument(s)"})
		return
	}
	for _, c := range body.Changes {
		if c.Delete != nil && len(s.found(c.Delete)) == 0 {
			missing(w, "record")
			return
		}
	}
	for _, c := range body.Changes {
		if c.Delete != nil {
			for _, have := range s.found(c.Delete) {
				s.Drop(have)
			}
			continue
		}
		for _, r := range c.Add.Records {
			owner := strings.TrimPrefix(r.Name+"."+s.Zone+".", ".")
			s.Insert(service.Key{Owner: owner, Type: r.Type}, max(r.TTL, 60), r.Data)
		}
	}
	service.Write(w, 200, map[string]any{"records": []any{}})
}
