package main

import (
	"net"
	"net/http"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveFiles is "[!] web DIR": it serves a directory where the CA asks for
// http-01, or no longer does.
func serveFiles(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	if neg {
		_ = s.web.Close()
		return
	}
	l, err := net.Listen("tcp", s.lab.HTTP.String())
	ts.Check(err)
	s.web = &http.Server{Handler: http.FileServer(http.Dir(ts.MkAbs(args[0])))}
	ended := make(chan struct{})
	go func() {
		_ = s.web.Serve(l)
		close(ended)
	}()
	ts.Defer(func() {
		_ = s.web.Close()
		<-ended
	})
}
