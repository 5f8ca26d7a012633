// Package sdk has the official libraries of services, and where there are none
// those that are used most, talk to the made-up ones in lab/service that certctl's
// providers are tested with: what the library writes the provider understands, and
// the other way round. It is a module of its own, so that none of these libraries
// comes near the program.
package sdk
