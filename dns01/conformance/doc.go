// Package conformance is a test that every provider of dns01 has to pass: it
// adds values beside others, removes exactly those, loses nothing of anybody
// with twenty writers at once, writes nothing outside its scope, and shows its
// secrets nowhere.
//
//	func TestConformance(t *testing.T) {
//		conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) { … })
//	}
//
// The function is called for every part of the test, and returns a provider
// with a fresh service behind it, real or made up.
package conformance
