package config

import (
	"slices"
	"time"
)

// Defaults are what holds for certificates that do not say otherwise, and for
// those ordered with "certctl issue -d".
type Defaults struct {
	// Challenges are the ways to prove domains to the CA: for each domain the
	// first is used that can prove it and that the CA offers. Wildcards are proven
	// in the DNS only, IP addresses by http-01 and tls-alpn-01 only. Default:
	// dns-01.
	Challenges []string `yaml:"challenges" enum:"dns-01,dns-account-01,dns-persist-01,http-01,tls-alpn-01"`

	// PersistFor is how long records of dns-persist-01 are good that we write: a
	// day or more. New ones are written when a third of it is left. Default: until
	// somebody removes them.
	PersistFor time.Duration `yaml:"persist_for"`

	// HTTP says how http-01 is answered.
	HTTP HTTP `yaml:"http"`

	// TLSALPN says how tls-alpn-01 is answered.
	TLSALPN TLSALPN `yaml:"tls_alpn"`
}

func (d *Defaults) check(at place) {
	checkChallenges(at, d.Challenges)
	checkPersistFor(at, d.PersistFor)
}

func checkPersistFor(at place, d time.Duration) {
	if 0 < d && d < 24*time.Hour {
		at.problem("persist_for", "persist_for: a day or more is expected, like 2160h")
	}
}

func checkChallenges(at place, types []string) {
	for n, t := range types {
		if slices.Contains(types[:n], t) {
			at.problem("challenges", "challenges: %s is there twice", printable(t))
		}
	}
}
