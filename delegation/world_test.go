package delegation

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"certctl/lab/authority"
)

// bench is a world of servers, and a resolver that reaches them without
// sockets.
type bench struct {
	*authority.World
	resolver *Resolver
	warned   []string
}

// newBench makes a world with a root and two top-level domains.
func newBench(build func(w *authority.World)) *bench {
	b := &bench{World: authority.New()}
	b.Recursor()
	b.Zone(".", "", "a.root.", "b.root.")
	b.Zone("com.", "", "ns.com.")
	b.Zone("net.", "", "ns.net.")
	build(b.World)
	b.renew()
	return b
}

// renew starts another run, with empty caches.
func (b *bench) renew() {
	b.warned = nil
	b.resolver = NewResolver(Options{
		Recursive: []netip.AddrPort{b.Recursor().Addr()},
		Client:    &Client{UDP: b.UDP(), TCP: b.TCP()},
		Warn:      func(s string) { b.warned = append(b.warned, s) },
	})
}

func (b *bench) resolve(t *testing.T, name Name) *Target {
	t.Helper()
	target, err := b.resolver.Resolve(context.Background(), name, Follow{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return target
}

// asked counts the queries to authoritative servers that tell one name or
// server apart: keep says which.
func (b *bench) asked(keep func(q authority.Query) bool) int {
	n := 0
	for _, q := range b.Queries() {
		if q.From != b.Recursor().Addr().Addr() && keep(q) {
			n++
		}
	}
	return n
}

// show writes a target as lines of text.
func (b *bench) show(t *Target) string {
	var s strings.Builder
	for _, step := range t.Steps {
		switch step.Kind {
		case Cut:
			if step.To.Labels() > 1 {
				fmt.Fprintf(&s, "cut %s %s %s\n", step.From, step.To, list(step.ServerNames))
			}
		case Alias:
			fmt.Fprintf(&s, "alias %s %s %s", step.From, step.Type, step.To)
			if step.Synthesised {
				s.WriteString(" by a wildcard")
			}
			fmt.Fprintf(&s, " in %s\n", step.Zone)
		}
	}
	fmt.Fprintf(&s, "%s in %s\n", t.Owner, t.Zone)
	fmt.Fprintf(&s, "primary %s\n", t.Primary)
	for _, server := range t.Servers {
		fmt.Fprintf(&s, "server %s%s\n", server.Name, b.check(server))
	}
	for _, w := range t.Warnings {
		fmt.Fprintf(&s, "warning: %s\n", b.anonymous(w))
	}
	if t.Explicit != nil {
		fmt.Fprintf(&s, "or:\n%s", b.show(t.Explicit))
	}
	return s.String()
}

// check says how the addresses of a server differ from those it has.
func (b *bench) check(s Server) string {
	want := b.Server(string(s.Name)).Addrs()
	if slices.Equal(s.Addrs, want) {
		return ""
	}
	return fmt.Sprintf(" at %v, has %v", s.Addrs, want)
}

// anonymous puts the names of servers in the place of their random addresses.
func (b *bench) anonymous(text string) string {
	for _, name := range []string{"a.root.", "b.root.", "ns.com.", "ns.net.", "ns1.example.com.", "ns2.example.com.", "ns1.example.net.", "ns2.example.net."} {
		if !b.knows(name) {
			continue
		}
		for _, a := range b.Server(name).Addrs() {
			text = strings.ReplaceAll(text, a.Addr().String(), "@"+strings.TrimSuffix(name, "."))
		}
	}
	return strings.ReplaceAll(text, b.Recursor().Addr().Addr().String(), "@recursor")
}

// knows reports whether the world has a server: asking for another would panic.
func (b *bench) knows(name string) (known bool) {
	defer func() { known = recover() == nil }()
	b.Server(name)
	return
}

// text removes the indentation of a literal.
func text(s string) string {
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(s), "\n") {
		lines = append(lines, strings.TrimSpace(l))
	}
	return strings.Join(lines, "\n") + "\n"
}
