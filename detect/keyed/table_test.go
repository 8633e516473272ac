package keyed

import (
	"fmt"
	"testing"
	"time"
)

type silent struct{}

func (*silent) Observe(string, func(string)) {}

// Memory does not grow with the keys that came and went.
func TestEntriesAreUsedAgain(t *testing.T) {
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	order := Order[string, string]{
		Time: func(string) time.Time { return now },
		ID:   func(o string) string { return o },
	}
	e := New(order, 1, &Machine[string, string]{
		Name:  "silent",
		Group: &Group[string]{Key: func(item string, b []byte) []byte { return append(b, item...) }},
		TTL:   time.Second,
		New:   func() State[string, string] { return &silent{} },
	})
	for n := range 10_000 {
		now = now.Add(time.Second)
		e.Advance([]string{fmt.Sprint(n)}, now.Add(1), nil)
	}
	entries, keys := 0, 0
	for p := range e.shards[0].all() {
		entries += len(p.tables[0].entries)
		keys += len(p.keys)
	}
	// Two keys live at a time; each of the 16 parts has held both of them at most.
	if entries > 2*partitions || keys > 2*partitions {
		t.Errorf("%d entries and %d records for 10000 keys, two at a time", entries, keys)
	}
}
