package dnssec

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
)

// world is a small DNS whose servers sign what they answer, with NSEC.
type world struct {
	*authority.World
	zones map[delegation.Name]*signer

	spoil  func(r *dns.Msg, addr string)          // has the last hand in an answer
	silent func(q dns.Question, addr string) bool // reports whether there is none
}

// signer is one zone of the world; key is nil where it is not signed.
type signer struct {
	*authority.Zone
	key     *dns.DNSKEY
	private crypto.Signer
}

// The signatures of every world are valid from begin to end.
var (
	begin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	today = time.Date(2026, 11, 11, 11, 11, 11, 0, time.UTC)
	end   = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
)

// newWorld has a signed root, signed test. and signed example.test., whose text
// is given, on two servers, and plain.test., which is not signed.
func newWorld(text string) *world {
	w := &world{World: authority.New(), zones: map[delegation.Name]*signer{}}
	w.Recursor()
	w.add(".", "", true, "ns.root.")
	w.add("test.", "", true, "ns.test.")
	w.add("example.test.", text, true, "ns1.example.test.", "ns2.example.test.")
	w.add("plain.test.", "www TXT here\nback CNAME www.example.test.", false, "ns.plain.test.")
	return w
}

// add adds a zone. A signed one gets a key, and a DS record in the zone above.
func (w *world) add(apex delegation.Name, text string, signed bool, servers ...string) {
	s := &signer{Zone: w.Zone(string(apex), text, servers...)}
	w.zones[apex] = s
	if !signed {
		return
	}
	s.key, s.private = newKey(apex)
	s.Text(s.key.String())
	if parent := w.closest(apex.Parent()); apex != root {
		parent.Text(s.key.ToDS(dns.SHA256).String())
	}
}

// newKey returns the key of a zone, the same each time.
func newKey(apex delegation.Name) (*dns.DNSKEY, crypto.Signer) {
	seed := sha256.Sum256([]byte(apex))
	private := ed25519.NewKeyFromSeed(seed[:])
	return &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: string(apex), Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 60},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ED25519,
		PublicKey: base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey)),
	}, private
}

// closest returns the zone that a name is in.
func (w *world) closest(name delegation.Name) *signer {
	for ; ; name = name.Parent() {
		if s := w.zones[name]; s != nil {
			return s
		}
	}
}

// validator returns a validator with the root's key as its anchor.
func (w *world) validator() *Validator {
	client := &delegation.Client{UDP: w, TCP: w, Retries: -1}
	return &Validator{
		Resolver: delegation.NewResolver(delegation.Options{
			Recursive: []netip.AddrPort{w.Recursor().Addr()}, Client: client,
		}),
		Client:  client,
		Anchors: Anchors{w.zones[root].key.ToDS(dns.SHA256)},
		Now:     func() time.Time { return today },
	}
}

func (w *world) validate(t *testing.T, name delegation.Name) *Chain {
	t.Helper()
	c, err := w.validator().Validate(t.Context(), name, dns.TypeTXT)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ExchangeContext has the world answer, and signs the answer if that is wanted.
func (w *world) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if w.silent != nil && w.silent(m.Question[0], addr) {
		<-ctx.Done()
		return nil, 0, ctx.Err()
	}
	r, took, err := w.TCP().ExchangeContext(ctx, m, addr)
	opt := m.IsEdns0()
	if err != nil || opt == nil || !opt.Do() {
		return r, took, err
	}
	r.Extra = nil
	r.SetEdns0(dns.DefaultMsgSize, true)
	if q := r.Question[0]; r.Authoritative {
		w.sign(r, canonical(q.Name), q.Qtype)
	}
	if w.spoil != nil {
		w.spoil(r, addr)
	}
	wire, err := r.Pack()
	if err != nil {
		return nil, took, err
	}
	return r, took, r.Unpack(wire)
}

// sign adds proofs and signatures to an answer.
func (w *world) sign(r *dns.Msg, name delegation.Name, qtype uint16) {
	zone := w.closest(name)
	if qtype == dns.TypeDS && name != root {
		zone = w.closest(name.Parent())
	}
	if zone.key == nil {
		return
	}
	exists := slices.Contains(zone.names(w), name)
	if len(r.Answer) == 0 || !exists {
		r.Ns = append(r.Ns, zone.deny(w, name)...)
	}
	r.Answer = w.signed(r.Answer, zone, exists)
	r.Ns = w.signed(r.Ns, zone, true)
}

// signed adds the signature to each set of a section. Sets with the name of a
// wildcard's expansion are signed as the wildcard; the CNAME record that a DNAME
// makes is not.
func (w *world) signed(section []dns.RR, zone *signer, exists bool) []dns.RR {
	dname := slices.ContainsFunc(section, ofType(dns.TypeDNAME))
	for _, s := range sets(section) {
		if !s.name.IsAtOrBelow(canonical(zone.Apex())) || dname && s.rrtype == dns.TypeCNAME {
			continue
		}
		from := s.name
		if !exists && s.rrtype != dns.TypeDNAME {
			from = zone.source(w, s.name)
		}
		section = append(section, zone.signature(s.rrs, from, zone.key, zone.private))
	}
	return section
}

// signature signs a set as if it had another name.
func (s *signer) signature(rrs []dns.RR, from delegation.Name, key *dns.DNSKEY, private crypto.Signer) *dns.RRSIG {
	sig := &dns.RRSIG{
		Hdr:        dns.RR_Header{Ttl: rrs[0].Header().Ttl},
		Inception:  uint32(begin.Unix()),
		Expiration: uint32(end.Unix()),
		KeyTag:     key.KeyTag(), SignerName: s.Apex(), Algorithm: key.Algorithm,
	}
	copies := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		copies[i] = dns.Copy(rr)
		copies[i].Header().Name = string(from)
	}
	if err := sig.Sign(private, copies); err != nil {
		panic(err)
	}
	sig.Hdr.Name = rrs[0].Header().Name
	return sig
}

// source returns the wildcard that answers for a name, or the name.
func (s *signer) source(w *world, name delegation.Name) delegation.Name {
	names := s.names(w)
	for n := name; n != canonical(s.Apex()); n = n.Parent() {
		if slices.Contains(names, wildcard(n.Parent())) {
			return wildcard(n.Parent())
		}
	}
	return name
}

// types returns the types of each name of the zone, without what is below cuts.
func (s *signer) types(w *world) map[delegation.Name][]uint16 {
	types := map[delegation.Name][]uint16{}
	for _, text := range s.Records() {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		h := rr.Header()
		if name := canonical(h.Name); w.closest(name) == s || h.Rrtype == dns.TypeNS || h.Rrtype == dns.TypeDS {
			if !slices.Contains(types[name], h.Rrtype) {
				types[name] = append(types[name], h.Rrtype)
			}
		}
	}
	return types
}

// names returns the names of the zone in canonical order.
func (s *signer) names(w *world) []delegation.Name {
	var names []delegation.Name
	for name := range s.types(w) {
		names = append(names, name)
	}
	slices.SortFunc(names, compare)
	return names
}

// deny returns the NSEC records around a name, and around the wildcards that
// could have answered for it.
func (s *signer) deny(w *world, name delegation.Name) []dns.RR {
	names, types := s.names(w), s.types(w)
	wanted := map[int]bool{}
	for n := name; ; n = n.Parent() {
		for _, x := range []delegation.Name{n, wildcard(n)} {
			if i, found := slices.BinarySearchFunc(names, x, compare); n == name || x != n {
				if !found {
					i = (i + len(names) - 1) % len(names)
				}
				wanted[i] = true
			}
		}
		if n == canonical(s.Apex()) {
			break
		}
	}
	var rrs []dns.RR
	for i := range wanted {
		bits := append(slices.Clone(types[names[i]]), dns.TypeRRSIG, dns.TypeNSEC)
		slices.Sort(bits)
		rrs = append(rrs, &dns.NSEC{
			Hdr:        dns.RR_Header{Name: string(names[i]), Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60},
			NextDomain: string(names[(i+1)%len(names)]), TypeBitMap: bits,
		})
	}
	return rrs
}

// drop removes records from an answer.
func drop(r *dns.Msg, unwanted func(dns.RR) bool) {
	r.Answer = slices.DeleteFunc(r.Answer, unwanted)
	r.Ns = slices.DeleteFunc(r.Ns, unwanted)
}

// ofType matches records of a type, and no others.
func ofType(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
}

// asks reports whether an answer is to a question.
func asks(r *dns.Msg, name delegation.Name, qtype uint16) bool {
	return canonical(r.Question[0].Name) == name && r.Question[0].Qtype == qtype
}

// show writes a chain as a line: its verdict, its reason, its links and answer.
func show(c *Chain) string {
	var b strings.Builder
	b.WriteString(string(c.Verdict))
	if c.Reason != nil {
		fmt.Fprintf(&b, " %s", c.Reason.Code)
	}
	for _, l := range c.Links {
		fmt.Fprintf(&b, " %s", l.Zone)
		if l.Verdict != Secure {
			fmt.Fprintf(&b, "(%s)", l.Verdict)
		}
	}
	if c.Answer != nil {
		fmt.Fprintf(&b, " %s", c.Answer.Kind)
		if c.Answer.Wildcard {
			b.WriteString(" *")
		}
		if c.Answer.Alias != "" {
			fmt.Fprintf(&b, " → %s", c.Answer.Alias)
		}
	}
	return b.String()
}
