package dns01

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"certctl/delegation"
)

// DefaultTimeout is how long a zone is waited for unless the configuration
// says otherwise.
const DefaultTimeout = 10 * time.Minute

// Propagation is how one zone's servers are waited for.
type Propagation struct {
	Timeout time.Duration // 0: DefaultTimeout
	Settle  time.Duration // wait this much longer after all servers agree; for anycast services
}

// PropagationError says that a zone's servers did not all serve the values in
// time.
type PropagationError struct {
	Zone    delegation.Name
	Waited  time.Duration
	Answers []Observation // the last answer of every server about every owner
}

// Error is a table: server, address, last answer, since when, and which owners.
func (e *PropagationError) Error() string {
	if len(e.Answers) == 0 {
		return fmt.Sprintf("zone %s: no server is known", e.Zone)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "zone %s: not every server has the records after %v:", e.Zone, short(e.Waited))
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, r := range e.rows() {
		fmt.Fprintf(table, "\n  %s\t%v\t%s\tsince %v\t%s", r.Server.Name, r.Server.Addrs[0], r.Answer, short(r.Elapsed), r.owners())
	}
	table.Flush()
	return text.String()
}

// Hint says where to look.
func (e *PropagationError) Hint() string {
	var late, failing, denying string
	for _, a := range e.Answers {
		server := fmt.Sprintf("%s (%v)", a.Server.Name, a.Server.Addrs[0])
		switch {
		case a.Done:
		case a.Proxied && !a.Failed:
			denying = a.Server.Addrs[0].String()
		case a.Failed:
			failing = server
		default:
			late = server
		}
	}
	switch {
	case denying != "":
		return fmt.Sprintf("the resolver %s was asked before there was a record, and may deny it from its cache for as long as the SOA record of %s says (MINIMUM): let authoritative servers be asked directly (port 53), or set propagation: {timeout: …} for %s to more than that", denying, e.Zone, yamlKey(e.Zone))
	case late != "":
		return fmt.Sprintf("%s answers without the value: is it notified, and may it transfer the zone? Where it is only slow, set propagation: {timeout: …} for %s", late, yamlKey(e.Zone))
	case failing != "":
		return fmt.Sprintf("%s gives no usable answer: may this host reach it on that port, over UDP and TCP, and does it serve %s?", failing, e.Zone)
	}
	return ""
}

// row is one line of the table: answers that differ in their owner only.
type row struct {
	Observation
	more int
}

func (e *PropagationError) rows() []*row {
	type key struct {
		server delegation.Name
		addr   string
		answer string
	}
	var rows []*row
	by := map[key]*row{}
	for _, a := range e.Answers {
		k := key{a.Server.Name, a.Server.Addrs[0].String(), a.Answer}
		if r, ok := by[k]; ok {
			r.more++
			r.Elapsed = max(r.Elapsed, a.Elapsed)
			continue
		}
		by[k] = &row{Observation: a}
		rows = append(rows, by[k])
	}
	return rows
}

func (r *row) owners() string {
	if r.more == 0 {
		return r.Owner.String()
	}
	return fmt.Sprintf("%s and %d more", r.Owner, r.more)
}

// short rounds a duration to what a reader wants to know.
func short(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
