package tlsalpn01

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// OtherError says that somebody else than a Server with the answer was met.
type OtherError struct{ text string }

func (e *OtherError) Error() string { return e.text }

// Look connects to an address as a CA does, and returns nil if it sees the
// answer there (RFC 8737 §3). Where it sees something else the error is an
// *OtherError.
func Look(ctx context.Context, at netip.AddrPort, a Answer) error {
	want, err := identifier(a.Text)
	if err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	c := tls.Client(conn, &tls.Config{ServerName: serverName(a.Name), NextProtos: []string{protocol}, InsecureSkipVerify: true})
	if err := c.HandshakeContext(ctx); err != nil {
		return &OtherError{"no answer for " + protocol + ": " + err.Error()}
	}
	state := c.ConnectionState()
	leaf := state.PeerCertificates[0]
	same := func(e pkix.Extension) bool { return e.Id.Equal(want.Id) && bytes.Equal(e.Value, want.Value) }
	if state.NegotiatedProtocol != protocol || !slices.ContainsFunc(leaf.Extensions, same) {
		return &OtherError{fmt.Sprintf("another certificate, for %q", leaf.Subject.CommonName)}
	}
	return nil
}
