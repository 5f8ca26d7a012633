package foreign

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// readDehydrated reads what dehydrated keeps, below BASEDIR if not told
// otherwise in the file config:
//
//	accounts/ID/account_key.pem, account_id.json   ID is the directory's URL in base64url
//	domains.txt                                    names, and perhaps > and the name of the certificate
//	certs/NAME/*.pem                               links to the newest of *-TIME.pem
//	certs/NAME/config                              settings for this certificate
func readDehydrated(dir string, _ Options) (*Household, error) {
	h, err := begin("dehydrated", dir, "config", "certs", "accounts")
	if err != nil {
		return nil, err
	}
	d := &dehydrated{Household: h, settings: assignments{"SCRIPTDIR": dir, "BASEDIR": dir}}
	if err := d.configure(); err != nil {
		return nil, err
	}
	d.readAccounts()
	d.readHooks()
	asked, err := d.domains()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if len(asked[name]) == 0 {
			h.leaveOut("certificate", name, errors.New("domains.txt has it twice"))
			continue
		}
		c, err := d.certificate(name, asked[name])
		h.add(name, c, err)
	}
	d.findStrays(asked)
	return h, nil
}

type dehydrated struct {
	*Household
	settings assignments
}

// configure reads the settings for all certificates.
func (d *dehydrated) configure() error {
	path := filepath.Join(d.Dir, "config")
	if err := d.settings.read(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if more := d.settings["CONFIG_D"]; more != "" {
		for _, file := range d.matching(more, "", ".sh") {
			if err := d.settings.read(file); err != nil {
				return err
			}
		}
	}
	base := d.settings["BASEDIR"]
	for name, below := range map[string]string{"CERTDIR": "certs", "ACCOUNTDIR": "accounts", "DOMAINS_TXT": "domains.txt"} {
		if d.settings[name] == "" {
			d.settings[name] = filepath.Join(base, below)
		}
	}
	return nil
}

// dehydratedCA returns the directory that the word after CA= means.
func dehydratedCA(word string) string {
	presets := map[string]string{
		"":                 "https://acme-v02.api.letsencrypt.org/directory",
		"letsencrypt":      "https://acme-v02.api.letsencrypt.org/directory",
		"letsencrypt-test": "https://acme-staging-v02.api.letsencrypt.org/directory",
		"zerossl":          "https://acme.zerossl.com/v2/DV90",
		"google":           "https://dv.acme-v02.api.pki.goog/directory",
		"google-test":      "https://dv.acme-v02.test-api.pki.goog/directory",
	}
	return certbotDirectory(cmp.Or(presets[word], word))
}

func (d *dehydrated) readAccounts() {
	for _, path := range d.matching(d.settings["ACCOUNTDIR"], "", "") {
		url, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(filepath.Base(path), "="))
		if err != nil || !bytes.HasPrefix(url, []byte("https://")) {
			continue
		}
		a, err := dehydratedAccount(path, certbotDirectory(strings.TrimSpace(string(url))))
		d.addAccount(strings.TrimSpace(string(url)), a, err)
	}
}

func dehydratedAccount(dir, directory string) (a *Account, err error) {
	a = &Account{Directory: directory, From: filepath.Join(dir, "account_key.pem")}
	if a.Key, err = readKey(a.From); err != nil {
		return nil, err
	}
	for _, file := range []struct {
		name string
		into any
	}{
		{"account_id.json", &struct{ URL *string }{&a.URL}},
		{"registration_info.json", &struct{ Contact *[]string }{&a.Contact}},
	} {
		text, err := os.ReadFile(filepath.Join(dir, file.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the CA finds the account by its key
		}
		if err == nil {
			err = json.Unmarshal(text, file.into)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, file.name), err)
		}
	}
	return a, nil
}

// domains reads domains.txt: the names of each certificate, by its own name. A
// name that is there twice has none.
func (d *dehydrated) domains() (map[string][]string, error) {
	text, err := os.ReadFile(d.settings["DOMAINS_TXT"])
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	asked := map[string][]string{}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		list, alias, _ := strings.Cut(line, ">")
		names := strings.Fields(strings.ToLower(list))
		if len(names) == 0 {
			continue
		}
		name := cmp.Or(strings.TrimSpace(alias), names[0])
		if _, twice := asked[name]; twice {
			names = nil
		}
		asked[name] = names
	}
	return asked, nil
}

func (d *dehydrated) certificate(name string, names []string) (*Certificate, error) {
	dir := filepath.Join(d.settings["CERTDIR"], name)
	settings := maps.Clone(d.settings)
	if err := settings.read(filepath.Join(dir, "config")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	latest, err := readVersion(filepath.Join(dir, "privkey.pem"), filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "chain.pem"))
	if err != nil {
		return nil, err
	}
	c := &Certificate{
		Name: name, From: d.settings["DOMAINS_TXT"], Domains: names, Key: dehydratedKey(settings), Directory: dehydratedCA(settings["CA"]),
		Chain: settings["PREFERRED_CHAIN"], Profile: settings["ACME_PROFILE"], ReuseKey: settings["PRIVATE_KEY_RENEW"] == "no",
		Staple: settings["OCSP_MUST_STAPLE"] == "yes" || staples(latest.Leaf()), Versions: append(d.older(dir, latest), latest), Live: pemFiles(dir),
	}
	for _, a := range d.Accounts {
		if a.Directory == c.Directory {
			c.Account = a.URL
		}
	}
	d.useHook(c, settings)
	return c, nil
}

// dehydratedKey returns the type of key that is asked for, "" for the client's
// default, which has changed over time.
func dehydratedKey(settings assignments) string {
	switch settings["KEY_ALGO"] {
	case "rsa":
		return "rsa-" + cmp.Or(settings["KEYSIZE"], "4096")
	case "prime256v1":
		return "ecdsa-p256"
	case "secp384r1":
		return "ecdsa-p384"
	}
	return ""
}

// older reads the earlier versions. One that is damaged is none.
func (d *dehydrated) older(dir string, latest *Version) []*Version {
	chains := d.matching(dir, "fullchain-", ".pem")
	var versions []*Version
	for _, chain := range chains {
		key := filepath.Join(dir, "privkey-"+strings.TrimPrefix(filepath.Base(chain), "fullchain-"))
		if v, err := readVersion(key, chain, ""); err == nil && !v.Leaf().Equal(latest.Leaf()) {
			versions = append(versions, v)
		}
	}
	return versions
}

// useHook keeps the one hook in use that does everything: for validation, and
// to deploy. Its last argument is when the certificate was made, which is not
// known then.
func (d *dehydrated) useHook(c *Certificate, settings assignments) {
	c.Proof.By = cmp.Or(settings["CHALLENGETYPE"], "http-01")
	switch root, below := strings.CutSuffix(strings.TrimRight(settings["WELLKNOWN"], "/"), "/.well-known/acme-challenge"); {
	case c.Proof.By == "tls-alpn-01":
		c.Notes = append(c.Notes, "it was validated by tls-alpn-01 with certificates of ALPNCERTDIR: challenges: [tls-alpn-01] listens itself")
	case c.Proof.By == "http-01" && below:
		c.Proof.answer(root, "")
	}
	hook := d.hook(settings)
	if hook == "" {
		return
	}
	if c.Proof.By == "dns-01" {
		c.Proof.Credential = &Credential{Provider: "exec", Style: "dehydrated", Command: []string{hook}}
	}
	dir := `"$CERTCTL_DIR"`
	line := fmt.Sprintf("exec %s deploy_cert %s %s/privkey.pem %s/cert.pem %s/fullchain.pem %s/chain.pem \"$(date +%%s)\"", quote(hook), quote(c.Domains[0]), dir, dir, dir, dir)
	c.Deploy = []string{"sh -c " + quote(line)}
}

// hook returns the path of the one hook, "" if there is none.
func (d *dehydrated) hook(settings assignments) string {
	hook := settings["HOOK"]
	if hook == "" || filepath.IsAbs(hook) {
		return hook
	}
	return filepath.Join(d.Dir, hook)
}

// readHooks finds out whether the hook does something before and after each
// run: one that does not speak of it does not.
func (d *dehydrated) readHooks() {
	hook := d.hook(d.settings)
	text, err := os.ReadFile(hook)
	if err != nil {
		return
	}
	if bytes.Contains(text, []byte("startup_hook")) {
		d.Hooks.Pre = []string{quote(hook) + " startup_hook"}
	}
	if bytes.Contains(text, []byte("exit_hook")) {
		d.Hooks.Post = []string{quote(hook) + " exit_hook"}
	}
}

// findStrays reports certificates that are no longer asked for.
func (d *dehydrated) findStrays(asked map[string][]string) {
	for _, path := range d.matching(d.settings["CERTDIR"], "", "") {
		if _, wanted := asked[filepath.Base(path)]; isDir(path) && !wanted {
			d.leaveOut("certificate", filepath.Base(path), fmt.Errorf("it is not in %s, which says what is asked for", d.settings["DOMAINS_TXT"]))
		}
	}
}
