package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"

	"github.com/litesoc/litesoc/detect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what was written with the file that says what should be.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("..", "testdata", "report", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make golden writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs: %s", path, firstDiff(got, want))
	}
}

// firstDiff shows where two texts part.
func firstDiff(got, want []byte) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	from := max(i-60, 0)
	return fmt.Sprintf("at byte %d got %q, want %q", i, got[from:min(i+60, len(got))], want[from:min(i+60, len(want))])
}

func write(t testing.TB, f *Format, r *Report, look Look) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b, r, look); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestText(t *testing.T) {
	for name, r := range samples() {
		for _, width := range []int{80, 120} {
			t.Run(fmt.Sprintf("%s/%d", name, width), func(t *testing.T) {
				golden(t, fmt.Sprintf("%s.%d.txt", name, width), write(t, Text(), r, Look{Width: width}))
			})
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkPage holds a text report against what Text promises of any.
func checkPage(t *testing.T, r *Report, width int) {
	t.Helper()
	text := string(write(t, Text(), r, Look{Width: width}))
	for i, line := range strings.Split(text, "\n") {
		for _, c := range line {
			if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
				t.Errorf("line %d holds %U: %q", i+1, c, line)
			}
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("line %d ends in spaces: %q", i+1, line)
		}
		if lipgloss.Width(line) > width && breakable(line) {
			t.Errorf("line %d is wider than %d: %q", i+1, width, line)
		}
	}
	coloured := string(write(t, Text(), r, Look{Width: width, Color: true}))
	if coloured == text {
		t.Error("colour makes no difference")
	}
	if sgr.ReplaceAllString(coloured, "") != text {
		t.Error("colour changes more than colour")
	}
}

// breakable tells whether the text beside the label of a line has a space outside
// of quotes.
func breakable(line string) bool {
	runes := []rune(line)
	text := strings.TrimSpace(string(runes[min(len(runes), len(margin)):]))
	var quote rune
	for _, c := range text {
		switch {
		case quote == 0 && c == ' ':
			return true
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	return false
}

func TestTextKeepsItsPromises(t *testing.T) {
	for name, r := range samples() {
		for _, width := range []int{60, 77, 80, 119} {
			t.Run(fmt.Sprintf("%s/%d", name, width), func(t *testing.T) { checkPage(t, r, width) })
		}
	}
	for _, s := range hostile {
		t.Run(fmt.Sprintf("%.20q", s), func(t *testing.T) {
			for _, width := range []int{60, 80} {
				checkPage(t, filled(s), width)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, 80)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		checkPage(t, filled(s), min(max(width, minWidth), maxWidth))
	})
}

func TestTextOfManyIncidents(t *testing.T) {
	r := withIncidents()
	one := r.Incidents[1]
	r.Incidents = nil
	for i := range 3000 {
		in := one
		in.ID = fmt.Sprintf("inc_%04d", i)
		in.Title = "Enumeration " + in.ID
		r.Incidents = append(r.Incidents, in)
	}
	text := string(write(t, Text(), r, Look{}))
	for _, c := range []struct {
		text string
		want int
	}{
		{"  id         inc_", fullIncidents},
		{" HIGH        61  Enumeration inc_", lineIncidents - fullIncidents},
		{"and 2,900 more; --output json has all", 1},
		{"3,000 incidents (3,000 high)", 1},
		{"Enumeration inc_0099", 1},
		{"Enumeration inc_0100", 0},
	} {
		if n := strings.Count(text, c.text); n != c.want {
			t.Errorf("%q stands there %d times, want %d", c.text, n, c.want)
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	r := withFailures()
	src := r.Run.Sources[0]
	src.Lines = 1000
	r.Run.Sources = slices.Repeat([]Source{src}, 500)
	r.Run.Notes = slices.Repeat([]string{strings.Repeat("word ", 1000)}, 500)
	r.Run.Failures = slices.Repeat(r.Run.Failures, 500)
	r.Log.Rejects = slices.Repeat(r.Log.Rejects, 500)
	r.Alerts = slices.Repeat(r.Alerts, 500)
	text := string(write(t, Text(), r, Look{}))
	if n := strings.Count(text, "\n"); n > 250 {
		t.Errorf("%d lines", n)
	}
	for _, want := range []string{
		"  and 480 more sources                  480,000       0",
		"  note       and 488 more notes; --output json has all",
		"  failed     and 988 more sources; --output json has all",
		"             and 992 more reasons; --output json has all",
		"  and 980 more; --output json has all",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// However many logs are damaged, little is shown of each and the rest is counted.
func TestTextOfDamagedLogs(t *testing.T) {
	r := withFailures()
	src := r.Run.Sources[1]
	src.Path = "access.log"
	r.Run.Sources = slices.Repeat([]Source{src}, 15)
	text := string(write(t, Text(), r, Look{}))
	for _, c := range []struct {
		text string
		want int
	}{
		{"\n      like ", maxAllShapes},
		{"\n    and 22 more lines in more than 1 other shape\n", maxAllShapes / maxShapes},
		{"\n    and 203 more lines in more than 4 other shapes\n", 15 - maxAllShapes/maxShapes},
		{"\n    gap         no line", maxFindings / 3},
		{"\n  and 70 more findings; --output json has more\n", 1},
		{"see 150 findings under LOG", 1},
	} {
		if n := strings.Count(text, c.text); n != c.want {
			t.Errorf("%q stands there %d times, want %d, in:\n%s", c.text, n, c.want, text)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, test := range []struct {
		part, whole int64
		want        string
	}{
		{0, 0, "0.0 %"},
		{0, 10, "0.0 %"},
		{1, 1e6, "less than 0.1 %"},
		{1, 3, "33.3 %"},
		{999_999, 1e6, "more than 99.9 %"},
		{3, 3, "100.0 %"},
	} {
		if got := percent(test.part, test.whole); got != test.want {
			t.Errorf("percent(%d, %d) = %q, want %q", test.part, test.whole, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, nil},
		{"  ", 10, nil},
		{"one two  three", 7, []string{"one two", "three"}},
		{"a tremendously long word", 8, []string{"a", "tre…usly", "long", "word"}},
		{"表 表表 表", 5, []string{"表", "表表", "表"}},
		{strings.Repeat("word ", 20), 4, []string{"word", "word", "word", "word", "word", "word", "word", "word", "word", "wor…"}},
		{strings.Repeat("word ", 10), 4, []string{"word", "word", "word", "word", "word", "word", "word", "word", "word", "word"}},
	}
	for _, test := range tests {
		if got := Wrap(test.text, test.width); !slices.Equal(got, test.want) {
			t.Errorf("Wrap(%q, %d) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestTextOfALongStory(t *testing.T) {
	r := withIncidents()
	in := &r.Incidents[0]
	first := in.Timeline[0]
	in.Timeline = nil
	for i := range 40 {
		s := first
		s.Name = fmt.Sprintf("auth.step_%02d", i)
		in.Timeline = append(in.Timeline, s)
	}
	in.Last = in.First.Add(30 * time.Hour)
	text := string(write(t, Text(), r, Look{}))
	for _, want := range []string{"auth.step_05", "… 28 steps left out", "auth.step_34", "auth.step_39", " 9 Mar 10:00:00  high"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	for _, unwanted := range []string{"auth.step_06", "auth.step_33"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("there is %q", unwanted)
		}
	}
}

// hostile are strings that attackers log, or might.
var hostile = []string{
	"",
	" ",
	"a",
	"\x1b]0;pwned\a\x1b[2J\x1b[31m",
	"\u202egpj.exe\u2066\u2069\u200f",
	"a\nb\rc\td\x00e\x7f\u0085\u009b2J\u2028\u2029",
	"\xff\xfe\xf0\x9f",
	"/" + strings.Repeat("a", 300),
	strings.Repeat("word ", 1000),
	strings.Repeat("表", 200),
	strings.Repeat("👩\u200d👩\u200d👧", 50),
	"e" + strings.Repeat("\u0301", 500),
	strings.Repeat("'", 99),
	`it's "half`,
	"क्षि กำ 각 🇧🇷",
}

// filled is a Report in which every text is s, every number 3 and every list has
// one member.
func filled(s string) *Report {
	r := &Report{}
	fill(reflect.ValueOf(r).Elem(), s)
	return r
}

func fill(v reflect.Value, s string) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = at("10:00:00")
		return
	case *json.RawMessage:
		*x = json.RawMessage(`{"k":1}`)
		return
	case *detect.Severity:
		*x = detect.High
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), s)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), s)
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, s)
		fill(elem, s)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:             "0 ms",
		0:                        "0 ms",
		812 * time.Millisecond:   "812 ms",
		time.Second:              "1 s",
		1234 * time.Millisecond:  "1.2 s",
		59900 * time.Millisecond: "59 s",
		time.Minute:              "1 m",
		252 * time.Second:        "4 m 12 s",
		3600 * time.Second:       "1 h",
		3601 * time.Second:       "1 h",
		25 * time.Hour:           "1 d 1 h",
		2400 * time.Hour:         "100 d",
		1 << 62:                  "53,375 d 23 h",
	} {
		if got := duration(d); got != want {
			t.Errorf("duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestPeriod(t *testing.T) {
	day := at("10:00:00")
	var none time.Time
	tests := []struct {
		first, last  time.Time
		period, days string
	}{
		{none, none, "–", "–"},
		{none, day, "–", "–"},
		{day, none, "9 Mar 2026 10:00:00", "–"},
		{day, day, "9 Mar 2026 10:00:00", "9 Mar 2026"},
		{day, day.Add(time.Minute), "9 Mar 2026 10:00:00 – 10:01:00", "9 Mar 2026"},
		{day, day.AddDate(0, 0, 1), "9 Mar 2026 10:00:00 – 10 Mar 2026 10:00:00", "9 Mar – 10 Mar 2026"},
		{day, day.AddDate(1, 0, 0), "9 Mar 2026 10:00:00 – 9 Mar 2027 10:00:00", "9 Mar 2026 – 9 Mar 2027"},
	}
	for _, test := range tests {
		if got := period(test.first, test.last); got != test.period {
			t.Errorf("period(%v, %v) = %q, want %q", test.first, test.last, got, test.period)
		}
		if got := days(test.first, test.last); got != test.days {
			t.Errorf("days(%v, %v) = %q, want %q", test.first, test.last, got, test.days)
		}
	}
}

func TestFold(t *testing.T) {
	tests := []struct {
		code  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"SELECT 1", 10, []string{"SELECT 1"}},
		{"SELECT 1 FROM t", 10, []string{"SELECT 1", "FROM t"}},
		{"SELECT 'a long text' x", 10, []string{"SELECT", "'a long text'", "x"}},
		{"a\nb c", 10, []string{"a", "b c"}},
		{"'a\nb' c", 10, []string{"'a\nb' c"}},
		{"averylongwordindeed b", 10, []string{"averylongwordindeed", "b"}},
		{"'never closed and long", 10, []string{"'never closed and long"}},
	}
	for _, test := range tests {
		if got := fold(test.code, test.width); !reflect.DeepEqual(got, test.want) {
			t.Errorf("fold(%q, %d) = %q, want %q", test.code, test.width, got, test.want)
		}
	}
}

func TestSqueeze(t *testing.T) {
	a := &Activity{Step: 60, Total: []int64{1, 2, 3, 4, 5}, Bad: []int64{1, 0, 1, 0}}
	total, errors, step := squeeze(a, 3)
	if want := []int64{3, 7, 5}; !reflect.DeepEqual(total, want) {
		t.Errorf("requests %v, want %v", total, want)
	}
	if want := []int64{1, 1, 0}; !reflect.DeepEqual(errors, want) {
		t.Errorf("errors %v, want %v", errors, want)
	}
	if step != 2*time.Minute {
		t.Errorf("step %v, want 2m", step)
	}
}

// An incident whose last request is close to the end of the log is not told as over.
func TestTextSaysWhetherItMayGoOn(t *testing.T) {
	for rest, want := range map[time.Duration]string{
		0:              "; it may go on: the log ends with it",
		mayGoOn - 1:    "; it may go on: the log ends 9 m 59 s later",
		mayGoOn:        "; the log ends 10 m later",
		-time.Second:   "", // a clock that jumped
		26 * time.Hour: "; the log ends 1 d 2 h later",
	} {
		r := withIncidents()
		r.Incidents = r.Incidents[:1]
		r.Log.Last = r.Incidents[0].Last.Add(rest)
		text := string(write(t, Text(), r, Look{Width: 120}))
		if !strings.Contains(text, want) || want == "" && strings.Contains(text, "the log ends") {
			t.Errorf("%v: no %q in:\n%s", rest, want, text)
		}
	}
}
