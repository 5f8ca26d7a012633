package nameserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Signer signs a zone's answers while they are made, with one ECDSA P-256 key
// (RFC 6605). That something does not exist is proved in the compact way (RFC
// 9824): a name that was asked for is there, but of no type.
type Signer struct {
	key *ecdsa.PrivateKey
}

const (
	signedAgo   = 3 * time.Hour      // clocks of validators may be behind
	signedFor   = 7 * 24 * time.Hour // from now
	signatureOK = 24 * time.Hour     // how long an answer with signatures is kept

	// typeNXNAME in an NSEC record says that there is no such name (RFC 9824 §3.4).
	typeNXNAME uint16 = 128
)

// OpenSigner reads a key from a file (PKCS #8 in PEM), or makes one if there is
// none.
func OpenSigner(path string) (*Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newSigner(path)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: there is no key in it: PEM is expected", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s: it is not an ECDSA P-256 key", path)
	}
	return &Signer{key}, nil
}

func newSigner(path string) (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	return &Signer{key}, errors.Join(err, f.Sync(), f.Close())
}

// DS returns the record that the zone's parent needs.
func (s *Signer) DS(apex delegation.Name) *dns.DS {
	ds := s.dnskey(apex).ToDS(dns.SHA256)
	ds.Hdr.Ttl = fixedTTL
	return ds
}

func (s *Signer) dnskey(apex delegation.Name) *dns.DNSKEY {
	public, err := s.key.PublicKey.Bytes()
	if err != nil {
		panic(err) // the curve is P-256
	}
	return &dns.DNSKEY{
		Hdr: header(apex, dns.TypeDNSKEY, fixedTTL), Flags: dns.ZONE | dns.SEP, Protocol: 3,
		Algorithm: dns.ECDSAP256SHA256, PublicKey: base64.StdEncoding.EncodeToString(public[1:]), // RFC 6605 §4
	}
}

// keys returns the records about the key at the zone's apex, those for a
// parent that looks for them among them (RFC 7344).
func (s *Signer) keys(apex delegation.Name) []dns.RR {
	key := s.dnskey(apex)
	return []dns.RR{key, key.ToCDNSKEY(), s.DS(apex).ToCDS()}
}

// sign adds the signatures of all record sets in a section.
func (s *Signer) sign(apex delegation.Name, list []dns.RR) ([]dns.RR, error) {
	signed := list
	for start := 0; start < len(list); {
		end := start + 1
		for end < len(list) && sameSet(list[start], list[end]) {
			end++
		}
		signature, err := s.signature(apex, list[start:end])
		if err != nil {
			return nil, err
		}
		signed = append(signed, signature)
		start = end
	}
	return signed, nil
}

func sameSet(a, b dns.RR) bool {
	return a.Header().Rrtype == b.Header().Rrtype && a.Header().Name == b.Header().Name
}

func (s *Signer) signature(apex delegation.Name, set []dns.RR) (dns.RR, error) {
	now := time.Now()
	signature := &dns.RRSIG{
		Algorithm: dns.ECDSAP256SHA256, KeyTag: s.dnskey(apex).KeyTag(), SignerName: string(apex),
		Inception: uint32(now.Add(-signedAgo).Unix()), Expiration: uint32(now.Add(signedFor).Unix()),
	}
	if err := signature.Sign(s.key, set); err != nil {
		return nil, err
	}
	signature.Hdr.Ttl = set[0].Header().Ttl
	return signature, nil
}

// nsec returns the record that says which types there are at a name, or that
// there is no such name. It covers nothing but the name itself (RFC 9824 §3.1).
func (z zone) nsec(name delegation.Name, exists bool) dns.RR {
	types := []uint16{dns.TypeRRSIG, dns.TypeNSEC}
	for _, rr := range z.records(name) {
		types = append(types, rr.Header().Rrtype)
	}
	if !exists {
		types = append(types, typeNXNAME)
	}
	slices.Sort(types)
	return &dns.NSEC{
		Hdr:        header(name, dns.TypeNSEC, seconds(z.NegativeTTL)),
		NextDomain: `\000.` + string(name), TypeBitMap: slices.Compact(types),
	}
}

// signed returns an answer with proofs and signatures.
func (z zone) signed(c content, name delegation.Name, out outcome) content {
	if out != found && longName(name) {
		return content{rcode: dns.RcodeServerFailure, zone: z.apex}
	}
	if out != found {
		c.rcode = dns.RcodeSuccess // RFC 9824 §2
		c.ns = append(c.ns, z.nsec(name, out == noData))
	}
	var errs [2]error
	c.answer, errs[0] = z.Signer.sign(z.apex, c.answer)
	c.ns, errs[1] = z.Signer.sign(z.apex, c.ns)
	if errors.Join(errs[:]...) != nil {
		return content{rcode: dns.RcodeServerFailure, zone: z.apex}
	}
	return c
}

// longName reports whether there is no room for one more label, as an NSEC
// record needs it.
func longName(name delegation.Name) bool {
	wire := make([]byte, 256)
	n, err := dns.PackDomainName(string(name), wire, 0, nil, false)
	return err != nil || n > 253
}
