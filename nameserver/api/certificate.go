package api

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// Certificate is the server's own certificate, as certctl keeps it. It is read
// again when it has changed, so that a renewal needs no restart.
type Certificate struct {
	Chain, Key string       // paths of PEM files
	Changed    func(string) // told in words of each one read, and of each that cannot be; may be nil

	mu      sync.Mutex
	looked  time.Time
	version [2]fileVersion
	current *tls.Certificate
	err     error
}

// fileVersion tells one content of a file from another.
type fileVersion struct {
	changed time.Time
	size    int64
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// Get returns the certificate. While a new one cannot be read, that is the one
// before.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		c.look()
	}
	if c.current == nil {
		return nil, c.err
	}
	return c.current, nil
}

// Ready returns nil if there is a certificate.
func (c *Certificate) Ready() error {
	_, err := c.Get(nil)
	return err
}

// look reads the files if they have changed.
func (c *Certificate) look() {
	version := [2]fileVersion{versionOf(c.Chain), versionOf(c.Key)}
	if version == c.version && c.err == nil && c.current != nil {
		return
	}
	read, err := tls.LoadX509KeyPair(c.Chain, c.Key)
	if err != nil {
		c.say(err)
		c.err = fmt.Errorf("the certificate of the API: %w", err)
		return
	}
	c.current, c.err, c.version = &read, nil, version
	c.say(nil)
}

// say tells of a change: not of the same trouble again.
func (c *Certificate) say(err error) {
	switch {
	case c.Changed == nil:
	case err == nil:
		c.Changed("the certificate of the API is read: it ends " + c.current.Leaf.NotAfter.UTC().Format(time.RFC3339))
	case c.err == nil:
		c.Changed("the certificate of the API cannot be read: " + err.Error())
	}
}

func versionOf(path string) fileVersion {
	info, err := os.Stat(path)
	if err != nil {
		return fileVersion{}
	}
	return fileVersion{info.ModTime(), info.Size()}
}
