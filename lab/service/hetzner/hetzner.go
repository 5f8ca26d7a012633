// Package hetzner is a made-up Hetzner: a zone and its record sets, as the Cloud
// API has them.
package hetzner

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"certctl/lab/service"
)

// Service is the service, with one project.
type Service struct {
	service.Service
	Zone  string // its name, without the final dot
	Mode  string // primary, or secondary; "": primary
	Token string

	Others []string       // more zones of the project
	Things map[string]int // what else it has: how many of each of kinds, in the words of the API

	Steps int    // how often an action is asked for until it has ended
	Fails string // why actions fail in the end; "": they do not

	actions []int // how often each was asked for
}

// pageSize is smaller than Hetzner's, so that there is more than one page.
const pageSize = 20

// Start begins to serve at URL; the API is below /v1.
func (s *Service) Start() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/zones", s.zones)
	mux.HandleFunc("GET /v1/zones/{zone}", s.zone)
	mux.HandleFunc("GET /v1/zones/{zone}/rrsets", s.list)
	mux.HandleFunc("GET /v1/zones/{zone}/rrsets/{name}/{type}", s.get)
	mux.HandleFunc("POST /v1/zones/{zone}/rrsets/{name}/{type}/actions/add_records", s.add)
	mux.HandleFunc("POST /v1/zones/{zone}/rrsets/{name}/{type}/actions/remove_records", s.remove)
	mux.HandleFunc("GET /v1/actions/{id}", s.action)
	mux.HandleFunc("GET /v1/actions", s.listActions)
	for _, kind := range []string{"servers", "load_balancers", "volumes", "certificates"} {
		mux.HandleFunc("GET /v1/"+kind, func(w http.ResponseWriter, _ *http.Request) {
			n := s.Things[kind]
			service.Write(w, 200, map[string]any{kind: make([]struct{}, n), "meta": pagination(1, 50, 1, n)})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { missing(w) })
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/")
		switch {
		case r.Header.Get("Authorization") != "Bearer "+s.Token:
			refuse(w, 401, "unauthorized", "unable to authenticate")
		case len(parts) > 3 && parts[2] == "zones" && parts[3] != s.Zone && parts[3] != strconv.Itoa(zoneID):
			missing(w)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

const zoneID = 42

func refuse(w http.ResponseWriter, status int, code, message string) {
	service.Write(w, status, map[string]any{"error": map[string]any{"code": code, "message": message, "details": map[string]any{}}})
}

func missing(w http.ResponseWriter) { refuse(w, 404, "not_found", "resource not found") }

func (s *Service) zone(w http.ResponseWriter, _ *http.Request) {
	mode := s.Mode
	if mode == "" {
		mode = "primary"
	}
	service.Write(w, 200, map[string]any{"zone": map[string]any{
		"id": zoneID, "name": s.Zone, "mode": mode, "ttl": 3600, "status": "ok", "record_count": 0,
		"created": moment, "labels": map[string]string{}, "protection": map[string]bool{"delete": false},
	}})
}

func (s *Service) zones(w http.ResponseWriter, _ *http.Request) {
	list := []any{}
	for i, name := range append([]string{s.Zone}, s.Others...) {
		list = append(list, map[string]any{"id": zoneID + i, "name": name, "mode": "primary"})
	}
	service.Write(w, 200, map[string]any{"zones": list, "meta": pagination(1, 50, 1, len(list))})
}

const moment = "2026-01-02T03:04:05Z"

type value struct {
	Value   string `json:"value"`
	Comment string `json:"comment"`
}

// set is a record set as it is answered.
type set struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	TTL        *int              `json:"ttl"`
	Labels     map[string]string `json:"labels"`
	Protection map[string]bool   `json:"protection"`
	Records    []value           `json:"records"`
	Zone       int               `json:"zone"`
}

func (s *Service) show(k service.Key) set {
	name := service.LabelsOrAt(k.Owner, s.Zone)
	has := s.Get(k)
	shown := set{ID: name + "/" + k.Type, Name: name, Type: k.Type, TTL: &has.TTL, Labels: map[string]string{}, Protection: map[string]bool{"change": false}, Zone: zoneID}
	for _, data := range has.Data {
		shown.Records = append(shown.Records, value{Value: data})
	}
	return shown
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all := []set{}
	for _, k := range s.Keys() {
		one := s.show(k)
		if (!q.Has("type") || slices.Contains(q["type"], one.Type)) && (!q.Has("name") || one.Name == q.Get("name")) {
			all = append(all, one)
		}
	}
	page := max(1, service.Number(r, "page"))
	size := service.Number(r, "per_page")
	part, last := service.Page(all, page, size, pageSize)
	service.Write(w, 200, map[string]any{"rrsets": part, "meta": pagination(page, size, last, len(all))})
}

func pagination(page, size, last, total int) any {
	about := map[string]any{"page": page, "per_page": size, "previous_page": nil, "next_page": nil, "last_page": last, "total_entries": total}
	if page > 1 {
		about["previous_page"] = page - 1
	}
	if page < last {
		about["next_page"] = page + 1
	}
	return map[string]any{"pagination": about}
}

func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	if len(s.Get(service.PathKey(r, s.Zone)).Data) == 0 {
		missing(w)
		return
	}
	service.Write(w, 200, map[string]any{"rrset": s.show(service.PathKey(r, s.Zone))})
}

func (s *Service) add(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Records []value `json:"records"`
		TTL     *int    `json:"ttl"`
	}
	k := service.PathKey(r, s.Zone)
	has := s.Get(k)
	switch bad := s.check(r, &v, &v.Records); {
	case bad != "":
		refuse(w, 422, "invalid_input", bad)
		return
	case v.TTL != nil && *v.TTL < 60:
		refuse(w, 422, "invalid_input", "invalid input in field 'ttl': must be greater than or equal to 60")
		return
	case v.TTL != nil && len(has.Data) > 0 && *v.TTL != has.TTL:
		refuse(w, 422, "invalid_input", "invalid input in field 'ttl': does not match the TTL of the RRSet")
		return
	}
	for _, one := range v.Records {
		if slices.Contains(has.Data, one.Value) {
			refuse(w, 409, "uniqueness_error", "record already exists")
			return
		}
	}
	if len(has.Data) == 0 {
		has.TTL = 3600
		if v.TTL != nil {
			has.TTL = *v.TTL
		}
	}
	has.Data = slices.Clone(has.Data)
	for _, one := range v.Records {
		has.Data = append(has.Data, one.Value)
	}
	s.Put(k, has)
	s.begin(w, "add_rrset_records")
}

// check reads the body, and returns what is wrong with it.
func (s *Service) check(r *http.Request, into any, records *[]value) string {
	if !service.Read(r, into) {
		return "invalid JSON"
	}
	name := r.PathValue("name")
	if r.PathValue("type") != "TXT" || name != strings.ToLower(name) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, "."+s.Zone) {
		return "invalid name or type"
	}
	if len(*records) == 0 {
		return "invalid input in field 'records': must not be empty"
	}
	seen := make(map[string]bool)
	for _, one := range *records {
		if !service.IsQuoted(one.Value) {
			return "invalid input in field 'records': TXT records must be quoted"
		}
		if seen[one.Value] {
			return "invalid input in field 'records': values must be distinct"
		}
		seen[one.Value] = true
	}
	return ""
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Records []value `json:"records"`
	}
	k := service.PathKey(r, s.Zone)
	has := s.Get(k)
	if bad := s.check(r, &v, &v.Records); bad != "" {
		refuse(w, 422, "invalid_input", bad)
		return
	}
	if len(has.Data) == 0 {
		missing(w)
		return
	}
	has.Data = slices.Clone(has.Data)
	for _, one := range v.Records {
		i := slices.Index(has.Data, one.Value)
		if i < 0 {
			refuse(w, 422, "invalid_input", "record does not exist")
			return
		}
		has.Data = slices.Delete(has.Data, i, i+1)
	}
	s.Put(k, has)
	s.begin(w, "remove_rrset_records")
}

// begin answers with an action.
func (s *Service) begin(w http.ResponseWriter, command string) {
	s.actions = append(s.actions, 0)
	service.Write(w, 201, map[string]any{"action": s.step(len(s.actions), command)})
}

// step returns an action as it is now.
func (s *Service) step(id int, command string) any {
	a := map[string]any{
		"id": id, "command": command, "status": "running", "progress": 0, "started": moment, "finished": nil,
		"resources": []map[string]any{{"id": zoneID, "type": "zone"}}, "error": nil,
	}
	if s.actions[id-1] < s.Steps {
		return a
	}
	a["status"], a["progress"], a["finished"] = "success", 100, moment
	if s.Fails != "" {
		a["status"], a["error"] = "error", map[string]string{"code": "action_failed", "message": s.Fails}
	}
	return a
}

func (s *Service) action(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 || id > len(s.actions) {
		missing(w)
		return
	}
	s.actions[id-1]++
	service.Write(w, 200, map[string]any{"action": s.step(id, "rrset_records")})
}

func (s *Service) listActions(w http.ResponseWriter, r *http.Request) {
	all := []any{}
	for _, text := range r.URL.Query()["id"] {
		var id int
		if fmt.Sscan(text, &id); id >= 1 && id <= len(s.actions) {
			s.actions[id-1]++
			all = append(all, s.step(id, "rrset_records"))
		}
	}
	service.Write(w, 200, map[string]any{"actions": all, "meta": pagination(1, 50, 1, len(all))})
}
