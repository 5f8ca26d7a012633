// Package cloudflare is a made-up Cloudflare: zones and their DNS records, as
// version 4 of its API has them.
package cloudflare

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"certctl/lab/service"
)

// Service is the service, with one account.
type Service struct {
	service.Service
	Zone  string // its name, without the final dot
	Token string
	Twins []Zone // more zones that the token sees
	Broad bool   // it may write these too, and read what is no DNS
	Owned bool   // the token is an account's, and no user's
}

// Zone is a zone as it is listed.
type Zone struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// ZoneID is the id of the zone.
const ZoneID = "023e105f4ecef8ad9ca31a8372d0c353"

// pageSize is smaller than Cloudflare's, so that there is more than one page.
const pageSize = 20

// Start begins to serve at URL.
func (s *Service) Start() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /zones", s.zones)
	mux.HandleFunc("GET /zones/{zone}/dns_records", s.list)
	mux.HandleFunc("POST /zones/{zone}/dns_records", s.create)
	mux.HandleFunc("DELETE /zones/{zone}/dns_records/{id}", s.remove)
	mux.HandleFunc("POST /zones/{zone}/dns_records/batch", s.batch)
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		switch id := r.PathValue("zone"); {
		case r.Header.Get("Authorization") != "Bearer "+s.Token:
			refuse(w, 403, 9109, "Invalid access token")
		case strings.HasSuffix(r.URL.Path, "/settings/ssl"), r.URL.Path == "/user", r.URL.Path == "/user/tokens":
			s.rest(w, r)
		case s.isTwin(r.URL.Path):
			s.twin(w, r)
		case strings.HasPrefix(r.URL.Path, "/zones/") && !strings.HasPrefix(r.URL.Path, "/zones/"+ZoneID+"/"):
			refuse(w, 404, 7003, "Could not route to "+r.URL.Path+id+", perhaps your object identifier is invalid?")
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// rest is what is no DNS.
func (s *Service) rest(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.Owned && strings.HasPrefix(r.URL.Path, "/user"):
		refuse(w, 400, 1001, "This endpoint does not support account owned tokens.")
	case !s.Broad:
		refuse(w, 403, 9109, "Unauthorized to access requested resource")
	default:
		answer(w, []any{}, nil)
	}
}

func (s *Service) isTwin(path string) bool {
	return slices.ContainsFunc(s.Twins, func(z Zone) bool { return strings.HasPrefix(path, "/zones/"+z.ID+"/dns_records") })
}

// twin is a zone without records.
func (s *Service) twin(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.Broad:
		refuse(w, 403, 10000, "Authentication error")
	case r.Method == http.MethodDelete:
		refuse(w, 404, 81044, "Record does not exist.")
	default:
		answer(w, []any{}, info{1, pageSize, 0, 0, 1})
	}
}

type note struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

type envelope struct {
	Success  bool   `json:"success"`
	Errors   []note `json:"errors"`
	Messages []note `json:"messages"`
	Result   any    `json:"result"`
	Info     any    `json:"result_info,omitempty"`
}

type info struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	service.Write(w, status, envelope{Errors: []note{{code, message}}, Messages: []note{}})
}

func answer(w http.ResponseWriter, result, info any) {
	service.Write(w, 200, envelope{Success: true, Errors: []note{}, Messages: []note{}, Result: result, Info: info})
}

func (s *Service) zones(w http.ResponseWriter, r *http.Request) {
	all := append([]Zone{{ZoneID, s.Zone, "active"}}, s.Twins...)
	if name := strings.TrimSuffix(r.URL.Query().Get("name"), "."); name != "" {
		all = slices.DeleteFunc(all, func(z Zone) bool { return z.Name != name })
	}
	answer(w, all, info{1, 50, len(all), len(all), 1})
}

// record is a record as it is answered.
type record struct {
	ID        string   `json:"id"`
	Type      string   `json:"type"`
	Name      string   `json:"name"`
	Content   string   `json:"content"`
	TTL       int      `json:"ttl"`
	Proxiable bool     `json:"proxiable"`
	Proxied   bool     `json:"proxied"`
	Comment   *string  `json:"comment"`
	Tags      []string `json:"tags"`
}

func show(r service.Record) record {
	sum := md5.Sum(fmt.Appendf(nil, "%s %s %s", r.Owner, r.Type, r.Data))
	return record{ID: fmt.Sprintf("%x", sum), Type: r.Type, Name: strings.TrimSuffix(r.Owner, "."), Content: r.Data, TTL: r.TTL, Tags: []string{}}
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name := strings.TrimSuffix(q.Get("name")+q.Get("name.exact"), ".")
	all := []record{}
	for _, one := range s.Records() {
		if shown := show(one); (name == "" || shown.Name == name) && (q.Get("type") == "" || shown.Type == q.Get("type")) {
			all = append(all, shown)
		}
	}
	page := max(1, service.Number(r, "page"))
	size := service.Number(r, "per_page")
	if size < 1 || size > pageSize {
		size = pageSize
	}
	part, last := service.Page(all, page, size, pageSize)
	answer(w, part, info{page, size, len(part), len(all), last})
}

// readOnly is what a record has that clients send along, and Cloudflare ignores.
type readOnly struct {
	ID         string         `json:"id"`
	ZoneID     string         `json:"zone_id"`
	ZoneName   string         `json:"zone_name"`
	Proxiable  bool           `json:"proxiable"`
	Locked     bool           `json:"locked"`
	Data       map[string]any `json:"data"`
	Meta       map[string]any `json:"meta"`
	CreatedOn  string         `json:"created_on"`
	ModifiedOn string         `json:"modified_on"`
}

// wanted is a record as it is sent.
type wanted struct {
	readOnly
	Type     string         `json:"type"`
	Name     string         `json:"name"`
	Content  string         `json:"content"`
	TTL      int            `json:"ttl"`
	Proxied  *bool          `json:"proxied"`
	Comment  string         `json:"comment"`
	Tags     []string       `json:"tags"`
	Settings map[string]any `json:"settings"`
	Priority *int           `json:"priority"`
}

type refusal struct {
	status, code int
	message      string
}

// check returns what is wrong with a record.
func (s *Service) check(k service.Key, v wanted) *refusal {
	switch {
	case v.Type != "TXT":
		return &refusal{400, 1004, "DNS Validation Error"}
	case v.TTL != 1 && (v.TTL < 60 || v.TTL > 86400):
		return &refusal{400, 9021, "TTL must be set to 1, or between 60 and 86400 seconds"}
	case strings.HasSuffix(v.Name, ".") || v.Name == "":
		return &refusal{400, 9000, "DNS name is invalid"}
	case len(v.Content) > 4096:
		return &refusal{400, 9208, "Content for TXT record is too long"}
	case slices.Contains(s.Get(k).Data, quoted(v.Content)):
		return &refusal{400, 81058, "An identical record already exists."}
	}
	return nil
}

// quoted is what Cloudflare keeps: it adds quotation marks that are missing.
func quoted(content string) string {
	if strings.HasPrefix(content, `"`) {
		return content
	}
	return fmt.Sprintf("%q", content)
}

// key returns where a record goes: a name outside the zone is taken for one
// relative to it.
func (s *Service) key(v wanted) service.Key {
	name := strings.ToLower(v.Name)
	if name != s.Zone && !strings.HasSuffix(name, "."+s.Zone) {
		name += "." + s.Zone
	}
	return service.Key{Owner: name + ".", Type: v.Type}
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var v wanted
	if !service.Read(r, &v) {
		refuse(w, 400, 9207, "Request body is invalid.")
		return
	}
	if bad := s.check(s.key(v), v); bad != nil {
		refuse(w, bad.status, bad.code, bad.message)
		return
	}
	answer(w, show(s.Insert(s.key(v), v.TTL, quoted(v.Content))), nil)
}

func (s *Service) find(id string) (service.Record, bool) {
	all := s.Records()
	if i := slices.IndexFunc(all, func(r service.Record) bool { return show(r).ID == id }); i >= 0 {
		return all[i], true
	}
	return service.Record{}, false
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request) {
	found, ok := s.find(r.PathValue("id"))
	if !ok {
		refuse(w, 404, 81044, "Record does not exist.")
		return
	}
	s.Drop(found)
	answer(w, map[string]string{"id": r.PathValue("id")}, nil)
}

// batch does all or nothing.
func (s *Service) batch(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Deletes []struct {
			ID string `json:"id"`
		} `json:"deletes"`
		Posts []wanted `json:"posts"`
	}
	if !service.Read(r, &b) || len(b.Deletes)+len(b.Posts) > 200 || len(b.Deletes)+len(b.Posts) == 0 {
		refuse(w, 400, 9207, "Request body is invalid.")
		return
	}
	var unwanted []service.Record
	for _, d := range b.Deletes {
		found, ok := s.find(d.ID)
		if !ok {
			refuse(w, 404, 81044, "Record does not exist.")
			return
		}
		unwanted = append(unwanted, found)
	}
	for _, v := range b.Posts {
		if bad := s.check(s.key(v), v); bad != nil {
			refuse(w, bad.status, bad.code, bad.message)
			return
		}
	}
	deletes, posts := []record{}, []record{}
	for _, u := range unwanted {
		s.Drop(u)
		deletes = append(deletes, show(u))
	}
	for _, v := range b.Posts {
		posts = append(posts, show(s.Insert(s.key(v), v.TTL, quoted(v.Content))))
	}
	answer(w, map[string]any{"deletes": deletes, "patches": []record{}, "puts": []record{}, "posts": posts}, nil)
}
