// Package tlsalpn01 answers the tls-alpn-01 challenge (RFC 8737, RFC 8738 §6):
// the CA connects to a name or an IP address, at port 443, speaks TLS with the
// application protocol acme-tls/1, and wants to see a certificate that holds
// the hash of the key authorization. Nothing else is spoken.
package tlsalpn01

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Answer is what the CA wants to see for one name.
type Answer struct {
	Name string // a domain, or an IP address
	Text string // the key authorization (RFC 8555 §8.1)
}

// certificate is what the CA takes for the answer (RFC 8737 §3): it is for this
// name alone, and has the hash in an extension that nobody else takes for
// granted.
func (a Answer) certificate() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	identifier, err := identifier(a.Text)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:    big.NewInt(1),
		Subject:         pkix.Name{CommonName: "ACME challenge"},
		NotBefore:       time.Now().Add(-24 * time.Hour),
		NotAfter:        time.Now().Add(24 * time.Hour),
		ExtraExtensions: []pkix.Extension{identifier},
	}
	if addr, err := netip.ParseAddr(a.Name); err == nil {
		template.IPAddresses = []net.IP{addr.AsSlice()}
	} else {
		template.DNSNames = []string{a.Name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// identifier is the extension acmeIdentifier (RFC 8737 §3).
func identifier(text string) (pkix.Extension, error) {
	digest := sha256.Sum256([]byte(text))
	value, err := asn1.Marshal(digest[:])
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}, Critical: true, Value: value}, err
}

// serverName returns the name that the CA asks for by SNI: for an IP address,
// which SNI cannot hold, its name in the reverse zones (RFC 8738 §6).
func serverName(name string) string {
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return plain(name)
	}
	bytes := addr.AsSlice()
	slices.Reverse(bytes)
	var labels strings.Builder
	for _, b := range bytes {
		if addr.Is4() {
			fmt.Fprintf(&labels, "%d.", b)
		} else {
			fmt.Fprintf(&labels, "%x.%x.", b&15, b>>4) // RFC 3596 §2.5
		}
	}
	if addr.Is4() {
		return labels.String() + "in-addr.arpa"
	}
	return labels.String() + "ip6.arpa"
}

func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
