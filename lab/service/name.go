package service

import (
	"cmp"
	"net/http"
	"strings"
)

// Owner returns the owner name that is below a zone, a name without the final
// dot, by these labels. At the apex they are "@" or empty.
func Owner(labels, zone string) string {
	if labels == "@" || labels == "" {
		return zone + "."
	}
	return strings.ToLower(labels) + "." + zone + "."
}

// Labels returns what is before the zone's name in an owner name: "" at the apex.
func Labels(owner, zone string) string {
	return strings.TrimSuffix(strings.TrimSuffix(owner, zone+"."), ".")
}

// LabelsOrAt is Labels, but "@" at the apex.
func LabelsOrAt(owner, zone string) string { return cmp.Or(Labels(owner, zone), "@") }

// PathKey returns the record set that a path with {name} and {type} is about.
func PathKey(r *http.Request, zone string) Key {
	return Key{Owner: Owner(r.PathValue("name"), zone), Type: r.PathValue("type")}
}
