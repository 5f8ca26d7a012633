package web

import (
	"context"
	"encoding/json"
	"fmt"
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

// mostPages is how many pages of a list are read: a service that has more does not
// mean it.
const mostPages = 1000

// Pages reads a list, JSON, page by page.
func Pages[T any](ctx context.Context, a *Account, r Request) ([]T, error) {
	var all []T
	for range mostPages {
		answer, err := a.Send(ctx, r)
		if err != nil {
			return nil, err
		}
		var page []T
		if json.Unmarshal(answer.Body, &page) != nil {
			return nil, &FormError{Server: a.Server()}
		}
		all = append(all, page...)
		if r.Query = answer.Next(); r.Query == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%s: the list has more than %d pages", a.Server(), mostPages)
}
