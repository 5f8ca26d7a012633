package secret

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Secret is a secret, or the place to read it from. In the configuration it is
// a plain string or one of {file: PATH}, {env: NAME}, {exec: [CMD, ARGS…]} and
// {credential: NAME}. The zero Secret is none.
type Secret struct {
	source source
	place  string   // path, variable or name; for exec the command
	args   []string // for exec, without the command
	origin string   // file and line that name it: "certctl.yaml:12"; "" if not known

	// plain is a pointer because fmt prints the fields of an unexported struct
	// field without asking our Format: of a pointer it prints the address.
	plain *string
}

type source string

const (
	fromConfig     source = "in the configuration file"
	fromFile       source = "file"
	fromEnv        source = "env"
	fromExec       source = "exec"
	fromCredential source = "credential"
)

// Plain returns a Secret that is the text itself.
func Plain(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{source: fromConfig, plain: &text}
}

// errForm does not repeat what it found: a secret in braces is a key to YAML.
var errForm = errors.New("a secret is a string, or one of {file: PATH}, {env: NAME}, {exec: [COMMAND, ARGUMENT…]}, {credential: NAME}")

// UnmarshalYAML reads a Secret from the configuration.
func (s *Secret) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		*s = Plain(text)
		return nil
	}
	var form map[string]any
	if unmarshal(&form) != nil || len(form) != 1 {
		return errForm
	}
	for key, value := range form {
		s.source = source(key)
		switch s.source {
		case fromExec:
			s.place, s.args = command(value)
		case fromFile, fromEnv, fromCredential:
			s.place, _ = value.(string)
		}
	}
	if s.place == "" {
		return errForm
	}
	return nil
}

// command reads a list of strings.
func command(value any) (name string, args []string) {
	values, _ := value.([]any)
	for _, v := range values {
		word, ok := v.(string)
		if !ok {
			return "", nil
		}
		args = append(args, word)
	}
	if len(args) == 0 {
		return "", nil
	}
	return args[0], args[1:]
}

// SetDir makes a relative path, of a secret's file or of its command, relative
// to dir. A command without a slash is looked up in $PATH as ever.
func (s *Secret) SetDir(dir string) {
	relative := !filepath.IsAbs(s.place)
	switch s.source {
	case fromFile:
		if relative {
			s.place = filepath.Join(dir, s.place)
		}
	case fromExec:
		if relative && filepath.Base(s.place) != s.place {
			s.place, _ = filepath.Abs(filepath.Join(dir, s.place))
		}
	}
}

// SetOrigin says by which line of the configuration the secret was named, as
// "certctl.yaml:12".
func (s *Secret) SetOrigin(origin string) { s.origin = origin }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.source == "" }

// IsPlain reports whether the secret is written in the configuration itself.
func (s Secret) IsPlain() bool { return s.source == fromConfig }

// String says where the secret comes from, never what it is. The arguments of
// a command are left out: people put tokens there.
func (s Secret) String() string {
	return strings.TrimSpace(string(s.source) + " " + s.place)
}

// Format shows the same as String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText shows the same as String, in JSON, YAML and slog too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
