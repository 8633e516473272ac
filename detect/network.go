package detect

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/litesoc/litesoc/parsers"
)

// appendClient appends an address to b; of an IPv6 address its /64.
func appendClient(b []byte, address string) []byte {
	if strings.IndexByte(address, ':') < 0 {
		return append(b, address...)
	}
	if n, _ := network64(address); n > 0 {
		return appendNetwork(b, address[:n])
	}
	if a, err := netip.ParseAddr(address); err == nil && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.AppendTo(b)
		}
	}
	return append(b, address...)
}

func appendNetwork(b []byte, network string) []byte { return append(append(b, network...), "::/64"...) }

// appendClientOf is appendClient for the client of a request.
func appendClientOf(b []byte, r *parsers.Request) []byte {
	switch n := int(r.PlaceLen); n {
	case 0:
		return appendClient(b, r.ClientIP)
	case len(r.ClientIP):
		return append(b, r.ClientIP...)
	default:
		return appendNetwork(b, r.ClientIP[:n])
	}
}

// network64 reads the /64 of an IPv6 address in canonical form (RFC 5952), in a fraction of
// the time that netip takes: how long its text is, and its bits. Of other texts, and of
// addresses that leave out zeros before their fifth group or have a fourth of 0, it reads
// nothing: the length is 0.
func network64(address string) (n int, bits uint64) {
	rest := address
	for range 4 {
		group, digits := hexGroup(rest)
		if digits == 0 || digits > 4 || rest[0] == '0' && digits > 1 || digits == len(rest) || rest[digits] != ':' {
			return 0, 0
		}
		bits, rest = bits<<16|group, rest[digits+1:]
	}
	if bits&0xffff == 0 || !isHalf(rest) {
		return 0, 0
	}
	return len(address) - len(rest) - 1, bits
}

// hexGroup reads the digits, in lower case, at the beginning of s.
func hexGroup(s string) (group uint64, digits int) {
	for ; digits < len(s); digits++ {
		switch c := s[digits]; {
		case c >= '0' && c <= '9':
			group = group<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			group = group<<4 | uint64(c-'a'+10)
		default:
			return group, digits
		}
	}
	return group, digits
}

// isHalf tells whether s, behind four groups and a colon, makes an IPv6 address of them: four
// groups more, or fewer and a gap.
func isHalf(s string) bool {
	gap := strings.HasPrefix(s, ":")
	if gap {
		s = s[1:]
	}
	groups := 0
	for s != "" {
		_, digits := hexGroup(s)
		if digits == 0 || digits > 4 {
			return false
		}
		groups++
		if s = s[digits:]; s == "" {
			break
		}
		if s[0] != ':' || len(s) == 1 || s[1] == ':' && gap {
			return false
		}
		if s = s[1:]; s[0] == ':' {
			gap, s = true, s[1:]
		}
	}
	return groups == 4 && !gap || groups < 4 && gap
}

// placeTag tells apart where requests come from. The addresses of an IPv6 /64 are one
// place: whoever has one of them has them all, and ordinary devices change theirs daily. The
// tag is the one that the request brings, else a new one.
func placeTag(r *parsers.Request) uint64 {
	if r.PlaceTag != 0 {
		return r.PlaceTag
	}
	tag, _ := newPlaceTag(r)
	return tag
}

// setPlace sets the tag of a request, and what Request.PlaceLen says, if they are not there yet. It
// leaves them in the notes of the client.
func setPlace(r *parsers.Request) {
	if r.PlaceTag == 0 {
		r.PlaceTag, r.PlaceLen = newPlaceTag(r)
		r.ClientNotes.SetPlace(r.PlaceTag, r.PlaceLen)
	}
}

// newPlaceTag finds out the tag, and what Request.PlaceLen says.
func newPlaceTag(r *parsers.Request) (place uint64, length uint8) {
	if strings.IndexByte(r.ClientIP, ':') < 0 {
		if len(r.ClientIP) > math.MaxUint8 {
			return tag(r.ClientIP), 0
		}
		return tag(r.ClientIP), uint8(len(r.ClientIP))
	}
	if n, network := network64(r.ClientIP); n > 0 {
		return xxh3.Hash(binary.BigEndian.AppendUint64(make([]byte, 0, 8), network)), uint8(n)
	}
	a, err := netip.ParseAddr(r.ClientIP)
	if err != nil || a.Unmap().Is4() {
		return tag(r.ClientIP), 0
	}
	b := a.As16()
	return xxh3.Hash(b[:8]), 0
}
