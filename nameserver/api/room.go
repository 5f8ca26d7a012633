package api

import (
	"net"
	"net/netip"
	"sync"

	"certctl/nameserver/access"
)

const (
	mostConnections = 512
	mostOfOneClient = 64
)

// room counts connections: of all, and of each client. The zero room is empty.
type room struct {
	mu   sync.Mutex
	all  int
	each map[netip.Prefix]int
}

// client returns the network that counts as one client.
func client(a net.Addr) netip.Prefix {
	from, _ := netip.ParseAddrPort(a.String())
	return access.Network(from.Addr())
}

// enter reports whether a client may have one more.
func (r *room) enter(client netip.Prefix) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == mostConnections || r.each[client] == mostOfOneClient {
		return false
	}
	if r.each == nil {
		r.each = map[netip.Prefix]int{}
	}
	r.all++
	r.each[client]++
	return true
}

func (r *room) leave(client netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.each[client]--; r.each[client] == 0 {
		delete(r.each, client)
	}
}
