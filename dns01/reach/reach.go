// Package reach says what a key of a DNS service can do beside writing
// validation records: by what the service lets it read, or by what every key of
// the service can do. Nothing here writes; package absent is for services that
// tell more when they are asked for a removal.
package reach

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/dns01/web"
)

// Inherent returns what every key of a service can do. why is what the vendor's
// documentation has about it.
func Inherent(r dns01.Reach, why string) dns01.Trial {
	return dns01.Trial{Reach: r, Question: "every key: " + string(r), Accepted: true, Inherent: true, Answer: why}
}

// Found returns what was seen: something, or nothing where the answer is "".
func Found(r dns01.Reach, question, answer string) dns01.Trial {
	if answer == "" {
		return dns01.Trial{Reach: r, Question: question, Refused: true, Answer: "none"}
	}
	return dns01.Trial{Reach: r, Question: question, Accepted: true, Answer: guard.Quote(answer)}
}

// shown is how many zones are named.
const shown = 3

// Zones returns the zones beside the one at the apex, of those that a service
// shows to a key. What is no name of a zone does not count.
func Zones(question string, apex delegation.Name, names []string) dns01.Trial {
	return Found(dns01.OtherZones, question, list(Others(apex, names)))
}

// Others returns the zones that are not the one at the apex.
func Others(apex delegation.Name, names []string) []delegation.Name {
	var others []delegation.Name
	for _, text := range names {
		name, err := delegation.ParseName(text)
		if err == nil && name != apex && !slices.Contains(others, name) {
			others = append(others, name)
		}
	}
	return others
}

func list(names []delegation.Name) string {
	var words []string
	for _, n := range names[:min(len(names), shown)] {
		words = append(words, n.Bare())
	}
	text := strings.Join(words, ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Place is something that a key should not be let in to.
type Place struct {
	Reach    dns01.Reach
	Question string // what it is, in words
	Path     string // at the service, to be read
}

// Look asks for places. An error that is no answer of the service ends it.
func Look(ctx context.Context, get func(ctx context.Context, path string) error, places ...Place) ([]dns01.Trial, error) {
	var trials []dns01.Trial
	for _, p := range places {
		t, err := judge(p, get(ctx, p.Path))
		if err != nil {
			return trials, err
		}
		trials = append(trials, t)
	}
	return trials, nil
}

// judge says what came of asking for a place: err is nil where it was read.
func judge(p Place, err error) (dns01.Trial, error) {
	t := dns01.Trial{Reach: p.Reach, Question: p.Question, Accepted: err == nil, Answer: "may be read"}
	if err == nil {
		return t, nil
	}
	status, ok := errors.AsType[*web.RefusedError](err)
	if !ok {
		return t, err
	}
	t.Refused = Denied(err)
	t.Answer = fmt.Sprintf("%d %s", status.Status, http.StatusText(status.Status))
	return t, nil
}

// Denied reports whether a service says that a key may not do this.
func Denied(err error) bool {
	return web.IsStatus(err, http.StatusForbidden) || web.IsStatus(err, http.StatusUnauthorized)
}
