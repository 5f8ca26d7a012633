package issuance

import (
	"testing"

	"certctl/install"
	"certctl/secret"
	"certctl/store"
)

// What is deployed is deployed again when the certificate is another one, or
// when what is to be done has changed, and not otherwise.
func TestPending(t *testing.T) {
	deployment := func(change func(*Deployment)) *Deployment {
		d := &Deployment{
			Certificate: "web", Commands: []string{"reload"},
			Copies: []install.Copy{{What: install.PKCS12, Path: "/a", Mode: 0o600, Password: secret.Plain("hunter2")}},
		}
		change(d)
		return d
	}
	same := func(*Deployment) {}
	done := deployment(same).fingerprint("01")
	kept := func(serial, deployed string) *store.Request {
		return &store.Request{Issued: &store.Issued{Serial: serial}, Deployed: deployed}
	}
	for _, test := range []struct {
		name string
		d    *Deployment
		kept *store.Request
		want bool
	}{
		{"done", deployment(same), kept("01", done), false},
		{"new", deployment(same), kept("02", done), true},
		{"never done", deployment(same), kept("01", ""), true},
		{"never issued", deployment(same), &store.Request{}, false},
		{"unknown", deployment(same), nil, false},
		{"other command", deployment(func(d *Deployment) { d.Commands = []string{"restart"} }), kept("01", done), true},
		{"other mode", deployment(func(d *Deployment) { d.Copies[0].Mode = 0o640 }), kept("01", done), true},
		{"other owner", deployment(func(d *Deployment) { d.Copies[0].Owner = "haproxy" }), kept("01", done), true},
		{"for old readers", deployment(func(d *Deployment) { d.Copies[0].Legacy = true }), kept("01", done), true},
		{"no copies", deployment(func(d *Deployment) { d.Copies = nil }), kept("01", done), true},
		{"nothing to do", deployment(func(d *Deployment) { d.Copies, d.Commands = nil, nil }), kept("01", done), false},
	} {
		if got := test.d.Pending(test.kept); got != test.want {
			t.Errorf("%s: got pending %t, want %t", test.name, got, test.want)
		}
	}
	other := deployment(func(d *Deployment) { d.Copies[0].Password = secret.Plain("other") })
	if other.fingerprint("01") != done {
		t.Error("the password is in the fingerprint")
	}
}
