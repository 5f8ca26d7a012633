package webhook_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/webhook"
	"certctl/lab/service"
	"certctl/secret"
)

const (
	zone     = delegation.Name("auth.example.net.")
	token    = "t0ken-that-must-not-show"
	password = "passw0rd-that-must-not-show"
)

// hook is a service that keeps values, and tells its secrets to everybody.
type hook struct {
	service.Service
	requests []string
}

func serve(t *testing.T) *hook {
	t.Helper()
	h := new(hook)
	h.Start(h.answer)
	t.Cleanup(h.Close)
	return h
}

func (h *hook) answer(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	h.requests = append(h.requests, r.Method+" "+r.URL.Path+" "+string(text))
	user, pass, _ := r.BasicAuth()
	if r.Header.Get("Authorization") != "Bearer "+token && (user != "certctl" || pass != password) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, "no entry with", r.Header.Get("Authorization"))
		return
	}
	type record struct {
		FQDN, Name, Value string
		TTL               int
	}
	var body struct {
		record
		Zone    string
		Records []record
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	if !service.Read(r, &body) {
		http.Error(w, "no such body", http.StatusBadRequest)
		return
	}
	if body.FQDN != "" {
		body.Records = append(body.Records, body.record)
	}
	for _, one := range body.Records {
		k := service.Key{Owner: one.FQDN, Type: "TXT"}
		kept := slices.DeleteFunc(slices.Clone(h.Get(k).Data), func(v string) bool { return v == one.Value })
		if r.URL.Path == "/dns/present" {
			kept = append(kept, one.Value)
		}
		h.Put(k, service.Set{Data: kept})
	}
}

func open(t *testing.T, c webhook.Config) dns01.Provider {
	t.Helper()
	return conformance.Open(t, webhook.New, c, zone)
}

func TestConformance(t *testing.T) {
	for shown, c := range map[string]webhook.Config{
		token:    {Token: secret.Plain(token)},
		password: {Mode: "certctl", Username: "certctl", Password: secret.Plain(password)},
	} {
		t.Run(c.Mode, func(t *testing.T) {
			conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
				s := serve(t)
				c.URL = s.URL + "/dns"
				return open(t, c), conformance.Hosted(s, zone, nil, nil, shown)
			})
		})
	}
}

func records() []libdns.Record {
	return []libdns.Record{
		libdns.RR{Name: "www", Type: "TXT", TTL: time.Minute, Data: "1"},
		libdns.RR{Name: "@", Type: "TXT", TTL: time.Minute, Data: "2"},
	}
}

func TestWireFormat(t *testing.T) {
	for mode, want := range map[string][]string{
		"httpreq": {
			`POST /dns/present {"fqdn":"www.auth.example.net.","value":"1"}`,
			`POST /dns/present {"fqdn":"auth.example.net.","value":"2"}`,
			`POST /dns/cleanup {"fqdn":"www.auth.example.net.","value":"1"}`,
			`POST /dns/cleanup {"fqdn":"auth.example.net.","value":"2"}`,
		},
		"certctl": {
			`POST /dns/present {"zone":"auth.example.net.","records":[{"fqdn":"www.auth.example.net.","name":"www","value":"1","ttl":60},{"fqdn":"auth.example.net.","name":"@","value":"2","ttl":60}]}`,
			`POST /dns/cleanup {"zone":"auth.example.net.","records":[{"fqdn":"www.auth.example.net.","name":"www","value":"1","ttl":60},{"fqdn":"auth.example.net.","name":"@","value":"2","ttl":60}]}`,
		},
	} {
		s := serve(t)
		p := open(t, webhook.Config{URL: s.URL + "/dns/", Mode: mode, Token: secret.Plain(token)})
		if _, err := p.AppendRecords(t.Context(), zone.String(), records()); err != nil {
			t.Fatal(err)
		}
		if _, err := p.DeleteRecords(t.Context(), zone.String(), records()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, s.requests); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
}

// A service that repeats what it was sent does not bring a secret into an error.
func TestRefused(t *testing.T) {
	s := serve(t)
	for _, c := range []webhook.Config{
		{Username: "other", Password: secret.Plain(password)},
		{Token: secret.Plain("wr0ng-" + token)},
	} {
		c.URL = s.URL
		_, err := open(t, c).AppendRecords(t.Context(), zone.String(), records())
		_, refused := errors.AsType[dns01.Refusal](err)
		if want := s.URL + " answered 401 Unauthorized: no entry with B"; !refused || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), " [secret]") {
			t.Errorf("got %v, refusal %t, want %s… [secret]", err, refused, want)
		}
	}
	if got := len(s.requests); got != 2 {
		t.Errorf("got %d requests, want one of each: the second record is not sent after a refusal", got)
	}
}

func TestMissingSecret(t *testing.T) {
	s := serve(t)
	var empty secret.Secret
	if err := empty.UnmarshalYAML(func(into any) error {
		form, ok := into.(*map[string]any)
		if !ok {
			return errors.New("no string")
		}
		*form = map[string]any{"file": "/nonexistent/token"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p := open(t, webhook.Config{URL: s.URL, Token: empty})
	if err := p.(dns01.Preparer).Prepare(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "token: ") {
		t.Errorf("prepare: got %v, want an error about the token", err)
	}
	_, err := p.AppendRecords(t.Context(), zone.String(), records())
	if _, ok := errors.AsType[*dns01.UnwrittenError](err); !ok || len(s.requests) > 0 {
		t.Errorf("append: got %v after %d requests, want an UnwrittenError and none", err, len(s.requests))
	}
}

func TestConfigErrors(t *testing.T) {
	tests := []struct {
		config webhook.Config
		want   string
	}{
		{webhook.Config{URL: "https://dns.example.com"}, "<nil>"},
		{webhook.Config{}, "url: it is missing"},
		{webhook.Config{URL: "http://dns.example.com"}, "url: https is needed: only on this host itself may a secret go over plain http, and dns.example.com is not"},
		{webhook.Config{Mode: "RAW"}, "mode: RAW cannot be served: it wants the token and the key authorization, and only the value is known here; httpreq is what the same services take by default"},
		{webhook.Config{Mode: "json"}, `mode: "json" is none of httpreq, certctl`},
		{webhook.Config{Username: "u"}, "username and password come together"},
		{webhook.Config{Password: secret.Plain("p")}, "username and password come together"},
		{webhook.Config{Username: "u:v", Password: secret.Plain("p")}, "username: a colon cannot be in it (RFC 7617 §2)"},
		{webhook.Config{Username: "u", Password: secret.Plain("p"), Token: secret.Plain("t")}, "token: there is a username or password too, and only one of the two is used"},
		{webhook.Config{URL: "https://dns.example.com", CAFile: "/nonexistent"}, "ca_file: open /nonexistent: no such file or directory"},
	}
	for _, test := range tests {
		if _, err := webhook.New(test.config, zone, dns01.Environment{}); fmt.Sprint(err) != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}
