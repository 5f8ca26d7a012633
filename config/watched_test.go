package config

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":                     8 * time.Minute,
		"renew: {}":            8 * time.Minute,
		"renew: {delay: none}": 0,
		"renew: {delay: 0s}":   0,
		"renew: {delay: 90s}":  90 * time.Second,
		"renew: {delay: 12h}":  12 * time.Hour,
	} {
		if got := load(t, text).Renew.LongestDelay(); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestInstall(t *testing.T) {
	c := load(t, `certificates:
  web:
    domains: example.com
    install:
    - {fullchain: /etc/haproxy/x.pem, mode: "0640", owner: haproxy, group: 99}
    - {privkey: key.pem, mode: 440}
    - {combined: both.pem}
    - {der: ./web.der}
    - {pkcs12: web.p12, password: {env: PASSWORD}}
`)
	dir := filepath.Dir(c.Path())
	for n, want := range []struct {
		what, path string
		mode       fs.FileMode
	}{
		{"fullchain", "/etc/haproxy/x.pem", 0o640},
		{"privkey", filepath.Join(dir, "key.pem"), 0o440},
		{"combined", filepath.Join(dir, "both.pem"), 0o600},
		{"der", filepath.Join(dir, "web.der"), 0o644},
		{"pkcs12", filepath.Join(dir, "web.p12"), 0o600},
	} {
		i := c.Certificates[0].Install[n]
		if what, path := i.What(); what != want.what || path != want.path || i.Permissions() != want.mode {
			t.Errorf("got %s %s %v, want %+v", what, path, i.Permissions(), want)
		}
	}
	if i := c.Certificates[0].Install[0]; i.Owner != "haproxy" || i.Group != "99" {
		t.Errorf("got owner %q, group %q", i.Owner, i.Group)
	}
	text, err := c.Redacted()
	if err != nil || !strings.Contains(string(text), `mode: "0640"`) || !strings.Contains(string(text), "env PASSWORD") {
		t.Errorf("got %s, %v", text, err)
	}
}
