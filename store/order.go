package store

import (
	"crypto"
	"fmt"
	"time"
)

// Order is an order that is about to be finalized, with the private key of the
// certificate to come. It is saved before the CA is told to issue, so that a
// run that dies then does not lose the certificate: the next one asks for the
// order by its URL.
type Order struct {
	URL       string        // of the order
	Directory string        // URL of the CA's directory
	Account   string        // URL of the account
	Names     []string      // identifiers, in the order asked for
	Profile   string        // of the order, or ""
	Created   time.Time     // when it was placed
	Key       crypto.Signer // of the certificate; nil where CSR is not
	CSR       []byte        // certificate request (DER) that was brought along, or nil
}

type orderFile struct {
	Version    int       `json:"version"`
	URL        string    `json:"url"`
	Directory  string    `json:"directory"`
	Account    string    `json:"account"`
	Names      []string  `json:"names"`
	Profile    string    `json:"profile,omitempty"`
	Created    time.Time `json:"created"`
	CSR        []byte    `json:"csr,omitempty"`
	PrivateKey string    `json:"private_key,omitempty"` // in one file with the rest, so that they cannot part
}

// SaveOrder keeps an order under the name of its certificate, in the place of
// an older one.
func (s *Store) SaveOrder(name string, o *Order) error {
	if err := CheckName(name); err != nil {
		return err
	}
	var key []byte
	if o.Key != nil {
		var err error
		if key, err = encodeKey(o.Key); err != nil {
			return err
		}
	}
	return s.saveJSON(s.orderPath(name), orderFile{
		version, o.URL, o.Directory, o.Account, o.Names, o.Profile, o.Created, o.CSR, string(key),
	})
}

// LoadOrder returns the order kept for a certificate. Without one the error is
// fs.ErrNotExist.
func (s *Store) LoadOrder(name string) (*Order, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	var f orderFile
	if err := loadJSON(s.orderPath(name), &f); err != nil {
		return nil, err
	}
	o := &Order{f.URL, f.Directory, f.Account, f.Names, f.Profile, f.Created, nil, f.CSR}
	if len(f.CSR) > 0 {
		return o, nil
	}
	var err error
	if o.Key, err = decodeKey([]byte(f.PrivateKey)); err != nil {
		return nil, fmt.Errorf("%s: %w", s.orderPath(name), err)
	}
	return o, nil
}

// ClearOrder forgets the order kept for a certificate; none is fine. After
// SaveCertificate, or when the CA has given the order up.
func (s *Store) ClearOrder(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return s.disk.remove(s.orderPath(name))
}

func (s *Store) orderPath(name string) string { return s.path("orders", name+".json") }
