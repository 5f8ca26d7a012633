package lego

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/challenge/dns01"
	"github.com/go-acme/lego/v4/lego"
	"github.com/go-acme/lego/v4/providers/dns/acmedns"
	"github.com/go-acme/lego/v4/registration"

	"certctl/cli"
	"certctl/lab"
	"certctl/lab/authority"
)

const token = "register-me-t0ken"

// world is a CA and its DNS, in which dyn.example.net is served by certctl
// nameserver.
type world struct {
	lab        *lab.Lab
	main       *authority.Zone // example.com
	nameserver string          // host:port
	api        string          // host:port
}

const configuration = `state: nameserver
nameserver:
  listen: %q
  servers: {ns.dyn.example.net: {addresses: 127.63.9.1}}
  zones: {dyn.example.net: }
  api:
    listen: %q
    register: {zone: dyn.example.net, token: %s}
`

func begin(t *testing.T) *world {
	t.Helper()
	w := new(world)
	var err error
	w.lab, err = lab.Start(t.Context(), lab.Options{Dir: t.TempDir(), CA: lab.CA{NonceReject: -1, AuthzReuse: -1}, Extend: func(b *lab.Builder) {
		b.Other.Text("dyn NS ns.dyn\nns.dyn A 127.63.9.1")
		w.main = b.Main
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.lab.Close() })
	port := w.lab.Resolver.Port()
	w.nameserver, w.api = fmt.Sprintf("127.63.9.1:%d", port), fmt.Sprintf("127.63.9.2:%d", port)
	path := filepath.Join(t.TempDir(), "certctl.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, configuration, w.nameserver, w.api, token), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, path)
	return w
}

// run runs certctl nameserver, as from a shell, until the test ends. It returns
// when both doors are open.
func run(t *testing.T, configuration string) {
	t.Helper()
	p := cli.SystemProcess()
	p.Args = []string{"certctl", "--config", configuration, "nameserver"}
	lines, stderr := io.Pipe()
	p.Stderr = stderr
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		err := cli.Run(ctx, p)
		stderr.CloseWithError(fmt.Errorf("certctl nameserver has ended: %v", err))
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("certctl nameserver: got %v, want no error", err)
		}
	})
	await(t, lines, "listening (address ")
}

// await reads lines until one has a text, and the others in the background.
func await(t *testing.T, lines io.Reader, text string) {
	t.Helper()
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		if strings.Contains(scanner.Text(), text) {
			go io.Copy(io.Discard, lines)
			return
		}
	}
	t.Fatalf("%v, without %q", scanner.Err(), text)
}

// provider returns lego's own, made of its environment variables.
func (w *world) provider(t *testing.T, token, storage string) challenge.Provider {
	t.Helper()
	t.Setenv(acmedns.EnvAPIBase, "http://any:"+token+"@"+w.api)
	t.Setenv(acmedns.EnvStoragePath, storage)
	p, err := acmedns.NewDNSProvider()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// user is somebody with an account at the CA.
type user struct {
	key          crypto.PrivateKey
	registration *registration.Resource
}

func (*user) GetEmail() string                          { return "ops@example.com" }
func (u *user) GetPrivateKey() crypto.PrivateKey        { return u.key }
func (u *user) GetRegistration() *registration.Resource { return u.registration }

// client returns one of a new user of the CA, which validates by a provider.
func (w *world) client(t *testing.T, p challenge.Provider) *lego.Client {
	t.Helper()
	t.Setenv("LEGO_CA_CERTIFICATES", w.lab.CAFile)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{key: key}
	config := lego.NewConfig(u)
	config.CADirURL = w.lab.Directory
	client, err := lego.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	if u.registration, err = client.Registration.Register(registration.RegisterOptions{TermsOfServiceAgreed: true}); err != nil {
		t.Fatal(err)
	}
	err = client.Challenge.SetDNS01Provider(p, dns01.AddRecursiveNameservers([]string{w.lab.Resolver.String()}), dns01.DisableCompletePropagationRequirement())
	if err != nil {
		t.Fatal(err)
	}
	return client
}
