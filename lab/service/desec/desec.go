// Package desec is a made-up deSEC: a domain and its record sets, as version 1 of
// its API has them.
package desec

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"certctl/lab/service"
)

// Service is the service, with one account.
type Service struct {
	service.Service
	Zone      string // its name, without the final dot
	Token     string
	LowestTTL int // in seconds; 0: an hour

	Other   string   // one more domain of the account, or ""
	Owners  []string // whose TXT records the token's policies allow, with the final dot; nil: everything
	Manager bool     // whether the token has perm_manage_tokens
}

// pageSize is smaller than deSEC's, so that there is more than one page.
const pageSize = 20

// Start begins to serve at URL; the API is below /api/v1.
func (s *Service) Start() {
	if s.LowestTTL == 0 {
		s.LowestTTL = 3600
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/domains/{domain}/{$}", s.domain)
	mux.HandleFunc("GET /api/v1/domains/{domain}/rrsets/{$}", s.list)
	mux.HandleFunc("GET /api/v1/domains/{domain}/rrsets/{name}/{type}/{$}", s.get)
	mux.HandleFunc("PATCH /api/v1/domains/{domain}/rrsets/{$}", s.change)
	mux.HandleFunc("PUT /api/v1/domains/{domain}/rrsets/{$}", s.change)
	mux.HandleFunc("POST /api/v1/domains/{domain}/rrsets/{$}", s.one)
	mux.HandleFunc("PATCH /api/v1/domains/{domain}/rrsets/{name}/{type}/{$}", s.one)
	mux.HandleFunc("DELETE /api/v1/domains/{domain}/rrsets/{name}/{type}/{$}", s.remove)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { missing(w) })
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Token "+s.Token:
			refuse(w, 401, "Invalid token.")
		case r.URL.Path == "/api/v1/auth/tokens/":
			s.tokens(w)
		case r.URL.Path == "/api/v1/domains/":
			s.domains(w)
		case s.Other != "" && r.URL.Path == "/api/v1/domains/"+s.Other+"/rrsets/" && r.Method == http.MethodPatch:
			s.elsewhere(w, r)
		case !strings.HasPrefix(r.URL.Path, "/api/v1/domains/"+s.Zone+"/"):
			missing(w)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, status int, detail string) {
	service.Write(w, status, map[string]string{"detail": detail})
}

func missing(w http.ResponseWriter) { refuse(w, 404, "Not found.") }

func (s *Service) domain(w http.ResponseWriter, _ *http.Request) {
	service.Write(w, 200, map[string]any{"name": s.Zone, "minimum_ttl": s.LowestTTL, "created": moment, "published": moment, "touched": moment})
}

func (s *Service) domains(w http.ResponseWriter) {
	list := []any{}
	for _, name := range []string{s.Other, s.Zone} {
		if name != "" {
			list = append(list, map[string]any{"name": name, "minimum_ttl": s.LowestTTL, "created": moment, "published": moment, "touched": moment})
		}
	}
	service.Write(w, 200, list)
}

func (s *Service) tokens(w http.ResponseWriter) {
	if !s.Manager {
		refuse(w, 403, "You do not have permission to perform this action.")
		return
	}
	service.Write(w, 200, []any{map[string]any{"id": "3a6b94b5-d20e-40bd-a7cc-521f5c79fab3", "name": "certctl", "perm_manage_tokens": true}})
}

func forbidden(w http.ResponseWriter) { refuse(w, 403, "Insufficient token permissions.") }

// elsewhere is a bulk request for the other domain, which has no records.
func (s *Service) elsewhere(w http.ResponseWriter, r *http.Request) {
	var sets []wanted
	switch {
	case !service.Read(r, &sets) || slices.ContainsFunc(sets, func(v wanted) bool { return v.Records == nil || len(*v.Records) > 0 }):
		refuse(w, 400, "only removals are expected here")
	case s.Owners != nil:
		forbidden(w)
	default:
		service.Write(w, 200, []any{})
	}
}

const moment = "2026-01-02T03:04:05.678901Z"

// set is a record set as it is answered.
type set struct {
	Domain  string   `json:"domain"`
	Subname string   `json:"subname"`
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	TTL     int      `json:"ttl"`
	Records []string `json:"records"`
	Created string   `json:"created"`
	Touched string   `json:"touched"`
}

func (s *Service) show(k service.Key) set {
	has := s.Get(k)
	return set{s.Zone, service.Labels(k.Owner, s.Zone), k.Owner, k.Type, has.TTL, has.Data, moment, moment}
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all := []set{}
	for _, k := range s.Keys() {
		one := s.show(k)
		if (!q.Has("subname") || one.Subname == q.Get("subname")) && (!q.Has("type") || one.Type == q.Get("type")) {
			all = append(all, one)
		}
	}
	if !q.Has("cursor") && len(all) > pageSize {
		refuse(w, 400, "Pagination required. You can query up to 500 items at a time.")
		return
	}
	var page int
	fmt.Sscanf(q.Get("cursor"), "page-%d", &page)
	part, last := service.Page(all, page, pageSize, pageSize)
	if page = max(page, 1); page < last {
		q.Set("cursor", fmt.Sprintf("page-%d", page+1))
		w.Header().Set("Link", fmt.Sprintf(`<https://desec.invalid%s?cursor=>; rel="first", <https://desec.invalid%s?%s>; rel="next"`, r.URL.Path, r.URL.Path, q.Encode()))
	}
	service.Write(w, 200, part)
}

func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	k := service.PathKey(r, s.Zone)
	if len(s.Get(k).Data) == 0 {
		missing(w)
		return
	}
	service.Write(w, 200, s.show(k))
}

// wanted is a record set as it is sent.
type wanted struct {
	Subname *string   `json:"subname"`
	Type    string    `json:"type"`
	TTL     *int      `json:"ttl"`
	Records *[]string `json:"records"`
	Domain  string    `json:"domain"` // not needed
}

// one makes a set, or changes the one that the path is about. The apex is where no
// subname is given, which a request for many does not allow.
func (s *Service) one(w http.ResponseWriter, r *http.Request) {
	var v wanted
	if !service.Read(r, &v) {
		refuse(w, 400, "JSON parse error")
		return
	}
	if v.Subname == nil {
		v.Subname = new(string)
	}
	switch errs := s.check(v); {
	case s.denies(v):
		forbidden(w)
	case len(errs) > 0:
		service.Write(w, 400, errs)
	case r.Method == http.MethodPatch && len(s.Get(s.key(v)).Data) == 0:
		missing(w)
	case r.Method == http.MethodPost && len(s.Get(s.key(v)).Data) > 0:
		service.Write(w, 400, map[string][]string{"non_field_errors": {"Another RRset with the same subdomain and type exists for this domain."}})
	default:
		s.Put(s.key(v), service.Set{TTL: *v.TTL, Data: *v.Records})
		service.Write(w, map[string]int{http.MethodPost: 201, http.MethodPatch: 200}[r.Method], s.show(s.key(v)))
	}
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request) {
	s.Put(service.PathKey(r, s.Zone), service.Set{})
	w.WriteHeader(204)
}

// change replaces all sets or none.
func (s *Service) change(w http.ResponseWriter, r *http.Request) {
	var sets []wanted
	if !service.Read(r, &sets) {
		refuse(w, 400, "JSON parse error")
		return
	}
	if slices.ContainsFunc(sets, s.denies) {
		forbidden(w)
		return
	}
	errs, bad := make([]map[string][]string, len(sets)), false
	seen := make(map[service.Key]bool)
	for i, v := range sets {
		errs[i] = s.check(v)
		if len(errs[i]) == 0 && seen[s.key(v)] {
			errs[i] = map[string][]string{"non_field_errors": {"Same subname and type as in position(s) 0, but must be unique."}}
		}
		bad = bad || len(errs[i]) > 0
		if !bad {
			seen[s.key(v)] = true
		}
	}
	if bad {
		service.Write(w, 400, errs)
		return
	}
	done := []set{}
	for _, v := range sets {
		s.Put(s.key(v), service.Set{TTL: *v.TTL, Data: *v.Records})
		if len(*v.Records) > 0 {
			done = append(done, s.show(s.key(v)))
		}
	}
	service.Write(w, 200, done)
}

func (s *Service) key(v wanted) service.Key {
	return service.Key{Owner: service.Owner(*v.Subname, s.Zone), Type: v.Type}
}

// denies reports whether the token's policies forbid a set.
func (s *Service) denies(v wanted) bool {
	return s.Owners != nil && (v.Subname == nil || v.Type != "TXT" || !slices.Contains(s.Owners, s.key(v).Owner))
}

// check returns what is wrong with a set.
func (s *Service) check(v wanted) map[string][]string {
	required := []string{"This field is required."}
	switch {
	case v.Subname == nil:
		return map[string][]string{"subname": required}
	case strings.HasSuffix(*v.Subname, ".") || *v.Subname == "@" || *v.Subname != strings.ToLower(*v.Subname):
		return map[string][]string{"subname": {"Subname can only use (lowercase) a-z, 0-9, ., -, and _."}}
	case v.Type != "TXT" && (v.Type != "AAAA" || v.Records == nil || len(*v.Records) > 0):
		return map[string][]string{"type": {"The type is not supported here."}}
	case v.TTL == nil:
		return map[string][]string{"ttl": required}
	case v.Records == nil:
		return map[string][]string{"records": required}
	case *v.TTL < s.LowestTTL:
		return map[string][]string{"ttl": {fmt.Sprintf("Ensure this value is greater than or equal to %d.", s.LowestTTL)}}
	}
	for _, data := range *v.Records {
		if !service.IsQuoted(data) {
			return map[string][]string{"records": {"Record content malformed: Data is not quoted, or longer than 255 bytes"}}
		}
	}
	return nil
}
