package config

import (
	"cmp"
	"slices"
	"strings"
)

// LetsEncrypt is the short name of the directory that is used by default.
const LetsEncrypt = "letsencrypt"

// Directory is a CA's directory that has a short name, and what is particular
// about the CA and cannot be read in the directory.
type Directory struct {
	Name, URL  string
	Staging    string // short name of the CA's directory for tests, or ""
	Email      bool   // an account without an address gets no certificates
	NoRollover bool   // the key of an account cannot be changed
	Validity   bool   // notBefore and notAfter of an order are heeded
	Binding    string // where to get the key of an external account, or ""
	Account    string // name of the account there, where there are several; else ""
	BindingAPI string // URL of a service that gives one to whoever has an address of e-mail, or ""
}

// Directories returns the directories with short names.
func Directories() []Directory {
	return []Directory{
		{
			Name: LetsEncrypt, URL: "https://acme-v02.api.letsencrypt.org/directory",
			Staging: "letsencrypt-staging",
		},
		{
			Name: "letsencrypt-staging", URL: "https://acme-staging-v02.api.letsencrypt.org/directory",
			Staging: "letsencrypt-staging",
		},
		{
			Name: "google", URL: "https://dv.acme-v02.api.pki.goog/directory",
			Staging: "google-staging", Validity: true,
			Binding: "gcloud publicca external-account-keys create; a key is for one registration, and expires after 7 days",
		},
		{
			Name: "google-staging", URL: "https://dv.acme-v02.test-api.pki.goog/directory",
			Staging: "google-staging", Validity: true,
			Binding: "gcloud publicca external-account-keys create, with the staging API; a key is for one registration, and expires after 7 days",
		},
		{
			Name: "zerossl", URL: "https://acme.zerossl.com/v2/DV90",
			NoRollover: true,
			Binding:    "https://app.zerossl.com/developer, under EAB Credentials; with an address of e-mail certctl asks for one",
			BindingAPI: "https://api.zerossl.com/acme/eab-credentials-email",
		},
		{
			Name: "sslcom-rsa", URL: "https://acme.ssl.com/sslcom-dv-rsa",
			Email: true, NoRollover: true,
			Binding: "the account at https://secure.ssl.com, under API credentials; certificates are charged to it where it has funds",
		},
		{
			Name: "sslcom-ecc", URL: "https://acme.ssl.com/sslcom-dv-ecc",
			Email: true, NoRollover: true,
			Binding: "the account at https://secure.ssl.com, under API credentials; certificates are charged to it where it has funds",
		},
		{
			Name: "actalis", URL: "https://acme-api.actalis.com/acme/directory",
			Binding: "the account at Actalis, under ACME",
		},
	}
}

// DirectoryOf returns what is known of the directory with a URL. Of one without
// a short name nothing is known, but that it may be asked for everything.
func DirectoryOf(url string) Directory {
	base, account, _ := strings.Cut(url, "#")
	d := Directory{URL: base, Validity: true}
	known := Directories()
	if i := slices.IndexFunc(known, func(d Directory) bool { return d.URL == base }); i >= 0 {
		d = known[i]
	}
	d.Account = account
	return d
}

// Label returns what people call the directory: its short name or its URL, with
// the name of the account.
func (d Directory) Label() string { return withAccount(cmp.Or(d.Name, d.URL), d.Account) }

// Staging returns the directory at which the CA of another one lets tests be
// done, where it is known.
func Staging(directory string) (url string, known bool) {
	name := DirectoryOf(directory).Staging
	if name == "" {
		return "", false
	}
	url, _ = DirectoryURL(name)
	return url, true
}
