package issuance

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"certctl/acme"
	"certctl/store"
)

// remember keeps what was asked for, so that it can be renewed without being
// asked again.
func (i *Issuer) remember(j *job) error {
	r := asked(j.Request, i.Account.CA.URL)
	r.Account = i.Account.URL
	r.Renewed = r.Created
	r.Issued = issued(j.result.Saved.Leaf)
	r.Undeployed = len(j.Deploy) > 0
	switch earlier, err := i.Store.LoadRequest(j.Certificate); {
	case err == nil:
		r.Created = earlier.Created
		r.Refusals = earlier.Refusals
		delete(r.Refusals, r.Directory)
	case !errors.Is(err, fs.ErrNotExist):
		i.tell(Warned{Certificate: j.Certificate, Text: err.Error() + ": it is written anew"})
	}
	return i.Store.SaveRequest(r)
}

// asked is what is remembered of a request that is put to a CA for the first
// time.
func asked(r Request, directory string) *store.Request {
	return &store.Request{
		Name:       r.Certificate,
		Names:      r.Names,
		KeyType:    string(keyType(r.Key)),
		Profile:    r.Profile,
		Directory:  directory,
		Deploy:     r.Deploy,
		Challenges: words(r.Challenges),
		PersistFor: duration(r.PersistFor),
		Webroot:    r.Webroot,
		Webroots:   r.Webroots,
		HTTP:       r.HTTP,
		TLSALPN:    r.TLSALPN,
		Follow:     r.Follow,
		ReuseKey:   r.ReuseKey,
		Staple:     r.MustStaple,
		Chain:      r.Chain,
		CSR:        r.CSR,
		Bare:       r.Bare,
		Created:    time.Now(),
	}
}

func issued(leaf *x509.Certificate) *store.Issued {
	return &store.Issued{Serial: fmt.Sprintf("%x", leaf.SerialNumber), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter}
}

// Remembered makes the request that was kept into one to be put again.
func Remembered(r *store.Request) Request {
	return Request{
		Certificate: r.Name,
		Names:       r.Names,
		Key:         KeyType(r.KeyType),
		Profile:     r.Profile,
		Challenges:  types(r.Challenges),
		PersistFor:  kept(r.PersistFor),
		Webroot:     r.Webroot,
		Webroots:    r.Webroots,
		HTTP:        r.HTTP,
		TLSALPN:     r.TLSALPN,
		Follow:      r.Follow,
		Deploy:      r.Deploy,
		ReuseKey:    r.ReuseKey,
		MustStaple:  r.Staple,
		Chain:       r.Chain,
		CSR:         r.CSR,
		Bare:        r.Bare,
	}
}

// types are challenges as they were kept. Whatever is not known by now is
// offered by no CA either.
func types(words []string) []acme.ChallengeType {
	var types []acme.ChallengeType
	for _, word := range words {
		types = append(types, acme.ChallengeType(word))
	}
	return types
}

// duration is a duration as it is kept, "" for none.
func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// kept reads a duration again. What cannot be read is none.
func kept(text string) time.Duration {
	d, _ := time.ParseDuration(text)
	return d
}

// Current returns the certificate that is live under a name if it is what is
// wanted, from one of the CAs that it may come from, and is not due yet, as far as
// is known of its CA's suggestions; nil if one has to be ordered.
func Current(s *store.Store, r *Renewal) (*store.Certificate, error) {
	live, err := s.LoadCertificate(r.Certificate)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	asked, err := s.LoadRequest(r.Certificate)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	wanted, may := r.askedAt(asked.Directory)
	same := may && sameNames(acme.NamesIn(live.Leaf), r.Names) && KeyTypeOf(live.Leaf.PublicKey) == keyType(r.Key) &&
		changed(asked, wanted) == ""
	if r.PrivateKey != nil {
		same = same && matching(r.PrivateKey, live.Leaf.PublicKey)
	}
	revoked := asked.Issued != nil && !asked.Issued.Revoked.IsZero()
	if !same || revoked || !time.Now().Before(RenewAfter(asked)) {
		return nil, nil
	}
	return live, nil
}
