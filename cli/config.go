package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/dns01/standalone"
)

func (p *Process) configCommand() *cli.Command {
	return &cli.Command{
		Name:   "config",
		Usage:  "write a first configuration, see what it says",
		Action: p.noSubcommand,
		Subcommands: []*cli.Command{p.configInitCommand(), {
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
	if c.Args().Present() {
		return noSuchCommand(c, "certctl "+c.Command.Name, "certctl help "+c.Command.Name)
	}
	return cli.ShowSubcommandHelp(c)
}

func (p *Process) configCheck(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	cfg, err := p.load(c)
	if err != nil {
		return err
	}
	r, err := p.withoutStore(c, cfg)
	if err != nil {
		return err
	}
	if err := checkCertificates(r.config); err != nil {
		return err
	}
	understood, err := r.config.Redacted()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "# %s\n%s", r.config.Path(), understood)
	return nil
}

// checkCertificates checks what is asked for, as an order would.
func checkCertificates(cfg *config.Config) error {
	for _, cert := range cfg.Certificates {
		if _, err := configured(cert, cfg, cfg.ACME[0]); err != nil {
			return err
		}
	}
	return nil
}

func (p *Process) configSchema(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	structs := make(map[string]any)
	for word, kind := range providers(new(standalone.Pool)) {
		structs[word] = kind.config
	}
	schema, err := config.Schema(structs)
	if err != nil {
		return err
	}
	_, err = p.Stdout.Write(schema)
	return err
}
