package nameserver

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"time"
)

// cookies makes and checks server cookies (RFC 9018): who has one has got an
// answer from us at its address before.
type cookies struct{ k0, k1 uint64 }

func newCookies() cookies {
	var secret [16]byte
	rand.Read(secret[:])
	return cookies{binary.LittleEndian.Uint64(secret[:8]), binary.LittleEndian.Uint64(secret[8:])}
}

const (
	clientCookie = 8  // octets
	wholeCookie  = 24 // with ours: version, reserved, time and hash (RFC 9018 §4)

	cookieAge     = time.Hour       // RFC 9018 §4.3
	cookieAhead   = 5 * time.Minute // of a clock that is not quite ours
	cookieRenewed = 30 * time.Minute
)

// cookieLength reports whether a cookie option can be that long (RFC 7873 §4).
func cookieLength(n int) bool { return n == clientCookie || 16 <= n && n <= 40 }

// answer returns the cookie option to answer with: the one that came if it is
// good for some time, else one with a new server's part.
func (c cookies) answer(cookie []byte, from netip.Addr) []byte {
	now := time.Now()
	if age, ok := c.age(cookie, from, now); ok && age < cookieRenewed {
		return cookie
	}
	return c.make(cookie[:clientCookie], from, uint32(now.Unix()))
}

// valid reports whether a cookie was made by us for this client.
func (c cookies) valid(cookie []byte, from netip.Addr) bool {
	_, ok := c.age(cookie, from, time.Now())
	return ok
}

func (c cookies) age(cookie []byte, from netip.Addr, now time.Time) (time.Duration, bool) {
	if len(cookie) != wholeCookie {
		return 0, false
	}
	made := binary.BigEndian.Uint32(cookie[12:16])
	age := time.Duration(int32(uint32(now.Unix())-made)) * time.Second
	want := c.make(cookie[:clientCookie], from, made)
	return age, subtle.ConstantTimeCompare(cookie, want) == 1 && -cookieAhead <= age && age <= cookieAge
}

// make returns a client's cookie with ours behind it (RFC 9018 §4.4).
func (c cookies) make(client []byte, from netip.Addr, made uint32) []byte {
	cookie := make([]byte, 16, wholeCookie+16)
	copy(cookie, client)
	cookie[8] = 1 // version; three reserved octets follow
	binary.BigEndian.PutUint32(cookie[12:], made)
	hash := c.hash(append(cookie, from.Unmap().AsSlice()...))
	return binary.LittleEndian.AppendUint64(cookie, hash)
}

// hash is SipHash-2-4 (Aumasson and Bernstein, 2012).
func (c cookies) hash(text []byte) uint64 {
	h := sipHash{c.k0 ^ 0x736f6d6570736575, c.k1 ^ 0x646f72616e646f6d, c.k0 ^ 0x6c7967656e657261, c.k1 ^ 0x7465646279746573}
	last := uint64(len(text)) << 56
	for ; len(text) >= 8; text = text[8:] {
		h.word(binary.LittleEndian.Uint64(text))
	}
	for n, octet := range text {
		last |= uint64(octet) << (8 * n)
	}
	h.word(last)
	h.v2 ^= 0xff
	for range 4 {
		h.round()
	}
	return h.v0 ^ h.v1 ^ h.v2 ^ h.v3
}

type sipHash struct{ v0, v1, v2, v3 uint64 }

func (h *sipHash) word(m uint64) {
	h.v3 ^= m
	h.round()
	h.round()
	h.v0 ^= m
}

func (h *sipHash) round() {
	h.v0 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 13) ^ h.v0
	h.v0 = bits.RotateLeft64(h.v0, 32)
	h.v2 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 16) ^ h.v2
	h.v0 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 21) ^ h.v0
	h.v2 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 17) ^ h.v2
	h.v2 = bits.RotateLeft64(h.v2, 32)
}
