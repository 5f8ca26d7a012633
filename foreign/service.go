package foreign

import (
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
	acmeSh  string // setting
}

// services is the table of them. Where a client has several ways, it is the
// one that is narrowest.
func services() []service {
	token := func(certbot, lego, acmeSh string) []serviceKey {
		return []serviceKey{{"token", true, certbot, lego, acmeSh}}
	}
	return []service{
		{"cloudflare", "dns-cloudflare", "dns_cf", token("api_token", "CF_DNS_API_TOKEN", "CF_Token")},
		{"desec", "dns-desec", "dns_desec", token("token", "DESEC_TOKEN", "DEDYN_TOKEN")},
		{"digitalocean", "dns-digitalocean", "dns_dgon", token("token", "DO_AUTH_TOKEN", "DO_API_KEY")},
		{"gandi", "dns-gandi", "dns_gandi_livedns", token("token", "GANDIV5_PERSONAL_ACCESS_TOKEN", "GANDI_LIVEDNS_TOKEN")},
		{"linode", "dns-linode", "dns_linode_v4", token("key", "LINODE_TOKEN", "LINODE_V4_API_KEY")},
		{"porkbun", "dns-porkbun", "dns_porkbun", []serviceKey{
			{"api_key", true, "key", "PORKBUN_API_KEY", "PORKBUN_API_KEY"},
			{"secret_api_key", true, "secret", "PORKBUN_SECRET_API_KEY", "PORKBUN_SECRET_API_KEY"},
		}},
		{"powerdns", "dns-powerdns", "dns_pdns", []serviceKey{
			{"url", false, "api_url", "PDNS_API_URL", "PDNS_Url"},
			{"api_key", true, "api_key", "PDNS_API_KEY", "PDNS_Token"},
		}},
	}
}

// credential makes one of what a client keeps, nil where a key is missing.
func (s service) credential(value func(serviceKey) string) *Credential {
	c := &Credential{Provider: s.provider, Settings: map[string]string{}, Secrets: map[string]string{}}
	for _, k := range s.keys {
		v := value(k)
		switch {
		case v == "":
			return nil
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
