// Package ns1 is a made-up API of NS1 (version 1). It checks what a key may do.
package ns1

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"certctl/lab/service"
)

// Service is NS1 with one key.
type Service struct {
	service.Service
	Zones  []string // without the final dot
	Key    string
	Owners []string // whose TXT records the key may write, without the final dot; nil: everything

	settings map[service.Key]settings
}

// Start begins to serve.
func (s *Service) Start() {
	s.settings = make(map[service.Key]settings)
	s.Service.Start(s.answer)
}

func problem(w http.ResponseWriter, status int, message string) {
	service.Write(w, status, map[string]string{"message": message})
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Header.Get("X-NSONE-Key") != s.Key:
		problem(w, 401, "Unauthorized")
	case r.URL.Path == "/account/users" || r.URL.Path == "/account/settings" || r.URL.Path == "/monitoring/jobs":
		s.rest(w)
	case r.URL.Path == "/zones" && s.Owners != nil:
		problem(w, 403, "Forbidden")
	case r.URL.Path == "/zones":
		var list []any
		for _, z := range s.Zones {
			list = append(list, map[string]string{"zone": z})
		}
		service.Write(w, 200, list)
	case len(parts) != 4 || parts[0] != "zones":
		problem(w, 404, "Resource not found")
	case s.Owners != nil && !slices.Contains(s.Owners, parts[2]):
		problem(w, 403, "Forbidden")
	case !slices.Contains(s.Zones, parts[1]):
		problem(w, 404, "zone not found")
	case parts[2] != parts[1] && !strings.HasSuffix(parts[2], "."+parts[1]) || parts[3] != "TXT":
		problem(w, 400, "Input validation failed")
	default:
		s.record(w, r, parts[1], service.Key{Owner: parts[2] + ".", Type: "TXT"})
	}
}

// rest is what is no DNS.
func (s *Service) rest(w http.ResponseWriter) {
	if s.Owners != nil {
		problem(w, 403, "Forbidden")
		return
	}
	service.Write(w, 200, []any{})
}

type record struct {
	Zone    string            `json:"zone"`
	Domain  string            `json:"domain"`
	Type    string            `json:"type"`
	TTL     int               `json:"ttl"`
	Answers []json.RawMessage `json:"answers"`
	settings
}

// settings are what a record has beside its answers. An update leaves those that
// it does not name.
type settings struct {
	Meta    any `json:"meta,omitempty"`
	Filters any `json:"filters,omitempty"`
	Regions any `json:"regions,omitempty"`
}

func (s *Service) record(w http.ResponseWriter, r *http.Request, zone string, k service.Key) {
	have := s.Get(k)
	exists := len(have.Data) > 0
	switch {
	case r.Method == http.MethodPut && exists:
		problem(w, 400, "record already exists")
	case r.Method != http.MethodPut && !exists:
		problem(w, 404, "record not found")
	case r.Method == http.MethodDelete:
		s.Put(k, service.Set{})
		delete(s.settings, k)
		service.Write(w, 200, map[string]any{})
	case r.Method == http.MethodGet:
		s.show(w, zone, k)
	default:
		body := record{TTL: have.TTL, settings: s.settings[k]}
		if !service.Read(r, &body) || len(body.Answers) == 0 || body.TTL < 1 || r.Method == http.MethodPut && (body.Zone != zone || body.Domain+"." != k.Owner || body.Type != "TXT") {
			problem(w, 400, "Input validation failed")
			return
		}
		set := service.Set{TTL: body.TTL}
		for _, a := range body.Answers {
			var answer struct{ Answer []string }
			if json.Unmarshal(a, &answer) != nil || len(answer.Answer) == 0 {
				problem(w, 400, "Input validation failed")
				return
			}
			set.Data = append(set.Data, string(a))
		}
		s.Put(k, set)
		s.settings[k] = body.settings
		s.show(w, zone, k)
	}
}

func (s *Service) show(w http.ResponseWriter, zone string, k service.Key) {
	set := s.Get(k)
	r := record{Zone: zone, Domain: strings.TrimSuffix(k.Owner, "."), Type: k.Type, TTL: set.TTL, settings: s.settings[k]}
	for _, data := range set.Data {
		r.Answers = append(r.Answers, json.RawMessage(data))
	}
	service.Write(w, 200, r)
}
