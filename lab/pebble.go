package lab

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// CA says how Pebble behaves. What Pebble calls by an environment variable is
// taken from there where the field is zero, and is Pebble's own default where
// that is not set either; only its sleeps are off unless asked for.
type CA struct {
	NonceReject      int            // percentage of good nonces rejected; 0: $PEBBLE_WFE_NONCEREJECT or 5; below zero: none
	AuthzReuse       int            // percentage of valid authorizations used again; 0: $PEBBLE_AUTHZREUSE or 50; below zero: none
	Sleep            time.Duration  // random sleep before a validation, in whole seconds; 0: $PEBBLE_VA_SLEEPTIME or none
	Resolver         netip.AddrPort // that it asks for what it validates; zero: the lab's
	AlwaysValid      bool           // accepts every challenge without looking
	RetryAfterAuthz  int            // seconds, in the Retry-After of an authorization; 0: 3, below zero: none
	RetryAfterOrder  int            // seconds, of an order; 0: 5, below zero: none
	AlternateRoots   int            // further chains
	ChainLength      int            // intermediates in a chain; 0: 1
	Profiles         map[string]Profile
	ExternalAccounts map[string]string // key ID to key in base64url; if there are any, accounts need one
	Blocked          []string          // domains for which it refuses orders
}

// Profile is a certificate profile. Without any there are default, for 90
// days, and shortlived, for 6.
type Profile struct {
	Description string
	Validity    time.Duration
}

// environment returns what Pebble reads from environment variables only.
func (c CA) environment() map[string]string {
	env := map[string]string{}
	if c.NonceReject != 0 {
		env["PEBBLE_WFE_NONCEREJECT"] = strconv.Itoa(max(0, c.NonceReject))
	}
	if c.AuthzReuse != 0 {
		env["PEBBLE_AUTHZREUSE"] = strconv.Itoa(max(0, c.AuthzReuse))
	}
	switch {
	case c.Sleep > 0:
		env["PEBBLE_VA_SLEEPTIME"] = strconv.Itoa(int(c.Sleep / time.Second))
		env["PEBBLE_VA_NOSLEEP"] = ""
	case os.Getenv("PEBBLE_VA_SLEEPTIME") == "":
		env["PEBBLE_VA_NOSLEEP"] = "1"
	}
	if c.AlwaysValid {
		env["PEBBLE_VA_ALWAYS_VALID"] = "1"
	}
	return env
}

// environmentLock is held while the process's environment is not as it was:
// Pebble reads it only when it is made, and several may be made at once.
var environmentLock sync.Mutex

// withEnvironment runs f with these variables set.
func withEnvironment(env map[string]string, f func()) error {
	environmentLock.Lock()
	defer environmentLock.Unlock()
	for k, v := range env {
		old, was := os.LookupEnv(k)
		if err := os.Setenv(k, v); err != nil {
			return err
		}
		defer func() {
			if was {
				_ = os.Setenv(k, old)
			} else {
				_ = os.Unsetenv(k)
			}
		}()
	}
	f()
	return nil
}

// profiles returns the profiles as Pebble has them.
func (c CA) profiles() map[string]ca.Profile {
	if len(c.Profiles) == 0 {
		c.Profiles = map[string]Profile{
			"default":    {"90 days", 90 * 24 * time.Hour},
			"shortlived": {"6 days", 6 * 24 * time.Hour},
		}
	}
	profiles := map[string]ca.Profile{}
	for name, p := range c.Profiles {
		profiles[name] = ca.Profile{Description: p.Description, ValidityPeriod: uint64(p.Validity / time.Second)}
	}
	return profiles
}

// store returns Pebble's database with what it must know from the beginning.
func (c CA) store() (*db.MemoryStore, error) {
	store := db.NewMemoryStore()
	for id, key := range c.ExternalAccounts {
		if store.AddExternalAccountKeyByID(id, key) != nil { // the error would show the key
			return nil, fmt.Errorf("external account %q: key is not in base64url", id)
		}
	}
	for _, domain := range c.Blocked {
		if err := store.AddBlockedDomain(domain); err != nil {
			return nil, fmt.Errorf("blocked domain %s: %w", domain, err)
		}
	}
	return store, nil
}

// pebble is Pebble and the server in front of it.
type pebble struct {
	root     []byte // PEM
	server   *http.Server
	listener net.Listener
}

// newPebble makes a Pebble that validates in the world of a lab.
func newPebble(o Options, l *Lab) (*pebble, error) {
	store, err := o.CA.store()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	logger := log.New(o.Log, "pebble: ", log.LstdFlags)
	p := &pebble{}
	err = withEnvironment(o.CA.environment(), func() {
		issuer := ca.New(logger, store, "", "ecdsa", o.CA.AlternateRoots, max(1, o.CA.ChainLength), o.CA.profiles())
		validator := va.New(logger, int(l.HTTP.Port()), int(l.TLSALPN.Port()), false, cmp.Or(o.CA.Resolver, l.Resolver).String(), store)
		front := wfe.New(logger, store, validator, issuer, []string{"pebble.letsencrypt.org"}, false,
			len(o.CA.ExternalAccounts) > 0, seconds(o.CA.RetryAfterAuthz, 3), seconds(o.CA.RetryAfterOrder, 5))
		handler := front.Handler()
		if o.CA.AuthzReuse < 0 {
			handler = withoutReuse(store, handler)
		}
		p.server = &http.Server{Handler: handler, ErrorLog: logger, ReadHeaderTimeout: time.Minute}
		p.root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.GetRootCert(0).DER})
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// seconds reads a field of CA: zero is the default, below zero is none.
func seconds(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return max(0, n)
}

// listen opens a loopback port.
func (p *pebble) listen(ctx context.Context, certificate tls.Certificate) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.listener = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}})
	return nil
}

// url returns the URL of the directory.
func (p *pebble) url() string { return "https://" + p.listener.Addr().String() + wfe.DirectoryPath }

// serve answers until close.
func (p *pebble) serve() { _ = p.server.Serve(p.listener) }

// close ends the server and its connections.
func (p *pebble) close() error {
	err := p.server.Close()
	if p.listener != nil {
		if err := p.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	return err
}
