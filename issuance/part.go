package issuance

import (
	"context"
	"slices"
	"strings"
)

// Issue obtains certificates: for each request one result, in the same order. All
// go through the story together, but for those with the same names as another.
func (i *Issuer) Issue(ctx context.Context, requests []Request) []*Result {
	results := make([]*Result, len(requests))
	var timings []Timing
	for _, part := range apart(requests) {
		var together []Request
		for _, n := range part {
			together = append(together, requests[n])
		}
		for k, r := range i.issue(ctx, together) {
			results[part[k]] = r
		}
		timings = added(timings, results[part[0]].Timings...)
	}
	for _, r := range results {
		r.Timings = timings
	}
	return results
}

// apart returns the indices of requests in parts that have no names twice. CAs
// such as Let's Encrypt give the order that is under way to whoever orders the
// same, and that becomes a certificate for one key only.
func apart(requests []Request) [][]int {
	var parts [][]int
	seen := make(map[string]int)
	for n, r := range requests {
		key := strings.Join(slices.Sorted(slices.Values(r.Names)), " ")
		if seen[key] == len(parts) {
			parts = append(parts, nil)
		}
		parts[seen[key]] = append(parts[seen[key]], n)
		seen[key]++
	}
	return parts
}
