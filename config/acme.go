package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"certctl/secret"
)

// ACME is a certificate authority and the account there.
type ACME struct {
	// Directory is the URL of the CA's directory (RFC 8555 §7.1.1), or the short
	// name of a known one.
	Directory string `yaml:"directory" default:"letsencrypt" examples:"letsencrypt,letsencrypt-staging,google,google-staging,zerossl,sslcom-rsa,sslcom-ecc,actalis"`

	// Account is a name for the account, where there are several with one CA: each
	// is an entry of its own then, and elsewhere called DIRECTORY#ACCOUNT. Default:
	// the one without a name.
	Account string `yaml:"account"`

	// Email is where the CA may write to. Default: none, which some CAs refuse.
	Email string `yaml:"email"`

	// AgreeTOS says that you agree to the CA's terms of service; without it no
	// account is registered. Default: false.
	AgreeTOS bool `yaml:"agree_tos"`

	// CAFile is a PEM file with the roots that the directory's own TLS
	// certificate is checked against, relative to this file; for private CAs and
	// Pebble. Default: the system's.
	CAFile secret.Path `yaml:"ca_file"`

	// EAB binds the account to one that you have with the CA otherwise (RFC 8555
	// §7.3.4), where the CA asks for it. Default: none.
	EAB *EAB `yaml:"eab"`

	// Profile is the certificate profile to ask for, one of those that the CA's
	// directory lists. A certificate's own profile comes before it. Default: the
	// CA's choice.
	Profile string `yaml:"profile"`

	// Rehearse is whether the first order for a name is placed at the CA's staging
	// before: mistakes do not count against its limits there. A directory, as a
	// URL or a short name, is where instead of the staging that is known. Default:
	// false.
	Rehearse Rehearsal `yaml:"rehearse"`

	// PreferredChain names the root that chains should lead to, where the CA
	// offers several. A certificate's own comes before it. Default: the CA's
	// choice.
	PreferredChain string `yaml:"preferred_chain"`
}

// Rehearsal is where orders are tried first: "" for nowhere, "true" for the
// staging of the CA, else a directory.
type Rehearsal string

// UnmarshalText reads a truth value, or a directory.
func (r *Rehearsal) UnmarshalText(text []byte) error {
	switch word := string(text); word {
	case "false":
		*r = ""
	case "true":
		*r = Rehearsal(word)
	default:
		if _, err := DirectoryURL(word); err != nil {
			return fmt.Errorf("true, false or a directory is expected: %w", err)
		}
		*r = Rehearsal(word)
	}
	return nil
}

// MarshalText returns it as it is written.
func (r Rehearsal) MarshalText() ([]byte, error) { return []byte(cmp.Or(string(r), "false")), nil }

// At returns the URL of the directory where orders are tried before they are
// placed at the CA with the given one.
func (r Rehearsal) At(directory string) (url string, wanted bool) {
	switch r {
	case "":
		return "", false
	case "true":
		return Staging(directory)
	}
	url, err := DirectoryURL(string(r))
	return url, err == nil
}

// EAB is the key of an external account binding.
type EAB struct {
	// KID is the key's identifier, as the CA has given it.
	KID string `yaml:"kid" required:"true"`

	// HMAC is the key, in base64url as the CA has given it.
	HMAC secret.Secret `yaml:"hmac" required:"true"`
}

// DirectoryURL returns the URL for a short name or a URL, as given in the file
// or with --server. It may be followed by "#" and the name of an account, and is
// then returned with it: to a CA that is the same directory, and to us another
// one. The error lists the short names.
func DirectoryURL(word string) (string, error) {
	base, account, named := strings.Cut(word, "#")
	if named && !accountName.MatchString(account) {
		return "", fmt.Errorf("#%s: %w", account, errAccountName)
	}
	known := Directories()
	if i := slices.IndexFunc(known, func(d Directory) bool { return d.Name == base }); i >= 0 {
		return withAccount(known[i].URL, account), nil
	}
	u, err := url.Parse(base)
	if err == nil && u.Scheme == "https" && u.Host != "" {
		return word, nil // RFC 8555 §6.1 allows https only
	}
	var names []string
	for _, d := range known {
		names = append(names, d.Name)
	}
	return "", fmt.Errorf("neither an https URL nor a known directory%s", Suggestion(base, names))
}

var (
	accountName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)
	errAccountName = errors.New("the name of an account has lower-case letters, digits, dots, hyphens and underscores")
)

func withAccount(url, account string) string {
	if account == "" {
		return url
	}
	return url + "#" + account
}

// URL returns the directory's URL, with the name of the account if it has one.
func (a *ACME) URL() string {
	u, _ := DirectoryURL(withAccount(a.Directory, a.Account)) // check has seen to it
	return u
}

var mailbox = regexp.MustCompile(`^[^@\s,;:<>?]+@[^@\s,;:<>?]+$`)

func (a *ACME) check(at place) {
	if _, err := DirectoryURL(a.Directory); err != nil {
		at.problem("directory", "directory: %w", err)
	}
	if a.Account != "" && !accountName.MatchString(a.Account) {
		at.problem("account", "account: %w", errAccountName)
	}
	if strings.Contains(a.Directory, "#") {
		at.problem("directory", "directory: the name of the account belongs in account")
	}
	if _, known := Staging(a.URL()); a.Rehearse == "true" && !known {
		at.problem("rehearse", "rehearse: %s has no staging that is known: give the URL of a directory for tests", a.Directory)
	}
	if a.Email != "" && !mailbox.MatchString(a.Email) {
		at.problem("email", "email: a single address is expected, like ops@example.com")
	}
}
