package web

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"certctl/delegation"
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
	RetryAfter time.Duration // when to come back; less than 0: the service does not say
	Reset      time.Duration // when it has forgotten all that was asked before; less than 0: it does not say
}

func newStatusError(server string, r *http.Response, body []byte, secrets []string) error {
	e := &StatusError{
		Server: server, Status: r.StatusCode, Body: guard.Censor(string(body), secrets...),
		RetryAfter: comeBack(r.Header, "Retry-After"), // RFC 9110 §10.2.3
		Reset:      comeBack(r.Header, "RateLimit-Reset", "X-RateLimit-Reset"),
	}
	if e.Status/100 == 4 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout {
		return &RefusedError{e}
	}
	return e
}

// passing reports whether the next try may fare better.
func (e *FailedError) passing() bool {
	if errors.Is(e.Err, ErrTooLong) || errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded) {
		return false
	}
	return errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, syscall.ECONNRESET)
}

// failed reports whether the service, or something before it, broke down.
func (e *StatusError) failed() bool {
	switch e.Status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s answered %d %s", e.Server, e.Status, http.StatusText(e.Status))
	if said := guard.Quote(words(e.Body)); said != "" {
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
	case e.Status == http.StatusConflict || e.Status == http.StatusLocked:
		return "somebody else changes the zone at the same time: try again in a while"
	case e.busy():
		return e.later()
	case e.Status/100 == 5:
		return "that is the service's own failure, or of something before it: try again in a while"
	}
	return ""
}

// RefusedError is a StatusError that says that the service has understood, and
// does not want to.
type RefusedError struct{ *StatusError }

func (e *RefusedError) Unwrap() error { return e.StatusError }

// Refused implements dns01.Refusal.
func (e *RefusedError) Refused() {}

// FormError says that an answer is not in the form that the service's API has.
// What it was instead is not shown: it may be anything.
type FormError struct{ Server string }

func (e *FormError) Error() string { return e.Server + " did not answer as its API does" }

// Hint says where to look.
func (e *FormError) Hint() string {
	return "is there a proxy or a login page between this host and " + e.Server + "? Where url: is configured, compare it with where the API is"
}

// NoZoneError says that an account does not have a zone, or does not show it.
type NoZoneError struct {
	Server string
	Zone   delegation.Name
	Err    error // the service's answer; nil where it was an empty list
}

func (e *NoZoneError) Error() string {
	text := fmt.Sprintf("%s knows no zone %s", e.Server, e.Zone.Bare())
	if e.Err != nil {
		text += " for this key: " + e.Err.Error()
	}
	return text
}

func (e *NoZoneError) Unwrap() error { return e.Err }

// Hint says where to look.
func (e *NoZoneError) Hint() string {
	return fmt.Sprintf("is %s served by the account that the key is from, and may the key read it? Its name servers say who serves it: certctl trace", e.Zone.Bare())
}

// CopyError says that a service copies a zone from other servers, and takes no
// records of its own.
type CopyError struct {
	Server string
	Zone   delegation.Name
}

func (e *CopyError) Error() string {
	return fmt.Sprintf("%s copies %s from other servers, and takes no records of its own", e.Server, e.Zone.Bare())
}

// Hint says where to write instead.
func (e *CopyError) Hint() string {
	return "write where it copies from: configure the provider of the zone's primary server"
}

// ManyZonesError says that a service has several zones of one name.
type ManyZonesError struct {
	Server string
	Zone   delegation.Name
	IDs    []string
}

func (e *ManyZonesError) Error() string {
	return fmt.Sprintf("%s has %d zones called %s", e.Server, len(e.IDs), e.Zone.Bare())
}

// Hint says how to choose.
func (e *ManyZonesError) Hint() string {
	return "set zone_id: to the one that the name servers serve: " + strings.Join(e.IDs, ", ")
}

// IsStatus reports whether an error is an answer with this status.
func IsStatus(err error, status int) bool {
	e, ok := errors.AsType[*StatusError](err)
	return ok && e.Status == status
}
