package acme

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func ms(ns ...int) []time.Duration {
	var ds []time.Duration
	for _, n := range ns {
		ds = append(ds, time.Duration(n)*time.Millisecond)
	}
	return ds
}

// An order is looked at soon, then ever less often, and after the first look
// not before the CA wants it.
func TestValidatePolls(t *testing.T) {
	name := "example.com"
	pending := func(retryAfter string) reply {
		r := reply{body: fakeOrder("pending", name)}
		if retryAfter != "" {
			r.header = map[string]string{"Retry-After": retryAfter}
		}
		return r
	}
	ready := reply{body: fakeOrder("ready", name)}
	for _, test := range []struct {
		name   string
		orders []reply
		looks  []time.Duration // since the challenge was answered
	}{
		{"ready", []reply{ready}, ms(50)},
		{"valid already", []reply{{body: fakeOrder("valid", name)}}, ms(50)},
		{"slow", []reply{pending(""), pending(""), pending(""), ready}, ms(50, 116, 204, 321)},
		{"seconds", []reply{pending("4"), pending("2"), ready}, ms(50, 4050, 6050)},
		{"date", []reply{pending("Sat, 01 Jan 2000 00:00:07 GMT"), ready}, ms(50, 7000)},
		{"date gone by", []reply{pending("Fri, 31 Dec 1999 00:00:00 GMT"), ready}, ms(50, 116)},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake([]string{name}, map[string][]reply{"/order": test.orders})
				o, zs := f.validating(t, name)
				start := time.Now()
				if err := o.Validate(t.Context(), zs, nil); err != nil {
					t.Fatal(err)
				}
				var looks []time.Duration
				for i, asked := range f.asked {
					if asked == "POST /order" {
						looks = append(looks, f.at[i].Sub(start).Truncate(time.Millisecond))
					}
				}
				if !slices.Equal(looks, test.looks) {
					t.Errorf("looked at %v, want %v", looks, test.looks)
				}
			})
		})
	}
}

func TestValidateGivesUp(t *testing.T) {
	for _, test := range []struct {
		name, retryAfter, want string
		took                   time.Duration
	}{
		{"stuck", "", "the CA is not done after 10m0s", patience},
		{"hours", "7200", "the CA is not done yet (come back at ", firstLook},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				names := []string{"example.com"}
				f := newFake(names, map[string][]reply{"/order": {{header: map[string]string{"Retry-After": test.retryAfter}, body: fakeOrder("pending", names...)}}})
				o, zs := f.validating(t, names...)
				start := time.Now()
				err := o.Validate(t.Context(), zs, nil)
				if err == nil || !strings.HasPrefix(err.Error(), test.want) {
					t.Errorf("got %v, want %s", err, test.want)
				}
				if took := time.Since(start); took > test.took || took < test.took-longest {
					t.Errorf("took %v, want about %v", took, test.took)
				}
				if asked := len(f.asked); asked > 400 {
					t.Errorf("asked %d times, want patience", asked)
				}
			})
		})
	}
}

// The CA refuses two of four names, one of them later than the order; all that
// it says is told, in the order of the names.
func TestValidateRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"a.example.com", "*.a.example.com", "b.example.com", "c.example.com"}
		nx := fakeProblem("dns", "DNS problem: NXDOMAIN looking up TXT for _acme-challenge.a.example.com - check that a DNS record exists for this domain")
		compound := fakeProblem("compound", "several")
		compound["subproblems"] = []object{{
			"type": "urn:ietf:params:acme:error:caa", "detail": "CAA record prevents issuance",
			"identifier": object{"type": "dns", "value": "c.example.com"},
		}}
		f := newFake(names, map[string][]reply{
			"/order":   {{body: fakeOrder("pending", names...)}, {body: fakeOrder("invalid", names...)}},
			"/authz/0": {{body: fakeAuthz(0, names[0], "pending", nil)}, {body: fakeAuthz(0, names[0], "pending", nil)}, {body: fakeAuthz(0, names[0], "invalid", nx)}},
			"/authz/1": {{body: fakeAuthz(1, names[1], "pending", nil)}, {body: fakeAuthz(1, names[1], "valid", nil)}},
			"/authz/2": {{body: fakeAuthz(2, names[2], "pending", nil)}}, // for ever
			"/authz/3": {{body: fakeAuthz(3, names[3], "pending", nil)}, {body: fakeAuthz(3, names[3], "invalid", compound)}},
		})
		o, zs := f.validating(t, names...)
		var seen []string
		start := time.Now()
		err := o.Validate(t.Context(), zs, func(z *Authorization) { seen = append(seen, fmt.Sprint(z.Name(), " ", z.Status)) })
		var refused *ValidationError
		if !errors.As(err, &refused) {
			t.Fatalf("got %v, want a ValidationError", err)
		}
		want := `a.example.com: dns: DNS problem: NXDOMAIN looking up TXT for _acme-challenge.a.example.com - check that a DNS record exists for this domain
c.example.com: compound: several
  c.example.com: caa: CAA record prevents issuance`
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		if want := []string{"*.a.example.com valid", "c.example.com invalid", "a.example.com invalid"}; !slices.Equal(seen, want) {
			t.Errorf("observed %q, want %q", seen, want)
		}
		var p *Problem
		if !errors.As(err, &p) || p.Type != "dns" {
			t.Errorf("got problem %v in the chain, want the first name's", p)
		}
		if !strings.Contains(refused.Hint(), "does not have the name yet") {
			t.Errorf("got hint %q, want that of NXDOMAIN", refused.Hint())
		}
		if took := time.Since(start); took > 130*time.Millisecond+grace {
			t.Errorf("took %v, want no more than the grace of %v", took, grace)
		}
	})
}

// An authorization may fail while the CA still calls the order pending.
func TestValidateLooksAtAuthorizations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"example.com"}
		f := newFake(names, map[string][]reply{
			"/order":   {{body: fakeOrder("pending", names...)}},
			"/authz/0": {{body: fakeAuthz(0, names[0], "pending", nil)}, {body: fakeAuthz(0, names[0], "expired", nil)}},
		})
		o, zs := f.validating(t, names...)
		err := o.Validate(t.Context(), zs, nil)
		if want := "example.com: expired: the CA does not say why"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestValidateOrderFails(t *testing.T) {
	names := []string{"example.com"}
	pending := reply{body: fakeAuthz(0, names[0], "pending", nil)}
	valid := reply{body: fakeAuthz(0, names[0], "valid", nil)}
	gone := reply{status: 404, body: fakeProblem("malformed", "expired")}
	withProblem := fakeOrder("invalid", names...)
	withProblem["error"] = fakeProblem("serverInternal", "lost it")
	for _, test := range []struct {
		order object
		authz reply
		want  string
	}{
		{withProblem, valid, "the order is invalid: serverInternal: lost it"},
		{withProblem, gone, "the order is invalid: serverInternal: lost it"},
		{fakeOrder("invalid", names...), gone, "example.com: authorization: malformed: expired"},
		{fakeOrder("invalid", names...), valid, "the order is invalid, and the CA does not say why"},
		{fakeOrder("sleepy", names...), valid, `order is of unknown status "sleepy"`},
	} {
		f := newFake(names, map[string][]reply{"/order": {{body: test.order}}, "/authz/0": {pending, test.authz}})
		o, zs := f.validating(t, names...)
		if err := o.Validate(t.Context(), zs, nil); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// A challenge that has left pending before it is answered is no error.
func TestValidateOvertaken(t *testing.T) {
	for _, test := range []struct {
		status, want string
	}{
		{"valid", ""},
		{"pending", "example.com: malformed: not now"},
	} {
		names := []string{"example.com"}
		f := newFake(names, map[string][]reply{
			"/chall/0": {{status: 400, body: fakeProblem("malformed", "not now")}},
			"/authz/0": {{body: fakeAuthz(0, names[0], "pending", nil)}, {body: fakeAuthz(0, names[0], test.status, nil)}},
		})
		o, zs := f.validating(t, names...)
		err := o.Validate(t.Context(), zs, nil)
		if got := fmt.Sprint(err); test.want == "" && err != nil || test.want != "" && got != test.want {
			t.Errorf("%s: got %v, want %q", test.status, err, test.want)
		}
	}
}
