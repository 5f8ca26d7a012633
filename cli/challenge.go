package cli

import (
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
)

// challengeFlag is a flag for types of challenges, in the order of preference.
func challengeFlag(usage string) cli.Flag {
	return &cli.StringSliceFlag{
		Name: "challenge", Aliases: []string{"preferred-challenges"},
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
