package store

import (
	"errors"
	"strings"
	"time"
)

// Request is what was asked for under one name, so that it can be renewed
// without being asked again.
type Request struct {
	Version    int               `json:"version"`               // set by SaveRequest
	Name       string            `json:"name"`                  // of the certificate
	Names      []string          `json:"names"`                 // identifiers, in the order asked for
	KeyType    string            `json:"key_type"`              // "ecdsa-p256" and so on
	Profile    string            `json:"profile,omitempty"`     // "" for the CA's default
	Directory  string            `json:"directory"`             // URL of the CA's directory
	Account    string            `json:"account,omitempty"`     // URL of the account
	Deploy     []string          `json:"deploy,omitempty"`      // commands after each issue
	Challenges []string          `json:"challenges,omitempty"`  // types of them, the preferred first; none for the default
	PersistFor string            `json:"persist_for,omitempty"` // a duration like 2160h0m0s, or "" for good
	Webroot    string            `json:"webroot,omitempty"`     // where the files for http-01 go; "" to listen
	Webroots   map[string]string `json:"webroots,omitempty"`    // identifier to another such directory
	HTTP       []string          `json:"http,omitempty"`        // addresses to listen at for http-01; none for the default
	TLSALPN    []string          `json:"tls_alpn,omitempty"`    // the same for tls-alpn-01
	Follow     map[string]string `json:"follow,omitempty"`      // identifier to "never" or an owner name
	ReuseKey   bool              `json:"reuse_key,omitempty"`
	Staple     bool              `json:"must_staple,omitempty"`
	Chain      string            `json:"preferred_chain,omitempty"` // name or fingerprint of its root
	CSR        []byte            `json:"csr,omitempty"`             // certificate request (DER) that was brought along
	Bare       bool              `json:"bare,omitempty"`            // there was no configuration, and none is needed
	Created    time.Time         `json:"created"`                   // first issued
	Renewed    time.Time         `json:"renewed,omitzero"`          // last issued

	Undeployed  bool   `json:"undeployed,omitempty"`   // the commands are still to be run, or have failed
	Deployed    string `json:"deployed,omitempty"`     // which certificate was deployed, and how; "" for none
	DeployError string `json:"deploy_error,omitempty"` // what failed when it was last tried

	Issued  *Issued  `json:"issued,omitempty"`  // the live certificate; nil before the first
	Window  *Window  `json:"window,omitempty"`  // when the CA suggests to renew it
	Failure *Failure `json:"failure,omitempty"` // nil when the last attempt went well

	// Refusals are the CAs (by the URL of the directory) that are not to be
	// asked for now.
	Refusals map[string]Refusal `json:"refusals,omitempty"`
}

// Issued is what has to be known of a certificate to decide whether it is due,
// so that nothing else has to be read.
type Issued struct {
	Serial    string    `json:"serial"` // hexadecimal
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`

	Revoked time.Time `json:"revoked,omitzero"` // when we had it revoked
	Reason  string    `json:"reason,omitempty"` // then; as RFC 5280 §5.3.1 calls it
}

// Window is what the CA suggested (RFC 9773), and the instant in it that was
// chosen at random: once for a window, so that it does not move from run to run.
type Window struct {
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Chosen      time.Time `json:"chosen"`
	AskAgain    time.Time `json:"ask_again"` // not before this
	Explanation string    `json:"explanation,omitempty"`
}

// Failure is what is remembered of attempts that failed, one after the other.
type Failure struct {
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
	Next  time.Time `json:"next"` // no attempt before this
	Error string    `json:"error"`
	Visit string    `json:"visit,omitempty"` // a person has to go there before a CA is asked again
}

// Refusal is that a CA has said when to come back, or where a person has to go
// first.
type Refusal struct {
	Until time.Time `json:"until,omitzero"`
	Visit string    `json:"visit,omitempty"`
}

// SaveRequest keeps a request, in the place of an older one of its name.
func (s *Store) SaveRequest(r *Request) error {
	if err := CheckName(r.Name); err != nil {
		return err
	}
	kept := *r
	kept.Version = version
	return s.saveJSON(s.requestPath(r.Name), kept)
}

// LoadRequest returns the request of this name. Without one the error is
// fs.ErrNotExist.
func (s *Store) LoadRequest(name string) (*Request, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	r := &Request{}
	if err := loadJSON(s.requestPath(name), r); err != nil {
		return nil, err
	}
	r.Name = name
	return r, nil
}

// Requests returns all requests in the order of their names, and an error for
// each that cannot be read.
func (s *Store) Requests() ([]*Request, error) {
	list, err := names(s.path("certificates"))
	errs := []error{err}
	var requests []*Request
	for _, file := range list {
		name, ok := strings.CutSuffix(file, ".json")
		if !ok || CheckName(name) != nil {
			continue
		}
		r, err := s.LoadRequest(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		requests = append(requests, r)
	}
	return requests, errors.Join(errs...)
}

func (s *Store) requestPath(name string) string { return s.path("certificates", name+".json") }
