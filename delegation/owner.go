package delegation

import "sync"

// owners are the names where validation records belong, seen in this run. A
// recursive resolver is never asked for a name at or below one: a cache that
// learns that there is no record may say so to the CA later.
type owners struct {
	mu    sync.Mutex
	names map[Name]bool
}

func (o *owners) add(n Name) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names == nil {
		o.names = make(map[Name]bool)
	}
	o.names[n] = true
}

// cover reports whether n is at or below one of them.
func (o *owners) cover(n Name) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for ; n != root; n = n.Parent() {
		if o.names[n] {
			return true
		}
	}
	return false
}
