//go:build !race

package issuance_test

const raced = false
