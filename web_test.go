package main

import (
	"net"
	"net/http"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveFiles is "[!] web DIR [by-host]": it serves a directory where the CA asks
// for http-01, or no longer does. By host it serves, for a name, the directory in
// it that is called by the name's first letter.
func serveFiles(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	if neg {
		_ = s.web.Close()
		return
	}
	l, err := net.Listen("tcp", s.lab.HTTP.String())
	ts.Check(err)
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	s.web = &http.Server{Handler: files}
	if len(args) > 1 {
		s.web.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/" + r.Host[:1] + r.URL.Path
			files.ServeHTTP(w, r)
		})
	}
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
