package acmedns

import (
	"encoding/json"
	"fmt"
	"strings"

	"certctl/delegation"
	"certctl/dns01/web"
)

// CapacityError says that more values are wanted at one name than acme-dns
// keeps.
type CapacityError struct {
	Owner  delegation.Name
	Values int
}

func (e *CapacityError) Error() string {
	return fmt.Sprintf("%d values are wanted at %s, and acme-dns keeps the %d newest of a registration", e.Values, e.Owner, capacity)
}

// Hint says what to do.
func (e *CapacityError) Hint() string {
	return "give each domain a registration of its own, and lead its _acme-challenge there; a domain and its wildcard can share one"
}

// RegistrationError says that there is no registration for a name.
type RegistrationError struct {
	Label string
	Owner delegation.Name
	Known []delegation.Name
}

func (e *RegistrationError) Error() string {
	return fmt.Sprintf("%s has no registration for %s", e.Label, e.Owner)
}

// Hint says what there is.
func (e *RegistrationError) Hint() string {
	if len(e.Known) == 0 {
		return "there is none for any name at or below that of the entry in the configuration"
	}
	var names []string
	for _, n := range e.Known[:min(3, len(e.Known))] {
		names = append(names, n.Bare())
	}
	if more := len(e.Known) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return "there are registrations for " + strings.Join(names, ", ") + ": is the alias right?"
}

// UpdateError is an answer of acme-dns that says no.
type UpdateError struct {
	Owner  delegation.Name
	Code   string // as acme-dns says it: forbidden, bad_txt, …; "" if it is no answer of acme-dns
	Status *web.StatusError
	err    error
}

// newUpdateError reads an answer; err is status, or something around it.
func newUpdateError(owner delegation.Name, status *web.StatusError, err error) error {
	var answer struct{ Error string }
	_ = json.Unmarshal([]byte(status.Body), &answer)
	e := &UpdateError{Owner: owner, Status: status, err: err}
	if e.words(answer.Error) != "" {
		e.Code = answer.Error
	}
	return e
}

// words returns what a code means.
func (e *UpdateError) words(code string) string {
	switch code {
	case "forbidden":
		return "user name, password and subdomain are not those of one registration, or it takes no updates from this address (allowfrom)"
	case "bad_subdomain":
		return "the subdomain is not one that it can have given"
	case "bad_txt":
		return "it does not take such a value"
	case "malformed_json_payload":
		return "it did not understand the request"
	case "db_error":
		return "its database failed"
	}
	return ""
}

func (e *UpdateError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("update of %s: %v", e.Owner, e.err)
	}
	return fmt.Sprintf("update of %s: %s answered %d %s: %s", e.Owner, e.Status.Server, e.Status.Status, e.Code, e.words(e.Code))
}

func (e *UpdateError) Unwrap() error { return e.err }

// Hint says where to look.
func (e *UpdateError) Hint() string {
	switch e.Code {
	case "":
		return e.Status.Hint()
	case "forbidden":
		return "compare username, password and subdomain with what the registration gave, and this host's address with its allowfrom; where it is lost, register again and change the alias"
	case "bad_subdomain":
		return "subdomain: is the UUID alone, not the whole name"
	case "db_error":
		return "the server's log says why: often its disk is full or its file is not writable"
	}
	return ""
}
