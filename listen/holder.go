package listen

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// holder says which process listens at an address or at one that includes it,
// as "nginx (process 812)"; "" if that cannot be seen. It is known on Linux
// only (proc(5)), and of other users' processes to root only.
func holder(address string) string {
	wanted, err := netip.ParseAddrPort(explicit(address))
	if err != nil {
		return ""
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if inode := listening(line, wanted); inode != "" {
				return process(inode)
			}
		}
	}
	return ""
}

// explicit writes ":80" as "[::]:80".
func explicit(address string) string {
	if strings.HasPrefix(address, ":") {
		return "[::]" + address
	}
	return address
}

// listening returns the inode of the socket in a line of the table, if it
// listens where it is in the way.
func listening(line string, wanted netip.AddrPort) string {
	const local, state, inode = 1, 3, 9 // columns
	fields := strings.Fields(line)
	if len(fields) <= inode || fields[state] != "0A" {
		return ""
	}
	at, ok := parseLocal(fields[local])
	any := at.Addr().IsUnspecified() || wanted.Addr().IsUnspecified()
	if !ok || at.Port() != wanted.Port() || !any && at.Addr().Unmap() != wanted.Addr().Unmap() {
		return ""
	}
	return fields[inode]
}

// parseLocal reads an address as the kernel writes it: words of 32 bits, each
// in the byte order of the machine, here taken to be little-endian.
func parseLocal(text string) (netip.AddrPort, bool) {
	host, number, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	port, portErr := strconv.ParseUint(number, 16, 16)
	if err != nil || portErr != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr, uint16(port)), ok
}

// process finds the process that has a socket.
func process(inode string) string {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well formed
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != "socket:["+inode+"]" {
			continue
		}
		dir := filepath.Dir(filepath.Dir(link))
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return fmt.Sprintf("%s (process %s)", printable(string(name)), filepath.Base(dir))
	}
	return ""
}

func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
}
