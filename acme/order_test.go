package acme

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNewOrderPayload(t *testing.T) {
	f := newFake([]string{"example.com"}, nil)
	day := time.Date(2026, 12, 24, 0, 0, 0, 0, time.FixedZone("", 3600))
	_, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com"}, Profile: "classic", Replaces: "aki.serial", NotBefore: day, NotAfter: day.AddDate(0, 0, 7)})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"identifiers":[{"type":"dns","value":"example.com"}],"notBefore":"2026-12-23T23:00:00Z","notAfter":"2026-12-30T23:00:00Z","profile":"classic","replaces":"aki.serial"}`
	if got := f.payloads["/new-order"][0]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNewOrderWithoutReplaces(t *testing.T) {
	good := newFake([]string{"example.com"}, nil).script["/new-order"][0]
	for _, test := range []struct {
		refused reply
		again   bool
	}{
		{reply{status: 409, body: fakeProblem("alreadyReplaced", "which already has a replacement order")}, true},
		{reply{status: 400, body: fakeProblem("malformed", "identifiers do not match")}, true},
		{reply{status: 403, body: fakeProblem("unauthorized", "requester account did not request the certificate")}, true},
		{reply{status: 404, body: fakeProblem("notFound", "no such certificate")}, true},
		{reply{status: 429, body: fakeProblem("rateLimited", "too many new orders")}, false},
		{reply{status: 400, body: fakeProblem("rejectedIdentifier", "no")}, false},
	} {
		f := newFake([]string{"example.com"}, map[string][]reply{"/new-order": {test.refused, good}})
		_, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com"}, Replaces: "aki.serial"})
		payloads := f.payloads["/new-order"]
		if test.again != (err == nil) || test.again != (len(payloads) == 2) {
			t.Errorf("%v: got %v after %d tries, want another try: %v", test.refused, err, len(payloads), test.again)
		}
		if last := payloads[len(payloads)-1]; test.again && strings.Contains(last, "replaces") {
			t.Errorf("got %s, want no replaces in the second try", last)
		}
	}
}

func TestNewOrderForOtherNames(t *testing.T) {
	for _, got := range [][]string{
		{"example.com"},
		{"example.com", "www.example.org"},
		{"example.com", "www.example.com", "mail.example.com"},
		{"example.com", "example.com"},
	} {
		f := newFake(nil, map[string][]reply{"/new-order": {{status: 201, header: map[string]string{"Location": fakeURL + "/order"}, body: fakeOrder("pending", got...)}}})
		_, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com", "www.example.com"}})
		want := "new order: the CA made it for " + strings.Join(got, ", ") + " in place of example.com, www.example.com"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// The CA may list names in any order; authorizations come in ours.
func TestPendingOrder(t *testing.T) {
	theirs := []string{"*.example.com", "b.example.com", "a.example.com", "example.com"}
	ours := []string{"a.example.com", "example.com", "*.example.com", "b.example.com"}
	f := newFake(theirs, map[string][]reply{"/authz/1": {{body: fakeAuthz(1, theirs[1], "valid", nil)}}})
	_, zs := f.validating(t, ours...)
	var names []string
	for _, z := range zs {
		names = append(names, z.Name())
		if len(z.Value) != 43 {
			t.Errorf("%s: got value %q, want 43 characters", z.Name(), z.Value)
		}
	}
	if want := ours[:3]; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q without what is valid", names, want)
	}
}

func TestPendingRefused(t *testing.T) {
	identifier := func(kind, value string) object {
		authz := fakeAuthz(0, "", "pending", nil)
		authz["identifier"] = object{"type": kind, "value": value}
		return authz
	}
	for name, test := range map[string]struct {
		authorization object
		want          string
	}{
		"not ordered":  {fakeAuthz(0, "example.org", "pending", nil), "example.org: the CA wants this name validated, which was not ordered"},
		"wildcard":     {fakeAuthz(0, "*.example.com", "pending", nil), "*.example.com: the CA wants this name validated, which was not ordered"},
		"address":      {identifier("ip", "192.0.2.1"), "192.0.2.1: the CA wants this name validated, which was not ordered"},
		"no address":   {identifier("ip", "example.com"), `authorization: identifier "example.com" is of type "ip"`},
		"address name": {identifier("dns", "192.0.2.1"), `authorization: identifier "192.0.2.1" is of type "dns"`},
		"other type":   {identifier("email", "ops@example.com"), `authorization: identifier "ops@example.com" is of type "email"`},
		"revoked":      {fakeAuthz(0, "example.com", "revoked", nil), "example.com: authorization is revoked"},
		"with problem": {fakeAuthz(0, "example.com", "invalid", fakeProblem("dns", "SERVFAIL")), "example.com: dns: SERVFAIL"},
		"unknown":      {fakeAuthz(0, "example.com", "maybe", nil), `example.com: authorization is of unknown status "maybe"`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake([]string{"example.com"}, map[string][]reply{"/authz/0": {{body: test.authorization}}})
			o, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.Pending(t.Context()); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAbandonGoesOn(t *testing.T) {
	names := []string{"a.example.com", "b.example.com", "c.example.com"}
	f := newFake(names, map[string][]reply{
		"/authz/0": {{status: 404, body: fakeProblem("malformed", "expired")}},
		"/authz/1": {{body: fakeAuthz(1, names[1], "valid", nil)}},
	})
	a := f.account(t)
	o, err := a.NewOrder(t.Context(), Request{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	err = o.Abandon(t.Context())
	if want := "authorization https://ca.test/authz/0: malformed: expired"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := len(f.payloads["/authz/1"]); got != 1 {
		t.Errorf("got %d requests for what is valid, want 1 that looks", got)
	}
	var change struct{ Status Status }
	if got := f.payloads["/authz/2"]; len(got) != 2 || json.Unmarshal([]byte(got[1]), &change) != nil || change.Status != Deactivated {
		t.Errorf("got requests %q for what is pending, want it deactivated", got)
	}
}

func TestAccountUnknownToCA(t *testing.T) {
	f := newFake(nil, map[string][]reply{"/new-order": {{status: 400, body: fakeProblem("accountDoesNotExist", "no such account")}}})
	_, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com"}})
	var p *Problem
	if !errors.As(err, &p) || !strings.Contains(p.Hint(), "register again") {
		t.Errorf("got %v, want a problem with a hint", err)
	}
}
