package main

import (
	"crypto/tls"
	"net"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveTLS is "serve VARIABLE FULLCHAIN PRIVKEY": a TLS server, with its address
// in the variable, that has read its files and does not read them again.
func serveTLS(ts *testscript.TestScript, _ bool, args []string) {
	pair, err := tls.LoadX509KeyPair(ts.MkAbs(args[1]), ts.MkAbs(args[2]))
	ts.Check(err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		accept(l)
	}()
	ts.Defer(func() {
		_ = l.Close()
		<-ended
	})
}

// accept shakes hands with everybody, one after the other, and hangs up.
func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.(*tls.Conn).Handshake()
		_ = c.Close()
	}
}
