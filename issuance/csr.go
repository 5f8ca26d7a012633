package issuance

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"certctl/acme"
)

// csr returns the certificate request in DER: the one brought along, or one of
// our own. That has the names as subject alternative names only: CAs choose a
// common name, or none, by themselves.
func (j *job) csr() ([]byte, error) {
	if j.CSR != nil {
		return j.CSR, nil
	}
	template := new(x509.CertificateRequest)
	for _, name := range j.Names {
		if acme.IsAddress(name) {
			template.IPAddresses = append(template.IPAddresses, net.ParseIP(name))
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if j.MustStaple {
		template.ExtraExtensions = []pkix.Extension{mustStaple()}
	}
	return x509.CreateCertificateRequest(rand.Reader, template, j.key)
}

// mustStaple is the extension that promises stapled OCSP answers (RFC 7633 §6,
// RFC 6066 §8).
func mustStaple() pkix.Extension {
	return pkix.Extension{
		Id:    asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24},
		Value: []byte{0x30, 0x03, 0x02, 0x01, 0x05}, // SEQUENCE { INTEGER status_request }
	}
}

// ReadCSR reads a certificate request, in PEM or DER.
func ReadCSR(text []byte) (*x509.CertificateRequest, error) {
	if block, _ := pem.Decode(text); block != nil {
		if block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
			return nil, fmt.Errorf("there is a %s in it, not a CERTIFICATE REQUEST", block.Type)
		}
		text = block.Bytes
	}
	csr, err := x509.ParseCertificateRequest(text)
	if err != nil {
		return nil, errors.New("it is not a certificate request in PEM or DER")
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("its signature is not that of its own key: %w", err)
	}
	names := acme.Names(csr.DNSNames, csr.IPAddresses)
	if len(names) == 0 {
		return nil, errors.New("it has no DNS names or IP addresses as subject alternative names")
	}
	if len(csr.EmailAddresses)+len(csr.URIs) > 0 {
		return nil, errors.New("it has names other than DNS names and IP addresses")
	}
	if cn := csr.Subject.CommonName; cn != "" && !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, cn) }) {
		return nil, fmt.Errorf("its common name %q is not among its names", cn)
	}
	_, err = CheckKey(csr.PublicKey)
	return csr, err
}
