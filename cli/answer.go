package cli

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/http01"
	"certctl/issuance"
	"certctl/listen"
	"certctl/tlsalpn01"
)

// answerFlags are the flags of issue that say how the CA gets answers that are
// not in the DNS, beside the flag with the domains. Two are hidden: certbot has
// them.
func answerFlags(domains *cli.StringSlice) []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "webroot-path", Aliases: []string{"w"}, Value: &webroots{domains: domains}, Usage: "answer http-01 by files below `DIR`, which a web server serves as /; of several, each is for the -d that follow it"},
		&cli.StringSliceFlag{Name: "http-listen", Usage: "answer http-01 at `ADDRESS`; repeat for more; default: :80"},
		&cli.StringSliceFlag{Name: "tls-alpn-listen", Usage: "answer tls-alpn-01 at `ADDRESS`; repeat for more; default: :443"},
		&cli.BoolFlag{Name: "standalone", Hidden: true},
		&cli.BoolFlag{Name: "webroot", Hidden: true},
	}
}

// answering takes from the flags of issue how the CA gets its answers, or else
// from the configuration's defaults. Who says how to answer a challenge and
// names none means that one.
func answering(c *cli.Context, cfg *config.Config, r *issuance.Request) error {
	defaults := cfg.Defaults.HTTP
	if c.Bool("webroot") && !c.IsSet("webroot-path") && defaults.Webroot == "" && len(defaults.Webroots) == 0 {
		return usagef("certctl issue --webroot -w /var/www/html -d example.com", "--webroot needs the directory: -w")
	}
	if c.IsSet("webroot-path") && (len(c.StringSlice("http-listen")) > 0 || c.Bool("standalone")) {
		return usagef("", "with --webroot-path nothing is listened at: a web server has to be there")
	}
	if err := meant(c, r); err != nil {
		return err
	}
	if err := answerAs(r, defaults, cfg.Defaults.TLSALPN); err != nil {
		return &UsageError{Err: err}
	}
	if c.Bool("standalone") {
		r.Webroot, r.Webroots = "", nil
	}
	return answerAt(c, r)
}

// meant sees to it that the challenges that flags are about are among those to
// choose from.
func meant(c *cli.Context, r *issuance.Request) error {
	var types []acme.ChallengeType
	about := func(t acme.ChallengeType, flags ...string) error {
		n := slices.IndexFunc(flags, c.IsSet)
		if n < 0 {
			return nil
		}
		types = append(types, t)
		if c.IsSet("challenge") && !slices.Contains(r.Challenges, t) {
			return usagef("add --challenge "+string(t), "--%s is about %s, which --challenge does not allow", flags[n], t)
		}
		return nil
	}
	if err := about(acme.HTTP01, "webroot-path", "http-listen", "standalone", "webroot"); err != nil {
		return err
	}
	if err := about(acme.TLSALPN01, "tls-alpn-listen"); err != nil {
		return err
	}
	if slices.ContainsFunc(types, func(t acme.ChallengeType) bool { return !slices.Contains(r.Challenges, t) }) {
		r.Challenges = types
	}
	return nil
}

// answerAt reads the places of flags.
func answerAt(c *cli.Context, r *issuance.Request) (err error) {
	if w, ok := c.Generic("webroot-path").(*webroots); ok && c.IsSet("webroot-path") {
		if r.Webroot, r.Webroots, err = w.split(); err != nil {
			return usagef("certctl issue -w /srv/a -d a.example.com -w /srv/b -d b.example.com", "--webroot-path %w", err)
		}
		r.HTTP = nil
	}
	if c.IsSet("http-listen") {
		r.Webroot, r.Webroots = "", nil
		if r.HTTP, err = addresses(c, "http-listen", http01.Port); err != nil {
			return err
		}
	}
	if c.IsSet("tls-alpn-listen") {
		r.TLSALPN, err = addresses(c, "tls-alpn-listen", tlsalpn01.Port)
	}
	return err
}

func addresses(c *cli.Context, flag string, port int) ([]string, error) {
	var addresses []string
	for _, word := range c.StringSlice(flag) {
		address, err := listen.Parse(word, port)
		if err != nil {
			return nil, usagef("", "--%s %w", flag, err)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// answerAs takes from the configuration how the CA gets its answers.
func answerAs(r *issuance.Request, http config.HTTP, alpn config.TLSALPN) error {
	r.Webroot, r.HTTP, r.TLSALPN = string(http.Webroot), http.Listen, alpn.Listen
	for domain, dir := range http.Webroots {
		names, err := acme.ParseNames([]string{domain})
		if err != nil {
			return fmt.Errorf("webroots: %w", err)
		}
		if !slices.Contains(r.Names, names[0]) { // the defaults are about others too
			continue
		}
		if r.Webroots == nil {
			r.Webroots = make(map[string]string)
		}
		r.Webroots[names[0]] = string(dir)
	}
	return nil
}
