package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/delegation"
	"certctl/dns01/standalone"
)

func (p *Process) configInitCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a configuration to begin with; there must be none yet",
		UsageText: "certctl config init --email you@example.com --agree-tos --zone auth.example.net --provider rfc2136",
		Description: "Writes --config or $CERTCTL_CONFIG; without these /etc/certctl/certctl.yaml as root, and as others\n" +
			"$XDG_CONFIG_HOME/certctl/certctl.yaml (~/.config/certctl/certctl.yaml).",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "server", Value: config.LetsEncrypt, Usage: "order from the CA with this directory `URL` or short name"},
			&cli.StringFlag{Name: "email", Aliases: []string{"m"}, Usage: "register with this `ADDRESS`"},
			&cli.BoolFlag{Name: "agree-tos", Usage: "agree to the CA's terms of service"},
			&cli.StringSliceFlag{Name: "zone", Usage: "`ZONE` that validation records are written in; repeat for more"},
			&cli.StringFlag{Name: "provider", Value: "rfc2136", Usage: "`KIND` of server or service that it is at: one of those in certctl config schema"},
		},
		Action: p.configInit,
	}
}

// configInit writes a configuration, where there is none. What it cannot know is
// in capitals, or a file that is still to be made.
func (p *Process) configInit(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	path := first(c.String("config"), p.Getenv("CERTCTL_CONFIG"), config.Preferred(p.Getenv))
	entries, err := beginning(c)
	if err != nil {
		return err
	}
	text, err := config.Extend(nil, entries)
	if err != nil {
		return err
	}
	if _, err := config.Parse(path, text); err != nil {
		return &UsageError{Err: err}
	}
	if err := writeNew(path, text); errors.Is(err, fs.ErrExist) {
		return usagef("certctl config check says what is in it", "there is a configuration already: %s", path)
	} else if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s:\n%s", path, text)
	if len(c.StringSlice("zone")) > 0 {
		p.say(c, "fill in what is in CAPITALS, if anything, and make the files that are named; certctl check -d NAME then finds what is not right")
	}
	return nil
}

// beginning is what a configuration begins with.
func beginning(c *cli.Context) ([]config.Entry, error) {
	ca := struct {
		Directory string `yaml:"directory"`
		Email     string `yaml:"email,omitempty"`
		AgreeTOS  bool   `yaml:"agree_tos"`
	}{c.String("server"), c.String("email"), c.Bool("agree-tos")}
	entries := []config.Entry{{Keys: []string{"acme"}, Value: ca}}
	word := c.String("provider")
	known := providers(new(standalone.Pool))
	kind, ok := known[word]
	if !ok {
		return nil, usagef("certctl config schema describes them", "--provider %s: there is no such provider%s", word, config.Suggestion(word, slices.Sorted(maps.Keys(known))))
	}
	for _, zone := range c.StringSlice("zone") {
		name, err := delegation.ParseName(zone)
		if err != nil {
			return nil, usagef("", "--zone %s: %w", zone, err)
		}
		entries = append(entries, config.Sample(name.Bare(), word, kind.config))
	}
	return entries, nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
