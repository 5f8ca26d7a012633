package trace_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"certctl/lab/authority"
	"certctl/trace"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file in testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

var scenes = []struct {
	name  string
	build func(s *scene)
	trace string // names; "" for example.com
	right bool
}{{
	name: "not-delegated", right: true,
	build: func(s *scene) { s.zone("example.com.", "", "ns1.example.com.", "ns2.example.com.") },
}, {
	name: "cname", right: true, build: cnamed, trace: "*.example.com www.example.com",
}, {
	name: "ns", right: true,
	build: func(s *scene) {
		s.zone("example.com.", "", "ns1.example.com.", "ns2.example.com.")
		s.zone("_acme-challenge.example.com.", "", "ns1.example.net.", "ns2.example.net.")
	},
}, {
	name: "ns-then-cname", right: true,
	build: func(s *scene) {
		cnamed(s)
		s.zone("_acme-challenge.www.example.com.", "@ CNAME www.auth.example.net.", "ns4.example.net.")
	},
	trace: "www.example.com",
}, {
	name: "dname-and-wildcard", right: true,
	build: func(s *scene) {
		s.zone("example.com.", "old DNAME old.example.net.", "ns1.example.com.")
		s.zone("example.net.", "*.old CNAME lb.example.net.", "ns1.example.net.")
	},
	trace: "old.example.com",
}, {
	name: "loop",
	build: func(s *scene) {
		s.zone("example.com.", "_acme-challenge CNAME loop.example.net.", "ns1.example.com.")
		s.zone("example.net.", "loop CNAME _acme-challenge.example.com.", "ns1.example.net.")
	},
}, {
	name: "dead-and-lame",
	build: func(s *scene) {
		cnamed(s)
		s.server("ns2.example.com.").Fault(authority.Fault{NoAA: true})
		s.server("ns3.example.net.").Fault(authority.Fault{Dead: true})
	},
}, {
	name: "all-refuse",
	build: func(s *scene) {
		cnamed(s)
		s.server("ns1.example.com.").Fault(authority.Fault{Refuse: true})
		s.server("ns2.example.com.").Fault(authority.Fault{Servfail: -1})
	},
}, {
	name: "nothing-listens",
	build: func(s *scene) {
		s.zone("example.com.", "@ NS ns1.example.com.\n@ NS ns2.example.com.\n@ NS lost.example.com.\nns1 A 192.0.2.101\nns2 A 192.0.2.102", "ns1.example.com.", "ns2.example.com.")
	},
}, {
	name: "servers-differ",
	build: func(s *scene) {
		cnamed(s)
		s.server("ns2.example.com.").Fault(authority.Fault{Lies: "_acme-challenge.example.com. CNAME old.auth.example.net."})
	},
}, {
	name: "parent-forgets",
	build: func(s *scene) {
		s.zone("example.com.", "", "ns1.example.com.", "ns2.example.com.")
		s.zone("_acme-challenge.example.com.", "", "ns1.example.net.")
		s.server("ns2.example.com.").Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
			if dns.CanonicalName(q.Question[0].Name) != "_acme-challenge.example.com." {
				return nil
			}
			m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
			m.Authoritative = true
			soa, _ := dns.NewRR("example.com. 60 SOA ns1.example.com. hostmaster.example.com. 1 60 60 60 60")
			m.Ns = []dns.RR{soa}
			return m
		}})
	},
}, {
	name: "manners",
	build: func(s *scene) {
		s.zone("example.com.", "", "ns1.example.com.", "ns2.example.com.", "ns3.example.com.")
		s.server("ns1.example.com.").Fault(authority.Fault{LowerCase: true})
		s.server("ns2.example.com.").Fault(authority.Fault{Truncate: true})
		s.server("ns3.example.com.").Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
			m := new(dns.Msg).SetReply(q)
			m.Authoritative, m.RecursionAvailable, m.Rcode = true, true, dns.RcodeNameError
			soa, _ := dns.NewRR("example.com. 60 SOA ns1.example.com. hostmaster.example.com. 1 60 60 60 60")
			m.Ns = []dns.RR{soa}
			m.SetEdns0(4096, false)
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: "6672612d31"})
			return m
		}})
	},
	right: true,
}, {
	name: "no-ipv6", right: true, // here, which is not the server's fault
	build: func(s *scene) {
		s.zone("example.com.", "", "ns1.example.com.")
		s.server("ns1.example.com.").At(netip.MustParseAddr("2001:db8::1"))
	},
}, {
	name: "port-closed", right: true,
	build: func(s *scene) {
		cnamed(s)
		s.closed = true
	},
}, {
	name: "chain-too-long",
	build: func(s *scene) {
		text := "_acme-challenge CNAME n0\n"
		for n := range 12 {
			text += fmt.Sprintf("n%d CNAME n%d\n", n, n+1)
		}
		s.zone("example.com.", text, "ns1.example.com.")
	},
}}

func TestTree(t *testing.T) {
	for _, test := range scenes {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(test.build)
				names := strings.Fields(test.trace)
				if len(names) == 0 {
					names = []string{"example.com"}
				}
				ways := s.trace(t, names...)
				var got bytes.Buffer
				if err := trace.Tree(&got, ways, trace.Drawing{Still: true}); err != nil {
					t.Fatal(err)
				}
				golden(t, test.name+".tree", s.anonymous(got.String()))
				for _, w := range ways {
					if w.Right() != test.right || (w.Problem() == nil) != test.right {
						t.Errorf("%s: right: got %t (%v), want %t", w.Name, w.Right(), w.Problem(), test.right)
					}
				}
			})
		})
	}
}
