package route53

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"certctl/delegation"
	"certctl/dns01/guard"
	"certctl/dns01/web"
)

// APIError is an answer of Amazon that says no.
type APIError struct {
	Code    string // as Amazon has it: AccessDenied, InvalidChangeBatch, …
	Message string
	Status  *web.StatusError
	zoneID  string
	err     error
}

// newAPIError reads an error; those that are no answers of Amazon stay as they
// are.
func newAPIError(err error, zoneID string) error {
	status, ok := errors.AsType[*web.StatusError](err)
	if !ok {
		return err
	}
	code, message := read(status.Body)
	if code == "" {
		return err
	}
	return &APIError{Code: code, Message: message, Status: status, zoneID: zoneID, err: err}
}

// read reads an error in either of the forms that there are.
func read(body string) (code, message string) {
	var answer struct {
		XMLName  xml.Name
		Code     string   `xml:"Error>Code"`
		Message  string   `xml:"Error>Message"`
		Messages []string `xml:"Messages>Message"`
	}
	if xml.Unmarshal([]byte(body), &answer) != nil {
		return "", ""
	}
	if answer.XMLName.Local == "InvalidChangeBatch" {
		return "InvalidChangeBatch", strings.Join(answer.Messages, "; ")
	}
	return answer.Code, answer.Message
}

func (e *APIError) Error() string {
	return fmt.Sprintf("%s answered %s: %s", e.Status.Server, e.Code, guard.Quote(e.Message))
}

func (e *APIError) Unwrap() error { return e.err }

// outdated reports whether a change was refused because a record set is not what
// it was believed to be.
func (e *APIError) outdated() bool {
	if e.Code != "InvalidChangeBatch" {
		return false
	}
	for _, words := range []string{"already exists", "was not found", "do not match"} {
		if strings.Contains(e.Message, words) {
			return true
		}
	}
	return false
}

// Hint says what may mend it.
func (e *APIError) Hint() string {
	switch e.Code {
	case "AccessDenied", "AccessDeniedException":
		if e.zoneID == "" {
			return "set zone_id: to the hosted zone's, so that it need not be looked for; certctl policy print -d NAME prints the policy that the key needs"
		}
		return "certctl policy print -d NAME prints the policy that the key needs"
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch":
		return "compare access_key_id and secret_access_key with what Amazon gave; a temporary key needs its session_token too"
	case "ExpiredToken", "ExpiredTokenException":
		return "the temporary key is over: get a new one, or let certctl find it by itself (profile, role_arn, web identity, machine)"
	case "RequestExpired", "RequestTimeTooSkewed":
		return "set this host's clock"
	case "NoSuchHostedZone":
		return "compare zone_id: with the hosted zone's id, and the key's account with the zone's"
	case "Throttling", "PriorRequestNotComplete":
		return "Route 53 takes five requests a second from all of an account: try again later"
	}
	return e.Status.Hint()
}

// busy reports whether Amazon says, with status 400, that it is too busy.
func busy(e *web.StatusError) bool {
	code, _ := read(e.Body)
	return code == "Throttling" || code == "ThrottlingException" || code == "PriorRequestNotComplete"
}

// ZoneError says that there is not exactly one public hosted zone with a name.
type ZoneError struct {
	Zone            delegation.Name
	Public, Private []string // ids
}

func (e *ZoneError) Error() string {
	switch {
	case len(e.Public) > 1:
		return fmt.Sprintf("the account has %d public hosted zones %s", len(e.Public), e.Zone.Bare())
	case len(e.Private) > 0:
		return fmt.Sprintf("the account has only a private hosted zone %s, which no CA can see", e.Zone.Bare())
	}
	return fmt.Sprintf("the account has no hosted zone %s", e.Zone.Bare())
}

// Hint says what to do.
func (e *ZoneError) Hint() string {
	if len(e.Public) > 1 {
		return "set zone_id: to that of them whose name servers the parent zone names: " + strings.Join(e.Public, ", ")
	}
	return "is it in another account? Then use a key or a role_arn of that one"
}
