package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// findRecords is "[!] records [REGEXP]": whether there are TXT records in the
// zones of the world.
func findRecords(ts *testscript.TestScript, neg bool, args []string) {
	var all []string
	for _, z := range sceneOf(ts).zones {
		all = append(all, z.Records("TXT")...)
	}
	expect(ts, neg, "TXT records", all, args)
}

// findUpdates is "[!] updates [-count=N] [REGEXP]": whether there were updates
// like this.
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

// findLog is "[!] ca [-count=N] [REGEXP]": whether the CA's log has lines like
// this.
func findLog(ts *testscript.TestScript, neg bool, args []string) {
	expect(ts, neg, "lines of the CA", slices.Collect(strings.Lines(sceneOf(ts).log.String())), args)
}

// expect checks that some lines match, or with -count=N so many, or with neg
// none.
func expect(ts *testscript.TestScript, neg bool, what string, lines, args []string) {
	count := -1
	if len(args) > 0 && strings.HasPrefix(args[0], "-count=") {
		var err error
		count, err = strconv.Atoi(strings.TrimPrefix(args[0], "-count="))
		ts.Check(err)
		args = args[1:]
	}
	expr := regexp.MustCompile(strings.Join(args, " "))
	found := 0
	for _, line := range lines {
		if expr.MatchString(line) {
			found++
		}
	}
	switch {
	case count >= 0 && found != count:
		ts.Fatalf("got %d %s like %q, want %d: %q", found, what, expr, count, lines)
	case count < 0 && (found > 0) == neg:
		ts.Fatalf("got %s %q, want some like %q: %t", what, lines, expr, !neg)
	}
}

// checkCertificate is "certificate NAME DOMAIN…": the live certificate is for
// exactly these domains and IP addresses, fits its key and chains up to the CA's root, and its
// files are for their owner only.
func checkCertificate(ts *testscript.TestScript, _ bool, args []string) {
	l := sceneOf(ts).lab
	live := filepath.Join(l.State, "live", args[0])
	pair, err := tls.LoadX509KeyPair(filepath.Join(live, "fullchain.pem"), filepath.Join(live, "privkey.pem"))
	ts.Check(err)
	names := pair.Leaf.DNSNames
	for _, ip := range pair.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	got, want := slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, want) {
		ts.Fatalf("got a certificate for %q, want %q", got, want)
	}
	ts.Check(verify(pair, l.RootFile))
	info, err := os.Stat(filepath.Join(live, "privkey.pem"))
	ts.Check(err)
	if info.Mode().Perm() != 0o600 {
		ts.Fatalf("got mode %04o of privkey.pem, want 0600", info.Mode().Perm())
	}
}

// verify checks that a chain leads to a root.
func verify(pair tls.Certificate, rootFile string) error {
	pem, err := os.ReadFile(rootFile)
	if err != nil {
		return err
	}
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, der := range pair.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		others.AddCert(c)
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: others})
	return err
}

// checkJSON is "json [PATH REGEXP]": stdout is exactly one JSON document, and
// the value at a path like certificates.0.status is like this.
func checkJSON(ts *testscript.TestScript, _ bool, args []string) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var value any
	ts.Check(d.Decode(&value))
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		ts.Fatalf("there is more after the JSON document: %v", err)
	}
	if len(args) == 0 {
		return
	}
	for word := range strings.SplitSeq(args[0], ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[word]
		case []any:
			n, err := strconv.Atoi(word)
			ts.Check(err)
			value = v[n]
		default:
			ts.Fatalf("there is no %s in %v", word, value)
		}
	}
	if got := fmt.Sprint(value); !regexp.MustCompile(args[1]).MatchString(got) {
		ts.Fatalf("%s: got %s, want like %q", args[0], got, args[1])
	}
}

// capture is "capture VARIABLE REGEXP": it puts what the expression, or its
// first group, matches in stdout into the variable.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("nothing like %q in stdout", args[1])
	}
	ts.Setenv(args[0], found[len(found)-1])
}
