package route53

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rrset"
)

// Ping implements dns01.Pinger: it reads a record set.
func (p *provider) Ping(ctx context.Context, zone delegation.Name) error {
	h, err := p.zone(ctx, zone)
	if err != nil {
		return err
	}
	_, err = h.Read(ctx, p.scope)
	return err
}

// ProbeScope implements dns01.ScopeProber. Each trial is the deletion of a
// record set that is not there. Amazon looks at the policies first and denies;
// who is allowed to hears that there is no such set.
func (p *provider) ProbeScope(ctx context.Context, zone, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.client.Server()}
	h, err := p.zone(ctx, zone)
	if err != nil {
		return b, err
	}
	label := "certctl-probe-" + strings.ToLower(rand.Text())
	trials := []probe{{dns01.OtherNames, h, label + "." + zone.String(), "TXT"}}
	if owner != zone {
		trials = append(trials, probe{dns01.TheApex, h, zone.String(), "TXT"}, probe{dns01.NamesBelow, h, label + "." + owner.String(), "TXT"})
	}
	trials = append(trials, probe{dns01.OtherTypes, h, owner.String(), "AAAA"})
	other, err := h.otherZone(ctx)
	if err != nil && !denied(err) {
		return b, err
	}
	if other.ID != "" {
		trials = append(trials, probe{dns01.OtherZones, &hosted{provider: p, id: other.id()}, label + "." + other.Name, "TXT"})
	}
	for _, t := range trials {
		trial, err := t.run(ctx)
		if err != nil {
			return b, err
		}
		b.Trials = append(b.Trials, trial)
	}
	return b, nil
}

// probe is the deletion of a record set that is not there.
type probe struct {
	reach dns01.Reach
	zone  *hosted
	owner string
	kind  string
}

func (t probe) run(ctx context.Context) (dns01.Trial, error) {
	name := strings.TrimSuffix(t.owner, ".")
	if rest, ok := strings.CutPrefix(name, "certctl-probe-"); ok {
		_, parent, _ := strings.Cut(rest, ".")
		name = "certctl-probe-*." + parent
	}
	result := dns01.Trial{Reach: t.reach, Question: fmt.Sprintf("removal of an absent %s %s", t.kind, name)}
	err := t.remove(ctx)
	e, ok := errors.AsType[*APIError](err)
	switch {
	case !ok:
		return result, err
	case e.Code == "InvalidChangeBatch":
		result.Accepted = true
	case denied(err):
		result.Refused = true
	}
	result.Answer = e.Code
	return result, nil
}

// remove asks for the deletion; random data makes sure that nothing is there.
func (t probe) remove(ctx context.Context) error {
	data := quote("certctl probe " + rand.Text())
	if t.kind == "AAAA" {
		var bits [12]byte
		rand.Read(bits[:])
		data = fmt.Sprintf("2001:db8:%x:%x:%x:%x:%x:%x", bits[0:2], bits[2:4], bits[4:6], bits[6:8], bits[8:10], bits[10:12])
	}
	set := recordSet{Name: t.owner, Type: t.kind, TTL: int64(time.Minute / time.Second), Values: []string{data}}
	body := changeRequest{XMLNS: namespace, Changes: []change{{"DELETE", set}}}
	return t.zone.provider.call(ctx, http.MethodPost, "hostedzone/"+t.zone.id+"/rrset", nil, body, new(changeResponse))
}

func denied(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && strings.HasPrefix(e.Code, "AccessDenied")
}

var _ rrset.Service = (*hosted)(nil)
