package source_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// Many logs of the same time take no longer, line for line, than few.
func TestOrdererOfManyLogs(t *testing.T) {
	const logs, rounds, lines = 1500, 2, 150
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	var o source.Orderer
	var got []*parsers.Request
	start := time.Now()
	for round := range rounds {
		for n := range logs {
			b := &source.Batch{Log: &source.Log{}, Requests: make([]parsers.Request, lines)}
			src := &parsers.Source{ID: n, Fingerprint: fmt.Sprint(n * 7 % logs)}
			for i := range b.Requests {
				line := round*lines + i
				b.Requests[i] = parsers.Request{Time: at.Add(time.Duration(line) * time.Second), Source: src, Line: int64(line + 1)}
			}
			o.Add(b)
			got = append(got, o.Release(at.Add(time.Duration(round*lines)*time.Second))...)
		}
	}
	got = append(got, o.Drain()...)
	// It takes half a second; were each batch merged with all that is held, half a minute.
	if took := time.Since(start); took > 8*time.Second {
		t.Error(took)
	}
	if len(got) != logs*rounds*lines || !slices.IsSortedFunc(got, (*parsers.Request).Compare) {
		t.Errorf("%d requests, in order: %v", len(got), slices.IsSortedFunc(got, (*parsers.Request).Compare))
	}
}
