package exec_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/dns01"
	"certctl/dns01/exec"
	"certctl/secret"
)

func txt(name, value string) libdns.Record {
	return libdns.RR{Name: name, Type: "TXT", TTL: time.Minute, Data: value}
}

// telling is a hook that writes down how it was called.
const telling = `#!/bin/sh
{ echo "arguments: $*"; cat; env | grep -e ^CERTBOT_ -e ^UACME_ -e ^TOKEN | sort; echo; } >>"$(dirname "$0")/told"
echo "made $CERTBOT_VALIDATION"
`

// library is a file that is read first, as acme.sh: without arguments.
const library = `[ $# = 0 ] || exit 9
_initpath() { initialized=yes; }
`

// sourced is a file of functions, which writes down how they were called.
const sourced = `#!/usr/bin/env sh
dns_tell_add() { echo "add($#, $initialized): $*" >>"$TELL/told"; }
dns_tell_rm() { echo "rm($#, $initialized): $*" >>"$TELL/told"; }
`

const (
	owner = "_acme-challenge.www"
	value = "$(touch never)`id`;\"'"
	fqdn  = "_acme-challenge.www.auth.example.net"
)

func TestDialects(t *testing.T) {
	tests := []struct{ style, want string }{
		{"certctl", `arguments: present
{"fqdn":"` + fqdn + `.","zone":"auth.example.net.","name":"_acme-challenge.www","value":"$(touch never)` + "`id`" + `;\"'","ttl":60}
arguments: cleanup
{"fqdn":"` + fqdn + `.","zone":"auth.example.net.","name":"_acme-challenge.www","value":"$(touch never)` + "`id`" + `;\"'","ttl":0}
`},
		{"lego", "arguments: present " + fqdn + ". " + value + "\n\narguments: cleanup " + fqdn + ". " + value + "\n\n"},
		{"dehydrated", "arguments: deploy_challenge www.auth.example.net " + value + " " + value + "\n\n" +
			"arguments: clean_challenge www.auth.example.net " + value + " " + value + "\n\n"},
		{"acme.sh", "add(2, yes): " + fqdn + " " + value + "\nrm(2, yes): " + fqdn + " " + value + "\n"},
		{"uacme", uacme("begin") + uacme("done")},
		{"certbot", certbot("") + certbot("CERTBOT_AUTH_OUTPUT=made "+value+"\n")},
	}
	for _, test := range tests {
		t.Run(test.style, func(t *testing.T) {
			if got := tell(t, test.style); got != test.want {
				t.Errorf("(-want +got)\n%s", cmp.Diff(test.want, got))
			}
		})
	}
}

func uacme(method string) string {
	return fmt.Sprintf("arguments: %s dns-01 www.auth.example.net %s %s\nUACME_AUTH=%s\nUACME_IDENT=www.auth.example.net\nUACME_METHOD=%s\nUACME_TOKEN=%s\nUACME_TYPE=dns-01\n\n",
		method, value, value, value, method, value)
}

func certbot(output string) string {
	return "arguments: \nCERTBOT_ALL_DOMAINS=www.auth.example.net\nCERTBOT_ALL_IDENTIFIERS=www.auth.example.net\n" + output +
		"CERTBOT_DOMAIN=www.auth.example.net\nCERTBOT_IDENTIFIER=www.auth.example.net\nCERTBOT_REMAINING_CHALLENGES=0\nCERTBOT_VALIDATION=" + value + "\n\n"
}

// tell lets a hook add and remove a record, and returns how it was called.
func tell(t *testing.T, style string) string {
	t.Helper()
	dir := t.TempDir()
	c := exec.Config{Style: style, Command: exec.Command{script(t, dir, "hook.sh", telling)}}
	switch style {
	case "certbot":
		c.Cleanup = c.Command
	case "acme.sh":
		c.Command = exec.Command{script(t, dir, "acme.sh", library), script(t, dir, "dns_tell.sh", sourced)}
		c.Environment = map[string]secret.Secret{"TELL": secret.Plain(dir)}
	}
	p := open(t, c)
	if _, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{txt(owner, value)}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.DeleteRecords(t.Context(), zone.String(), []libdns.Record{libdns.RR{Name: owner, Type: "TXT", Data: value}}); err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile(filepath.Join(dir, "told"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(told), "}\n\n", "}\n")
}

// What cannot be said in a dialect is an error before anything runs.
func TestOwners(t *testing.T) {
	for _, style := range []string{"certbot", "dehydrated", "uacme"} {
		dir := t.TempDir()
		c := exec.Config{Style: style, Command: exec.Command{script(t, dir, "hook.sh", telling)}}
		if style == "certbot" {
			c.Cleanup = c.Command
		}
		_, err := open(t, c).AppendRecords(t.Context(), zone.String(), []libdns.Record{txt(owner, "v"), txt("www", "v")})
		e, _ := errors.AsType[*exec.OwnerError](err)
		_, unsent := errors.AsType[*dns01.UnwrittenError](err)
		if _, ran := os.Stat(filepath.Join(dir, "told")); e == nil || !unsent || ran == nil {
			t.Errorf("%s: got %v, unsent %t, ran %t, want an OwnerError and no run", style, err, unsent, ran == nil)
			continue
		}
		if want := "let the alias lead to _acme-challenge.www.auth.example.net, "; !strings.HasPrefix(e.Hint(), want) {
			t.Errorf("%s: got hint %q, want %q…", style, e.Hint(), want)
		}
	}
}

func TestFailures(t *testing.T) {
	const token = "t0ken-that-must-not-show"
	tests := []struct{ script, want, hint string }{
		{"#!/bin/sh\necho no such zone >&2; echo with $TOKEN >&2; exit 3\n",
			"command hook.sh … present _acme-challenge.www.auth.example.net. v: exit status 3: no such zone with [secret]", "the command runs with few variables"},
		{"#!/bin/sh\necho only said; exit 1\n",
			"command hook.sh … present _acme-challenge.www.auth.example.net. v: exit status 1: only said", "the command runs with few variables"},
		{"#!/bin/sh\nkill -TERM $$\n",
			"command hook.sh … present _acme-challenge.www.auth.example.net. v: signal: terminated", "the command runs with few variables"},
		{"#!/no/such/program\n", "no such file or directory", "a program without a slash"},
		{"#!/bin/sh\nexec sleep 60\n",
			"command hook.sh … present _acme-challenge.www.auth.example.net. v: not done after 500ms", "where it needs so long"},
	}
	for _, test := range tests {
		timeout := time.Duration(0)
		if strings.Contains(test.script, "sleep") {
			timeout = 500 * time.Millisecond
		}
		p := open(t, exec.Config{
			Style: "lego", Timeout: timeout,
			Command:     exec.Command{script(t, t.TempDir(), "hook.sh", test.script), "--key", token},
			Environment: map[string]secret.Secret{"TOKEN": secret.Plain(token)},
		})
		_, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{txt(owner, "v")})
		e, ok := errors.AsType[*exec.CommandError](err)
		if !ok || !strings.HasSuffix(err.Error(), test.want) || !strings.HasPrefix(e.Hint(), test.hint) || strings.Contains(fmt.Sprintf("%+v", err), token) {
			t.Errorf("got %v, want …%s with the hint %q", err, test.want, test.hint)
		}
		if _, nothing := errors.AsType[*dns01.UnwrittenError](err); nothing != strings.Contains(test.script, "/no/such") {
			t.Errorf("%s: got nothing written %t", test.script, nothing)
		}
	}
}

// Where an earlier record fails, the command does not run for later ones.
func TestStops(t *testing.T) {
	dir := t.TempDir()
	hook := script(t, dir, "hook.sh", "#!/bin/sh\necho $2 >>$(dirname $0)/told; exit 1\n")
	p := open(t, exec.Config{Style: "lego", Command: exec.Command{hook}})
	if _, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{txt("a", "v"), txt("b", "v")}); err == nil {
		t.Error("got no error")
	}
	if told, _ := os.ReadFile(filepath.Join(dir, "told")); string(told) != "a.auth.example.net.\n" {
		t.Errorf("got runs %q, want one", told)
	}
}

// A run ends with its context at once, and what it has started ends with it.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	up := filepath.Join(dir, "up")
	if err := osexec.Command("mkfifo", up).Run(); err != nil {
		t.Skip(err)
	}
	hook := script(t, dir, "hook.sh", "#!/bin/sh\nsh -c 'echo >$0; exec sleep 60' $(dirname $0)/up\necho late\n")
	p := open(t, exec.Config{Style: "lego", Command: exec.Command{hook}})
	ctx, cancel := context.WithCancel(t.Context())
	var cancelled time.Time
	go func() {
		_, _ = os.ReadFile(up)
		cancelled = time.Now()
		cancel()
	}()
	_, err := p.AppendRecords(ctx, zone.String(), []libdns.Record{txt("a", "v")})
	if took := time.Since(cancelled); !errors.Is(err, context.Canceled) || took > 4*time.Second {
		t.Errorf("got %v after %v, want %v at once", err, took, context.Canceled)
	}
}

// Of our own environment a hook gets the few variables that do no harm.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "ours")
	t.Setenv("CERTCTL_CONFIG", "ours")
	dir := t.TempDir()
	p := open(t, exec.Config{
		Command:     exec.Command{script(t, dir, "hook.sh", "#!/bin/sh\nenv >$(dirname $0)/told\n")},
		Environment: map[string]secret.Secret{"KEY": secret.Plain("theirs")},
	})
	if _, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{txt("a", "v")}); err != nil {
		t.Fatal(err)
	}
	told, _ := os.ReadFile(filepath.Join(dir, "told"))
	for _, want := range []string{"KEY=theirs\n", "PATH=", "CERTCTL_ACTION=present\n", "CERTCTL_FQDN=a.auth.example.net.\n", "CERTCTL_ZONE=auth.example.net.\n", "CERTCTL_NAME=a\n", "CERTCTL_VALUE=v\n", "CERTCTL_TTL=60\n"} {
		if !strings.Contains(string(told), want) {
			t.Errorf("got %s, want %s", told, want)
		}
	}
	if strings.Contains(string(told), "ours") {
		t.Errorf("got a variable of ours: %s", told)
	}
}

func TestConfigErrors(t *testing.T) {
	hook := exec.Command{"/etc/hook.sh"}
	tests := []struct {
		config exec.Config
		want   string
	}{
		{exec.Config{Command: hook}, "<nil>"},
		{exec.Config{}, "command: it is missing"},
		{exec.Config{Command: hook, Style: "lexicon"}, `style: "lexicon" is none of acme.sh, certbot, certctl, dehydrated, lego, uacme`},
		{exec.Config{Command: hook, Timeout: -1}, "timeout: -1ns is less than nothing"},
		{exec.Config{Command: hook, Environment: map[string]secret.Secret{"A=B": {}}}, `environment: "A=B" is no name of a variable`},
		{exec.Config{Command: hook, Style: "certbot"}, "cleanup: it is missing: certbot has a second hook, which removes"},
		{exec.Config{Command: hook, Style: "lego", Cleanup: hook}, "cleanup: a hook in the style of lego does both"},
		{exec.Config{Command: hook, Style: "acme.sh"}, "command: with style: acme.sh the file is called dns_NAME.sh, and not hook.sh"},
		{exec.Config{Command: exec.Command{"dns_x.sh"}, Style: "acme.sh"}, "command: with style: acme.sh a path is expected, like ./dns_name.sh or /etc/certctl/dns_name.sh, and all after the first must begin with /"},
	}
	for _, test := range tests {
		if _, err := exec.New(test.config, zone, dns01.Environment{}); fmt.Sprint(err) != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestCommand(t *testing.T) {
	var c exec.Command
	line := func(into any) error {
		text, ok := into.(*string)
		if !ok {
			return errors.New("no list")
		}
		*text = `./hook.sh --zone 'my zone'`
		return nil
	}
	if err := c.UnmarshalYAML(line); err != nil {
		t.Fatal(err)
	}
	c.SetDir("/etc/certctl")
	if diff := cmp.Diff([]string{"/etc/certctl/hook.sh", "--zone", "my zone"}, []string(c)); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
	if got, want := fmt.Sprintf("%v %+v", c, struct{ C exec.Command }{c}), "/etc/certctl/hook.sh with 2 arguments {C:/etc/certctl/hook.sh with 2 arguments}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c = exec.Command{"hook"}
	if c.SetDir("/etc/certctl"); c[0] != "hook" {
		t.Errorf("got %s, want hook", c[0])
	}
}
