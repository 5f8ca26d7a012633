package foreign

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// readCertbot reads what certbot keeps:
//
//	accounts/HOST/PATH/ID/         private_key.json (a JWK), regr.json with the account's URL
//	renewal/NAME.conf              what was asked for
//	live/NAME/*.pem                links to the newest of
//	archive/NAME/*N.pem            all versions
//	renewal-hooks/{pre,deploy,post}/  programs that are run for every certificate
//	cli.ini                        options of every run, before those asked for
func readCertbot(dir string, _ Options) (*Household, error) {
	h, err := begin("certbot", dir, "renewal", "accounts", "live")
	if err != nil {
		return nil, err
	}
	c := &certbot{Household: h}
	if c.options, err = readOptions(filepath.Join(dir, "cli.ini")); err != nil {
		h.leaveOut("settings", "in cli.ini", err)
	}
	confs := c.matching(filepath.Join(dir, "renewal"), "", ".conf")
	c.readHooks()
	c.readAccounts()
	for _, conf := range confs {
		name := strings.TrimSuffix(filepath.Base(conf), ".conf")
		certificate, err := c.lineage(name, conf)
		h.add(name, certificate, err)
	}
	c.findStrays(confs)
	return h, nil
}

type certbot struct {
	*Household
	deploy  []string          // programs for every certificate
	options map[string]string // of every run
}

// readAccounts finds accounts at any depth: the path of a directory's URL has
// several parts.
func (c *certbot) readAccounts() {
	root := filepath.Join(c.Dir, "accounts")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			c.leaveOut("accounts in", path, err)
			return fs.SkipDir
		}
		if d.IsDir() || d.Name() != "private_key.json" && d.Name() != "regr.json" {
			return nil
		}
		at := filepath.Dir(path)
		if slices.ContainsFunc(c.Accounts, func(a *Account) bool { return filepath.Dir(a.From) == at }) {
			return nil
		}
		server, err := filepath.Rel(root, filepath.Dir(at))
		if err != nil {
			return err
		}
		account, err := certbotAccount(at, certbotDirectory("https://"+filepath.ToSlash(server)))
		c.addAccount(filepath.Base(at), account, err)
		return fs.SkipDir
	})
	if err != nil {
		c.leaveOut("accounts in", root, err)
	}
}

// certbotDirectory returns the directory that certbot asks: the second version
// of ACME where its files name the first, which has ended.
func certbotDirectory(server string) string {
	switch server {
	case "https://acme-v01.api.letsencrypt.org/directory":
		return "https://acme-v02.api.letsencrypt.org/directory"
	case "https://acme-staging.api.letsencrypt.org/directory":
		return "https://acme-staging-v02.api.letsencrypt.org/directory"
	}
	return server
}

func certbotAccount(dir, directory string) (*Account, error) {
	a := &Account{Directory: directory, From: filepath.Join(dir, "private_key.json")}
	var err error
	if a.Key, err = readJWK(a.From); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "regr.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var registration struct {
		URI  string
		Body struct{ Contact []string }
	}
	if err := json.Unmarshal(text, &registration); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	a.URL, a.Contact = registration.URI, registration.Body.Contact
	return a, nil
}

// lineage reads one certificate with its older versions.
func (c *certbot) lineage(name, conf string) (*Certificate, error) {
	f, err := readINI(conf)
	if err != nil {
		return nil, err
	}
	asked := f["renewalparams"]
	if asked == nil || asked["server"] == "" {
		return nil, fmt.Errorf("%s: it does not say which CA: there is no [renewalparams] with server", conf)
	}
	live := filepath.Join(c.Dir, "live", name)
	if _, err := os.Lstat(live); errors.Is(err, fs.ErrNotExist) && f[""]["cert"] != "" {
		live = filepath.Dir(f[""]["cert"])
	}
	latest, err := readVersion(filepath.Join(live, "privkey.pem"), filepath.Join(live, "fullchain.pem"), filepath.Join(live, "chain.pem"))
	if err != nil {
		return nil, err
	}
	cert := &Certificate{
		Name: name, From: conf, Domains: domains(latest.Leaf(), name), Key: certbotKey(asked), Directory: certbotDirectory(asked["server"]),
		Chain: none(asked["preferred_chain"]), Profile: none(cmp.Or(asked["preferred_profile"], asked["required_profile"])),
		ReuseKey: asked["reuse_key"] == "True", Staple: asked["must_staple"] == "True" || staples(latest.Leaf()),
		Versions: append(c.older(live, latest), latest), Live: pemFiles(live), Deploy: slices.Clone(c.deploy),
	}
	if account := c.account(asked["account"]); account != nil {
		cert.Account = account.URL
	}
	cert.Deploy = append(cert.Deploy, commands(cmp.Or(c.options["deploy-hook"], c.options["renew-hook"], none(asked["renew_hook"])))...)
	cert.Hooks.Pre = commands(cmp.Or(c.options["pre-hook"], none(asked["pre_hook"])))
	cert.Hooks.Post = commands(cmp.Or(c.options["post-hook"], none(asked["post_hook"])))
	c.prove(cert, asked, f["webroot_map"])
	return cert, nil
}

func (c *certbot) account(id string) *Account {
	for _, a := range c.Accounts {
		if id != "" && filepath.Base(filepath.Dir(a.From)) == id {
			return a
		}
	}
	return nil
}

// certbotKey returns the type of key that is asked for, "" if nothing says it.
func certbotKey(asked map[string]string) string {
	curves := map[string]string{"": "ecdsa-p256", "secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384"}
	switch asked["key_type"] {
	case "rsa":
		return "rsa-" + cmp.Or(asked["rsa_key_size"], "2048")
	case "ecdsa":
		return curves[asked["elliptic_curve"]]
	}
	return ""
}

// older reads the earlier versions in the archive. One that is damaged is none.
func (c *certbot) older(live string, latest *Version) []*Version {
	archive := filepath.Join(c.Dir, "archive", filepath.Base(live))
	chains := c.matching(archive, "fullchain", ".pem")
	number := func(path string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "fullchain"), ".pem"))
		return n
	}
	slices.SortFunc(chains, func(a, b string) int { return number(a) - number(b) })
	var versions []*Version
	for _, chain := range chains {
		key := filepath.Join(archive, fmt.Sprintf("privkey%d.pem", number(chain)))
		if v, err := readVersion(key, chain, ""); err == nil && !v.Leaf().Equal(latest.Leaf()) {
			versions = append(versions, v)
		}
	}
	return versions
}

// prove finds out how the names were validated.
func (c *certbot) prove(cert *Certificate, asked, webroots map[string]string) {
	by := asked["authenticator"]
	cert.Proof.By = by
	switch {
	case by == "standalone":
		cert.Proof.answer("", asked["http01_port"])
	case by == "webroot":
		c.webroot(cert, asked, webroots)
	case by == "manual" && none(asked["manual_auth_hook"]) != "":
		cert.Proof.Credential = &Credential{Provider: "exec", Style: "certbot", Command: words(asked["manual_auth_hook"])}
		if cleanup := none(asked["manual_cleanup_hook"]); cleanup != "" {
			cert.Proof.Credential.Cleanup = words(cleanup)
		}
	case strings.HasSuffix(by, "dns-rfc2136"):
		path := asked["dns_rfc2136_credentials"]
		credential, err := c.rfc2136(path)
		if err != nil {
			cert.Notes = append(cert.Notes, fmt.Sprintf("its credentials for the DNS are left out: %v", err))
		}
		cert.Proof.Credential = credential
	case strings.HasPrefix(by, "dns-"):
		c.service(cert, asked)
	}
}

// service finds the credentials of another plugin: those for which there is a
// provider here.
func (c *certbot) service(cert *Certificate, asked map[string]string) {
	plugin := cert.Proof.By
	prefix := strings.ReplaceAll(plugin, "-", "_") + "_"
	path := asked[prefix+"credentials"]
	switch {
	case plugin == "dns-route53": // which finds credentials as Amazon's tools do, and so does ours
		cert.Proof.Credential = &Credential{Provider: "route53"}
		return
	case plugin == "dns-google" && path != "":
		cert.Proof.Credential = &Credential{Provider: "google", Files: map[string]string{"key": path}}
		return
	case path == "":
		cert.Notes = append(cert.Notes, fmt.Sprintf("certbot keeps no credentials for the plugin %s: enter them below zones:", plugin))
		return
	}
	f, err := c.readBeside(path)
	if s, known := serviceWith(func(s service) bool { return s.certbot == plugin }); known && err == nil {
		cert.Proof.Credential = s.credential(func(k serviceKey) string { return f[""][prefix+k.certbot] })
	}
	if cert.Proof.Credential == nil {
		cert.Notes = append(cert.Notes, fmt.Sprintf("its credentials for the DNS are those of the plugin %s, in %s: enter them below zones:", plugin, path))
	}
}

// readBeside reads a file whose path may be relative to where certbot was
// started, perhaps in its directory.
func (c *certbot) readBeside(path string) (ini, error) {
	f, err := readINI(path)
	if errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(path) {
		return readINI(filepath.Join(c.Dir, path))
	}
	return f, err
}

// webroot finds the directories of the web server: that of each name, or the
// last one given, which is for those that have none.
func (c *certbot) webroot(cert *Certificate, asked, webroots map[string]string) {
	paths := strings.Split(strings.TrimSuffix(strings.TrimSpace(asked["webroot_path"]), ","), ",")
	by := make(map[string]string)
	for _, domain := range cert.Domains {
		by[domain] = cmp.Or(webroots[domain], strings.TrimSpace(paths[len(paths)-1]))
		if by[domain] == "" {
			cert.Notes = append(cert.Notes, fmt.Sprintf("certbot does not say which directory a web server has for %s: http: {webroot: DIR} does", domain))
			return
		}
	}
	cert.Proof.answerEach(by)
}

// rfc2136 reads the credentials of the plugin dns-rfc2136.
func (c *certbot) rfc2136(path string) (*Credential, error) {
	f, err := c.readBeside(path)
	if err != nil {
		return nil, err
	}
	v := func(key string) string { return f[""]["dns_rfc2136_"+key] }
	if v("server") == "" || v("name") == "" || v("secret") == "" {
		return nil, fmt.Errorf("%s: dns_rfc2136_server, _name and _secret are expected", path)
	}
	return &Credential{
		Provider: "rfc2136", Server: net.JoinHostPort(v("server"), cmp.Or(v("port"), "53")),
		KeyName: strings.TrimSuffix(v("name"), "."), Secret: v("secret"), Algorithm: strings.ToLower(cmp.Or(v("algorithm"), "hmac-md5")),
	}, nil
}

// readHooks finds the programs for every certificate.
func (c *certbot) readHooks() {
	for _, when := range []string{"pre", "deploy", "post"} {
		for _, path := range c.matching(filepath.Join(c.Dir, "renewal-hooks", when), "", "") {
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 || strings.HasSuffix(path, "~") {
				continue
			}
			switch when {
			case "pre":
				c.Hooks.Pre = append(c.Hooks.Pre, quote(path))
			case "deploy":
				c.deploy = append(c.deploy, quote(path))
			case "post":
				c.Hooks.Post = append(c.Hooks.Post, quote(path))
			}
		}
	}
}

// findStrays reports certificates of which nobody knows what was asked.
func (c *certbot) findStrays(confs []string) {
	for _, path := range c.matching(filepath.Join(c.Dir, "live"), "", "") {
		name := filepath.Base(path)
		conf := filepath.Join(c.Dir, "renewal", name+".conf")
		if isDir(path) && !slices.Contains(confs, conf) {
			c.leaveOut("certificate", name, fmt.Errorf("there is no %s, which says what was asked for", conf))
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// pemFiles returns the files of a directory in certbot's layout.
func pemFiles(dir string) []File {
	var files []File
	for _, what := range []string{"privkey", "cert", "chain", "fullchain"} {
		files = append(files, File{what, filepath.Join(dir, what+".pem")})
	}
	return files
}

// none returns a value, "" where it is written None.
func none(value string) string {
	if value == "None" {
		return ""
	}
	return value
}
