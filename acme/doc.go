// Package acme talks to a certificate authority as RFC 8555 says: directory,
// account, order, authorizations, finalize, certificate.
//
//	ca, err := acme.Dial(ctx, acme.Config{Directory: url})
//	account, err := ca.Register(ctx, acme.Registration{Key: key, AgreeTerms: true})
//	order, err := account.NewOrder(ctx, acme.Request{Names: names})
//	pending, err := order.Pending(ctx)
//	// each one has to Choose a challenge; its Value goes into a TXT record
//	err = order.Validate(ctx, pending, nil)
//	chain, err := order.Finalize(ctx, csr)
//
// It stands on golang.org/x/crypto/acme and adds what that lacks: polling that
// looks early and honours Retry-After, finalization without a fixed sleep,
// newOrder with "replaces" (RFC 9773) and problem documents shown in full.
//
// What a CA says is checked before it is believed: an order must be for exactly
// the names that were asked for, an authorization for one of them, and the
// certificate for them and the key of the request. Connections that break and
// nonces that the CA calls bad are tried again at once; a server's errors a few
// times; a rate limit is never slept through, but returned as a *Problem with
// the time to come back.
package acme
