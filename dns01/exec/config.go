package exec

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/hook"
	"certctl/secret"
)

// Config is an entry of zones: with provider: exec.
type Config struct {
	// Command is the program and its arguments, as a list or as one line that is
	// split by the quoting rules of shells; no shell runs. With style: acme.sh it
	// is the file with the functions, or a list of acme.sh itself and that file.
	Command Command `yaml:"command" required:"true"`

	// Cleanup is the command that removes, for style: certbot only, where that is
	// another one.
	Cleanup Command `yaml:"cleanup,omitempty"`

	// Style is the dialect that the command speaks: certctl (the default),
	// certbot, dehydrated, acme.sh, lego or uacme.
	Style string `yaml:"style,omitempty" default:"certctl" enum:"certctl,certbot,dehydrated,acme.sh,lego,uacme"`

	// Environment is what the command gets in its environment, beside PATH, HOME
	// and the like: the keys that it needs, each a secret.
	Environment map[string]secret.Secret `yaml:"environment,omitempty"`

	// Timeout is how long one run may take. Default: 2m.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

const defaultTimeout = 2 * time.Minute

// Command is a program and its arguments.
type Command []string

// UnmarshalYAML reads a list of words, or a line.
func (c *Command) UnmarshalYAML(unmarshal func(any) error) error {
	var line string
	if unmarshal(&line) == nil {
		words, err := hook.Split(line)
		*c = words
		return err
	}
	var words []string
	if unmarshal(&words) != nil || len(words) == 0 || words[0] == "" {
		return errors.New("a command is a line, or a list of the program and its arguments")
	}
	*c = words
	return nil
}

// SetDir makes a relative path of the program relative to dir. A program without
// a slash is looked up in $PATH.
func (c Command) SetDir(dir string) {
	if len(c) > 0 && !filepath.IsAbs(c[0]) && filepath.Base(c[0]) != c[0] {
		c[0], _ = filepath.Abs(filepath.Join(dir, c[0]))
	}
}

// String returns the program, and of its arguments how many there are: people
// put tokens there.
func (c Command) String() string {
	switch len(c) {
	case 0:
		return ""
	case 1:
		return c[0]
	case 2:
		return c[0] + " with 1 argument"
	}
	return fmt.Sprintf("%s with %d arguments", c[0], len(c)-1)
}

// Format shows the same as String for every verb.
func (c Command) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalText shows the same as String.
func (c Command) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	c.Style, c.Timeout = cmp.Or(c.Style, certctl), cmp.Or(c.Timeout, defaultTimeout)
	if err := c.check(); err != nil {
		return nil, err
	}
	if len(c.Cleanup) == 0 {
		c.Cleanup = c.Command
	}
	return &provider{
		scope: scope, config: c,
		turn:   guard.NewTurn(),
		output: make(map[key]string),
	}, nil
}

func (c Config) check() error {
	if len(c.Command) == 0 {
		return errors.New("command: it is missing")
	}
	if _, known := dialects()[c.Style]; !known {
		return fmt.Errorf("style: %q is none of %s", c.Style, strings.Join(slices.Sorted(maps.Keys(dialects())), ", "))
	}
	if c.Timeout < 0 {
		return fmt.Errorf("timeout: %v is less than nothing", c.Timeout)
	}
	for name := range c.Environment {
		if !variable.MatchString(name) {
			return fmt.Errorf("environment: %q is no name of a variable", name)
		}
	}
	switch {
	case c.Style == certbot && len(c.Cleanup) == 0:
		return errors.New("cleanup: it is missing: certbot has a second hook, which removes")
	case c.Style != certbot && len(c.Cleanup) > 0:
		return fmt.Errorf("cleanup: a hook in the style of %s does both", c.Style)
	case c.Style == acmesh:
		return c.checkFiles()
	}
	return nil
}

// checkFiles checks that what a shell is to read are paths: it would look
// other names up in $PATH.
func (c Config) checkFiles() error {
	for _, file := range c.Command {
		if !filepath.IsAbs(file) {
			return fmt.Errorf("command: with style: acme.sh a path is expected, like ./dns_name.sh or /etc/certctl/dns_name.sh, and all after the first must begin with /")
		}
	}
	if file := filepath.Base(c.Command[len(c.Command)-1]); !hookFile.MatchString(file) {
		return fmt.Errorf("command: with style: acme.sh the file is called dns_NAME.sh, and not %s", file)
	}
	return nil
}
