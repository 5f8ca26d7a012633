package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// writeConfig writes certctl.yaml and a file for each secret.
func (l *Lab) writeConfig() error {
	if err := os.MkdirAll(filepath.Join(l.Dir, "keys"), 0o700); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, `# The world of certctl lab.
acme:
  directory: %s
  email: ops@example.com
  agree_tos: true
  ca_file: ca.pem
state: %q
resolver:
  servers: ["%s"]
  port: %d
renew:
  delay: none
defaults:
  http: {listen: ["%s"]}
  tls_alpn: {listen: ["%s"]}
zones:
`, l.Directory, l.State, l.Resolver, l.Resolver.Port(), l.HTTP, l.TLSALPN)
	for _, z := range l.Zones {
		secret := filepath.Join("keys", z.Key.Name+".key")
		if err := os.WriteFile(filepath.Join(l.Dir, secret), []byte(z.Key.Secret+"\n"), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&text, "  %s:\n    provider: rfc2136\n    tsig: {name: %s, algorithm: %s, secret: {file: %s}}\n",
			z.name(), z.Key.Name, z.Key.Algorithm, filepath.ToSlash(secret))
	}
	return os.WriteFile(l.Config, []byte(text.String()), 0o600)
}

// Env returns the coordinates of the world as environment variables:
//
//	CERTCTL_CONFIG  configuration for certctl
//	LAB_DIRECTORY   URL of the ACME directory
//	LAB_CA_FILE     root for the directory's TLS
//	LAB_ROOT_FILE   root of the certificates that the CA issues
//	LAB_RESOLVER    recursive resolver, host:port
//	LAB_PORT        port of all DNS servers
//	LAB_HTTP        where the CA asks for http-01, at web.example.com; host:port
//	LAB_TLS_ALPN    where it connects for tls-alpn-01; host:port
//
// and so that other programs trust the directory: SSL_CERT_FILE (Go, OpenSSL),
// REQUESTS_CA_BUNDLE (Python, certbot) and CURL_CA_BUNDLE name a file with the
// system's roots and ours, LEGO_CA_CERTIFICATES and NODE_EXTRA_CA_CERTS ours.
func (l *Lab) Env() []string {
	return []string{
		"CERTCTL_CONFIG=" + l.Config,
		"LAB_DIRECTORY=" + l.Directory,
		"LAB_CA_FILE=" + l.CAFile,
		"LAB_ROOT_FILE=" + l.RootFile,
		"LAB_RESOLVER=" + l.Resolver.String(),
		"LAB_PORT=" + strconv.Itoa(int(l.Resolver.Port())),
		"LAB_HTTP=" + l.HTTP.String(),
		"LAB_TLS_ALPN=" + l.TLSALPN.String(),
		"SSL_CERT_FILE=" + l.bundle,
		"REQUESTS_CA_BUNDLE=" + l.bundle,
		"CURL_CA_BUNDLE=" + l.bundle,
		"LEGO_CA_CERTIFICATES=" + l.CAFile,
		"NODE_EXTRA_CA_CERTS=" + l.CAFile,
	}
}
