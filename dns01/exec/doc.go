// Package exec is the provider for everything that there is a script for: it
// runs a command to add a record, and one to remove it, with the owner name that
// was found by following aliases and delegations. The command may speak the
// dialect of certctl, or one that hooks for other clients speak, so that these
// can be kept:
//
//	certctl     COMMAND present|cleanup, with JSON on standard input:
//	            {"fqdn", "zone", "name", "value", "ttl"}: the owner name with its
//	            final dot, the zone's apex, the owner relative to it or @, the
//	            TXT value, and seconds
//	lego        COMMAND present|cleanup FQDN VALUE
//	acme.sh     the functions dns_NAME_add and dns_NAME_rm of the file
//	            dns_NAME.sh, with the owner name and the value; those that use
//	            functions of acme.sh itself need it before them:
//	            [/opt/acme.sh/acme.sh, /opt/acme.sh/dnsapi/dns_NAME.sh]
//	certbot     COMMAND with CERTBOT_DOMAIN, CERTBOT_VALIDATION and so on in the
//	            environment; another command removes, with CERTBOT_AUTH_OUTPUT
//	dehydrated  COMMAND deploy_challenge|clean_challenge DOMAIN TOKEN VALUE
//	uacme       COMMAND begin|done dns-01 DOMAIN TOKEN VALUE
//
// Hooks of the last three are told a domain and put _acme-challenge. before it
// themselves: they can only write at owners that begin so. There is no token:
// the value takes its place, or nothing does.
//
// Each record is one run, and there is one run at a time. A run that ends with
// 0 has done its work, also when a value was there, or gone, already; it must not
// touch other values, though some hooks do: acme.sh's dns_nsupdate removes all
// TXT records of a name. No shell reads anything that comes from elsewhere. The
// environment has PATH, HOME and the like, what the configuration adds, and
// CERTCTL_ACTION, CERTCTL_FQDN, CERTCTL_ZONE, CERTCTL_NAME, CERTCTL_VALUE and
// CERTCTL_TTL in every dialect. What a failing run has written is in the error,
// shortened and without the secrets from the configuration.
package exec
