// Package digitalocean is a made-up DigitalOcean: a domain and its records, as
// version 2 of its API has them.
package digitalocean

import (
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
	Token string

	Others []string // more domains of the team
	Full   bool     // whether the token has full access, and not the scopes for domains only
}

// pageSize is smaller than DigitalOcean's, so that there is more than one page.
const pageSize = 20

// Start begins to serve at URL; the API is below /v2.
func (s *Service) Start() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/domains", s.domains)
	mux.HandleFunc("GET /v2/domains/{domain}", s.domain)
	mux.HandleFunc("GET /v2/domains/{domain}/records", s.list)
	mux.HandleFunc("POST /v2/domains/{domain}/records", s.create)
	mux.HandleFunc("DELETE /v2/domains/{domain}/records/{id}", s.remove)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { missing(w) })
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		below := "/v2/domains/" + s.Zone
		switch {
		case r.Header.Get("Authorization") != "Bearer "+s.Token:
			refuse(w, 401, "Unauthorized", "Unable to authenticate you")
		case slices.Contains([]string{"/v2/droplets", "/v2/account/keys", "/v2/databases", "/v2/kubernetes/clusters"}, r.URL.Path):
			s.rest(w)
		case r.URL.Path != "/v2/domains" && r.URL.Path != below && !strings.HasPrefix(r.URL.Path, below+"/"):
			missing(w)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, status int, id, message string) {
	service.Write(w, status, map[string]string{"id": id, "message": message, "request_id": "4d9d8375-3c56-4925-a3e7-eb137fed17e9"})
}

// rest is what is no domain.
func (s *Service) rest(w http.ResponseWriter) {
	if !s.Full {
		refuse(w, 403, "Forbidden", "You are not authorized to perform this operation")
		return
	}
	service.Write(w, 200, map[string]any{"meta": map[string]int{"total": 0}})
}

func (s *Service) domains(w http.ResponseWriter, _ *http.Request) {
	list := []any{}
	for _, name := range append([]string{s.Zone}, s.Others...) {
		list = append(list, map[string]any{"name": name, "ttl": 1800, "zone_file": ""})
	}
	service.Write(w, 200, map[string]any{"domains": list, "meta": map[string]int{"total": len(list)}})
}

func missing(w http.ResponseWriter) {
	refuse(w, 404, "not_found", "The resource you requested could not be found.")
}

func (s *Service) domain(w http.ResponseWriter, _ *http.Request) {
	service.Write(w, 200, map[string]any{"domain": map[string]any{"name": s.Zone, "ttl": 1800, "zone_file": ""}})
}

// record is a record as it is answered.
type record struct {
	ID       int     `json:"id"`
	Type     string  `json:"type"`
	Name     string  `json:"name"`
	Data     string  `json:"data"`
	Priority *int    `json:"priority"`
	Port     *int    `json:"port"`
	TTL      int     `json:"ttl"`
	Weight   *int    `json:"weight"`
	Flags    *int    `json:"flags"`
	Tag      *string `json:"tag"`
}

func (s *Service) show(r service.Record) record {
	return record{ID: r.ID, Type: r.Type, Name: service.LabelsOrAt(r.Owner, s.Zone), Data: r.Data, TTL: r.TTL}
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all := []record{}
	for _, one := range s.Records() {
		if (q.Get("name") == "" || one.Owner == q.Get("name")+".") && (q.Get("type") == "" || one.Type == q.Get("type")) {
			all = append(all, s.show(one))
		}
	}
	page := max(1, service.Number(r, "page"))
	part, last := service.Page(all, page, service.Number(r, "per_page"), pageSize)
	pages := map[string]string{}
	at := func(n int) string { return fmt.Sprintf("%s/v2/domains/%s/records?page=%d", s.URL, s.Zone, n) }
	if page < last {
		pages["next"], pages["last"] = at(page+1), at(last)
	}
	if page > 1 {
		pages["prev"], pages["first"] = at(page-1), at(1)
	}
	service.Write(w, 200, map[string]any{
		"domain_records": part, "links": map[string]any{"pages": pages}, "meta": map[string]int{"total": len(all)},
	})
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Data     string `json:"data"`
		Priority *int   `json:"priority"`
		Port     *int   `json:"port"`
		TTL      int    `json:"ttl"`
		Weight   *int   `json:"weight"`
		Flags    *int   `json:"flags"`
		Tag      string `json:"tag"`
	}
	switch {
	case !service.Read(r, &v):
		refuse(w, 400, "bad_request", "error parsing request body")
	case v.Type != "TXT" || v.Name == "" || v.Data == "":
		refuse(w, 422, "unprocessable_entity", "Name and data can't be blank")
	case strings.HasSuffix(v.Name, "."):
		refuse(w, 422, "unprocessable_entity", "Name must not end with a dot")
	case v.TTL != 0 && v.TTL < 30:
		refuse(w, 422, "unprocessable_entity", "TTL must be greater than or equal to 30")
	default:
		added := s.Insert(service.Key{Owner: service.Owner(v.Name, s.Zone), Type: v.Type}, v.TTL, v.Data)
		service.Write(w, 201, map[string]any{"domain_record": s.show(added)})
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
	w.WriteHeader(204)
}
