package cli

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/delegation"
	"certctl/issuance"
	"certctl/store"
)

// report is the document that issue prints with --json.
type report struct {
	Certificates []*certificateReport `json:"certificates"`
	Error        string               `json:"error,omitempty"`
	Hints        []string             `json:"hints,omitempty"`
}

// certificateReport is what became of one certificate.
type certificateReport struct {
	Certificate string             `json:"certificate"`
	Names       []string           `json:"names"`
	Status      string             `json:"status"` // issued, valid (and not due), rehearsed, failed
	Error       string             `json:"error,omitempty"`
	Hints       []string           `json:"hints,omitempty"`
	Identifiers []*placementReport `json:"identifiers,omitempty"` // those that had to be validated by a record
	Answers     []*answerReport    `json:"answers,omitempty"`     // how the others were validated
	Timings     map[string]float64 `json:"timings,omitempty"`     // step to seconds
	Files       *filesReport       `json:"files,omitempty"`
	Serial      string             `json:"serial,omitempty"` // hexadecimal
	NotBefore   *time.Time         `json:"not_before,omitempty"`
	NotAfter    *time.Time         `json:"not_after,omitempty"`
	RenewAfter  *time.Time         `json:"renew_after,omitempty"`
}

// placementReport is where one name's validation record went.
type placementReport struct {
	Name       string          `json:"name"`
	Challenge  string          `json:"challenge"`
	Steps      []stepReport    `json:"steps"`
	Owner      string          `json:"owner"`
	Zone       string          `json:"zone"`
	Credential string          `json:"credential,omitempty"` // none where the record stands
	Scope      string          `json:"scope,omitempty"`
	Standing   bool            `json:"standing,omitempty"` // the record was there
	Lasting    bool            `json:"lasting,omitempty"`  // the record stays
	Servers    []*serverReport `json:"servers"`
	Asked      []askedReport   `json:"asked,omitempty"` // who has asked while the CA was validating, where this run served the zone
	Warnings   []string        `json:"warnings,omitempty"`
}

// answerReport is how the CA got its answer about one name from us.
type answerReport struct {
	Name      string   `json:"name"`
	Challenge string   `json:"challenge"` // http-01 or tls-alpn-01
	Webroot   string   `json:"webroot,omitempty"`
	Addresses []string `json:"addresses,omitempty"` // where we listened
}

// askedReport is a network that has asked for the values.
type askedReport struct {
	Network string `json:"network"`
	Queries int    `json:"queries"`
	Served  bool   `json:"served"` // it got a value
}

// stepReport is an alias or a zone cut on the way.
type stepReport struct {
	Kind     string `json:"kind"`
	Type     string `json:"type"`
	From     string `json:"from"`
	To       string `json:"to"`
	Zone     string `json:"zone"`   // whose server said so
	Server   string `json:"server"` // its address
	Wildcard bool   `json:"wildcard,omitempty"`
}

// serverReport is one address of one server, with its last answer.
type serverReport struct {
	Name    string  `json:"name"`
	Address string  `json:"address"`
	Answer  string  `json:"answer,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // after the records were published
}

// filesReport is where the certificate is.
type filesReport struct {
	PrivateKey string `json:"privkey"`
	Cert       string `json:"cert"`
	Chain      string `json:"chain"`
	FullChain  string `json:"fullchain"`
}

// reporter gathers what the report needs, from events and results.
type reporter struct {
	answers      map[string]issuance.Observed // by owner and address
	asked        map[delegation.Name][]askedReport
	certificates []*certificateReport
	timings      []issuance.Timing
	rehearsal    bool // nothing was kept
}

func (r *reporter) note(e issuance.Event) {
	if a, ok := e.(issuance.Asked); ok {
		r.noteAsked(a)
	}
	if o, ok := e.(issuance.Observed); ok {
		if r.answers == nil {
			r.answers = make(map[string]issuance.Observed)
		}
		r.answers[string(o.Owner)+" "+o.Server.Addrs[0].String()] = o
	}
}

func (r *reporter) noteAsked(e issuance.Asked) {
	if r.asked == nil {
		r.asked = make(map[delegation.Name][]askedReport)
	}
	for _, n := range e.Networks {
		r.asked[e.Owner] = append(r.asked[e.Owner], askedReport{n.Prefix.String(), n.Queries, n.Served})
	}
}

// reporting makes a command of one that reports certificates: the report is
// written also when the command has failed.
func (p *Process) reporting(command func(*cli.Context, *reporter) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		rep := new(reporter)
		err := command(c, rep)
		if c.Bool("json") {
			return errors.Join(err, rep.writeJSON(p.Stdout, err))
		}
		if !c.Bool("quiet") {
			rep.write(p.Stdout)
		}
		return err
	}
}

// issued adds the results of this run.
func (r *reporter) issued(results []*issuance.Result) {
	for _, res := range results {
		c := &certificateReport{Certificate: res.Certificate, Names: res.Names, Status: "issued", Timings: make(map[string]float64)}
		r.certificates = append(r.certificates, c)
		for _, t := range res.Timings {
			c.Timings[string(t.Step)] = t.Took.Seconds()
		}
		for _, p := range res.Placements {
			c.Identifiers = append(c.Identifiers, r.placement(p))
		}
		for _, a := range res.Answers {
			c.Answers = append(c.Answers, &answerReport{a.Name, string(a.Challenge), a.Webroot, a.Addresses})
		}
		if res.Err != nil {
			c.Status, c.Error, c.Hints = "failed", res.Err.Error(), Hints(res.Err)
			continue
		}
		r.timings = res.Timings
		if r.rehearsal {
			c.Status = "rehearsed"
			continue
		}
		c.describe(res.Saved)
	}
}

// kept adds a certificate that is good and not due.
func (r *reporter) kept(live *store.Certificate, w *issuance.Renewal) {
	c := &certificateReport{Certificate: live.Name, Names: w.Names, Status: "valid"}
	c.describe(live)
	if w.Kept != nil {
		due := issuance.RenewAfter(w.Kept) // the CA may have suggested another time
		c.RenewAfter = &due
	}
	r.certificates = append(r.certificates, c)
}

// write writes the report for people.
func (r *reporter) write(w io.Writer) {
	for _, c := range r.certificates {
		c.write(w)
	}
	writeTimings(w, r.timings)
}

// writeJSON writes the report as one document, with the error that ended the
// run.
func (r *reporter) writeJSON(w io.Writer, err error) error {
	document := report{Certificates: r.certificates}
	if document.Certificates == nil {
		document.Certificates = []*certificateReport{}
	}
	if err != nil {
		document.Error, document.Hints = err.Error(), Hints(err)
	}
	return writeJSON(w, document)
}

func (c *certificateReport) describe(saved *store.Certificate) {
	leaf := saved.Leaf
	due := issuance.Due(leaf)
	c.Files = &filesReport{PrivateKey: saved.PrivateKey, Cert: saved.Cert, Chain: saved.Chain, FullChain: saved.FullChain}
	c.Serial = serial(leaf)
	c.NotBefore, c.NotAfter, c.RenewAfter = &leaf.NotBefore, &leaf.NotAfter, &due
}

func (r *reporter) placement(p issuance.Placement) *placementReport {
	t := p.Target
	rep := &placementReport{
		Name: p.Name, Challenge: t.Challenge.String(), Owner: t.Owner.String(), Zone: t.Zone.String(),
		Standing: p.Standing, Lasting: p.Lasting, Warnings: t.Warnings, Asked: r.asked[t.Owner], Steps: []stepReport{},
	}
	if c := p.Credential; c != nil {
		rep.Credential, rep.Scope = c.Label, c.Scope.String()
	}
	for _, s := range t.Steps {
		rep.Steps = append(rep.Steps, stepReport{
			Kind: string(s.Kind), Type: s.Type, From: s.From.String(), To: s.To.String(),
			Zone: s.Zone.String(), Server: s.Server.String(), Wildcard: s.Synthesised,
		})
	}
	for _, s := range t.Servers {
		rep.Servers = append(rep.Servers, r.server(t.Owner, s)...)
	}
	return rep
}

func (r *reporter) server(owner delegation.Name, s delegation.Server) []*serverReport {
	var reps []*serverReport
	for _, a := range s.Addrs {
		seen := r.answers[string(owner)+" "+a.String()]
		reps = append(reps, &serverReport{s.Name.String(), a.String(), seen.Answer, seen.Elapsed.Seconds()})
	}
	return reps
}

func serial(leaf *x509.Certificate) string { return fmt.Sprintf("%x", leaf.SerialNumber) }

// writeJSON writes one document.
func writeJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// write writes a certificate's report for people: nothing where it failed,
// because the error says it.
func (c *certificateReport) write(w io.Writer) {
	switch c.Status {
	case "issued":
		fmt.Fprintf(w, "%s: certificate issued\n", c.Certificate)
	case "valid":
		fmt.Fprintf(w, "%s: the certificate is good and not due; --force orders anyway\n", c.Certificate)
	case "rehearsed":
		fmt.Fprintf(w, "%s: rehearsed, and nothing is kept\n", c.Certificate)
		return
	default:
		return
	}
	row := func(label, value string) { fmt.Fprintf(w, "  %-11s %s\n", label, value) }
	row("names", strings.Join(c.Names, ", "))
	row("serial", c.Serial)
	row("valid", fmt.Sprintf("until %s, renew after %s", day(*c.NotAfter), day(*c.RenewAfter)))
	row("privkey", first(c.Files.PrivateKey, "with whoever made the certificate request"))
	row("cert", c.Files.Cert)
	row("chain", c.Files.Chain)
	row("fullchain", c.Files.FullChain)
}

func day(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

// nothing is what a step takes at most that has nothing to do.
const nothing = 100 * time.Microsecond

// writeTimings says how long each step of a run took.
func writeTimings(w io.Writer, timings []issuance.Timing) {
	if len(timings) == 0 {
		return
	}
	var total time.Duration
	var steps []string
	for _, t := range timings {
		total += t.Took
		if t.Took < nothing {
			continue
		}
		steps = append(steps, fmt.Sprintf("%s %s", t.Step, brief(t.Took)))
	}
	if len(steps) == 0 {
		return
	}
	fmt.Fprintf(w, "took %s: %s\n", brief(total), strings.Join(steps, ", "))
}
