package route53

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// The parts of an IAM policy.
type (
	policy struct {
		Version   string
		Statement []statement
	}
	statement struct {
		Sid, Effect, Action, Resource string
		Condition                     *condition `json:",omitempty"`
	}
	condition struct {
		All  map[string][]string `json:"ForAllValues:StringEquals"`
		Null map[string]string
	}
)

// Policies implements dns01.PolicyWriter. "For all values" is true of no values:
// so a request that does not say what it changes is denied by the clause Null.
func (p *provider) Policies(zone delegation.Name, owners []delegation.Name) []dns01.Policy {
	id := cmp.Or(strings.TrimPrefix(p.config.ZoneID, "/hostedzone/"), "ZONEID")
	const key = "route53:ChangeResourceRecordSets"
	null := map[string]string{}
	all := map[string][]string{
		key + "NormalizedRecordNames": normalized(owners), key + "RecordTypes": {"TXT"}, key + "Actions": {"CREATE", "DELETE"},
	}
	for name := range all {
		null[name] = "false"
	}
	resource := "arn:aws:route53:::hostedzone/" + id
	statements := []statement{
		{"WriteValidation", "Allow", key, resource, &condition{all, null}},
		{"ReadValidation", "Allow", "route53:ListResourceRecordSets", resource, nil},
		{"Propagation", "Allow", "route53:GetChange", "arn:aws:route53:::change/*", nil},
	}
	text, _ := json.MarshalIndent(policy{"2012-10-17", statements}, "", "  ")
	return []dns01.Policy{{
		Kind: "route53", Server: "Amazon Route 53", Text: string(text) + "\n",
		Excess: fmt.Sprintf("the key may read every record of zone %s and the state of every change of the account: what it asks for is not narrower", zone.Bare()) + p.unnamed(),
	}}
}

// unnamed says what to fill in.
func (p *provider) unnamed() string {
	if p.config.ZoneID != "" {
		return ""
	}
	return "; ZONEID stands for the hosted zone's id, which belongs into zone_id: too, or the key must be allowed to list all zones (route53:ListHostedZonesByName)"
}

// normalized writes owners as conditions have them: in lower case, without the
// final dot, with octal escapes.
func normalized(owners []delegation.Name) []string {
	var names []string
	for _, o := range owners {
		var b strings.Builder
		for _, c := range []byte(strings.ToLower(o.Bare())) {
			if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
		names = append(names, b.String())
	}
	slices.Sort(names)
	return slices.Compact(names)
}
