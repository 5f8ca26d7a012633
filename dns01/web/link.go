package web

import (
	"net/url"
	"strings"
)

// Next returns the query of the page that follows, as the field Link says it
// (RFC 8288); nil if there is none. Only the query is taken: a service does not
// say where else the secret is to be sent.
func (a Answer) Next() url.Values {
	for _, link := range strings.Split(strings.Join(a.Header.Values("Link"), ","), ",") {
		target, params, _ := strings.Cut(link, ";")
		if !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
			continue
		}
		if u, err := url.Parse(strings.Trim(strings.TrimSpace(target), "<>")); err == nil {
			return u.Query()
		}
	}
	return nil
}
