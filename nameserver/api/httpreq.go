package api

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"

	"certctl/delegation"
	"certctl/nameserver/access"
	"certctl/nameserver/values"
)

// request is what lego sends: where and what, or in raw mode what both are made
// of.
type request struct {
	FQDN  string `json:"fqdn"`
	Value string `json:"value"`

	Domain  string `json:"domain"`
	Token   string `json:"token"`
	KeyAuth string `json:"keyAuth"`
}

// place returns the name and the value (RFC 8555 §8.4).
func (q request) place() (delegation.Name, string, error) {
	if q.FQDN != "" || q.KeyAuth == "" {
		name, err := delegation.ParseName(q.FQDN)
		return name, q.Value, err
	}
	name, err := delegation.ChallengeName(q.Domain)
	digest := sha256.Sum256([]byte(q.KeyAuth))
	return name, base64.RawURLEncoding.EncodeToString(digest[:]), err
}

// httpreq is /present and /cleanup of lego's httpreq, with Basic authentication.
func (a *API) httpreq(remove bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		user := a.authenticate(w, r, "httpreq", name, password)
		if user == nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="certctl nameserver"`)
			forbid(w)
			return
		}
		var q request
		if !read(w, r, &q) {
			return
		}
		owner, value, err := q.place()
		if err != nil || value == "" {
			fail(w, http.StatusBadRequest, "fqdn and value are expected, or domain and keyAuth")
			return
		}
		zone, ok := a.Zone(owner)
		if !ok {
			fail(w, http.StatusNotFound, owner.Bare()+" is in no zone of this server")
			return
		}
		change := access.Request{Zone: zone}
		list := []values.Value{{Owner: owner, Text: value}}
		if remove {
			change.Remove = list
		} else {
			change.Put = list
		}
		a.conclude(w, a.Desk.Do(r.Context(), access.Visit{Key: &user.Key, Way: "httpreq", From: a.sender(r)}, change))
	}
}

// conclude says how it went.
func (a *API) conclude(w http.ResponseWriter, err error) {
	var forbidden *access.ForbiddenError
	var value *access.ValueError
	var refused *values.RefusedError
	var secondary *values.SecondaryError
	switch {
	case errors.As(err, &forbidden):
		fail(w, http.StatusForbidden, "forbidden")
	case errors.As(err, &secondary):
		fail(w, http.StatusServiceUnavailable, err.Error())
	case errors.As(err, &value), errors.As(err, &refused):
		fail(w, http.StatusBadRequest, err.Error())
	case err != nil:
		a.broken(err)
		fail(w, http.StatusInternalServerError, "the value could not be kept")
	default:
		answer(w, http.StatusOK, struct{}{})
	}
}
