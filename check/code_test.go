package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// elsewhere are the codes that TestFindings has no world for, and the tests that
// have.
var elsewhere = map[Code]string{
	"credential-untried": "TestUntried",
	"key-unclear":        "TestBreadth",
	"key-floor":          "TestBreadth",
	"ns-private":         "TestPrivateAddress",
	"dnssec-secure":      "TestChains",
	"dnssec-insecure":    "TestChains",
	"dnssec-bogus":       "TestChains",
	"dnssec-unknown":     "TestChains",
	"dnssec-lapse":       "TestChains",
	"dnssec-expiring":    "TestChains",
	"canary":             "TestCanary",
	"canary-failed":      "TestCanaryLost",
	"canary-left":        "TestCanaryStays",
	"address":            "TestDirect",
	"address-none":       "TestDirectNowhere",
	"address-elsewhere":  "TestAddressElsewhere",
	"answer-seen":        "TestDirect",
	"answer-wrong":       "TestDirectElsewhere",
	"redirected":         "TestDirectRedirect",
	"port-open":          "TestDirect",
	"port-closed":        "TestDirect",
	"port-taken":         "TestDirect",
	"port-untried":       "TestDirectNowhere",
	"webroot-unfit":      "TestDirectPlace",
	"zone-undelegated":   "TestHosted",
	"zone-elsewhere":     "TestHosted",
	"negative-wrong":     "TestHosted",
	"edns-odd":           "TestHosted",
	"ds-missing":         "TestHostedSigned",
}

// Every code of the table is found somewhere, and has a test; no other is.
func TestCodes(t *testing.T) {
	used := usedCodes(t)
	seen := map[Code]bool{}
	for _, m := range Codes() {
		if seen[m.Code] {
			t.Errorf("%s is in the table twice", m.Code)
		}
		seen[m.Code] = true
		if !slices.Contains(severities, m.Severity) || m.Text == "" || strings.HasSuffix(m.Text, ".") {
			t.Errorf("%s: got severity %q and text %q", m.Code, m.Severity, m.Text)
		}
		if !used[m.Code] {
			t.Errorf("%s is never found", m.Code)
		}
		tested := slices.ContainsFunc(cases, func(c aCase) bool { return c.code == m.Code })
		if _, ok := elsewhere[m.Code]; ok == tested {
			t.Errorf("%s: got tests in TestFindings: %t, elsewhere: %t, want one of them", m.Code, tested, ok)
		}
	}
	for code := range used {
		if !seen[code] {
			t.Errorf("%s is not in the table", code)
		}
	}
}

// usedCodes returns the codes that findings are made with.
func usedCodes(t *testing.T) map[Code]bool {
	t.Helper()
	used := map[Code]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 4 {
				return true
			}
			f, isMethod := call.Fun.(*ast.SelectorExpr)
			code, isWord := call.Args[0].(*ast.BasicLit)
			if isMethod && f.Sel.Name == "add" && isWord {
				word, _ := strconv.Unquote(code.Value)
				used[Code(word)] = true
			}
			return true
		})
	}
	return used
}

func TestUnknownCode(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("got a severity of a code that there is not")
		}
	}()
	Code("no-such").Severity()
}

// Groups come in the order of the names, errors first.
func TestGroups(t *testing.T) {
	var fs findings
	fs.add("serial", "zone.test", "a", "")
	fs.add("target", "b.test", "b", "")
	fs.add("alias-loop", "b.test", "c", "")
	fs.add("alias-long", "b.test", "d", "")
	r := &Report{Domains: []string{"a.test", "b.test"}, Findings: fs}
	var got []string
	for _, g := range r.Groups() {
		line := g.Name + ":"
		for _, f := range g.Findings {
			line += " " + string(f.Code)
		}
		got = append(got, line)
	}
	want := []string{"a.test:", "b.test: alias-loop alias-long target", "zone.test: serial"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
