package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"certctl/secret"
)

// ACME is a certificate authority and the account there.
type ACME struct {
	// Directory is the URL of the CA's directory (RFC 8555 §7.1.1), or the short
	// name of a known one.
	Directory string `yaml:"directory" default:"letsencrypt" examples:"letsencrypt,letsencrypt-staging,google,google-staging,zerossl,sslcom-rsa,sslcom-ecc,actalis"`

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

	// PreferredChain names the root that chains should lead to, where the CA
	// offers several. A certificate's own comes before it. Default: the CA's
	// choice.
	PreferredChain string `yaml:"preferred_chain"`
}

// EAB is the key of an external account binding.
type EAB struct {
	// KID is the key's identifier, as the CA has given it.
	KID string `yaml:"kid" required:"true"`

	// HMAC is the key, in base64url as the CA has given it.
	HMAC secret.Secret `yaml:"hmac" required:"true"`
}

// DirectoryURL returns the URL for a short name or a URL, as given in the file
// or with --server. The error lists the short names.
func DirectoryURL(word string) (string, error) {
	known := Directories()
	if i := slices.IndexFunc(known, func(d Directory) bool { return d.Name == word }); i >= 0 {
		return known[i].URL, nil
	}
	u, err := url.Parse(word)
	if err == nil && u.Scheme == "https" && u.Host != "" {
		return word, nil // RFC 8555 §6.1 allows https only
	}
	var names []string
	for _, d := range known {
		names = append(names, d.Name)
	}
	return "", fmt.Errorf("neither an https URL nor a known directory%s", suggestion(word, names))
}

// URL returns the directory's URL.
func (a *ACME) URL() string {
	u, _ := DirectoryURL(a.Directory) // check has seen to it
	return u
}

var address = regexp.MustCompile(`^[^@\s,;:<>?]+@[^@\s,;:<>?]+$`)

func (a *ACME) check(at place) {
	if _, err := DirectoryURL(a.Directory); err != nil {
		at.problem("directory", "directory: %w", err)
	}
	if a.Email != "" && !address.MatchString(a.Email) {
		at.problem("email", "email: a single address is expected, like ops@example.com")
	}
}
