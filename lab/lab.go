package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"certctl/lab/authority"
)

// Options says what a lab is like. The zero value is the one of certctl lab.
type Options struct {
	Dir  string // for all files, made if needed and kept; "": a temporary directory
	Keep bool   // keep the temporary directory

	CA  CA        // how Pebble behaves
	Log io.Writer // Pebble's log; nil: none

	// Extend adds zones and names before the world starts.
	Extend func(*Builder)
}

// Lab is a running CA and its DNS world.
type Lab struct {
	Dir       string
	Config    string         // path of certctl.yaml
	State     string         // path of the state directory that it names
	CAFile    string         // path of the root for the directory's TLS (PEM)
	RootFile  string         // path of the root of the certificates that the CA issues (PEM)
	Directory string         // URL of the ACME directory
	Resolver  netip.AddrPort // recursive; the authoritative servers have the same port
	HTTP      netip.AddrPort // where the CA asks for http-01, at web.example.com
	TLSALPN   netip.AddrPort // where it connects for tls-alpn-01
	World     *authority.World
	Zones     []Zone // those that take updates

	bundle  string // path of the system's roots and CAFile
	names   []name
	remove  bool // Dir, at the end
	pebble  *pebble
	running sync.WaitGroup
}

// Zone is a zone that takes updates, and the one key with which it does.
type Zone struct {
	*authority.Zone
	Key authority.Key
}

// name returns the zone's name as people write it.
func (z Zone) name() string { return strings.TrimSuffix(z.Apex(), ".") }

// Start makes a lab. Where the system has not enough loopback addresses the
// error has a hint.
func Start(ctx context.Context, o Options) (*Lab, error) {
	l := &Lab{}
	if err := l.start(ctx, o); err != nil {
		return nil, fmt.Errorf("lab: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

func (l *Lab) start(ctx context.Context, o Options) error {
	if err := l.makeDir(o); err != nil {
		return err
	}
	b := standard()
	if o.Extend != nil {
		o.Extend(b)
	}
	l.World, l.Zones, l.names = b.World, b.zones, b.names
	if err := l.findPorts(ctx, b); err != nil {
		return err
	}
	recursor := l.World.Recursor()
	if err := l.World.Start(); err != nil {
		return err
	}
	l.Resolver = recursor.Addr()
	if err := l.startCA(ctx, o); err != nil {
		return err
	}
	return l.writeConfig()
}

// makeDir makes the directory and names the files in it.
func (l *Lab) makeDir(o Options) (err error) {
	if o.Dir == "" {
		l.Dir, err = os.MkdirTemp("", "certctl-lab-")
		l.remove = !o.Keep
	} else if l.Dir, err = filepath.Abs(o.Dir); err == nil {
		err = os.MkdirAll(l.Dir, 0o700)
	}
	l.Config = filepath.Join(l.Dir, "certctl.yaml")
	l.State = filepath.Join(l.Dir, "state")
	l.CAFile = filepath.Join(l.Dir, "ca.pem")
	l.RootFile = filepath.Join(l.Dir, "root.pem")
	l.bundle = filepath.Join(l.Dir, "ca-bundle.pem")
	return err
}

// startCA starts Pebble behind TLS that CAFile vouches for.
func (l *Lab) startCA(ctx context.Context, o Options) error {
	ca, certificate, err := serverCertificate(time.Now())
	if err != nil {
		return err
	}
	if err := l.writeRoots(ca); err != nil {
		return err
	}
	if l.pebble, err = newPebble(o, l); err != nil {
		return err
	}
	if err := os.WriteFile(l.RootFile, l.pebble.root, 0o644); err != nil {
		return err
	}
	if err := l.pebble.listen(ctx, certificate); err != nil {
		return err
	}
	l.Directory = l.pebble.url()
	l.running.Go(l.pebble.serve)
	return nil
}

// Close ends everything and removes a temporary directory. Of Pebble one
// goroutine stays, which waits for work that no longer comes: Pebble has no
// way to end it.
func (l *Lab) Close() error {
	var errs []error
	if l.pebble != nil {
		errs = append(errs, l.pebble.close())
	}
	l.running.Wait()
	if l.World != nil {
		l.World.Close()
	}
	if l.remove {
		errs = append(errs, os.RemoveAll(l.Dir))
	}
	return errors.Join(errs...)
}
