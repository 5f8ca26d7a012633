// Package token keeps access tokens (RFC 6749 §1.4) for as long as they are good.
package token

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"certctl/dns01/guard"
	"certctl/dns01/web"
)

// Token is an access token. Its text is not to be printed.
type Token struct {
	Text    string
	Expires time.Time
	Secrets []string // that it was got with, and that must not show either
}

// early is how long before its end a token is replaced.
const early = time.Minute

// Source gets tokens, and keeps the newest.
type Source struct {
	get  func(context.Context) (Token, error)
	turn guard.Turn // to use what follows
	kept *Token
}

// NewSource returns a source of the tokens that get returns.
func NewSource(get func(context.Context) (Token, error)) *Source {
	return &Source{get: get, turn: guard.NewTurn()}
}

// Token returns a token that is good for a while.
func (s *Source) Token(ctx context.Context) (Token, error) {
	if err := s.turn.Take(ctx); err != nil {
		return Token{}, err
	}
	defer s.turn.Give()
	if s.kept == nil || time.Until(s.kept.Expires) < early {
		t, err := s.get(ctx)
		if err != nil {
			return Token{}, err
		}
		s.kept = &t
	}
	return *s.kept, nil
}

// censor takes the kept token, and what it was got with, out of a text.
func (s *Source) censor(text string) string {
	_ = s.turn.Take(context.Background())
	defer s.turn.Give()
	if s.kept == nil {
		return text
	}
	return guard.Censor(text, append([]string{s.kept.Text}, s.kept.Secrets...)...)
}

// Fetch asks a token endpoint (RFC 6749 §3.2): with a form if that is not nil.
func Fetch(ctx context.Context, c *web.Client, r web.Request, form url.Values) (Token, error) {
	if form != nil {
		r.Method, r.Body = http.MethodPost, []byte(form.Encode())
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for _, name := range []string{"assertion", "client_secret", "client_assertion", "refresh_token", "subject_token"} {
			r.Secrets = append(r.Secrets, form.Get(name))
		}
	}
	r.Asks = true
	body, err := c.Do(ctx, r)
	if err != nil {
		return Token{}, err
	}
	var answer struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"` // Azure writes it in quotation marks
	}
	if json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" {
		return Token{}, fmt.Errorf("there is no access token in the answer of %s", c.Server())
	}
	seconds, err := strconv.Atoi(string(bytes.Trim(answer.ExpiresIn, `"`)))
	if err != nil {
		seconds = 300
	}
	return Token{answer.AccessToken, time.Now().Add(time.Duration(seconds) * time.Second), r.Secrets}, nil
}
