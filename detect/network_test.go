package detect

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// Whatever network64 reads is what netip reads, and of addresses as logs have them it reads
// most.
func checkNetwork64(t *testing.T, text string) (read bool) {
	t.Helper()
	n, bits := network64(text)
	if n == 0 {
		return false
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatalf("%q is no address, and has the network %q", text, text[:n])
	}
	p, _ := a.Prefix(64)
	b := a.As16()
	if got := text[:n] + "::/64"; got != p.String() || bits != binary.BigEndian.Uint64(b[:]) {
		t.Fatalf("%s is in %s (%x), want %s", text, got, bits, p)
	}
	return true
}

func TestNetwork64(t *testing.T) {
	for _, c := range []struct {
		text string
		read bool
	}{
		{"2001:db8:1:2:3:4:5:6", true},
		{"2001:db8:1:2::", true},
		{"2001:db8:1:2::6", true},
		{"2001:db8:0:2:3:4:5:6", true},
		{"2001:db8:1:2:3::6", true},
		{"2001:db8:1:2:3:4::", true},
		{"2001:db8:1:0:3:4:5:6", false},
		{"2001:db8::3:4:5:6", false},
		{"2001:DB8:1:2:3:4:5:6", false},
		{"2001:0db8:1:2:3:4:5:6", false},
		{"2001:db8:1:2:3:4:5", false},
		{"2001:db8:1:2:3:4:5:6:7", false},
		{"2001:db8:1:2:", false},
		{"2001:db8:1:2", false},
		{"2001:db8:1:2:3:", false},
		{"2001:db8:1:2:::", false},
		{"2001:db8:1:2::3::", false},
		{"2001:db8:1:2::3:4:5:6", false},
		{"2001:db8:1:2:3:4:192.0.2.1", false},
		{"2001:db8:1:2::6%eth0", false},
		{"2001:db8:1:2:nobody", false},
		{"12345:db8:1:2::6", false},
		{"", false},
		{":", false},
	} {
		if read := checkNetwork64(t, c.text); read != c.read {
			t.Errorf("%q: read %v, want %v", c.text, read, c.read)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"0", "1", "00", "ab", "ffff", "12345", "", ":", ":", "g", "1.2"}
	for range 200_000 {
		var text []string
		for range random.IntN(10) {
			text = append(text, parts[random.IntN(len(parts))])
		}
		checkNetwork64(t, strings.Join(text, ":"))
	}
	for range 10_000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(random.Uint32()>>random.UintN(32)) & byte(-random.IntN(2))
		}
		checkNetwork64(t, netip.AddrFrom16(b).String())
	}
}
