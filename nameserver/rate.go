package nameserver

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Rate limits answers over UDP, whose senders may not be who they say: without
// a limit the server could be made to flood somebody. Who has a cookie of ours,
// or comes over TCP, is not limited.
type Rate struct {
	Answers int            // a second, about one name, to the addresses of one /24 or /56, and ten times that about all; 0: no limit
	Exempt  []netip.Prefix // who is not limited
}

// limiter counts answers. A bucket holds tokens, of which an answer takes one;
// clients that share a bucket by chance share its tokens.
type limiter struct {
	Rate
	seed    maphash.Seed
	start   time.Time
	names   [1 << 16]atomic.Uint64 // buckets: ms since the start << 24 | thousandths of tokens
	clients [1 << 14]atomic.Uint64 // about all names
	over    atomic.Uint32
}

const (
	oneToken  = 1000
	maxTokens = 1<<24 - 1

	// allNames is how many times Answers a client gets about all names: a family
	// has as many names as anybody can think of.
	allNames = 10
)

func newLimiter(r Rate) *limiter {
	r.Answers = min(r.Answers, maxTokens/oneToken)
	return &limiter{Rate: r, seed: maphash.MakeSeed(), start: time.Now()}
}

// verdict is what becomes of an answer.
type verdict int

const (
	send verdict = iota
	cut          // send it without content: a real client comes again over TCP
	drop
)

// judge counts an answer.
func (l *limiter) judge(from netip.Addr, c content, name string, now time.Time) verdict {
	if l.Answers == 0 || from.IsLoopback() || slices.ContainsFunc(l.Exempt, func(p netip.Prefix) bool { return p.Contains(from) }) {
		return send
	}
	if c.rcode != dns.RcodeSuccess {
		name = string(c.zone) // of names that do not exist there are too many to count each
	}
	at := uint64(now.Sub(l.start).Milliseconds() + 1)
	if l.take(&l.names[l.hash(from, byte(c.rcode), name)%uint64(len(l.names))], l.Answers, at) &&
		l.take(&l.clients[l.hash(from, 0, "")%uint64(len(l.clients))], min(l.Answers*allNames, maxTokens/oneToken), at) {
		return send
	}
	if l.over.Add(1)%2 == 0 {
		return cut
	}
	return drop
}

// hash chooses a bucket for a client and what it was told.
func (l *limiter) hash(from netip.Addr, rcode byte, name string) uint64 {
	prefix := client(from).Addr().As16()
	var key [17]byte
	copy(key[:], prefix[:])
	key[16] = rcode
	return maphash.Bytes(l.seed, key[:]) ^ maphash.String(l.seed, name)
}

// take takes a token, if there is one. There come so many a second, and there
// are as many at most.
func (l *limiter) take(bucket *atomic.Uint64, rate int, now uint64) bool {
	full := uint64(rate) * oneToken
	for {
		old := bucket.Load()
		tokens := full
		if then := old >> 24; old != 0 && now >= then {
			tokens = min(full, old&maxTokens+(now-then)*uint64(rate)) // thousandths a millisecond
		} else if old != 0 {
			tokens, now = old&maxTokens, then
		}
		ok := tokens >= oneToken
		if ok {
			tokens -= oneToken
		}
		if bucket.CompareAndSwap(old, now<<24|tokens) {
			return ok
		}
	}
}

// limited returns what is left of an answer over UDP; nil if nothing is.
func (s *Server) limited(h *hosting, answer []byte, from netip.Addr, c content, name string, cookie []byte) []byte {
	if cookie != nil && s.cookies.valid(cookie, from) {
		return answer
	}
	switch h.limiter.judge(from, c, name, time.Now()) {
	case send:
		return answer
	case drop:
		return nil
	}
	return truncated(answer)
}

// truncated returns an answer without its records, also the OPT record.
func truncated(answer []byte) []byte {
	at := headerSize
	if binary.BigEndian.Uint16(answer[4:]) != 1 {
		return nil
	}
	_, at, err := dns.UnpackDomainName(answer, at)
	if err != nil || at+4 > len(answer) {
		return nil
	}
	answer = answer[:at+4]
	answer[2] |= 0x02 // TC
	clear(answer[6:headerSize])
	return answer
}
