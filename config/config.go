package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"

	"gopkg.in/yaml.v3"

	"certctl/secret"
)

// Config is a configuration file.
type Config struct {
	// ACME is the certificate authority to use; with a list the first one, the
	// others stand in for it. Default: Let's Encrypt.
	ACME []*ACME `yaml:"acme"`

	// State is the directory where accounts, keys and certificates are kept,
	// relative to this file. Default: $CERTCTL_STATE, else /var/lib/certctl for
	// root, $XDG_STATE_HOME/certctl (~/.local/state/certctl) for other users.
	State secret.Path `yaml:"state"`

	// Keep is how many versions of each certificate stay in the archive, the
	// live one among them.
	Keep int `yaml:"keep" default:"5"`

	// Resolver says how the DNS is asked. Default: as the system does.
	Resolver Resolver `yaml:"resolver"`

	// Zones maps each scope to the one credential that may write there. A scope
	// is a zone's apex, or a name in the zone when the credential is for that
	// name and those below it only. Of several that cover a place, the longest
	// is used.
	Zones []*Zone `yaml:"zones"`

	// Defaults are what holds for all certificates that do not say otherwise.
	Defaults Defaults `yaml:"defaults"`

	// Certificates maps names to certificates to keep valid. Those ordered with
	// "certctl issue -d" need no entry: the state directory remembers them.
	Certificates []*Certificate `yaml:"certificates"`

	// Hooks are commands to run before and after a run of issue or renew that
	// has something to do.
	Hooks Hooks `yaml:"hooks"`

	// Renew says how "certctl renew" does its work.
	Renew Renew `yaml:"renew"`

	// Metrics says where monitoring finds numbers about the certificates.
	Metrics Metrics `yaml:"metrics"`

	// Log says how lines about the work are written.
	Log Log `yaml:"log"`

	// NameServer is what "certctl nameserver" serves. Default: nothing.
	NameServer *NameServer `yaml:"nameserver"`

	file *file
}

// Load reads a configuration file. The error holds a *Problem for each thing
// that is wrong.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSize {
		return nil, &Problem{File: path, Err: fmt.Errorf("it is larger than %d MB", maxSize>>20)}
	}
	exposed := runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&0o004 != 0
	return parse(&file{path: path, dir: filepath.Dir(path), exposed: exposed}, text)
}

const maxSize = 16 << 20

// None returns the configuration of a run that has no file: all defaults. Its
// path is "".
func None() (*Config, error) { return parse(&file{}, nil) }

func parse(f *file, text []byte) (*Config, error) {
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := reader.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(f.path, text, err)
	}
	d := &decoder{file: f}
	if err := reader.Decode(&second); !errors.Is(err, io.EOF) {
		d.problem(second.Line, "there is a second YAML document: one is expected")
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	if len(document.Content) > 0 && target(document.Content[0]).ShortTag() != "!!null" {
		root = target(document.Content[0])
	}
	c := &Config{file: f}
	d.structure(root, reflect.ValueOf(c).Elem(), "the file")
	if d.visited > maxNodes {
		d.problem(0, "aliases blow it up to more than %d values", maxNodes)
	}
	if len(d.problems) > 0 {
		return nil, joined(d.problems)
	}
	return c, nil
}

func (c *Config) check(at place) {
	if c.Keep < 1 {
		at.problem("keep", "keep: 1 or more is expected")
	}
	if len(c.ACME) == 0 {
		c.ACME = []*ACME{{Directory: LetsEncrypt}}
	}
	directories := map[string]bool{}
	for _, a := range c.ACME {
		if url := a.URL(); directories[url] {
			at.problem("acme", "the directory %s is listed twice: accounts there are told apart by account", a.Directory)
		} else {
			directories[url] = true
		}
	}
	for _, cert := range c.Certificates {
		cert.checkCA(directories)
	}
	scopes := map[string]int{}
	for _, z := range c.Zones {
		if line := scopes[z.Scope]; line != 0 {
			at.decoder.problem(z.at.node.Line, "the scope %s is also in line %d", printable(z.Scope), line)
		}
		scopes[z.Scope] = z.at.node.Line
	}
	copies := map[string]bool{}
	for _, cert := range c.Certificates {
		for _, i := range cert.Install {
			what, path := i.What()
			if path != "" && copies[path] {
				at.problem("certificates", "certificate %s: install: %s: another copy goes to the same file", cert.Name, what)
			}
			copies[path] = true
		}
	}
}

// Path returns the path of the file, "" where there is none.
func (c *Config) Path() string { return c.file.path }

// Warnings returns what is unsafe but works, each with file and line: secret
// files, and secrets in this file, that everybody can read. Those in a zone's
// own keys are found by Zone.Decode.
func (c *Config) Warnings() []string { return c.file.warnings }

// StateDir returns the state directory.
func (c *Config) StateDir(getenv func(string) string) string {
	if c.State != "" {
		return string(c.State)
	}
	return DefaultState(getenv)
}

// RootState is the state directory of root by default.
const RootState = "/var/lib/certctl"

// DefaultState returns the state directory that is used when none is configured:
// the one in $CERTCTL_STATE, else what the comment on State says.
func DefaultState(getenv func(string) string) string {
	switch dir := getenv("XDG_STATE_HOME"); {
	case getenv("CERTCTL_STATE") != "":
		return getenv("CERTCTL_STATE")
	case runtime.GOOS == "windows":
		return filepath.Join(getenv("ProgramData"), "certctl")
	case os.Geteuid() != 0 && filepath.IsAbs(dir):
		return filepath.Join(dir, "certctl")
	case os.Geteuid() == 0 || getenv("HOME") == "": // never where somebody happens to be
		return RootState
	}
	return filepath.Join(getenv("HOME"), ".local", "state", "certctl")
}
