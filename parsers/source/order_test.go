package source_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// Many logs of the same time take no more, line for line, than few.
func TestOrdererOfManyLogs(t *testing.T) {
	const logs, rounds, lines = 1500, 2, 150
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	var batches []*source.Batch
	for round := range rounds {
		for n := range logs {
			b := &source.Batch{Log: &source.Log{}, Requests: make([]parsers.Request, lines)}
			src := &parsers.Source{ID: n, Fingerprint: fmt.Sprint(n * 7 % logs)}
			for i := range b.Requests {
				line := round*lines + i
				b.Requests[i] = parsers.Request{Time: at.Add(time.Duration(line) * time.Second), Source: src, Line: int64(line + 1)}
			}
			batches = append(batches, b)
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before := stats.TotalAlloc
	var o source.Orderer
	var got []*parsers.Request
	for n, b := range batches {
		o.Add(b)
		got = append(got, o.Release(at.Add(time.Duration(n/logs*lines)*time.Second))...)
	}
	got = append(got, o.Drain()...)
	runtime.ReadMemStats(&stats)
	// To merge takes memory in which to do it: 200 bytes a request, and were each batch merged
	// with all that is held, thousands.
	if each := (stats.TotalAlloc - before) / (logs * rounds * lines); each > 1000 {
		t.Errorf("%d bytes a request", each)
	}
	if len(got) != logs*rounds*lines || !slices.IsSortedFunc(got, (*parsers.Request).Compare) {
		t.Errorf("%d requests, in order: %v", len(got), slices.IsSortedFunc(got, (*parsers.Request).Compare))
	}
}
