package route53_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/route53"
)

// request is what IAM is told of a request. No value for a key is no such key.
type request struct {
	Action   string              `json:"action"`
	Resource string              `json:"resource"`
	Context  map[string][]string `json:"context"`
}

// plain is a request of which IAM is told nothing but the resource.
func plain(action, resource string) request {
	return request{"route53:" + action, resource, map[string][]string{}}
}

// change is a batch with all of these names, types and actions; several are
// separated by spaces. Names are written as Route 53 normalizes them.
func change(zoneID, names, types, actions string) request {
	const key = "ChangeResourceRecordSets"
	r := plain(key, "arn:aws:route53:::hostedzone/"+zoneID)
	for suffix, values := range map[string]string{"NormalizedRecordNames": names, "RecordTypes": types, "Actions": actions} {
		if values != "" {
			r.Context[r.Action+suffix] = strings.Fields(values)
		}
	}
	return r
}

// What IAM makes of the policy, by a simulator.
func TestSimulatedPolicy(t *testing.T) {
	const (
		b, wild = "b.auth.example.net", `\052.a.auth.example.net`
		both    = "CREATE DELETE"
		z1, z3  = "arn:aws:route53:::hostedzone/Z1", "arn:aws:route53:::hostedzone/Z3"
	)
	allowed := []request{
		change("Z1", b, "TXT", "CREATE"),
		change("Z1", b, "TXT", "DELETE"),
		change("Z1", wild, "TXT", both),
		change("Z1", b+" "+wild, "TXT", both),
		plain("ListResourceRecordSets", z1),
		plain("GetChange", "arn:aws:route53:::change/C1"),
	}
	denied := []request{
		change("Z1", "c.auth.example.net", "TXT", both),
		change("Z1", "auth.example.net", "TXT", both),
		change("Z1", "x."+b, "TXT", both),
		change("Z1", "x.a.auth.example.net", "TXT", both), // the asterisk is no pattern
		change("Z1", b+" c.auth.example.net", "TXT", both),
		change("Z1", b, "A", both),
		change("Z1", b, "TXT A", both),
		change("Z1", b, "TXT", "UPSERT"), // it would write over the values of others
		change("Z1", b, "TXT", both+" UPSERT"),
		change("Z3", b, "TXT", both),
		change("Z1", "", "", ""),
		change("Z1", "", "TXT", both),
		change("Z1", b, "", both),
		change("Z1", b, "TXT", ""),
		plain("ListResourceRecordSets", z3),
		plain("ListHostedZones", "*"),
		plain("DeleteHostedZone", z1),
	}
	requests := slices.Concat(allowed, denied)
	for i, got := range simulate(t, printed(t), requests) {
		want := "Allowed"
		if i >= len(allowed) {
			want = "ImplicitlyDenied"
		}
		if got != want {
			t.Errorf("%v: got %s, want %s", requests[i], got, want)
		}
	}
}

// The simulator knows what the clause Null is there for.
func TestSimulatedPolicyWithoutNull(t *testing.T) {
	var policy struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal(printed(t), &policy); err != nil {
		t.Fatal(err)
	}
	delete(policy.Statement[0]["Condition"].(map[string]any), "Null")
	text, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	if got := simulate(t, text, []request{change("Z1", "", "", "")}); got[0] != "Allowed" {
		t.Errorf("got %s, want Allowed, as \"for all values\" is true of none", got[0])
	}
}

// printed returns the policy for two names.
func printed(t *testing.T) []byte {
	t.Helper()
	p := open(t, begin(t, nil), nil, func(c *route53.Config) { c.ZoneID = "Z1" })
	return []byte(p.(dns01.PolicyWriter).Policies(zone, []delegation.Name{"b." + zone, "*.A." + zone})[0].Text)
}

// simulate returns what IAM decides of each request.
func simulate(t *testing.T, policy []byte, requests []request) []string {
	t.Helper()
	const dir = "../../testdata/iam"
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(dir + "/node_modules")
	}
	if err != nil {
		withoutSimulator(t, "the simulator is not installed (npm ci, in testdata/iam): "+err.Error())
	}
	input, err := json.Marshal(map[string]any{"policy": json.RawMessage(policy), "requests": requests})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), node, "simulate.mjs")
	c.Dir, c.Stdin = dir, bytes.NewReader(input)
	var stderr strings.Builder
	c.Stderr = &stderr
	output, err := c.Output()
	var decisions []string
	if err != nil || json.Unmarshal(output, &decisions) != nil || len(decisions) != len(requests) {
		t.Fatalf("%v: got %s, want %d decisions\n%s", err, output, len(requests), &stderr)
	}
	return decisions
}

// withoutSimulator ends a test: with a failure where CERTCTL_REQUIRE_SIMULATOR is
// set, which .ci/run does when it has installed the simulator.
func withoutSimulator(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("CERTCTL_REQUIRE_SIMULATOR") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}
