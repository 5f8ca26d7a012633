package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Limit lets so many things happen in a time, and gives back one at a time. The
// zero Limit has no end.
type Limit struct {
	Count int
	Per   time.Duration
}

// Limits are the rate limits of a CA.
type Limits struct {
	Orders   Limit // new orders of an account
	Domain   Limit // certificates for a registered domain
	Set      Limit // certificates for exactly the same names
	Failures Limit // failed authorizations of an identifier and account
	Pause    Limit // the same in a row, after which a person has to come
}

// LetsEncrypt are the limits of Let's Encrypt in 2026.
func LetsEncrypt() Limits {
	const week = 7 * 24 * time.Hour
	return Limits{
		Orders:   Limit{300, 3 * time.Hour},
		Domain:   Limit{50, week},
		Set:      Limit{5, week},
		Failures: Limit{5, time.Hour},
		Pause:    Limit{1152, 1152 * 24 * time.Hour},
	}
}

// Count is what a CA has seen.
type Count struct {
	Requests int
	Orders   int
	Issued   int
	Exempt   int            // orders in the window that was suggested, to which no limit applies
	Failed   int            // authorizations
	Limited  map[string]int // orders refused, by kind of limit
	Hammered int            // orders refused that came before the time that an earlier refusal had named
}

// bucket is what is left of a limit for one thing.
type bucket struct {
	full time.Time            // when all is given back
	told map[string]time.Time // when to come back, by who was refused
}

// spent returns when one more may happen; zero for now.
func (b *bucket) spent(l Limit, now time.Time) time.Time {
	if b == nil || l.Count == 0 {
		return time.Time{}
	}
	if again := b.full.Add(l.Per / time.Duration(l.Count)).Add(-l.Per); again.After(now) {
		return again
	}
	return time.Time{}
}

// spend lets one more happen.
func (c *CA) spendLimit(key string, l Limit, now time.Time) {
	if l.Count == 0 {
		return
	}
	b := c.bucket(key)
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(l.Per / time.Duration(l.Count))
}

func (c *CA) bucket(key string) *bucket {
	b := c.buckets[key]
	if b == nil {
		b = &bucket{told: map[string]time.Time{}}
		c.buckets[key] = b
	}
	return b
}

// Spend lets somebody else use up what a limit allows for certificates of a
// registered domain.
func (c *CA) Spend(domain string, certificates int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range certificates {
		c.spendLimit("domain "+domain, c.policy.Limits.Domain, time.Now())
	}
}

// Pause has a person be needed before there are certificates for an identifier.
func (c *CA) Pause(identifier string, paused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused[identifier] = paused
}

// check is one limit that applies to an order.
type check struct {
	kind, key string
	limit     Limit
	text      string // as Boulder says it
}

// checks returns the limits that apply to an order of a set of names that there
// has been a certificate for before, or not.
func (c *CA) checks(account string, names []string) []check {
	l := c.policy.Limits
	set := exact(names)
	all := []check{{"set", "set " + set, l.Set, "too many certificates (%d) already issued for this exact set of identifiers in the last %v"}}
	if !c.sets[set] {
		all = append(all, check{"orders", "orders " + account, l.Orders, "too many new orders (%d) from this account in the last %v"})
		for _, d := range domains(names) {
			all = append(all, check{"domain", "domain " + d, l.Domain, "too many certificates (%d) already issued for \"" + d + "\" in the last %v"})
		}
	}
	for _, name := range names {
		name = strings.TrimPrefix(name, "*.")
		all = append(all, check{"failures", "failures " + account + " " + name, l.Failures, "too many failed authorizations (%d) for \"" + name + "\" in the last %v"})
	}
	return all
}

// limited refuses an order that a limit does not allow.
func (c *CA) limited(account string, names []string) *reply {
	now := time.Now()
	for _, name := range names {
		if name = strings.TrimPrefix(name, "*."); c.paused[name] {
			r := c.over("paused", 0, fmt.Sprintf("Your account is temporarily prevented from requesting certificates for %s and possibly others. Please visit: %s", name, c.url("unpause?jwt=a.b.c")))
			return &r
		}
	}
	for _, k := range c.checks(account, names) {
		b := c.buckets[k.key]
		again := b.spent(k.limit, now)
		if again.IsZero() {
			continue
		}
		set := exact(names)
		if now.Before(b.told[set]) {
			c.count.Hammered++
		}
		b.told[set] = again
		text := fmt.Sprintf(k.text, k.limit.Count, k.limit.Per) + fmt.Sprintf(", retry after %s: see https://%s/docs/rate-limits/", again.UTC().Format("2006-01-02 15:04:05 UTC"), c.host)
		r := c.over(k.kind, again.Sub(now), text)
		return &r
	}
	return nil
}

func (c *CA) over(kind string, again time.Duration, text string) reply {
	if c.count.Limited == nil {
		c.count.Limited = map[string]int{}
	}
	c.count.Limited[kind]++
	if c.trouble.Mute {
		again = 0
	}
	return c.refuse(http.StatusTooManyRequests, again, "rateLimited", text)
}

// failed counts a failed authorization, and pauses after too many in a row.
func (c *CA) failed(account, identifier string) {
	now, l := time.Now(), c.policy.Limits
	c.count.Failed++
	c.spendLimit("failures "+account+" "+identifier, l.Failures, now)
	row := "row " + account + " " + identifier
	c.spendLimit(row, l.Pause, now)
	if !c.bucket(row).spent(l.Pause, now).IsZero() {
		c.paused[identifier] = true
	}
}

// succeeded ends a row of failed authorizations.
func (c *CA) succeeded(account, identifier string) { delete(c.buckets, "row "+account+" "+identifier) }

// domains returns the registered domains of names, which here are the last two
// labels.
func domains(names []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, name := range names {
		labels := strings.Split(name, ".")
		d := strings.Join(labels[max(0, len(labels)-2):], ".")
		if !seen[d] {
			all = append(all, d)
		}
		seen[d] = true
	}
	return all
}
