package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"certctl/secret"
)

// Install is a copy of a certificate for a program that cannot use the files
// in the state directory. It has exactly one of the keys that say what is
// copied where. Directories have to be there.
type Install struct {
	// PrivKey is where to copy the private key, in PEM.
	PrivKey secret.Path `yaml:"privkey"`

	// Cert is where to copy the certificate alone, in PEM.
	Cert secret.Path `yaml:"cert"`

	// Chain is where to copy the issuers' certificates, in PEM.
	Chain secret.Path `yaml:"chain"`

	// FullChain is where to copy the certificate and its issuers', in PEM.
	FullChain secret.Path `yaml:"fullchain"`

	// Combined is where to copy the private key, the certificate and its
	// issuers' in one file, in PEM; for HAProxy, lighttpd and others.
	Combined secret.Path `yaml:"combined"`

	// PKCS12 is where to copy the same as PKCS #12, protected by the password;
	// for Java and Windows.
	PKCS12 secret.Path `yaml:"pkcs12"`

	// PKCS8 is where to copy the private key as PKCS #8 in DER.
	PKCS8 secret.Path `yaml:"pkcs8"`

	// DER is where to copy the certificate alone in DER.
	DER secret.Path `yaml:"der"`

	// Mode is the file's mode, in octal. Default: 0600 with a private key, 0644
	// without.
	Mode Mode `yaml:"mode"`

	// Owner is the user whom the file belongs to, by name or number. Default:
	// who runs certctl.
	Owner string `yaml:"owner"`

	// Group is the group that the file belongs to, by name or number. Default:
	// that of who runs certctl.
	Group string `yaml:"group"`

	// Password protects the private key in PKCS #12. When it changes, run
	// certctl deploy.
	Password secret.Secret `yaml:"password"`

	// Legacy encrypts PKCS #12 for readers that know nothing better than what
	// was usual until 2020, like Java 8 before update 301, macOS before 15 and
	// Windows Server 2016. Default: false.
	Legacy bool `yaml:"legacy"`
}

// What returns the key that says what is copied, and where to.
func (i *Install) What() (what, path string) {
	for key, p := range i.paths() {
		if p != "" {
			what, path = key, string(p)
		}
	}
	return what, path
}

func (i *Install) paths() map[string]secret.Path {
	return map[string]secret.Path{
		"privkey": i.PrivKey, "cert": i.Cert, "chain": i.Chain, "fullchain": i.FullChain,
		"combined": i.Combined, "pkcs12": i.PKCS12, "pkcs8": i.PKCS8, "der": i.DER,
	}
}

func (i *Install) check(at place) {
	count := 0
	for _, p := range i.paths() {
		if p != "" {
			count++
		}
	}
	what, _ := i.What()
	switch {
	case count != 1:
		at.problem("", "install: exactly one of privkey, cert, chain, fullchain, combined, pkcs12, pkcs8 and der is expected, with a path")
	case what == "pkcs12" && i.Password.IsZero():
		at.problem("", "install: pkcs12 needs a password")
	case what != "pkcs12" && !i.Password.IsZero():
		at.problem("password", "install: password is for pkcs12 only")
	case what != "pkcs12" && i.Legacy:
		at.problem("legacy", "install: legacy is for pkcs12 only")
	}
	if i.Mode&0o007 != 0 && i.hasKey() {
		at.problem("mode", "mode: everybody could use the private key: at most 0660 is expected")
	}
}

// hasKey reports whether the copy has the private key in it.
func (i *Install) hasKey() bool { return i.PrivKey+i.Combined+i.PKCS12+i.PKCS8 != "" }

// Permissions returns the mode, or the default.
func (i *Install) Permissions() fs.FileMode {
	switch {
	case i.Mode != 0:
		return fs.FileMode(i.Mode)
	case i.hasKey():
		return 0o600
	}
	return 0o644
}

// Mode is a file's mode. It is written in octal, quoted or not.
type Mode fs.FileMode

// UnmarshalText reads a mode.
func (m *Mode) UnmarshalText(text []byte) error {
	digits := strings.TrimPrefix(string(text), "0o")
	n, err := strconv.ParseUint(digits, 8, 32)
	if err != nil || len(digits) < 3 || n > 0o777 || n&0o400 == 0 {
		return errors.New(`a mode is expected, like "0640", and its owner can read the file`)
	}
	*m = Mode(n)
	return nil
}

// MarshalText returns the mode as it is written.
func (m Mode) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%04o", m), nil }
