package parsers

import (
	"strings"
	"testing"
	"unsafe"
)

// All that is remembered of a text is in two lines of the processor's: what finds it in the
// first, the text too if it is short, and what became of it in the second.
func TestMemo(t *testing.T) {
	var all remembered
	if unsafe.Sizeof(all) != 128 || unsafe.Offsetof(all.short)+unsafe.Sizeof(all.short) > 64 || unsafe.Offsetof(all.stored) < 64 {
		t.Errorf("%d bytes, what became of it from %d", unsafe.Sizeof(all), unsafe.Offsetof(all.stored))
	}
	m := newMemo(2)
	for n := range maxMemoLen + 2 {
		text := strings.Repeat("x", n)
		r := m.keep(&remembered{text: text, stored: text, route: text})
		if r.text != text || r.stored != text || r.route != text {
			t.Errorf("of %d bytes %q, %q and %q are remembered", n, r.text, r.stored, r.route)
		}
		if n > 0 && n <= len(r.short) && unsafe.StringData(r.stored) != &r.short[0] {
			t.Errorf("%d bytes lie elsewhere", n)
		}
		if found := m.find(text); (found == r) != (n <= maxMemoLen) {
			t.Errorf("of %d bytes %v is found, want %v", n, found, r)
		}
	}
}
