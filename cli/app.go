package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/config"
)

// Run runs the program once. It prints results; errors are the caller's to
// print.
func Run(ctx context.Context, p *Process) error {
	args, err := translateVerb(p.Args)
	app := p.app()
	var unknown string // that help was asked for
	app.CommandNotFound = func(_ *cli.Context, name string) { unknown = name }
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	if err == nil && unknown != "" {
		err = usagef("certctl help lists the commands", "there is no command %q", unknown)
	}
	if err != nil && ctx.Err() != nil {
		return &InterruptedError{err}
	}
	return err
}

func (p *Process) app() *cli.App {
	return &cli.App{
		Name:                      "certctl",
		Usage:                     "certificates by DNS, also where _acme-challenge is delegated",
		UsageText:                 usageText,
		HideVersion:               true,
		Reader:                    p.Stdin,
		Writer:                    p.Stdout,
		ErrWriter:                 p.Stderr,
		DisableSliceFlagSeparator: true,
		EnableBashCompletion:      true,
		Flags:                     []cli.Flag{configFlag, logFormatFlag},
		Before:                    p.chooseLog,
		Commands: addHabits(guarded(
			p.issueCommand(),
			p.renewCommand(),
			p.deployCommand(),
			p.verifyCommand(),
			p.listCommand(),
			p.showCommand(),
			p.revokeCommand(),
			p.deleteCommand(),
			p.accountCommand(),
			p.importCommand(),
			p.statusCommand(),
			p.metricsCommand(),
			p.systemdCommand(),
			p.cronCommand(),
			p.delegateCommand(),
			p.traceCommand(),
			p.checkCommand(),
			p.policyCommand(),
			p.cleanupCommand(),
			p.configCommand(),
			p.nameserverCommand(),
			p.labCommand(),
			p.completionCommand(),
			p.versionCommand(),
		)),
		Action:         p.noCommand,
		OnUsageError:   onUsageError,
		ExitErrHandler: func(*cli.Context, error) {},
	}
}

const usageText = `certctl issue -d example.com -d '*.example.com'   order a certificate
certctl renew                                     order again what is due; run it often
certctl delegate -d example.com --to ZONE         print the records that delegate the challenge
certctl trace example.com                         show the way that a CA takes
certctl check                                     find what would make an order fail
certctl lab issue -d example.com                  try it in a world that runs in this process`

var configFlag = &cli.StringFlag{
	Name:  "config",
	Usage: "read the configuration from `FILE`; default: $CERTCTL_CONFIG, ./certctl.yaml, $XDG_CONFIG_HOME/certctl/certctl.yaml, /etc/certctl/certctl.yaml",
}

// noCommand is what happens without a command, or with an unknown one.
func (p *Process) noCommand(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowAppHelp(c)
	}
	return noSuchCommand(c, "certctl", "certctl help")
}

// noSuchCommand says that there is none of the name of the first argument, and
// which may have been meant.
func noSuchCommand(c *cli.Context, of, help string) error {
	var known []string
	for _, command := range c.App.Commands {
		if !command.Hidden {
			known = append(known, command.Names()...)
		}
	}
	for _, command := range c.Command.Subcommands {
		known = append(known, command.Names()...)
	}
	unknown := c.Args().First()
	remedy := help + " lists the commands"
	if meant := config.Nearest(unknown, known); meant != "" {
		remedy = "did you mean " + of + " " + meant + "? " + remedy
	}
	if of == "certctl" {
		return usagef(remedy, "there is no command %q", unknown)
	}
	return usagef(remedy, "there is no command %q of %s", unknown, c.Command.Name)
}

// onUsageError turns what the flag parser says into our own kind of error.
func onUsageError(c *cli.Context, err error, _ bool) error {
	remedy := "certctl help"
	switch name := c.Command.HelpName; strings.Count(name, " ") {
	case 0:
	case 1:
		remedy = "certctl help " + c.Command.Name
	default:
		remedy = name + " --help"
	}
	remedy += " shows the flags"
	unknown, undefined := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !undefined {
		return &UsageError{Err: err, Remedy: remedy}
	}
	if strings.HasPrefix(unknown, "dns") {
		remedy = useZones
	} else if meant := meantFlag(c, unknown); meant != "" {
		remedy = meant + " " + remedy
	}
	return usagef(remedy, "there is no flag %s", dashed(unknown))
}

// meantFlag says which flag may have been meant by one that there is not.
func meantFlag(c *cli.Context, unknown string) string {
	var known []string
	if c.Command != nil {
		for _, flag := range c.Command.VisibleFlags() {
			known = append(known, flag.Names()...)
		}
	}
	if meant := config.Nearest(unknown, known); meant != "" {
		return "did you mean " + dashed(meant) + "?"
	}
	for _, flag := range c.App.Flags {
		if slices.Contains(flag.Names(), unknown) && c.Command != nil {
			return fmt.Sprintf("%s comes before the command: certctl %s … %s.", dashed(unknown), dashed(unknown), c.Command.Name)
		}
	}
	return ""
}

// guarded gives every command the same reaction to wrong flags, and help that
// does not say of each switch that it is off.
func guarded(commands ...*cli.Command) []*cli.Command {
	for _, command := range commands {
		command.OnUsageError = onUsageError
		for _, flag := range command.Flags {
			if b, ok := flag.(*cli.BoolFlag); ok {
				b.DisableDefaultText = true
			}
		}
		guarded(command.Subcommands...)
	}
	return commands
}

// noArguments refuses what is left over after the flags: the parser stops at
// the first argument that is no flag and would ignore every flag behind it.
func noArguments(c *cli.Context) error {
	if !c.Args().Present() {
		return nil
	}
	rest := c.Args().Slice()
	remedy := "certctl help " + c.Command.Name + " shows the flags"
	if slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), "domain") }) {
		remedy = "names are given with -d: certctl " + c.Command.Name + " -d " + rest[0]
	}
	return usagef(remedy, "%s takes no arguments, but got %s", c.Command.Name, strings.Join(rest, " "))
}
