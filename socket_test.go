//go:build unix

package main

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestSocketActivation hands the name server open sockets, as systemd does: it
// answers at both, and not where its configuration says.
func TestSocketActivation(t *testing.T) {
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	var files []*os.File
	for _, socket := range []interface{ File() (*os.File, error) }{udp, tcp} {
		f, err := socket.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	output, ended := activate(t, files)
	for network, addr := range map[string]net.Addr{"udp": udp.LocalAddr(), "tcp": tcp.Addr()} {
		c := dns.Client{Net: network, Timeout: patience} // what is asked before it runs waits in the socket
		m, _, err := c.Exchange(new(dns.Msg).SetQuestion("auth.example.net.", dns.TypeSOA), addr.String())
		if err != nil || !m.Authoritative || len(m.Answer) != 1 {
			t.Errorf("%s: got %v, %v, want the SOA record\n%s", network, m, err, output)
		}
	}
	ended()
	listening := regexp.MustCompile(`listening \(address (\S+)\)`).FindAllStringSubmatch(output.String(), -1)
	if len(listening) != 2 {
		t.Errorf("got %d addresses, want 2:\n%s", len(listening), output)
	}
	for _, found := range listening {
		if at := netip.MustParseAddrPort(found[1]); at != udp.LocalAddr().(*net.UDPAddr).AddrPort() && at != tcp.Addr().(*net.TCPAddr).AddrPort() {
			t.Errorf("got %s, want the two sockets only", at)
		}
	}
}

// activate starts the name server with sockets. ended ends it and waits, and
// fails the test unless that went well.
func activate(t *testing.T, files []*os.File) (output *buffer, ended func()) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "certctl.yaml"), `
state: state
nameserver:
  listen: [127.0.0.1:0]
  servers: {ns.auth.example.net: {addresses: [127.0.0.1]}}
  zones: {auth.example.net: }
`)
	// Only the process itself knows its number before it runs.
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" --config certctl.yaml nameserver`, installed(t))
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=dns-udp:dns-tcp")
	output = &buffer{}
	cmd.Dir, cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = dir, files, output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return output, func() {
		t.Helper()
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v:\n%s", err, strings.TrimSpace(output.String()))
		}
	}
}

// installed returns the path of a certctl that is this very test program.
func installed(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "certctl")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}
