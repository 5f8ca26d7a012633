package acme

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Finalize sends the certificate request (DER), waits for the certificate and
// fetches it with its chain: DER, leaf first. An order that is finalized
// already is waited for; one that is valid is fetched.
func (o *Order) Finalize(ctx context.Context, csr []byte) ([][]byte, error) {
	request, err := o.checkRequest(csr)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := o.issue(ctx, csr); err != nil {
		return nil, fmt.Errorf("finalize: %w", err)
	}
	chain, err := o.Account.client.FetchCert(ctx, o.certificate, true)
	if err != nil {
		return nil, fmt.Errorf("fetch certificate: %w", fromClient(err))
	}
	if err := o.checkChain(chain, request.PublicKey); err != nil {
		return nil, fmt.Errorf("the CA's certificate: %w", err)
	}
	return chain, nil
}

// issue brings the order to valid from wherever it stands.
func (o *Order) issue(ctx context.Context, csr []byte) error {
	sent := false
	for p := newPoll(); ; {
		switch o.Status { // RFC 8555 §7.1.6
		case Ready:
			if !sent {
				if err := o.submit(ctx, csr); err != nil {
					return err
				}
				sent = true
				continue
			}
		case Processing:
		case Pending:
			if p.looks > 0 {
				return errors.New("the order is still pending: not all names are validated")
			}
		case Valid:
			return nil
		case Invalid:
			return o.refusal()
		default:
			return fmt.Errorf("order is of unknown status %q", o.Status)
		}
		if err := p.wait(ctx, o.retryAfter); err != nil {
			return err
		}
		if err := o.refresh(ctx); err != nil {
			return err
		}
	}
}

// submit sends the request. If the CA refuses it because it has one already,
// sent before a connection broke or a program crashed, the order says so.
func (o *Order) submit(ctx context.Context, csr []byte) error {
	payload := struct {
		CSR string `json:"csr"`
	}{base64.RawURLEncoding.EncodeToString(csr)}
	var w wireOrder
	header, err := o.Account.post(ctx, o.finalize, payload, &w)
	if err == nil {
		return o.read(&w, header)
	}
	if ctx.Err() == nil && o.refresh(ctx) == nil && (o.Status == Processing || o.Status == Valid) {
		return nil
	}
	return err
}

// checkRequest refuses here what the CA would refuse (RFC 8555 §7.4).
func (o *Order) checkRequest(csr []byte) (*x509.CertificateRequest, error) {
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, err
	}
	if err := r.CheckSignature(); err != nil {
		return nil, err
	}
	names := Names(r.DNSNames, r.IPAddresses)
	if !sameNames(names, o.Names) || len(r.EmailAddresses)+len(r.URIs) > 0 {
		return nil, fmt.Errorf("its names (%s) are not those of the order (%s)", strings.Join(names, ", "), strings.Join(o.Names, ", "))
	}
	return r, nil
}

// checkChain makes sure that what the CA sent can be used: it is for these
// names and this key, it has not expired, and each certificate is signed by the
// next.
func (o *Order) checkChain(chain [][]byte, key crypto.PublicKey) error {
	certificates := make([]*x509.Certificate, len(chain))
	for i, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("number %d of the chain: %w", i+1, err)
		}
		certificates[i] = c
	}
	for i, c := range certificates[1:] {
		if err := certificates[i].CheckSignatureFrom(c); err != nil {
			return fmt.Errorf("%q is not signed by %q, the next of the chain: %w", certificates[i].Subject, c.Subject, err)
		}
	}
	return o.checkLeaf(certificates[0], key)
}

func (o *Order) checkLeaf(leaf *x509.Certificate, key crypto.PublicKey) error {
	names := NamesIn(leaf)
	if !sameNames(names, o.Names) || len(leaf.EmailAddresses)+len(leaf.URIs) > 0 {
		return fmt.Errorf("it is for %s, but the order is for %s", strings.Join(names, ", "), strings.Join(o.Names, ", "))
	}
	if own, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(key) {
		return errors.New("it is for another key")
	}
	if !time.Now().Before(leaf.NotAfter) {
		return fmt.Errorf("it expired at %s: is this machine's clock right?", leaf.NotAfter.Local().Format(time.RFC3339))
	}
	return nil
}
