package gandi_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/dns01/conformance"
	"certctl/dns01/gandi"
	"certctl/dns01/txt"
	"certctl/secret"
)

// Two programs with a state directory each, which so have no lock in common, write
// at one owner. Neither loses a value of the other, though Gandi replaces sets.
func TestTwoProcesses(t *testing.T) {
	const service, who = "CERTCTL_TEST_SERVICE", "CERTCTL_TEST_WHO"
	if url := os.Getenv(service); url != "" {
		p := conformance.Open(t, gandi.New, gandi.Config{Token: secret.Plain(token), URL: url + "/v5/livedns"}, zone)
		for i := range 10 {
			r := libdns.RR{Name: "www", Type: "TXT", TTL: time.Minute, Data: fmt.Sprintf("%s-%d", os.Getenv(who), i)}
			if _, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{r}); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	s := serve(t)
	w := conformance.Hosted(s, zone, txt.Quote, txt.Unquote)
	w.Add("www."+zone, "somebody else's")
	want := []string{"somebody else's"}
	var programs []*exec.Cmd
	for _, name := range []string{"cron", "by hand"} {
		c := exec.Command(os.Args[0], "-test.run=^TestTwoProcesses$")
		c.Env = append(os.Environ(), service+"="+s.URL, who+"="+name)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, c)
		for i := range 10 {
			want = append(want, fmt.Sprintf("%s-%d", name, i))
		}
	}
	for _, c := range programs {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	got := w.Values("www." + zone)
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}
