package parsers

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// A clock reads the time stamps of one source. Most lines share their second with
// the line before, so it remembers the last text it parsed, in memory of its own: the
// line's is not kept alive.
type clock struct {
	text     [40]byte
	n        int
	time     time.Time
	from, to int   // where in text the digits of a fraction stand; to 0: there are none
	second   int64 // since 1970, without the fraction
}

// read returns the time that s states, in UTC.
func (c *clock) read(s string) (time.Time, bool) {
	if c.n > 0 && len(s) == c.n {
		if c.to > 0 {
			if nanos, ok := c.sameSecond(s); ok {
				return time.Unix(c.second, nanos).UTC(), true
			}
		} else if s == string(c.text[:c.n]) {
			return c.time, true
		}
	}
	t, ok := parseTime(s)
	if ok && len(s) <= len(c.text) {
		c.n = copy(c.text[:], s)
		c.time = t
		c.from, c.to = fractionOf(s)
		c.second = t.Unix()
	}
	return t, ok
}

// sameSecond returns the fraction, in billionths, of a time that is as long as the
// remembered one, which has one; ok tells that the two differ in it alone, if at all.
func (c *clock) sameSecond(s string) (nanos int64, ok bool) {
	if s[:c.from] != string(c.text[:c.from]) || s[c.to:] != string(c.text[c.to:c.n]) {
		return 0, false
	}
	part := s[c.from:c.to]
	for i := range len(part) {
		d := part[i] - '0'
		if d > 9 {
			return 0, false
		}
		nanos = nanos*10 + int64(d)
	}
	return nanos * scales[len(part)], true
}

// fractionOf tells where the digits of a fraction of a second stand in a time as ISO 8601
// has it; to is 0 where there is none, or one of more digits than count.
func fractionOf(s string) (from, to int) {
	from = len("2006-01-02T15:04:05.")
	if len(s) <= from || s[4] != '-' || s[7] != '-' || s[from-1] != '.' {
		return 0, 0
	}
	for to = from; to < len(s) && isDigit(s[to]); to++ {
	}
	if to-from >= len(scales) {
		return 0, 0
	}
	return from, to
}

// parseTime reads a time stamp in any of the shapes access logs use: common log
// format, ISO 8601 with any fraction and zone, HTTP's, the time since 1970 in seconds,
// milliseconds, microseconds or nanoseconds, and those of parseRareTime. A time without a
// zone is UTC.
func parseTime(s string) (t time.Time, ok bool) {
	switch {
	case len(s) >= 20 && s[2] == '/':
		t, ok = parseCLFTime(s)
	case len(s) >= 19 && (s[4] == '-' || s[4] == '/'):
		t, ok = parseISOTime(s)
	case len(s) >= len("20060102T150405") && s[8] == 'T':
		t, ok = makeTime(digits(s[:4]), digits(s[4:6]), digits(s[6:8]), digits(s[9:11]), digits(s[11:13]), digits(s[13:15]), s[15:])
	case len(s) >= len("Sun, 01 Mar 2026 10:00:00 GMT") && s[3] == ',':
		t, ok = parseHTTPTime(s)
	default:
		t, ok = parseEpoch(s)
	}
	if ok {
		return t, true
	}
	return parseRareTime(s)
}

// parseCLFTime reads "02/Jan/2006:15:04:05 -0700", also with a fraction.
func parseCLFTime(s string) (time.Time, bool) {
	if len(s) < 20 || s[2] != '/' || s[6] != '/' || s[11] != ':' || s[14] != ':' || s[17] != ':' {
		return time.Time{}, false
	}
	return makeTime(digits(s[7:11]), month(s[3:6]), digits(s[:2]), digits(s[12:14]), digits(s[15:17]), digits(s[18:20]), s[20:])
}

// parseISOTime reads "2006-01-02T15:04:05.000Z", also with a blank for the T,
// slashes in the date and any zone.
func parseISOTime(s string) (time.Time, bool) {
	if len(s) < 19 || s[7] != s[4] || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	if s[4] != '-' && s[4] != '/' || s[10] != 'T' && s[10] != ' ' && s[10] != 't' {
		return time.Time{}, false
	}
	return makeTime(digits(s[:4]), digits(s[5:7]), digits(s[8:10]), digits(s[11:13]), digits(s[14:16]), digits(s[17:19]), s[19:])
}

// parseHTTPTime reads "Sun, 01 Mar 2026 10:00:00 GMT", as HTTP and mail have it.
func parseHTTPTime(s string) (time.Time, bool) {
	if s[4] != ' ' || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' || s[19] != ':' || s[22] != ':' {
		return time.Time{}, false
	}
	return makeTime(digits(s[12:16]), month(s[8:11]), digits(s[5:7]), digits(s[17:19]), digits(s[20:22]), digits(s[23:25]), s[25:])
}

// parseRareTime reads what languages write where nobody has asked for a form, and what is
// exported for people:
//
//	2026-03-01 10:00:00.123456789 +0000 UTC m=+0.012  (Go)
//	2026-03-01T11:00:00+01:00[Europe/Berlin]          (Java)
//	Sun Mar 01 2026 10:00:00 GMT+0000 (Coordinated Universal Time)  (JavaScript)
//	Sun Mar  1 10:00:00 2026, Sun Mar  1 10:00:00 UTC 2026          (C, date)
//	Sunday, 01-Mar-26 10:00:00 GMT                    (RFC 850)
//	3/1/2026, 10:00:00 AM                             (of the United States: month, day)
//	2026-03-01, 10:00:00 a.m.
//	Mar 1, 2026, 10:00:00 AM; Mar 1, 2026 @ 10:00:00.000            (Java; Kibana)
//
// A date of numbers alone whose year comes last is read only with AM or PM in capitals: others
// write the day first, and it cannot be told. A zone that is but a name is one of zoneOffset.
func parseRareTime(s string) (time.Time, bool) {
	if len(s) < len("3/1/2026 1:00:00 AM") || len(s) > maxRareTime {
		return time.Time{}, false
	}
	if i := strings.Index(s, " m="); i > 0 { // Go's monotonic clock
		s = s[:i]
	}
	if i := strings.IndexAny(s, "[("); i > 0 { // the name of a zone whose offset stands before it
		s = strings.TrimSuffix(s[:i], " ")
	}
	var words rareTime
	for word := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ' ' || c == ',' || c == '@' || c == '\u202f' || c == '\u00a0' }) {
		if !words.take(word) {
			return time.Time{}, false
		}
	}
	return words.time()
}

// maxRareTime is how long such a time may be, in bytes.
const maxRareTime = 96

// A rareTime is what the words of a time have told so far; -1 is what none has.
type rareTime struct {
	year, month, day     int
	hour, minute, second int
	rest                 string // a fraction, and a zone that stands at the time
	zone                 string
	named                bool // the zone's name was there, too
	half                 byte // 'a' or 'p'
	begun                bool
	american             bool // a date of numbers, month first
	capitals             bool // of AM or PM
}

// take takes the next word, unless it cannot be part of a time.
func (r *rareTime) take(word string) bool {
	if !r.begun {
		*r = rareTime{year: -1, month: -1, day: -1, hour: -1, begun: true}
	}
	switch {
	case r.hour < 0 && strings.IndexByte(word, ':') > 0:
		if date, clock, joined := strings.Cut(word, "T"); joined {
			return r.takeDate(date) && r.takeClock(clock)
		}
		return r.takeClock(word)
	case r.year < 0 && strings.IndexAny(word, "-/") > 0 && isAlnum(word[0]) && !strings.HasPrefix(word, "GMT"):
		return r.takeDate(word)
	case r.month < 0 && len(word) >= 3 && month(word[:3]) > 0:
		r.month = month(word[:3])
		return r.month > 0 && isMonth(word)
	case r.day < 0 && len(word) <= 2 && allDigits(word):
		r.day = digits(word)
	case r.year < 0 && len(word) == 4 && allDigits(word):
		r.year = digits(word)
	case r.hour >= 0 && r.half == 0 && isHalf(word):
		r.half, r.capitals = word[0]|0x20, word[0] == 'A' || word[0] == 'P'
	case r.hour < 0 && isWeekday(word):
	case r.hour >= 0 && r.zone == "":
		if offset, found := strings.CutPrefix(word, "GMT"); found && offset != "" {
			word = offset
		}
		r.zone = word
	case !r.named: // the name of the zone behind its offset, or that again, where Go knows no name
		r.named = true
		return r.zone != "" && strings.IndexByte("+-", r.zone[0]) >= 0 && (isZoneName(word) || word == r.zone)
	default:
		return false
	}
	return true
}

// takeDate takes "2026-03-01", "3/1/2026" or "01-Mar-26".
func (r *rareTime) takeDate(s string) bool {
	i := strings.IndexAny(s, "-/")
	if i < 0 || len(s) > len("01-March-2026") {
		return false
	}
	sign := s[i]
	first, rest, _ := cutByte(s, sign)
	middle, last, found := cutByte(rest, sign)
	if !found || len(first) == 0 || len(middle) == 0 || len(last) == 0 {
		return false
	}
	switch {
	case len(first) == 4:
		r.year, r.month, r.day = digits(first), digits(middle), digits(last)
	case len(middle) == 3:
		r.day, r.month, r.year = digits(first), month(middle), digits(last)
		if len(last) == 2 { // from 1970 to 2069, as usual
			if r.year += 1900; r.year < 1970 {
				r.year += 100
			}
		}
	default:
		r.month, r.day, r.year = digits(first), digits(middle), digits(last)
		r.american = len(last) == 4 && sign == '/'
		return r.american
	}
	return r.year >= 1000
}

// takeClock takes "10:00:00" or "1:00:00.123", and a zone if it follows.
func (r *rareTime) takeClock(s string) bool {
	hour, rest, _ := cutByte(s, ':')
	minute, rest, found := cutByte(rest, ':')
	if !found || hour == "" || len(hour) > 2 || len(minute) != 2 || len(rest) < 2 {
		return false
	}
	r.hour, r.minute, r.second, r.rest = digits(hour), digits(minute), digits(rest[:2]), rest[2:]
	return r.hour >= 0
}

// time puts the time together.
func (r *rareTime) time() (time.Time, bool) {
	if r.american && !r.capitals {
		return time.Time{}, false
	}
	if r.half != 0 {
		if r.hour < 1 || r.hour > 12 {
			return time.Time{}, false
		}
		if r.hour %= 12; r.half == 'p' {
			r.hour += 12
		}
	}
	zone := 0
	if r.zone != "" {
		var ok bool
		if zone, ok = zoneOffset(r.zone); !ok {
			return time.Time{}, false
		}
	}
	t, ok := makeTime(r.year, r.month, r.day, r.hour, r.minute, r.second, r.rest)
	t = t.Add(-time.Duration(zone) * time.Second)
	return t, ok && inYears(t)
}

// zoneOffset reads a zone as parseZone does, and names that mean one offset wherever they are
// written: CST, IST and BST are others elsewhere.
func zoneOffset(s string) (offset int, ok bool) {
	hours := 0
	switch s {
	case "EST":
		hours = -5
	case "EDT":
		hours = -4
	case "MST":
		hours = -7
	case "MDT":
		hours = -6
	case "PST":
		hours = -8
	case "PDT":
		hours = -7
	case "WET":
	case "CET", "WEST":
		hours = 1
	case "EET", "CEST":
		hours = 2
	case "EEST":
		hours = 3
	default:
		return parseZone(s)
	}
	return hours * 3600, true
}

// isMonth tells whether the word, of which the first letters name a month, names that.
func isMonth(word string) bool {
	n := month(word[:3])
	return len(word) == 3 || n > 0 && word == time.Month(n).String()
}

// isWeekday tells whether the word is a day of the week, in short or not.
func isWeekday(word string) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := day.String(); word == name || word == name[:3] {
			return true
		}
	}
	return false
}

// isHalf tells whether the word says which half of a day an hour is of.
func isHalf(word string) bool {
	switch strings.ToLower(word) {
	case "am", "pm", "a.m.", "p.m.":
		return true
	}
	return false
}

// isZoneName tells whether the word could be the name of a zone: "PDT".
func isZoneName(word string) bool {
	for i := range len(word) {
		if !isLetter(word[i]) {
			return false
		}
	}
	return len(word) <= 5
}

// makeTime puts a time together from numbers, each -1 if it is none, and what
// follows the seconds: a fraction and a zone, either of which may be missing. In UTC it
// is of the years 1 to 9999.
func makeTime(year, month, day, hour, minute, second int, rest string) (time.Time, bool) {
	if year|month|day|hour|minute|second < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	nanos := 0
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		n := 1
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		if n == 1 {
			return time.Time{}, false
		}
		nanos, rest = fraction(rest[1:n]), rest[n:]
	}
	offset, ok := parseZone(rest)
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second-offset, nanos, time.UTC)
	if year <= 1 || year >= 9999 { // a zone may lead out of what can be written
		return t, inYears(t)
	}
	return t, true
}

// inYears tells whether t is of a year that has four digits, from 0001 on: others have no
// RFC 3339, and so no JSON.
func inYears(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// parseZone reads "Z", "+02", "+0200" or "+02:00", after a blank or not, as seconds
// east of UTC.
func parseZone(s string) (offset int, ok bool) {
	if s != "" && s[0] == ' ' {
		s = s[1:]
	}
	switch s {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, minutes := -1, 0
	switch len(s) {
	case 3:
		hours = digits(s[1:3])
	case 5:
		hours, minutes = digits(s[1:3]), digits(s[3:5])
	case 6:
		if s[3] == ':' {
			hours, minutes = digits(s[1:3]), digits(s[4:6])
		}
	}
	if hours < 0 || hours > 15 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset = hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// A number is taken for the time since 1970 only if it then lies between these:
// 1990 and 2100.
const (
	earliestEpoch = 631152000
	latestEpoch   = 4102444800
)

// parseEpoch reads the time since 1970. The unit is told by the size of the number:
// it never passes through a float, which could not hold nanoseconds.
func parseEpoch(s string) (time.Time, bool) {
	if strings.ContainsAny(s, "eE") {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || math.Abs(v) > 1e19 {
			return time.Time{}, false
		}
		s = strconv.FormatFloat(v, 'f', -1, 64)
	}
	whole, part, _ := strings.Cut(s, ".")
	v, ok := parseInt(whole)
	if !ok || v < 0 || !allDigits(part) {
		return time.Time{}, false
	}
	perSecond := int64(1e9)
	switch {
	case v < 1e11:
		perSecond = 1
	case v < 1e14:
		perSecond = 1e3
	case v < 1e17:
		perSecond = 1e6
	}
	seconds, unit := v/perSecond, 1e9/perSecond
	if seconds < earliestEpoch || seconds >= latestEpoch {
		return time.Time{}, false
	}
	nanos := v%perSecond*unit + int64(fraction(part))*unit/1e9
	return time.Unix(seconds, nanos).UTC(), true
}

// parseDecimal reads a decimal number of units, exactly. It is not negative.
func parseDecimal(s string, unit time.Duration) (time.Duration, bool) {
	if d, ok := shortDecimal(s, unit); ok {
		return d, true
	}
	return anyDecimal(s, unit)
}

func anyDecimal(s string, unit time.Duration) (time.Duration, bool) {
	if strings.HasPrefix(s, "-") {
		return 0, false
	}
	whole, part, _ := strings.Cut(s, ".")
	v, ok := parseInt(whole)
	if !ok || !allDigits(part) {
		f, err := strconv.ParseFloat(s, 64) // 2.701e-06
		if err != nil || !(f >= 0) || f > float64(math.MaxInt64/2/unit) {
			return 0, false
		}
		return time.Duration(f * float64(unit)), true
	}
	if v > int64(math.MaxInt64/2/unit) {
		return 0, false
	}
	return time.Duration(v)*unit + time.Duration(int64(fraction(part))*int64(unit)/1e9), true
}

// shortDecimal is parseDecimal for what nearly all logs have, "0.012": numbers of at most
// nine digits before the point, and after it. Of all else it says no.
func shortDecimal(s string, unit time.Duration) (time.Duration, bool) {
	const longest = 9
	whole, n := int64(0), 0
	for n < len(s) && isDigit(s[n]) {
		whole = whole*10 + int64(s[n]-'0')
		n++
	}
	if n == 0 || n > longest || unit > time.Second {
		return 0, false
	}
	if n == len(s) {
		return time.Duration(whole) * unit, true
	}
	part := s[n+1:]
	if s[n] != '.' || len(part) > longest {
		return 0, false
	}
	billionths := int64(0)
	for i := range len(part) {
		if !isDigit(part[i]) {
			return 0, false
		}
		billionths = billionths*10 + int64(part[i]-'0')
	}
	billionths *= scales[len(part)]
	return time.Duration(whole)*unit + time.Duration(billionths*int64(unit)/1e9), true
}

// scales are what a fraction of so many digits is multiplied by to count billionths.
var scales = [...]int64{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1}

// parseInt reads a decimal integer.
func parseInt(s string) (int64, bool) {
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if s == "" || len(s) > 19 {
		return 0, false
	}
	var v uint64 // 19 digits fit
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + uint64(d)
	}
	if v > math.MaxInt64 {
		return 0, false
	}
	if negative {
		return -int64(v), true
	}
	return int64(v), true
}

// digits reads a short number, or returns -1 if any byte is no digit.
func digits(s string) int {
	v := 0
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return -1
		}
		v = v*10 + int(d)
	}
	return v
}

// fraction returns the digits after a decimal point as billionths; those beyond the
// ninth are cut off.
func fraction(s string) int {
	v := 0
	for i := range 9 {
		v *= 10
		if i < len(s) {
			v += int(s[i] - '0')
		}
	}
	return v
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// month returns the number of an English month's first three letters, or -1.
func month(s string) int {
	switch s {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return -1
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// loggerTime returns the time that a line begins with as loggers write one before what they
// are given, in brackets or not, and behind the level or not; "" if there is none:
//
//	2026-03-01 10:00:00,123 INFO …   2026/03/01 10:00:00 …   [2026-03-01 10:00:00 +0000] [7] …
//	INFO:     2026-03-01 10:00:00,123 …   I, [2026-03-01T10:00:00.123456 #7] …
func loggerTime(line string) string {
	line = strings.TrimLeft(line, "[ ")
	if n := stampLen(line); n > 0 {
		return line[:n]
	}
	const longest = len("[CRITICAL]:")
	level, rest, found := cutByte(line[:min(len(line), longest+maxStamp)], ' ')
	if !found || level == "" || len(level) > longest || !isLetter(level[0]) {
		return ""
	}
	rest = strings.TrimLeft(rest, "[ ")
	return rest[:stampLen(rest)]
}

// maxStamp is how long the time of a logger may be, with blanks before it, in bytes.
const maxStamp = 48

// stampLen returns the length of the time, of our era, that s begins with: a date and a time of
// day, with the fraction and the zone that follow; 0 if there is none.
func stampLen(s string) int {
	n := len("2006-01-02T15:04:05")
	if len(s) < n || s[0] == '0' || !isDay(s[:10]) || s[10] != ' ' && s[10] != 'T' || s[13] != ':' || s[16] != ':' || !allDigits(s[17:n]) {
		return 0
	}
	if n+1 < len(s) && (s[n] == '.' || s[n] == ',') && isDigit(s[n+1]) {
		for n++; n < len(s) && isDigit(s[n]); n++ {
		}
	}
	end := n
	if end < len(s) && s[end] == ' ' {
		end++
	}
	for end < len(s) && (isDigit(s[end]) || strings.IndexByte("Z+-:", s[end]) >= 0) {
		end++
	}
	if _, ok := parseZone(s[n:end]); ok && s[end-1] != ' ' {
		return end
	}
	return n
}
