package rfc2136

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// UpdateError is a server's refusal of an update.
type UpdateError struct {
	Server    netip.AddrPort
	Zone      delegation.Name
	Key       delegation.Name
	Algorithm string
	Rcode     int
	TSIG      int           // the error in the answer's TSIG record (RFC 8945 §3), or 0
	Ahead     time.Duration // with BADTIME: by how much the server's clock is ahead of ours
	Alias     string        // with REFUSED: an owner that is an alias, or ""
	Served    bool          // with NOTAUTH: the server has the zone all the same
}

// refusal reads the server's no. Knot since 3.4 says NOTAUTH, without a word about
// the key, where the key is the reason: then a look at the zone tells more.
func (s *session) refusal(ctx context.Context, m *dns.Msg) *UpdateError {
	e := &UpdateError{Server: s.addr, Zone: s.zone, Key: s.key.name, Algorithm: s.key.algorithm, Rcode: m.Rcode}
	if t := m.IsTsig(); t != nil {
		e.TSIG = int(t.Error)
		if theirs, ok := serverTime(t); ok {
			e.Ahead = theirs.Sub(time.Unix(int64(t.TimeSigned), 0))
		}
	}
	if e.Rcode == dns.RcodeNotAuth && e.TSIG == 0 {
		e.Served = s.soa(ctx) != nil
	}
	return e
}

// blame remembers an owner that is an alias: PowerDNS refuses to add a record
// there, where other servers keep silent.
func (e *UpdateError) blame(before map[string]holding) {
	for owner, h := range before {
		if e.Rcode == dns.RcodeRefused && h.alias != "" && (e.Alias == "" || owner < e.Alias) {
			e.Alias = owner
		}
	}
}

// serverTime returns the server's clock, which comes with BADTIME as 48 bits
// of seconds (RFC 8945 §5.2.3).
func serverTime(t *dns.TSIG) (time.Time, bool) {
	raw, err := hex.DecodeString(t.OtherData)
	if err != nil || len(raw) != 6 || t.Error != dns.RcodeBadTime {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(append([]byte{0, 0}, raw...))), 0), true
}

func (e *UpdateError) Error() string {
	name, words := e.reason()
	if e.Alias != "" {
		words += fmt.Sprintf("; or it adds nothing beside the alias (CNAME) at %s", e.Alias)
	}
	return fmt.Sprintf("server %v refused the update of zone %s: %s: %s", e.Server, e.Zone, name, words)
}

// Refused implements dns01.Refusal.
func (e *UpdateError) Refused() {}

// reason returns the error's name in the standards and what it means.
func (e *UpdateError) reason() (name, words string) {
	if e.TSIG != 0 {
		return tsigError(e.TSIG), e.tsigReason()
	}
	key := e.Key.Bare()
	switch e.Rcode {
	case dns.RcodeRefused:
		words = fmt.Sprintf("the key %s may not write all of these records, or it takes no updates from here", key)
	case dns.RcodeNotAuth:
		if e.Served {
			return rcode(e.Rcode), fmt.Sprintf("it does not know the key %s with %s, or does not let it write here, or is not the primary of that zone", key, e.Algorithm)
		}
		words = "it is not the primary of that zone, or does not serve it"
	case dns.RcodeNotZone:
		words = "a name is outside that zone"
	case dns.RcodeServerFailure:
		words = "it failed to carry it out"
	case dns.RcodeNotImplemented:
		words = "it does not know dynamic updates"
	case dns.RcodeFormatError:
		words = "it did not understand it"
	default:
		words = "this is no answer to such an update"
	}
	return rcode(e.Rcode), words
}

func (e *UpdateError) tsigReason() string {
	key := e.Key.Bare()
	switch e.TSIG {
	case dns.RcodeBadSig:
		return fmt.Sprintf("its secret for the key %s is another one", key)
	case dns.RcodeBadKey:
		return fmt.Sprintf("it does not know the key %s with %s, or does not let it write here", key, e.Algorithm)
	case dns.RcodeBadTime:
		return "its clock " + e.clock()
	case dns.RcodeBadTrunc:
		return fmt.Sprintf("it wants longer signatures than %s makes", e.Algorithm)
	}
	return fmt.Sprintf("it does not accept the signature of key %s", key)
}

func (e *UpdateError) clock() string {
	switch {
	case e.Ahead > 0:
		return fmt.Sprintf("is %v ahead of this host's", e.Ahead)
	case e.Ahead < 0:
		return fmt.Sprintf("is %v behind this host's", -e.Ahead)
	}
	return "and this host's are too far apart"
}

// Hint says where to look.
func (e *UpdateError) Hint() string {
	zone, key := e.Zone.Bare(), e.Key.Bare()
	switch {
	case e.TSIG == dns.RcodeBadSig:
		return fmt.Sprintf("compare secret and algorithm of the key %s in the configuration with the server's", key)
	case e.TSIG == dns.RcodeBadKey, e.Served:
		return fmt.Sprintf("compare the name (%s) and algorithm (%s) of the key with the server's; Knot answers this also when no acl with action: update lets the key write these names", key, e.Algorithm)
	case e.TSIG == dns.RcodeBadTime:
		return "set both clocks right (NTP): signatures are good for five minutes"
	case e.TSIG == dns.RcodeBadTrunc:
		return "use the algorithm that the server has for this key"
	case e.TSIG != 0:
		return ""
	case e.Rcode == dns.RcodeRefused:
		return fmt.Sprintf("look at the zone's update-policy or allow-update (BIND) or TSIG-ALLOW-DNSUPDATE (PowerDNS, which refuses unknown keys, wrong secrets and clocks in this way too) for the key %s", key)
	case e.Rcode == dns.RcodeNotAuth:
		return fmt.Sprintf("set server: to the primary of %s, and look whether it serves a zone of exactly this name", zone)
	case e.Rcode == dns.RcodeServerFailure:
		return "the server's log says why: often it cannot write the zone's journal or directory"
	}
	return ""
}

// SwallowedError says that a TXT record is not served although the server has
// answered NOERROR to the update, or that it would not be.
type SwallowedError struct {
	Server netip.AddrPort
	Zone   delegation.Name
	Owner  delegation.Name
	Alias  string          // the owner is an alias for this name
	Cut    delegation.Name // the owner is in this zone, delegated away from Zone
	Answer string          // what the server says about the owner
}

func (e *SwallowedError) Error() string {
	switch {
	case e.Alias != "":
		return fmt.Sprintf("server %v has no TXT record at %s: the name is an alias (CNAME) for %s, and nothing can stand beside an alias", e.Server, e.Owner, e.Alias)
	case e.Cut != "":
		return fmt.Sprintf("server %v does not serve %s from zone %s: it has a zone cut at %s, and what is written below a cut is never seen", e.Server, e.Owner, e.Zone, e.Cut)
	}
	return fmt.Sprintf("server %v said NOERROR to the update and has no such TXT record at %s (%s)", e.Server, e.Owner, e.Answer)
}

// Hint says where to look.
func (e *SwallowedError) Hint() string {
	switch {
	case e.Alias != "":
		return fmt.Sprintf("remove the CNAME at %s, or let it be followed: the record then goes to %s", e.Owner, e.Alias)
	case e.Cut != "":
		return fmt.Sprintf("the record belongs into the zone %s: its servers must be reachable to be found, and it needs a key of its own", e.Cut.Bare())
	}
	return "the server's log may say why: a policy that drops in silence (PowerDNS lua-dnsupdate-policy-script), a limit on the number of records, or another view of the zone"
}

// RemainsError says that a TXT record is still there although the server has
// answered NOERROR to the update that removes it.
type RemainsError struct {
	Server netip.AddrPort
	Zone   delegation.Name
	Owner  delegation.Name
}

func (e *RemainsError) Error() string {
	return fmt.Sprintf("server %v said NOERROR to the removal of the TXT record at %s and still has it", e.Server, e.Owner)
}

func rcode(code int) string {
	if text, ok := dns.RcodeToString[code]; ok {
		return text
	}
	return fmt.Sprintf("rcode %d", code)
}

// tsigError returns the name of a TSIG error. Its codes are those of rcodes,
// but 16 means BADSIG here.
func tsigError(code int) string {
	if code == dns.RcodeBadSig {
		return "BADSIG"
	}
	return rcode(code)
}
