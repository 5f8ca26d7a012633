// Package webhook is the provider for a service of one's own behind an HTTP API:
// POST to URL/present adds, POST to URL/cleanup removes, and any status from 200
// to 299 means that it is done, also when a value was there, or gone, already.
// Other values must stay. A page in HTML is no such answer, but that of a proxy.
//
// In mode httpreq, the wire format of lego's provider of that name, each request
// has one record:
//
//	{"fqdn": "_acme-challenge.www.example.com.", "value": "…"}
//
// In mode certctl one request has all records of a zone:
//
//	{"zone": "example.com.", "records": [
//		{"fqdn": "…", "name": "_acme-challenge.www", "value": "…", "ttl": 60}]}
//
// name is the owner relative to the zone, or @. The owner is where aliases and
// delegations lead, so the service need not resolve anything.
//
// The RAW mode of httpreq cannot be served: it asks for the token and the key
// authorization, from which the service would compute the value, and a provider
// has the value only. Services that know RAW know the default mode too.
package webhook
