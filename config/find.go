package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Find returns the path of the configuration file: the one given with --config,
// else the one in $CERTCTL_CONFIG, else the first that exists of ./certctl.yaml,
// $XDG_CONFIG_HOME/certctl/certctl.yaml (~/.config/certctl/certctl.yaml) and
// /etc/certctl/certctl.yaml. The error is a *NotFoundError if there is none.
func Find(flag string, getenv func(string) string) (string, error) {
	for _, path := range []string{flag, getenv("CERTCTL_CONFIG")} {
		if path != "" {
			return path, nil // Load says if it does not exist
		}
	}
	places := places(getenv)
	for _, path := range places {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil // Load says if it cannot be read
		}
	}
	return "", &NotFoundError{places}
}

func places(getenv func(string) string) []string {
	const name = "certctl.yaml"
	user, system := getenv("XDG_CONFIG_HOME"), "/etc"
	if home := getenv("HOME"); !filepath.IsAbs(user) && home != "" {
		user = filepath.Join(home, ".config")
	}
	if runtime.GOOS == "windows" {
		user, system = getenv("AppData"), getenv("ProgramData")
	}
	places := []string{name}
	for _, dir := range []string{user, system} {
		if filepath.IsAbs(dir) { // others are to be ignored, says the XDG specification
			places = append(places, filepath.Join(dir, "certctl", name))
		}
	}
	return places
}

// Preferred returns where a configuration file that does not exist yet is best
// made: /etc/certctl/certctl.yaml for root, $XDG_CONFIG_HOME/certctl/certctl.yaml
// for others.
func Preferred(getenv func(string) string) string {
	places := places(getenv)
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		return places[len(places)-1]
	}
	return places[min(1, len(places)-1)]
}

// NotFoundError says that there is no configuration file.
type NotFoundError struct {
	Looked []string // paths where one was looked for
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no configuration file: looked for %s", strings.Join(e.Looked, ", "))
}

// Hint shows the least that a configuration can be, and when none is needed.
func (e *NotFoundError) Hint() string {
	return `write one, as this command does:
  certctl config init --email you@example.com --agree-tos --zone auth.example.net --provider rfc2136
` + minimal + `
Where this machine itself answers at port 80 (or 443: tls-alpn-01), none is needed:
  certctl issue --challenge http-01 --email you@example.com --agree-tos -d www.example.com
To see it work first, without a CA or a zone of your own:
  certctl lab issue -d example.com`
}

const minimal = `
acme:
  email: you@example.com
  agree_tos: true              # to the CA's terms of service
zones:
  auth.example.net:            # the zone that _acme-challenge is delegated to, or is in
    provider: rfc2136
    tsig: {file: auth.key}     # as tsig-keygen writes it
`
