package config_test

import (
	"strings"
	"testing"

	"certctl/config"
)

type zone struct {
	Provider string `yaml:"provider"`
}

var added = []config.Entry{
	{Section: "zones", Keys: []string{"_acme-challenge.a.example", "b.example"}, Value: zone{"rfc2136"}},
	{Section: "certificates", Keys: []string{"web"}, Value: map[string][]string{"domains": {"*.example.com"}}},
}

const (
	zoneLines        = "  _acme-challenge.a.example: &a-example\n    provider: rfc2136\n  b.example: *a-example\n"
	certificateLines = "  web:\n    domains:\n      - '*.example.com'\n"
)

// An element is added behind the others, before the comments of what follows.
func TestExtendList(t *testing.T) {
	element := []config.Entry{{Section: "acme", Value: map[string]string{"directory": "b"}}}
	for _, test := range []struct{ text, want string }{
		{"acme:\n- directory: a # first\n", "acme:\n- directory: a # first\n- directory: b\n"},
		{
			"# top\nacme:\n  # mine\n  - directory: a\n    # email: none\n\n# then\nkeep: 3",
			"# top\nacme:\n  # mine\n  - directory: a\n    # email: none\n  - directory: b\n\n# then\nkeep: 3\n",
		},
		{"acme:\n  - directory: a\n    note: |\n      # text\n", "acme:\n  - directory: a\n    note: |\n      # text\n  - directory: b\n"},
	} {
		got, err := config.Extend([]byte(test.text), element)
		if err != nil || string(got) != test.want {
			t.Errorf("got %v\n%s\nwant\n%s", err, got, test.want)
		}
	}
	for _, text := range []string{
		"keep: 3\n", "acme: {directory: a}\n", "acme:\n  directory: a\n", "acme: [{directory: a}]\n",
		"acme:\n- note: |\n    x\n# text\n  # y\n- directory: |\n    a\n\n\n    b\n    #\n{",
	} {
		if got, err := config.Extend([]byte(text), element); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}

func TestExtend(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "zones:\n" + zoneLines + "\ncertificates:\n" + certificateLines},
		{"comment only", "# mine", "# mine\n\nzones:\n" + zoneLines + "\ncertificates:\n" + certificateLines},
		{
			"both there",
			"# top\nzones:   # mine\n    # the first\n    x.example: {provider: exec}\n# then\ncertificates:\n  old: {domains: [a.example]}\nkeep: 3\n",
			"# top\nzones:   # mine\n" + indented(zoneLines) + "    # the first\n    x.example: {provider: exec}\n# then\ncertificates:\n" + certificateLines + "  old: {domains: [a.example]}\nkeep: 3\n",
		},
		{"nothing below", "zones:\nkeep: 3", "zones:\n" + zoneLines + "keep: 3\n\ncertificates:\n" + certificateLines},
		{"at the end of the file", "zones:", "zones:\n" + zoneLines + "\ncertificates:\n" + certificateLines},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := config.Extend([]byte(test.text), added)
			if err != nil || string(got) != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, test.want)
			}
		})
	}
}

// indented returns the lines as they are below a section that is indented by 4.
func indented(lines string) string {
	return "  " + strings.TrimSuffix(strings.ReplaceAll(lines, "\n", "\n  "), "  ")
}

func TestExtendCannot(t *testing.T) {
	for text, want := range map[string]string{
		"zones: {x.example: {provider: exec}}": "line 1: zones: is not written as lines",
		"{keep: 3}":                            "the file is not written as lines",
		"keep: 3\nzones: []":                   "line 2: zones: is not written as lines",
		"keep: [":                              "yaml:",
	} {
		if got, err := config.Extend([]byte(text), added); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

// What was added is read like anything else.
func TestExtended(t *testing.T) {
	text, err := config.Extend([]byte("keep: 3\n"), added)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("dir/certctl.yaml", text)
	if err != nil || len(c.Zones) != 2 || c.Zones[1].Scope != "b.example" || c.Zones[1].Provider != "rfc2136" || c.Certificates[0].Domains[0] != "*.example.com" {
		t.Errorf("got %+v, %v", c, err)
	}
}
