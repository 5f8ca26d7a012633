package acme

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Status is the status of an order or an authorization (RFC 8555 §7.1.6).
type Status string

// The statuses of RFC 8555 §7.1.6.
const (
	Pending     Status = "pending"
	Ready       Status = "ready"
	Processing  Status = "processing"
	Valid       Status = "valid"
	Invalid     Status = "invalid"
	Deactivated Status = "deactivated"
	Expired     Status = "expired"
	Revoked     Status = "revoked"
)

// Order is an order at a CA, as last seen.
type Order struct {
	URL     string
	Status  Status
	Names   []string
	Expires time.Time
	Account *Account

	authorizations []string // URLs
	finalize       string   // URL
	certificate    string   // URL, once valid
	problem        *Problem // why it is invalid
	retryAfter     time.Time
}

// Request is what a new order asks for.
type Request struct {
	Names     []string  // as ParseNames returns them
	Profile   string    // "" for the CA's default
	Replaces  string    // ARI certificate identifier (RFC 9773 §5), or ""
	NotBefore time.Time // zero: the CA's choice
	NotAfter  time.Time
}

type wireRequest struct {
	Identifiers []wireIdentifier `json:"identifiers"`
	NotBefore   *time.Time       `json:"notBefore,omitempty"`
	NotAfter    *time.Time       `json:"notAfter,omitempty"`
	Profile     string           `json:"profile,omitempty"`
	Replaces    string           `json:"replaces,omitempty"`
}

// NewOrder places an order. An unknown profile is a *ProfileError.
func (a *Account) NewOrder(ctx context.Context, r Request) (*Order, error) {
	if err := a.CA.checkProfile(r.Profile); err != nil {
		return nil, err
	}
	if a.CA.RenewalInfo == "" {
		r.Replaces = "" // RFC 9773 §5: only for a CA that has renewal information
	}
	o, err := a.place(ctx, r)
	if r.Replaces != "" && refusesReplaces(err) {
		r.Replaces = ""
		o, err = a.place(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("new order: %w", err)
	}
	if !sameNames(o.Names, r.Names) {
		return nil, fmt.Errorf("new order: the CA made it for %s in place of %s", strings.Join(o.Names, ", "), strings.Join(r.Names, ", "))
	}
	o.Names = slices.Clone(r.Names)
	return o, nil
}

func (a *Account) place(ctx context.Context, r Request) (*Order, error) {
	wanted := wireRequest{Profile: r.Profile, Replaces: r.Replaces, NotBefore: instant(r.NotBefore), NotAfter: instant(r.NotAfter)}
	for _, name := range r.Names {
		wanted.Identifiers = append(wanted.Identifiers, identifierOf(name))
	}
	var w wireOrder
	header, err := a.post(ctx, a.CA.newOrder, wanted, &w)
	if err != nil {
		return nil, err
	}
	o := &Order{URL: header.Get("Location"), Account: a}
	if o.URL == "" {
		return nil, errors.New("the CA does not say its URL")
	}
	return o, o.read(&w, header)
}

// refusesReplaces reports whether the order may succeed without "replaces":
// the certificate may have a replacement already (RFC 9773 §7.4), belong to
// another account, or be unknown, for which there is no type: Boulder answers
// 404, Pebble 500. An order that was left half done must not stand in the way
// of the next.
func refusesReplaces(err error) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return false
	}
	switch p.Status {
	case http.StatusConflict, http.StatusNotFound, http.StatusInternalServerError:
		return true
	default:
		return p.is("alreadyReplaced") || p.is("malformed") || p.is("unauthorized")
	}
}

// Order fetches an order placed earlier.
func (a *Account) Order(ctx context.Context, url string) (*Order, error) {
	o := &Order{URL: url, Account: a}
	if err := o.refresh(ctx); err != nil {
		return nil, fmt.Errorf("order %s: %w", url, err)
	}
	return o, nil
}

// wireOrder is RFC 8555 §7.1.3.
type wireOrder struct {
	Status         Status           `json:"status"`
	Expires        time.Time        `json:"expires"`
	Identifiers    []wireIdentifier `json:"identifiers"`
	Error          *wireProblem     `json:"error"`
	Authorizations []string         `json:"authorizations"`
	Finalize       string           `json:"finalize"`
	Certificate    string           `json:"certificate"`
}

func (o *Order) refresh(ctx context.Context) error {
	var w wireOrder
	header, err := o.Account.post(ctx, o.URL, nil, &w)
	if err != nil {
		return err
	}
	return o.read(&w, header)
}

// read takes over what the CA says. The names stay as they were ordered.
func (o *Order) read(w *wireOrder, header http.Header) error {
	if o.Names == nil {
		for _, id := range w.Identifiers {
			name, err := id.name()
			if err != nil {
				return err
			}
			o.Names = append(o.Names, name)
		}
	}
	o.Status, o.Expires, o.problem = w.Status, w.Expires, w.Error.problem()
	o.authorizations, o.finalize, o.certificate = w.Authorizations, w.Finalize, w.Certificate
	o.retryAfter = retryAfter(header)
	return nil
}

// refusal says why the order is invalid.
func (o *Order) refusal() error {
	if o.problem == nil {
		return errors.New("the order is invalid, and the CA does not say why")
	}
	return fmt.Errorf("the order is invalid: %w", o.problem)
}

// sameNames compares names without their order and case.
func sameNames(a, b []string) bool {
	return slices.Equal(sorted(a), sorted(b))
}

func sorted(names []string) []string {
	lower := make([]string, len(names))
	for i, name := range names {
		lower[i] = strings.ToLower(name)
	}
	slices.Sort(lower)
	return lower
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
