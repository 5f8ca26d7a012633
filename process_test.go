package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"certctl/cli"
	"certctl/issuance"
)

// stopped is certctl, stopped at the moment of the event whose type is named in
// $STOP_AT: by $STOP_WITH, as by kill -9 or as by Ctrl-C.
func stopped() {
	p := cli.SystemProcess()
	p.Watch = func(e issuance.Event) {
		if moment(e) != os.Getenv("STOP_AT") {
			return
		}
		self, _ := os.FindProcess(os.Getpid())
		if os.Getenv("STOP_WITH") == "kill" {
			_ = self.Kill()
			select {}
		}
		interrupts := make(chan os.Signal, 1)
		signal.Notify(interrupts, os.Interrupt)
		_ = self.Signal(os.Interrupt)
		<-interrupts
	}
	os.Exit(run(p))
}

// moment names an event: its type, and the step that begins or ends.
func moment(e issuance.Event) string {
	switch e := e.(type) {
	case issuance.Began:
		return "Began-" + string(e.Step)
	case issuance.Ended:
		return "Ended-" + string(e.Step)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", e), "issuance.")
}

// stop runs certctl with these arguments and stops it at a moment.
func stop(ts *testscript.TestScript, how, moment string, args []string) error {
	ts.Setenv("STOP_AT", moment)
	ts.Setenv("STOP_WITH", how)
	return ts.Exec("certctl-stopped", args...)
}

// killAndRunAgain is "killed MOMENT ARGS…": certctl with these arguments,
// killed at a moment, and then once more. Of the second run no record is left,
// nor of the first.
func killAndRunAgain(ts *testscript.TestScript, _ bool, args []string) {
	if err := stop(ts, "kill", args[0], args[1:]); err == nil {
		ts.Fatalf("it was not killed at %s", args[0])
	}
	ts.Check(ts.Exec("certctl", args[1:]...))
	findRecords(ts, true, nil)
	findJournal(ts, true, nil)
}

// interrupted is "interrupted MOMENT ARGS…": certctl with these arguments,
// interrupted at a moment. Nothing is left of it.
func interrupted(ts *testscript.TestScript, _ bool, args []string) {
	checkCode(ts, stop(ts, "interrupt", args[0], args[1:]), "130")
	findRecords(ts, true, nil)
	findJournal(ts, true, nil)
}

// exits is "exits CODE PROGRAM ARGS…": it runs a program that ends with this
// exit code, and shows no secret.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	checkCode(ts, ts.Exec(args[1], args[2:]...), args[0])
	for _, stream := range []string{"stdout", "stderr"} {
		sceneOf(ts).checkText(ts, stream, ts.ReadFile(stream))
	}
}

// checkCode checks the exit code of a program that ended with err.
func checkCode(ts *testscript.TestScript, err error, want string) {
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("got exit code %d, want %s", got, want)
	}
}

// background is a run of a program that the script does not wait for yet.
type background struct {
	command *exec.Cmd
	output  buffer
	ended   chan struct{}
	err     error // once it has ended
}

// start is "start NAME PROGRAM ARGS…".
func start(ts *testscript.TestScript, _ bool, args []string) {
	r := &background{ended: make(chan struct{})}
	r.command = exec.Command(args[1], args[2:]...)
	r.command.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TZ", "TMPDIR", "CERTCTL_CONFIG"} {
		r.command.Env = append(r.command.Env, name+"="+ts.Getenv(name))
	}
	r.command.Stdout, r.command.Stderr = &r.output, &r.output
	ts.Check(r.command.Start())
	sceneOf(ts).runs[args[0]] = r
	go func() {
		r.err = r.command.Wait()
		close(r.ended)
	}()
}

// patience is for programs that never do what a script waits for.
const patience = 20 * time.Second

// shows is "shows NAME REGEXP": it waits until a run has written a line like
// this, to stdout or stderr.
func shows(ts *testscript.TestScript, _ bool, args []string) {
	r, expr := runOf(ts, args[0]), regexp.MustCompile("(?m)"+args[1])
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !expr.MatchString(r.output.String()); {
		select {
		case <-tick.C:
		case <-r.ended:
			if !expr.MatchString(r.output.String()) {
				ts.Fatalf("%s ended (%v) without %q:\n%s", args[0], r.err, expr, &r.output)
			}
		case <-late:
			ts.Fatalf("%s does not show %q:\n%s", args[0], expr, &r.output)
		}
	}
}

// signalRun is "signal NAME INT|TERM|HUP|KILL".
func signalRun(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": os.Kill}
	ts.Check(runOf(ts, args[0]).command.Process.Signal(signals[args[1]]))
}

// ends is "ends NAME CODE": it waits until a run ends, with this exit code.
func ends(ts *testscript.TestScript, _ bool, args []string) {
	r := runOf(ts, args[0])
	select {
	case <-r.ended:
	case <-time.After(patience):
		ts.Fatalf("%s does not end:\n%s", args[0], &r.output)
	}
	ts.Logf("%s:\n%s", args[0], &r.output)
	sceneOf(ts).checkText(ts, args[0], r.output.String())
	checkCode(ts, r.err, args[1])
}

func runOf(ts *testscript.TestScript, name string) *background {
	r := sceneOf(ts).runs[name]
	if r == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return r
}

// kill ends a run that the script has left running.
func (r *background) kill() {
	_ = r.command.Process.Kill()
	<-r.ended
}
