package acme

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// NoChainError says that a CA offers no chain as it is preferred.
type NoChainError struct {
	Wanted string
	Roots  []string // names of what the chains lead to
}

func (e *NoChainError) Error() string {
	return fmt.Sprintf("the CA offers no chain to %q, only to %s", e.Wanted, strings.Join(e.Roots, ", "))
}

// Prefer returns the chain to a certain root: that of Finalize if it leads
// there, else one of the alternates (RFC 8555 §7.4.2), checked like the first.
// The root is named by its common name, or by the SHA-256 fingerprint of its
// certificate in hexadecimal; that of an intermediate does too. Where there is
// none the error is a *NoChainError.
func (o *Order) Prefer(ctx context.Context, chain [][]byte, wanted string) ([][]byte, error) {
	leads, root := leadsTo(chain, wanted)
	if leads {
		return chain, nil
	}
	none := &NoChainError{Wanted: wanted, Roots: []string{root}}
	urls, err := o.Account.client.ListCertAlternates(ctx, o.certificate)
	if err != nil {
		return nil, fmt.Errorf("alternate chains: %w", fromClient(err))
	}
	for _, url := range urls {
		alternate, err := o.alternate(ctx, url, chain[0])
		if err != nil {
			return nil, fmt.Errorf("alternate chain: %w", err)
		}
		if leads, root = leadsTo(alternate, wanted); leads {
			return alternate, nil
		}
		if !slices.Contains(none.Roots, root) {
			none.Roots = append(none.Roots, root)
		}
	}
	return nil, none
}

// alternate fetches another chain of the same certificate.
func (o *Order) alternate(ctx context.Context, url string, leaf []byte) ([][]byte, error) {
	chain, err := o.Account.client.FetchCert(ctx, url, true)
	if err != nil {
		return nil, fromClient(err)
	}
	certificate, err := x509.ParseCertificate(leaf)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(chain[0], leaf) {
		return nil, fmt.Errorf("%s: it is for another certificate", url)
	}
	return chain, o.checkChain(chain, certificate.PublicKey)
}

// leadsTo reports whether a chain leads to a root, and says where it does lead:
// to whom its topmost certificate names as its issuer.
func leadsTo(chain [][]byte, wanted string) (leads bool, root string) {
	certificates, err := x509.ParseCertificates(slices.Concat(chain...))
	if err != nil || len(certificates) == 0 {
		return false, "nowhere"
	}
	root = certificates[len(certificates)-1].Issuer.CommonName
	if strings.EqualFold(root, wanted) {
		return true, root
	}
	digest, err := hex.DecodeString(strings.ReplaceAll(wanted, ":", ""))
	if err != nil || len(digest) != sha256.Size {
		return false, root
	}
	return slices.ContainsFunc(trusted(certificates), func(c *x509.Certificate) bool {
		own := sha256.Sum256(c.Raw)
		return slices.Equal(own[:], digest)
	}), root
}

// trusted returns the certificates above the first, with the root where this
// machine has it: chains are sent without theirs.
func trusted(certificates []*x509.Certificate) []*x509.Certificate {
	above := slices.Clone(certificates[1:])
	intermediates := x509.NewCertPool()
	for _, c := range above {
		intermediates.AddCert(c)
	}
	options := x509.VerifyOptions{Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	top := certificates[len(certificates)-1]
	chains, err := top.Verify(options)
	if err != nil {
		return above
	}
	for _, c := range chains {
		above = append(above, c[len(c)-1])
	}
	return above
}
