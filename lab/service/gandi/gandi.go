// Package gandi is a made-up Gandi: a domain and its record sets, as the API of
// LiveDNS has them.
package gandi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"certctl/lab/service"
)

// Service is the service, with one account.
type Service struct {
	service.Service
	Zone  string // its name, without the final dot
	Token string

	Others []string // more domains that the token is for
	Broad  bool     // whether it may see the bills
}

// pageSize is smaller than Gandi's, so that there is more than one page.
const pageSize = 20

// Start begins to serve at URL; the API is below /v5/livedns.
func (s *Service) Start() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v5/livedns/domains/{domain}", s.domain)
	mux.HandleFunc("GET /v5/livedns/domains/{domain}/records", s.list)
	mux.HandleFunc("GET /v5/livedns/domains/{domain}/records/{name}/{type}", s.get)
	mux.HandleFunc("PUT /v5/livedns/domains/{domain}/records/{name}/{type}", s.put)
	mux.HandleFunc("DELETE /v5/livedns/domains/{domain}/records/{name}/{type}", s.remove)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { missing(w) })
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		below := "/v5/livedns/domains/" + s.Zone
		switch {
		case r.Header.Get("Authorization") != "Bearer "+s.Token:
			refuse(w, 403, "HTTPForbidden", "Access was denied to this resource.")
		case r.URL.Path == "/v5/billing/info" && s.Broad:
			service.Write(w, 200, map[string]any{"annual_balance": 1, "grid": "A"})
		case r.URL.Path == "/v5/billing/info":
			refuse(w, 403, "HTTPForbidden", "Access was denied to this resource.")
		case r.URL.Path == "/v5/livedns/domains":
			s.domains(w)
		case r.URL.Path != below && !strings.HasPrefix(r.URL.Path, below+"/"):
			missing(w)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, status int, object, message string) {
	service.Write(w, status, map[string]any{"code": status, "message": message, "object": object, "cause": strings.TrimPrefix(object, "HTTP")})
}

func missing(w http.ResponseWriter) {
	refuse(w, 404, "HTTPNotFound", "The resource could not be found.")
}

func (s *Service) domain(w http.ResponseWriter, _ *http.Request) {
	service.Write(w, 200, map[string]any{"fqdn": s.Zone, "automatic_snapshots": false, "domain_records_href": s.URL + "/v5/livedns/domains/" + s.Zone + "/records"})
}

func (s *Service) domains(w http.ResponseWriter) {
	list := []any{}
	for _, name := range append([]string{s.Zone}, s.Others...) {
		list = append(list, map[string]string{"fqdn": name, "domain_href": s.URL + "/v5/livedns/domains/" + name})
	}
	service.Write(w, 200, list)
}

// set is a record set as it is answered.
type set struct {
	Name   string   `json:"rrset_name"`
	Type   string   `json:"rrset_type"`
	TTL    int      `json:"rrset_ttl"`
	Values []string `json:"rrset_values"`
	Href   string   `json:"rrset_href"`
}

func (s *Service) show(k service.Key) set {
	name := service.LabelsOrAt(k.Owner, s.Zone)
	has := s.Get(k)
	return set{name, k.Type, has.TTL, has.Data, fmt.Sprintf("%s/v5/livedns/domains/%s/records/%s/%s", s.URL, s.Zone, name, k.Type)}
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all := []set{}
	for _, k := range s.Keys() {
		if q.Get("rrset_type") == "" || k.Type == q.Get("rrset_type") {
			all = append(all, s.show(k))
		}
	}
	page := max(1, service.Number(r, "page"))
	part, last := service.Page(all, page, service.Number(r, "per_page"), pageSize)
	w.Header().Set("Total-Count", strconv.Itoa(len(all)))
	if page < last {
		q.Set("page", strconv.Itoa(page+1))
		w.Header().Add("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, s.URL, r.URL.Path, q.Encode()))
	}
	service.Write(w, 200, part)
}

func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	if len(s.Get(service.PathKey(r, s.Zone)).Data) == 0 {
		missing(w)
		return
	}
	service.Write(w, 200, s.show(service.PathKey(r, s.Zone)))
}

func (s *Service) put(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Name   string   `json:"rrset_name"` // as in the path: not needed
		Type   string   `json:"rrset_type"`
		Href   string   `json:"rrset_href"`
		TTL    *int     `json:"rrset_ttl"`
		Values []string `json:"rrset_values"`
	}
	if !service.Read(r, &v) {
		refuse(w, 400, "HTTPBadRequest", "The server could not comply with the request since it is either malformed or otherwise incorrect.")
		return
	}
	ttl := 10800
	if v.TTL != nil {
		ttl = *v.TTL
	}
	wrong := ""
	switch {
	case r.PathValue("type") != "TXT":
		wrong = "rrset_type: not supported here"
	case ttl < 300 || ttl > 2592000:
		wrong = "rrset_ttl: Must be between 300 and 2592000."
	case len(v.Values) == 0:
		wrong = "rrset_values: Shorter than minimum length 1."
	}
	for i, data := range v.Values {
		if !strings.HasPrefix(data, `"`) {
			data = `"` + data + `"` // as Gandi does
			v.Values[i] = data
		}
		if !service.IsQuoted(data) {
			wrong = "rrset_values: invalid TXT value"
		}
	}
	if wrong != "" {
		service.Write(w, 400, map[string]any{"code": 400, "status": "error", "errors": []map[string]string{{"location": "body", "name": "rrset", "description": wrong}}})
		return
	}
	s.Put(service.PathKey(r, s.Zone), service.Set{TTL: ttl, Data: v.Values})
	service.Write(w, 201, map[string]string{"message": "DNS Record Created"})
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request) {
	if len(s.Get(service.PathKey(r, s.Zone)).Data) == 0 {
		missing(w)
		return
	}
	s.Put(service.PathKey(r, s.Zone), service.Set{})
	w.WriteHeader(204)
}
