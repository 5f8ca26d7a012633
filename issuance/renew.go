package issuance

import (
	"context"
	"errors"
	"time"

	"certctl/acme"
	"certctl/store"
)

// Renew orders what is due, all as one batch, and remembers what failed: each
// result is for the renewal at the same index. The renewals are for one CA.
func (i *Issuer) Renew(ctx context.Context, rs []*Renewal) []*Result {
	var requests []Request
	for _, r := range rs {
		requests = append(requests, i.request(r))
	}
	results := i.Issue(ctx, requests)
	if ctx.Err() != nil {
		return results // that the user ended the run is no failure
	}
	for n, result := range results {
		if result.Err == nil {
			continue
		}
		if err := i.rememberFailure(rs[n], result.Err); err != nil {
			i.tell(Warned{Certificate: result.Certificate, Text: err.Error()})
		}
	}
	return results
}

// request says which certificate the new one replaces: renewals that the CA
// has suggested do not count against its limits (RFC 9773 §5).
func (i *Issuer) request(r *Renewal) Request {
	request := r.Request
	if r.Kept == nil || r.Kept.Issued == nil || r.Kept.Directory != i.Account.CA.URL || r.Kept.Account != i.Account.URL {
		return request
	}
	live, err := i.Store.LoadCertificate(r.Certificate)
	if err != nil {
		return request
	}
	if id, err := acme.RenewalID(live.Leaf); err == nil {
		request.Replaces = id
	}
	return request
}

func (i *Issuer) rememberFailure(r *Renewal, failure error) error {
	kept := r.Kept
	if kept == nil {
		kept = &store.Request{
			Name: r.Certificate, Names: r.Names, KeyType: string(r.Key), Profile: r.Profile,
			Directory: r.Directory, Deploy: r.Deploy, Follow: r.Follow, Created: time.Now(),
		}
	}
	var expires time.Time
	if kept.Issued != nil {
		expires = kept.Issued.NotAfter
	}
	kept.Failure = failed(kept.Failure, failure, time.Now(), expires)
	return i.Store.SaveRequest(kept)
}

// Forgive lets certificates be tried again that failures hold back.
func Forgive(s *store.Store, rs []*Renewal) error {
	var errs []error
	for _, r := range rs {
		if r.Kept != nil && r.Kept.Failure != nil {
			r.Kept.Failure = nil
			errs = append(errs, s.SaveRequest(r.Kept))
		}
	}
	return errors.Join(errs...)
}
