package nameserver

import (
	"errors"
	"sync"
	"time"

	"certctl/delegation"
)

// lapses is until when zones may be answered for that come from primaries:
// each time that a primary is reached, it is for the expire time of its SOA
// record (RFC 1035 §3.3.13). It outlives reloads, and restarts: the store keeps
// it, though not each time, so that after a restart a zone may lapse by a part
// in keptParts sooner.
type lapses struct {
	mu    sync.RWMutex
	until map[delegation.Name]time.Time // by name of transfer
}

func newLapses() *lapses { return &lapses{until: map[delegation.Name]time.Time{}} }

// shortestLapse is for primaries whose expire time is shorter than what it
// takes to ask them twice.
const shortestLapse = 2 * refresh

// keptParts is how often a lapse is written to the disk in its time, at most.
const keptParts = 64

// begin has the time of the zones go on, or begin, that have a primary, and
// forgets those that have none.
func (l *lapses) begin(h *hosting) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := map[delegation.Name]time.Time{}
	var errs []error
	for _, index := range []map[delegation.Name]*hosted{h.zones, h.families} {
		for _, z := range index {
			if z.Primary == nil {
				continue
			}
			name := z.transferName()
			lapse, err := z.kept(name)
			if begun, ok := l.until[name]; ok {
				lapse = begun
			}
			until[name], errs = lapse, append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	l.until = until
	return nil
}

// kept returns the lapse that is on the disk. Where there is none, but a zone,
// it begins now; without a zone there is nothing yet that could lapse.
func (z *hosted) kept(name delegation.Name) (time.Time, error) {
	lapse := z.values.Lapse(name)
	if !lapse.IsZero() {
		return lapse, nil
	}
	lapse = time.Now().Add(expire * time.Second)
	if !z.values.Known(name) {
		return lapse, nil
	}
	return lapse, z.values.SetLapse(name, lapse)
}

// renew has a zone's time begin anew, for so many seconds. Zones of a family go
// by the family's time.
func (z zone) renew(expire uint32) error {
	lasts := time.Duration(max(expire, shortestLapse)) * time.Second
	lapse := time.Now().Add(lasts)
	z.lapses.mu.Lock()
	_, ok := z.lapses.until[z.apex]
	if ok {
		z.lapses.until[z.apex] = lapse
	}
	z.lapses.mu.Unlock()
	if kept := z.values.Lapse(z.apex); !ok || kept.Before(lapse) && lapse.Sub(kept) < lasts/keptParts {
		return nil
	}
	return z.values.SetLapse(z.apex, lapse)
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
