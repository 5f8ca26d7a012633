package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// Zone is the credential for one scope: a provider, what all providers have in
// common, and the keys that this provider has of its own.
type Zone struct {
	// Scope is the domain name at and below which the credential may write, in
	// lower case without a final dot.
	Scope string `yaml:",key"`

	// Zone is the zone that the key is for, where the scope is only a part of
	// it: never another one, whatever DNS says. Default: the scope is the zone.
	Zone string `yaml:"zone"`

	// Provider is the kind of server or service that the zone is at.
	Provider string `yaml:"provider" required:"true"`

	// TTL is the time to live of new validation records, in whole seconds; where
	// there are records already, theirs is kept. Default: 60s.
	TTL time.Duration `yaml:"ttl"`

	// Propagation says how long to wait for the zone's servers.
	Propagation Propagation `yaml:"propagation"`

	at      place
	decoded any
}

// Propagation says how the servers of a zone are waited for.
type Propagation struct {
	// Timeout is how long they may take to serve a new record. Default: 10m.
	Timeout time.Duration `yaml:"timeout"`

	// Settle is how much longer to wait after all of them serve it; for anycast
	// services, where we see one site only. Default: not at all.
	Settle time.Duration `yaml:"settle"`
}

func (z *Zone) keep(at place) { z.at = at }

func (z *Zone) check(at place) {
	z.Scope = normal(z.Scope)
	if err := checkDomain(z.Scope); err != nil {
		at.problem("", "scope %s: %w", printable(z.Scope), err)
	}
	z.checkZone(at)
	if z.TTL%time.Second != 0 {
		at.problem("ttl", "ttl: whole seconds are expected")
	}
}

// checkZone refuses a zone that the scope is no part of.
func (z *Zone) checkZone(at place) {
	if z.Zone == "" {
		return
	}
	z.Zone = normal(z.Zone)
	if err := checkDomain(z.Zone); err != nil {
		at.problem("zone", "zone %s: %w", printable(z.Zone), err)
	} else if z.Scope != z.Zone && !strings.HasSuffix(z.Scope, "."+z.Zone) {
		at.problem("zone", "zone %s: the scope %s is not in it", z.Zone, printable(z.Scope))
	}
}

// Decode reads the provider's own keys into its configuration, a pointer to a
// struct. A key that neither it nor Zone has is an error.
func (z *Zone) Decode(into any) error {
	d := &decoder{file: z.at.decoder.file}
	v := reflect.ValueOf(into).Elem()
	d.fields(z.at.node, v, z.Scope, false, keys(reflect.TypeFor[Zone]()))
	z.decoded = into
	return joined(d.problems)
}

// Problem returns an error about one of the zone's keys, or with "" about the
// zone, with file and line.
func (z *Zone) Problem(key string, err error) error {
	return &Problem{z.at.decoder.file.path, z.at.line(key), fmt.Errorf("zone %s: %w", z.Scope, err)}
}

// UnknownProvider returns the error for a provider that is none of those known.
func (z *Zone) UnknownProvider(known []string) error {
	return z.Problem("provider", fmt.Errorf("there is no such provider%s", Suggestion(z.Provider, known)))
}

// normal returns a domain name in lower case without the final dot.
func normal(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

var label = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// checkDomain refuses what cannot be an owner name in a zone with challenges.
// The octets are counted as in RFC 1035 §2.3.4.
func checkDomain(name string) error {
	if len(name) > 253 {
		return fmt.Errorf("a domain name has at most 253 characters")
	}
	for l := range strings.SplitSeq(name, ".") {
		if !label.MatchString(l) {
			return fmt.Errorf("a domain name is expected, like auth.example.net, with xn-- for letters beyond a-z")
		}
	}
	return nil
}
