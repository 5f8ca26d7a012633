package web

import (
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
)

// title is that of a page in HTML, which proxies and login pages are.
var title = regexp.MustCompile(`(?is)<title[^>]*>([^<]*)</title>`)

// words returns what an error in JSON says, in one of the forms that services
// have for it, or the title of a page; anything else is returned as it is.
func words(body string) string {
	if page := title.FindStringSubmatch(body); page != nil {
		return html.UnescapeString(page[1])
	}
	var answer map[string]any
	if json.Unmarshal([]byte(body), &answer) != nil {
		return body
	}
	var said []string
	for _, key := range []string{"error", "errors", "message", "detail"} {
		said = append(said, spoken(answer[key])...)
	}
	if len(said) == 0 {
		return body
	}
	return strings.Join(slices.Compact(said), "; ")
}

// spoken returns the words of one element: a text, an object with a text, or a
// list of these.
func spoken(v any) []string {
	switch v := v.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, spoken(one)...)
		}
		return all
	case map[string]any:
		return object(v)
	}
	return nil
}

// object returns an error's text, with what it is about and its number or word.
func object(v map[string]any) []string {
	for _, key := range []string{"message", "reason", "detail"} {
		text, ok := v[key].(string)
		if !ok {
			continue
		}
		if field, ok := v["field"].(string); ok {
			text = field + ": " + text
		}
		if code := v["code"]; code != nil {
			text = fmt.Sprintf("%s (%v)", text, code)
		}
		return []string{text}
	}
	return nil
}
