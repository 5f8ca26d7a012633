package issuance

import (
	"net/netip"
	"time"

	"certctl/acme"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/store"
)

// Step is a part of the story, in the words that errors and timings use.
type Step string

// The steps, in their order.
const (
	Ordering   Step = "order"
	Locating   Step = "locate"
	Answering  Step = "answer"
	Publishing Step = "publish"
	Waiting    Step = "propagate"
	Validating Step = "validate"
	Removing   Step = "remove"
	Finalizing Step = "finalize"
	Saving     Step = "save"
)

// Event is something that happened: one of the types below.
type Event interface{ event() }

// Began says that a step of the batch begins.
type Began struct{ Step Step }

// Ended says that a step of the batch has ended, and how long it took.
type Ended struct {
	Step Step
	Took time.Duration
}

// Ordered says that an order is placed, or an earlier one taken up.
type Ordered struct {
	Certificate string
	URL         string
	Resumed     bool
	Pending     []string // names still to be validated
}

// Located says where a validation record must be, and by whom it is written.
type Located struct {
	Certificate string
	Placement
}

// Placing says that files will be below a document root, and are on record.
type Placing struct {
	Root  string
	Files int
}

// Answered says how the CA will get its answer from us and not from the DNS.
type Answered struct {
	Certificate string
	Answer
}

// Journaled says that records are on record, before they are sent.
type Journaled struct{ Records []dns01.Record }

// Published says that records of a zone were written.
type Published struct {
	Records  []dns01.Record
	Verified bool // they were read back from the server that took them
}

// Observed says what an authoritative server answered.
type Observed struct {
	Names []string // of the orders, that wait for this
	dns01.Observation
}

// Validated says how the CA decided on a name.
type Validated struct {
	Certificate string
	Name        string
	Status      acme.Status
}

// Asked says who has asked for the values at an owner name since the CA began to
// validate, where the server that took them knows.
type Asked struct {
	Owner    delegation.Name
	Networks []Network
	Servers  int // of the zone, of which one says this
}

// Network is one that questions came from.
type Network struct {
	Prefix  netip.Prefix
	Queries int
	Served  bool // it got a value
}

// Removed says that records are gone again.
type Removed struct{ Records []dns01.Record }

// Saved says that a certificate is in the store.
type Saved struct {
	Certificate string
	Files       *store.Certificate
}

// Failed says that a certificate will not be had in this run.
type Failed struct {
	Certificate string
	Err         error
}

// Warned is something that should be known but does not stop a certificate.
type Warned struct {
	Certificate string // may be ""
	Name        string // may be ""
	Text        string
}

func (Began) event()     {}
func (Ended) event()     {}
func (Ordered) event()   {}
func (Located) event()   {}
func (Placing) event()   {}
func (Answered) event()  {}
func (Journaled) event() {}
func (Published) event() {}
func (Observed) event()  {}
func (Validated) event() {}
func (Asked) event()     {}
func (Removed) event()   {}
func (Saved) event()     {}
func (Failed) event()    {}
func (Warned) event()    {}
