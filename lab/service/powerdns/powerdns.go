// Package powerdns is a made-up PowerDNS of a later version than Debian 12 has: one
// that adds and removes single records. lab/debian compares it with a real one.
package powerdns

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"certctl/lab/service"
)

// Service is the server, with one zone.
type Service struct {
	service.Service
	Zone string // its name, with the final dot
	Kind string // Native, Master or Slave; "": Native
	Key  string

	Others  []string // more zones of the server, with the final dot
	Proxied bool     // a proxy lets nothing through but zones
}

// Start begins to serve at URL.
func (s *Service) Start() {
	zone := "/api/v1/servers/localhost/zones/" + s.Zone
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/servers/localhost/config", s.settings)
	mux.HandleFunc("GET /api/v1/servers/localhost/zones", s.zones)
	mux.HandleFunc("GET "+zone, s.get)
	mux.HandleFunc("PATCH "+zone, s.patch)
	mux.HandleFunc("PUT "+zone+"/notify", s.notify)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "Not Found") })
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != s.Key {
			w.WriteHeader(401)
			fmt.Fprint(w, "Unauthorized")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func refuse(w http.ResponseWriter, status int, text string) {
	service.Write(w, status, map[string]string{"error": text})
}

func (s *Service) settings(w http.ResponseWriter, _ *http.Request) {
	if s.Proxied {
		refuse(w, 403, "Forbidden")
		return
	}
	service.Write(w, 200, []any{map[string]string{"name": "api", "type": "ConfigSetting", "value": "yes"}})
}

func (s *Service) zones(w http.ResponseWriter, _ *http.Request) {
	list := []any{}
	for _, name := range append([]string{s.Zone}, s.Others...) {
		list = append(list, map[string]any{"id": name, "name": name, "kind": s.kind(), "serial": 1})
	}
	service.Write(w, 200, list)
}

func (s *Service) kind() string {
	if s.Kind == "" {
		return "Native"
	}
	return s.Kind
}

func (s *Service) notify(w http.ResponseWriter, _ *http.Request) {
	if s.kind() == "Native" {
		refuse(w, 422, "Domain '"+s.Zone+"' is not a primary domain (or can't be notified)")
		return
	}
	service.Write(w, 200, map[string]string{"result": "Notification queued"})
}

type record struct {
	Content  string `json:"content"`
	Disabled bool   `json:"disabled"`
	SetPTR   bool   `json:"set-ptr,omitempty"` // without effect
}

type set struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	TTL     *int     `json:"ttl"`
	Change  string   `json:"changetype,omitempty"`
	Records []record `json:"records"`
}

func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	sets := []set{}
	for _, k := range s.Keys() {
		if q.Has("rrset_name") && k.Owner != q.Get("rrset_name") || q.Has("rrset_type") && k.Type != q.Get("rrset_type") {
			continue
		}
		has := s.Get(k)
		one := set{Name: k.Owner, Type: k.Type, TTL: &has.TTL}
		for _, data := range has.Data {
			one.Records = append(one.Records, record{Content: data})
		}
		sets = append(sets, one)
	}
	zone := map[string]any{"id": s.Zone, "name": s.Zone, "kind": s.kind(), "serial": 1, "soa_edit_api": ""}
	if q.Get("rrsets") != "false" {
		zone["rrsets"] = sets
	}
	service.Write(w, 200, zone)
}

// patch makes all changes or none.
func (s *Service) patch(w http.ResponseWriter, r *http.Request) {
	var body struct {
		RRsets []set `json:"rrsets"`
	}
	if !service.Read(r, &body) {
		refuse(w, 400, "Your client sent a JSON document that was not understood")
		return
	}
	after := make(map[service.Key]service.Set)
	for _, one := range body.RRsets {
		k := service.Key{Owner: one.Name, Type: one.Type}
		has, changed := after[k]
		if !changed {
			has = s.Get(k)
		}
		next, wrong := s.apply(one, has)
		if wrong != "" {
			refuse(w, 422, wrong)
			return
		}
		after[k] = next
	}
	for k, next := range after {
		s.Put(k, next)
	}
	w.WriteHeader(204)
}

// apply returns what becomes of a set, or what is wrong with the change. EXTEND
// looks neither at the TTL that a set has nor for an alias: the server then has
// records with two TTLs, and shows the last one.
func (s *Service) apply(one set, has service.Set) (service.Set, string) {
	about := "RRset " + one.Name + " IN " + one.Type + ": "
	switch {
	case !strings.HasSuffix(one.Name, "."):
		return has, "DNS Name '" + one.Name + "' is not canonical"
	case one.Name != s.Zone && !strings.HasSuffix(one.Name, "."+s.Zone):
		return has, about + "Name is out of zone"
	case one.Change == "DELETE":
		return service.Set{}, ""
	case one.Change != "REPLACE" && one.Change != "EXTEND" && one.Change != "PRUNE":
		return has, "Changetype '" + one.Change + "' is not a valid value"
	case one.TTL == nil:
		return has, "Submitted record is invalid: Key 'ttl' not an Integer or not present"
	}
	for _, r := range one.Records {
		if !service.IsQuoted(r.Content) {
			return has, "Record " + one.Name + "/TXT '" + r.Content + "': Not in expected format (parsed as '\"" + r.Content + "\"')"
		}
	}
	if one.Change == "REPLACE" {
		if alias := s.Get(service.Key{Owner: one.Name, Type: "CNAME"}); len(alias.Data) > 0 {
			return has, about + "Conflicts with pre-existing RRset"
		}
		next := service.Set{TTL: *one.TTL}
		for _, r := range one.Records {
			next.Data = append(next.Data, r.Content)
		}
		return next, ""
	}
	if len(one.Records) != 1 {
		return has, "Exactly one record should be provided for PRUNE or EXTEND operation"
	}
	i := slices.Index(has.Data, one.Records[0].Content)
	switch {
	case one.Change == "PRUNE" && i >= 0:
		has.Data = slices.Delete(slices.Clone(has.Data), i, i+1)
	case one.Change == "EXTEND" && i < 0:
		has = service.Set{TTL: *one.TTL, Data: append(slices.Clone(has.Data), one.Records[0].Content)}
	}
	return has, ""
}
