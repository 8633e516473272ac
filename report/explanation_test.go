package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// The table of steps keeps within the terminal: what each row would say again goes first.
func TestExplanationFits(t *testing.T) {
	began := time.Date(2026, 3, 1, 1, 5, 0, 0, time.UTC)
	of := func(files ...string) *report.Explanation {
		x := report.Explained{Window: "1h", Account: &detect.Account{Key: "user ann"}}
		for i := range 12 {
			n := int64(i + 1)
			x.Account.Steps = append(x.Account.Steps, detect.Step{
				N: 290 + n, At: began.Add(time.Duration(i) * time.Second), Method: "GET", Path: "/api/v1/contacts", Status: 200, Within: n,
				Level: &detect.Level{Have: 900 * n, Need: 10001},
			})
			x.Places = append(x.Places, report.Place{File: files[i%len(files)], Line: 9336 + n})
		}
		return &report.Explanation{Events: []report.Explained{x}}
	}
	one := of("/var/log/nginx/access.log")
	for _, tt := range []struct {
		of    *report.Explanation
		width int
		want  string // the first row, its blanks as one
	}{
		{one, 120, "291 01:05:00 GET /api/v1/contacts 200 1 900 of 10001 /var/log/nginx/access.log:9337"},
		{one, 80, "291 01:05:00 GET /api/v1/contacts 200 1 900 of 10001 9337"},
		{one, 60, "291 01:05:00 GET /api/v1/contacts 200 900 9337"},
		{of("/var/log/nginx/access.log", "/var/log/nginx/access.log.1"), 80, "291 01:05:00 GET /api/v1…ontacts 200 1 900 /var…s.log:9337"},
		{of("/var/log/nginx/access.log", "/var/log/nginx/access.log.1"), 60, "291 01:05:00 GET /a…cts 200 900 /var…s.log:9337"},
	} {
		t.Run(fmt.Sprint(tt.width), func(t *testing.T) {
			var b strings.Builder
			if err := report.ExplanationText(&b, tt.of, report.Look{Width: tt.width}); err != nil {
				t.Fatal(err)
			}
			found := false
			for line := range strings.Lines(b.String()) {
				if n := lipgloss.Width(strings.TrimRight(line, "\n")); n > tt.width {
					t.Errorf("%d cells are more than %d: %q", n, tt.width, line)
				}
				found = found || strings.Join(strings.Fields(line), " ") == tt.want
			}
			if !found {
				t.Errorf("no row %q in\n%s", tt.want, b.String())
			}
		})
	}
}
