package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"certctl/secret"
)

// Certificate is a certificate to keep valid.
type Certificate struct {
	// Name is the user's name for it, and the name of its directory: lower-case
	// letters, digits, dots, hyphens and underscores.
	Name string `yaml:",key"`

	// Domains are the names in the certificate, wildcards as "*.example.com", and
	// IP addresses, which http-01 and tls-alpn-01 can prove.
	// All are ordered together: it has all of them or is not issued.
	Domains []string `yaml:"domains" required:"true"`

	// CA is the directory, as a URL or a short name, of the one entry of the acme
	// section that it comes from; with #ACCOUNT where that has an account. Default:
	// the first entry, and the others where that cannot issue.
	CA string `yaml:"ca"`

	// Key is the type of the private key.
	Key string `yaml:"key" default:"ecdsa-p256" enum:"ecdsa-p256,ecdsa-p384,rsa-2048,rsa-3072,rsa-4096"`

	// Challenges are the ways to prove the domains to the CA: for each domain the
	// first is used that can prove it and that the CA offers. Default: those of
	// the defaults section.
	Challenges []string `yaml:"challenges" enum:"dns-01,dns-account-01,dns-persist-01,http-01,tls-alpn-01"`

	// PersistFor is how long records of dns-persist-01 are good that we write: a
	// day or more. Default: that of the defaults section.
	PersistFor time.Duration `yaml:"persist_for"`

	// HTTP says how http-01 is answered. Default: as the defaults section says.
	HTTP *HTTP `yaml:"http"`

	// TLSALPN says how tls-alpn-01 is answered. Default: as the defaults section
	// says.
	TLSALPN *TLSALPN `yaml:"tls_alpn"`

	// Profile is the certificate profile to ask for. Default: that of the acme
	// section.
	Profile string `yaml:"profile"`

	// ReuseKey keeps the private key when the certificate is renewed, unless it
	// was revoked because others have the key. Default: false, each certificate
	// gets a new one.
	ReuseKey bool `yaml:"reuse_key"`

	// CSR is a file with the certificate request to send, in PEM or DER, relative
	// to this file. It has to be for the domains above. The private key stays
	// where the request was made. Default: none, we make key and request.
	CSR secret.Path `yaml:"csr"`

	// PreferredChain names the root that the chain should lead to, where the CA
	// offers several: by its common name, or by its SHA-256 fingerprint. Default:
	// that of the acme section.
	PreferredChain string `yaml:"preferred_chain"`

	// MustStaple has the certificate say that servers staple OCSP answers to it
	// (RFC 7633), which many CAs no longer do. Default: false.
	MustStaple bool `yaml:"must_staple"`

	// Install are copies of the certificate for programs that cannot use the
	// files in the state directory. They are made before deploy runs.
	Install []*Install `yaml:"install"`

	// Deploy are commands to run, one after the other, whenever a new
	// certificate is in place, without a shell: who wants one writes sh -c '…'.
	// What failed is run again in later runs.
	Deploy []string `yaml:"deploy"`

	// Follow says for single domains what to do when _acme-challenge is an
	// alias: auto follows it, never writes at _acme-challenge itself, and a name
	// writes at that name. A wildcard goes with its domain. Default: auto.
	Follow map[string]string `yaml:"follow"`

	at place
}

// What Follow may say beside an owner name.
const (
	FollowAuto  = "auto"
	FollowNever = "never"
)

// ChallengeTypes returns the types of challenges, the default first.
func ChallengeTypes() []string {
	fields := fieldsOf(reflect.TypeFor[Certificate]())
	return fields[slices.IndexFunc(fields, func(f field) bool { return f.name == "challenges" })].enum
}

// KeyTypes returns the types of private keys, the default first.
func KeyTypes() []string {
	fields := fieldsOf(reflect.TypeFor[Certificate]())
	return fields[slices.IndexFunc(fields, func(f field) bool { return f.name == "key" })].enum
}

func (c *Certificate) keep(at place) { c.at = at }

// checkCA refuses a CA that is not in the acme section.
func (c *Certificate) checkCA(listed map[string]bool) {
	if c.CA == "" {
		return
	}
	url, err := DirectoryURL(c.CA)
	switch {
	case err != nil:
		c.at.problem("ca", "ca: %w", err)
	case !listed[url]:
		c.at.problem("ca", "ca: %s is not in the acme section", c.CA)
	}
}

// Choices returns the CAs that a certificate may come from, the most wanted
// first.
func (c *Config) Choices(cert *Certificate) []*ACME {
	if cert.CA == "" {
		return c.ACME
	}
	url, _ := DirectoryURL(cert.CA) // check has seen to it
	return slices.DeleteFunc(slices.Clone(c.ACME), func(a *ACME) bool { return a.URL() != url })
}

var certificateName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9._-]{0,228}[a-z0-9_-])?$`)

func (c *Certificate) check(at place) {
	if !certificateName.MatchString(c.Name) {
		at.problem("", "certificate name %s: lower-case letters, digits, dots, hyphens and underscores are expected, a letter or digit first", printable(c.Name))
	}
	checkCommands(at, "deploy", c.Deploy)
	checkChallenges(at, c.Challenges)
	checkPersistFor(at, c.PersistFor)
	c.checkWebroots(at)
	domains := map[string]bool{}
	for _, domain := range c.Domains {
		domains[challenged(domain)] = true
	}
	if len(c.Follow) == 0 {
		return
	}
	follow := map[string]string{}
	for _, domain := range slices.Sorted(maps.Keys(c.Follow)) {
		where := normal(c.Follow[domain])
		switch {
		case !domains[challenged(domain)]:
			at.problem("follow", "follow: %s is not among the domains", printable(domain))
		case where != FollowAuto && where != FollowNever && checkDomain(where) != nil:
			at.problem("follow", "follow: %s: auto, never or a domain name is expected", printable(domain))
		}
		follow[challenged(domain)] = where
	}
	c.Follow = follow
}

func (c *Certificate) checkWebroots(at place) {
	if c.HTTP == nil {
		return
	}
	for _, domain := range slices.Sorted(maps.Keys(c.HTTP.Webroots)) {
		if !slices.ContainsFunc(c.Domains, func(d string) bool { return normal(d) == normal(domain) }) {
			at.problem("http", "http: webroots: %s is not among the domains", printable(domain))
		}
	}
}

// challenged returns the domain whose challenge name is that of a domain or
// wildcard (RFC 8555 §8.4).
func challenged(domain string) string { return strings.TrimPrefix(normal(domain), "*.") }
