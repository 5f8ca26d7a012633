package cli

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"time"

	"certctl/acme"
	"certctl/check"
	"certctl/http01"
	"certctl/issuance"
	"certctl/store"
	"certctl/tlsalpn01"
)

// direct says where a CA gets its answer that is not in the DNS.
func (r *run) direct(a issuance.Answer) *check.Direct {
	d := &check.Direct{Webroot: a.Webroot, Addresses: a.Addresses, TLS: a.Challenge == acme.TLSALPN01, Prepared: len(r.config.Hooks.Pre) > 0}
	d.Port = http01.Port
	if d.TLS {
		d.Port = tlsalpn01.Port
	}
	if r.inLab() {
		listen := d.Addresses
		if d.Webroot != "" {
			listen = r.config.Defaults.HTTP.Listen
		}
		for _, address := range listen { // its CA comes to where the lab listens
			if at, err := netip.ParseAddrPort(address); err == nil {
				d.Port = at.Port()
			}
		}
	}
	return d
}

// inLab reports whether the DNS is that of a lab.
func (r *run) inLab() bool { return r.config.Resolver.Port != 0 && r.config.Resolver.Port != 53 }

// place puts a file of no meaning below a webroot, on record like any other.
func (r *run) place(root string) (a http01.Answer, remove func() error, err error) {
	a = http01.Answer{Token: "certctl-check-" + rand.Text(), Text: rand.Text()}
	plan, err := http01.Plan(root, []http01.Answer{a})
	if err != nil {
		return a, nil, err
	}
	journal := r.store.Journal()
	p := store.Placed{Time: time.Now(), Root: root, Directories: plan.Directories, Files: map[string]string{a.Token: a.Text}}
	if err := journal.AddPlaced(p); err != nil {
		return a, nil, err
	}
	remove = func() error {
		if err := plan.Remove(); err != nil {
			return err
		}
		return journal.RemovePlaced(p)
	}
	if err := plan.Write(); err != nil {
		return a, nil, errors.Join(err, remove())
	}
	return a, remove, nil
}
