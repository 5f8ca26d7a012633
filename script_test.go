package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"certctl/cli"
	"certctl/issuance"
	"certctl/lab"
	"certctl/lab/authority"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"certctl":        main,
		"certctl-killed": killed,
	})
}

// TestScripts runs the real program in each script of testdata. A script's
// first command is usually lab: it starts a lab of the script's own, in the
// directory lab, and names its configuration in $CERTCTL_CONFIG. When the
// script ends, the rule of scope is checked for all updates that it caused.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			e.Values[sceneKey{}] = new(scene)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"lab":     startLab,
			"fault":   setFault,
			"lag":     setLag,
			"zone":    editZone,
			"edit":    editFile,
			"records": findRecords,
			"updates": findUpdates,
			"journal": findJournal,
			"killed":  killAndRunAgain,
		},
	})
}

// killed is certctl, killed as by kill -9 at the moment of the event whose type
// is named in $KILL_AT.
func killed() {
	p := cli.SystemProcess()
	p.Watch = func(e issuance.Event) {
		if moment(e) == os.Getenv("KILL_AT") {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
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

// sceneKey finds the scene of a script.
type sceneKey struct{}

// scene is the world of one script.
type scene struct {
	lab   *lab.Lab
	zones map[string]*authority.Zone
}

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

// startLab is "lab [key=value | APEX.zone]…": it starts a lab with settings of
// the CA (noncereject, reuse) and further zones or records, from files that
// are named for the zone. The first line of a file for a new zone names its
// servers: "; servers ns1.example.net. ns2.example.net.", and ends in "key" if
// the zone is to take updates.
func startLab(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	s.zones = make(map[string]*authority.Zone)
	o := lab.Options{Dir: ts.MkAbs("lab"), CA: lab.CA{AlternateRoots: 1}}
	for _, arg := range args {
		if key, value, found := strings.Cut(arg, "="); found {
			number, err := strconv.Atoi(value)
			ts.Check(err)
			switch key {
			case "noncereject":
				o.CA.NonceReject = number
			case "reuse":
				o.CA.AuthzReuse = number
			default:
				ts.Fatalf("lab: unknown setting %s", key)
			}
		}
	}
	o.Extend = func(b *lab.Builder) { s.extend(ts, b, args) }
	l, err := lab.Start(context.Background(), o)
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Defer(func() { checkScope(ts, l) })
	s.lab = l
	for _, z := range l.Zones {
		s.zones[z.Apex()] = z.Zone
	}
	for _, variable := range l.Env() {
		name, value, _ := strings.Cut(variable, "=")
		ts.Setenv(name, value)
	}
	ts.Setenv("STATE", l.State)
}

// extend adds the zones and records of the files among the arguments.
func (s *scene) extend(ts *testscript.TestScript, b *lab.Builder, args []string) {
	s.zones["example.com."], s.zones["example.net."] = b.Main, b.Other
	for _, file := range args {
		apex, isZone := strings.CutSuffix(filepath.Base(file), "zone")
		if !isZone {
			continue
		}
		text := ts.ReadFile(file)
		if z, known := s.zones[apex]; known {
			z.Text(text)
			continue
		}
		first, _, _ := strings.Cut(text, "\n")
		servers, takesUpdates := strings.CutSuffix(strings.TrimPrefix(first, "; servers "), " key")
		if takesUpdates {
			s.zones[apex] = b.Challenge("certctl-"+strings.TrimSuffix(apex, "."), apex, text, strings.Fields(servers)...).Zone
		} else {
			s.zones[apex] = b.World.Zone(apex, text, strings.Fields(servers)...)
		}
	}
}

// checkScope checks that every update was signed with the key of the very zone
// that it was for, and that no query to an authoritative server asked for
// recursion.
func checkScope(ts *testscript.TestScript, l *lab.Lab) {
	for _, u := range l.World.Updates() {
		own := slices.ContainsFunc(l.Zones, func(z lab.Zone) bool { return z.Apex() == u.Zone && z.Key.Name == u.Key })
		if !own {
			ts.Fatalf("an update with a key that is not the zone's: %s", u)
		}
	}
	for _, q := range l.World.Queries() {
		if q.RD {
			ts.Fatalf("a query for recursion to an authoritative server: %s", q)
		}
	}
}

// setFault is "fault SERVER FAULT…".
func setFault(ts *testscript.TestScript, _ bool, args []string) {
	var f authority.Fault
	for _, word := range args[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "none":
		case "dead":
			f.Dead = true
		case "refuse":
			f.Refuse = true
		case "noaa":
			f.NoAA = true
		case "servfail":
			f.Servfail = -1
			if value != "" {
				f.Servfail, _ = strconv.Atoi(value)
			}
		case "notcp":
			f.NoTCP = true
		case "truncate":
			f.Truncate = true
		case "lowercase":
			f.LowerCase = true
		case "noupdates":
			f.NoUpdates = true
		case "swallow":
			f.Swallow = true
		case "clock":
			f.ClockAhead, _ = time.ParseDuration(value)
		case "lies":
			f.Lies = ts.ReadFile(value)
		default:
			ts.Fatalf("fault: unknown fault %s", name)
		}
	}
	sceneOf(ts).lab.World.Server(args[0]).Fault(f)
}

// setLag is "lag SERVER DURATION|never".
func setLag(ts *testscript.TestScript, _ bool, args []string) {
	lag := time.Duration(authority.Never)
	if args[1] != "never" {
		var err error
		lag, err = time.ParseDuration(args[1])
		ts.Check(err)
	}
	sceneOf(ts).lab.World.Server(args[0]).Lag(lag)
}

// editZone is "zone add|remove APEX RECORD".
func editZone(ts *testscript.TestScript, _ bool, args []string) {
	z := sceneOf(ts).zones[args[1]]
	switch text := strings.Join(args[2:], " "); args[0] {
	case "add":
		z.Add(text)
	case "remove":
		z.Remove(text)
	}
}

// editFile is "edit FILE REGEXP REPLACEMENT".
func editFile(ts *testscript.TestScript, _ bool, args []string) {
	expr := regexp.MustCompile(args[1])
	text := ts.ReadFile(args[0])
	if !expr.MatchString(text) {
		ts.Fatalf("edit: %s has nothing like %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(expr.ReplaceAllString(text, args[2])), 0o600))
}

// killAndRunAgain is "killed MOMENT ARGS…": certctl with these arguments, killed
// at a moment, and then once more. Of the killed run no record is left, and of
// the second neither.
func killAndRunAgain(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("KILL_AT", args[0])
	if err := ts.Exec("certctl-killed", args[1:]...); err == nil {
		ts.Fatalf("it was not killed at %s", args[0])
	}
	ts.Check(ts.Exec("certctl", args[1:]...))
	findRecords(ts, true, nil)
	findJournal(ts, true, nil)
}

// findRecords is "[!] records [REGEXP]": whether there are TXT records in the
// zones of the world.
func findRecords(ts *testscript.TestScript, neg bool, args []string) {
	var all []string
	for _, z := range sceneOf(ts).zones {
		all = append(all, z.Records("TXT")...)
	}
	expect(ts, neg, "TXT records", all, args)
}

// findUpdates is "[!] updates [REGEXP]": whether there were updates like this.
func findUpdates(ts *testscript.TestScript, neg bool, args []string) {
	var all []string
	for _, u := range sceneOf(ts).lab.World.Updates() {
		all = append(all, u.String())
	}
	expect(ts, neg, "updates", all, args)
}

// findJournal is "[!] journal [REGEXP]": whether there are entries like this.
func findJournal(ts *testscript.TestScript, neg bool, args []string) {
	text, err := os.ReadFile(filepath.Join(sceneOf(ts).lab.State, "journal.jsonl"))
	if err != nil && !os.IsNotExist(err) {
		ts.Check(err)
	}
	expect(ts, neg, "journal entries", slices.Collect(strings.Lines(string(text))), args)
}

// expect checks that some lines match, or with neg that none does.
func expect(ts *testscript.TestScript, neg bool, what string, lines, args []string) {
	expr := regexp.MustCompile(strings.Join(args, " "))
	found := slices.ContainsFunc(lines, expr.MatchString)
	if found == neg {
		ts.Fatalf("got %s %q, want some like %q: %t", what, lines, expr, !neg)
	}
}
