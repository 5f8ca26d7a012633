package moving

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"certctl/foreign"
)

// Zone is a credential, with all that it is for.
type Zone struct {
	Scopes []string // names at which it writes
	Entry  *ZoneEntry
	Files  []*SecretFile // to be written for it

	credential *foreign.Credential
	apex       string // of the zone that it is for; "" where the scopes are zones
}

// SecretFile is a file for a secret, that only its owner can read.
type SecretFile struct {
	Path    string // relative to the configuration
	content string
}

// ZoneEntry is an entry of zones: in the configuration.
type ZoneEntry struct {
	Zone        string             `yaml:"zone,omitempty"`
	Provider    string             `yaml:"provider"`
	Server      string             `yaml:"server,omitempty"`
	TSIG        *TSIGEntry         `yaml:"tsig,omitempty,flow"`
	Style       string             `yaml:"style,omitempty"`
	Command     []string           `yaml:"command,omitempty,flow"`
	Cleanup     []string           `yaml:"cleanup,omitempty,flow"`
	Environment map[string]FileRef `yaml:"environment,omitempty"`

	// What other providers need: texts, and where secrets are.
	Keys map[string]any `yaml:",inline"`
}

// TSIGEntry is the key of rfc2136: name, algorithm and secret, or a file with
// all of them.
type TSIGEntry struct {
	Name      string   `yaml:"name,omitempty"`
	Algorithm string   `yaml:"algorithm,omitempty"`
	Secret    *FileRef `yaml:"secret,omitempty"`
	File      string   `yaml:"file,omitempty"`
}

// FileRef says in which file a secret is.
type FileRef struct {
	File string `yaml:"file"`
}

// planZones gives each credential the names at which it has written: no more
// than that, so that no key can do here what it did not do there.
func (p *Plan) planZones() {
	for _, c := range p.Certificates {
		if c.Proof.Credential == nil {
			continue
		}
		for _, domain := range c.Request.Names {
			owner := strings.ToLower(c.Proof.Owner(strings.TrimPrefix(domain, "*.")))
			if c.Proof.Credential.Provider == "acme-dns" {
				owner = p.registered(c, owner)
			}
			if owner != "" {
				p.planOwner(c, owner)
			}
		}
	}
	for _, z := range p.Zones {
		p.fill(z)
	}
}

// registered returns the name of an acme-dns registration, to which an owner
// leads, or "". The client has only the first part of it.
func (p *Plan) registered(c *Certificate, owner string) string {
	name, err := p.options.Alias(owner)
	switch subdomain := c.Proof.Credential.Settings["subdomain"]; {
	case err != nil:
		c.note("to which name of an acme-dns %s leads cannot be seen (%v): enter its registration below zones:", owner, err)
	case !strings.HasPrefix(strings.ToLower(name), strings.ToLower(subdomain)+"."):
		c.note("%s leads to %s, which is not the name of its registration at acme-dns: its credential is left out", owner, name)
	default:
		return strings.ToLower(name)
	}
	return ""
}

// planOwner finds out which credential is for a name.
func (p *Plan) planOwner(c *Certificate, owner string) {
	apex, err := p.options.Zone(owner)
	if err != nil {
		c.note("in which zone %s is cannot be seen (%v): zone: in its entry says it", owner, err)
	}
	if covering := p.covering(owner, apex); covering != "" {
		c.note("%s is written with the credential that is configured for %s", owner, covering)
	} else if other := p.use(c.Proof.Credential, owner, apex); other != nil {
		c.note("%s is written with the credential of another certificate: %s has one of its own", owner, c.From)
	}
}

func (c *Certificate) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.Notes, text) {
		c.Notes = append(c.Notes, text)
	}
}

// covering returns the scope of the configuration whose credential writes at an
// owner in this zone; "" is one that is not known.
func (p *Plan) covering(owner, apex string) string {
	for scope, zone := range p.options.Scopes {
		if (owner == scope || strings.HasSuffix(owner, "."+scope)) && (apex == "" || zone == apex || owner == scope) {
			return scope
		}
	}
	return ""
}

// use notes that a credential is for an owner in a zone; unless another is,
// which it returns.
func (p *Plan) use(credential *foreign.Credential, owner, apex string) (other *Zone) {
	if apex == owner {
		apex = "" // then the scope is the zone
	}
	for _, z := range p.Zones {
		if slices.Contains(z.Scopes, owner) {
			if reflect.DeepEqual(z.credential, credential) {
				return nil
			}
			return z
		}
	}
	for _, z := range p.Zones {
		if z.apex == apex && reflect.DeepEqual(z.credential, credential) {
			z.Scopes = append(z.Scopes, owner)
			return nil
		}
	}
	p.Zones = append(p.Zones, &Zone{Scopes: []string{owner}, credential: credential, apex: apex})
	return nil
}

// fill writes the entry, and puts the secrets into files.
func (p *Plan) fill(z *Zone) {
	c := z.credential
	z.Entry = &ZoneEntry{Zone: z.apex, Provider: c.Provider, Server: c.Server, Style: c.Style, Command: c.Command, Cleanup: c.Cleanup}
	switch {
	case c.KeyFile != "":
		z.Entry.TSIG = &TSIGEntry{File: c.KeyFile}
		if absolute, err := filepath.Abs(c.KeyFile); err == nil {
			z.Entry.TSIG.File = absolute
		}
	case c.Secret != "":
		z.Entry.TSIG = &TSIGEntry{Name: c.KeyName, Algorithm: c.Algorithm, Secret: p.file(z, c.KeyName, c.Secret)}
	}
	z.Entry.Keys = map[string]any{}
	for name, value := range c.Settings {
		z.Entry.Keys[name] = value
	}
	for name, path := range c.Files {
		z.Entry.Keys[name] = &FileRef{path}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		z.Entry.Keys[name] = p.file(z, c.Provider+"-"+name, c.Secrets[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		if z.Entry.Environment == nil {
			z.Entry.Environment = map[string]FileRef{}
		}
		z.Entry.Environment[name] = *p.file(z, name, c.Environment[name])
	}
}

// file gives a secret a file. Two of one name have two.
func (p *Plan) file(z *Zone, name, content string) *FileRef {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", r) {
			return r
		}
		return '_'
	}, name)
	f := &SecretFile{"keys/imported-" + plain + ".key", content + "\n"}
	for n := 2; p.taken(f); n++ {
		f.Path = fmt.Sprintf("keys/imported-%s-%d.key", plain, n)
	}
	z.Files = append(z.Files, f)
	return &FileRef{f.Path}
}

// taken reports whether a file is for another secret.
func (p *Plan) taken(f *SecretFile) bool {
	for _, z := range p.Zones {
		for _, other := range z.Files {
			if other.Path == f.Path && other.content != f.content {
				return true
			}
		}
	}
	return false
}
