package token

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"certctl/dns01/web"
)

// Account is a service that is opened by tokens (RFC 6750 §2.1).
type Account struct {
	Client *web.Client
	Source *Source
}

// Format shows the server, so that no token is ever printed.
func (a *Account) Format(f fmt.State, _ rune) { fmt.Fprint(f, a.Client.Server()) }

// Prepare implements dns01.Preparer: it gets a token.
func (a *Account) Prepare(ctx context.Context) error {
	_, err := a.Source.Token(ctx)
	return err
}

// Censor implements dns01.Censor.
func (a *Account) Censor(text string) string { return a.Source.censor(text) }

// Call sends a request with a token in it, and reads the answer, JSON, into a
// value unless that is nil.
func (a *Account) Call(ctx context.Context, r web.Request, into any) (web.Answer, error) {
	t, err := a.Source.Token(ctx)
	if err != nil {
		return web.Answer{}, err
	}
	if r.Header = maps.Clone(r.Header); r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set("Authorization", "Bearer "+t.Text)
	r.Secrets = append(append(r.Secrets, t.Text), t.Secrets...)
	answer, err := a.Client.Send(ctx, r)
	if err == nil && into != nil && json.Unmarshal(answer.Body, into) != nil {
		err = &web.FormError{Server: a.Client.Server()}
	}
	return answer, err
}
