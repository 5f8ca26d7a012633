package cli

import (
	"maps"
	"slices"

	"certctl/config"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/acmedns"
	"certctl/dns01/azure"
	"certctl/dns01/cloudflare"
	"certctl/dns01/desec"
	"certctl/dns01/digitalocean"
	"certctl/dns01/exec"
	"certctl/dns01/gandi"
	"certctl/dns01/google"
	"certctl/dns01/hetzner"
	"certctl/dns01/linode"
	"certctl/dns01/ns1"
	"certctl/dns01/ovh"
	"certctl/dns01/porkbun"
	"certctl/dns01/powerdns"
	"certctl/dns01/rfc2136"
	"certctl/dns01/route53"
	"certctl/dns01/scaleway"
	"certctl/dns01/standalone"
	"certctl/dns01/webhook"
)

// provider is a kind of DNS server or service.
type provider struct {
	config any // the struct that its keys in the configuration are read into
	open   func(*config.Zone, delegation.Name, dns01.Environment) (dns01.Provider, error)
}

// providers maps the word after "provider:" to the kind that it names. What the
// run serves itself is in a pool.
func providers(own *standalone.Pool) map[string]provider {
	return map[string]provider{
		"acme-dns":     kind(acmedns.New),
		"azure":        kind(azure.New),
		"cloudflare":   kind(cloudflare.New),
		"desec":        kind(desec.New),
		"digitalocean": kind(digitalocean.New),
		"exec":         kind(exec.New),
		"gandi":        kind(gandi.New),
		"hetzner":      kind(hetzner.New),
		"google":       kind(google.New),
		"linode":       kind(linode.New),
		"ns1":          kind(ns1.New),
		"ovh":          kind(ovh.New),
		"porkbun":      kind(porkbun.New),
		"powerdns":     kind(powerdns.New),
		"rfc2136":      kind(rfc2136.New),
		"route53":      kind(route53.New),
		"scaleway":     kind(scaleway.New),
		"standalone":   kind(own.New),
		"webhook":      kind(webhook.New),
	}
}

// kind makes a provider of a package's constructor.
func kind[C any](open func(C, delegation.Name, dns01.Environment) (dns01.Provider, error)) provider {
	return provider{
		config: *new(C),
		open: func(z *config.Zone, scope delegation.Name, env dns01.Environment) (dns01.Provider, error) {
			var c C
			if err := z.Decode(&c); err != nil {
				return nil, err
			}
			p, err := open(c, scope, env)
			if err != nil {
				return nil, z.Problem("", err)
			}
			return p, nil
		},
	}
}

// credential makes the credential of one entry under zones:.
func credential(z *config.Zone, env dns01.Environment, own *standalone.Pool) (*dns01.Credential, error) {
	known := providers(own)
	kind, ok := known[z.Provider]
	if err := refuse(z); err != nil {
		return nil, err
	}
	if !ok {
		return nil, z.UnknownProvider(slices.Sorted(maps.Keys(known)))
	}
	scope, err := delegation.ParseName(z.Scope)
	if err != nil {
		return nil, z.Problem("", err)
	}
	p, err := kind.open(z, scope, env)
	if err != nil {
		return nil, err
	}
	c := dns01.NewCredential("", scope, p)
	if z.Zone != "" {
		if c.Zone, err = delegation.ParseName(z.Zone); err != nil {
			return nil, z.Problem("zone", err)
		}
	}
	c.TTL = z.TTL
	c.Propagation = dns01.Propagation{Timeout: z.Propagation.Timeout, Settle: z.Propagation.Settle}
	return c, nil
}
