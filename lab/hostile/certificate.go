package hostile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"time"
)

// certificate is one that was issued.
type certificate struct {
	account             string
	names               []string
	notBefore, notAfter time.Time
	replaced            bool // or to be
	explanation         string
	recalled            time.Time // when its window moved to the past
}

// newRoot returns a root that never ends.
func newRoot(name string) (*ecdsa.PrivateKey, *x509.Certificate) {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte(name),
		NotBefore: time.Now(), NotAfter: time.Now().AddDate(100, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic("hostile: " + err.Error())
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return key, root
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return key
}

func (c *CA) finalize(account, id string, payload []byte) reply {
	var wanted struct{ CSR string }
	if err := json.Unmarshal(payload, &wanted); err != nil {
		return c.refuse(http.StatusBadRequest, 0, "malformed", err.Error())
	}
	csr, err := x509.ParseCertificateRequest(decode(wanted.CSR))
	if err != nil || csr.CheckSignature() != nil {
		return c.refuse(http.StatusBadRequest, 0, "badCSR", fmt.Sprint("the request is wrong: ", err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.orders[id]
	switch {
	case o == nil || o.account != account:
		return c.refuse(http.StatusNotFound, 0, "malformed", "there is no order "+id)
	case o.state(time.Now()) != "ready":
		return c.refuse(http.StatusForbidden, 0, "orderNotReady", "the order is "+o.state(time.Now()))
	case exact(csr.DNSNames) != exact(o.names):
		return c.refuse(http.StatusBadRequest, 0, "badCSR", "the names are not those of the order")
	case c.trouble.Invalid:
		o.invalid = "Error finalizing order"
	default:
		c.issue(o, csr.PublicKey)
	}
	return ok(c.describe(o))
}

// issue makes the certificate of an order.
func (c *CA) issue(o *order, key crypto.PublicKey) {
	now := time.Now()
	lifetime, known := c.policy.Profiles[o.profile]
	if !known {
		lifetime = c.policy.Lifetime
	}
	if c.trouble.OtherKey {
		key = newKey().Public()
	}
	c.numbers++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(c.numbers)), DNSNames: o.names,
		NotBefore: now, NotAfter: now.Add(lifetime), AuthorityKeyId: c.root.SubjectKeyId,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.root, key, c.key)
	if err != nil {
		panic("hostile: " + err.Error())
	}
	o.chain, o.done = [][]byte{der, c.root.Raw}, now.Add(c.trouble.Processing)
	c.issued[renewalID(c.root.SubjectKeyId, template.SerialNumber)] = &certificate{
		account: o.account, names: o.names, notBefore: now, notAfter: now.Add(lifetime),
	}
	c.tally(o, now)
}

// tally counts what was issued.
func (c *CA) tally(o *order, now time.Time) {
	c.count.Issued++
	set := exact(o.names)
	if o.replaces == nil {
		c.spendLimit("set "+set, c.policy.Limits.Set, now)
		if !c.sets[set] {
			for _, d := range domains(o.names) {
				c.spendLimit("domain "+d, c.policy.Limits.Domain, now)
			}
		}
	}
	c.sets[set] = true
}

func (c *CA) certificate(account, id string) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.orders[id]
	if o == nil || o.account != account || o.state(time.Now()) != "valid" {
		return c.refuse(http.StatusNotFound, 0, "malformed", "there is no certificate "+id)
	}
	var text []byte
	for _, der := range o.chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	a := ok(text)
	a.header.Set("Content-Type", "application/pem-certificate-chain")
	return a
}
