// Package linode is a made-up Linode: a domain and its records, as version 4 of
// its API has them.
package linode

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"certctl/lab/service"
)

// Service is the service, with one account.
type Service struct {
	service.Service
	Zone  string // its name, without the final dot
	Type  string // master, or slave; "": master
	Token string

	Scopes  string   // of the token; "": domains:read_write
	Granted []string // domains that the token's user may write; nil: the user is not restricted
}

// ZoneID is the number of the domain.
const ZoneID = 1234

// pageSize is smaller than Linode's, so that there is more than one page.
const pageSize = 25

// Start begins to serve at URL; the API is below /v4.
func (s *Service) Start() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v4/domains", s.domains)
	mux.HandleFunc("GET /v4/domains/{domain}", s.domain)
	mux.HandleFunc("GET /v4/domains/{domain}/records", s.list)
	mux.HandleFunc("POST /v4/domains/{domain}/records", s.create)
	mux.HandleFunc("DELETE /v4/domains/{domain}/records/{id}", s.remove)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { missing(w) })
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		one := "/v4/domains/" + strconv.Itoa(ZoneID)
		scopes := cmp.Or(s.Scopes, "domains:read_write")
		if r.Header.Get("Authorization") != "Bearer "+s.Token {
			scopes = "unknown"
		}
		w.Header().Set("X-OAuth-Scopes", scopes)
		switch {
		case scopes == "unknown":
			refuse(w, 401, "", "Invalid Token")
		case r.URL.Path == "/v4/profile/grants":
			s.grants(w)
		case r.URL.Path != "/v4/domains" && r.URL.Path != one && !strings.HasPrefix(r.URL.Path, one+"/"):
			missing(w)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// grants answers with nothing to who may do everything.
func (s *Service) grants(w http.ResponseWriter) {
	if s.Granted == nil {
		w.WriteHeader(204)
		return
	}
	list := []any{}
	for i, name := range s.Granted {
		list = append(list, map[string]any{"id": ZoneID + i, "label": name, "permissions": "read_write"})
	}
	service.Write(w, 200, map[string]any{"global": map[string]any{"add_domains": false, "account_access": nil}, "domain": list})
}

func refuse(w http.ResponseWriter, status int, field, reason string) {
	e := map[string]string{"reason": reason}
	if field != "" {
		e["field"] = field
	}
	service.Write(w, status, map[string]any{"errors": []any{e}})
}

func missing(w http.ResponseWriter) { refuse(w, 404, "", "Not found") }

func (s *Service) zone() map[string]any {
	kind := s.Type
	if kind == "" {
		kind = "master"
	}
	return map[string]any{"id": ZoneID, "domain": s.Zone, "type": kind, "status": "active", "soa_email": "ops@example.com", "tags": []string{}}
}

func (s *Service) domains(w http.ResponseWriter, r *http.Request) {
	var filter map[string]any
	if text := r.Header.Get("X-Filter"); text != "" && json.Unmarshal([]byte(text), &filter) != nil {
		refuse(w, 400, "X-Filter", "Cannot parse filter")
		return
	}
	all := []map[string]any{s.zone()}
	if name, ok := filter["domain"]; ok && name != s.Zone {
		all = []map[string]any{}
	}
	service.Write(w, 200, map[string]any{"data": all, "page": 1, "pages": 1, "results": len(all)})
}

func (s *Service) domain(w http.ResponseWriter, _ *http.Request) { service.Write(w, 200, s.zone()) }

// record is a record as it is answered.
type record struct {
	ID       int     `json:"id"`
	Type     string  `json:"type"`
	Name     string  `json:"name"`
	Target   string  `json:"target"`
	Priority int     `json:"priority"`
	Weight   int     `json:"weight"`
	Port     int     `json:"port"`
	Service  *string `json:"service"`
	Protocol *string `json:"protocol"`
	TTL      int     `json:"ttl_sec"`
	Tag      *string `json:"tag"`
	Created  string  `json:"created"`
	Updated  string  `json:"updated"`
}

const moment = "2026-01-02T03:04:05"

func (s *Service) show(r service.Record) record {
	return record{ID: r.ID, Type: r.Type, Name: service.Labels(r.Owner, s.Zone), Target: r.Data, TTL: r.TTL, Created: moment, Updated: moment}
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	size := service.Number(r, "page_size")
	if r.URL.Query().Has("page_size") && (size < 25 || size > 500) {
		refuse(w, 400, "page_size", "Must be 25-500")
		return
	}
	all := []record{}
	for _, one := range s.Records() {
		all = append(all, s.show(one))
	}
	page := max(1, service.Number(r, "page"))
	part, last := service.Page(all, page, size, pageSize)
	if page > last {
		missing(w)
		return
	}
	service.Write(w, 200, map[string]any{"data": part, "page": page, "pages": last, "results": len(all)})
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Type     string  `json:"type"`
		Name     string  `json:"name"`
		Target   string  `json:"target"`
		Priority *int    `json:"priority"`
		Weight   *int    `json:"weight"`
		Port     *int    `json:"port"`
		Service  *string `json:"service"`
		Protocol *string `json:"protocol"`
		TTL      int     `json:"ttl_sec"`
		Tag      *string `json:"tag"`
	}
	steps := []int{0, 30, 120, 300, 3600, 7200, 14400, 28800, 57600, 86400, 172800, 345600, 604800, 1209600, 2419200}
	switch {
	case !service.Read(r, &v):
		refuse(w, 400, "", "JSON parse error")
	case v.Type != "TXT":
		refuse(w, 400, "type", "Must be one of A, AAAA, NS, MX, CNAME, TXT, SRV, CAA, PTR")
	case v.Target == "" || len(v.Target) > 2048:
		refuse(w, 400, "target", "Length must be 1-2048 characters")
	case v.Name == "@" || strings.HasSuffix(v.Name, "."):
		refuse(w, 400, "name", "Invalid name")
	case !slices.Contains(steps, v.TTL):
		refuse(w, 400, "ttl_sec", fmt.Sprintf("Must be one of %v", steps))
	default:
		service.Write(w, 200, s.show(s.Insert(service.Key{Owner: service.Owner(v.Name, s.Zone), Type: v.Type}, v.TTL, v.Target)))
	}
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	found, ok := s.Record(id)
	if err != nil || !ok {
		missing(w)
		return
	}
	s.Drop(found)
	service.Write(w, 200, struct{}{})
}
