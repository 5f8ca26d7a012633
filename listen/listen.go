// Package listen opens the ports at which a CA knocks: 80 for http-01 (RFC 8555
// §8.3) and 443 for tls-alpn-01 (RFC 8737 §3). They are open to the whole
// Internet, though for seconds only, so that connections are bounded; and often
// another server has them, which an error then names.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// most is how many connections are open at once, for each address.
const most = 128

// Open opens a port at each address, as Parse returns them. After an error
// none is open. The error is an *Error where the address cannot be had.
func Open(ctx context.Context, addresses []string) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, address := range addresses {
		l, err := open(ctx, address)
		if err != nil {
			for _, l := range listeners {
				_ = l.Close()
			}
			return nil, err
		}
		listeners = append(listeners, bound(l, most))
	}
	return listeners, nil
}

func open(ctx context.Context, address string) (net.Listener, error) {
	if number, ok := strings.CutPrefix(address, inheritedPrefix); ok {
		return inherited(number)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, network(address), address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &Error{Address: address, Holder: holder(address), Err: syscall.EADDRINUSE}
	case errors.Is(err, syscall.EACCES):
		return nil, &Error{Address: address, Err: syscall.EACCES}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, &Error{Address: address, Err: syscall.EADDRNOTAVAIL}
	}
	return l, err
}

// network is such that 0.0.0.0:80 and [::]:80 can be had side by side, and :80
// is both.
func network(address string) string {
	at, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		return "tcp"
	case at.Addr().Is4():
		return "tcp4"
	default:
		return "tcp6"
	}
}

// inheritedPrefix marks a socket that whoever started us has opened.
const inheritedPrefix = "fd:"

// inherited uses a listening socket by its number; systemd hands out 3 and
// onward (sd_listen_fds(3)). It stays open for the next time, and the commands
// that we run do not get it.
func inherited(number string) (net.Listener, error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("fd:%s: a number is expected, 3 for the first socket of systemd", number)
	}
	f, err := duplicate(int(fd))
	if err != nil {
		return nil, fmt.Errorf("fd:%s: %w", number, err)
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("fd:%s: what was handed over by this number is no listening socket", number)
	}
	return l, nil
}

// Parse reads where to listen: "192.0.2.1:80", "[2001:db8::1]:80", ":80" for
// all addresses, an address alone, or "fd:3" for a socket that was handed over.
// Where no port is given it is the one of the challenge.
func Parse(word string, port int) (string, error) {
	if strings.HasPrefix(word, inheritedPrefix) {
		_, err := strconv.ParseUint(word[len(inheritedPrefix):], 10, 16)
		if err != nil {
			return "", fmt.Errorf("%q: after fd: a number is expected", word)
		}
		return word, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		return netip.AddrPortFrom(a, uint16(port)).String(), nil
	}
	host, number, err := net.SplitHostPort(word)
	if err == nil {
		_, err = strconv.ParseUint(number, 10, 16)
	}
	if err == nil && host != "" {
		_, err = netip.ParseAddr(host)
	}
	if err != nil {
		return "", fmt.Errorf("%q: an address, a port as :%d, or both as 192.0.2.1:%d or [2001:db8::1]:%d is expected", word, port, port, port)
	}
	return word, nil
}
