//go:build race

package issuance_test

// raced says that everything takes ten times as long.
const raced = true
