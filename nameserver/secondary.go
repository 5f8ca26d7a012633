package nameserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01/txt"
	"certctl/nameserver/values"
)

// transferTime is how long the primary may be silent.
const transferTime = 20 * time.Second

// follow keeps the zones of which this server is a secondary as their primaries
// have them, until the context is done. It asks when it was told of a change,
// and every five minutes in case that was lost.
func (s *Server) follow(ctx context.Context) {
	next := map[delegation.Name]time.Time{}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		now := time.Now()
		for _, name := range s.due.take() {
			next[name] = now
		}
		for name, z := range s.followed(next) {
			if now.Before(next[name]) || ctx.Err() != nil {
				continue
			}
			next[name] = time.Now().Add(refresh * time.Second)
			if err := s.catchUp(ctx, z); err != nil {
				s.log.Error("a zone cannot be transferred", "zone", name.Bare(), "from", z.Primary.Addr.String(), "expired", z.expired(), "error", err.Error())
				next[name] = time.Now().Add(retry * time.Second)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.due.more:
		case <-ticker.C:
		}
	}
}

// followed returns the zones that have primaries: single ones, families, and of
// these the zones that we were told of.
func (s *Server) followed(told map[delegation.Name]time.Time) map[delegation.Name]zone {
	h, list := s.hosting.Load(), map[delegation.Name]zone{}
	for name, z := range h.zones {
		list[name] = zone{z, name}
	}
	for name, f := range h.families {
		list[familyName(name)] = zone{f, familyName(name)}
	}
	for name := range told {
		if z, ok := h.zone(name); ok && z.apex == name {
			list[name] = z
		}
	}
	maps.DeleteFunc(list, func(_ delegation.Name, z zone) bool { return z.Primary == nil })
	return list
}

// catchUp transfers a zone if it has changed.
func (s *Server) catchUp(ctx context.Context, z zone) error {
	list, err := s.ask(ctx, z)
	if err != nil {
		return err
	}
	return s.takeOver(z, list)
}

// takeOver makes a zone have what its primary answered, and begins its time
// anew.
func (s *Server) takeOver(z zone, list []dns.RR) error {
	soa, ok := list[0].(*dns.SOA)
	if !ok {
		return errors.New("the transfer does not begin with SOA")
	}
	if err := s.takeChanges(z, list, soa); err != nil {
		return err
	}
	if err := z.renew(soa.Expire); err != nil {
		s.log.Error("when a zone lapses cannot be kept: a restart will have it lapse sooner", "zone", z.apex.Bare(), "error", err.Error())
	}
	return nil
}

func (s *Server) takeChanges(z zone, list []dns.RR, soa *dns.SOA) error {
	if z.Family && z.apex == familyName(z.Zone.Name) {
		return z.takeFamily(list)
	}
	have, known := z.values.Serial(z.apex), z.values.Known(z.apex)
	switch {
	case known && soa.Serial == have, known && len(list) == 1:
		return nil
	case known && int32(soa.Serial-have) < 0:
		return fmt.Errorf("it has serial %d, and we have %d", soa.Serial, have)
	}
	err := z.take(list, have, soa.Serial)
	if err == nil {
		s.log.Info("zone transferred", "zone", z.apex.Bare(), "from", z.Primary.Addr.String(), "serial", soa.Serial, "records", len(list))
	}
	return err
}

// ask asks the primary for what has changed since our serial, or for all.
func (s *Server) ask(ctx context.Context, z zone) ([]dns.RR, error) {
	m := new(dns.Msg).SetAxfr(string(z.apex))
	if z.values.Known(z.apex) && z.apex != familyName(z.Zone.Name) {
		m.SetIxfr(string(z.apex), z.values.Serial(z.apex), string(z.Servers[0].Name), "hostmaster."+string(z.Servers[0].Name))
	}
	m.SetEdns0(udpSize, false)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_LOCAL{Code: optionValues})
	keys := s.hosting.Load().keys
	m.SetTsig(string(z.Primary.Key), keys[z.Primary.Key].algorithm, tsigFudge, time.Now().Unix())
	var dialer net.Dialer
	ctx, cancel := context.WithTimeout(ctx, transferTime)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", z.Primary.Addr.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	t := dns.Transfer{Conn: &dns.Conn{Conn: conn}, TsigProvider: keys, ReadTimeout: transferTime}
	envelopes, err := t.In(m, z.Primary.Addr.String())
	if err != nil {
		return nil, err
	}
	var list []dns.RR
	for e := range envelopes {
		list = append(list, e.RR...)
		if e.Error != nil {
			err = e.Error
		}
	}
	if err == nil && len(list) == 0 {
		err = errors.New("the transfer is empty")
	}
	return list, err
}

// take makes the zone have what was transferred.
func (z zone) take(list []dns.RR, have, serial uint32) error {
	if len(list) < 2 {
		return errors.New("the transfer is cut off")
	}
	own := slices.ContainsFunc(list, func(rr dns.RR) bool { return rr.Header().Rrtype == typeValue })
	first, incremental := list[1].(*dns.SOA)
	if !incremental || len(list) == 2 {
		all, err := z.valuesIn(list, own)
		if err != nil {
			return err
		}
		return z.values.Replace(z.apex, serial, all)
	}
	for at, rest := first.Serial, list[1:]; len(rest) > 1; {
		if at != have {
			return fmt.Errorf("the transfer goes on from serial %d, and we have %d", at, have)
		}
		removed, after := untilSOA(rest[1:])
		if len(after) == 0 {
			return errors.New("the transfer is cut off")
		}
		to := after[0].(*dns.SOA).Serial
		added, more := untilSOA(after[1:])
		if err := z.takeStep(have, to, removed, added, own); err != nil {
			return err
		}
		have, rest = to, more
		if len(rest) > 0 {
			at = rest[0].(*dns.SOA).Serial
		}
	}
	return nil
}

// untilSOA parts a list before its first SOA record.
func untilSOA(list []dns.RR) (before, after []dns.RR) {
	for n, rr := range list {
		if rr.Header().Rrtype == dns.TypeSOA {
			return list[:n], list[n:]
		}
	}
	return list, nil
}

func (z zone) takeStep(from, to uint32, removed, added []dns.RR, own bool) error {
	gone, err := z.valuesIn(removed, own)
	if err != nil {
		return err
	}
	come, err := z.valuesIn(added, own)
	if err != nil {
		return err
	}
	return z.values.Follow(z.apex, from, to, come, gone)
}

// valuesIn returns the values in a list of records. A primary of our own kind
// says everything about them; another one has TXT records only, and they stay
// as long as it has them.
func (z zone) valuesIn(list []dns.RR, own bool) ([]values.Value, error) {
	var found []values.Value
	for _, rr := range list {
		text, isText := rr.(*dns.TXT)
		switch {
		case own && rr.Header().Rrtype == typeValue:
			v, err := parseValue(rr)
			if err != nil {
				return nil, err
			}
			found = append(found, v)
		case !own && isText && !z.isFixed(rr):
			v := values.Value{Owner: delegation.Name(dns.CanonicalName(rr.Header().Name)), TTL: rr.Header().Ttl}
			var err error
			if v.Text, err = txt.Join(text.Txt); err != nil {
				return nil, err
			}
			found = append(found, v)
		}
	}
	return found, nil
}

// isFixed reports whether the configuration has a record.
func (z zone) isFixed(rr dns.RR) bool {
	return slices.ContainsFunc(z.fixed[delegation.Name(dns.CanonicalName(rr.Header().Name))], func(f dns.RR) bool { return dns.IsDuplicate(f, rr) })
}
