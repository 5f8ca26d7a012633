package config

import "slices"

// Defaults are what holds for certificates that do not say otherwise, and for
// those ordered with "certctl issue -d".
type Defaults struct {
	// Challenges are the ways to prove domains to the CA: the first that it
	// offers is used. Default: dns-01.
	Challenges []string `yaml:"challenges" enum:"dns-01,dns-account-01"`
}

func (d *Defaults) check(at place) { checkChallenges(at, d.Challenges) }

func checkChallenges(at place, types []string) {
	for n, t := range types {
		if slices.Contains(types[:n], t) {
			at.problem("challenges", "challenges: %s is there twice", printable(t))
		}
	}
}
