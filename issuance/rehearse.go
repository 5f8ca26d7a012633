package issuance

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"certctl/acme"
)

// Rehearse goes through the story for certificates without a CA: it finds the
// place and the credential of every record, and with write publishes a random
// value there, waits for it and removes it.
func (i *Issuer) Rehearse(ctx context.Context, requests []Request, write bool) []*Result {
	b := i.newBatch(requests)
	for _, j := range b.jobs {
		j.pending = imagined(j.Names)
	}
	b.each(ctx, Locating, i.locate)
	if write {
		b.all(ctx, Publishing, i.publish)
		b.all(ctx, Waiting, i.wait)
		b.all(ctx, Removing, i.remove)
	}
	return b.results()
}

// imagined are authorizations as a CA would want them, with values of the form
// that RFC 8555 §8.4 prescribes.
func imagined(names []string) []*acme.Authorization {
	var pending []*acme.Authorization
	for _, name := range names {
		domain, wildcard := strings.CutPrefix(name, "*.")
		pending = append(pending, &acme.Authorization{Domain: domain, Wildcard: wildcard, Value: randomValue()})
	}
	return pending
}

func randomValue() string {
	digest := make([]byte, 32)
	rand.Read(digest) // never fails
	return base64.RawURLEncoding.EncodeToString(digest)
}
