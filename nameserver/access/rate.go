package access

import (
	"net/netip"
	"sync"
	"time"
)

// Rate bounds how many requests a second come from one network. It is safe for
// concurrent use.
type Rate struct {
	PerSecond float64
	Burst     float64 // so many at once

	mu      sync.Mutex
	buckets map[netip.Prefix]bucket
}

// bucket holds what is left at a time.
type bucket struct {
	left float64
	at   time.Time
}

// Allow takes one request, or returns how long there is none to be had.
func (r *Rate) Allow(from netip.Addr) (wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, network := time.Now(), Network(from)
	if r.buckets == nil {
		r.buckets = make(map[netip.Prefix]bucket)
	}
	trim(r.buckets, func(b bucket) bool { return r.filled(b, now) >= r.Burst })
	b, known := r.buckets[network]
	left := r.Burst
	if known {
		left = r.filled(b, now)
	}
	if left < 1 {
		return time.Duration((1 - left) / r.PerSecond * float64(time.Second)), false
	}
	r.buckets[network] = bucket{left - 1, now}
	return 0, true
}

// filled returns what a bucket holds by now.
func (r *Rate) filled(b bucket, now time.Time) float64 {
	return min(r.Burst, b.left+now.Sub(b.at).Seconds()*r.PerSecond)
}
