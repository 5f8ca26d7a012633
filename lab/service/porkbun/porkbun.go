// Package porkbun is a made-up Porkbun: a domain and its records, as version 3 of
// its API has them.
package porkbun

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"certctl/lab/service"
)

// Service is the service, with one account.
type Service struct {
	service.Service
	Zone           string // its name, without the final dot
	Key, SecretKey string
	Closed         bool // the domain has no API access

	Open, Shut []string // more domains of the account, with API access and without
}

// base is where the API is, below URL.
const base = "/api/json/v3/dns/"

// listAll is the command that lists domains.
const listAll = "/api/json/v3/domain/listAll"

// fields are all that any request may have.
type fields struct {
	Key       string `json:"apikey"`
	SecretKey string `json:"secretapikey"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Content   string `json:"content"`
	TTL       string `json:"ttl"`
	Prio      string `json:"prio"`
	Notes     string `json:"notes"`
	Start     string `json:"start"`
}

// Start begins to serve at URL.
func (s *Service) Start() {
	s.Service.Start(func(w http.ResponseWriter, r *http.Request) {
		var f fields
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, base), "/")
		switch {
		case r.Method != http.MethodPost || r.URL.Path != listAll && (!strings.HasPrefix(r.URL.Path, base) || len(parts) < 2):
			refuse(w, "Invalid request.")
		case !service.Read(r, &f):
			refuse(w, "All API requests must be valid JSON.")
		case f.Key != s.Key || f.SecretKey != s.SecretKey:
			refuse(w, "Invalid API key. (002)")
		case r.URL.Path == listAll:
			s.domains(w)
		case slices.Contains(s.Open, parts[1]) && parts[0] == "retrieveByNameType":
			service.Write(w, 200, map[string]any{"status": "SUCCESS", "records": []any{}})
		case slices.Contains(s.Shut, parts[1]):
			refuse(w, "Domain is not opted in to API access.")
		case parts[1] != s.Zone:
			refuse(w, "Invalid domain.")
		case s.Closed:
			refuse(w, "Domain is not opted in to API access.")
		default:
			s.answer(w, parts[0], parts[2:], f)
		}
	})
}

func (s *Service) domains(w http.ResponseWriter) {
	list := []any{}
	for _, name := range slices.Concat([]string{s.Zone}, s.Shut, s.Open) {
		list = append(list, map[string]any{"domain": name, "status": "ACTIVE", "tld": name[strings.LastIndex(name, ".")+1:]})
	}
	service.Write(w, 200, map[string]any{"status": "SUCCESS", "domains": list})
}

func (s *Service) answer(w http.ResponseWriter, command string, rest []string, f fields) {
	switch {
	case command == "retrieve" && len(rest) == 0:
		s.list(w, func(service.Record) bool { return true })
	case command == "retrieveByNameType" && len(rest) > 0:
		k := service.Key{Owner: service.Owner(strings.Join(rest[1:], "/"), s.Zone), Type: rest[0]}
		s.list(w, func(r service.Record) bool { return r.Key == k })
	case command == "create" && len(rest) == 0:
		s.create(w, f)
	case command == "delete" && len(rest) == 1:
		s.remove(w, rest[0])
	default:
		refuse(w, "Invalid request.")
	}
}

func refuse(w http.ResponseWriter, message string) {
	service.Write(w, 400, map[string]string{"status": "ERROR", "message": message})
}

func (s *Service) list(w http.ResponseWriter, keep func(service.Record) bool) {
	all := []map[string]any{}
	for _, r := range s.Records() {
		if keep(r) {
			all = append(all, map[string]any{
				"id": strconv.Itoa(r.ID), "name": strings.TrimSuffix(r.Owner, "."), "type": r.Type, "content": r.Data,
				"ttl": strconv.Itoa(r.TTL), "prio": "0", "notes": "",
			})
		}
	}
	service.Write(w, 200, map[string]any{"status": "SUCCESS", "cloudflare": "enabled", "records": all})
}

func (s *Service) create(w http.ResponseWriter, f fields) {
	ttl, err := strconv.Atoi(f.TTL)
	switch {
	case f.Type != "TXT":
		refuse(w, "Invalid type.")
	case f.Content == "" || strings.HasSuffix(f.Name, ".") || f.Name == "@":
		refuse(w, "Edit error: We were unable to create the DNS record.")
	case err != nil || ttl < 600:
		refuse(w, "TTL must be at least 600.")
	default:
		added := s.Insert(service.Key{Owner: service.Owner(f.Name, s.Zone), Type: f.Type}, ttl, f.Content)
		service.Write(w, 200, map[string]any{"status": "SUCCESS", "id": added.ID})
	}
}

func (s *Service) remove(w http.ResponseWriter, text string) {
	id, err := strconv.Atoi(text)
	found, ok := s.Record(id)
	if err != nil || !ok {
		refuse(w, "Invalid record ID.")
		return
	}
	s.Drop(found)
	service.Write(w, 200, map[string]string{"status": "SUCCESS"})
}
