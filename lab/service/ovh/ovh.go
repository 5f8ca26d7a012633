// Package ovh is a made-up API of OVHcloud (version 1.0). It checks signatures and
// rules. What is written is not served before the zone is refreshed.
package ovh

import (
	"crypto/sha1"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"certctl/lab/service"
)

// Rule is what a consumer key may do.
type Rule struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

// Rules returns rules, each as "METHOD /path".
func Rules(texts ...string) []Rule {
	var rules []Rule
	for _, text := range texts {
		method, path, _ := strings.Cut(text, " ")
		rules = append(rules, Rule{method, path})
	}
	return rules
}

// Service is OVHcloud with one application and one consumer key, and a service
// account with the id "client" and the same secret.
type Service struct {
	service.Service
	Zone                          string // without the final dot
	Application, Secret, Consumer string
	Rules                         []Rule
	Ahead                         time.Duration // of the clock

	Others []string // more zones, that a service account can list if it can list any

	Refreshed int // how often
}

// Start begins to serve.
func (s *Service) Start() { s.Service.Start(s.answer) }

func problem(w http.ResponseWriter, status int, class, message string) {
	service.Write(w, status, map[string]string{"class": class, "message": message})
}

var recordPath = regexp.MustCompile(`^/record/(\d+)$`)

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	rest, inZone := strings.CutPrefix(r.URL.Path, "/domain/zone/"+s.Zone)
	switch {
	case r.URL.Path == "/auth/time":
		fmt.Fprint(w, s.now())
		return
	case r.URL.Path == "/token":
		r.ParseForm()
		if r.PostForm.Get("client_id") != "client" || r.PostForm.Get("client_secret") != s.Secret || r.PostForm.Get("scope") != "all" {
			service.Write(w, 400, map[string]string{"error": "invalid_client"})
			return
		}
		service.Write(w, 200, map[string]any{"access_token": "access", "expires_in": 3599})
		return
	case r.Header.Get("Authorization") != "" && r.Header.Get("Authorization") != "Bearer access":
		problem(w, 401, "Client::Unauthorized", "Invalid token")
		return
	case r.Header.Get("Authorization") == "" && !s.signed(w, r, body):
		return
	case r.URL.Path == "/auth/currentCredential":
		service.Write(w, 200, map[string]any{"rules": s.Rules, "status": "validated"})
		return
	case !slices.ContainsFunc(s.Rules, func(rule Rule) bool { return rule.allows(r) }):
		problem(w, 403, "Client::Forbidden", "This call has not been granted")
		return
	case r.URL.Path == "/domain/zone":
		service.Write(w, 200, append([]string{s.Zone}, s.Others...))
		return
	case r.URL.Path == "/me":
		service.Write(w, 200, map[string]string{"nichandle": "xx1-ovh"})
		return
	case !inZone:
		problem(w, 404, "Client::NotFound", "This service does not exist")
		return
	}
	s.zone(w, r, rest)
}

func (rule Rule) allows(r *http.Request) bool {
	ok, _ := path.Match(strings.ReplaceAll(rule.Path, "/", "|"), strings.ReplaceAll(r.URL.Path, "/", "|"))
	return ok && rule.Method == r.Method
}

func (s *Service) now() int64 { return time.Now().Add(s.Ahead).Unix() }

// signed checks a signature, and answers if it is wrong.
func (s *Service) signed(w http.ResponseWriter, r *http.Request, body []byte) bool {
	stamp := r.Header.Get("X-Ovh-Timestamp")
	at, _ := strconv.ParseInt(stamp, 10, 64)
	text := strings.Join([]string{s.Secret, s.Consumer, r.Method, s.URL + r.URL.RequestURI(), string(body), stamp}, "+")
	switch {
	case r.Header.Get("X-Ovh-Application") != s.Application:
		problem(w, 401, "Client::Unauthorized", "This application is invalid")
	case r.Header.Get("X-Ovh-Consumer") != s.Consumer:
		problem(w, 403, "Client::Forbidden", "This credential does not exist")
	case max(at-s.now(), s.now()-at) > 30:
		problem(w, 400, "Client::BadRequest", "Query out of time")
	case r.Header.Get("X-Ovh-Signature") != fmt.Sprintf("$1$%x", sha1.Sum([]byte(text))):
		problem(w, 400, "Client::BadRequest", "Invalid signature")
	default:
		return true
	}
	return false
}

type record struct {
	ID        int    `json:"id"`
	Zone      string `json:"zone"`
	FieldType string `json:"fieldType"`
	SubDomain string `json:"subDomain"`
	Target    string `json:"target"`
	TTL       int    `json:"ttl"`
}

func (s *Service) sub(owner string) string {
	return strings.TrimSuffix(strings.TrimSuffix(owner, s.Zone+"."), ".")
}

func (s *Service) zone(w http.ResponseWriter, r *http.Request, rest string) {
	m := recordPath.FindStringSubmatch(rest)
	switch {
	case rest == "/refresh" && r.Method == http.MethodPost:
		s.Refreshed++
		fmt.Fprint(w, "null")
	case rest == "/record" && r.Method == http.MethodGet:
		q := r.URL.Query()
		ids := []int{}
		for _, have := range s.Records() {
			if (!q.Has("fieldType") || q.Get("fieldType") == have.Type) && (!q.Has("subDomain") || q.Get("subDomain") == s.sub(have.Owner)) {
				ids = append(ids, have.ID)
			}
		}
		service.Write(w, 200, ids)
	case rest == "/record" && r.Method == http.MethodPost:
		s.create(w, r)
	case m != nil:
		id, _ := strconv.Atoi(m[1])
		have, ok := s.Record(id)
		switch {
		case !ok:
			problem(w, 404, "Client::NotFound", "This service does not exist")
		case r.Method == http.MethodDelete:
			s.Drop(have)
			fmt.Fprint(w, "null")
		default:
			service.Write(w, 200, record{have.ID, s.Zone, have.Type, s.sub(have.Owner), have.Data, have.TTL})
		}
	default:
		problem(w, 404, "Client::NotFound", "Got an invalid (or empty) URL")
	}
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var body struct {
		FieldType string `json:"fieldType"`
		SubDomain string `json:"subDomain"`
		Target    string `json:"target"`
		TTL       int    `json:"ttl"`
	}
	if !service.Read(r, &body) || body.FieldType != "TXT" || body.Target == "" || body.TTL < 60 || strings.HasSuffix(body.SubDomain, ".") {
		problem(w, 400, "Client::BadRequest", "Invalid record")
		return
	}
	made := s.Insert(service.Key{Owner: service.Owner(body.SubDomain, s.Zone), Type: "TXT"}, body.TTL, body.Target)
	service.Write(w, 200, record{made.ID, s.Zone, "TXT", body.SubDomain, body.Target, body.TTL})
}
