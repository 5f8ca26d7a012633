// Package azure is a made-up Azure DNS (API version 2018-05-01), with the
// directory that gives tokens and a machine's metadata at the same address. It
// checks ETags, and what a client may do.
package azure

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"certctl/lab/service"
)

// The one subscription, group and directory.
const (
	Subscription = "11111111-2222-3333-4444-555555555555"
	Group        = "dns"
	Tenant       = "99999999-8888-7777-6666-555555555555"
)

// most is how many records a set has at most.
const most = 20

// Client is an application, and what it may do.
type Client struct {
	ID, Secret string
	Owners     []string // whose TXT records it may write, with the final dot, without deleting them; nil: everything
	Group      []string // actions that it may do in the resource group beside
}

// Service is Azure DNS with the zones of one resource group.
type Service struct {
	service.Service
	Zones   []string // without the final dot
	Clients []Client
	Empty   []service.Key // record sets that are there without values

	tokens   map[string]Client
	tags     map[service.Key]int
	metadata map[service.Key]map[string]string
	count    int
}

// New starts a service.
func New(zones []string, clients ...Client) *Service {
	s := &Service{Zones: zones, Clients: clients, tokens: make(map[string]Client), tags: make(map[service.Key]int), metadata: make(map[service.Key]map[string]string)}
	s.Changed = func(k service.Key, _, _ service.Set) {
		s.count++
		s.tags[k] = s.count
	}
	s.Start(s.answer)
	return s
}

var (
	subscription = "/subscriptions/" + Subscription
	zonesPath    = subscription + "/resourceGroups/" + Group + "/providers/Microsoft.Network/dnsZones"
	setPath      = regexp.MustCompile(`^/([^/]+)/(TXT|AAAA)/([^/]+)$`)
)

// scopes are those of the API: the one of today, and the one that libraries have
// kept, with both strokes.
var scopes = []string{"https://management.azure.com/.default", "https://management.core.windows.net//.default"}

func problem(w http.ResponseWriter, status int, code, message string) {
	service.Write(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	if s.token(w, r) {
		return
	}
	client, ok := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	version := r.URL.Query().Get("api-version")
	rest, inZones := strings.CutPrefix(r.URL.Path, zonesPath)
	m := setPath.FindStringSubmatch(rest)
	switch {
	case !ok:
		problem(w, 401, "InvalidAuthenticationToken", "The access token is invalid.")
	case strings.HasSuffix(r.URL.Path, "/providers/Microsoft.Authorization/permissions") && version == "2022-04-01":
		s.permissions(w, client, r.URL.Path)
	case version != "2018-05-01":
		problem(w, 400, "InvalidApiVersionParameter", "The api-version is invalid.")
	case !inZones:
		problem(w, 404, "ResourceGroupNotFound", "Resource group could not be found.")
	case rest == "" && client.Owners == nil:
		var list []any
		for _, z := range s.Zones {
			list = append(list, map[string]string{"id": zonesPath + "/" + z, "name": z})
		}
		service.Write(w, 200, map[string]any{"value": list})
	case m == nil:
		problem(w, 403, "AuthorizationFailed", "The client does not have authorization to perform action")
	default:
		s.set(w, r, client, m[1], m[2], m[3])
	}
}

// permissions lists what a client may do in the subscription, or in the group.
func (s *Service) permissions(w http.ResponseWriter, c Client, path string) {
	list := []any{}
	switch {
	case c.Owners == nil:
		list = append(list, map[string]any{"actions": []string{"*"}, "notActions": []string{}})
	case c.Group != nil && strings.Contains(path, "/resourceGroups/"):
		list = append(list, map[string]any{"actions": c.Group, "notActions": []string{}})
	}
	service.Write(w, 200, map[string]any{"value": list})
}

func (s *Service) set(w http.ResponseWriter, r *http.Request, c Client, zone, kind, name string) {
	k := service.Key{Owner: service.Owner(name, zone), Type: kind}
	action := map[string]string{http.MethodGet: "read", http.MethodDelete: "delete"}[r.Method]
	if action == "" {
		action = "write"
	}
	allowed := c.Owners == nil || action != "delete" && kind == "TXT" && slices.Contains(c.Owners, k.Owner)
	have, tag := s.Get(k), fmt.Sprint("tag-", s.tags[k])
	there := len(have.Data) > 0 || slices.Contains(s.Empty, k)
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case !allowed:
		problem(w, 403, "AuthorizationFailed", fmt.Sprintf("The client '%s' does not have authorization to perform action 'Microsoft.Network/dnsZones/%s/%s' over scope '%s'", c.ID, kind, action, r.URL.Path))
	case !slices.Contains(s.Zones, zone):
		problem(w, 404, "ParentResourceNotFound", "Can not perform requested operation on nested resource. Parent resource '"+zone+"' not found.")
	case none == "*" && there, match != "" && match != tag && there:
		problem(w, 412, "PreconditionFailed", "The condition set in the request was not satisfied.")
	case r.Method == http.MethodDelete && !there:
		w.WriteHeader(204)
	case r.Method == http.MethodDelete:
		s.Put(k, service.Set{})
		delete(s.metadata, k)
		w.WriteHeader(200)
	case !there && (r.Method == http.MethodGet || r.Method == http.MethodPatch):
		if match != "" {
			problem(w, 412, "PreconditionFailed", "The condition set in the request was not satisfied.")
			return
		}
		service.Write(w, 404, map[string]string{"code": "NotFound", "message": "The resource record '" + name + "' does not exist in resource group '" + Group + "'"})
	case r.Method == http.MethodGet:
		s.show(w, r, k, http.StatusOK)
	case r.Method == http.MethodPut || r.Method == http.MethodPatch:
		s.write(w, r, k)
	default:
		problem(w, 405, "MethodNotAllowed", "not allowed")
	}
}

type text struct {
	Strings []string `json:"value"`
}

type properties struct {
	Metadata map[string]string `json:"metadata,omitempty"`
	FQDN     string            `json:"fqdn,omitempty"`
	TTL      int               `json:"TTL"`
	Texts    []text            `json:"TXTRecords"`
}

func (s *Service) write(w http.ResponseWriter, r *http.Request, k service.Key) {
	var body struct {
		Properties properties `json:"properties"`
	}
	if !service.Read(r, &body) || len(body.Properties.Texts) == 0 || len(body.Properties.Texts) > most || body.Properties.TTL < 1 {
		problem(w, 400, "BadRequest", "The record set is not valid.")
		return
	}
	set := service.Set{TTL: body.Properties.TTL}
	for _, t := range body.Properties.Texts {
		if slices.ContainsFunc(t.Strings, func(s string) bool { return len(s) > 255 }) || len(t.Strings) == 0 {
			problem(w, 400, "BadRequest", "A string of a TXT record is too long.")
			return
		}
		data, _ := json.Marshal(t.Strings)
		set.Data = append(set.Data, string(data))
	}
	status := http.StatusOK
	if len(s.Get(k).Data) == 0 {
		status = http.StatusCreated
	}
	s.Put(k, set)
	if r.Method == http.MethodPut || body.Properties.Metadata != nil {
		s.metadata[k] = body.Properties.Metadata
	}
	s.show(w, r, k, status)
}

func (s *Service) show(w http.ResponseWriter, r *http.Request, k service.Key, status int) {
	set := s.Get(k)
	body := properties{Metadata: s.metadata[k], FQDN: k.Owner, TTL: set.TTL}
	for _, data := range set.Data {
		var t text
		json.Unmarshal([]byte(data), &t.Strings)
		body.Texts = append(body.Texts, t)
	}
	service.Write(w, status, map[string]any{
		"id": r.URL.Path, "name": path.Base(r.URL.Path), "type": "Microsoft.Network/dnsZones/" + k.Type,
		"etag": fmt.Sprint("tag-", s.tags[k]), "properties": body,
	})
}

// token serves what gives tokens. It reports whether that was asked.
func (s *Service) token(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	resource := q.Get("resource") == "https://management.azure.com"
	switch {
	case r.URL.Path == "/"+Tenant+"/oauth2/v2.0/token" && r.Method == http.MethodPost:
		r.ParseForm()
		i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.ID == r.PostForm.Get("client_id") })
		federated := r.PostForm.Get("client_assertion") == "identity" && strings.HasSuffix(r.PostForm.Get("client_assertion_type"), "jwt-bearer")
		if i < 0 || !slices.Contains(scopes, r.PostForm.Get("scope")) || r.PostForm.Get("grant_type") != "client_credentials" || !federated && s.Clients[i].Secret != r.PostForm.Get("client_secret") {
			service.Write(w, 401, map[string]string{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x"})
			return true
		}
		service.Write(w, 200, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": s.grant(s.Clients[i])})
	case r.URL.Path == "/metadata/identity/oauth2/token" && r.Header.Get("Metadata") == "true" && q.Get("api-version") == "2018-02-01" && resource,
		r.URL.Path == "/msi/token" && r.Header.Get("X-Identity-Header") == "header" && q.Get("api-version") == "2019-08-01" && resource:
		service.Write(w, 200, map[string]any{"token_type": "Bearer", "expires_in": "3599", "access_token": s.grant(Client{ID: "machine"})})
	default:
		return false
	}
	return true
}

func (s *Service) grant(c Client) string {
	text := fmt.Sprint("eyJ.token-", len(s.tokens))
	s.tokens[text] = c
	return text
}
