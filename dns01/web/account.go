package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"certctl/dns01/guard"
	"certctl/secret"
)

// Account is a service, and the secrets that open it. They are read when they
// are first needed.
type Account struct {
	client  *Client
	secrets map[string]secret.Secret
	sign    Signer

	mu   sync.Mutex
	keys *map[string]string // nil until read; a pointer, where fmt does not look
}

// Signer puts the secrets, by their keys in the configuration, into a request.
type Signer func(r *Request, keys map[string]string)

// NewAccount returns an account whose secrets have these keys in the
// configuration.
func NewAccount(c *Client, secrets map[string]secret.Secret, sign Signer) *Account {
	return &Account{client: c, secrets: secrets, sign: sign}
}

// NewTokenAccount returns an account of the service at a URL, with caFile as for
// NewClient, that is opened by "Authorization: SCHEME TOKEN". The token has the key
// token in the configuration.
func NewTokenAccount(base, caFile, scheme string, token secret.Secret) (*Account, error) {
	c, err := NewClient(base, caFile, 0)
	if err != nil {
		return nil, err
	}
	if token.IsZero() {
		return nil, errors.New("token: it is missing")
	}
	return NewAccount(c, map[string]secret.Secret{"token": token}, func(r *Request, keys map[string]string) {
		r.Header.Set("Authorization", scheme+" "+keys["token"])
	}), nil
}

// Format shows the server, so that no secret is ever printed.
func (a *Account) Format(f fmt.State, _ rune) { fmt.Fprint(f, a.Server()) }

// Server names the service in errors.
func (a *Account) Server() string { return a.client.Server() }

// Prepare implements dns01.Preparer: it reads the secrets.
func (a *Account) Prepare(ctx context.Context) error {
	_, err := a.load(ctx)
	return err
}

// Censor implements dns01.Censor.
func (a *Account) Censor(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil {
		return text
	}
	return guard.Censor(text, slices.Collect(maps.Values(*a.keys))...)
}

func (a *Account) load(ctx context.Context) (map[string]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys != nil {
		return *a.keys, nil
	}
	keys := make(map[string]string)
	for name, s := range a.secrets {
		text, err := s.Reveal(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		keys[name] = text
	}
	a.keys = &keys
	return keys, nil
}

// Send sends a request with the secrets in it.
func (a *Account) Send(ctx context.Context, r Request) (Answer, error) {
	keys, err := a.load(ctx)
	if err != nil {
		return Answer{}, err
	}
	r.Header = maps.Clone(r.Header)
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	a.sign(&r, keys)
	r.Secrets = slices.AppendSeq(r.Secrets, maps.Values(keys))
	return a.client.Send(ctx, r)
}

// Call sends a request and reads the answer, JSON, into a value unless that is
// nil. An answer that is no such JSON is a *FormError.
func (a *Account) Call(ctx context.Context, r Request, into any) error {
	answer, err := a.Send(ctx, r)
	if err != nil || into == nil {
		return err
	}
	if json.Unmarshal(answer.Body, into) != nil {
		return &FormError{Server: a.Server()}
	}
	return nil
}
