package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	"certctl/http01"
)

const web = "web.example.com"

// somewhere returns an address at which nobody listens.
func somewhere(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

// serve answers at an address until the test ends.
func serve(t *testing.T, at netip.AddrPort, h http.HandlerFunc) {
	t.Helper()
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
}

// visited checks web.example.com, which has the given records, and returns what
// is found about it.
func visited(t *testing.T, d Direct, records string, change func(*Checker)) *Report {
	t.Helper()
	b := newBench(t, func(b *bench) {
		b.main.Text(records)
		b.names = []Name{{Domain: web, Method: "http-01", Direct: &d}}
		if d.TLS {
			b.names[0].Method = "tls-alpn-01"
		}
	})
	if change != nil {
		change(b.checker)
	}
	return b.check(t)
}

func codesOf(r *Report) (all []Code) {
	for _, f := range r.Findings {
		all = append(all, f.Code)
	}
	return all
}

func TestDirect(t *testing.T) {
	other := func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }
	for _, test := range []struct {
		name   string
		direct Direct
		serve  http.HandlerFunc // in our place
		at     string           // the address of the name, "" for where we listen
		want   []Code           // besides address and caa-grants
	}{
		{"listens", Direct{}, nil, "", []Code{"answer-seen"}},
		{"tls", Direct{TLS: true}, nil, "", []Code{"answer-seen"}},
		{"closed", Direct{}, nil, "127.255.255.254", []Code{"port-closed"}},
		{"closed, tls", Direct{TLS: true}, nil, "127.255.255.254", []Code{"port-closed"}},
		{"taken", Direct{}, other, "", []Code{"port-taken"}},
		{"taken, tls", Direct{TLS: true}, other, "", []Code{"port-taken"}},
		{"taken, but hooks", Direct{Prepared: true}, other, "", []Code{"port-untried"}},
		{"webroot", Direct{Webroot: "/srv"}, other, "", []Code{"port-open"}},
		{"webroot, nobody", Direct{Webroot: "/srv"}, nil, "", []Code{"port-closed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := somewhere(t)
			if test.serve != nil {
				serve(t, at, test.serve)
			}
			test.direct.Port, test.direct.Addresses = at.Port(), []string{at.String()}
			if test.at == "" {
				test.at = at.Addr().String()
			}
			r := visited(t, test.direct, "web A "+test.at, nil)
			if got, want := codesOf(r), append([]Code{"address"}, append(test.want, "caa-grants")...); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q:\n%v", got, want, r)
			}
		})
	}
}

// What is at the address of the name is another server, or says something else.
func TestDirectElsewhere(t *testing.T) {
	for _, tls := range []bool{false, true} {
		ours, theirs := somewhere(t), somewhere(t)
		theirs = netip.AddrPortFrom(theirs.Addr(), ours.Port())
		serve(t, theirs, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
		d := Direct{TLS: tls, Port: ours.Port(), Addresses: []string{ours.String()}}
		r := visited(t, d, "web A "+ours.Addr().String()+"\nweb A "+theirs.Addr().String(), nil)
		if fs := r.found("answer-wrong"); len(fs) != 1 || fs[0].Evidence[0].Server != theirs.String() || fs[0].Remedy == "" {
			t.Errorf("tls %v: got %v", tls, r)
		}
	}
}

func TestDirectNowhere(t *testing.T) {
	r := visited(t, Direct{Port: 80, Addresses: []string{somewhere(t).String()}}, "web TXT here", nil)
	if len(r.found("address-none")) != 1 || r.Count(Error) != 1 {
		t.Errorf("got %v, want address-none", r)
	}
	r = visited(t, Direct{Port: 80, Addresses: []string{"192.0.2.1:80"}}, "web A 127.0.0.1", nil)
	if len(r.found("port-untried")) != 1 || r.Count(Error) != 0 {
		t.Errorf("got %v, want port-untried: this machine does not have the address", r)
	}
}

// Nobody goes there: 192.0.2.0/24 is for examples.
func TestAddressElsewhere(t *testing.T) {
	for address, want := range map[string]bool{"192.0.2.1": true, "127.0.0.1": false, "::1": false} {
		var fs findings
		fs.addresses(&place{Name: Name{Domain: web, Direct: &Direct{Port: 80}}}, []netip.Addr{netip.MustParseAddr(address)})
		if got := has(fs, "address-elsewhere"); got != want {
			t.Errorf("%s: got %t, want %t", address, got, want)
		}
	}
}

// A file is put below the webroot, looked for, and removed, whatever comes.
func TestDirectPlace(t *testing.T) {
	for _, test := range []struct {
		served string
		code   Code
		place  error
	}{{"text", "answer-seen", nil}, {"other", "answer-wrong", nil}, {"text", "webroot-unfit", errors.New("there is no such directory")}} {
		at := somewhere(t)
		serve(t, at, func(w http.ResponseWriter, q *http.Request) {
			if q.Host == fmt.Sprintf("%s:%d", web, at.Port()) && q.URL.Path == "/.well-known/acme-challenge/token" {
				_, _ = io.WriteString(w, test.served)
			}
		})
		placed, removed := 0, 0
		r := visited(t, Direct{Webroot: "/srv", Port: at.Port()}, "web A "+at.Addr().String(), func(c *Checker) {
			c.Place = func(root string) (http01.Answer, func() error, error) {
				placed++
				return http01.Answer{Token: "token", Text: "text"}, func() error { removed++; return nil }, test.place
			}
		})
		if len(r.found(test.code)) != 1 {
			t.Errorf("got %v, want %s", r, test.code)
		}
		if placed != 1 || (test.place == nil) != (removed == 1) {
			t.Errorf("%s: placed %d times, removed %d", test.code, placed, removed)
		}
	}
}

// Redirects to the same name are followed, and nobody else is visited.
func TestDirectRedirect(t *testing.T) {
	at, stranger := somewhere(t), somewhere(t)
	serve(t, stranger, func(http.ResponseWriter, *http.Request) { t.Error("another host was visited") })
	serve(t, at, func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/.well-known/acme-challenge/token":
			http.Redirect(w, q, "/elsewhere", http.StatusMovedPermanently)
		default:
			http.Redirect(w, q, "http://"+stranger.String()+"/", http.StatusMovedPermanently)
		}
	})
	r := visited(t, Direct{Webroot: "/srv", Port: at.Port()}, "web A "+at.Addr().String(), func(c *Checker) {
		c.Place = func(string) (http01.Answer, func() error, error) {
			return http01.Answer{Token: "token", Text: "text"}, func() error { return nil }, nil
		}
	})
	if fs := r.found("redirected"); len(fs) != 1 || fs[0].Evidence[0].Value != "redirected to "+stranger.String() {
		t.Errorf("got %v", r)
	}
}

// CAA may bind a name to methods; an IP address has no such records.
func TestDirectCAA(t *testing.T) {
	at := somewhere(t)
	d := Direct{Port: at.Port(), Addresses: []string{at.String()}}
	r := visited(t, d, "web A "+at.Addr().String()+"\nweb CAA 0 issue \"ca.test; validationmethods=dns-01\"", nil)
	if fs := r.found("caa-forbids"); len(fs) != 1 {
		t.Errorf("got %v, want caa-forbids", r)
	}
	b := newBench(t, func(b *bench) { b.names = []Name{{Domain: at.Addr().String(), Method: "http-01", Direct: &d}} })
	if got, want := codesOf(b.check(t)), []Code{"address", "answer-seen"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDirectInterrupted(t *testing.T) {
	at := somewhere(t)
	arrived := make(chan struct{})
	serve(t, at, func(_ http.ResponseWriter, q *http.Request) { close(arrived); <-q.Context().Done() })
	b := newBench(t, func(b *bench) {
		b.main.Text("web A " + at.Addr().String())
		b.names = []Name{{Domain: web, Direct: &Direct{Webroot: "/srv", Port: at.Port()}}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := b.checker.Check(ctx, b.names); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
