package acme

import (
	"fmt"
	"strings"
)

// Hint returns a remedy for problems that are well known, or "".
func (p *Problem) Hint() string {
	if url, ok := p.Paused(); ok {
		return fmt.Sprintf("a person must visit %s before the CA issues for these names again; trying again does not help", url)
	}
	if hint := typeHint(p); hint != "" {
		return hint
	}
	for _, known := range knownDetails() {
		if strings.Contains(p.Detail, known.text) {
			return known.hint
		}
	}
	for _, sub := range p.Subproblems {
		if hint := sub.Hint(); hint != "" {
			return hint
		}
	}
	return ""
}

func typeHint(p *Problem) string {
	switch {
	case p.is("externalAccountRequired"):
		return externalAccountHint
	case p.is("userActionRequired") && p.Instance != "":
		return fmt.Sprintf("the CA wants something of you: visit %s", p.Instance)
	case p.is("accountDoesNotExist"):
		return "the CA does not know this account: register again, or use the account's own CA"
	case p.is("invalidContact"), p.is("unsupportedContact"):
		return "the CA does not take the address in `acme: email:`"
	default:
		return ""
	}
}

type knownDetail struct {
	text string // part of a problem's detail, as Boulder says it
	hint string
}

// knownDetails is in order: what stands first says more.
func knownDetails() []knownDetail {
	return []knownDetail{
		{"deactivated", "an account that is deactivated stays so: certctl account register --force makes a new one"},
		{"JWS verification error", "the CA has another key for this account: if it was changed elsewhere, import the account from there (certctl account export, import)"},
		{"has already been revoked", "there is nothing left to do"},
		{"During secondary validation", "the CA looks from several places and only some of them got the right answer: look for one nameserver that is late, filtered by region, or down"},
		{"does not permit ip type identifiers", "the CA has IP addresses in one of its profiles only: --profile shortlived at Let's Encrypt"},
		{"No TXT record found", "the name exists without the record: another client may have removed it, or it was written to a zone or view that the CA does not see"},
		{"No TXT records found", "the name exists without the record: another client may have removed it, or it was written to a zone or view that the CA does not see"},
		{"Incorrect TXT record", "another value stands there: one that was left behind, or another client's behind the same alias"},
		{"unsuccessful response: 3", "a nameserver of the zone does not have the name yet, or the delegation leads to where no zone is"}, // Pebble for NXDOMAIN
		{"NXDOMAIN looking up TXT", "a nameserver of the zone does not have the name yet, or the delegation leads to where no zone is"},
		{"Timeout during connect", "a firewall keeps the CA away from port 80 for http-01 or 443 for tls-alpn-01, at one of the name's addresses: IPv6 counts too"},
		{"no route to host", "the CA has no way to one of the name's addresses: look at all of them, IPv6 too"},
		{"network is unreachable", "the CA has no way to one of the name's addresses: look at all of them, IPv6 too"},
		{"onnection refused", "nobody listens where the name leads: look at all its addresses, IPv6 too, and at what forwards port 80 for http-01 or 443 for tls-alpn-01"},
		{"Invalid response from http", "another server answers at the name's port 80, or serves another directory than the webroot"},
		{"Non-200 status code from HTTP", "another server answers at the name's port 80, or serves another directory than the webroot"}, // Pebble
		{"key authorization file from the server did not match", "another server or ACME client answers at the name's port 80"},
		{"Cannot negotiate ALPN protocol", "another server answers at the name's port 443"},
		{"Incorrect validation certificate for tls-alpn-01", "another server or ACME client answers at the name's port 443"},
		{"DNSSEC:", "DNSSEC of the zone or of one above it is broken; after a move of the zone, look for the old DS record in its parent"},
		{"SERVFAIL looking up TXT", "look for nameservers that are lame or down, broken DNSSEC, or a chain of more than 11 aliases"},
		{"No Reachable Authority", "the CA reaches none of the zone's nameservers: look for a firewall, or glue that is only IPv6"},
		{"Network Error between Resolver and Authority", "the CA reaches none of the zone's nameservers: look for a firewall, or glue that is only IPv6"},
		{"prevents issuance", "a CAA record of the name or of one above it forbids this CA, this account or this method: change it, or add one that allows them"},
		{"looking up CAA", "the nameservers must answer questions for CAA too, of this name and of all above it; if the failing name is a top-level domain, try again later"},
		{"query timed out looking up", "a nameserver answers slowly or not at all where the CA asks from"},
		{"too many failed authorizations", "find the cause before the next try; every failure counts, and the CA's staging directory is more patient"},
		{"too many certificates", "use the certificate that was issued before, or the CA's staging directory for tests"},
	}
}
