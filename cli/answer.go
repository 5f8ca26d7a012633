package cli

import (
	"path/filepath"
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
// not in the DNS. Two are hidden: certbot has them.
func answerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "webroot-path", Aliases: []string{"w"}, Usage: "answer http-01 by files below `DIR`, which a web server serves as /"},
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
	if c.Bool("webroot") && c.String("webroot-path") == "" && cfg.Defaults.HTTP.Webroot == "" {
		return usagef("certctl issue --webroot -w /var/www/html -d example.com", "--webroot needs the directory: -w")
	}
	if c.String("webroot-path") != "" && (len(c.StringSlice("http-listen")) > 0 || c.Bool("standalone")) {
		return usagef("", "with --webroot-path nothing is listened at: a web server has to be there")
	}
	if err := meant(c, r); err != nil {
		return err
	}
	answerAs(r, cfg.Defaults.HTTP, cfg.Defaults.TLSALPN)
	if c.Bool("standalone") {
		r.Webroot = ""
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
	if dir := c.String("webroot-path"); dir != "" {
		if r.Webroot, err = filepath.Abs(dir); err != nil { // renew runs elsewhere
			return usagef("", "--webroot-path: %w", err)
		}
		r.HTTP = nil
	}
	if c.IsSet("http-listen") {
		r.Webroot = ""
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
func answerAs(r *issuance.Request, http config.HTTP, alpn config.TLSALPN) {
	r.Webroot, r.HTTP, r.TLSALPN = string(http.Webroot), http.Listen, alpn.Listen
}
