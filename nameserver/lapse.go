package nameserver

import (
	"sync"
	"time"

	"certctl/delegation"
)

// lapses is until when zones may be answered for that come from primaries:
// each time that a primary is reached, it is for the expire time of its SOA
// record (RFC 1035 §3.3.13). It outlives reloads. After a start the time begins
// anew, because then the primary is asked at once.
type lapses struct {
	mu    sync.RWMutex
	until map[delegation.Name]time.Time // by name of transfer
}

func newLapses() *lapses { return &lapses{until: map[delegation.Name]time.Time{}} }

// shortestLapse is for primaries whose expire time is shorter than what it
// takes to ask them twice.
const shortestLapse = 2 * refresh

// begin has the time of the zones begin that have a primary now and had none,
// and forgets those that have none.
func (l *lapses) begin(h *hosting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, now := map[delegation.Name]time.Time{}, time.Now()
	for _, index := range []map[delegation.Name]*hosted{h.zones, h.families} {
		for _, z := range index {
			if z.Primary == nil {
				continue
			}
			name := z.transferName()
			until[name] = now.Add(expire * time.Second)
			if begun, ok := l.until[name]; ok {
				until[name] = begun
			}
		}
	}
	l.until = until
}

// renew has a zone's time begin anew, for so many seconds. Zones of a family go
// by the family's time.
func (l *lapses) renew(name delegation.Name, expire uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.until[name]; ok {
		l.until[name] = time.Now().Add(time.Duration(max(expire, shortestLapse)) * time.Second)
	}
}

// lapse returns when the zone, or the whole family, lapses unless its primary
// is reached before; zero if never.
func (z *hosted) lapse() time.Time {
	if z.Primary == nil {
		return time.Time{}
	}
	z.lapses.mu.RLock()
	defer z.lapses.mu.RUnlock()
	return z.lapses.until[z.transferName()]
}

// expired reports whether the primary was not reached for so long that the
// zone's values may be wrong.
func (z *hosted) expired() bool {
	lapse := z.lapse()
	return !lapse.IsZero() && !time.Now().Before(lapse)
}

// keptUntil returns until when an answer may be kept; zero if for ever.
func (z *hosted) keptUntil(do bool) time.Time {
	until := z.lapse()
	if old := time.Now().Add(signatureOK); do && z.Signer != nil && (until.IsZero() || old.Before(until)) {
		until = old
	}
	return until
}
