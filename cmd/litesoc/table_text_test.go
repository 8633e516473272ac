package main

import (
	"errors"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
)

// A table keeps to the screen, whatever it holds, and cuts no id and no time.
func TestTextTableFits(t *testing.T) {
	id, at := "alt_0123456789abcdef", "2026-03-01 10:00:00"
	long := strings.Repeat("a very long text of a log ", 8)
	for _, width := range []int{0, 40, 60, 80, 120, 300} {
		for _, below := range []int{0, 2} {
			var b strings.Builder
			table := &textTable{w: &b, width: width, below: below, under: map[int][]string{}}
			if err := table.columns([]string{"id", "began (UTC)", "requests", "who", "what"}); err != nil {
				t.Fatal(err)
			}
			for _, row := range [][]any{{id, at, int64(1_000_000), "zoe", "Mass export"}, {id, at, int64(3), long, long}, {id, at, int64(0), nil, ""}} {
				if err := table.row(row); err != nil {
					t.Fatal(err)
				}
			}
			if err := table.end(); err != nil {
				t.Fatal(err)
			}
			out := b.String()
			if strings.Count(out, id) != 3 || strings.Count(out, at) != 3 || !strings.Contains(out, "1000000") || !strings.Contains(out, "Mass export") {
				t.Errorf("in %d cells something is missing:\n%s", width, out)
			}
			// Ids and times that stand beside each other need their room.
			if least := lipgloss.Width(id + "  " + at + "  requests"); width >= least || width > 0 && below == 0 {
				for line := range strings.Lines(out) {
					if n := lipgloss.Width(strings.TrimSuffix(line, "\n")); n > width && width > 0 {
						t.Errorf("a line of %d cells, not %d: %q", n, width, line)
					}
				}
			}
		}
	}
}

// A list on a screen that is too narrow even for the columns that may not stand under their
// row has more of them there: no line is broken by the screen.
func TestListOnNarrowScreen(t *testing.T) {
	for _, width := range []int{40, 60, 80, 120} {
		var b strings.Builder
		list := &textTable{w: &b, width: width, below: 2}
		err := errors.Join(list.columns([]string{"id", "severity", "status", "began (UTC)", "requests", "who", "what"}),
			list.row([]any{"alt_1cc89017aea76451", "critical", "open", "2026-03-03 01:05:08", int64(300), "omar@initech.example", "Mass export"}), list.end())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := lipgloss.Width(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d columns: a line of %d: %s", width, n, line)
			}
		}
		for _, want := range []string{"300", "omar@initech.example", "Mass export"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%d columns: no %q in\n%s", width, want, b.String())
			}
		}
	}
}
