package acme

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// reply is one answer of a fake CA. A string body is sent as it is, all else as
// JSON.
type reply struct {
	status int // 200 if zero
	header map[string]string
	body   any
}

type object = map[string]any

// fake is a CA that follows a script: each request to a path consumes one of
// its replies, the last is repeated. It is a RoundTripper, so that it needs no
// network and runs in fake time, and a Handler.
type fake struct {
	mu       sync.Mutex
	script   map[string][]reply
	asked    []string // "METHOD path", in order
	at       []time.Time
	payloads map[string][]string // by path, decoded
	nonces   map[string]bool     // given and not used
	stale    int                 // nonces used that were not given, or used before
	agent    string
}

const fakeURL = "https://ca.test"

// newFake answers one order for names that goes well; over replaces and adds.
func newFake(names []string, over map[string][]reply) *fake {
	script := map[string][]reply{
		"/directory": {{body: object{
			"newNonce": fakeURL + "/nonce", "newAccount": fakeURL + "/account", "newOrder": fakeURL + "/new-order",
			"renewalInfo": fakeURL + "/ari", "meta": object{"profiles": object{"classic": ""}},
		}}},
		"/nonce":     {{}},
		"/new-order": {{status: 201, header: map[string]string{"Location": fakeURL + "/order"}, body: fakeOrder("pending", names...)}},
		"/order":     {{body: fakeOrder("ready", names...)}},
	}
	for i, name := range names {
		script[fmt.Sprintf("/authz/%d", i)] = []reply{{body: fakeAuthz(i, name, "pending", nil)}}
		script[fmt.Sprintf("/chall/%d", i)] = []reply{{body: object{"status": "processing"}}}
	}
	maps.Copy(script, over)
	return &fake{script: script, payloads: map[string][]string{}, nonces: map[string]bool{}}
}

func fakeOrder(status string, names ...string) object {
	ids, authorizations := []object{}, []string{}
	for i, name := range names {
		ids = append(ids, object{"type": identifierOf(name).Type, "value": name})
		authorizations = append(authorizations, fmt.Sprintf("%s/authz/%d", fakeURL, i))
	}
	return object{
		"status": status, "expires": "2030-01-01T00:00:00Z", "identifiers": ids, "authorizations": authorizations,
		"finalize": fakeURL + "/finalize", "certificate": fakeURL + "/certificate",
	}
}

// fakeAuthz has a challenge of every sort that a client may meet.
func fakeAuthz(i int, name, status string, problem object) object {
	domain, wildcard := strings.CutPrefix(name, "*.")
	dns01 := object{"type": "dns-01", "url": fmt.Sprintf("%s/chall/%d", fakeURL, i), "token": "token", "status": status}
	if problem != nil {
		dns01["error"] = problem
	}
	return object{
		"identifier": object{"type": identifierOf(domain).Type, "value": domain}, "wildcard": wildcard, "status": status,
		"challenges": []any{
			object{"type": "dns-persist-01", "url": fakeURL + "/x", "status": status, "issuer-domain-names": []string{"ca.test"}},
			object{"type": "later-01", "token": object{"not": "a string"}},
			"not even an object",
			dns01,
		},
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	f.at = append(f.at, time.Now())
	f.agent = r.Header.Get("User-Agent")
	f.record(r)
	replies := f.script[r.URL.Path]
	if len(replies) == 0 {
		http.Error(w, "no script for "+r.URL.Path, http.StatusTeapot)
		return
	}
	if len(replies) > 1 {
		f.script[r.URL.Path] = replies[1:]
	}
	w.Header().Set("Replay-Nonce", fmt.Sprintf("nonce-%d", len(f.asked)))
	replies[0].write(w)
	f.nonces[w.Header().Get("Replay-Nonce")] = true
}

func (f *fake) record(r *http.Request) {
	var signed struct{ Protected, Payload string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&signed) != nil {
		return
	}
	payload, _ := base64.RawURLEncoding.DecodeString(signed.Payload)
	f.payloads[r.URL.Path] = append(f.payloads[r.URL.Path], string(payload))
	var header struct{ Nonce string }
	protected, _ := base64.RawURLEncoding.DecodeString(signed.Protected)
	if json.Unmarshal(protected, &header) != nil || !f.nonces[header.Nonce] {
		f.stale++
	}
	delete(f.nonces, header.Nonce)
}

func (r reply) write(w http.ResponseWriter) {
	for key, value := range r.header {
		w.Header().Set(key, value)
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	w.WriteHeader(r.status)
	if text, ok := r.body.(string); ok {
		fmt.Fprint(w, text)
	} else if r.body != nil {
		json.NewEncoder(w).Encode(r.body)
	}
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

func (f *fake) account(t *testing.T) *Account {
	t.Helper()
	c, err := Dial(t.Context(), Config{Directory: fakeURL + "/directory", Transport: f, UserAgent: "certctl/test"})
	if err != nil {
		t.Fatal(err)
	}
	return c.Account(fakeURL+"/account/1", newKey(t))
}

// validating brings an order to where its challenges can be answered.
func (f *fake) validating(t *testing.T, names ...string) (*Order, []*Authorization) {
	t.Helper()
	o, err := f.account(t).NewOrder(t.Context(), Request{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	zs, err := pending(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return o, zs
}

// pending returns the pending authorizations, to be validated by dns-01.
func pending(ctx context.Context, o *Order) ([]*Authorization, error) {
	zs, err := o.Pending(ctx)
	for _, z := range zs {
		err = errors.Join(err, z.Choose([]ChallengeType{DNS01}))
	}
	return zs, err
}

// times says when a path was asked, since the first time.
func (f *fake) times(request string) []time.Duration {
	var times []time.Duration
	var first time.Time
	for i, asked := range f.asked {
		if asked != request {
			continue
		}
		if times == nil {
			first = f.at[i]
		}
		times = append(times, f.at[i].Sub(first))
	}
	return times
}

func fakeProblem(kind, detail string) object {
	return object{"type": "urn:ietf:params:acme:error:" + kind, "detail": detail}
}
