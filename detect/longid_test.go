package detect

import "testing"

func TestLongID(t *testing.T) {
	for _, test := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"65f1a2b3c4d5e6f7a8001009", 0x44d5e6f7a8001009, true},
		{"65f1a2ffc4d5e6f7a800100A", 0x44d5e6f7a800100a, true}, // made later
		{"ffffffffffffffffffffffff", 0x7fffffffffffffff, true},
		{"65f1a2bxc4d5e6f7a8001009", 0, false},
		{"65f1a2b3c4d5e6f7a800100x", 0, false},
		{"65f1a2b3c4d5e6f7a80010", 0, false},
		{"a0000001-1dd2-11b2-8001-0242ac120002", 0x1b21dd2a0000001, true},
		{"00000000-0000-0000-0000-000000001009", 0x1009, true},
		{"a0000001-1dd2-41b2-8001-0242ac120002", 0, false},
		{"018f4c2e-1dd2-71b2-8001-0242ac120002", 0, false},
		{"a0000001-1dd2-11b2-8001_0242ac120002", 0, false},
		{"a000000x-1dd2-11b2-8001-0242ac120002", 0, false},
		{"aabbcc001009", 0xaabbcc001009, true},
		{"AA:BB:CC:00:10:09", 0xaabbcc001009, true},
		{"70b3d57ed0001009", 0x70b3d57ed0001009, true},
		{"aabbcc00100x", 0, false},
		{"a-day-in-may-2026", 0, false},
		{"a000000101dd2-11b2-8001-0242ac120002", 0, false},
		{"a0000001-1dd2011b2-8001-0242ac120002", 0, false},
		{"a0000001-1dd2-11b208001-0242ac120002", 0, false},
		{"a0000001-1dd2-11b2-800100242ac120002", 0, false},
		{"", 0, false},
	} {
		if n, ok := longID(test.text); n != test.want || ok != test.ok {
			t.Errorf("%q: %#x, %v; want %#x, %v", test.text, n, ok, test.want, test.ok)
		}
	}
}
