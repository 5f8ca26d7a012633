package rfc2136

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"certctl/secret"
)

const maxKeyFile = 1 << 20

// bindKey is a key statement of named.conf, once comments are out of the way:
//
//	key "certctl-auth" { algorithm hmac-sha256; secret "…"; };
var (
	bindKey       = regexp.MustCompile(`(?s)\bkey\s+"?([^\s"{]+)"?\s*\{(.*?)\}`)
	bindAlgorithm = regexp.MustCompile(`\balgorithm\s+"?([^\s";]+)"?\s*;`)
	bindSecret    = regexp.MustCompile(`\bsecret\s+"?([^\s";]+)"?\s*;`)
	bindComment   = regexp.MustCompile(`(?s)/\*.*?\*/|(?m:(^|\s)(#|//)[^\n]*$)`)
)

// knotKey is an entry of the key: list of knot.conf:
//
//	key:
//	  - id: certctl-auth
//	    algorithm: hmac-sha256
//	    secret: …
var knotKey = regexp.MustCompile(`(?m)^\s*-?\s*(id|algorithm|secret):\s*"?([^\s"]+)"?\s*$`)

// readKeyFile returns the key in the file, complete. No error shows what is in
// the file.
func readKeyFile(c TSIG) (TSIG, error) {
	if !c.Secret.IsZero() || c.Algorithm != "" {
		return c, errors.New("file: it has the algorithm and the secret, name no others")
	}
	text, err := readFile(string(c.File))
	if err != nil {
		return c, fmt.Errorf("file %s: %w", c.File, err)
	}
	keys := parseKeys(text)
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
		if c.Name == "" && len(keys) == 1 || sameName(c.Name, k.Name) {
			k.File = c.File
			return k, nil
		}
	}
	switch {
	case len(keys) == 0:
		return c, fmt.Errorf("file %s: there is no key in it that has an algorithm and a secret", c.File)
	case c.Name == "":
		return c, fmt.Errorf("file %s: it has the keys %s: say which by name", c.File, strings.Join(names, ", "))
	}
	return c, fmt.Errorf("file %s: it has no key %s, only %s", c.File, c.Name, strings.Join(names, ", "))
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	return string(text), withoutPath(err)
}

// withoutPath leaves out the path, which the caller says.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// parseKeys returns the keys of a file of BIND or Knot.
func parseKeys(text string) []TSIG {
	var keys []TSIG
	for _, m := range bindKey.FindAllStringSubmatch(bindComment.ReplaceAllString(text, "$1"), -1) {
		algorithm, secret := bindAlgorithm.FindStringSubmatch(m[2]), bindSecret.FindStringSubmatch(m[2])
		if algorithm != nil && secret != nil {
			keys = append(keys, newTSIG(m[1], algorithm[1], secret[1]))
		}
	}
	var id, algorithm string
	for _, m := range knotKey.FindAllStringSubmatch(text, -1) {
		switch m[1] {
		case "id":
			id, algorithm = m[2], ""
		case "algorithm":
			algorithm = m[2]
		case "secret":
			if id != "" {
				keys = append(keys, newTSIG(id, algorithm, m[2]))
			}
		}
	}
	return keys
}

func newTSIG(name, algorithm, text string) TSIG {
	return TSIG{Name: name, Algorithm: algorithm, Secret: secret.Plain(text)}
}

// sameName compares names of keys, which are domain names.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
