package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"certctl/http01"
	"certctl/listen"
	"certctl/tlsalpn01"
)

// Direct is how a CA gets its answer about a name from this machine, and not from
// the DNS.
type Direct struct {
	Webroot   string   // directory that a web server has as /; "" where we listen
	Addresses []string // where we listen then, as listen.Parse returns them
	TLS       bool     // by tls-alpn-01; else by http-01
	Port      uint16   // that the CA comes to
	Prepared  bool     // commands may free the port before a run
}

// same reports whether two names are answered at the same place.
func (d *Direct) same(e *Direct) bool {
	return d.Webroot == e.Webroot && d.TLS == e.TLS && d.Port == e.Port && slices.Equal(d.Addresses, e.Addresses)
}

// hosts returns the direct places that have names, and not only addresses: CAA is
// about names.
func (r *run) hosts() []*place {
	return slices.DeleteFunc(slices.Clone(r.direct), func(p *place) bool { return net.ParseIP(p.Domain) != nil })
}

// lookAtDoors finds out where CAs come to, and whether they see there what we
// show. Nobody is asked but the addresses of the names themselves.
func (r *run) lookAtDoors(ctx context.Context) {
	each(r, r.direct, func(p *place) (fs findings) {
		addresses, err := r.addressesOf(ctx, p)
		if err != nil && ctx.Err() == nil {
			fs.unresolved(p.Domain, err)
		} else if err == nil {
			fs.addresses(p, addresses)
		}
		p.addresses = addresses
		return fs
	})
	for left := r.direct; len(left) > 0 && ctx.Err() == nil; {
		door := *left[0].Direct
		elsewhere := func(p *place) bool { return !p.Direct.same(&door) }
		r.tryDoor(ctx, &door, slices.DeleteFunc(slices.Clone(left), elsewhere))
		left = slices.DeleteFunc(slices.Clone(left), func(p *place) bool { return !elsewhere(p) })
	}
}

// addresses says where CAs come to.
func (fs *findings) addresses(p *place, addresses []netip.Addr) {
	if len(addresses) == 0 {
		fs.add("address-none", p.Domain, "it has no address, and CAs come to it by its address", "give it an A or AAAA record with the address of this machine, or have it proven in the DNS: --challenge dns-01")
		return
	}
	fs.add("address", p.Domain, fmt.Sprintf("CAs come to port %d of %s", p.Direct.Port, spelled(addresses)), "")
	if !slices.ContainsFunc(addresses, isLocal) {
		fs.add("address-elsewhere", p.Domain, fmt.Sprintf("none of %s is an address of this machine: something there has to forward port %d", spelled(addresses), p.Direct.Port), "")
	}
}

func spelled(addresses []netip.Addr) string {
	var all []string
	for _, a := range addresses {
		all = append(all, a.String())
	}
	return strings.Join(all, ", ")
}

// isLocal reports whether an address is one of this machine's.
func isLocal(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	own, _ := net.InterfaceAddrs() // none known: then it is not said to be ours
	return slices.ContainsFunc(own, func(o net.Addr) bool {
		p, err := netip.ParsePrefix(o.String())
		return err == nil && p.Addr().WithZone("") == a
	})
}

// tryDoor shows something behind a door, and looks at it from outside.
func (r *run) tryDoor(ctx context.Context, door *Direct, ps []*place) {
	shown, hide, err := r.show(ctx, door, ps)
	if err != nil {
		r.findings.shut(door, ps[0], err)
		return
	}
	each(r, ps, func(p *place) findings { return p.visit(ctx, shown) })
	if err := hide(); err != nil {
		r.findings.add("canary-left", ps[0].Domain, err.Error(), "certctl cleanup removes what was left")
	}
}

// show puts what is to be seen behind a door. Nothing is, where a file would have
// to be written and must not be: then its text is "".
func (r *run) show(ctx context.Context, door *Direct, ps []*place) (shown http01.Answer, hide func() error, err error) {
	nothing := func() error { return nil }
	shown = http01.Answer{Token: "certctl-check-" + rand.Text()}
	switch {
	case door.Webroot != "" && r.Place == nil:
		return shown, nothing, nil
	case door.Webroot != "":
		return r.Place(door.Webroot)
	}
	shown.Text = rand.Text()
	if !door.TLS {
		s, err := http01.Serve(ctx, door.Addresses, []http01.Answer{shown})
		if err != nil {
			return shown, nil, err
		}
		return shown, func() error { s.Close(); return nil }, nil
	}
	s, err := tlsalpn01.Serve(ctx, door.Addresses)
	if err != nil {
		return shown, nil, err
	}
	var answers []tlsalpn01.Answer
	for _, p := range ps {
		answers = append(answers, tlsalpn01.Answer{Name: p.Domain, Text: shown.Text})
	}
	if _, err := s.Show(ctx, answers); err != nil {
		s.Close()
		return shown, nil, err
	}
	return shown, func() error { s.Close(); return nil }, nil
}

// shut says why nothing could be shown.
func (fs *findings) shut(door *Direct, p *place, err error) {
	taken, listening := errors.AsType[*listen.Error](err)
	switch {
	case door.Webroot != "":
		fs.add("webroot-unfit", p.Domain, err.Error(), hint(err))
	case listening && errors.Is(taken, syscall.EADDRINUSE) && !door.Prepared:
		fs.add("port-taken", p.Domain, err.Error(), hint(err))
	case listening && errors.Is(taken, syscall.EADDRINUSE):
		fs.add("port-untried", p.Domain, err.Error()+": commands below hooks: pre may free it", "")
	default:
		fs.add("port-untried", p.Domain, err.Error(), hint(err))
	}
}

// visit looks at a place as the CA does, at each of its addresses.
func (p *place) visit(ctx context.Context, shown http01.Answer) (fs findings) {
	var seen, silent []Evidence
	var told bool
	for _, a := range p.addresses {
		at := netip.AddrPortFrom(a, p.Direct.Port)
		got, err := p.ask(ctx, at, shown)
		e := Evidence{Server: at.String(), Record: p.Method, Value: got}
		switch {
		case ctx.Err() != nil:
			return nil
		case isElsewhere(err):
			e.Value, told = err.Error(), true
			fs.add("redirected", p.Domain, "a CA follows it, and may or may not find the answer there", "have the web server serve /.well-known/acme-challenge/ itself", e)
		case err != nil && !isWrong(err):
			e.Value = brief(err)
			silent = append(silent, e)
		case err != nil:
			e.Value, told = err.Error(), true
			fs.add("answer-wrong", p.Domain, fmt.Sprintf("at port %d of %s another answers than %s", p.Direct.Port, a, p.Direct.who()), p.Direct.mend(), e)
		default:
			seen = append(seen, e)
		}
	}
	if len(silent) > 0 {
		fs.add("port-closed", p.Domain, fmt.Sprintf("nobody answers at port %d, seen from here; a CA may see more, where a router does not lead back", p.Direct.Port), "let what comes to the port through, and listen there for all addresses of the name; or remove the address from the DNS", silent...)
	}
	switch {
	case len(seen) == 0 || told:
	case shown.Text == "":
		fs.add("port-open", p.Domain, "a web server answers; whether it serves the webroot is seen with --canary", "", seen...)
	default:
		fs.add("answer-seen", p.Domain, "what the CA will look for was put there, and seen", "", seen...)
	}
	return fs
}

// who is expected to answer.
func (d *Direct) who() string {
	if d.Webroot != "" {
		return "one that serves " + d.Webroot
	}
	return "certctl"
}

// mend says what to do where another answers.
func (d *Direct) mend() string {
	switch {
	case d.Webroot != "":
		return "the webroot has to be the directory that the web server has as / for this name, on this machine"
	case d.TLS:
		return "the address has to be of this machine, or what is there has to pass port 443 on without ending TLS; --challenge http-01 or dns-01 can do without"
	}
	return "the address has to be of this machine, or what is there has to pass port 80 on; where a web server has the port, --webroot-path leaves it to that"
}

// wrongError says that somebody has answered, but not as we do.
type wrongError struct{ text string }

func (e *wrongError) Error() string { return e.text }

func isWrong(err error) bool {
	_, text := errors.AsType[*wrongError](err)
	_, certificate := errors.AsType[*tlsalpn01.OtherError](err)
	return text || certificate
}

func isElsewhere(err error) bool {
	_, elsewhere := errors.AsType[*elsewhereError](err)
	return elsewhere
}

// brief is the cause of a network error, which we have named the address of.
func brief(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	return err.Error()
}

// readAtMost reads the beginning of an answer.
func readAtMost(res *http.Response, most int64) string {
	text, _ := io.ReadAll(io.LimitReader(res.Body, most))
	return string(text)
}
