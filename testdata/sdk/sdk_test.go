package sdk

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
)

const (
	zone  = delegation.Name("auth.example.net.")
	token = "token-of-the-account-with-the-zone-00000"
)

// library is what an official library does with the TXT records of a zone. Names
// have no final dot.
type library struct {
	add    func(name, value string) error
	remove func(name, value string) error
	values func(name string) ([]string, error)
}

// agree has a library and a provider of ours work on one zone, which has more
// records than fit on a page.
func agree(t *testing.T, l library, p dns01.Provider) {
	t.Helper()
	for i := range 30 {
		check(t, l.add(fmt.Sprintf("other-%d.%s", i, zone.Bare()), "somebody else's"))
	}
	for _, name := range []string{"www." + zone.Bare(), zone.Bare()} {
		at := owner(name)
		check(t, l.add(name, "theirs"))
		check(t, change(t, p.AppendRecords, at, "ours", "theirs"))
		want(t, l, name, "ours", "theirs")
		check(t, l.remove(name, "ours"))
		check(t, change(t, p.AppendRecords, at, "ours"))
		want(t, l, name, "ours", "theirs")
		check(t, change(t, p.DeleteRecords, at, "theirs"))
		want(t, l, name, "ours")
		check(t, change(t, p.DeleteRecords, at, "ours", "never there"))
		want(t, l, name)
	}
	check(t, change(t, p.DeleteRecords, "other-29."+zone, "somebody else's"))
	want(t, l, "other-29."+zone.Bare())
	want(t, l, "other-28."+zone.Bare(), "somebody else's")
}

func owner(name string) delegation.Name { return delegation.Name(name + ".") }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// change adds or removes values with the provider.
func change(t *testing.T, do func(context.Context, string, []libdns.Record) ([]libdns.Record, error), owner delegation.Name, values ...string) error {
	var rs []libdns.Record
	for _, v := range values {
		rs = append(rs, libdns.RR{Name: owner.Relative(zone), Type: "TXT", TTL: time.Minute, Data: v})
	}
	_, err := do(t.Context(), zone.String(), rs)
	return err
}

func want(t *testing.T, l library, name string, values ...string) {
	t.Helper()
	got, err := l.values(name)
	check(t, err)
	slices.Sort(got)
	if !slices.Equal(got, values) {
		t.Errorf("at %s: got %q, want %q", name, got, values)
	}
}
