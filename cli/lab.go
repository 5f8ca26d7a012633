package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/lab"
)

// cleanUpTime is how long a program in the lab has to end after an interrupt.
const cleanUpTime = time.Minute

func (p *Process) labCommand() *cli.Command {
	return &cli.Command{
		Name:  "lab",
		Usage: "run a throw-away CA and a delegated DNS world in this process",
		UsageText: `certctl lab                               keep the world running until Ctrl-C
certctl lab issue -d example.com          run a certctl command in it
certctl lab -- certbot certonly …         run any command in it; ends with its exit code`,
		Description: "The CA is Pebble. It and all DNS servers listen on loopback addresses only.\n" +
			"A command finds the world's coordinates in its environment: see certctl lab.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "keep configuration, keys and certificates in `DIR`; default: a new temporary directory"},
			&cli.BoolFlag{Name: "keep", Usage: "do not remove the temporary directory at the end"},
		},
		Action: p.lab,
	}
}

// lab starts the world, lets something run in it, and ends it.
func (p *Process) lab(c *cli.Context) error {
	world, err := lab.Start(c.Context, lab.Options{Dir: c.String("dir"), Keep: c.Bool("keep") || p.runsCommand(c)})
	if err != nil {
		return err
	}
	defer world.Close()
	switch {
	case !c.Args().Present():
		world.Describe(p.Stdout)
		<-c.Context.Done()
		return nil
	case p.runsProgram(c):
		return p.execute(c.Context, c.Args().Slice(), world.Env())
	}
	return p.inside(c, world)
}

// runsProgram reports whether the arguments came after "--", which the flag
// parser swallows: then they are a program, and else a command of our own.
func (p *Process) runsProgram(c *cli.Context) bool {
	before := len(p.Args) - c.NArg() - 1
	return before > 0 && p.Args[before] == "--"
}

func (p *Process) runsCommand(c *cli.Context) bool { return c.Args().Present() && !p.runsProgram(c) }

// inside runs one of our own commands with the world's configuration.
func (p *Process) inside(c *cli.Context, world *lab.Lab) error {
	inner := *p
	inner.Args = slices.Concat(p.Args[:1], []string{"--config", world.Config}, c.Args().Slice())
	return Run(c.Context, &inner)
}

// execute runs a program with the world's coordinates in its environment. It
// gets the interrupt from the terminal as we do, and some time to end.
func (p *Process) execute(ctx context.Context, argv, env []string) error {
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Env = append(os.Environ(), env...)
	command.Stdin, command.Stdout, command.Stderr = p.Stdin, p.Stdout, p.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = cleanUpTime
	err := command.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return &ProgramError{Program: argv[0], Code: ended.ExitCode()}
	}
	if err != nil {
		return fmt.Errorf("lab: %s: %w", argv[0], err)
	}
	return nil
}
