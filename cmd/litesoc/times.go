package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/report/store"
)

// parseSpan reads --since and --until.
func parseSpan(since, until string, now time.Time) (span store.Span, err error) {
	if span.Since, err = parseTime(since, now); err != nil {
		return span, misuse(timeHint, "--since: %w", err)
	}
	if span.Until, err = parseTime(until, now); err != nil {
		return span, misuse(timeHint, "--until: %w", err)
	}
	if !span.Since.IsZero() && !span.Until.IsZero() && !span.Since.Before(span.Until) {
		return span, misuse("", "--since %s is not before --until %s", since, until)
	}
	return span, nil
}

const timeHint = "a time such as 2026-03-01, 2026-03-01T10:00 or 2026-03-01T10:00:00+01:00 (UTC if it has no zone), or how long ago: 90m, 24h, 7d"

// timeLayouts are the ways to write a time. One without a zone is in UTC.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// parseTime reads a time, or how long before now it was. The zero time stands for an
// empty text.
func parseTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 1e5 {
			return now.Add(-time.Duration(n * 24 * float64(time.Hour))).UTC(), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago).UTC(), nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", text)
}
