package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/delegate"
	"certctl/delegation"
	"certctl/dns01/acmedns"
)

// register gets a registration of an acme-dns for each domain that has none yet,
// and makes them the target of the request.
func (r *run) register(c *cli.Context, request *delegate.Request) error {
	file, err := r.registrations(c)
	if err != nil {
		return err
	}
	book, err := acmedns.OpenBook(file)
	if err != nil {
		return usagef("", "--registrations: %w", err)
	}
	server := c.String("acme-dns")
	labels := make(map[string]string)
	for _, name := range request.Names {
		domain := strings.TrimPrefix(name, "*.")
		full, known := book.Name(domain)
		if !known {
			if err := book.Register(c.Context, server, c.String("acme-dns-ca"), domain, c.StringSlice("allow-from")); err != nil {
				return &NotReadyError{fmt.Errorf("%s: registration: %w", domain, err)}
			}
			full, _ = book.Name(domain)
			r.process.say(c, fmt.Sprintf("%s: registered at %s, as %s; the key is in %s", domain, server, full.Bare(), file))
		}
		label, zone, _ := strings.Cut(full.String(), ".")
		if request.To = cmp.Or(request.To, delegation.Name(zone)); request.To.String() != zone {
			return usagef("with --registrations OTHER.json they are kept apart", "%s is registered below %s, and other names below %s", domain, strings.TrimSuffix(zone, "."), request.To.Bare())
		}
		labels[domain] = label
	}
	request.Label = func(domain string) string { return labels[domain] }
	return nil
}

// registrations is the file that they are kept in.
func (r *run) registrations(c *cli.Context) (string, error) {
	if file := c.String("registrations"); file != "" {
		return filepath.Abs(file)
	}
	s, err := r.stateStore()
	if err != nil {
		return "", err
	}
	return filepath.Join(s.Dir, "acmedns.json"), nil
}

// registered returns the lines of certctl.yaml for registrations.
func (r *run) registered(c *cli.Context, zone delegation.Name) (string, error) {
	file, err := r.registrations(c)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("zones:\n  %s:\n    provider: acme-dns\n    url: %s\n    storage: %s\n", zone.Bare(), c.String("acme-dns"), file), nil
}
