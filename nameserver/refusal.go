package nameserver

import (
	"sync"
	"time"
)

// refusals counts what goes into the log though anybody can cause it.
type refusals struct {
	mu     sync.Mutex
	second int64
	count  int
}

// refusalsLogged is how many a second do.
const refusalsLogged = 10

// more reports whether there is room for one more.
func (r *refusals) more(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Unix() != r.second {
		r.second, r.count = now.Unix(), 0
	}
	r.count++
	return r.count <= refusalsLogged
}

// refused notes that somebody did not get what he asked for.
func (s *Server) refused(text string, args ...any) {
	if s.refusals.more(time.Now()) {
		s.log.Warn(text, args...)
	}
}
