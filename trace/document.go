package trace

import (
	"encoding/json"
	"errors"
	"io"

	"certctl/delegation"
)

// Document is what JSON writes.
type Document struct {
	Names []NameDocument `json:"names"`
	Right bool           `json:"right"` // all names are
}

// NameDocument is the way of one name. All domain names end in a dot, but for
// Name, which is as it was given.
type NameDocument struct {
	Name      string         `json:"name"`
	Challenge string         `json:"challenge"`          // where the CA starts
	Owner     string         `json:"owner,omitempty"`    // where the TXT record belongs; absent if the way does not lead there
	Zone      string         `json:"zone,omitempty"`     // that the owner is in
	Primary   string         `json:"primary,omitempty"`  // server named in the zone's SOA record
	Right     bool           `json:"right"`              // the way has an end, and all servers say the same
	Proxied   bool           `json:"proxied,omitempty"`  // authoritative servers cannot be asked: recursive resolvers were
	Error     string         `json:"error,omitempty"`    // why it is not right
	Hint      string         `json:"hint,omitempty"`     // what to do about it
	Explicit  string         `json:"explicit,omitempty"` // where a record would end a wildcard's alias
	Warnings  []string       `json:"warnings,omitempty"` // contradictions that do not stop a certificate
	Steps     []StepDocument `json:"steps"`              // in the order taken
	Zones     []ZoneDocument `json:"zones"`              // on the way, each after its parent
}

// StepDocument is an alias or a zone cut.
type StepDocument struct {
	Kind     string   `json:"kind"` // alias, cut
	Type     string   `json:"type"` // CNAME, DNAME, NS
	From     string   `json:"from"`
	To       string   `json:"to"`
	Zone     string   `json:"zone"`               // whose server said so
	Server   string   `json:"server"`             // its address and port
	Servers  []string `json:"servers,omitempty"`  // cut: names of the child's servers
	Wildcard bool     `json:"wildcard,omitempty"` // alias: made by a wildcard
}

// ZoneDocument is a zone, and what its servers were asked.
type ZoneDocument struct {
	Zone      string             `json:"zone"`
	Parent    string             `json:"parent,omitempty"`
	Questions []QuestionDocument `json:"questions"`
}

// QuestionDocument is a question, and what each address of each server said.
type QuestionDocument struct {
	Purpose string           `json:"purpose"`          // refer (to a zone below), follow (an alias), place (of the record), serve (the zone)
	Name    string           `json:"name"`             // asked for
	Type    string           `json:"type"`             // asked for
	Sample  bool             `json:"sample,omitempty"` // only the server was asked that the way leads over
	Answers []AnswerDocument `json:"answers"`
}

// AnswerDocument is what one address of a server said.
type AnswerDocument struct {
	Server       string   `json:"server,omitempty"`
	Address      string   `json:"address"`
	Fault        string   `json:"fault,omitempty"`     // what is wrong with the answer
	Unrouted     bool     `json:"unrouted,omitempty"`  // not asked: this host has no route to it
	Proxied      bool     `json:"proxied,omitempty"`   // a recursive resolver, whose answer may be old
	Rcode        string   `json:"rcode,omitempty"`     // absent without an answer
	AA           bool     `json:"aa"`                  // authoritative
	RA           bool     `json:"ra"`                  // offers recursion
	Zone         string   `json:"zone,omitempty"`      // owner of the SOA record
	Serial       *uint32  `json:"serial,omitempty"`    // in it
	Alias        string   `json:"alias,omitempty"`     // canonical name
	Referral     string   `json:"referral,omitempty"`  // zone referred to
	Servers      []string `json:"servers,omitempty"`   // of the zone referred to
	Milliseconds float64  `json:"milliseconds"`        // from question to answer
	Truncated    bool     `json:"truncated,omitempty"` // over UDP, and whole over TCP
	CaseKept     bool     `json:"case_kept"`           // of the name in the question
	EDNS         int      `json:"edns,omitempty"`      // buffer size; absent without EDNS
	NSID         string   `json:"nsid,omitempty"`      // RFC 5001
}

// JSON writes the ways as one Document.
func JSON(w io.Writer, ways []*Way, d Drawing) error {
	doc := Document{Names: []NameDocument{}, Right: true}
	for _, way := range ways {
		doc.Names = append(doc.Names, way.document(d))
		doc.Right = doc.Right && way.Right()
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(doc)
}

func (w *Way) document(d Drawing) NameDocument {
	t := w.Target
	doc := NameDocument{
		Name: w.Name, Challenge: t.Challenge.String(), Owner: t.Owner.String(), Zone: t.Zone.String(),
		Primary: t.Primary.String(), Right: w.Right(), Proxied: t.Proxied, Warnings: w.warnings(),
		Steps: []StepDocument{}, Zones: []ZoneDocument{},
	}
	if err := w.Problem(); err != nil {
		doc.Error, doc.Hint = err.Error(), hint(err)
	}
	if t.Explicit != nil {
		doc.Explicit = t.Explicit.Owner.String()
	}
	for _, s := range t.Steps {
		doc.Steps = append(doc.Steps, StepDocument{
			Kind: string(s.Kind), Type: s.Type, From: s.From.String(), To: s.To.String(), Zone: s.Zone.String(),
			Server: s.Server.String(), Servers: texts(s.ServerNames), Wildcard: s.Synthesised,
		})
	}
	for _, z := range w.Zones {
		doc.Zones = append(doc.Zones, z.document(d))
	}
	return doc
}

func hint(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		if h, ok := err.(interface{ Hint() string }); ok {
			return h.Hint()
		}
	}
	return ""
}

func texts(names []delegation.Name) []string {
	var all []string
	for _, n := range names {
		all = append(all, n.String())
	}
	return all
}

func (z *Zone) document(d Drawing) ZoneDocument {
	doc := ZoneDocument{Zone: z.Apex.String(), Questions: []QuestionDocument{}}
	if z.Cut != nil {
		doc.Parent = z.Cut.From.String()
	}
	for _, l := range z.Looks {
		q := QuestionDocument{
			Purpose: string(l.Purpose), Name: l.Name.String(), Type: l.Type, Sample: l.Sample,
			Answers: []AnswerDocument{},
		}
		for i := range l.Answers {
			q.Answers = append(q.Answers, l.Answers[i].document(d))
		}
		doc.Questions = append(doc.Questions, q)
	}
	return doc
}

func (a *Answer) document(d Drawing) AnswerDocument {
	doc := AnswerDocument{
		Server: a.Server.Name.String(), Address: a.Server.Addrs[0].String(), Fault: a.Fault,
		Unrouted: a.NoRoute(), Proxied: a.Proxied, Rcode: a.Rcode, AA: a.Authoritative, RA: a.Recursive,
		Zone: a.Zone.String(), Alias: a.AliasTo.String(), Referral: a.Cut.String(), Servers: texts(a.ServerNames),
		Truncated: a.Truncated, CaseKept: a.CaseKept, EDNS: a.BufferSize, NSID: a.NSID,
	}
	if a.Zone != "" {
		doc.Serial = &a.Serial
	}
	if !d.Still {
		doc.Milliseconds = float64(a.RTT.Microseconds()) / 1000
	}
	return doc
}
