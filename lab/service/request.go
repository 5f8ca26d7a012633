package service

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Read reads a request's body, JSON with these fields and no others, and
// reports whether it is that. Services take it without a Content-Type, too.
func Read(r *http.Request, into any) bool {
	if kind := r.Header.Get("Content-Type"); kind != "" && !strings.HasPrefix(kind, "application/json") {
		return false
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// Write answers with JSON.
func Write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// Page returns a part of a list, and the number of its last page. Pages are
// counted from 1. A size of 0, or above most, is most.
func Page[T any](all []T, page, size, most int) (part []T, last int) {
	if size < 1 || size > most {
		size = most
	}
	page = max(page, 1)
	last = max(1, (len(all)+size-1)/size)
	from := min((page-1)*size, len(all))
	return all[from:min(from+size, len(all))], last
}

// Number reads a number of a query, 0 if there is none.
func Number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

// IsQuoted reports whether a text is the data of a TXT record as most services
// want it: strings of up to 255 bytes in quotation marks (RFC 1035 §5.1).
func IsQuoted(data string) bool { return quoted.MatchString(data) }

var quoted = regexp.MustCompile(`^` + one + `(?: ` + one + `)*$`)

// one is one string: characters beyond ASCII are written as numbers.
const one = `"(?:[ !#-\[\]-~]|\\[^0-9]|\\[0-9]{3}){0,255}"`
