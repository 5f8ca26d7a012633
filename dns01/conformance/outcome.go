package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/service"
)

// positions is how many requests of a call meet a fault, each in its turn.
const positions = 4

// Whoever says that nothing is written is right, or the record would stay for
// ever; and where the service refuses, it is said, or there would be something to
// clean up for ever.
func knowsOutcomes(s *scene) {
	s.needsFaults()
	s.needsRoom()
	s.check(s.append(s.Context(), s.record(s.Zone, value(0)))) // what is looked up once is known
	n := 0
	try := func(f service.Fault) (there, nothing bool, err error) {
		n++
		r, owner := s.record(s.owner(n), value(n)), s.owner(n)
		s.Fail(f)
		err = s.append(s.Context(), r)
		s.Fail()
		_, nothing = errors.AsType[*dns01.UnwrittenError](err)
		there = slices.Contains(s.Values(owner), value(n))
		s.check(s.delete(s.Context(), r))
		return there, nothing, err
	}
	for after := range positions {
		there, nothing, err := try(service.Fault{Times: 1000, After: after, Status: 403})
		if err != nil && nothing == there {
			s.Errorf("refused after %d requests: got %v, nothing written %t, but there %t", after, err, nothing, there)
		}
		wrote, nothing, err := try(service.Fault{Times: 1000, After: after, Cut: true})
		if err != nil && nothing == wrote {
			s.Errorf("cut after %d requests: got %v, nothing written %t, but there %t", after, err, nothing, wrote)
		}
		if !wrote {
			continue
		}
		for _, f := range []service.Fault{{Lost: true}, {Status: 500}, {Status: 503, Header: http.Header{"Retry-After": {"3600"}}}} {
			f.Times, f.After = 1000, after
			if _, nothing, err := try(f); nothing {
				s.Errorf("%+v: got %v: nobody knows whether nothing is written", f, err)
			}
		}
	}
}

// An error says which zone and key it is about, what the service has said, and
// what to do; no secret, whatever is in the answer, and nothing of a page's HTML.
func saysWhatIsWrong(s *scene) {
	s.needsFaults()
	body := "<html><head><title>Nothing here</title></head><body>" + strings.Join(s.Secrets, " ")
	for _, status := range []int{401, 403, 404, 409, 429, 500, 503} {
		f := service.Fault{Times: 1000, Status: status, Body: body, Header: http.Header{"Retry-After": {"3600"}}}
		if status == 409 {
			f.Times = 3 // some write again what others have changed
		}
		for f.After = range positions {
			s.Fail(f)
			err := s.publish(s.owner(f.After), value(status))
			s.Fail()
			if err != nil {
				s.readable(err, status)
			} else if f.After == 0 && status != 404 && status != 409 {
				s.Errorf("status %d to all: got no error", status)
			}
		}
	}
}

// publish writes as a run does.
func (s *scene) publish(owner delegation.Name, value string) error {
	c := dns01.NewCredential("", s.Zone, s.provider)
	target := &delegation.Target{Zone: s.Zone, Owner: owner}
	return dns01.Publish(s.Context(), []dns01.Publication{{Grant: dns01.Grant{Target: target, Credential: c}, Value: value}})
}

// readable checks an error about an answer with a status.
func (s *scene) readable(err error, status int) {
	s.shown(err)
	text, remedy := err.Error(), hint(err)
	s.shownHint(remedy)
	about := fmt.Sprintf("zone %s with %s: ", s.Zone, s.provider.(dns01.Labeler).Label())
	said := fmt.Sprintf("answered %d %s: Nothing here", status, http.StatusText(status))
	if !strings.HasPrefix(text, about) || !strings.Contains(text, said) || strings.Contains(text, "<") {
		s.Errorf("status %d: got %s, want %s… %s", status, text, about, said)
	}
	if remedy == "" {
		s.Errorf("status %d: got no hint for %s", status, text)
	}
}

// hint returns the remedy that users are shown for an error: the outermost.
func hint(err error) string {
	if h, ok := err.(interface{ Hint() string }); ok && h.Hint() != "" {
		return h.Hint()
	}
	var wrapped []error
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		wrapped = []error{wrapper.Unwrap()}
	case interface{ Unwrap() []error }:
		wrapped = wrapper.Unwrap()
	}
	for _, e := range wrapped {
		if h := hint(e); h != "" {
			return h
		}
	}
	return ""
}
