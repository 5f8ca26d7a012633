package delegation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// adversary is the whole DNS, and wants to be asked for ever.
type adversary struct {
	answer func(q *dns.Msg, addr string) *dns.Msg // nil: silence
	delay  time.Duration
	sent   atomic.Int64
}

func (a *adversary) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	a.sent.Add(1)
	m := a.answer(q, addr)
	delay := a.delay
	if m == nil {
		delay = time.Hour
	}
	select {
	case <-time.After(delay):
		return m, delay, nil
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

func (a *adversary) resolver() *Resolver {
	return NewResolver(Options{
		Recursive: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
		Client:    &Client{UDP: a, TCP: a},
	})
}

// says makes an answer of records.
func says(q *dns.Msg, authoritative bool, section func(m *dns.Msg) *[]dns.RR, records ...string) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = authoritative
	m.RecursionAvailable = q.RecursionDesired
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		*section(m) = append(*section(m), rr)
	}
	return m
}

func inAnswer(m *dns.Msg) *[]dns.RR    { return &m.Answer }
func inAuthority(m *dns.Msg) *[]dns.RR { return &m.Ns }

func random() string { return fmt.Sprintf("r%016x", rand.Uint64()) }

// below returns a random name below another, or beside it if that is long.
func below(name string) string {
	if n, ok := Name(name).child(random()); ok {
		return string(n)
	}
	return random() + ".example.net."
}

// address answers the recursive resolver's questions: every host exists.
func address(q *dns.Msg) *dns.Msg {
	name := q.Question[0].Name
	switch q.Question[0].Qtype {
	case dns.TypeA:
		return says(q, false, inAnswer, fmt.Sprintf("%s 60 A 192.0.%d.%d", name, rand.IntN(256), rand.IntN(256)))
	case dns.TypeNS:
		return says(q, false, inAnswer, ". 60 NS a.root.")
	}
	return says(q, false, inAnswer)
}

// deeper refers every question one label further down, to servers with names
// that must be looked up.
func deeper(zones map[string]int, width int) func(*dns.Msg, string) *dns.Msg {
	return func(q *dns.Msg, addr string) *dns.Msg {
		if q.RecursionDesired {
			return address(q)
		}
		name := dns.CanonicalName(q.Question[0].Name)
		depth := min(zones[name]+1, dns.CountLabel(name))
		zones[name] = depth
		labels := dns.SplitDomainName(name)
		apex := strings.Join(labels[len(labels)-depth:], ".") + "."
		var records []string
		for range width {
			records = append(records, fmt.Sprintf("%s 60 NS %s.example.org.", apex, random()))
		}
		return says(q, false, inAuthority, records...)
	}
}

// adversaries each have a way to keep a resolver busy.
var adversaries = map[string]func() *adversary{
	"referrals without end": func() *adversary {
		return &adversary{answer: locked(deeper(map[string]int{}, 1))}
	},
	"huge sets of name servers": func() *adversary {
		return &adversary{answer: locked(deeper(map[string]int{}, 500))}
	},
	"aliases to random names": func() *adversary {
		return &adversary{answer: func(q *dns.Msg, _ string) *dns.Msg {
			if q.RecursionDesired {
				return address(q)
			}
			to := strings.Repeat(random()+".", 12) + "example.org."
			return says(q, true, inAnswer, fmt.Sprintf("%s 60 CNAME %s", dns.CanonicalName(q.Question[0].Name), to))
		}}
	},
	"aliases below referrals": func() *adversary {
		zones := map[string]int{}
		down := deeper(zones, 3)
		return &adversary{answer: locked(func(q *dns.Msg, addr string) *dns.Msg {
			name := dns.CanonicalName(q.Question[0].Name)
			if q.RecursionDesired || zones[name] < dns.CountLabel(name) {
				return down(q, addr)
			}
			return says(q, true, inAnswer, fmt.Sprintf("%s 60 CNAME %s", name, strings.Repeat("a.", 60)+random()+".com."))
		})}
	},
	"everything truncated and refused": func() *adversary {
		return &adversary{answer: func(q *dns.Msg, _ string) *dns.Msg {
			if q.RecursionDesired {
				return address(q)
			}
			m := says(q, false, inAnswer)
			m.Truncated, m.Rcode = true, dns.RcodeRefused
			return m
		}}
	},
	"slow referrals": func() *adversary {
		return &adversary{delay: 2900 * time.Millisecond, answer: locked(deeper(map[string]int{}, 2))}
	},
	"silence": func() *adversary {
		return &adversary{answer: func(*dns.Msg, string) *dns.Msg { return nil }}
	},
	"noise": func() *adversary {
		return &adversary{answer: noise}
	},
}

// locked makes a function that is called by many its callers' one by one.
func locked(f func(*dns.Msg, string) *dns.Msg) func(*dns.Msg, string) *dns.Msg {
	turn := make(chan struct{}, 1)
	return func(q *dns.Msg, addr string) *dns.Msg {
		turn <- struct{}{}
		defer func() { <-turn }()
		return f(q, addr)
	}
}

// noise answers at random: an alias, a referral, a name server, nothing.
func noise(q *dns.Msg, _ string) *dns.Msg {
	name := dns.CanonicalName(q.Question[0].Name)
	labels := dns.SplitDomainName(name)
	above := "."
	if len(labels) > 0 {
		above = strings.Join(labels[rand.IntN(len(labels)):], ".") + "."
	}
	switch rand.IntN(6) {
	case 0:
		return says(q, true, inAnswer, fmt.Sprintf("%s 60 CNAME %s", name, below(above)))
	case 1:
		return says(q, true, inAuthority, fmt.Sprintf("%s 60 SOA a. b. 1 1 1 1 1", above))
	case 2:
		m := says(q, false, inAnswer)
		m.Rcode = rand.IntN(12)
		return m
	case 3:
		return address(q)
	}
	return says(q, false, inAuthority, fmt.Sprintf("%s 60 NS %s", above, below(above)),
		fmt.Sprintf("%s 60 NS %s.example.net.", above, random()))
}

// No world makes one name cost more than 200 queries or 30 seconds.
func TestLimit(t *testing.T) {
	name := Name("_acme-challenge." + strings.Repeat("a.b.c.d.", 14) + "example.com.")
	for title, make := range adversaries {
		t.Run(title, func(t *testing.T) {
			for range 20 {
				synctest.Test(t, func(t *testing.T) {
					a := make()
					r := a.resolver()
					began := time.Now()
					target, err := r.Resolve(t.Context(), name, Follow{})
					if took := time.Since(began); took > maxTime {
						t.Errorf("took %v, want at most %v", took, maxTime)
					}
					if n := a.sent.Load(); n > maxQueries {
						t.Errorf("sent %d queries, want at most %d", n, maxQueries)
					}
					if err == nil && title != "noise" {
						t.Errorf("got %v, want an error", target)
					}
				})
			}
		})
	}
}

// The errors say what happened.
func TestLimitErrors(t *testing.T) {
	for _, test := range []struct{ world, want string }{
		{"huge sets of name servers", "given up after 200 queries"},
		{"slow referrals", "given up after 30s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			name := Name("_acme-challenge." + strings.Repeat("a.b.c.d.", 14) + "example.com.")
			_, err := adversaries[test.world]().resolver().Resolve(t.Context(), name, Follow{})
			var limit *LimitError
			if !errors.As(err, &limit) || !strings.HasSuffix(err.Error(), test.want) || limit.Hint() == "" {
				t.Errorf("%s: got %v, want …%s", test.world, err, test.want)
			}
		})
	}
}

// A name that is given up leaves nothing behind that stops others, also those
// that waited for it.
func TestLimitAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		for _, s := range []string{"a.root.", "b.root.", "ns.com."} {
			b.Server(s).Fault(authority.Fault{Delay: time.Second})
		}
		spent, stop := Limit(t.Context())
		defer stop()
		for range maxQueries - 4 {
			spend(spent)
		}
		var others sync.WaitGroup
		defer others.Wait()
		others.Go(func() {
			<-time.After(time.Second)
			b.resolve(t, challenge)
		})
		_, err := b.resolver.Resolve(spent, challenge, Follow{})
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Queries != maxQueries {
			t.Errorf("got %v, want a *LimitError", err)
		}
	})
}
