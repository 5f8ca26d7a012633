package delegation

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// Name servers can be named below a name where a record belongs, be it the
// challenge name or where it leads. Their addresses are found without the
// recursive resolver then.
func TestServerBelowOwner(t *testing.T) {
	for _, test := range []struct{ owner, record, server string }{
		{"auth.example.net.", "CNAME auth.example.net.", "ns1.auth.example.net."},
		{string(challenge), "NS ns1._acme-challenge.www", "ns1._acme-challenge.www.example.com."},
	} {
		const other = "_acme-challenge.mail.example.org."
		b := newBench(func(w *authority.World) {
			w.Zone("example.com.", "_acme-challenge.www "+test.record, "ns1.example.com.")
			w.Zone("example.net.", "", "ns1.example.net.")
			w.Zone("org.", "", "ns.org.")
			w.Zone("example.org.", "", "ns.org.")
			w.Zone(test.owner, "", test.server)
			w.Zone(other, "", test.server)
		})
		for _, name := range []Name{challenge, other} {
			if got := b.resolve(t, name); len(got.Servers) != 1 || b.check(got.Servers[0]) != "" || len(got.Warnings) > 0 {
				t.Errorf("%s: got\n%s", name, b.show(got))
			}
		}
		for _, q := range b.Queries() {
			if q.From == b.Recursor().Addr().Addr() && q.Name != "." {
				t.Errorf("the recursive resolver was asked: %v", q)
			}
		}
	}
}

// A server that is named below itself, without glue, is nowhere.
func TestServerBelowItself(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			_acme-challenge.www NS ns._acme-challenge.www
			_acme-challenge.mail NS ns._acme-challenge.www`, "ns1.example.com.")
	})
	for _, name := range []Name{challenge, "_acme-challenge.mail.example.com."} {
		_, err := b.resolver.Resolve(t.Context(), name, Follow{})
		want := fmt.Sprintf("no server of zone %s could say the CNAME of %s: ns._acme-challenge.www.example.com. has no known address "+
			"(it takes the address of ns._acme-challenge.www.example.com. to ask for it, and there is no glue)", name, name)
		if errText(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A zone of whose servers no address is known cannot be waited for.
func TestNoAddressAtAll(t *testing.T) {
	b := newBench(cnamed)
	b.wall(func(a netip.Addr) error {
		if a == b.Recursor().Addr().Addr() {
			return nil
		}
		return syscall.ECONNREFUSED
	})
	b.resolver.client.UDP = addressless{b.resolver.client.UDP}
	_, err := b.resolver.Resolve(t.Context(), "_acme-challenge.mail.example.com.", Follow{})
	want := "no name server of zone example.com. has an address: ns1.example.com., a server of zone example.com., has no address; " +
		"ns2.example.com., a server of zone example.com., has no address"
	if errText(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// addressless is an Exchanger in whose world no host has an address.
type addressless struct{ Exchanger }

func (x addressless) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	r, rtt, err := x.Exchanger.ExchangeContext(ctx, q, addr)
	if qtype := q.Question[0].Qtype; err == nil && (qtype == dns.TypeA || qtype == dns.TypeAAAA) {
		r.Answer = nil
	}
	return r, rtt, err
}

func TestServerWithoutAddress(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			@ NS ns1.example.com.
			@ NS ns.gone.example.com.
			@ NS ns.nobody.net.`, "ns1.example.com.")
	})
	target := b.resolve(t, challenge)
	want := text(`
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.`)
	if got := b.show(&Target{Challenge: target.Challenge, Steps: target.Steps, Owner: target.Owner, Zone: target.Zone, Primary: target.Primary}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if len(target.Servers) != 3 || len(target.Servers[0].Addrs) != 0 || len(target.Servers[1].Addrs) != 0 || len(target.Servers[2].Addrs) != 1 {
		t.Errorf("got servers %v", target.Servers)
	}
	warnings := []string{
		"zone example.com. names the servers ns.gone.example.com., ns.nobody.net., ns1.example.com., but com. delegates it to ns1.example.com.: all of them are used",
		"ns.gone.example.com., a server of zone example.com., has no address",
		"ns.nobody.net., a server of zone example.com., has no address",
	}
	if !slices.Equal(target.Warnings, warnings) {
		t.Errorf("got warnings %q, want %q", target.Warnings, warnings)
	}
}

// Glue that is out of date is used first by resolvers, so it counts.
func TestStaleGlue(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			www NS ns.www
			ns.www A 127.0.0.1`, "ns1.example.com.")
		w.Zone("www.example.com.", "", "ns.www.example.com.")
	})
	b.Server("ns.www.example.com.")
	_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
	want := "no server of zone www.example.com. could say the CNAME of _acme-challenge.www.example.com.: " +
		"ns.www.example.com. (127.0.0.1) cannot be asked: nothing listens there"
	if errText(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Glue that says more than the servers' own zone: resolvers may use all of it.
func TestGlueThatDiffers(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			www NS ns.www
			ns.www A 127.0.0.9
			ns.www A 127.0.0.66`, "ns1.example.com.")
		w.Zone("www.example.com.", "", "ns.www.example.com.")
		w.Server("ns.www.example.com.").Addresses(0).At(netip.MustParseAddr("127.0.0.9"))
	})
	target := b.resolve(t, challenge)
	if got, want := fmt.Sprint(target.Servers), "[{ns.www.example.com. [127.0.0.9:53 127.0.0.66:53]}]"; got != want {
		t.Errorf("got servers %s, want %s", got, want)
	}
	want := []string{"the glue of zone www.example.com. says that ns.www.example.com. has the address 127.0.0.66, but its own records do not"}
	if !slices.Equal(target.Warnings, want) {
		t.Errorf("got warnings %q, want %q", target.Warnings, want)
	}
}

// A lookup that fails is no proof that there is no address.
func TestServerThatCannotBeLookedUp(t *testing.T) {
	const cause = "no recursive resolver could say the A of ns.dead.net.: @recursor answered SERVFAIL: it could not say, for instance because it could not load the zone or reach another server"
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			_acme-challenge.www NS ns.dead.net.
			mail NS ns1.example.com.
			mail NS ns.dead.net.`, "ns1.example.com.")
		w.Zone("mail.example.com.", `
			@ NS ns1.example.com.
			@ NS ns.dead.net.`, "ns1.example.com.")
		w.Zone("dead.net.", "", "ns1.example.net.")
	})
	b.Server("ns1.example.net.").Fault(authority.Fault{Servfail: -1})
	_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
	want := "no server of zone _acme-challenge.www.example.com. could say the CNAME of _acme-challenge.www.example.com.: ns.dead.net. has no known address (" + cause + ")"
	if got := b.anonymous(errText(err)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	target := b.resolve(t, "_acme-challenge.mail.example.com.")
	want = "the addresses of ns.dead.net., a server of zone mail.example.com., cannot all be found: " + cause
	if len(target.Servers) != 2 || len(target.Servers[0].Addrs) != 0 || len(target.Warnings) != 1 || b.anonymous(target.Warnings[0]) != want {
		t.Errorf("got servers %v, warnings %q\nwant %q", target.Servers, target.Warnings, want)
	}
}
