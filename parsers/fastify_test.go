package parsers

import (
	"fmt"
	"testing"
)

const (
	fastifyRequest = `{"level":30,"time":1772359200123,"pid":%d,"hostname":"web-1","reqId":"req-1","req":{"method":"GET","url":"/a","remoteAddress":"203.0.113.9"},"msg":"incoming request"}`
	fastifyAnswer  = `{"level":30,"time":1772359200130,"pid":%d,"hostname":"web-1","reqId":"req-1","res":{"statusCode":200},"responseTime":7,"msg":"request completed"}`
)

// A log of requests that never end takes no more memory.
func TestFastifyBounded(t *testing.T) {
	p := newJSONParser(JSONConfig{})
	var f Fields
	for pid := range 4 * maxBegun {
		_ = p.parse(fmt.Sprintf(fastifyRequest, pid), &f)
		if n := len(p.begun.young) + len(p.begun.old); n > 2*maxBegun {
			t.Fatalf("%d requests are remembered, want at most %d", n, 2*maxBegun)
		}
	}
	for pid, want := range map[int]bool{0: false, 3*maxBegun - 1: true, 4*maxBegun - 1: true} {
		if err := p.parse(fmt.Sprintf(fastifyAnswer, pid), &f); (err == nil) != want {
			t.Errorf("of process %d: %v", pid, err)
		}
	}
}

// The last line of a log may be read before it has its end, and again then.
func TestFastifyAgain(t *testing.T) {
	parse := JSON(JSONConfig{}).New()
	var first, second, third Fields
	_ = parse(fmt.Sprintf(fastifyRequest, 1), &first)
	answer := fmt.Sprintf(fastifyAnswer, 1)
	if err := parse(answer, &first); err != nil || first.Target != "/a" || first.Status != 200 {
		t.Fatalf("%v, %+v", err, first)
	}
	if err := parse(answer, &second); err != nil || second != first {
		t.Errorf("again: %v, %+v", err, second)
	}
	if err := parse(fmt.Sprintf(fastifyAnswer, 2), &third); err == nil {
		t.Errorf("of another process: %+v", third)
	}
}
