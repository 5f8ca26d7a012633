package dns01

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// answer is what a server said about an owner.
type answer struct {
	words    string
	done     bool // has all values
	failed   bool // says nothing about the values: no answer, lame, refused
	silent   bool // no answer at all
	closed   bool // the host says that nothing listens there
	unrouted bool // not sent: this host has no route to the server
	asked    time.Time
}

// judge reads an answer to a question for TXT records. Only an authoritative
// NOERROR or NXDOMAIN says whether the values are there; a recursive resolver
// is taken at its word.
func judge(m *dns.Msg, err error, p *probe) answer {
	switch {
	case err != nil:
		return failure(err)
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return answer{words: rcode(m.Rcode), failed: true}
	case !m.Authoritative && !p.proxied:
		return answer{words: "not authoritative", failed: true}
	}
	seen, alias := texts(m, p.owner)
	if m.Rcode == dns.RcodeNameError && alias == "" {
		return answer{words: rcode(m.Rcode)}
	}
	return count(seen, alias, p.values)
}

// count compares the values seen with those expected.
func count(seen []string, alias string, values []string) answer {
	var have int
	for _, v := range values {
		if slices.Contains(seen, v) {
			have++
		}
	}
	switch {
	case have == len(values) && have == 1:
		return answer{words: "has the value", done: true}
	case have == len(values):
		return answer{words: fmt.Sprintf("has all %d values", have), done: true}
	case have > 0:
		return answer{words: fmt.Sprintf("%d of %d values", have, len(values))}
	case alias != "":
		return answer{words: "alias for " + alias}
	case len(seen) > 0:
		return answer{words: plural(len(seen), "other value")}
	}
	return answer{words: "no TXT record"}
}

// texts returns the values of the TXT records at owner, and the canonical name
// if owner is an alias instead.
func texts(m *dns.Msg, owner delegation.Name) (values []string, alias string) {
	for _, rr := range m.Answer {
		if !strings.EqualFold(rr.Header().Name, owner.String()) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.TXT:
			values = append(values, strings.Join(rr.Txt, ""))
		case *dns.CNAME:
			alias = rr.Target
		}
	}
	return values, alias
}

// failure says why there was no answer.
func failure(err error) answer {
	var timeout net.Error
	switch {
	case noRoute(err):
		return answer{words: "no route from this host", failed: true, unrouted: true}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return answer{words: "timeout", failed: true, silent: true}
	case errors.Is(err, syscall.ECONNREFUSED):
		return answer{words: "connection refused", failed: true, closed: true}
	}
	var e *delegation.Error
	if errors.As(err, &e) && e.Err != nil {
		err = e.Err
	}
	return answer{words: err.Error(), failed: true}
}

// noRoute reports whether a question was not sent because this host has no
// route for it, or no address of that family.
func noRoute(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op != "dial" {
		return false // a router on the way said so
	}
	return delegation.IsNoRoute(err)
}

func rcode(code int) string {
	if text, ok := dns.RcodeToString[code]; ok {
		return text
	}
	return fmt.Sprintf("rcode %d", code)
}
