package main

import (
	"os"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// editFile is "edit FILE REGEXP REPLACEMENT", where \n in the replacement is a
// line end.
func editFile(ts *testscript.TestScript, _ bool, args []string) {
	expr := regexp.MustCompile(args[1])
	text := ts.ReadFile(args[0])
	if !expr.MatchString(text) {
		ts.Fatalf("edit: %s has nothing like %s", args[0], args[1])
	}
	text = expr.ReplaceAllLiteralString(text, strings.ReplaceAll(args[2], `\n`, "\n"))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// addLine is "config SCOPE LINE": it adds a line to the credential for a scope,
// in place of the one that has the same key.
func addLine(ts *testscript.TestScript, _ bool, args []string) {
	key, _, _ := strings.Cut(args[1], ":")
	editCredential(ts, args[0], func(entry string) string {
		old := regexp.MustCompile(`(?m)^    ` + key + `:.*\n`)
		return old.ReplaceAllString(entry, "") + "    " + args[1] + "\n"
	})
}

// dropCredential is "drop SCOPE": it takes a credential out.
func dropCredential(ts *testscript.TestScript, _ bool, args []string) {
	editCredential(ts, args[0], func(string) string { return "" })
}

// editCredential changes the entry for a scope in the lab's configuration.
func editCredential(ts *testscript.TestScript, scope string, change func(string) string) {
	path := sceneOf(ts).lab.Config
	text := ts.ReadFile(path)
	entry := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(scope) + `:\n(    .*\n)+`).FindString(text)
	if entry == "" {
		ts.Fatalf("there is no credential for %s in %s", scope, path)
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(text, entry, change(entry), 1)), 0o600))
}
