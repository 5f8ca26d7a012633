package route53

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"certctl/lab/service"
)

// set is a ResourceRecordSet.
type set struct {
	Name   string   `xml:"Name"`
	Type   string   `xml:"Type"`
	TTL    *int     `xml:"TTL"`
	Values []string `xml:"ResourceRecords>ResourceRecord>Value"`
}

func (s set) key() service.Key {
	return service.Key{Owner: strings.TrimSuffix(strings.ToLower(s.Name), ".") + ".", Type: s.Type}
}

type changeRequest struct {
	XMLName xml.Name `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ChangeResourceRecordSetsRequest"`
	Changes []struct {
		Action string `xml:"Action"`
		Set    set    `xml:"ResourceRecordSet"`
	} `xml:"ChangeBatch>Changes>Change"`
}

// list lists record sets from a name and type on.
func (s *Service) list(id string, r *http.Request, key Key) (string, *problem) {
	z, p := s.zone(id, key)
	if p != nil {
		return "", p
	}
	q := r.URL.Query()
	page := s.Page
	if n, err := strconv.Atoi(q.Get("maxitems")); err == nil {
		page = min(n, page)
	}
	keys := s.in(z.Name)
	if from := (service.Key{Owner: q.Get("name"), Type: q.Get("type")}); from.Owner != "" {
		at := slices.IndexFunc(keys, func(k service.Key) bool { return !k.Before(from) })
		if at < 0 {
			at = len(keys)
		}
		keys = keys[at:]
	}
	var b strings.Builder
	for _, k := range keys[:min(len(keys), page)] {
		have := s.Get(k)
		fmt.Fprintf(&b, "<ResourceRecordSet><Name>%s</Name><Type>%s</Type><TTL>%d</TTL><ResourceRecords>", k.Owner, k.Type, have.TTL)
		for _, v := range have.Data {
			fmt.Fprintf(&b, "<ResourceRecord><Value>%s</Value></ResourceRecord>", escape(v))
		}
		b.WriteString("</ResourceRecords></ResourceRecordSet>")
	}
	return fmt.Sprintf(`<ListResourceRecordSetsResponse xmlns="%s"><ResourceRecordSets>%s</ResourceRecordSets><IsTruncated>%t</IsTruncated><MaxItems>%d</MaxItems></ListResourceRecordSetsResponse>`,
		namespace, b.String(), len(keys) > page, page), nil
}

// in returns what a zone has.
func (s *Service) in(zone string) []service.Key {
	return slices.DeleteFunc(s.Service.Keys(), func(k service.Key) bool {
		return k.Owner != zone && !strings.HasSuffix(k.Owner, "."+zone)
	})
}

// change makes all changes of a batch or none.
func (s *Service) change(id string, body []byte, key Key) (string, *problem) {
	z, p := s.zone(id, key)
	if p != nil {
		return "", p
	}
	var batch changeRequest
	d := xml.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&batch); err != nil || len(batch.Changes) == 0 {
		return "", &problem{400, "InvalidInput", "1 validation error detected"}
	}
	for _, c := range batch.Changes {
		if p := allowed(c.Action, c.Set, key); p != nil {
			return "", p
		}
	}
	next := make(map[service.Key]service.Set)
	for _, c := range batch.Changes {
		k := c.Set.key()
		have, seen := next[k]
		if !seen {
			have = s.Get(k)
		}
		after, wrong := step(z, c.Action, c.Set, have)
		if wrong != "" {
			return "", &problem{400, "InvalidChangeBatch", "[" + wrong + "]"}
		}
		next[k] = after
	}
	for k, set := range next {
		s.Put(k, set)
	}
	change := fmt.Sprintf("C%012d", len(s.changes)+1)
	s.changes[change] = s.Pending
	return changeInfo("ChangeResourceRecordSetsResponse", change, max(1, s.Pending)), nil
}

// allowed is the policy: all changes must be of the types CREATE and DELETE, of
// TXT records, at the owners of the key.
func allowed(action string, set set, key Key) *problem {
	if key.Owners == nil {
		return nil
	}
	owner := strings.TrimSuffix(set.key().Owner, ".")
	if slices.Contains(key.Owners, owner) && set.Type == "TXT" && (action == "CREATE" || action == "DELETE") {
		return nil
	}
	return &problem{403, "AccessDenied", "User: arn:aws:iam::1:user/certctl is not authorized to perform: route53:ChangeResourceRecordSets on resource: arn:aws:route53:::hostedzone/" + key.Zone}
}

// step is one change of a batch. It returns what is wrong with it.
func step(z Zone, action string, set set, have service.Set) (service.Set, string) {
	k := set.key()
	name := fmt.Sprintf("[name='%s', type='%s']", k.Owner, k.Type)
	switch {
	case k.Owner != z.Name && !strings.HasSuffix(k.Owner, "."+z.Name):
		return have, fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s", k.Owner, z.Name)
	case set.TTL == nil || len(set.Values) == 0:
		return have, "Missing field 'TTL' or 'ResourceRecords' in Change with " + name
	case set.Type == "TXT" && slices.ContainsFunc(set.Values, func(v string) bool { return !quoted(v) }):
		return have, "InvalidCharacterString (Value should be enclosed in quotation marks) encountered with " + name
	}
	after := service.Set{TTL: *set.TTL, Data: set.Values}
	switch {
	case action == "CREATE" && len(have.Data) > 0:
		return have, "Tried to create resource record set " + name + " but it already exists"
	case action == "CREATE" || action == "UPSERT":
		return after, ""
	case action == "DELETE" && len(have.Data) == 0:
		return have, "Tried to delete resource record set " + name + " but it was not found"
	case action == "DELETE" && (have.TTL != *set.TTL || !sameSet(have.Data, set.Values)):
		return have, "Tried to delete resource record set " + name + " but the values provided do not match the current values"
	case action == "DELETE":
		return service.Set{}, ""
	}
	return have, "Value '" + action + "' at 'action' failed to satisfy constraint"
}

func quoted(v string) bool { return len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' }

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
