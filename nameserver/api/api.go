package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/nameserver/access"
)

// User is somebody who may put values over HTTP.
type User struct {
	access.Key
	Name     string
	Password access.Digest
}

// Accounts are the users that have registered themselves.
type Accounts interface {
	// Find returns a user, or nil.
	Find(name string) *User

	// Register makes a user with a password and a name of his own, the subdomain
	// in the zone. He may come from these networks only; none: from everywhere.
	Register(zone delegation.Name, from []netip.Prefix) (user *User, password, subdomain string, err error)
}

// API is the interfaces. Its handler is safe for concurrent use.
type API struct {
	Users    map[string]*User                                           // those of the configuration
	Accounts Accounts                                                   // nil: none
	Open     *Registration                                              // nil: nobody registers
	Zone     func(name delegation.Name) (apex delegation.Name, ok bool) // that a name is in

	Desk *access.Desk
	Gate *access.Gate
	Rate *access.Rate // nil: no bound
	Log  *slog.Logger // nil: none

	Proxies []netip.Prefix // whose X-Forwarded-For is believed
}

// Registration says who may register.
type Registration struct {
	Zone  delegation.Name // that they get names in
	Token *access.Digest  // must be shown; nil: nothing
	From  []netip.Prefix  // none: from everywhere
}

// largestBody is more than any request needs.
const largestBody = 16 << 10

// Handler returns what answers requests.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /update", a.update)
	mux.HandleFunc("POST /present", a.httpreq(false))
	mux.HandleFunc("POST /cleanup", a.httpreq(true))
	if a.Open != nil {
		mux.HandleFunc("POST /register", a.register)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Rate != nil {
			if wait, ok := a.Rate.Allow(a.sender(r)); !ok {
				tooMany(w, wait)
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, largestBody)
		mux.ServeHTTP(w, r)
	})
}

// sender returns where a request comes from. A proxy adds to the end of the
// list whom it has it from; what was there before it may be made up.
func (a *API) sender(r *http.Request) netip.Addr {
	remote, _ := netip.ParseAddrPort(r.RemoteAddr)
	from := remote.Addr().Unmap()
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for access.Within(a.Proxies, from) && len(chain) > 0 {
		last, err := netip.ParseAddr(strings.TrimSpace(chain[len(chain)-1]))
		if err != nil {
			break
		}
		from, chain = last.Unmap(), chain[:len(chain)-1]
	}
	return from
}

// authenticate returns the user with this name and password, or answers and
// returns nil.
func (a *API) authenticate(w http.ResponseWriter, r *http.Request, way, name, password string) *User {
	from := a.sender(r)
	if until := a.Gate.LockedUntil(from, name); !until.IsZero() {
		tooMany(w, time.Until(until))
		return nil
	}
	user, known := a.Users[name]
	if !known && a.Accounts != nil {
		user = a.Accounts.Find(name)
	}
	called, right := "(unknown)", false
	if user != nil {
		called, right = user.ID, user.Password.Matches(password)
	} else {
		right = access.Nobody(password)
	}
	if !right {
		a.Gate.Failed(from, name)
		a.Desk.Failed(r.Context(), called, way, from, "wrong user or password")
		return nil
	}
	a.Gate.Passed(from, name)
	return user
}

// tooMany says when to come back.
func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	fail(w, http.StatusTooManyRequests, "too_many_requests")
}

// fail answers with an error as acme-dns words it.
func fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"error": text})
}

func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // whoever has hung up needs no answer
}

// read reads a JSON document, or answers and returns false.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(r.Body).Decode(into)
	if err == nil {
		return true
	}
	status := http.StatusBadRequest
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		status = http.StatusRequestEntityTooLarge
	}
	fail(w, status, "malformed_json_payload")
	return false
}
