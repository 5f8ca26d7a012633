// Certctl orders certificates from ACME certificate authorities, for names
// whose validation record is delegated elsewhere and for those where it is not.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"certctl/acme"
	"certctl/cli"
	"certctl/issuance"
	"certctl/secret"
)

func main() { os.Exit(run(cli.SystemProcess())) }

// run cleans up and ends at the first interrupt, and ends at once at the second.
func run(p *cli.Process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	err := cli.Run(ctx, p)
	complain(p, err)
	return exitCode(err)
}

// complain is the one place where errors and their hints are shown. A program
// in the lab, and status, have said themselves what is wrong, and that nothing
// is due is no error.
func complain(p *cli.Process, err error) {
	var program *cli.ProgramError
	var nothing *cli.NothingDueError
	var status *cli.StatusError
	if err == nil || errors.As(err, &program) || errors.As(err, &nothing) || errors.As(err, &status) {
		return
	}
	p.Complain(err)
}

// exitCode is the table of exit codes of the manual.
func exitCode(err error) int {
	var (
		usage       *cli.UsageError
		nothing     *cli.NothingDueError
		partial     *cli.PartialError
		notReady    *cli.NotReadyError
		interrupted *cli.InterruptedError
		broad       *cli.BroadKeyError
		program     *cli.ProgramError
		directory   *acme.DirectoryError
		problem     *acme.Problem
		step        *issuance.StepError
		unread      *secret.Error
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &program):
		return program.Code
	case errors.As(err, &interrupted):
		return 130
	case errors.As(err, &usage):
		return 2
	case errors.As(err, &nothing):
		return 3
	case errors.As(err, &partial):
		return 4
	case errors.As(err, &directory):
		return 1
	case errors.As(err, &problem):
		return 6
	case errors.As(err, &unread) && unread.Configured():
		return 2
	case errors.As(err, &notReady), errors.As(err, &step) && step.AboutDNS():
		return 5
	case errors.As(err, &broad):
		return 7
	}
	return 1
}
