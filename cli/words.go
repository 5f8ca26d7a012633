package cli

import (
	"fmt"
	"strings"
	"time"

	"certctl/acme"
	"certctl/delegation"
	"certctl/issuance"
)

// sentence says in words what happened, and to which name, certificate or
// zone. Events that need no words return none.
func sentence(e issuance.Event) (subject, text string) {
	switch e := e.(type) {
	case issuance.Ordered:
		return e.Certificate, ordered(e)
	case issuance.Located:
		return e.Name, fmt.Sprintf("%s, %s; %s", way(e.Target), servers(e.Target), written(e.Placement))
	case issuance.Answered:
		return e.Name, answered(e.Answer)
	case issuance.Published:
		return e.Records[0].Zone.Bare(), published(e)
	case issuance.Observed:
		return e.Owner.Bare(), observed(e)
	case issuance.Validated:
		return e.Name, "the CA says " + string(e.Status)
	case issuance.Asked:
		return e.Owner.Bare(), asked(e)
	case issuance.Removed:
		return e.Records[0].Zone.Bare(), fmt.Sprintf("%s removed", count(len(e.Records), "record"))
	case issuance.Warned:
		return first(e.Name, e.Certificate), "warning: " + e.Text
	}
	return "", ""
}

// observed says what a server has answered. One that is set aside gave no other
// answer to the end.
func observed(e issuance.Observed) string {
	if e.Aside {
		return fmt.Sprintf("%s: %s; it is not waited for, because others have the records", serverName(e.Server), e.Answer)
	}
	return fmt.Sprintf("%s: %s after %s", serverName(e.Server), e.Answer, brief(e.Elapsed))
}

// published says what is known of new records.
func published(e issuance.Published) string {
	text := count(len(e.Records), "record") + " published"
	if e.Verified {
		text += " and read back"
	}
	return text
}

// written says who writes a record, if anybody does.
func written(p issuance.Placement) string {
	switch {
	case p.Standing:
		return "the record stands there, and nothing is written"
	case p.Lasting:
		return "written with " + p.Credential.Label + ", and stays"
	}
	return "written with " + p.Credential.Label
}

// answered says how a CA gets its answer from us.
func answered(a issuance.Answer) string {
	asks := "the CA asks at port 80"
	if a.Challenge == acme.TLSALPN01 {
		asks = "the CA connects to port 443"
	}
	if a.Webroot != "" {
		return fmt.Sprintf("%s (%s), and finds a file below %s", asks, a.Challenge, a.Webroot)
	}
	return fmt.Sprintf("%s (%s), and is answered at %s", asks, a.Challenge, strings.Join(a.Addresses, " and "))
}

func ordered(e issuance.Ordered) string {
	verb := "ordered"
	if e.Resumed {
		verb = "order of an earlier run taken up"
	}
	return fmt.Sprintf("%s, %s to validate", verb, count(len(e.Pending), "name"))
}

// way says how a challenge is delegated and where its record goes.
func way(t *delegation.Target) string {
	owner, zone := t.Owner.Bare(), t.Zone.Bare()
	if t.Owner != t.Challenge {
		return fmt.Sprintf("%s is an alias of %s in zone %s", t.Challenge.Bare(), aliases(t), zone)
	}
	if t.Zone == t.Challenge {
		return fmt.Sprintf("%s is a zone of its own, delegated by NS", owner)
	}
	return fmt.Sprintf("%s is in zone %s, not delegated", owner, zone)
}

// aliases lists the canonical names that aliases lead through.
func aliases(t *delegation.Target) string {
	var names []string
	for _, s := range t.Steps {
		if s.Kind == delegation.Alias {
			names = append(names, fmt.Sprintf("%s (%s)", s.To.Bare(), s.Type))
		}
	}
	if len(names) == 0 {
		return t.Owner.Bare() + " (as configured)"
	}
	return strings.Join(names, ", then ")
}

func servers(t *delegation.Target) string {
	addresses := 0
	for _, s := range t.Servers {
		addresses += len(s.Addrs)
	}
	return fmt.Sprintf("served by %s at %s", count(len(t.Servers), "server"), count(addresses, "address"))
}

// serverName names a server by its one address.
func serverName(s delegation.Server) string {
	if len(s.Addrs) == 0 {
		return s.Name.Bare()
	}
	return fmt.Sprintf("%s (%s)", s.Name.Bare(), s.Addrs[0])
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// brief writes a duration as precisely as people want to know it.
func brief(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
