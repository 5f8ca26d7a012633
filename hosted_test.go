package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"certctl/lab/authority"
	"certctl/lab/service"
	"certctl/lab/service/cloudflare"
	"certctl/lab/service/desec"
	"certctl/lab/service/digitalocean"
	"certctl/lab/service/gandi"
	"certctl/lab/service/hetzner"
	"certctl/lab/service/linode"
	"certctl/lab/service/powerdns"
	"certctl/lab/service/route53"
)

// startHosted starts a made-up service that has a zone, and keeps the zone of
// the world like its own. It returns the URL, or "" for an unknown kind. With
// +broad behind the kind, the token is for more than it has to be.
func startHosted(ts *testscript.TestScript, kind string, zone *authority.Zone, token string) string {
	apex := zone.Apex()
	name := strings.TrimSuffix(apex, ".")
	start := func(s *service.Service, start func(), path string) string {
		s.Changed = func(k service.Key, before, after service.Set) { follow(zone, k, before, after) }
		start()
		ts.Defer(s.Close)
		return s.URL + path
	}
	kind, broad := strings.CutSuffix(kind, "+broad")
	var others []string
	if broad {
		others = []string{"example.org"}
	}
	switch kind {
	case "cloudflare":
		s := &cloudflare.Service{Zone: name, Token: token, Twins: []cloudflare.Zone{{ID: "372e67954025e0ba6aaa6d586b9e0b59", Name: "example.org"}}, Broad: broad}
		return start(&s.Service, s.Start, "")
	case "desec":
		s := &desec.Service{Zone: name, Token: token, Other: "example.org", Manager: broad}
		if !broad {
			s.Owners = []string{"example-com." + apex}
		}
		return start(&s.Service, s.Start, "/api/v1")
	case "digitalocean":
		s := &digitalocean.Service{Zone: name, Token: token, Others: others, Full: broad}
		return start(&s.Service, s.Start, "/v2")
	case "gandi":
		s := &gandi.Service{Zone: name, Token: token, Others: others, Broad: broad}
		return start(&s.Service, s.Start, "/v5/livedns")
	case "hetzner":
		s := &hetzner.Service{Zone: name, Token: token, Steps: 2, Others: others}
		return start(&s.Service, s.Start, "/v1")
	case "linode":
		s := &linode.Service{Zone: name, Token: token, Granted: append(others, name)}
		return start(&s.Service, s.Start, "/v4")
	case "powerdns":
		s := &powerdns.Service{Zone: apex, Key: token, Kind: "Master", Others: others}
		return start(&s.Service, s.Start, "")
	case "route53":
		return startRoute53(ts, zone, token)
	}
	return ""
}

// startRoute53 starts a service with the zone as Z1, with the key AKIAROOT and
// with AKIANARROW, which may write the records of example.com only.
func startRoute53(ts *testscript.TestScript, zone *authority.Zone, secret string) string {
	zones := []route53.Zone{{ID: "Z1", Name: zone.Apex()}, {ID: "Z2", Name: "example.net."}}
	s := route53.New(zones, route53.Key{ID: "AKIAROOT", Secret: secret},
		route53.Key{ID: "AKIANARROW", Secret: secret, Zone: "Z1", Owners: []string{"example-com." + strings.TrimSuffix(zone.Apex(), ".")}})
	s.Pending = 1
	s.Changed = func(k service.Key, before, after service.Set) { follow(zone, k, before, after) }
	ts.Defer(s.Close)
	return s.URL
}

// follow changes a zone as a record set has changed.
func follow(zone *authority.Zone, k service.Key, before, after service.Set) {
	record := func(ttl int, data string) string {
		if !strings.HasPrefix(data, `"`) {
			data = strconv.Quote(data)
		}
		return fmt.Sprintf("%s %d IN %s %s", k.Owner, ttl, k.Type, data)
	}
	for _, data := range before.Data {
		zone.Remove(record(before.TTL, data))
	}
	for _, data := range after.Data {
		zone.Add(record(after.TTL, data))
	}
}
