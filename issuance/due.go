package issuance

import (
	"crypto/x509"
	"time"
)

// Due returns the time from which a certificate is to be renewed: when a third
// of its lifetime is left, or half of it where it lives less than ten days.
func Due(leaf *x509.Certificate) time.Time {
	lifetime := leaf.NotAfter.Sub(leaf.NotBefore)
	left := lifetime / 3
	if lifetime < 10*24*time.Hour {
		left = lifetime / 2
	}
	return leaf.NotAfter.Add(-left)
}
