package hostile

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// order is an order; its status follows from the rest.
type order struct {
	id, account string
	names       []string
	profile     string
	authzs      []*authz
	expires     time.Time
	invalid     string       // why, once it is
	done        time.Time    // when the certificate is there; zero: not finalized
	chain       [][]byte     // once finalized
	replaces    *certificate // nil for none
}

// authz is an authorization of one name.
type authz struct {
	id, account, name string // name with "*." for a wildcard
	token             string
	status            string
	expires           time.Time
	problem           map[string]any
}

func (z *authz) domain() string { return strings.TrimPrefix(z.name, "*.") }

// state returns the status of an authorization now.
func (z *authz) state(now time.Time) string {
	if (z.status == "pending" || z.status == "valid") && now.After(z.expires) {
		return "expired"
	}
	return z.status
}

// state returns the status of an order (RFC 8555 §7.1.6).
func (o *order) state(now time.Time) string {
	switch {
	case o.invalid != "", o.chain == nil && now.After(o.expires):
		return "invalid"
	case o.chain != nil && now.Before(o.done):
		return "processing"
	case o.chain != nil:
		return "valid"
	}
	state := "ready"
	for _, z := range o.authzs {
		switch z.state(now) {
		case "valid":
		case "pending":
			state = "pending"
		default:
			return "invalid"
		}
	}
	return state
}

const pendingTime = 7 * 24 * time.Hour

type identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func (c *CA) newOrder(account string, payload []byte) reply {
	var wanted struct {
		Identifiers       []identifier
		Profile, Replaces string
	}
	if err := json.Unmarshal(payload, &wanted); err != nil {
		return c.refuse(http.StatusBadRequest, 0, "malformed", err.Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &order{id: c.number(), account: account, profile: wanted.Profile, expires: time.Now().Add(pendingTime)}
	for _, i := range wanted.Identifiers {
		o.names = append(o.names, i.Value)
	}
	if same := c.current[o.key()]; same != nil && (same.state(time.Now()) == "pending" || same.state(time.Now()) == "ready") {
		return c.placed(same) // as Boulder does
	}
	exempt, refusal := c.replacing(o, wanted.Replaces)
	if refusal == nil && !exempt {
		refusal = c.limited(account, o.names)
	}
	if refusal != nil {
		return *refusal
	}
	c.accept(o, exempt)
	return c.placed(o)
}

// key is the same for orders that are for the same.
func (o *order) key() string { return o.account + " " + o.profile + " " + exact(o.names) }

// placed is the answer about an order that is there now.
func (c *CA) placed(o *order) reply {
	a := ok(c.describe(o))
	a.status = http.StatusCreated
	a.header.Set("Location", c.url("order", o.id))
	return a
}

// accept takes an order on.
func (c *CA) accept(o *order, exempt bool) {
	c.count.Orders++
	if exempt {
		c.count.Exempt++
	} else if !c.sets[exact(o.names)] {
		c.spendLimit("orders "+o.account, c.policy.Limits.Orders, time.Now())
	}
	for _, name := range o.names {
		o.authzs = append(o.authzs, c.authorize(o.account, name))
	}
	c.orders[o.id], c.current[o.key()] = o, o
}

// authorize returns the authorization of a name that is valid, or a new one.
func (c *CA) authorize(account, name string) *authz {
	if z := c.valid[account+" "+name]; z != nil && z.state(time.Now()) == "valid" {
		return z
	}
	z := &authz{id: c.number(), account: account, name: name, token: rand.Text(), status: "pending", expires: time.Now().Add(pendingTime)}
	c.authzs[z.id] = z
	return z
}

func (c *CA) describe(o *order) any {
	now := time.Now()
	d := map[string]any{"status": o.state(now), "expires": o.expires, "finalize": c.url("finalize", o.id)}
	var ids []identifier
	var urls []string
	for i, name := range o.names {
		ids = append(ids, identifier{"dns", name})
		urls = append(urls, c.url("authz", o.authzs[i].id))
	}
	d["identifiers"], d["authorizations"] = ids, urls
	if o.state(now) == "valid" {
		d["certificate"] = c.url("certificate", o.id)
	}
	if o.invalid != "" {
		d["error"] = problem(http.StatusInternalServerError, "serverInternal", o.invalid)
	}
	return d
}

func (c *CA) showOrder(account, id string) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.orders[id]
	if o == nil || o.account != account {
		return c.refuse(http.StatusNotFound, 0, "malformed", "there is no order "+id)
	}
	a := ok(c.describe(o))
	if o.state(time.Now()) == "processing" {
		a.header.Set("Retry-After", "3")
	}
	return a
}

func (c *CA) showAuthz(account, id string, payload []byte) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	z := c.authzs[id]
	if z == nil || z.account != account {
		return c.refuse(http.StatusNotFound, 0, "malformed", "there is no authorization "+id)
	}
	if strings.Contains(string(payload), "deactivated") {
		z.status = "deactivated"
	}
	state := z.state(time.Now())
	return ok(map[string]any{
		"identifier": identifier{"dns", z.domain()}, "wildcard": z.name != z.domain(), "status": state,
		"expires": z.expires, "challenges": c.offers(z, state),
	})
}

// offers returns the challenges of an authorization.
func (c *CA) offers(z *authz, state string) []any {
	if c.trouble.Challenges != nil {
		return c.trouble.Challenges
	}
	offers := []map[string]any{{"type": "dns-01", "url": c.url("challenge", z.id, "dns-01"), "token": z.token}}
	if c.policy.Persist != "" {
		offers = append(offers, c.offerPersist(z))
	}
	var all []any
	for _, o := range offers {
		o["status"] = state
		if z.problem != nil {
			o["error"] = z.problem
		}
		all = append(all, o)
	}
	return all
}

// challenge looks for the record (RFC 8555 §8.4). One look decides.
func (c *CA) challenge(ctx context.Context, account, id, kind string) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	z := c.authzs[id]
	if z == nil || z.account != account || z.state(time.Now()) != "pending" {
		return c.refuse(http.StatusBadRequest, 0, "malformed", "the authorization is not pending")
	}
	name := "_acme-challenge." + z.domain()
	if kind == persist {
		name = "_validation-persist." + z.domain()
	}
	c.mu.Unlock()
	values, err := c.look(ctx, name)
	c.mu.Lock()
	switch {
	case err != nil:
		z.problem = problem(http.StatusBadRequest, "dns", "DNS problem: "+err.Error()+" looking up TXT for "+name+" - the domain's nameservers may be malfunctioning")
	case c.trouble.Blind || len(values) == 0:
		z.problem = problem(http.StatusForbidden, "unauthorized", "No TXT record found at "+name)
	case !slices.ContainsFunc(values, func(value string) bool { return c.proves(z, kind, value) }):
		z.problem = problem(http.StatusForbidden, "unauthorized", "Incorrect TXT record \""+values[0]+"\" found at "+name)
	}
	if z.status = "valid"; z.problem != nil {
		z.status = "invalid"
		c.failed(account, z.domain())
	} else {
		z.expires = time.Now().Add(c.policy.Reuse)
		c.valid[account+" "+z.name] = z
		c.succeeded(account, z.domain())
	}
	return ok(map[string]any{"type": kind, "url": c.url("challenge", id, kind), "token": z.token, "status": z.status})
}

// proves reports whether a value is what a challenge needs.
func (c *CA) proves(z *authz, kind, value string) bool {
	if kind == persist {
		return c.persists(z, value)
	}
	digest := sha256.Sum256([]byte(z.token + "." + thumbprint(c.accounts[z.account])))
	return value == encode(digest[:])
}
