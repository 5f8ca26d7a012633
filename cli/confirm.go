package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func yesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "yes", Aliases: []string{"y", "non-interactive", "n"}, Usage: "do it without asking"}
}

// confirm asks on the terminal whether to go on. Where nobody can be asked, and
// --yes is not given, the answer is no.
func (p *Process) confirm(c *cli.Context, question string) error {
	if c.Bool("yes") {
		return nil
	}
	file, ok := p.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return usagef("--yes does it without asking", "nobody is there to be asked: %s", question)
	}
	fmt.Fprintf(p.Stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(file).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return usagef("", "nothing is done")
}
