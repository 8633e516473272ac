package detect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Hours are the hours of a week in which people work, in their own time zone: holidays
// are not known. The zero value has none, and then every hour is one of them.
type Hours struct {
	text   string // as it was set
	zone   *time.Location
	ranges []hourRange
}

// An hourRange is from one minute of a week up to another, counted from Sunday 00:00 by
// the clock on the wall.
type hourRange struct{ from, to int }

const (
	minutesOfDay  = 24 * 60
	minutesOfWeek = 7 * minutesOfDay
	// maxHours bounds the text of hours: nobody's week is longer than that.
	maxHours = 500
)

// ParseHours reads business hours: days and times of day, as often as there are, and a
// time zone of the IANA database at the end, else UTC.
//
//	Mon-Fri 08:00-18:00 Europe/Berlin
//	Mon-Thu 08:00-12:00, 13:00-17:00; Fri 8:00-13:00 America/New_York
//	Sun,Tue 22:00-06:00
//
// Several times may stand behind the same days. A range ends before its last minute; one
// that ends before it begins goes on into the next day. An empty text is no hours.
func ParseHours(text string) (Hours, error) {
	h := Hours{text: strings.Join(strings.Fields(text), " "), zone: time.UTC}
	if h.text == "" {
		return Hours{}, nil
	}
	if len(h.text) > maxHours {
		return Hours{}, fmt.Errorf("business hours of more than %d bytes", maxHours)
	}
	words := strings.FieldsFunc(h.text, func(c rune) bool { return c == ' ' || c == ',' || c == ';' })
	var days []int
	timed := false // whether the days have a time behind them
	for i, word := range words {
		if more, ok := parseDays(word); ok {
			if timed {
				days, timed = nil, false
			}
			days = append(days, more...)
			continue
		}
		if from, to, ok := parseTimes(word); ok {
			if len(days) == 0 {
				return Hours{}, fmt.Errorf("time %q belongs to no day", word)
			}
			for _, day := range days {
				h.add(day*minutesOfDay+from, day*minutesOfDay+to)
			}
			timed = true
			continue
		}
		if i < len(words)-1 {
			return Hours{}, fmt.Errorf("%q is neither days (Mon-Fri) nor a time (08:00-18:00)", word)
		}
		var err error
		if h.zone, err = time.LoadLocation(word); err != nil || word == "Local" { // the zone of whoever reads the log is no setting
			return Hours{}, fmt.Errorf("%q is neither days (Mon-Fri), a time (08:00-18:00) nor a time zone (Europe/Berlin)", word)
		}
	}
	if !timed {
		return Hours{}, errors.New("days without a time: want days and times, like Mon-Fri 08:00-18:00 Europe/Berlin")
	}
	return h, nil
}

// add puts in a range that may reach into the week after.
func (h *Hours) add(from, to int) {
	h.ranges = append(h.ranges, hourRange{from, min(to, minutesOfWeek)})
	if to > minutesOfWeek {
		h.ranges = append(h.ranges, hourRange{0, to - minutesOfWeek})
	}
}

// String returns the text that was parsed.
func (h Hours) String() string { return h.text }

// Outside tells whether hours are set and t lies outside all of them.
func (h Hours) Outside(t time.Time) bool {
	if len(h.ranges) == 0 {
		return false
	}
	t = t.In(h.zone)
	minute := int(t.Weekday())*minutesOfDay + t.Hour()*60 + t.Minute()
	for _, r := range h.ranges {
		if minute >= r.from && minute < r.to {
			return false
		}
	}
	return true
}

// outside counts a request: 1 if it lies outside, else 0.
func (h Hours) outside(t time.Time) int64 {
	if h.Outside(t) {
		return 1
	}
	return 0
}

// mostly tells whether more than half of an event's requests lie outside, of which there
// are n among count.
func mostly(n, count int64) bool { return 2*n > count }

// raised is one severity more.
func (s Severity) raised() Severity { return min(s+1, Critical) }

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseDays reads a day or days: "Mon", "Fri-Mon".
func parseDays(word string) (days []int, ok bool) {
	first, last, isRange := strings.Cut(word, "-")
	from := weekday(first)
	if from < 0 {
		return nil, false
	}
	to := from
	if isRange {
		if to = weekday(last); to < 0 {
			return nil, false
		}
	}
	for day := from; ; day = (day + 1) % 7 {
		days = append(days, day)
		if day == to {
			return days, true
		}
	}
}

func weekday(word string) int {
	for i, day := range weekdays {
		if strings.EqualFold(word, day) || strings.EqualFold(word, time.Weekday(i).String()) {
			return i
		}
	}
	return -1
}

// parseTimes reads a range of times of day, in minutes: "08:00-18:00". The end is later
// than the beginning; beyond midnight it is more than a day.
func parseTimes(word string) (from, to int, ok bool) {
	first, last, isRange := strings.Cut(word, "-")
	from, ok1 := parseTime(first)
	to, ok2 := parseTime(last)
	if !isRange || !ok1 || !ok2 || from == to || from == minutesOfDay {
		return 0, 0, false
	}
	if to < from {
		to += minutesOfDay
	}
	return from, to, true
}

// parseTime reads a time of day, up to 24:00, in minutes.
func parseTime(s string) (minutes int, ok bool) {
	hour, minute, isTime := strings.Cut(s, ":")
	if !isTime || len(hour) < 1 || len(hour) > 2 || len(minute) != 2 {
		return 0, false
	}
	h, err1 := strconv.ParseUint(hour, 10, 8)
	m, err2 := strconv.ParseUint(minute, 10, 8)
	if err1 != nil || err2 != nil || m > 59 || h*60+m > minutesOfDay {
		return 0, false
	}
	return int(h*60 + m), true
}

// businessHours adds the setting that detectors of exfiltration share. What is found
// mostly outside is of one severity more; without hours nothing is outside.
func (d *Detector) businessHours() *Hours {
	var h hoursSetting
	d.Flags.Var(&h, "business-hours", "`hours` of work, like \"Mon-Fri 08:00-18:00 Europe/Berlin\": what lies mostly outside is one severity worse; empty for none")
	return (*Hours)(&h)
}

type hoursSetting Hours

func (h *hoursSetting) String() string { return h.text }

func (h *hoursSetting) Set(s string) error {
	v, err := ParseHours(s)
	if err == nil {
		*h = hoursSetting(v)
	}
	return err
}
