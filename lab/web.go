package lab

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
)

// webAddress returns the address of web.example.com: on Linux a random one, so
// that labs side by side do not meet.
func webAddress() netip.Addr {
	if runtime.GOOS != "linux" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrFrom4([4]byte{127, byte(128 + rand.IntN(64)), byte(rand.IntN(256)), byte(1 + rand.IntN(254))})
}

// findPorts finds ports for the challenges that are not DNS, and gives
// web.example.com their address.
func (l *Lab) findPorts(ctx context.Context, b *Builder) error {
	web := webAddress()
	for _, at := range []*netip.AddrPort{&l.HTTP, &l.TLSALPN} {
		var config net.ListenConfig
		free, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(web, 0).String())
		if err != nil {
			return err
		}
		defer free.Close()
		*at = free.Addr().(*net.TCPAddr).AddrPort()
	}
	b.Main.Text("web A " + web.String())
	return nil
}
