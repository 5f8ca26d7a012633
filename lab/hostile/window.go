package hostile

import (
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

// window returns when a certificate should be renewed: for one fiftieth of its
// lifetime, when two thirds of it are over, or one half of less than ten days.
func (x *certificate) window() (start, end time.Time) {
	if !x.recalled.IsZero() {
		return x.recalled.Add(-time.Hour), x.recalled.Add(-30 * time.Minute)
	}
	lifetime := x.notAfter.Sub(x.notBefore)
	middle := x.notBefore.Add(lifetime * 2 / 3)
	if lifetime < 10*24*time.Hour {
		middle = x.notBefore.Add(lifetime / 2)
	}
	return middle.Add(-lifetime / 100).Truncate(time.Second), middle.Add(lifetime / 100).Truncate(time.Second)
}

// Recall moves the windows of all certificates that are good to the past, as
// before a revocation.
func (c *CA) Recall(explanation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.issued {
		if time.Now().Before(x.notAfter) {
			x.recalled, x.explanation = time.Now().Truncate(time.Second), explanation
		}
	}
}

func (c *CA) renewal(id string) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.issued[id]
	if x == nil || !c.policy.Windows {
		return c.refuse(http.StatusNotFound, 0, "malformed", "there is no certificate "+id)
	}
	start, end := x.window()
	body := map[string]any{"suggestedWindow": map[string]time.Time{"start": start, "end": end}}
	if x.explanation != "" {
		body["explanationURL"] = x.explanation
	}
	a := ok(body)
	if c.policy.AskAgain > 0 {
		a.header.Set("Retry-After", fmt.Sprint(int(c.policy.AskAgain.Seconds())))
	}
	return a
}

// replacing reads "replaces" (RFC 9773 §5). An order in the window is exempt
// from the limits; one that may not replace the certificate is refused.
func (c *CA) replacing(o *order, id string) (exempt bool, refusal *reply) {
	refuse := func(status int, kind, detail string) (bool, *reply) {
		r := c.refuse(status, 0, kind, "cannot indicate an order replaces certificate "+id+", "+detail)
		return false, &r
	}
	x := c.issued[id]
	switch {
	case id == "":
		return false, nil
	case x == nil:
		return refuse(http.StatusNotFound, "malformed", "which is unknown")
	case x.account != o.account:
		return refuse(http.StatusForbidden, "unauthorized", "which another account has")
	case !slices.ContainsFunc(x.names, func(name string) bool { return slices.Contains(o.names, name) }):
		return refuse(http.StatusBadRequest, "malformed", "which has other names")
	case x.replaced:
		return refuse(http.StatusConflict, "alreadyReplaced", "which already has a replacement order")
	}
	start, end := x.window()
	now := time.Now()
	exempt = !now.Before(start) && now.Before(end) || !x.recalled.IsZero()
	x.replaced = true
	if exempt {
		o.replaces = x
	}
	return exempt, nil
}

// renewalID is RFC 9773 §4.1.
func renewalID(issuer []byte, serial *big.Int) string {
	der, err := asn1.Marshal(serial)
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return strings.Join([]string{encode(issuer), encode(der[2:])}, ".")
}
