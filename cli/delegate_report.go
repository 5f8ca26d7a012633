package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/delegate"
	"certctl/dns01"
)

// delegateReport is the document of delegate --json, and what is told to people
// in its place.
type delegateReport struct {
	Delegations   []delegationReport `json:"delegations"`
	Records       []recordReport     `json:"records"`
	Configuration string             `json:"configuration,omitempty"` // lines that certctl.yaml lacks
	Credentials   []scopeReport      `json:"credentials"`             // configured ones and proposals
	Warnings      []string           `json:"warnings,omitempty"`
	Error         string             `json:"error,omitempty"`
	Hints         []string           `json:"hints,omitempty"`

	format string // "policy" for policies in place of records
	plan   *delegate.Plan
}

// delegationReport is one challenge name and where it is to lead.
type delegationReport struct {
	Names      []string `json:"names"`
	Challenge  string   `json:"challenge"`
	Type       string   `json:"type"`           // CNAME, NS or TXT
	Zone       string   `json:"zone,omitempty"` // where the records belong
	Owner      string   `json:"owner"`          // where the validation record will be
	TargetZone string   `json:"target_zone"`    // and in which zone
	Present    bool     `json:"present"`        // the records are there already
	Warnings   []string `json:"warnings,omitempty"`
}

type recordReport struct {
	Zone  string `json:"zone,omitempty"`
	Owner string `json:"owner"`
	TTL   int    `json:"ttl"`
	Type  string `json:"type"`
	Data  string `json:"data"`
}

// scopeReport is the credential for one scope.
type scopeReport struct {
	Scope      string         `json:"scope"`
	Credential string         `json:"credential"`
	Configured bool           `json:"configured"` // else it is a proposal
	Policies   []dns01.Policy `json:"policies,omitempty"`
}

// describe gathers what there is to say about a plan.
func (r *run) describe(c *cli.Context, rep *delegateReport, plan *delegate.Plan) error {
	rep.plan, rep.Warnings = plan, plan.Cautions()
	if c.Bool("policy") && rep.format != "json" {
		rep.format = "policy"
	}
	rep.describe()
	var lacking []delegate.Scope
	for _, s := range plan.Scopes() {
		credential, zone, configured, err := r.credentialFor(s)
		if err != nil {
			return err
		}
		scope := scopeReport{Scope: credential.Scope.String(), Credential: credential.Label, Configured: configured}
		if !configured {
			lacking = append(lacking, s)
		}
		if c.Bool("policy") {
			policies, err := credential.Policies(zone, s.Owners)
			if err != nil {
				return err
			}
			scope.Policies = ofKind(policies, c.String("server-kind"))
		}
		rep.Credentials = append(rep.Credentials, scope)
	}
	rep.Configuration = delegate.Configuration(lacking)
	if len(lacking) > 0 && c.String("acme-dns") != "" {
		var err error
		rep.Configuration, err = r.registered(c, plan.To)
		return err
	}
	return nil
}

// ofKind returns the policies for one kind of server, or all of them.
func ofKind(policies []dns01.Policy, kind string) []dns01.Policy {
	var chosen []dns01.Policy
	for _, p := range policies {
		if kind == "" || p.Kind == kind {
			chosen = append(chosen, p)
		}
	}
	return chosen
}

func (r *delegateReport) describe() {
	for _, d := range r.plan.Delegations {
		r.Delegations = append(r.Delegations, delegationReport{
			Names: d.Names, Challenge: d.Challenge.String(), Type: r.plan.Type(), Zone: d.Zone.String(), Owner: d.Owner.String(),
			TargetZone: d.TargetZone.String(), Present: d.Present, Warnings: d.Warnings,
		})
	}
	for _, rec := range r.plan.Records() {
		r.Records = append(r.Records, recordReport{rec.Zone.String(), rec.Owner.String(), int(rec.TTL.Seconds()), rec.Type, rec.Data})
	}
}

// explain says what people want to know before they read the records.
func (r *delegateReport) explain(say func(string)) {
	for _, text := range r.plan.Advice() {
		say(text)
	}
	for _, text := range r.Warnings {
		say("warning: " + text)
	}
	for _, d := range r.plan.Delegations {
		for _, text := range d.Warnings {
			say("warning: " + d.Domain + ": " + text)
		}
		switch {
		case d.Present && r.plan.Type() == "TXT":
			say(fmt.Sprintf("the record for %s is there already", d.Domain))
		case d.Present:
			say(fmt.Sprintf("%s is delegated as planned already", d.Challenge.Bare()))
		}
	}
}

// conclude says what else there is to do.
func (r *delegateReport) conclude(say func(string)) {
	for _, s := range r.Credentials {
		if s.Configured {
			say(fmt.Sprintf("the configuration has a credential for it: %s, for %s", s.Credential, strings.TrimSuffix(s.Scope, ".")))
		}
	}
	if r.Configuration != "" {
		say("the configuration needs these lines:\n" + strings.TrimSuffix(r.Configuration, "\n"))
	}
}

// write writes the records, or the policies.
func (r *delegateReport) write(w io.Writer) error {
	switch r.format {
	case "nsupdate":
		return r.plan.WriteNsupdate(w)
	case "terraform":
		return r.plan.WriteTerraform(w)
	case "policy":
		return writePolicies(w, r.Credentials)
	}
	return r.plan.WriteZoneFile(w)
}

// writePolicies writes policies, each with what it is for.
func writePolicies(w io.Writer, credentials []scopeReport) error {
	var b strings.Builder
	for _, s := range credentials {
		for _, p := range s.Policies {
			mark := "#"
			if p.Kind == "bind" {
				mark = "//"
			}
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s %s: %s\n", mark, p.Server, s.Credential)
			if p.Excess != "" {
				fmt.Fprintf(&b, "%s Beware: %s.\n", mark, p.Excess)
			}
			b.WriteString(p.Text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *delegateReport) writeJSON(w io.Writer, err error) error {
	if err != nil {
		r.Error, r.Hints = err.Error(), Hints(err)
	}
	if r.plan == nil {
		r.Delegations, r.Records, r.Credentials = []delegationReport{}, []recordReport{}, []scopeReport{}
	}
	return writeJSON(w, r)
}
