package debian

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/miekg/dns"
)

const (
	readyTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second // after which SIGKILL follows SIGTERM
	logLines     = 100             // shown of each server when a test fails
)

// Host is a running server.
type Host struct {
	Addr netip.AddrPort
	API  string // URL of PowerDNS's HTTP API; "": there is none
	PID  int    // of the process

	t       testing.TB
	program program
	dir     string // configuration, state and log; the working directory

	stop context.CancelFunc // sends SIGTERM
	done chan struct{}      // closed when the process has ended
}

// install returns a server that is not started yet, its program looked up and
// its directory made. The directory's path is short, because the path of a
// socket in it must be shorter than 108 octets.
func (s *Site) install(binary, pkg string, v *Server) *Host {
	s.t.Helper()
	if !v.Addr.IsValid() {
		v.Addr = s.Addr()
	}
	h := &Host{Addr: v.Addr, t: s.t, program: find(s.t, binary, pkg)}
	dir, err := os.MkdirTemp("", binary+"-")
	if err != nil {
		s.t.Fatal(err)
	}
	h.dir = dir
	s.t.Cleanup(func() { os.RemoveAll(dir) })
	for _, z := range v.Zones {
		s.served = append(s.served, service{z.Name, v.Addr})
	}
	return h
}

// write fills in a file of the server's directory.
func (h *Host) write(name string, content *template.Template, data any) {
	h.t.Helper()
	var b bytes.Buffer
	if err := content.Execute(&b, data); err != nil {
		h.t.Fatal(err)
	}
	h.writeText(name, b.String())
}

func (h *Host) writeText(name, content string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// writeZones writes the master files of the zones that the server is primary
// for.
func (h *Host) writeZones(c settings) {
	h.t.Helper()
	for _, z := range c.Zones {
		if !z.Primary.IsValid() {
			h.writeText(z.File, z.master())
		}
	}
}

// run runs a program of the server's to its end.
func (h *Host) run(stdin string, p program, args ...string) {
	h.t.Helper()
	cmd := p.command(h.t.Context(), args...)
	cmd.Dir = h.dir
	cmd.Stdin = bytes.NewBufferString(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// start starts the server and returns when it answers for every zone.
func (h *Host) start(v *Server, args ...string) *Host {
	h.t.Helper()
	h.spawn(args...)
	for _, z := range v.Zones {
		h.await(z.Name, func(r *dns.Msg) bool { return r.Authoritative && len(r.Answer) > 0 })
		if z.Signing != nil {
			h.awaitSigned(z)
		}
	}
	return h
}

func (h *Host) spawn(args ...string) {
	h.t.Helper()
	log, err := os.Create(filepath.Join(h.dir, "log"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	ctx, stop := context.WithCancel(context.Background())
	cmd := h.program.command(ctx, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	cmd.Dir, cmd.Stdout, cmd.Stderr = h.dir, log, log
	dieWithTest(cmd)
	if err := cmd.Start(); err != nil {
		stop()
		h.t.Fatal(err)
	}
	h.PID, h.stop, h.done = cmd.Process.Pid, stop, make(chan struct{})
	go func() {
		cmd.Wait()
		close(h.done)
	}()
	h.t.Cleanup(h.end)
}

// Stop ends the server and returns when it is gone.
func (h *Host) Stop() {
	h.stop()
	<-h.done
}

// end stops the server at the end of its test.
func (h *Host) end() {
	h.Stop()
	if h.t.Failed() {
		h.t.Logf("%s at %s said:\n%s", h.program, h.Addr, h.log())
	}
}

// log returns the end of what the server has said.
func (h *Host) log() []byte {
	text, err := os.ReadFile(filepath.Join(h.dir, "log"))
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-logLines):], nil)
}

// await asks for a zone's SOA record until the answer is good.
func (h *Host) await(zone string, good func(*dns.Msg) bool) {
	h.t.Helper()
	h.awaitAnswer(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), good)
}

// awaitAnswer asks until the answer is good.
func (h *Host) awaitAnswer(question *dns.Msg, good func(*dns.Msg) bool) {
	h.t.Helper()
	deadline := time.After(readyTimeout)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	client := dns.Client{Timeout: time.Second}
	for {
		r, _, err := client.Exchange(question, h.Addr.String())
		if err == nil && good(r) {
			return
		}
		select {
		case <-again.C:
		case <-h.done:
			h.t.Fatalf("%s ended:\n%s", h.program, h.log())
		case <-deadline:
			h.t.Fatalf("%s does not answer for %s: got %v, %v", h.program, question.Question[0].Name, r, err)
		}
	}
}

// awaitConnection waits until the server listens on a TCP port.
func (h *Host) awaitConnection(addr netip.AddrPort) {
	h.t.Helper()
	deadline := time.After(readyTimeout)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(addr))
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-again.C:
		case <-h.done:
			h.t.Fatalf("%s ended:\n%s", h.program, h.log())
		case <-deadline:
			h.t.Fatalf("%s does not listen on %s: %v", h.program, addr, err)
		}
	}
}

// Notify tells the server, a secondary, that a zone has changed
// (RFC 1996 §3.7).
func (h *Host) Notify(zone string) {
	h.t.Helper()
	r, err := dns.Exchange(new(dns.Msg).SetNotify(zone), h.Addr.String())
	if err != nil || r.Rcode != dns.RcodeSuccess {
		h.t.Fatalf("NOTIFY of zone %s to %s: got %v, %v", zone, h.Addr, r, err)
	}
}
