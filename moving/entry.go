package moving

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"certctl/foreign"
)

// CertificateEntry is an entry of certificates: in the configuration.
type CertificateEntry struct {
	Domains        []string        `yaml:"domains,flow"`
	CA             string          `yaml:"ca,omitempty"`
	Key            string          `yaml:"key"`
	Profile        string          `yaml:"profile,omitempty"`
	ReuseKey       bool            `yaml:"reuse_key,omitempty"`
	PreferredChain string          `yaml:"preferred_chain,omitempty"`
	MustStaple     bool            `yaml:"must_staple,omitempty"`
	Challenges     []string        `yaml:"challenges,omitempty,flow"`
	HTTP           *HTTPEntry      `yaml:"http,omitempty,flow"`
	Install        []*InstallEntry `yaml:"install,omitempty"`
	Deploy         []string        `yaml:"deploy,omitempty"`
}

// HTTPEntry says how http-01 is answered.
type HTTPEntry struct {
	Listen   []string          `yaml:"listen,omitempty,flow"`
	Webroot  string            `yaml:"webroot,omitempty"`
	Webroots map[string]string `yaml:"webroots,omitempty,flow"`
}

// InstallEntry is a copy that is kept of a certificate.
type InstallEntry struct {
	PrivKey   string `yaml:"privkey,omitempty"`
	Cert      string `yaml:"cert,omitempty"`
	Chain     string `yaml:"chain,omitempty"`
	FullChain string `yaml:"fullchain,omitempty"`
	Mode      string `yaml:"mode,omitempty"`
	Owner     string `yaml:"owner,omitempty"`
	Group     string `yaml:"group,omitempty"`
}

// entry makes the entry for the configuration. Certificates from a CA that is
// not there have none: the state directory remembers what they are.
func (p *Plan) entry(c *Certificate) {
	copies := c.Copies
	if p.options.KeepPaths {
		copies = append(slices.Clone(c.Live), copies...)
	}
	switch {
	case slices.Contains(p.options.Names, c.Name):
		c.note("the configuration has an entry %s already, which counts", c.Name)
		return
	case !p.listed(c):
		if len(copies) > 0 {
			c.note("it is not copied to %s: its CA is not in the configuration", filepath.Dir(copies[0].Path))
		}
		return
	}
	r := c.Request
	c.Entry = &CertificateEntry{
		Domains: r.Names, Key: r.KeyType, Profile: r.Profile, ReuseKey: r.ReuseKey, PreferredChain: r.Chain, MustStaple: r.Staple, Deploy: r.Deploy,
		Challenges: r.Challenges,
	}
	if c.Directory != p.Directory {
		c.Entry.CA = c.Directory
	}
	if r.Webroot != "" || r.Webroots != nil || r.HTTP != nil {
		c.Entry.HTTP = &HTTPEntry{Listen: r.HTTP, Webroot: r.Webroot, Webroots: r.Webroots}
	}
	for _, f := range copies {
		i, err := installed(f)
		if err != nil {
			c.note("it is not copied: %v", err)
			continue
		}
		c.Entry.Install = append(c.Entry.Install, i)
	}
}

// installed returns the copy that keeps a file as it is: whose it is and who
// may read it.
func installed(f foreign.File) (*InstallEntry, error) {
	path, err := filepath.Abs(f.Path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	i := &InstallEntry{}
	usual, most := fs.FileMode(0o644), fs.FileMode(0o666)
	switch f.What {
	case "privkey":
		i.PrivKey, usual, most = path, 0o600, 0o660
	case "cert":
		i.Cert = path
	case "chain":
		i.Chain = path
	case "fullchain":
		i.FullChain = path
	}
	if mode := info.Mode().Perm() & most; mode != usual && mode&0o400 != 0 {
		i.Mode = fmt.Sprintf("%04o", mode)
	}
	i.Owner, i.Group = owners(info)
	return i, nil
}
