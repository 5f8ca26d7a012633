package rfc2136

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/secret"
)

// Config is an entry of zones: with provider: rfc2136.
type Config struct {
	// Server takes the updates: a host name or address, with or without a
	// port. Default: the primary that the zone's SOA record names, port 53.
	Server string `yaml:"server,omitempty"`

	// TSIG is the key that signs the updates. It should be allowed to write
	// TXT records within this entry's scope and nothing else.
	TSIG TSIG `yaml:"tsig" required:"true"`

	// Timeout is how long the server may take to answer. Default: 10s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

// TSIG is a key: either name, algorithm and secret, or a file that has them.
type TSIG struct {
	// Name is the key's name at the server. With a file of several keys it
	// says which.
	Name string `yaml:"name,omitempty"`

	// Algorithm is hmac-sha256 (the default), hmac-sha384, hmac-sha512 or
	// hmac-sha224. The weak hmac-sha1 and hmac-md5 are used only if named.
	Algorithm string `yaml:"algorithm,omitempty"`

	// Secret is the key itself in base64.
	Secret secret.Secret `yaml:"secret,omitempty"`

	// File is a key file as tsig-keygen, ddns-confgen (BIND) or keymgr -t
	// (Knot) write it, instead of algorithm and secret.
	File secret.Path `yaml:"file,omitempty"`
}

// Warnings says, in words, what is unsafe about the key: a weak algorithm, or a
// file that others can read.
func (c TSIG) Warnings() []string {
	var warnings []string
	if c.File != "" {
		warnings = secret.Exposed(string(c.File))
		if k, err := readKeyFile(c); err == nil {
			c = k
		}
	}
	switch c.algorithm() {
	case "hmac-sha1", "hmac-md5", "hmac-md5.sig-alg.reg.int":
		warnings = append(warnings, fmt.Sprintf("the key %s is for %s, which is weak: make one for hmac-sha256", c.Name, c.algorithm()))
	}
	return warnings
}

const defaultTimeout = 10 * time.Second

// New returns a provider that writes within a scope. It reads a key file, but
// no secret: that is for Prepare, or the first use.
func New(c Config, scope delegation.Name, env dns01.Environment) (dns01.Provider, error) {
	server, err := parseServer(c.Server)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if server == nil && env.Primary == nil {
		return nil, errors.New("server: it is missing, and nobody can look it up")
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("timeout: %v is less than nothing", c.Timeout)
	}
	k, err := newKey(c.TSIG)
	if err != nil {
		return nil, fmt.Errorf("tsig: %w", err)
	}
	return &provider{
		scope:   scope,
		server:  server,
		primary: env.Primary,
		key:     k,
		timeout: cmp.Or(c.Timeout, defaultTimeout),
	}, nil
}
