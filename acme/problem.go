package acme

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/acme"
)

// Problem is a problem document of the CA (RFC 7807, RFC 8555 §6.7).
type Problem struct {
	Type        string // short: "rateLimited", without the urn prefix
	Detail      string // verbatim, but for control characters
	Status      int
	Identifier  string     // of a subproblem
	Instance    string     // URL for a human, of userActionRequired
	RetryAfter  time.Time  // when to come back; zero if the CA does not say
	Subproblems []*Problem // RFC 8555 §6.7.1
}

// Error shows type and detail, when to come back, and each subproblem on a line
// of its own.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Type)
	if p.Type == "" {
		b.WriteString(strings.TrimSpace(fmt.Sprintf("HTTP %d %s", p.Status, http.StatusText(p.Status))))
	}
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	if !p.RetryAfter.IsZero() {
		fmt.Fprintf(&b, " (come back %s)", when(p.RetryAfter))
	}
	for _, sub := range p.Subproblems {
		b.WriteString("\n  ")
		if sub.Identifier != "" {
			b.WriteString(sub.Identifier + ": ")
		}
		b.WriteString(strings.ReplaceAll(sub.Error(), "\n", "\n  "))
	}
	return b.String()
}

// RateLimited reports whether the CA asks for patience.
func (p *Problem) RateLimited() bool {
	return p.is("rateLimited") || p.Status == http.StatusTooManyRequests
}

// Own reports whether it is the CA that cannot or does not want to, for reasons
// of its own: another CA may do what this one does not.
func (p *Problem) Own() bool {
	return p.RateLimited() || p.Status >= 500 || p.is("serverInternal")
}

// AccountWide reports whether a rate limit concerns all orders of the account,
// so that no other is worth a try.
func (p *Problem) AccountWide() bool {
	return p.RateLimited() && strings.Contains(p.Detail, "too many new orders")
}

// Paused reports whether the CA stopped issuing for these names until a person
// has visited url. Let's Encrypt does so after very many failures; such an
// answer names no time, as waiting does not help. Its other rate limits have a
// link too, to the manual: where their time got lost, they are no pause.
func (p *Problem) Paused() (url string, ok bool) {
	if !p.RateLimited() || !p.RetryAfter.IsZero() || !pause.MatchString(p.Detail) {
		return "", false
	}
	url = strings.TrimRight(link.FindString(p.Detail), ".,;")
	return url, url != ""
}

var (
	link  = regexp.MustCompile(`https://\S+`)
	pause = regexp.MustCompile(`(?i)temporarily prevented|please visit|unpause`)
)

func (p *Problem) is(short string) bool { return strings.EqualFold(p.Type, short) }

// when names an instant for people: 2026-11-22T09:02:00+01:00, in 3h2m.
func when(t time.Time) string {
	local := t.Local().Format(time.RFC3339)
	wait := time.Until(t)
	switch {
	case wait <= 0:
		return "at " + local
	case wait < time.Minute:
		return fmt.Sprintf("at %s, in %s", local, wait.Round(time.Second))
	default:
		return fmt.Sprintf("at %s, in %s", local, strings.TrimSuffix(wait.Round(time.Minute).String(), "0s"))
	}
}

// retryAfter reads when to come back, in seconds or as a date (RFC 9110
// §10.2.3). It is zero if the header does not say.
func retryAfter(h http.Header) time.Time {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		const year = 365 * 24 * 60 * 60
		return time.Now().Add(time.Duration(min(seconds, year)) * time.Second)
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}
	}
	return date
}

type wireProblem struct {
	Type        string          `json:"type"`
	Detail      string          `json:"detail"`
	Status      int             `json:"status"`
	Instance    string          `json:"instance"`
	Identifier  *wireIdentifier `json:"identifier"`
	Subproblems []wireProblem   `json:"subproblems"`
}

// problem is nil for no problem.
func (w *wireProblem) problem() *Problem {
	if w == nil {
		return nil
	}
	p := &Problem{Type: shortType(w.Type), Detail: plain(w.Detail), Status: w.Status, Instance: plain(w.Instance)}
	if w.Identifier != nil {
		p.Identifier = plain(w.Identifier.Value)
	}
	for _, sub := range w.Subproblems {
		p.Subproblems = append(p.Subproblems, sub.problem())
	}
	return p
}

// fromResponse makes a Problem of any answer that is an error, also of one that
// a proxy before the CA gave.
func fromResponse(res *http.Response, body []byte) *Problem {
	var w wireProblem
	if err := json.Unmarshal(body, &w); err != nil {
		w = wireProblem{Detail: foreign(string(body))}
	}
	p := w.problem()
	p.Status = res.StatusCode
	p.RetryAfter = retryAfter(res.Header)
	if p.RetryAfter.IsZero() {
		p.RetryAfter = retryAfterText(p.Detail)
	}
	return p
}

// retryAfterText reads when to come back from what the CA says to people, as
// Let's Encrypt does in every rate limit: a proxy may have lost the header.
func retryAfterText(detail string) time.Time {
	said := againText.FindStringSubmatch(detail)
	if said == nil {
		return time.Time{}
	}
	t, err := time.Parse("2006-01-02 15:04:05", strings.Replace(said[1], "T", " ", 1))
	if err != nil {
		return time.Time{}
	}
	return t
}

var againText = regexp.MustCompile(`retry after (\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?: UTC|Z)`)

// fromClient makes Problems of x/crypto's errors, and leaves others alone.
func fromClient(err error) error {
	var e *acme.Error
	if !errors.As(err, &e) {
		return err
	}
	p := &Problem{
		Type:       shortType(e.ProblemType),
		Detail:     plain(e.Detail),
		Status:     e.StatusCode,
		Instance:   plain(e.Instance),
		RetryAfter: retryAfter(e.Header),
	}
	if p.RetryAfter.IsZero() {
		p.RetryAfter = retryAfterText(p.Detail)
	}
	if p.Type == "" {
		p.Detail = foreign(e.Detail)
	}
	for _, s := range e.Subproblems {
		sub := &Problem{Type: shortType(s.Type), Detail: plain(s.Detail), Instance: plain(s.Instance)}
		if s.Identifier != nil {
			sub.Identifier = plain(s.Identifier.Value)
		}
		p.Subproblems = append(p.Subproblems, sub)
	}
	return p
}

// shortType cuts the prefix of RFC 8555 §6.7. Other types are shown whole.
func shortType(t string) string {
	if t == "about:blank" { // RFC 7807 §4.2: the status says it all
		return ""
	}
	return plain(strings.TrimPrefix(t, "urn:ietf:params:acme:error:"))
}

// foreign cuts short what is not a problem document; of a web page nothing is
// worth showing.
func foreign(body string) string {
	body = strings.TrimSpace(body)
	if strings.HasPrefix(body, "<") {
		return ""
	}
	const enough = 200
	if len(body) > enough {
		body = strings.ToValidUTF8(body[:enough], "") + "…"
	}
	return plain(body)
}

// plain keeps what the CA sends from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
