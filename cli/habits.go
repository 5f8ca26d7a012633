package cli

// habits are the flags of certbot, lego and acme.sh that fingers know. Those
// that are the same here are not in it, or are aliases of ours.
func habits() []habit {
	const (
		certbot, lego, acmeSh = "certbot", "lego", "acme.sh"
		issue, ordering       = "issue", "issue renew"
		zones                 = "zones: in the configuration has the credential of each zone; certctl config schema lists the providers"
		hooks                 = "hooks: {pre: […], post: […]} in the configuration"
		copies                = "install: below the certificate in the configuration makes copies: privkey, cert, chain, fullchain, combined, pkcs12"
		servers               = "certctl configures no servers: certctl show NAME says where the files are, --deploy COMMAND has them read again"
		propagation           = "every server of the zone is waited for; propagation: {timeout: 5m, settle: 10s} below a zone changes that"
		due                   = "renew decides by the CA's suggestion or by the lifetime; --force orders at once"
		again                 = "a certificate is proved again as when it was ordered: certctl issue with other flags changes that"
		state                 = "state: in the configuration names the one directory"
	)
	return []habit{
		// The names, and what they are kept as.
		{flags: "domains", of: "certbot and lego", on: "issue check delegate", takes: true, means: "domain"},
		{flags: "cert-name", of: certbot, on: "renew delete show revoke deploy", takes: true}, // see namesGiven
		{flags: "cert-name domain d", of: certbot, on: "list", takes: true, instead: "certctl show NAME"},
		{flags: "domain domains d", of: "lego and acme.sh", on: "renew", takes: true, instead: "certctl renew NAME renews one certificate, with all of its names; certctl list shows them"},
		{flags: "domain domains d", of: "lego and acme.sh", on: "revoke delete", takes: true, instead: "the certificate is called by its name: certctl list shows them"},
		{flags: "expand renew-with-new-domains", of: certbot, on: issue},
		{flags: "allow-subset-of-names", of: certbot, on: ordering, instead: "all names or none: ask for those that are wanted"},
		{flags: "duplicate", of: certbot, on: issue, instead: "--name NAME keeps it beside others"},

		// The account and the CA.
		{flags: "accept-tos", of: lego, on: issue, means: "agree-tos"},
		{flags: "accountemail", of: acmeSh, on: issue, takes: true, means: "email"},
		{flags: "register-unsafely-without-email no-eff-email", of: certbot, on: issue},
		{flags: "eff-email", of: certbot, on: issue, instead: "nobody but the CA is told the address"},
		{flags: "account account-id", of: "certbot and lego", on: issue, takes: true, instead: "there is one account for each CA: certctl account list; --server chooses the CA"},
		{flags: "eab-kid eab-hmac-key kid hmac", of: "certbot and lego", on: issue, takes: true, instead: "certctl account register --eab-kid KID --eab-hmac-file FILE, once; or eab: below acme: in the configuration"},
		{flags: "eab", of: lego, on: issue, instead: "certctl account register --eab-kid KID --eab-hmac-file FILE, once; or eab: below acme: in the configuration"},
		{flags: "no-verify-ssl tls-skip-verify insecure", of: "certbot, lego and acme.sh", on: "issue renew revoke", instead: "--ca-file FILE trusts the CA's own root"},
		{flags: "ca-bundle", of: acmeSh, on: issue, takes: true, means: "ca-file"},
		{flags: "test", of: acmeSh, on: issue, means: "staging"},

		// The certificate and its key.
		{flags: "keylength k", of: acmeSh, on: issue, takes: true, means: "key", value: keyLength},
		{flags: "rsa-key-size", of: certbot, on: issue, takes: true, means: "key", value: keySize},
		{flags: "elliptic-curve", of: certbot, on: issue, takes: true, means: "key", value: keyCurve},
		{flags: "no-reuse-key new-key always-force-new-domain-key", of: "certbot and acme.sh", on: issue, means: "reuse-key", value: no},
		{flags: "ocsp-must-staple ocsp", of: acmeSh, on: issue, means: "must-staple"},
		{flags: "preferred-profile required-profile certificate-profile cert-profile", of: "certbot and acme.sh", on: issue, takes: true, means: "profile"},
		{flags: "no-bundle", of: lego, on: ordering, instead: "cert.pem is the certificate alone, fullchain.pem has its issuers too"},
		{flags: "pem pfx", of: lego, on: ordering, instead: copies},
		{flags: "pfx.pass pfx.password pfx.format", of: lego, on: ordering, takes: true, instead: copies},
		{flags: "cert-file key-file fullchain-file cert-path fullchain-path chain-path", of: "acme.sh and certbot", on: issue, takes: true, instead: copies},
		{flags: "valid-from", of: acmeSh, on: issue, takes: true, means: "not-before"},
		{flags: "valid-to", of: acmeSh, on: issue, takes: true, means: "not-after"},

		// How the names are proved.
		{flags: "preferred-challenges", of: certbot, on: issue, takes: true, means: "challenge", value: challengeWord},
		{flags: "dns authenticator a", of: "lego, acme.sh and certbot", on: ordering, takes: true, instead: zones},
		{flags: "dns-rfc2136", of: certbot, on: ordering, instead: zones + "; certctl import certbot takes over those that there are"},
		{flags: "dns-rfc2136-credentials", of: certbot, on: ordering, takes: true, instead: zones + "; certctl import certbot takes over those that there are"},
		{flags: "dns-rfc2136-propagation-seconds dnssleep dns.propagation-wait dns.propagation.wait dns-timeout dns.timeout", of: "certbot, lego and acme.sh", on: ordering, takes: true, instead: propagation},
		{flags: "dns.disable-cp dns.propagation-disable-ans dns.propagation.disable-ans dns.propagation-rns dns.propagation.disable-rns", of: lego, on: ordering, instead: propagation},
		{flags: "dns.resolvers", of: lego, on: ordering, takes: true, instead: "resolver: {servers: […]} in the configuration"},
		{flags: "manual yes-I-know-dns-manual-mode-enough-go-ahead-please", of: "certbot and acme.sh", on: ordering, instead: "certctl delegate prints the records that are made by hand, once; " + zones},
		{flags: "manual-auth-hook manual-cleanup-hook", of: certbot, on: ordering, takes: true, instead: "below zones: {provider: exec, style: certbot, command: HOOK, cleanup: HOOK}"},
		{flags: "manual-public-ip-logging-ok", of: certbot, on: ordering},
		{flags: "challenge-alias domain-alias", of: acmeSh, on: issue, takes: true, instead: "aliases in the DNS are followed: certctl delegate prints the record; --follow DOMAIN=NAME writes elsewhere"},
		{flags: "nginx apache", of: "certbot and acme.sh", on: ordering, instead: servers},
		{flags: "standalone", of: "certbot and acme.sh", on: "renew", instead: again},
		{flags: "webroot webroot-path w http.webroot", of: "certbot, lego and acme.sh", on: "renew", takes: true, instead: again},
		{flags: "http.webroot", of: lego, on: issue, takes: true, means: "webroot-path"},
		{flags: "http", of: lego, on: issue, instead: "--standalone listens itself, -w DIR puts files below what a web server serves"},
		{flags: "http.port http-01-address", of: "lego and certbot", on: issue, takes: true, means: "http-listen"},
		{flags: "http-01-port httpport", of: "certbot and acme.sh", on: issue, takes: true, means: "http-listen", value: portWord},
		{flags: "tls.port", of: lego, on: issue, takes: true, means: "tls-alpn-listen"},
		{flags: "tlsport", of: acmeSh, on: issue, takes: true, means: "tls-alpn-listen", value: portWord},
		{flags: "tls alpn", of: "lego and acme.sh", on: issue, means: "challenge", value: alpn},
		{flags: "installer i", of: certbot, on: ordering, takes: true, instead: servers},

		// When, and what follows.
		{flags: "keep-until-expiring keep reinstall", of: certbot, on: issue},
		{flags: "renew-by-default", of: certbot, on: ordering, means: "force"},
		{flags: "renew-force f", of: "lego and acme.sh", on: ordering, means: "force"},
		{flags: "days renew-days", of: "lego and acme.sh", on: ordering, takes: true, instead: due},
		{flags: "ari-disable", of: lego, on: ordering, instead: due},
		{flags: "no-random-sleep", of: lego, on: "renew", means: "no-delay"},
		{flags: "deploy-hook renew-hook reloadcmd", of: "certbot, lego and acme.sh", on: issue, takes: true, means: "deploy", value: shellCommand},
		{flags: "run-hook", of: lego, on: issue, takes: true, means: "deploy", value: shellCommand},
		{flags: "deploy-hook renew-hook reloadcmd", of: "certbot, lego and acme.sh", on: "renew", takes: true, instead: "what is run for each new certificate is said when it is ordered: certctl issue --deploy COMMAND, or deploy: in the configuration"},
		{flags: "pre-hook post-hook", of: "certbot, lego and acme.sh", on: ordering, takes: true, instead: hooks},
		{flags: "disable-hook-validation no-directory-hooks", of: certbot, on: ordering},
		{flags: "run-deploy-hooks", of: certbot, on: ordering, instead: "certctl deploy runs them"},

		// The program itself.
		{flags: "non-interactive noninteractive n", of: certbot, on: "issue renew list"},
		{flags: "no-self-upgrade text", of: certbot, on: ordering},
		{flags: "debug", of: "certbot and acme.sh", on: ordering, means: "verbose"},
		{flags: "config-dir config-home home path", of: "certbot, lego and acme.sh", on: ordering, takes: true, instead: state},
		{flags: "work-dir logs-dir log", of: "certbot and acme.sh", on: ordering, takes: true, instead: "leave it out: what is worth knowing goes to stderr, --log-format json makes records of it"},
		{flags: "delete-after-revoke", of: certbot, on: "revoke", instead: "certctl delete NAME, afterwards"},
		{flags: "no-delete-after-revoke", of: certbot, on: "revoke"},
		{flags: "ecc", of: acmeSh, on: "renew revoke delete deploy", instead: "the certificate is called by its name: certctl list shows them"},
	}
}
