package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/testscript"

	"certctl/lab"
	"certctl/lab/authority"
)

// sceneKey finds the scene of a script.
type sceneKey struct{}

// scene is the world of one script.
type scene struct {
	lab   *lab.Lab
	log   buffer // Pebble's
	zones map[string]*authority.Zone
	keys  []allowed
	runs  map[string]*background
	web   *http.Server // where the CA asks for http-01, or nil

	recursion bool // is asked for by others
}

// allowed is a key that may sign updates of a zone.
type allowed struct {
	zone string // "": any; for scripts about wrong keys
	key  authority.Key
}

func newScene(e *testscript.Env) *scene {
	s := &scene{zones: make(map[string]*authority.Zone), runs: make(map[string]*background)}
	e.Defer(func() {
		for _, r := range s.runs {
			r.kill()
		}
	})
	return s
}

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

// buffer is written by one goroutine and read by others.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// startLab is "lab [SETTING=VALUE | APEX.zone]…": it starts a lab whose servers
// are all in time, with settings and with zones from files that are named for
// the zone.
//
//	noncereject=N  percentage of good nonces that the CA rejects
//	reuse=N        percentage of valid authorizations that it uses again; -1: none
//	sleep=N        seconds that it sleeps at most before a validation
//	blocked=NAME   domain for which it refuses orders
//	eab=KID:KEY    external account without which it registers nobody
//	roots=N        further chains that it offers; default: 1
//	many=N         further names as lab.Many has them, in $MANY
//	others=any     other programs may ask authoritative servers for recursion
//	wrongkey=NAME  key that the script deliberately uses where it must not be
//
// A file adds records to example.com or example.net, or is a new zone. Then its
// first line says who serves it: "; servers ns1.example.net. ns2.example.net.",
// further "primary=ns0.example.net." for a hidden primary, and "key" if it
// takes updates.
func startLab(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	o := lab.Options{Dir: ts.MkAbs("lab"), CA: lab.CA{AlternateRoots: 1}, Log: &s.log}
	var extensions []func(*lab.Builder)
	for _, arg := range args {
		if key, value, found := strings.Cut(arg, "="); found {
			extensions = append(extensions, s.set(ts, &o.CA, key, value))
		} else {
			extensions = append(extensions, func(b *lab.Builder) { s.extend(ts, b, arg) })
		}
	}
	o.Extend = func(b *lab.Builder) {
		s.zones["example.com."], s.zones["example.net."] = b.Main, b.Other
		for _, extend := range extensions {
			extend(b)
		}
	}
	l, err := lab.Start(context.Background(), o)
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	s.enter(ts, l)
	l.World.Server("ns2.example.net.").Lag(0)
	ts.Defer(func() { s.checkScope(ts) })
	ts.Defer(func() { s.checkSecrets(ts) })
}

// set sets a setting, and returns what is to be added to the world for it.
func (s *scene) set(ts *testscript.TestScript, ca *lab.CA, key, value string) (extend func(*lab.Builder)) {
	number := func() int {
		n, err := strconv.Atoi(value)
		ts.Check(err)
		return n
	}
	extend = func(*lab.Builder) {}
	switch key {
	case "noncereject":
		ca.NonceReject = number()
	case "reuse":
		ca.AuthzReuse = number()
	case "sleep":
		ca.Sleep = time.Duration(number()) * time.Second
	case "eab":
		kid, key, _ := strings.Cut(value, ":")
		ca.ExternalAccounts = map[string]string{kid: key}
	case "roots":
		ca.AlternateRoots = number()
	case "blocked":
		ca.Blocked = append(ca.Blocked, value)
	case "others":
		s.recursion = true
	case "wrongkey":
		s.keys = append(s.keys, allowed{key: authority.Key{Name: value}})
	case "many":
		var names []string
		names, extend = lab.Many(number())
		ts.Setenv("MANY", strings.Join(names, ", "))
	default:
		ts.Fatalf("lab: unknown setting %s", key)
	}
	return extend
}

// extend adds the zone or the records of one file.
func (s *scene) extend(ts *testscript.TestScript, b *lab.Builder, file string) {
	apex, _ := strings.CutSuffix(filepath.Base(file), "zone")
	text := ts.ReadFile(file)
	if z, known := s.zones[apex]; known {
		z.Text(text)
		return
	}
	first, _, _ := strings.Cut(text, "\n")
	words, found := strings.CutPrefix(first, "; servers ")
	if !found {
		ts.Fatalf("%s does not begin with its servers", file)
	}
	s.zones[apex] = newZone(b, apex, text, strings.Fields(words))
}

// newZone adds a zone that is served as the words of its first line say.
func newZone(b *lab.Builder, apex, text string, words []string) *authority.Zone {
	var servers []string
	var primary string
	add := b.World.Zone
	for _, word := range words {
		if name, found := strings.CutPrefix(word, "primary="); found {
			primary = name
		} else if word == "key" {
			add = func(apex, text string, servers ...string) *authority.Zone {
				return b.Challenge("certctl-"+strings.TrimSuffix(apex, "."), apex, text, servers...).Zone
			}
		} else {
			servers = append(servers, word)
		}
	}
	z := add(apex, text, servers...)
	if primary != "" {
		z.Hide(primary)
	}
	return z
}

// enter makes a lab that runs the world of the script.
func (s *scene) enter(ts *testscript.TestScript, l *lab.Lab) {
	s.lab = l
	for _, z := range l.Zones {
		s.zones[z.Apex()] = z.Zone
		s.keys = append(s.keys, allowed{z.Apex(), z.Key})
	}
	for _, variable := range l.Env() {
		name, value, _ := strings.Cut(variable, "=")
		ts.Setenv(name, value)
	}
	ts.Setenv("STATE", l.State)
	ts.Setenv("WEB", l.HTTP.Addr().String())
	ts.Setenv("HTTP_PORT", strconv.Itoa(int(l.HTTP.Port())))
	ts.Setenv("TLS_PORT", strconv.Itoa(int(l.TLSALPN.Port())))
}

// checkScope checks that every update was signed with a key of the very zone
// that it was for, unless it was to find out whether the key is good for more, and
// that no query to an authoritative server asked for recursion.
func (s *scene) checkScope(ts *testscript.TestScript) {
	for _, u := range s.lab.World.Updates() {
		own := func(k allowed) bool { return k.key.Name == u.Key && (k.zone == u.Zone || k.zone == "") }
		probe := len(u.Added) == 0 && len(u.Removed) == 1 && strings.HasPrefix(u.Removed[0], "certctl-probe-")
		if !probe && !slices.ContainsFunc(s.keys, own) {
			ts.Fatalf("an update with a key that is not the zone's: %s", u)
		}
	}
	for _, q := range s.lab.World.Queries() {
		if q.RD && !s.recursion {
			ts.Fatalf("a query for recursion to an authoritative server: %s", q)
		}
	}
}

// checkSecrets checks that no key's secret is in a file of the state directory.
func (s *scene) checkSecrets(ts *testscript.TestScript) {
	err := filepath.WalkDir(s.lab.State, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		s.checkText(ts, path, string(text))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		ts.Check(err)
	}
}

// checkText checks that no key's secret is in a text.
func (s *scene) checkText(ts *testscript.TestScript, where, text string) {
	for _, k := range s.keys {
		if k.key.Secret != "" && strings.Contains(text, k.key.Secret) {
			ts.Fatalf("%s shows the secret of the key %s:\n%s", where, k.key.Name, text)
		}
	}
}

// setFault is "fault SERVER FAULT…".
func setFault(ts *testscript.TestScript, _ bool, args []string) {
	var f authority.Fault
	for _, word := range args[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "none":
		case "dead":
			f.Dead = true
		case "refuse":
			f.Refuse = true
		case "noaa":
			f.NoAA = true
		case "servfail":
			f.Servfail = -1
		case "notcp":
			f.NoTCP = true
		case "truncate":
			f.Truncate = true
		case "lowercase":
			f.LowerCase = true
		case "noupdates":
			f.NoUpdates = true
		case "swallow":
			f.Swallow = true
		case "clock":
			f.ClockAhead = duration(ts, value)
		case "lies":
			f.Lies = ts.ReadFile(value)
		case "blind":
			f.Lie = hideTXT
		case "hides":
			f.Lie = hideCut(value)
		default:
			ts.Fatalf("fault: unknown fault %s", name)
		}
	}
	sceneOf(ts).lab.World.Server(args[0]).Fault(f)
}

// hideCut denies everything at and below a zone cut in the name of the zone
// above it.
func hideCut(cut string) func(*dns.Msg) *dns.Msg {
	_, parent, _ := strings.Cut(cut, ".")
	for !strings.HasPrefix(parent, "example.") {
		_, parent, _ = strings.Cut(parent, ".")
	}
	return func(q *dns.Msg) *dns.Msg {
		if !dns.IsSubDomain(cut, q.Question[0].Name) {
			return nil
		}
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		m.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: parent, Rrtype: dns.TypeSOA, Class: dns.ClassINET},
			Ns:  "ns1." + parent, Mbox: "hostmaster." + parent, Serial: 1,
		}}
		return m
	}
}

// hideTXT denies TXT records to those who ask in lower case: to the CA, and not
// to certctl's questions about propagation, which are in mixed case.
func hideTXT(q *dns.Msg) *dns.Msg {
	name := q.Question[0].Name
	if q.Question[0].Qtype != dns.TypeTXT || name != strings.ToLower(name) {
		return nil
	}
	m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
	m.Authoritative = true
	return m
}

// setLag is "lag SERVER DURATION|never".
func setLag(ts *testscript.TestScript, _ bool, args []string) {
	lag := authority.Never
	if args[1] != "never" {
		lag = duration(ts, args[1])
	}
	sceneOf(ts).lab.World.Server(args[0]).Lag(lag)
}

func duration(ts *testscript.TestScript, text string) time.Duration {
	d, err := time.ParseDuration(text)
	ts.Check(err)
	return d
}

// editZone is "zone add|remove APEX RECORD".
func editZone(ts *testscript.TestScript, _ bool, args []string) {
	z := sceneOf(ts).zones[args[1]]
	switch text := strings.Join(args[2:], " "); args[0] {
	case "add":
		z.Add(text)
	case "remove":
		z.Remove(text)
	}
}

// nameAddress is "address SERVER": it puts the server's address and port into
// $ADDRESS.
func nameAddress(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("ADDRESS", sceneOf(ts).lab.World.Server(args[0]).Addr().String())
}

// addKey is "key APEX NAME ALGORITHM FILE": it gives a zone another key, in a
// file as tsig-keygen writes it, and puts the secret into $SECRET.
func addKey(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	k := authority.NewKey(args[1])
	k.Algorithm = args[2]
	s.zones[args[0]].Allow(k)
	s.keys = append(s.keys, allowed{args[0], k})
	text := fmt.Sprintf("key %q {\n\talgorithm %s;\n\tsecret %q;\n};\n", k.Name, k.Algorithm, k.Secret)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(text), 0o600))
	ts.Setenv("SECRET", k.Secret)
}

// addSecrets is "secret TEXT…": texts that nothing may show, in addition to the
// secrets of the lab's keys.
func addSecrets(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	for _, text := range args {
		s.keys = append(s.keys, allowed{key: authority.Key{Name: "(of the script)", Secret: text}})
	}
}
