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
// value there, waits for it and removes it. Of the account only the URL is
// needed, and only where records are at an account's own place.
func (i *Issuer) Rehearse(ctx context.Context, requests []Request, write bool) []*Result {
	b := i.newBatch(requests)
	b.each(ctx, Locating, func(ctx context.Context, j *job) error {
		if err := i.imagine(j); err != nil {
			return err
		}
		return i.locate(ctx, j)
	})
	if write {
		b.all(ctx, Publishing, i.publish)
		b.all(ctx, Waiting, i.wait)
		b.all(ctx, Removing, i.remove)
	}
	return b.results()
}

// imagine makes up authorizations as a CA would want them that offers what is
// most preferred, with values of the form that RFC 8555 §8.4 prescribes.
func (i *Issuer) imagine(j *job) error {
	challenge := j.challenges()[0]
	prefix := "_acme-challenge"
	if challenge == acme.DNSAccount01 {
		if i.Account == nil || i.Account.URL == "" {
			return &accountlessError{challenge}
		}
		prefix = i.Account.Label() + "." + prefix
	}
	for _, name := range j.Names {
		domain, wildcard := strings.CutPrefix(name, "*.")
		j.pending = append(j.pending, &acme.Authorization{
			Domain: domain, Wildcard: wildcard,
			Challenge: &acme.Challenge{Type: challenge}, Prefix: prefix, Value: randomValue(),
		})
	}
	return nil
}

func randomValue() string {
	digest := make([]byte, 32)
	rand.Read(digest) // never fails
	return base64.RawURLEncoding.EncodeToString(digest)
}

// accountlessError says that a challenge has to do with the account, which is
// not there yet.
type accountlessError struct{ challenge acme.ChallengeType }

func (e *accountlessError) Error() string {
	return fmt.Sprintf("%s is bound to the account, and there is none yet", e.challenge)
}

// Hint says how to get one.
func (e *accountlessError) Hint() string { return "certctl account register" }
