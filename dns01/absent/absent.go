// Package absent makes up records that nobody has. To ask a service for the
// removal of one shows whether a key may write there, and can do no harm.
package absent

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// Record is a record that nobody has: its value is made up at random.
type Record struct {
	Reach dns01.Reach // what a key that may remove it can do
	Owner delegation.Name
	Type  string // TXT or AAAA
	Value string // an AAAA record's is in the prefix for documentation (RFC 3849)
}

// label begins the labels of names that nobody has.
const label = "certctl-probe-"

// Records returns what a key for TXT records at an owner of a zone should not be
// able to remove.
func Records(zone, owner delegation.Name) []Record {
	all := []Record{{dns01.OtherNames, below(zone), "TXT", text()}}
	if owner != zone {
		all = append(all, Record{dns01.TheApex, zone, "TXT", text()})
		if n := below(owner); len(n) <= 254 {
			all = append(all, Record{dns01.NamesBelow, n, "TXT", text()})
		}
	}
	return append(all, Record{dns01.OtherTypes, owner, "AAAA", address()})
}

// In returns a record in another zone.
func In(zone delegation.Name) Record { return Record{dns01.OtherZones, below(zone), "TXT", text()} }

func below(n delegation.Name) delegation.Name {
	return delegation.Name(label + strings.ToLower(rand.Text()) + "." + n.String())
}

func text() string { return "certctl probe " + rand.Text() }

func address() string {
	var b [12]byte
	rand.Read(b[:])
	return fmt.Sprintf("2001:db8:%x:%x:%x:%x:%x:%x", b[0:2], b[2:4], b[4:6], b[6:8], b[8:10], b[10:12])
}

// Question says, for people to read, what is asked for.
func (r Record) Question() string {
	name := r.Owner.Bare()
	if rest, ok := strings.CutPrefix(name, label); ok {
		_, parent, _ := strings.Cut(rest, ".")
		name = label + "*." + parent
	}
	return fmt.Sprintf("removal of an absent %s %s", r.Type, name)
}

// Verdict is what came of asking for a removal.
type Verdict int

// The verdicts.
const (
	Unclear Verdict = iota // says nothing about rights
	Refused
	Accepted
)

// Try asks for the removal of each record. An error of remove ends it.
func Try(ctx context.Context, records []Record, remove func(context.Context, Record) (Verdict, string, error)) ([]dns01.Trial, error) {
	var trials []dns01.Trial
	for _, r := range records {
		verdict, answer, err := remove(ctx, r)
		if err != nil {
			return trials, err
		}
		trials = append(trials, dns01.Trial{
			Reach: r.Reach, Question: r.Question(), Answer: answer,
			Accepted: verdict == Accepted, Refused: verdict == Refused,
		})
	}
	return trials, nil
}
