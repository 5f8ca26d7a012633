package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
)

func (p *Process) configCommand() *cli.Command {
	return &cli.Command{
		Name:   "config",
		Usage:  "see what the configuration says",
		Action: p.noSubcommand,
		Subcommands: []*cli.Command{{
			Name:   "check",
			Usage:  "read the configuration and print what was understood, without secrets",
			Action: p.configCheck,
		}, {
			Name:   "schema",
			Usage:  "print the JSON Schema of the configuration, for editors",
			Action: p.configSchema,
		}},
	}
}

// noSubcommand is what happens without a subcommand, or with an unknown one.
func (p *Process) noSubcommand(c *cli.Context) error {
	if unknown := c.Args().First(); unknown != "" {
		return usagef("certctl help "+c.Command.Name+" lists the commands", "there is no command %q of %s", unknown, c.Command.Name)
	}
	return cli.ShowSubcommandHelp(c)
}

func (p *Process) configCheck(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	if err := checkDomains(r.config); err != nil {
		return err
	}
	understood, err := r.config.Redacted()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "# %s\n%s", r.config.Path(), understood)
	return nil
}

// checkDomains checks the names of all certificates, as an order would.
func checkDomains(cfg *config.Config) error {
	for _, cert := range cfg.Certificates {
		if _, err := acme.ParseNames(cert.Domains); err != nil {
			return &UsageError{Err: fmt.Errorf("certificate %s: %w", cert.Name, err)}
		}
	}
	return nil
}

func (p *Process) configSchema(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	structs := make(map[string]any)
	for word, kind := range providers() {
		structs[word] = kind.config
	}
	schema, err := config.Schema(structs)
	if err != nil {
		return err
	}
	_, err = p.Stdout.Write(schema)
	return err
}
