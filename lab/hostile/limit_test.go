package hostile

import (
	"testing"
	"testing/synctest"
	"time"
)

// A limit lets so many through at once, and then one at a time.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("ca.test", nil, Policy{Limits: LetsEncrypt()})
		l := c.policy.Limits.Set
		for n := range 5 {
			if again := c.buckets["set"].spent(l, time.Now()); !again.IsZero() {
				t.Errorf("certificate %d: got refused until %v, want it let through", n+1, again)
			}
			c.spendLimit("set", l, time.Now())
		}
		wait := time.Until(c.buckets["set"].spent(l, time.Now()))
		if want := 7 * 24 * time.Hour / 5; wait != want {
			t.Errorf("got %v to wait, want %v", wait, want)
		}
		time.Sleep(wait)
		if again := c.buckets["set"].spent(l, time.Now()); !again.IsZero() {
			t.Errorf("got refused until %v, want it let through when the time has come", again)
		}
		c.spendLimit("set", l, time.Now())
		if c.buckets["set"].spent(l, time.Now()).IsZero() {
			t.Error("got a second one let through, want it refused")
		}
	})
}

// After so many failures in a row an identifier is paused; a success begins anew.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("ca.test", nil, Policy{Limits: LetsEncrypt()})
		fail := func(times int) {
			for range times {
				c.failed("account", "example.com")
				time.Sleep(time.Minute)
			}
		}
		fail(1000)
		c.succeeded("account", "example.com")
		fail(1000)
		if c.paused["example.com"] {
			t.Error("got paused before 1152 failures in a row")
		}
		fail(200)
		if !c.paused["example.com"] {
			t.Error("got no pause after 1200 failures in a row")
		}
	})
}
