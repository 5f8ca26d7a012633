package hostile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Policy is what a CA does by its own rules. All lifetimes count from the
// moment of issue.
type Policy struct {
	Lifetime time.Duration            // of a certificate without a profile
	Profiles map[string]time.Duration // lifetimes by profile
	Reuse    time.Duration            // of a valid authorization
	Windows  bool                     // renewal information (RFC 9773)
	AskAgain time.Duration            // its Retry-After
	Limits   Limits
	Persist  Draft // offers dns-persist-01, too; "": it does not
}

// Trouble is what is wrong with a CA. The zero Trouble is an honest CA.
type Trouble struct {
	Down       bool          // refuses connections
	Status     int           // of the answer to every request; 0 for the right one
	RetryAfter time.Duration // with Status; 0: the header is missing
	Mute       bool          // rate limits are answered without Retry-After
	BadNonces  int           // one of so many good nonces is refused; 0: none
	Blind      bool          // finds no records in the DNS
	Processing time.Duration // from finalize to the certificate
	Invalid    bool          // orders turn invalid when they are finalized
	OtherKey   bool          // certificates are for another key than the request's
	Challenges []any         // offered in the place of those that it knows; nil: those
}

// CA is a certificate authority.
type CA struct {
	host string
	look Look

	mu       sync.Mutex
	policy   Policy
	trouble  Trouble
	key      *ecdsa.PrivateKey
	root     *x509.Certificate
	numbers  int // of everything that needs a URL
	answered int
	nonces   map[string]bool
	accounts map[string]*ecdsa.PublicKey // by URL
	orders   map[string]*order           // by number, and so on
	current  map[string]*order           // the last one for the same
	authzs   map[string]*authz
	valid    map[string]*authz       // by account and name
	issued   map[string]*certificate // by the identifier of RFC 9773
	sets     map[string]bool         // of names that there has been a certificate for
	buckets  map[string]*bucket
	paused   map[string]bool // by identifier
	count    Count
}

// New returns a CA at https://HOST/.
func New(host string, look Look, p Policy) *CA {
	c := &CA{
		host: host, look: look, policy: p,
		nonces: map[string]bool{}, accounts: map[string]*ecdsa.PublicKey{},
		orders: map[string]*order{}, current: map[string]*order{}, authzs: map[string]*authz{}, valid: map[string]*authz{}, issued: map[string]*certificate{},
		sets: map[string]bool{}, buckets: map[string]*bucket{}, paused: map[string]bool{},
	}
	c.key, c.root = newRoot(host)
	return c
}

// Directory returns the URL of the directory.
func (c *CA) Directory() string { return c.url("directory") }

func (c *CA) url(parts ...string) string { return "https://" + c.host + "/" + strings.Join(parts, "/") }

// Change changes the rules from now on.
func (c *CA) Change(do func(*Policy)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(&c.policy)
}

// Trouble makes the CA misbehave, or honest again, from now on.
func (c *CA) Trouble(t Trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = t
}

// Count returns what has happened so far.
func (c *CA) Count() Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.count
	n.Limited = maps.Clone(n.Limited)
	return n
}

// reply is an answer to a request.
type reply struct {
	status int
	header http.Header
	body   any // to be JSON, or []byte
}

func ok(body any) reply { return reply{status: http.StatusOK, header: http.Header{}, body: body} }

// RoundTrip answers a request.
func (c *CA) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	t := c.begin()
	if r.URL.Host != c.host || t.Down {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	a := c.answer(r, t)
	return a.response(r, c.nonce())
}

// begin counts a request, and returns what is wrong when it arrives.
func (c *CA) begin() Trouble {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count.Requests++
	return c.trouble
}

func (a reply) response(r *http.Request, nonce string) (*http.Response, error) {
	text, raw := a.body.([]byte)
	if !raw && a.body != nil {
		var err error
		if text, err = json.Marshal(a.body); err != nil {
			return nil, err
		}
	}
	a.header.Set("Replay-Nonce", nonce)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(bytes.NewReader(text)), Request: r,
	}, nil
}

// answer finds out what is asked for.
func (c *CA) answer(r *http.Request, t Trouble) reply {
	if t.Status != 0 {
		return c.refuse(t.Status, t.RetryAfter, "serverInternal", "something is wrong here")
	}
	what, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodGet && what == "directory":
		return ok(c.directory())
	case r.Method == http.MethodHead && what == "nonce":
		return ok(nil)
	case r.Method == http.MethodGet && what == "renewal":
		return c.renewal(id)
	case r.Method == http.MethodPost:
		return c.post(r, what, id)
	}
	return c.refuse(http.StatusNotFound, 0, "malformed", "there is nothing at "+r.URL.Path)
}

func (c *CA) directory() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	profiles := map[string]string{}
	for name := range c.policy.Profiles {
		profiles[name] = "a profile"
	}
	meta := map[string]any{"profiles": profiles}
	if c.policy.Persist == Draft02 {
		meta["accountHashPrefix"], meta["issuerDomainNames"] = c.url("hashed/"), []string{c.host}
	}
	d := map[string]any{
		"newNonce": c.url("nonce"), "newAccount": c.url("account"), "newOrder": c.url("new-order"),
		"meta": meta,
	}
	if c.policy.Windows {
		d["renewalInfo"] = c.url("renewal")
	}
	return d
}

// post answers a signed request.
func (c *CA) post(r *http.Request, what, id string) reply {
	account, payload, err := c.verify(r)
	if err != nil {
		return c.refuse(http.StatusBadRequest, 0, err.kind, err.detail)
	}
	switch what {
	case "account":
		return c.account(account)
	case "new-order":
		return c.newOrder(account, payload)
	case "order":
		return c.showOrder(account, id)
	case "authz":
		return c.showAuthz(account, id, payload)
	case "challenge":
		id, kind, _ := strings.Cut(id, "/")
		return c.challenge(r.Context(), account, id, kind)
	case "finalize":
		return c.finalize(account, id, payload)
	case "certificate":
		return c.certificate(account, id)
	}
	return c.refuse(http.StatusNotFound, 0, "malformed", "there is nothing at "+r.URL.Path)
}

// account opens an account; the verified key is that of the account.
func (c *CA) account(url string) reply {
	a := ok(map[string]any{"status": "valid"})
	a.status = http.StatusCreated
	a.header.Set("Location", url)
	return a
}

// refuse returns a problem document (RFC 8555 §6.7).
func (c *CA) refuse(status int, again time.Duration, kind, detail string) reply {
	a := reply{status: status, header: http.Header{}, body: problem(status, kind, detail)}
	if again > 0 {
		a.header.Set("Retry-After", fmt.Sprint(int(again.Seconds()+1)))
	}
	return a
}

func problem(status int, kind, detail string) map[string]any {
	return map[string]any{"type": "urn:ietf:params:acme:error:" + kind, "detail": detail, "status": status}
}

// number returns a new one, for a URL.
func (c *CA) number() string {
	c.numbers++
	return fmt.Sprint(c.numbers)
}

// exact names a set of names.
func exact(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), " ")
}
