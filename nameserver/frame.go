package nameserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// Secondaries look at nothing but the serial. So it rises also where no value
// changes: when the configuration gives the zone other records or another key,
// and when its signatures have to be made anew.

// framesEvery is how often zones are looked at whose signatures may be old.
const framesEvery = time.Minute

// hasCopies reports whether others have the zone from us, and we have it from
// nobody.
func (z *hosted) hasCopies() bool { return len(z.Secondaries) > 0 && z.Primary == nil }

// digestOf returns a digest of the records that the configuration gives a zone.
func digestOf(z *hosted) string {
	all := zone{z, z.Zone.Name}
	list := append(all.ns(), all.soaAt(0))
	if z.Signer != nil {
		list = append(list, z.Signer.dnskey(all.apex))
	}
	for _, name := range sortedNames(z.fixed) {
		list = append(list, z.fixed[name]...)
	}
	texts := make([]string, 0, len(list))
	for _, rr := range list {
		texts = append(texts, rr.String())
	}
	slices.Sort(texts)
	h := sha256.New()
	fmt.Fprintln(h, seconds(z.TTL)) // of values
	for _, text := range texts {
		fmt.Fprintln(h, text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// frame gives zones of which there are copies new frames when they are due,
// until the context is done.
func (s *Server) frame(ctx context.Context) {
	ticker := time.NewTicker(framesEvery)
	defer ticker.Stop()
	for {
		s.frameAll()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Server) frameAll() {
	h := s.hosting.Load()
	for _, apex := range h.copied() {
		z, _ := h.zone(apex)
		have, want := z.values.Frame(apex), values.Frame{Digest: z.digest}
		if z.Signer != nil {
			want.Signed = have.Signed
			if age := time.Since(have.Signed); age < -signedAgo || age >= signAgain {
				want.Signed = time.Now().Truncate(time.Second).UTC()
			}
		}
		if want == have {
			continue
		}
		if err := z.values.SetFrame(apex, want); err != nil {
			s.log.Error("a zone cannot be renewed for its secondaries", "zone", apex.Bare(), "error", err.Error())
			continue
		}
		s.log.Info("zone renewed for its secondaries", "zone", apex.Bare(), "serial", z.values.Serial(apex), "signed", z.Signer != nil)
	}
}

// copied returns the zones of which there may be copies: of families those that
// were ever changed.
func (h *hosting) copied() []delegation.Name {
	var names []delegation.Name
	for name, z := range h.zones {
		if z.hasCopies() {
			names = append(names, name)
		}
	}
	for _, apex := range h.config.Values.Zones() {
		if z, ok := h.zone(apex); ok && z.apex == apex && z.Family && z.hasCopies() {
			names = append(names, apex)
		}
	}
	slices.Sort(names)
	return names
}
