package cli

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/store"
)

// challengeFlag is a flag for types of challenges, in the order of preference.
func challengeFlag(usage string) cli.Flag {
	return &cli.StringSliceFlag{
		Name:  "challenge",
		Usage: usage + strings.Join(config.ChallengeTypes(), ", ") + "; repeat for more, the preferred first",
	}
}

// chosenChallenges returns the types of --challenge, which may be written with
// commas, or else those of the configuration's defaults.
func chosenChallenges(c *cli.Context, cfg *config.Config) ([]acme.ChallengeType, error) {
	var words []string
	for _, word := range c.StringSlice("challenge") {
		words = append(words, strings.Split(word, ",")...)
	}
	types, err := preferredChallenges(words, cfg.Defaults.Challenges)
	if err != nil {
		return nil, usagef("certctl issue -d example.com --challenge dns-persist-01 --challenge dns-01", "--challenge %w", err)
	}
	return types, nil
}

// preferredChallenges reads the first of two lists that is not empty.
func preferredChallenges(own, defaults []string) ([]acme.ChallengeType, error) {
	if len(own) == 0 {
		own = defaults
	}
	return issuance.ParseChallenges(own)
}

// persistFor reads --persist-for.
func persistFor(c *cli.Context, cfg *config.Config) (time.Duration, error) {
	word := c.String("persist-for")
	if word == "" {
		return cfg.Defaults.PersistFor, nil
	}
	d, err := parseDays(word)
	if err != nil || d < 24*time.Hour {
		return 0, usagef("", "--persist-for %s: a day or more is expected, like 90d", word)
	}
	return d, nil
}

// preferredType returns the type of challenge for a name that is used if the CA
// offers it.
func (r *run) preferredType(c *cli.Context, name string) (acme.ChallengeType, error) {
	types, err := chosenChallenges(c, r.config)
	if err != nil {
		return "", err
	}
	request := issuance.Request{Names: []string{name}, Challenges: types}
	if err := request.Check(); err != nil {
		return "", &UsageError{Err: err}
	}
	return request.Preferred(name), nil
}

// accountAt returns our account at a CA, as far as the place of a challenge's
// record depends on it: nil where it is the same for all. Nobody is asked.
func (r *run) accountAt(ca *config.ACME, t acme.ChallengeType) (*acme.Account, error) {
	if t != acme.DNSAccount01 {
		return nil, nil
	}
	saved, err := r.savedAccount(ca, t)
	if err != nil {
		return nil, err
	}
	return &acme.Account{URL: saved.URL}, nil
}

// accountFor returns our account at a CA, as far as a challenge's record depends
// on it: nil where it is the same for all. Nothing is registered. Only for
// dns-persist-01 is the CA's directory read.
func (r *run) accountFor(ctx context.Context, ca *config.ACME, t acme.ChallengeType) (*acme.Account, error) {
	if t != acme.DNSPersist01 {
		return r.accountAt(ca, t)
	}
	saved, err := r.savedAccount(ca, t)
	if err != nil {
		return nil, err
	}
	dialled, err := r.ca(ctx, ca)
	if err != nil {
		return nil, err
	}
	return dialled.Account(saved.URL, saved.Key), nil
}

// savedAccount returns the account that a challenge cannot do without.
func (r *run) savedAccount(ca *config.ACME, t acme.ChallengeType) (*store.Account, error) {
	s, err := r.stateStore()
	if err != nil {
		return nil, err
	}
	saved, err := s.LoadAccount(ca.URL())
	if errors.Is(err, fs.ErrNotExist) || err == nil && saved.URL == "" {
		return nil, &AccountlessError{Challenge: t, CA: ca.Directory}
	}
	return saved, err
}
