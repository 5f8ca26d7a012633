package cli

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// habitual returns the commands with the flags of other clients.
func habitual() map[string]*cli.Command {
	commands := map[string]*cli.Command{}
	for _, c := range (&Process{Stdout: io.Discard, Stderr: io.Discard}).app().Commands {
		commands[c.Name] = c
	}
	return commands
}

// No flag of another client stands in the way of one of ours, and each means a
// flag that is there.
func TestHabits(t *testing.T) {
	commands := habitual()
	for _, h := range habits {
		for _, on := range strings.Fields(h.on) {
			c := commands[on]
			if c == nil {
				t.Errorf("%s: there is no command %s", h.flags, on)
				continue
			}
			if has := func(f cli.Flag) bool { return slices.Contains(f.Names(), h.means) }; h.means != "" && !slices.ContainsFunc(c.Flags, has) {
				t.Errorf("%s: %s has no flag %s", h.flags, on, h.means)
			}
		}
		if h.means != "" && h.instead != "" || h.of == "" {
			t.Errorf("%s: got of %q, means %q, instead %q", h.flags, h.of, h.means, h.instead)
		}
	}
	for name, c := range commands {
		seen := map[string]bool{}
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				if seen[n] {
					t.Errorf("%s has --%s twice", name, n)
				}
				seen[n] = true
			}
		}
	}
}

// look runs a command line with an action that only looks at the flags.
func look(t *testing.T, line string, at func(*cli.Context)) error {
	t.Helper()
	p := &Process{Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }}
	app := p.app()
	for _, c := range app.Commands {
		c.Action = func(c *cli.Context) error {
			at(c)
			return nil
		}
	}
	args, err := translateVerb(append([]string{"certctl"}, strings.Split(line, " ")...))
	if err != nil {
		return err
	}
	return app.Run(args)
}

// The same in the words of others.
func TestSynonyms(t *testing.T) {
	for _, test := range []struct{ line, flag, want string }{
		{"certonly -n --agree-tos --domains a.example,b.example --domains c.example", "domain", "a.example,b.example c.example"},
		{"issue --key-type rsa", "key", "rsa"}, // see parseKeyType
		{"issue --key-type rsa --rsa-key-size 4096", "key", "rsa-4096"},
		{"issue --key-type rsa --elliptic-curve secp384r1", "key", "rsa"},
		{"issue --key-type ecdsa --rsa-key-size 4096", "key", "ecdsa"},
		{"issue --elliptic-curve secp384r1", "key", "ecdsa-p384"},
		{"--issue -k ec-384", "key", "ecdsa-p384"},
		{"--issue --keylength 4096", "key", "rsa-4096"},
		{"run --accept-tos", "agree-tos", "true"},
		{"issue --accountemail me@x.example", "email", "me@x.example"},
		{"issue --renew-by-default", "force", "true"},
		{"issue --reuse-key --new-key", "reuse-key", "false"},
		{"issue --reloadcmd reload", "deploy", "reload"},
		{"issue --deploy-hook echo;$x", "deploy", "sh -c 'echo;$x'"},
		{"issue --preferred-challenges dns,http", "challenge", "dns-01,http-01"},
		{"issue --ocsp", "must-staple", "true"},
		{"issue --test", "staging", "true"},
		{"issue --ca-bundle roots.pem", "ca-file", "roots.pem"},
		{"issue --required-profile short", "profile", "short"},
		{"issue --keep-until-expiring --expand --no-eff-email --cert-name web", "name", "web"},
		{"--renew-all -f", "force", "true"},
		{"renew --no-random-sleep", "no-delay", "true"},
		{"renew --cert-name web", "cert-name", "web"},
		{"delete --cert-name web -n", "yes", "true"},
		{"run --alpn", "challenge", "tls-alpn-01"},
	} {
		var got string
		err := look(t, test.line, func(c *cli.Context) {
			switch v := c.Value(test.flag).(type) {
			case string:
				got = v
			case bool:
				got = map[bool]string{true: "true", false: "false"}[v]
			case cli.StringSlice:
				got = strings.Join(v.Value(), " ")
			}
		})
		if err != nil || got != test.want {
			t.Errorf("%s: got %s %q, %v, want %q", test.line, test.flag, got, err, test.want)
		}
	}
}

// What means nothing here is a mistake in the command line, with what to use.
func TestInstead(t *testing.T) {
	for line, want := range map[string]string{
		"issue --dns-rfc2136":             "zones: in the configuration",
		"issue --dns-hetzner-credentials": "zones: in the configuration",
		"issue --manual-auth-hook a.sh":   "style: certbot",
		"run --dns cloudflare":            "zones: in the configuration",
		"run --dns.resolvers 192.0.2.1":   "resolver: {servers: […]}",
		"run --days 30":                   "--force orders at once",
		"issue --dnssleep 20":             "every server of the zone is waited for",
		"issue --pre-hook stop":           "hooks: {pre: […], post: […]}",
		"issue --key-file k.pem":          "install:",
		"issue --eab-kid k":               "certctl account register --eab-kid",
		"issue --config-dir d":            "state:",
		"issue --keylength ec-521":        "",
		"renew -d a.example":              "certctl renew NAME",
		"certificates --cert-name web":    "certctl show NAME",
		"revoke --delete-after-revoke":    "certctl delete NAME",
		"--install-cert":                  "install:",
		"enhance":                         "servers are configured by hand",
	} {
		err := look(t, line, func(*cli.Context) { t.Errorf("%s: it was run", line) })
		hints := strings.Join(Hints(err), "\n")
		if _, usage := errors.AsType[*UsageError](err); !usage || !strings.Contains(hints, want) {
			t.Errorf("%s: got %v, hints %q, want %q", line, err, hints, want)
		}
	}
}
