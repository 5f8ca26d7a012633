package web

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"certctl/dns01/guard"
)

// FailedError says that a service gave no answer, or not all of it.
type FailedError struct {
	Server string
	Err    error
}

func (e *FailedError) Error() string { return e.Server + ": " + e.Err.Error() }
func (e *FailedError) Unwrap() error { return e.Err }

// Hint says what may mend it.
func (e *FailedError) Hint() string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		return "set ca_file: to the certificate of the authority that " + e.Server + " has its own from"
	}
	return ""
}

// StatusError is an answer whose status says no.
type StatusError struct {
	Server     string
	Status     int
	Body       string        // without secrets
	RetryAfter time.Duration // when to come back; 1 s where the service does not say
}

func newStatusError(server string, r *http.Response, body []byte, secrets []string) error {
	e := &StatusError{
		Server: server, Status: r.StatusCode, Body: guard.Censor(string(body), secrets...),
		RetryAfter: retryAfter(r.Header.Get("Retry-After")),
	}
	if e.Status/100 == 4 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout {
		return &RefusedError{e}
	}
	return e
}

// retryAfter reads the header field (RFC 9110 §10.2.3).
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return time.Second
}

func (e *StatusError) busy() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s answered %d %s", e.Server, e.Status, http.StatusText(e.Status))
	if said := guard.Quote(e.Body); said != "" {
		text += ": " + said
	}
	return text
}

// Hint says where to look.
func (e *StatusError) Hint() string {
	switch {
	case e.Status/100 == 3:
		return "redirects are not followed, because the credential would go with them: set url: to where it leads"
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return "compare the credential in the configuration with the service's, and whether it may write these names from this address"
	case e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed:
		return "compare url: with where the service has its API"
	case e.busy():
		return fmt.Sprintf("it is too busy: try again in %v", e.RetryAfter)
	}
	return ""
}

// RefusedError is a StatusError that says that the service has understood, and
// does not want to.
type RefusedError struct{ *StatusError }

func (e *RefusedError) Unwrap() error { return e.StatusError }

// Refused implements dns01.Refusal.
func (e *RefusedError) Refused() {}
