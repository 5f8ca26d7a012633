package google

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: for single record sets, and for the
// zone, where conditions are not wanted.
func (p *provider) Policies(zone delegation.Name, owners []delegation.Name) []dns01.Policy {
	project, name := cmp.Or(p.config.Project, "PROJECT"), cmp.Or(p.config.ManagedZone, "MANAGED_ZONE")
	var matches []string
	for _, o := range owners {
		matches = append(matches, fmt.Sprintf(`resource.name == "projects/'"$NUMBER"'/managedZones/'"$ZONE_ID"'/rrsets/%s/TXT"`, o))
	}
	slices.Sort(matches)
	const read = "dns.changes.create,dns.changes.get,dns.managedZones.get,dns.resourceRecordSets.list"
	head := fmt.Sprintf(`# $MEMBER is serviceAccount:NAME@%[1]s.iam.gserviceaccount.com. The role is made once.
gcloud iam roles create %%[1]s --project=%[1]s --permissions=%%[2]s
gcloud dns managed-zones add-iam-policy-binding %[2]s --project=%[1]s \
    --member="$MEMBER" --role=projects/%[1]s/roles/%%[1]s
`, project, name)
	narrow := fmt.Sprintf(head, "certctl_read", read) + fmt.Sprintf(`# $NUMBER is the project's number (gcloud projects describe %[1]s), $ZONE_ID that of
# the zone (gcloud dns managed-zones describe %[2]s).
gcloud iam roles create certctl_records --project=%[1]s \
    --permissions=dns.resourceRecordSets.create,dns.resourceRecordSets.delete,dns.resourceRecordSets.get
gcloud projects add-iam-policy-binding %[1]s --member="$MEMBER" --role=projects/%[1]s/roles/certctl_records \
    --condition='title=certctl,expression=resource.type == "dns.googleapis.com/ResourceRecordSet" && (%[3]s)'
`, project, name, strings.Join(slices.Compact(matches), " || "))
	return []dns01.Policy{
		{Kind: "google", Server: "Google Cloud DNS, single record sets", Text: narrow,
			Excess: "the key may read the zone's records; that conditions hold for record sets is not in Google's reference: see with certctl policy check that they do"},
		{Kind: "google-zone", Server: "Google Cloud DNS, a zone", Text: fmt.Sprintf(head, "certctl_zone", read+",dns.resourceRecordSets.create,dns.resourceRecordSets.delete"),
			Excess: fmt.Sprintf("the key may write every record of zone %s: keep nothing else in it", zone.Bare())},
	}
}
