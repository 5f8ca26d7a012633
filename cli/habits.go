package cli

// The clients, the commands of ours that have their flags, and what is used in
// place of several.
const (
	ofCertbot, ofLego, ofAcmeSh = "certbot", "lego", "acme.sh"
	onIssue, onOrdering         = "issue", "issue renew"
	useZones                    = "zones: in the configuration has the credential of each zone; certctl config schema lists the providers"
	useHooks                    = "hooks: {pre: […], post: […]} in the configuration"
	useInstall                  = "install: below the certificate in the configuration makes copies: privkey, cert, chain, fullchain, combined, pkcs12"
	useServers                  = "certctl configures no servers: certctl show NAME says where the files are, --deploy COMMAND has them read again"
	usePropagation              = "every server of the zone is waited for; propagation: {timeout: 5m, settle: 10s} below a zone changes that"
	useDue                      = "renew decides by the CA's suggestion or by the lifetime; --force orders at once"
	useIssue                    = "a certificate is proved again as when it was ordered: certctl issue with other flags changes that"
	useState                    = "state: in the configuration names the one directory"
)

// habits are the flags of certbot, lego and acme.sh that fingers know. Those
// that are the same here are not in it, or are aliases of ours.
var habits = []habit{
	// The names, and what they are kept as.
	{flags: "domains", of: "certbot and lego", on: "issue check delegate", takes: true, means: "domain"},
	{flags: "cert-name", of: ofCertbot, on: "renew delete show revoke deploy", takes: true}, // see namesGiven
	{flags: "cert-name domain d", of: ofCertbot, on: "list", takes: true, instead: "certctl show NAME"},
	{flags: "domain domains d", of: "lego and acme.sh", on: "renew", takes: true, instead: "certctl renew NAME renews one certificate, with all of its names; certctl list shows them"},
	{flags: "domain domains d", of: "lego and acme.sh", on: "revoke delete", takes: true, instead: "the certificate is called by its name: certctl list shows them"},
	{flags: "expand renew-with-new-domains", of: ofCertbot, on: onIssue},
	{flags: "allow-subset-of-names", of: ofCertbot, on: onOrdering, instead: "all names or none: ask for those that are wanted"},
	{flags: "duplicate", of: ofCertbot, on: onIssue, instead: "--name NAME keeps it beside others"},

	// The account and the CA.
	{flags: "accept-tos", of: ofLego, on: onIssue, means: "agree-tos"},
	{flags: "accountemail", of: ofAcmeSh, on: onIssue, takes: true, means: "email"},
	{flags: "register-unsafely-without-email no-eff-email", of: ofCertbot, on: onIssue},
	{flags: "eff-email", of: ofCertbot, on: onIssue, instead: "nobody but the CA is told the address"},
	{flags: "account account-id", of: "certbot and lego", on: onIssue, takes: true, instead: "there is one account for each CA: certctl account list; --server chooses the CA"},
	{flags: "eab-kid eab-hmac-key kid hmac", of: "certbot and lego", on: onIssue, takes: true, instead: "certctl account register --eab-kid KID --eab-hmac-file FILE, once; or eab: below acme: in the configuration"},
	{flags: "eab", of: ofLego, on: onIssue, instead: "certctl account register --eab-kid KID --eab-hmac-file FILE, once; or eab: below acme: in the configuration"},
	{flags: "no-verify-ssl tls-skip-verify insecure", of: "certbot, lego and acme.sh", on: "issue renew revoke", instead: "--ca-file FILE trusts the CA's own root"},
	{flags: "ca-bundle", of: ofAcmeSh, on: onIssue, takes: true, means: "ca-file"},
	{flags: "test", of: ofAcmeSh, on: onIssue, means: "staging"},

	// The certificate and its key.
	{flags: "keylength k", of: ofAcmeSh, on: onIssue, takes: true, means: "key", value: keyLength},
	{flags: "rsa-key-size", of: ofCertbot, on: onIssue, takes: true, means: "key", value: keySize},
	{flags: "elliptic-curve", of: ofCertbot, on: onIssue, takes: true, means: "key", value: keyCurve},
	{flags: "no-reuse-key new-key always-force-new-domain-key", of: "certbot and acme.sh", on: onIssue, means: "reuse-key", value: no},
	{flags: "ocsp-must-staple ocsp", of: ofAcmeSh, on: onIssue, means: "must-staple"},
	{flags: "preferred-profile required-profile certificate-profile cert-profile", of: "certbot and acme.sh", on: onIssue, takes: true, means: "profile"},
	{flags: "no-bundle", of: ofLego, on: onOrdering, instead: "cert.pem is the certificate alone, fullchain.pem has its issuers too"},
	{flags: "pem pfx", of: ofLego, on: onOrdering, instead: useInstall},
	{flags: "pfx.pass pfx.password pfx.format", of: ofLego, on: onOrdering, takes: true, instead: useInstall},
	{flags: "cert-file key-file fullchain-file cert-path fullchain-path chain-path", of: "acme.sh and certbot", on: onIssue, takes: true, instead: useInstall},
	{flags: "valid-from", of: ofAcmeSh, on: onIssue, takes: true, means: "not-before"},
	{flags: "valid-to", of: ofAcmeSh, on: onIssue, takes: true, means: "not-after"},

	// How the names are proved.
	{flags: "preferred-challenges", of: ofCertbot, on: onIssue, takes: true, means: "challenge", value: challengeWord},
	{flags: "dns authenticator a", of: "lego, acme.sh and certbot", on: onOrdering, takes: true, instead: useZones},
	{flags: "dns-rfc2136", of: ofCertbot, on: onOrdering, instead: useZones + "; certctl import certbot takes over those that there are"},
	{flags: "dns-rfc2136-credentials", of: ofCertbot, on: onOrdering, takes: true, instead: useZones + "; certctl import certbot takes over those that there are"},
	{flags: "dns-rfc2136-propagation-seconds dnssleep dns.propagation-wait dns.propagation.wait dns-timeout dns.timeout", of: "certbot, lego and acme.sh", on: onOrdering, takes: true, instead: usePropagation},
	{flags: "dns.disable-cp dns.propagation-disable-ans dns.propagation.disable-ans dns.propagation-rns dns.propagation.disable-rns", of: ofLego, on: onOrdering, instead: usePropagation},
	{flags: "dns.resolvers", of: ofLego, on: onOrdering, takes: true, instead: "resolver: {servers: […]} in the configuration"},
	{flags: "manual yes-I-know-dns-manual-mode-enough-go-ahead-please", of: "certbot and acme.sh", on: onOrdering, instead: "certctl delegate prints the records that are made by hand, once; " + useZones},
	{flags: "manual-auth-hook manual-cleanup-hook", of: ofCertbot, on: onOrdering, takes: true, instead: "below zones: {provider: exec, style: certbot, command: HOOK, cleanup: HOOK}"},
	{flags: "manual-public-ip-logging-ok", of: ofCertbot, on: onOrdering},
	{flags: "challenge-alias domain-alias", of: ofAcmeSh, on: onIssue, takes: true, instead: "aliases in the DNS are followed: certctl delegate prints the record; --follow DOMAIN=NAME writes elsewhere"},
	{flags: "nginx apache", of: "certbot and acme.sh", on: onOrdering, instead: useServers},
	{flags: "standalone", of: "certbot and acme.sh", on: "renew", instead: useIssue},
	{flags: "webroot webroot-path w http.webroot", of: "certbot, lego and acme.sh", on: "renew", takes: true, instead: useIssue},
	{flags: "http.webroot", of: ofLego, on: onIssue, takes: true, means: "webroot-path"},
	{flags: "http", of: ofLego, on: onIssue, instead: "--standalone listens itself, -w DIR puts files below what a web server serves"},
	{flags: "http.port http-01-address", of: "lego and certbot", on: onIssue, takes: true, means: "http-listen"},
	{flags: "http-01-port httpport", of: "certbot and acme.sh", on: onIssue, takes: true, means: "http-listen", value: portWord},
	{flags: "tls.port", of: ofLego, on: onIssue, takes: true, means: "tls-alpn-listen"},
	{flags: "tlsport", of: ofAcmeSh, on: onIssue, takes: true, means: "tls-alpn-listen", value: portWord},
	{flags: "tls alpn", of: "lego and acme.sh", on: onIssue, means: "challenge", value: alpn},
	{flags: "installer i", of: ofCertbot, on: onOrdering, takes: true, instead: useServers},

	// When, and what follows.
	{flags: "keep-until-expiring keep reinstall", of: ofCertbot, on: onIssue},
	{flags: "renew-by-default", of: ofCertbot, on: onOrdering, means: "force"},
	{flags: "renew-force f", of: "lego and acme.sh", on: onOrdering, means: "force"},
	{flags: "days renew-days", of: "lego and acme.sh", on: onOrdering, takes: true, instead: useDue},
	{flags: "ari-disable", of: ofLego, on: onOrdering, instead: useDue},
	{flags: "no-random-sleep", of: ofLego, on: "renew", means: "no-delay"},
	{flags: "deploy-hook renew-hook reloadcmd", of: "certbot, lego and acme.sh", on: onIssue, takes: true, means: "deploy", value: shellCommand},
	{flags: "run-hook", of: ofLego, on: onIssue, takes: true, means: "deploy", value: shellCommand},
	{flags: "deploy-hook renew-hook reloadcmd", of: "certbot, lego and acme.sh", on: "renew", takes: true, instead: "what is run for each new certificate is said when it is ordered: certctl issue --deploy COMMAND, or deploy: in the configuration"},
	{flags: "pre-hook post-hook", of: "certbot, lego and acme.sh", on: onOrdering, takes: true, instead: useHooks},
	{flags: "disable-hook-validation no-directory-hooks", of: ofCertbot, on: onOrdering},
	{flags: "run-deploy-hooks", of: ofCertbot, on: onOrdering, instead: "certctl deploy runs them"},

	// The program itself.
	{flags: "non-interactive noninteractive n", of: ofCertbot, on: "issue renew list"},
	{flags: "no-self-upgrade text", of: ofCertbot, on: onOrdering},
	{flags: "debug", of: "certbot and acme.sh", on: onOrdering, means: "verbose"},
	{flags: "config-dir config-home home path", of: "certbot, lego and acme.sh", on: onOrdering, takes: true, instead: useState},
	{flags: "work-dir logs-dir log", of: "certbot and acme.sh", on: onOrdering, takes: true, instead: "leave it out: what is worth knowing goes to stderr, --log-format json makes records of it"},
	{flags: "delete-after-revoke", of: ofCertbot, on: "revoke", instead: "certctl delete NAME, afterwards"},
	{flags: "no-delete-after-revoke", of: ofCertbot, on: "revoke"},
	{flags: "ecc", of: ofAcmeSh, on: "renew revoke delete deploy", instead: "the certificate is called by its name: certctl list shows them"},
}
