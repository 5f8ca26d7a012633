// Package service is what made-up DNS services have in common: record sets that
// a handler reads and writes, faults on demand, and an account of what was
// asked. The packages below this one are one service each. They check requests
// as the vendor's documentation has them, and answer in its words.
package service

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Key is what a record set has in a zone of its own.
type Key struct {
	Owner string // in lower case, with the final dot
	Type  string
}

// Set is a record set. Without data there is none.
type Set struct {
	TTL  int // in seconds
	Data []string
}

// Fault is what happens to the next requests in place of an answer.
type Fault struct {
	Times  int           // how many; 0: one
	After  int           // how many are answered before, as if nothing were
	Status int           // of the answer; 0: by Lost, Cut and Slow
	Body   string        // of the answer
	Header http.Header   // of the answer
	Lost   bool          // the connection breaks, and nothing is done
	Cut    bool          // it is done, and the connection breaks
	Slow   time.Duration // it is done so much later, unless the client has gone
}

// Service is an HTTP service with record sets. Requests are served one after the
// other.
type Service struct {
	*httptest.Server

	// Changed, if not nil, is told of every record set that is written, with
	// what it was.
	Changed func(k Key, before, after Set)

	mu     sync.Mutex
	sets   map[Key]Set
	faults []Fault
	asked  []string
	sent   []string
	idents []ident // by id
}

// Start begins to serve on the loopback interface.
func (s *Service) Start(answer http.HandlerFunc) {
	s.sets = make(map[Key]Set)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, answer)
	}))
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
	body, _ := io.ReadAll(r.Body) // or it would not be seen that a client has gone
	r.Body = io.NopCloser(bytes.NewReader(body))
	f, hit := s.note(r, body)
	if hit && f.Slow > 0 {
		select {
		case <-time.After(f.Slow):
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case hit && f.Lost:
		panic(http.ErrAbortHandler)
	case hit && f.Status != 0:
		for name, values := range f.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(f.Status)
		w.Write([]byte(f.Body))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if hit && f.Cut {
		answer(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	answer(w, r)
}

// note writes a request down, and returns the fault that it meets.
func (s *Service) note(r *http.Request, body []byte) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	if r.Method != http.MethodGet {
		s.sent = append(s.sent, r.Method+" "+r.URL.RequestURI()+" "+string(body))
	}
	if len(s.faults) == 0 {
		return Fault{}, false
	}
	f := &s.faults[0]
	if f.After > 0 {
		f.After--
		return Fault{}, false
	}
	met := *f
	if f.Times--; f.Times <= 0 {
		s.faults = s.faults[1:]
	}
	return met, true
}

// Fail lets the next requests meet these faults, one after the other, and
// forgets those before. Without any, all is well again.
func (s *Service) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// Asked returns what was asked since the last time, each as "METHOD /path?query".
func (s *Service) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// Sent returns what was asked with other methods than GET since the last time,
// each as "METHOD /path?query body".
func (s *Service) Sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sent
	s.sent = nil
	return sent
}

// Do calls a function while nobody is served.
func (s *Service) Do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Get returns a record set. It is for the handler, and for Do.
func (s *Service) Get(k Key) Set { return s.sets[k] }

// Put writes a record set, or removes it if it has no data. It is for the
// handler, and for Do.
func (s *Service) Put(k Key, set Set) {
	before := s.sets[k]
	set.Data = slices.Clone(set.Data)
	if s.sets[k] = set; len(set.Data) == 0 {
		delete(s.sets, k)
	}
	if s.Changed != nil {
		s.Changed(k, before, set)
	}
}

// Keys returns what there is, in the order of owners read from the right, and
// of types. It is for the handler, and for Do.
func (s *Service) Keys() []Key {
	var keys []Key
	for k := range s.sets {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// Before reports whether k comes before another in the order of Keys.
func (k Key) Before(other Key) bool { return compare(k, other) < 0 }

func compare(a, b Key) int {
	return cmp.Or(cmp.Compare(reversed(a.Owner), reversed(b.Owner)), cmp.Compare(a.Type, b.Type))
}

func reversed(owner string) string {
	labels := strings.Split(strings.TrimSuffix(owner, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, "\x00")
}
