package foreign

import (
	"net/url"
	"slices"
)

// service is a DNS service for which other clients keep keys that are enough
// for a provider of ours.
type service struct {
	provider string
	certbot  string // its plugin, "" if there is none in use
	acmeSh   string // its hook
	keys     []serviceKey
}

// serviceKey is one key of a provider, in the words of each client.
type serviceKey struct {
	ours    string
	secret  bool
	certbot string // in the file with the plugin's credentials, after its name
	lego    string // variable
	acmeSh  string // setting, or variable where it keeps none

	// means, if not nil, is what a value is here: "" for our default. Without one
	// a value is needed, and is what it is.
	means func(theirs string) (ours string, known bool)
}

// services is the table of them. Where a client has several ways, it is the
// one that is narrowest.
func services() []service {
	token := func(certbot, lego, acmeSh string) []serviceKey {
		return []serviceKey{{"token", true, certbot, lego, acmeSh, nil}}
	}
	return []service{
		{"acme-dns", "", "dns_acmedns", []serviceKey{
			{"url", false, "", "", "ACMEDNS_BASE_URL", withoutUser},
			{"username", false, "", "", "ACMEDNS_USERNAME", nil},
			{"password", true, "", "", "ACMEDNS_PASSWORD", nil},
			{"subdomain", false, "", "", "ACMEDNS_SUBDOMAIN", nil},
		}},
		{"azure", "", "dns_azure", []serviceKey{
			{"subscription_id", false, "", "AZURE_SUBSCRIPTION_ID", "AZUREDNS_SUBSCRIPTIONID", nil},
			{"resource_group", false, "", "AZURE_RESOURCE_GROUP", "AZURE_RESOURCE_GROUP", nil}, // acme.sh looks for it each time
			{"tenant_id", false, "", "AZURE_TENANT_ID", "AZUREDNS_TENANTID", nil},
			{"client_id", false, "", "AZURE_CLIENT_ID", "AZUREDNS_APPID", nil},
			{"client_secret", true, "", "AZURE_CLIENT_SECRET", "AZUREDNS_CLIENTSECRET", nil},
		}},
		{"cloudflare", "dns-cloudflare", "dns_cf", token("api_token", "CF_DNS_API_TOKEN", "CF_Token")},
		{"desec", "dns-desec", "dns_desec", token("token", "DESEC_TOKEN", "DEDYN_TOKEN")},
		{"digitalocean", "dns-digitalocean", "dns_dgon", token("token", "DO_AUTH_TOKEN", "DO_API_KEY")},
		{"gandi", "dns-gandi", "dns_gandi_livedns", token("token", "GANDIV5_PERSONAL_ACCESS_TOKEN", "GANDI_LIVEDNS_TOKEN")},
		{"hetzner", "", "dns_hetznercloud", token("", "HETZNER_API_TOKEN", "HETZNER_TOKEN")},
		{"linode", "dns-linode", "dns_linode_v4", token("key", "LINODE_TOKEN", "LINODE_V4_API_KEY")},
		{"ns1", "dns-nsone", "dns_nsone", []serviceKey{{"key", true, "api_key", "NS1_API_KEY", "NS1_Key", nil}}},
		{"ovh", "dns-ovh", "dns_ovh", []serviceKey{
			{"region", false, "endpoint", "OVH_ENDPOINT", "OVH_END_POINT", regionOfOVH},
			{"application_key", false, "application_key", "OVH_APPLICATION_KEY", "OVH_AK", nil},
			{"application_secret", true, "application_secret", "OVH_APPLICATION_SECRET", "OVH_AS", nil},
			{"consumer_key", true, "consumer_key", "OVH_CONSUMER_KEY", "OVH_CK", nil},
		}},
		{"porkbun", "dns-porkbun", "dns_porkbun", []serviceKey{
			{"api_key", true, "key", "PORKBUN_API_KEY", "PORKBUN_API_KEY", nil},
			{"secret_api_key", true, "secret", "PORKBUN_SECRET_API_KEY", "PORKBUN_SECRET_API_KEY", nil},
		}},
		{"powerdns", "dns-powerdns", "dns_pdns", []serviceKey{
			{"url", false, "api_url", "PDNS_API_URL", "PDNS_Url", nil},
			{"api_key", true, "api_key", "PDNS_API_KEY", "PDNS_Token", nil},
		}},
		{"scaleway", "", "dns_scaleway", []serviceKey{{"secret_key", true, "", "SCW_SECRET_KEY", "SCALEWAY_API_TOKEN", nil}}},
	}
}

// regionOfOVH returns the region that an endpoint of OVH is for. The brands that
// have endpoints of their own are none.
func regionOfOVH(endpoint string) (region string, known bool) {
	switch endpoint {
	case "", "ovh-eu", "ovheu":
		return "", true
	case "ovh-ca", "ovhca":
		return "ca", true
	case "ovh-us", "ovhus":
		return "us", true
	}
	return "", false
}

// withoutUser leaves a user and password out of a URL: servers that want them do
// so for registration.
func withoutUser(address string) (bare string, known bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", false
	}
	u.User = nil
	return u.String(), true
}

// credential makes one of what a client keeps, nil where a key is missing.
func (s service) credential(value func(serviceKey) string) *Credential {
	c := &Credential{Provider: s.provider, Settings: map[string]string{}, Secrets: map[string]string{}}
	for _, k := range s.keys {
		v := value(k)
		known := v != ""
		if k.means != nil {
			v, known = k.means(v)
		}
		switch {
		case !known:
			return nil
		case v == "":
		case k.secret:
			c.Secrets[k.ours] = v
		default:
			c.Settings[k.ours] = v
		}
	}
	return c
}

// serviceWith returns the one of the services that this is true of.
func serviceWith(is func(service) bool) (s service, found bool) {
	all := services()
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], true
	}
	return service{}, false
}
