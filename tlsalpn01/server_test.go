package tlsalpn01

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"certctl/listen"
)

func serve(t *testing.T, addresses ...string) *Server {
	t.Helper()
	s, err := Serve(t.Context(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func show(t *testing.T, s *Server, answers ...Answer) (hide func()) {
	t.Helper()
	hide, err := s.Show(t.Context(), answers)
	if err != nil {
		t.Fatal(err)
	}
	return hide
}

// dial connects as a CA does, which trusts no certificate but looks at it.
func dial(s *Server, name string, protocols ...string) (tls.ConnectionState, error) {
	c, err := tls.Dial("tcp", s.Addrs()[0].String(), &tls.Config{ServerName: name, NextProtos: protocols, InsecureSkipVerify: true})
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

func TestServe(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	names := []string{"example.com", "192.0.2.1", "2001:db8::1"}
	var answers []Answer
	for _, name := range names {
		answers = append(answers, Answer{name, "token." + name})
	}
	show(t, s, answers...)
	for name, sni := range map[string]string{
		"example.com": "EXAMPLE.com",
		"192.0.2.1":   "1.2.0.192.in-addr.arpa",
		"2001:db8::1": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		state, err := dial(s, sni, protocol)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if state.NegotiatedProtocol != protocol || len(state.PeerCertificates) != 1 {
			t.Errorf("%s: got protocol %q and %d certificates", name, state.NegotiatedProtocol, len(state.PeerCertificates))
		}
		leaf := state.PeerCertificates[0]
		if got := san(leaf); !slices.Equal(got, []string{name}) {
			t.Errorf("got a certificate for %q, want %s alone", got, name)
		}
		checkIdentifier(t, leaf, "token."+name)
	}
}

func san(c *x509.Certificate) []string {
	names := slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// checkIdentifier checks the extension of RFC 8737 §3.
func checkIdentifier(t *testing.T, c *x509.Certificate, text string) {
	t.Helper()
	found := 0
	for _, e := range c.Extensions {
		if e.Id.String() != "1.3.6.1.5.5.7.1.31" {
			continue
		}
		found++
		digest := sha256.Sum256([]byte(text))
		var value []byte
		rest, err := asn1.Unmarshal(e.Value, &value)
		if err != nil || len(rest) > 0 || !slices.Equal(value, digest[:]) || !e.Critical {
			t.Errorf("got %x (critical: %t), want %x, critical", e.Value, e.Critical, digest)
		}
	}
	if found != 1 {
		t.Errorf("got %d extensions acmeIdentifier, want 1", found)
	}
}

// Whoever is not a CA that asks for a name of ours gets nothing.
func TestServeOthers(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	show(t, s, Answer{"example.com", "x"})
	for _, test := range []struct {
		name      string
		protocols []string
	}{
		{"example.com", nil},
		{"example.com", []string{"h2", "http/1.1"}},
		{"example.com", []string{"http/1.1", protocol}},
		{"example.com", []string{protocol, "h2"}},
		{"www.example.com", []string{protocol}},
		{"", []string{protocol}},
		{"1.2.0.192.in-addr.arpa", []string{protocol}},
	} {
		if state, err := dial(s, test.name, test.protocols...); err == nil {
			t.Errorf("%q %q: got a certificate for %q, want an error", test.name, test.protocols, san(state.PeerCertificates[0]))
		}
	}
	_, err := tls.Dial("tcp", s.Addrs()[0].String(), &tls.Config{
		ServerName: "example.com", NextProtos: []string{protocol}, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11,
	})
	if err == nil {
		t.Error("TLS 1.1 is taken")
	}
}

// Two answers for one name are shown one after the other, those for other names
// beside them.
func TestShowInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(nil)
		defer s.Close()
		hide := show(t, s, Answer{"example.com", "a"}, Answer{"www.example.com", "a"})
		show(t, s, Answer{"example.org", "b"})()
		entered := false
		go func() {
			leave := show(t, s, Answer{"Example.com.", "c"}, Answer{"example.net", "c"})
			entered = true
			leave()
		}()
		synctest.Wait()
		if entered {
			t.Fatal("two answers are shown for example.com at once")
		}
		show(t, s, Answer{"example.net", "d"})() // who waits holds nothing
		hide()
		synctest.Wait()
		if !entered {
			t.Error("the second answer is not shown after the first was hidden")
		}
		show(t, s, Answer{"example.com", "e"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Show(ctx, []Answer{{"example.com", "f"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
	})
}

func TestHide(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	show(t, s, Answer{"example.com", "x"})()
	if _, err := dial(s, "example.com", protocol); err == nil {
		t.Error("an answer that is hidden is shown")
	}
}

func TestServeInUse(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	_, err := Serve(t.Context(), []string{s.Addrs()[0].String()})
	e, ok := errors.AsType[*listen.Error](err)
	if !ok || !strings.Contains(e.Hint(), "--challenge") {
		t.Errorf("got %v, want a hint", err)
	}
}

// Clients that say nothing keep nobody else out, and do not keep the server
// from ending.
func TestServeFlood(t *testing.T) {
	s := serve(t, "127.0.0.1:0", "[::1]:0")
	show(t, s, Answer{"example.com", "x"})
	for range 400 {
		c, err := net.Dial("tcp", s.Addrs()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if _, err := dial(s, "example.com", protocol); err != nil {
		t.Error(err)
	}
	begun := time.Now()
	s.Close()
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("it took %v to end", took)
	}
}

// A client that is too slow with its handshake is left.
func TestServeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		s := start(nil)
		defer s.Close()
		s.running.Go(func() { s.talk(server) })
		begun := time.Now()
		_, err := client.Read(make([]byte, 1))
		if took := time.Since(begun); !errors.Is(err, io.EOF) || took != patience {
			t.Errorf("got %v after %v, want an end after %v", err, took, patience)
		}
	})
}
