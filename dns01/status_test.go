package dns01_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"certctl/delegation"
	"certctl/dns01"
)

// slowService is a provider whose service has a change on its servers after a
// while, or never.
type slowService struct {
	recorder
	after time.Duration
	err   error
	asked int
}

func (s *slowService) WaitStatus(ctx context.Context, _ delegation.Name) error {
	s.asked++
	select {
	case <-time.After(s.after):
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The service is asked first, and the servers nevertheless.
func TestStatus(t *testing.T) {
	abandoned := &dns01.AbandonedError{Err: errors.New("zone is locked")}
	tests := []struct {
		name      string
		after     time.Duration
		err       error
		low, high time.Duration
		want      string
	}{
		{"soon", time.Second, nil, time.Second, 1200 * time.Millisecond, "<nil>"},
		{"cannot be asked", time.Second, errors.New("forbidden"), time.Second, 1200 * time.Millisecond, "<nil>"},
		{"never", time.Hour, nil, 30 * time.Second, 31 * time.Second, "<nil>"},
		{"given up", 2 * time.Second, abandoned, 2 * time.Second, 2 * time.Second, "zone auth.example.net. with slow: the service gave the change up: zone is locked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(2)
				service := &slowService{recorder: recorder{label: "slow"}, after: test.after, err: test.err}
				ps := s.publish("a", "b")
				c := dns01.NewCredential("", "auth.example.net.", service)
				c.Propagation.Timeout = time.Minute
				for i := range ps {
					ps[i].Credential = c
				}
				took, err := s.wait(ps...)
				if got := strings.TrimSpace(fmt.Sprint(err)); got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				within(t, took, test.low, test.high)
				if service.asked != 1 {
					t.Errorf("the service was asked %d times, want once", service.asked)
				}
				if got := s.story("ns1.example.net."); err == nil && got != "has the value, has the value" {
					t.Errorf("ns1: got %q, want that it was asked and has both", got)
				}
			})
		})
	}
}
