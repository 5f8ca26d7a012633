package acmedns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"certctl/delegation"
	"certctl/dns01/web"
)

// Book is a file with registrations, one for each domain, as New reads it with
// Storage. Its values are not to be printed.
type Book struct {
	file   string
	fields map[string]json.RawMessage // of domains, as they were read
	names  map[string]delegation.Name // to which _acme-challenge of the domains is to lead
}

// OpenBook reads a file with registrations. There need not be one.
func OpenBook(file string) (*Book, error) {
	b := &Book{file: file, fields: make(map[string]json.RawMessage), names: make(map[string]delegation.Name)}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(text, &b.fields) != nil { // the error may show a part of it
		return nil, fmt.Errorf("%s is no JSON object with a registration for each domain", file)
	}
	for domain, fields := range b.fields {
		if err := b.note(domain, fields); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, domain, err)
		}
	}
	return b, nil
}

func (b *Book) note(domain string, fields json.RawMessage) error {
	var r registration
	if json.Unmarshal(fields, &r) != nil || r.Subdomain == "" || r.Username == "" || r.Password == "" {
		return errors.New("it is no registration")
	}
	name, err := delegation.ParseName(r.FullDomain)
	if err != nil {
		return fmt.Errorf("fulldomain: %w", err)
	}
	if first, _, _ := strings.Cut(name.String(), "."); !strings.EqualFold(first, r.Subdomain) {
		return fmt.Errorf("fulldomain %s does not begin with its subdomain", name.Bare())
	}
	b.fields[domain], b.names[domain] = fields, name
	return nil
}

// Name returns the name to which _acme-challenge of a domain is to lead.
func (b *Book) Name(domain string) (delegation.Name, bool) {
	n, ok := b.names[domain]
	return n, ok
}

// Register gets a registration for a domain from the server at a URL, for
// updates from some networks only if any are given, and saves it at once.
func (b *Book) Register(ctx context.Context, server, caFile, domain string, from []string) error {
	client, err := web.NewClient(server, caFile, 0)
	if err != nil {
		return err
	}
	body := map[string][]string{}
	if len(from) > 0 {
		body["allowfrom"] = from
	}
	answer, err := client.Do(ctx, web.Request{Method: http.MethodPost, Path: "register", Body: body})
	if err != nil {
		return err
	}
	var fields map[string]any
	if json.Unmarshal(answer, &fields) != nil {
		return &web.FormError{Server: client.Server()}
	}
	fields["server_url"] = server
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	if b.note(domain, text) != nil { // the error may show what a stranger has sent
		return &web.FormError{Server: client.Server()}
	}
	return b.save()
}

// save writes the file for its owner only, whole or not at all.
func (b *Book) save() error {
	text, err := json.MarshalIndent(b.fields, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(b.file), ".acmedns-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), b.file)
}
