// Package issuance tells the story of a certificate, in issue.go: place the
// order, find out where each validation record belongs and which credential
// covers that place, publish, wait until every authoritative server has the
// records, let the CA look, remove them, finalize, save.
//
// It works on a batch of orders: everything is published before anything is
// waited for, and waited for together. One certificate is a batch of one, and
// the failure of one certificate of a batch does not touch the others.
//
// That no certificate ends is the Keeper's part: when each is due (due.go,
// window.go), from which CA it may come (renew.go), and what is remembered of
// what went wrong (failure.go). One run of certctl renew is one Keeper.
//
// Whoever wants to watch (a live view, a log, a test) gets Events.
package issuance
