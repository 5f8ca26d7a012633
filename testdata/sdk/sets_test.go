package sdk

import (
	"net/http"
	"slices"
)

// sets is what an official library does that knows whole record sets only.
type sets struct {
	read    func(name string) ([]string, error)
	replace func(name string, before, after []string) error
	quote   func(string) string
	unquote func(string) (string, error)
}

func (s sets) library() library {
	edit := func(name string, change func([]string) []string) error {
		before, err := s.read(name)
		if err != nil {
			return err
		}
		return s.replace(name, before, change(slices.Clone(before)))
	}
	return library{
		add: func(name, value string) error {
			return edit(name, func(data []string) []string { return append(data, s.quote(value)) })
		},
		remove: func(name, value string) error {
			return edit(name, func(data []string) []string {
				return slices.DeleteFunc(data, func(d string) bool { return d == s.quote(value) })
			})
		},
		values: func(name string) ([]string, error) {
			data, err := s.read(name)
			var values []string
			for _, d := range data {
				v, wrong := s.unquote(d)
				if wrong != nil {
					return nil, wrong
				}
				values = append(values, v)
			}
			return values, err
		},
	}
}

// bearer is a client that is known by a token.
type bearer string

func (b bearer) client() *http.Client { return &http.Client{Transport: b} }

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
