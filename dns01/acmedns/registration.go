package acmedns

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"certctl/delegation"
	"certctl/dns01/web"
)

// registration is what the server gave on registration, in the form in which
// files have it.
type registration struct {
	FullDomain string `json:"fulldomain"`
	Subdomain  string `json:"subdomain"`
	Username   string `json:"username"`
	Password   string `json:"password"`
	ServerURL  string `json:"server_url"`

	client *web.Client
}

// registrations are found by the name that they may write at. They stay behind
// a pointer, where fmt does not look.
type registrations struct {
	byName map[delegation.Name]registration
}

// load reads the registrations, the first time.
func (p *provider) load(ctx context.Context) error {
	if p.known != nil {
		return nil
	}
	read := p.readStorage
	if p.config.Storage == "" {
		read = p.readSingle
	}
	known, err := read(ctx)
	if err == nil {
		p.known = &registrations{known}
	}
	return err
}

func (p *provider) readSingle(ctx context.Context) (map[delegation.Name]registration, error) {
	password, err := p.config.Password.Reveal(ctx)
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	r := registration{Subdomain: p.config.Subdomain, Username: p.config.Username, Password: password}
	err = p.connect(&r)
	return map[delegation.Name]registration{p.full: r}, err
}

// readStorage reads a file that maps domains to their registrations. Two domains
// may share one. Those outside the scope are not ours.
func (p *provider) readStorage(context.Context) (map[delegation.Name]registration, error) {
	file := string(p.config.Storage)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	var byDomain map[string]registration
	if json.Unmarshal(text, &byDomain) != nil { // the error may show a part of it
		return nil, fmt.Errorf("storage: %s is no JSON object with a registration for each domain", file)
	}
	known := make(map[delegation.Name]registration)
	for domain, r := range byDomain {
		full, err := delegation.ParseName(r.FullDomain)
		if err != nil {
			return nil, fmt.Errorf("storage: %s: fulldomain of %q: %w", file, domain, err)
		}
		if !full.IsAtOrBelow(p.scope) {
			continue
		}
		if err := p.connect(&r); err != nil {
			return nil, fmt.Errorf("storage: %s: %q: %w", file, domain, err)
		}
		known[full] = r
	}
	return known, nil
}

// connect gives a registration its client.
func (p *provider) connect(r *registration) error {
	base := cmp.Or(r.ServerURL, string(p.config.URL))
	var err error
	r.client, err = web.NewClient(base, string(p.config.CAFile), p.config.Timeout)
	return err
}
