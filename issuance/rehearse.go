package issuance

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"certctl/acme"
)

// Rehearse goes through the story for certificates without a CA: it finds the
// place and the credential of every record, and with write publishes a random
// value there, waits for it and removes it. An account is needed only for the
// challenges whose records depend on it. The issuer is a Transient one.
func (i *Issuer) Rehearse(ctx context.Context, requests []Request, write bool) []*Result {
	b := i.newBatch(requests)
	b.each(ctx, Locating, func(ctx context.Context, j *job) error {
		if err := i.imagine(j); err != nil {
			return err
		}
		return i.locate(ctx, j)
	})
	if write {
		b.all(ctx, Answering, i.answer)
		for range i.rounds(ctx, b) {
			b.all(ctx, Publishing, i.publish)
			b.all(ctx, Waiting, i.wait)
		}
		b.all(ctx, Removing, i.remove)
	}
	return b.results()
}

// imagine makes up authorizations as a CA would want them that offers what is
// most preferred, with values of the form that RFC 8555 §8.4 prescribes.
func (i *Issuer) imagine(j *job) (err error) {
	if err := j.Check(); err != nil {
		return err
	}
	for _, name := range j.Names {
		domain, wildcard := strings.CutPrefix(name, "*.")
		t := j.Preferred(name)
		z := &acme.Authorization{
			Domain: domain, Wildcard: wildcard, Challenge: &acme.Challenge{Type: t, Token: randomValue()}, Prefix: i.Account.Prefix(t), Value: randomValue(),
		}
		if t == acme.DNSPersist01 {
			if z.Persist, err = i.Account.PersistTerms(); err != nil {
				return fmt.Errorf("the directory of the CA has %w", err)
			}
		}
		j.pending = append(j.pending, z)
	}
	return nil
}

func randomValue() string {
	digest := make([]byte, 32)
	rand.Read(digest) // never fails
	return base64.RawURLEncoding.EncodeToString(digest)
}
