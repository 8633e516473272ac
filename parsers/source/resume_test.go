package source_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A log whose header says how its lines are written is read on in its middle as it is
// read from its start, also where the header has changed on the way.
func TestGrowingWithHeader(t *testing.T) {
	for _, test := range []struct{ name, before, after string }{
		{"bare", "", "\r\n"},
		{"CloudWatch", "2026-03-01T10:00:08.000Z ", "\n"},
		{"Kubernetes", "2026-03-01T10:00:08.123456789Z stdout F ", "\n"},
		{"Docker", `{"log":"`, `\r\n","stream":"stdout","time":"2026-03-01T10:00:08Z"}` + "\n"},
		{"events", `{"timestamp":1772359208123,"message":"`, `"}` + "\n"},
		{"document", "{\n" + `"timestamp":1772359208123,"message":"`, `"}` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) { testGrowingWithHeader(t, test.before, test.after) })
	}
}

func testGrowingWithHeader(t *testing.T, before, after string) {
	var text strings.Builder
	for i := range 60 {
		if i%20 == 0 {
			fields := []string{"date time c-ip cs-method cs-uri-stem sc-status x-extra", "x-extra date time cs-method cs-uri-stem sc-status c-ip"}[i/20%2]
			fmt.Fprintf(&text, "%s#Version: 1.0%s%[1]s#Fields: %[3]s%[2]s", before, after, fields)
		}
		at := fmt.Sprintf("2026-03-01 10:00:%02d", i)
		if i/20%2 == 0 {
			fmt.Fprintf(&text, "%s%s 192.0.2.%d GET /p/%d 200 e%s", before, at, i+1, i, after)
		} else {
			fmt.Fprintf(&text, "%se %s GET /p/%d 200 192.0.2.%d%s", before, at, i, i+1, after)
		}
	}
	path := filepath.Join(t.TempDir(), "ex.log")
	opts := options(t, time.Minute)
	opts.Formats = parsers.All()
	content := text.String()
	want := read(t, opts, write(t, path, content))
	if len(want.judged) != 60 || want.plan.Logs[0].At.Rejected != 0 {
		t.Fatalf("%d requests, %d rejected; want 60, 0", len(want.judged), want.plan.Logs[0].At.Rejected)
	}
	for _, share := range []int{8, 40, 60, 90} {
		cut := len(content) * share / 100
		opts := options(t, time.Minute)
		opts.Formats = parsers.All()
		end := strings.LastIndexByte(content[:cut], '\n') + 1
		first := read(t, opts, write(t, path, content[:end]))
		opts.Known = first.known()
		second := read(t, opts, write(t, path, content))
		if got := append(first.judged, second.judged...); !slices.Equal(got, want.judged) {
			t.Errorf("cut at %d: %d requests, not the %d of one reading", cut, len(got), len(want.judged))
		}
		if second.plan.Logs[0].At != want.plan.Logs[0].At {
			t.Errorf("cut at %d: stands at %+v, want %+v", cut, second.plan.Logs[0].At, want.plan.Logs[0].At)
		}
	}
}
