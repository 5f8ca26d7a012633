package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/foreign"
)

// habit is a flag of another client that fingers know. It has one of three
// meanings: that of a flag of ours, none (what it asks for is so anyway), or
// another than anything here, and then the error says what to use.
type habit struct {
	flags   string // as they are written there, separated by blanks
	of      string // the clients
	on      string // our commands, separated by blanks
	takes   bool   // a value
	means   string // our flag with the same meaning
	value   func(*cli.Context, string) (string, error)
	instead string // what to use, where nothing means the same
}

// addHabits gives each command the flags that other clients have in its place.
// Help, the manual and completion do not show them.
func addHabits(commands []*cli.Command) []*cli.Command {
	for _, command := range commands {
		var own []habit
		for _, h := range habits {
			if slices.Contains(strings.Fields(h.on), command.Name) {
				own = append(own, h)
			}
		}
		if len(own) == 0 {
			continue
		}
		plain := *command
		command.BashComplete = cli.DefaultCompleteWithFlags(&plain)
		for _, h := range own {
			command.Flags = append(command.Flags, h.hidden()...)
		}
		before := command.Before
		command.Before = func(c *cli.Context) error {
			for _, h := range own {
				if err := h.apply(c); err != nil {
					return err
				}
			}
			if before != nil {
				return before(c)
			}
			return nil
		}
	}
	return commands
}

// hidden returns the flags for the parser.
func (h habit) hidden() (flags []cli.Flag) {
	for _, name := range strings.Fields(h.flags) {
		if h.takes {
			flags = append(flags, &cli.StringSliceFlag{Name: name, Hidden: true})
		} else {
			flags = append(flags, &cli.BoolFlag{Name: name, Hidden: true})
		}
	}
	return flags
}

// apply sets what a flag means.
func (h habit) apply(c *cli.Context) error {
	for _, name := range strings.Fields(h.flags) {
		switch {
		case !c.IsSet(name):
			continue
		case h.instead != "":
			return usagef(h.instead, "%s is a flag of %s: certctl has none like it", dashed(name), h.of)
		case h.means == "":
			continue
		}
		values := []string{"true"}
		if h.takes {
			values = c.StringSlice(name)
		}
		for _, value := range values {
			if err := h.set(c, value); err != nil {
				return usagef("", "%s %s: %w", dashed(name), value, err)
			}
		}
	}
	return nil
}

func (h habit) set(c *cli.Context, value string) (err error) {
	if h.value != nil {
		if value, err = h.value(c, value); err != nil {
			return err
		}
	}
	return c.Set(h.means, value)
}

func dashed(flag string) string {
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

// keyWord reads a type of key in the words of other clients. A curve or a size
// may follow in a flag of its own.
func keyWord(word string) (string, error) {
	types := map[string]string{
		"rsa": "rsa-2048", "ecdsa": "ecdsa-p256", "ec": "ecdsa-p256",
		"2048": "rsa-2048", "3072": "rsa-3072", "4096": "rsa-4096",
		"rsa2048": "rsa-2048", "rsa3072": "rsa-3072", "rsa4096": "rsa-4096",
		"ec256": "ecdsa-p256", "ec384": "ecdsa-p384", "ec-256": "ecdsa-p256", "ec-384": "ecdsa-p384",
		"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384", "prime256v1": "ecdsa-p256",
	}
	if t, known := types[strings.ToLower(word)]; known {
		return t, nil
	}
	return "", errors.New("of the types of keys that certctl makes, none is meant by this; --key has them")
}

// keyLength is -k of acme.sh: a curve, or the size of an RSA key.
func keyLength(_ *cli.Context, word string) (string, error) { return keyWord(word) }

// keySize is --rsa-key-size of certbot, which counts for keys of RSA only.
func keySize(c *cli.Context, word string) (string, error) {
	if t := c.String("key"); t != "" && !strings.HasPrefix(t, "rsa") {
		return t, nil
	}
	return keyWord(word)
}

// keyCurve is --elliptic-curve of certbot, which counts for other keys only.
func keyCurve(c *cli.Context, word string) (string, error) {
	if t := c.String("key"); strings.HasPrefix(t, "rsa") {
		return t, nil
	}
	return keyWord(word)
}

func alpn(*cli.Context, string) (string, error) { return "tls-alpn-01", nil }

// portWord reads a port as an address to listen at.
func portWord(_ *cli.Context, port string) (string, error) { return ":" + port, nil }

func no(*cli.Context, string) (string, error) { return "false", nil }

// shellCommand reads a command that is run by a shell elsewhere.
func shellCommand(_ *cli.Context, line string) (string, error) { return foreign.Command(line), nil }

// challengeWord reads a type of challenge as certbot calls it.
func challengeWord(_ *cli.Context, list string) (string, error) {
	short := map[string]string{"dns": "dns-01", "http": "http-01", "tls-alpn": "tls-alpn-01"}
	var types []string
	for word := range strings.SplitSeq(list, ",") {
		if t := short[strings.TrimSpace(word)]; t != "" {
			word = t
		}
		types = append(types, strings.TrimSpace(word))
	}
	return strings.Join(types, ","), nil
}

// reasonWord reads a reason for revocation that is a number (RFC 5280 §5.3.1),
// as lego and acme.sh have it.
func reasonWord(word string) string {
	words := map[string]acme.RevocationReason{"0": acme.Unspecified, "1": acme.KeyCompromise, "3": acme.AffiliationChanged, "4": acme.Superseded, "5": acme.CessationOfOperation}
	if r, known := words[word]; known {
		return string(r)
	}
	return word
}

// namesGiven returns the certificates that are named by arguments, or with
// --cert-name as certbot has it.
func namesGiven(c *cli.Context) []string {
	return slices.Concat(c.StringSlice("cert-name"), c.Args().Slice())
}

// verbs are the commands of other clients, and what they are called here.
var verbs = map[string]string{
	"--issue":              "issue",
	"--renew":              "renew",
	"--renew-all":          "renew",
	"--cron":               "renew",
	"--list":               "list",
	"--revoke":             "revoke",
	"--remove":             "delete",
	"--version":            "version",
	"--register-account":   "account register",
	"--update-account":     "account update",
	"--deactivate-account": "account deactivate",
	"--server-info":        "account show",
	"register":             "account register",
	"update_account":       "account update",
	"show_account":         "account show",
	"unregister":           "account deactivate",
	"accounts":             "account",
}

// otherVerbs are those with no counterpart, and what to use.
var otherVerbs = map[string]string{
	"--install-cert":       "install: below the certificate in the configuration makes copies; certctl deploy makes them now",
	"--installcert":        "install: below the certificate in the configuration makes copies; certctl deploy makes them now",
	"--install-cronjob":    "certctl cron prints the line for crontab, certctl systemd the units",
	"--uninstall-cronjob":  "take certctl out of crontab",
	"--install":            "certctl is one file: put it where $PATH leads",
	"--upgrade":            "put a newer certctl in the place of this one",
	"--deploy":             "certctl deploy",
	"--set-default-ca":     "acme: {directory: …} in the configuration",
	"--set-notify":         "certctl metrics, or hooks: {post: […]} in the configuration",
	"--signcsr":            "certctl issue --csr FILE",
	"--create-account-key": "certctl account register makes it",
	"--to-pkcs12":          "install: - {pkcs12: FILE, password: …} below the certificate in the configuration",
	"install":              "install: below the certificate in the configuration makes copies; certctl deploy makes them now",
	"enhance":              "servers are configured by hand: certctl show NAME says where the files are",
	"rollback":             "older versions are in the state directory, below archive/",
	"plugins":              "certctl config schema lists the providers",
	"dnshelp":              "certctl config schema lists the providers and what they need",
	"reconfigure":          "certctl issue with other flags, or the configuration",
	"update_symlinks":      "certctl deploy makes copies again; live/NAME is one link",
	"migrate":              "certctl import lego DIR",
	"archives":             "certctl show NAME; older versions are in the state directory, below archive/",
	"--info":               "certctl show NAME",
	"--create-domain-key":  "certctl issue makes the key; --private-key FILE brings one along",
	"--create-csr":         "certctl issue makes the request; --csr FILE brings one along",
	"--deactivate":         "authorizations that are given up are deactivated by themselves",
	"--register":           "certctl account register",
	"--signout":            "certctl account deactivate",
	"--domain":             "certctl issue -d NAME",
	"-d":                   "certctl issue -d NAME",
	"--nginx":              "certctl issue -d NAME; servers are configured by hand",
	"--apache":             "certctl issue -d NAME; servers are configured by hand",
}

// translateVerb puts our command in the place of another client's.
func translateVerb(args []string) ([]string, error) {
	if len(args) < 2 {
		return args, nil
	}
	if instead, known := otherVerbs[args[1]]; known {
		return nil, usagef(instead, "certctl has no command %s", args[1])
	}
	if ours, known := verbs[args[1]]; known {
		return slices.Concat(args[:1], strings.Fields(ours), args[2:]), nil
	}
	return args, nil
}
