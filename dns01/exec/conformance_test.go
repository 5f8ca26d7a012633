package exec_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/exec"
	"certctl/secret"
)

const zone delegation.Name = "auth.example.net."

// TestMain is the test, or a hook: "hook DIRECTORY present|cleanup".
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "hook" {
		if err := runHook(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err, os.Getenv("TOKEN"))
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runHook does what the JSON on standard input says: a file has the values of
// an owner, one a line. It is not fit for two runs at a time.
func runHook(dir, action string) error {
	var r struct {
		FQDN, Zone, Name, Value string
		TTL                     int
	}
	d := json.NewDecoder(os.Stdin)
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return err
	}
	owner := delegation.Name(r.FQDN)
	if r.Zone != zone.String() || r.Name != owner.Relative(zone) || action == "present" && r.TTL != 60 {
		return fmt.Errorf("got %+v", r)
	}
	values := slices.DeleteFunc(readValues(dir, owner), func(v string) bool { return v == r.Value })
	if action == "present" {
		values = append(values, r.Value)
	}
	var text strings.Builder
	for _, v := range values {
		fmt.Fprintln(&text, v)
	}
	return os.WriteFile(filepath.Join(dir, r.FQDN), []byte(text.String()), 0o600)
}

func readValues(dir string, owner delegation.Name) []string {
	text, err := os.ReadFile(filepath.Join(dir, owner.String()))
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestConformance(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		dir := t.TempDir()
		return begin(t, dir, exec.Config{Command: exec.Command{self, "hook", dir}})
	})
}

const legoHook = `#!/bin/sh
file=$(dirname "$0")/$2
touch "$file"
case $1 in
present) grep -qxF -e "$3" "$file" || printf '%s\n' "$3" >>"$file" ;;
cleanup) grep -vxF -e "$3" "$file" >"$file.new"; mv "$file.new" "$file" ;;
*) exit 2 ;;
esac
`

func TestLegoConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		dir := t.TempDir()
		return begin(t, dir, exec.Config{Style: "lego", Command: exec.Command{script(t, dir, "hook.sh", legoHook)}})
	})
}

// begin returns a provider whose hook keeps values in a directory.
func begin(t *testing.T, dir string, c exec.Config) (dns01.Provider, conformance.World) {
	t.Helper()
	c.Environment = map[string]secret.Secret{
		"TOKEN":  secret.Plain("t0ken-that-must-not-show"),
		"GORACE": secret.Plain("atexit_sleep_ms=0"), // the hook may be this very test
	}
	return open(t, c), conformance.World{
		Zone:   zone,
		Values: func(owner delegation.Name) []string { return readValues(dir, owner) },
		Add: func(owner delegation.Name, value string) {
			file, err := os.OpenFile(filepath.Join(dir, owner.String()), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			fmt.Fprintln(file, value)
		},
		Secrets: []string{"t0ken-that-must-not-show"},
	}
}

func open(t *testing.T, c exec.Config) dns01.Provider {
	t.Helper()
	return conformance.Open(t, exec.New, c, zone)
}

// script writes a program and returns its path.
func script(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
