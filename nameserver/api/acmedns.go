package api

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/nameserver/access"
	"certctl/nameserver/values"
)

// update is /update of acme-dns: it adds a value at the subdomain of a user.
func (a *API) update(w http.ResponseWriter, r *http.Request) {
	var body struct{ Subdomain, Txt string }
	if !read(w, r, &body) {
		return
	}
	user := a.authenticate(w, r, "acme-dns", r.Header.Get("X-Api-User"), r.Header.Get("X-Api-Key"))
	if user == nil {
		forbid(w)
		return
	}
	name, ok := user.named(body.Subdomain)
	zone, served := a.Zone(name)
	switch {
	case !ok || !served:
		a.Desk.Failed(r.Context(), user.ID, "acme-dns", a.sender(r), "no right to that subdomain")
		forbid(w)
		return
	case !access.IsValidation(body.Txt):
		fail(w, http.StatusBadRequest, "bad_txt")
		return
	}
	change := access.Request{Zone: zone, Put: []values.Value{{Owner: name, Text: body.Txt}}, Remove: a.oldest(zone, name, user.ID)}
	err := a.Desk.Do(r.Context(), access.Visit{Key: &user.Key, Way: "acme-dns", From: a.sender(r)}, change)
	var forbidden *access.ForbiddenError
	switch {
	case errors.As(err, &forbidden):
		forbid(w)
	case err != nil:
		a.broken(err)
		fail(w, http.StatusInternalServerError, "db_error")
	default:
		answer(w, http.StatusOK, map[string]string{"txt": body.Txt})
	}
}

// oldest returns the value that has to go where there is no room for another:
// acme-dns's clients remove nothing.
func (a *API) oldest(zone, name delegation.Name, key string) []values.Value {
	all := a.Desk.Values.At(zone, name)
	own := slices.DeleteFunc(slices.Clone(all), func(v values.Value) bool { return v.Key != key })
	if len(all) < values.MaxValues || len(own) == 0 {
		return nil
	}
	return []values.Value{slices.MinFunc(own, func(v, w values.Value) int { return v.Expires.Compare(w.Expires) })}
}

// forbid says no, unless something was answered already: how long to stay away.
func forbid(w http.ResponseWriter) {
	if w.Header().Get("Retry-After") == "" {
		fail(w, http.StatusUnauthorized, "forbidden")
	}
}

// named returns the name that a user's subdomain stands for: the one of his
// names that begins with it, or the name below his subtree.
func (u *User) named(subdomain string) (delegation.Name, bool) {
	subdomain = strings.ToLower(subdomain)
	if subdomain == "" || strings.HasSuffix(subdomain, ".") {
		return "", false
	}
	for _, name := range u.Names {
		if strings.HasPrefix(name.String(), subdomain+".") {
			return name, true
		}
	}
	for _, top := range u.Subtrees {
		if name, err := delegation.ParseName(subdomain + "." + top.String()); err == nil {
			return name, true
		}
	}
	return "", false
}

// register is /register of acme-dns. The token comes as a bearer token, or as
// the password of Basic authentication: that is how a client sends it that knows
// of none, when it is given https://any:TOKEN@host as the URL of the server.
func (a *API) register(w http.ResponseWriter, r *http.Request) {
	if !a.mayRegister(w, r) {
		forbid(w)
		return
	}
	var body struct {
		AllowFrom []string `json:"allowfrom"`
	}
	if r.ContentLength != 0 && !read(w, r, &body) {
		return
	}
	from, ok := networks(body.AllowFrom)
	if !ok {
		fail(w, http.StatusBadRequest, "invalid_allowfrom_cidr")
		return
	}
	user, password, subdomain, err := a.Accounts.Register(a.Open.Zone, from)
	if err != nil {
		a.broken(err)
		fail(w, http.StatusInternalServerError, "db_error")
		return
	}
	if a.Log != nil {
		a.Log.InfoContext(r.Context(), "account registered", "key", user.ID, "name", user.Names[0].Bare(), "from", a.sender(r).String())
	}
	answer(w, http.StatusCreated, registered{user.Name, password, user.Names[0].Bare(), subdomain, append([]string{}, body.AllowFrom...)})
}

// registered is acme-dns's answer to a registration.
type registered struct {
	Username   string   `json:"username"`
	Password   string   `json:"password"`
	FullDomain string   `json:"fulldomain"`
	Subdomain  string   `json:"subdomain"`
	AllowFrom  []string `json:"allowfrom"`
}

// registrar is who wants to register, in the log.
const registrar = "/register"

func (a *API) mayRegister(w http.ResponseWriter, r *http.Request) bool {
	from := a.sender(r)
	if len(a.Open.From) > 0 && !access.Within(a.Open.From, from) {
		a.Desk.Failed(r.Context(), registrar, "acme-dns", from, "not from there")
		return false
	}
	if a.Open.Token == nil {
		return true
	}
	who := registrar + " from " + from.String() // others' failures are not his
	if until := a.Gate.LockedUntil(from, who); !until.IsZero() {
		tooMany(w, time.Until(until))
		return false
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		_, token, _ = r.BasicAuth()
	}
	if !a.Open.Token.Matches(token) {
		a.Gate.Failed(from, who)
		a.Desk.Failed(r.Context(), registrar, "acme-dns", from, "wrong token")
		return false
	}
	a.Gate.Passed(from, who)
	return true
}

// networks reads addresses with or without the length of a prefix.
func networks(words []string) ([]netip.Prefix, bool) {
	var all []netip.Prefix
	for _, word := range words {
		word = strings.NewReplacer("[", "", "]", "").Replace(word) // acme-dns takes [2001:db8::]/32
		p, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, false
		}
		all = append(all, p.Masked())
	}
	return all, true
}

// broken notes what a user is not told.
func (a *API) broken(err error) {
	if a.Log != nil {
		a.Log.Error("a value could not be kept", "error", err.Error())
	}
}
