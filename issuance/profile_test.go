package issuance_test

import (
	"errors"
	"testing"
	"time"

	"certctl/acme"
	"certctl/issuance"
	"certctl/lab/hostile"
	"certctl/store"
)

// When a CA drops a profile, nothing is ordered from it without, and what there
// is stays. The next CA is asked for what is configured for it.
func TestDroppedProfile(t *testing.T) {
	oneDay(t, 1, func(t *testing.T, l *life, s *store.Store) {
		c := l.certs[0]
		c.Profile, c.Fallbacks = "shortlived", nil
		if err := l.order(s)[c.Certificate]; err != nil {
			t.Fatal(err)
		}
		before, err := s.LoadCertificate(c.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		l.first.Change(func(p *hostile.Policy) { p.Profiles = map[string]time.Duration{"classic": 90 * days} })
		time.Sleep(4 * days)
		failed, ok := errors.AsType[*acme.ProfileError](l.order(s)[c.Certificate])
		if !ok || failed.Error() != `profile "shortlived": the CA has classic` || failed.Hint() == "" {
			t.Errorf("got %v, want the profiles that there are", failed)
		}
		after, err := s.LoadCertificate(c.Certificate)
		if err != nil || !after.Leaf.Equal(before.Leaf) {
			t.Errorf("got the certificate %v and error %v, want the one from before", after, err)
		}
		if n := l.first.Count(); n.Orders != 1 {
			t.Errorf("got %d orders, want one", n.Orders)
		}
		time.Sleep(1 * days)
		c.Fallbacks = []issuance.Choice{{Directory: l.second.Directory(), Profile: "shortlived"}}
		if err := l.order(s)[c.Certificate]; err != nil || l.second.Count().Issued != 1 {
			t.Errorf("got %v, want a certificate of the second CA", err)
		}
	})
}
