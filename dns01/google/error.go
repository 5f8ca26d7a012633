package google

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"certctl/delegation"
	"certctl/dns01/guard"
	"certctl/dns01/web"
)

// APIError is an answer of Google that says no.
type APIError struct {
	Reason  string // as Google has it: alreadyExists, conditionNotMet, forbidden, …
	Message string
	Status  *web.StatusError
	err     error
}

// newAPIError reads an error; those that are no answers of Google stay as they
// are.
func newAPIError(err error) error {
	status, ok := errors.AsType[*web.StatusError](err)
	if !ok {
		return err
	}
	reason, message := read(status.Body)
	if message == "" {
		return err
	}
	return &APIError{Reason: reason, Message: message, Status: status, err: err}
}

func read(body string) (reason, message string) {
	var answer struct {
		Error struct {
			Message string
			Status  string
			Errors  []struct{ Reason string }
		}
	}
	if json.Unmarshal([]byte(body), &answer) != nil {
		return "", ""
	}
	if reason = answer.Error.Status; len(answer.Error.Errors) > 0 {
		reason = answer.Error.Errors[0].Reason
	}
	return reason, answer.Error.Message
}

func (e *APIError) Error() string {
	return fmt.Sprintf("%s answered %d %s: %s", e.Status.Server, e.Status.Status, e.Reason, guard.Quote(e.Message))
}

func (e *APIError) Unwrap() error { return e.err }

// outdated reports whether a change was refused because a record set is not what
// it was believed to be.
func (e *APIError) outdated() bool {
	switch e.Status.Status {
	case 409, 412:
		return true
	case 404:
		return strings.Contains(e.Message, "entity.change.")
	}
	return false
}

// Hint says what may mend it.
func (e *APIError) Hint() string {
	switch {
	case e.Status.Status == 403 && strings.Contains(e.Message, "accessNotConfigured"):
		return "enable the Cloud DNS API in the project"
	case e.Status.Status == 403:
		return "certctl policy print -d NAME prints the roles that the key needs; a key that may not list zones needs managed_zone: set"
	case e.Status.Status == 401:
		return "is the key still one of the service account's, and is this host's clock right?"
	case e.Status.Status == 404:
		return "compare project: and managed_zone: with where the zone is"
	}
	return e.Status.Hint()
}

// busy reports whether Google says, with status 403, that it is too busy.
func busy(e *web.StatusError) bool {
	reason, _ := read(e.Body)
	return strings.HasSuffix(reason, "ateLimitExceeded") || reason == "quotaExceeded"
}

// ZoneError says that there is not exactly one public managed zone with a name.
type ZoneError struct {
	Project         string
	Zone            delegation.Name
	Public, Private []string // names in the project
}

func (e *ZoneError) Error() string {
	switch {
	case len(e.Public) > 1:
		return fmt.Sprintf("the project %s has %d public zones %s", e.Project, len(e.Public), e.Zone.Bare())
	case len(e.Private) > 0:
		return fmt.Sprintf("the project %s has only a private zone %s, which no CA can see", e.Project, e.Zone.Bare())
	}
	return fmt.Sprintf("the project %s has no zone %s", e.Project, e.Zone.Bare())
}

// Hint says what to do.
func (e *ZoneError) Hint() string {
	if len(e.Public) > 1 {
		return "set managed_zone: to that of them whose name servers the parent zone names: " + strings.Join(e.Public, ", ")
	}
	return "is it in another project? Then set project:"
}
