package parsers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestColumns(t *testing.T) {
	tests := []struct{ name, lines, want string }{
		{"bars", "203.0.113.9|2026-03-01T10:00:00Z|GET|/a|200|5|0.100|curl/8.5.0",
			"columns between |: client, time, method, target, status, bytes, time taken, user agent"},
		{"blanks", "2026-03-01 10:00:00 203.0.113.9 GET /a HTTP/1.1 200 12 ms",
			"columns between blanks: time, client, method, target, …, status, time taken"},
		{"status before the request", "2026-03-01T10:00:00Z 404 GET /a from 203.0.113.9",
			"columns between blanks: time, status, method, target, …, client"},
		{"a port behind the request", "2026-03-01T10:00:00Z 203.0.113.9 206 HTTPS GET /a 443",
			"columns between blanks: time, client, status, …, method, target, …"},
		{"two whole numbers behind the status", "2026-03-01T10:00:00Z 203.0.113.9 GET /a 404 - 12 70",
			"columns between blanks: time, client, method, target, status, …, …, …"},
		{"bytes further behind the status", "2026-03-01T10:00:00Z 203.0.113.9 GET /a 404 ok 70\n2026-03-01T10:00:00Z 203.0.113.9 GET /a 404 ok 7",
			"columns between blanks: time, client, method, target, status, …, bytes"},
		{"two whole numbers further behind",
			"2026-03-01T10:00:00Z 203.0.113.9 GET /a 404 ok 70 8\n2026-03-01T10:00:00Z 203.0.113.9 GET /a 404 ok 7 80",
			"columns between blanks: time, client, method, target, status, …, …, …"},
		{"commas between blanks", "2026-03-01T10:00:00Z 203.0.113.9 GET /a 200, 5 bytes; 12ms", "columns between blanks: time, client, method, target, status, bytes, …, time taken"},
		{"one request in eight lines", strings.Repeat("connected\n", 7) + "203.0.113.9 2026-03-01T10:00:00Z GET /a 200",
			"columns between blanks: client, time, method, target, status"},
		{"a number that is no time", "1772359200 17 203.0.113.9 GET /a 200", "columns between blanks: time, …, client, method, target, status"},
		{"a small number and no time", "17 203.0.113.9 GET /a 200", ""},
		{"the server's address first",
			"10.0.0.1 203.0.113.9 2026-03-01T10:00:00Z GET /a 200\n10.0.0.1 198.51.100.7 2026-03-01T10:00:00Z GET /a 200",
			"columns between blanks: …, client, time, method, target, status"},
		{"an upstream's address behind",
			"203.0.113.9 2026-03-01T10:00:00Z GET /a 200 10.0.0.1:80\n198.51.100.7 2026-03-01T10:00:00Z GET /a 200 10.0.0.2:80",
			"columns between blanks: client, time, method, target, status, …"},
		{"user agents without quotes",
			"203.0.113.9 2026-03-01T10:00:00Z GET /a 200 curl/8.5.0\n203.0.113.9 2026-03-01T10:00:00Z GET /a 200 Mozilla/5.0 (X11; Linux)\n",
			"columns between blanks: client, time, method, target, status, user agent"},
		{"referer or nothing", "203.0.113.9,2026-03-01T10:00:00Z,GET,/a,200,-\n203.0.113.9,2026-03-01T10:00:00Z,GET,/a,200,https://app.example.com/",
			"columns between ,: client, time, method, target, status, referer"},
		{"user agents with what stands between columns",
			"203.0.113.9,2026-03-01T10:00:00Z,GET,/a,200,curl/8.5.0\n203.0.113.9,2026-03-01T10:00:00Z,GET,/a,200,Mozilla/5.0 (KHTML, like Gecko)",
			"columns between ,: client, time, method, target, status, user agent"},
		{"user agents amid others", "2026-03-01T10:00:00Z GET /a 200 - curl/8.5.0 203.0.113.9\n2026-03-01T10:00:00Z GET /a 200 - Mozilla/5.0 (X11; Linux) Gecko/1 203.0.113.9",
			"columns between blanks: time, method, target, status, …, user agent, client"},
		{"the separator of Hive", "203.0.113.9\x012026-03-01T10:00:00Z\x01GET\x01/a\x01200", `columns between \x01: client, time, method, target, status`},
		{"labels", "ip:203.0.113.9|time:2026-03-01T10:00:00Z|method:GET|path:/a|status:200",
			"labelled columns between |: ip: time: method: path: status:"},
		{"other loggers' lines between", "starting\nlistening\n203.0.113.9 2026-03-01T10:00:00Z GET /a 200\nstopping",
			"columns between blanks: client, time, method, target, status"},

		{"nothing", "", ""},
		{"prose", "Dear diary, we GET /there at 10:00:00 with 203.0.113.9 and 404 others", ""},
		{"no time", "203.0.113.9 GET /a 200 12ms", ""},
		{"no date", "10:00:00 203.0.113.9 GET /a 200 12ms", ""},
		{"no client", "2026-03-01T10:00:00Z GET /a 200 12ms", ""},
		{"no method", "2026-03-01T10:00:00Z 203.0.113.9 /a 200 12ms", ""},
		{"no target", "2026-03-01T10:00:00Z 203.0.113.9 GET users 200 12ms", ""},
		{"no status", "2026-03-01T10:00:00Z 203.0.113.9 GET /a 12ms", ""},
		{"a number that is no status", "2026-03-01T10:00:00Z 203.0.113.9 GET /a 700", ""},
		{"few requests", strings.Repeat("connected\n", 8) + "203.0.113.9 2026-03-01T10:00:00Z GET /a 200", ""},
		{"columns in another order each time", "203.0.113.9 2026-03-01T10:00:00Z GET /a 200\n2026-03-01T10:00:00Z 203.0.113.9 200 GET /a", ""},
		{"labels in another order each time", "ip:203.0.113.9|time:2026-03-01T10:00:00Z|method:GET|path:/a|status:200\nip:203.0.113.9|method:GET|time:2026-03-01T10:00:00Z|path:/a|status:200", ""},
		{"labels of nothing", "a:203.0.113.9|b:GET|c:/a|d:200", ""},
		{"error log", `2026/03/01 10:00:00 [error] 31#31: *1 open() failed, client: 203.0.113.9, server: _, request: "GET /a HTTP/1.1", host: "a"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			lines := strings.Split(strings.TrimSuffix(test.lines, "\n"), "\n")
			got := Columns(lines)
			switch {
			case got == nil && test.want != "", got != nil && got.Doc != test.want:
				t.Fatalf("got %+v, want %q", got, test.want)
			case got == nil:
				return
			}
			if guess, ok := Guess(All(), lines); test.name != "error log" && (!ok || guess.Columns() != test.want) {
				t.Errorf("is guessed to be %+v", guess)
			}
		})
	}
}

func TestIsUsualStatus(t *testing.T) {
	for _, s := range []string{"100", "103", "200", "208", "226", "301", "308", "400", "418", "421", "431", "444", "451", "460", "463", "494", "499", "500", "511", "520", "530", "561", "599"} {
		if !isUsualStatus(s) {
			t.Errorf("%s is no status", s)
		}
	}
	for _, s := range []string{"", "20", "2000", "099", "104", "209", "309", "419", "432", "443", "464", "493", "512", "519", "531", "562", "597", "600", "2x0"} {
		if isUsualStatus(s) {
			t.Errorf("%s is a status", s)
		}
	}
}

// Of what was counted as often, the largest is taken, in whatever order a map has it.
func TestMostOften(t *testing.T) {
	for range 20 {
		if got := mostOften(map[int]int{0: 1, 4: 3, 2: 3, 9: 2}); got != 4 {
			t.Fatal(got)
		}
	}
	if got := mostOften(map[int]int{0: 2, 1: 1}); got != 0 {
		t.Error(got)
	}
}

// What a client sends may hold what stands between columns: it does not change what the others
// hold, or the line is not read.
func TestColumnsAreNotForged(t *testing.T) {
	const head = "203.0.113.9|2026-03-01T10:00:00Z|GET|/a|404|5|0.100|curl/8.5.0"
	for _, parse := range []ParseFunc{Columns([]string{head}).New(), Columns([]string{head, head + "|x"}).New()} {
		notForged(t, head, parse)
	}
}

func notForged(t *testing.T, head string, parse ParseFunc) {
	t.Helper()
	for _, sent := range []string{"/x|200|5|0.100|curl/8.5.0", "/x|200|5|0.100|", "/x|200", "|200|5|0.100|x", "/x|200|5|0.100|curl/8.5.0|404|5|0.100"} {
		for _, line := range []string{strings.Replace(head, "/a", sent, 1), strings.Replace(head, "curl/8.5.0", sent, 1)} {
			var f Fields
			if err := parse(line, &f); err == nil && (f.Status != 404 || f.Remote != "203.0.113.9") {
				t.Errorf("%s: %+v", line, f)
			}
		}
	}
}

// Whatever the first lines hold, it does not take long to look for columns in them.
func TestColumnsAreLinear(t *testing.T) {
	var labels strings.Builder
	for n := range 50_000 {
		fmt.Fprintf(&labels, "|a%d:", n)
	}
	for _, line := range []string{
		labels.String()[1:], strings.Repeat("GET /a ", 40_000), strings.Repeat("GET|", 60_000), strings.Repeat("[GET ", 50_000), strings.Repeat(`"GET `, 50_000),
		strings.Repeat("a:|", 80_000), strings.Repeat("203.0.113.9, ", 20_000), strings.Repeat("2026-03-01 ", 20_000), strings.Repeat("a=1,", 60_000),
	} {
		lines := []string{line, line, line}
		// It takes milliseconds; were it quadratic, many seconds.
		if took := quickest(2*time.Second, func() { Columns(lines) }); took > 2*time.Second {
			t.Errorf("%.20q: %v", line, took)
		}
	}
}

func FuzzColumns(f *testing.F) {
	f.Add("203.0.113.9|2026-03-01T10:00:00Z|GET|/a|200|5|0.100|curl/8.5.0", "203.0.113.9|2026-03-01T10:00:00Z|GET|/a|b|200|5|0.100|c|d")
	f.Add("2026/03/01 10:00:00 GET /a 203.0.113.9:4711 404 1.5 ms\nstarting", "2026/03/01 10:00:00 GET /a b 203.0.113.9:4711 404 1.5 ms")
	f.Add("[203.0.113.9] [2026-03-01T10:00:00Z] \"GET /a HTTP/1.1\" (200) \"-\" Mozilla/5.0 (X11)", "[203.0.113.9] [2026-03-01T10:00:00Z] \"GET /\\\" HTTP/1.1\" (200) \"")
	f.Add("ip=203.0.113.9;time=2026-03-01T10:00:00Z;method=GET;path=\"/a;b\";status=200", "ip=;time=;method=;path=;status=;ip=")
	f.Add("2026-03-01T10:00:00.1Z stdout F GET | /a | 200 | 203.0.113.9", "2026-03-01T10:00:00.1Z stdout P GET | /a")
	f.Fuzz(func(t *testing.T, head, line string) {
		format := Columns(strings.Split(head, "\n"))
		if format == nil {
			return
		}
		used := format.New()
		dumpLines(used, head)
		sameAsFresh(t, format, used, line)
	})
}
