package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// fetch is "fetch URL ADDRESS REGEXP": it asks the server at an address, which
// is trusted for a certificate of the lab's CA, until what it answers is like
// this: the status, the serial number of its certificate, and the body.
func fetch(ts *testscript.TestScript, _ bool, args []string) {
	expr, roots := regexp.MustCompile(args[2]), x509.NewCertPool()
	text, err := os.ReadFile(ts.Getenv("LAB_ROOT_FILE"))
	ts.Check(err)
	roots.AppendCertsFromPEM(text)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, args[1])
		},
	}}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		got := answerOf(client, args[0])
		if expr.MatchString(got) {
			fmt.Fprint(ts.Stdout(), got)
			return
		}
		select {
		case <-tick.C:
		case <-late:
			ts.Fatalf("%s: got %s, want like %q", args[0], got, args[2])
		}
	}
}

func answerOf(client *http.Client, url string) string {
	r, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	serial := "none"
	if r.TLS != nil {
		serial = fmt.Sprintf("%x", r.TLS.PeerCertificates[0].SerialNumber)
	}
	return fmt.Sprintf("%d serial=%s\n%s", r.StatusCode, serial, body)
}
