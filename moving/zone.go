package moving

import (
	"fmt"
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
}

// SecretFile is a file for a secret, that only its owner can read.
type SecretFile struct {
	Path    string // relative to the configuration
	content string
}

// ZoneEntry is an entry of zones: in the configuration.
type ZoneEntry struct {
	Provider    string             `yaml:"provider"`
	Server      string             `yaml:"server,omitempty"`
	TSIG        *TSIGEntry         `yaml:"tsig,omitempty,flow"`
	Style       string             `yaml:"style,omitempty"`
	Command     []string           `yaml:"command,omitempty,flow"`
	Cleanup     []string           `yaml:"cleanup,omitempty,flow"`
	Environment map[string]FileRef `yaml:"environment,omitempty"`
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
			if covering := p.covering(owner); covering != "" {
				c.note("%s is written with the credential that is configured for %s", owner, covering)
			} else if other := p.use(c.Proof.Credential, owner); other != nil {
				c.note("%s is written with the credential of another certificate: %s has one of its own", owner, c.From)
			}
		}
	}
	for i, z := range p.Zones {
		z.fill(i)
	}
}

func (c *Certificate) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.Notes, text) {
		c.Notes = append(c.Notes, text)
	}
}

// covering returns the scope of the configuration in which an owner is.
func (p *Plan) covering(owner string) string {
	for _, scope := range p.options.Scopes {
		if owner == scope || strings.HasSuffix(owner, "."+scope) {
			return scope
		}
	}
	return ""
}

// use notes that a credential is for an owner; unless another is, which it
// returns.
func (p *Plan) use(credential *foreign.Credential, owner string) (other *Zone) {
	for _, z := range p.Zones {
		if slices.Contains(z.Scopes, owner) {
			if reflect.DeepEqual(z.credential, credential) {
				return nil
			}
			return z
		}
	}
	for _, z := range p.Zones {
		if reflect.DeepEqual(z.credential, credential) {
			z.Scopes = append(z.Scopes, owner)
			return nil
		}
	}
	p.Zones = append(p.Zones, &Zone{Scopes: []string{owner}, credential: credential})
	return nil
}

// fill writes the entry, and puts the secrets into files: the n-th credential
// has names of its own.
func (z *Zone) fill(n int) {
	c := z.credential
	z.Entry = &ZoneEntry{Provider: c.Provider, Server: c.Server, Style: c.Style, Command: c.Command, Cleanup: c.Cleanup}
	switch {
	case c.KeyFile != "":
		z.Entry.TSIG = &TSIGEntry{File: c.KeyFile}
		if absolute, err := filepath.Abs(c.KeyFile); err == nil {
			z.Entry.TSIG.File = absolute
		}
	case c.Secret != "":
		z.Entry.TSIG = &TSIGEntry{Name: c.KeyName, Algorithm: c.Algorithm, Secret: z.file(n, c.KeyName, c.Secret)}
	}
	for name, value := range c.Environment {
		if z.Entry.Environment == nil {
			z.Entry.Environment = map[string]FileRef{}
		}
		z.Entry.Environment[name] = *z.file(n, name, value)
	}
}

// file gives a secret a file.
func (z *Zone) file(n int, name, content string) *FileRef {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", r) {
			return r
		}
		return '_'
	}, name)
	if n > 0 {
		plain = fmt.Sprintf("%s-%d", plain, n+1)
	}
	path := filepath.ToSlash(filepath.Join("keys", "imported-"+plain+".key"))
	z.Files = append(z.Files, &SecretFile{path, content + "\n"})
	return &FileRef{path}
}
