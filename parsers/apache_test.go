package parsers

import (
	"strings"
	"testing"
	"time"
)

func TestApacheLogFormatErrors(t *testing.T) {
	tests := []struct{ name, format, want string }{
		{"no directive", `plain`, "holds no %directive"},
		{"percent only", `100%% sure`, "holds no %directive"},
		{"no time", `%h "%r" %>s`, "logs no time: add %t"},
		{"time of day", `%{%H:%M:%S}t "%r" %>s`, "logs no time"},
		{"fraction only", `%{usec_frac}t "%r" %>s`, "logs no time"},
		{"unreadable time", `%{%G-%V}t "%r" %>s`, "logs no time"},
		{"no request", `%h %t`, `neither a request nor a status: add "%r"`},
		{"together", `%t %>s%b`, "between %>s and %b"},
		{"bare percent", `%t %>s %`, "without its letter"},
		{"modifiers only", `%t %>s %!200,`, "without its letter"},
		{"brace", `%t %>s %{User-Agent`, "no closing brace"},
		{"no letter", `%t %>s %-`, "is no directive"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			format, err := ApacheLogFormat("main", test.format)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "LogFormat main: ") {
				t.Errorf("got %v, %v, want an error with %q", format, err, test.want)
			}
		})
	}
}

// TestApacheLogFormat reads lines by formats as they stand in configurations.
func TestApacheLogFormat(t *testing.T) {
	const at = `"Time":"2026-03-01T10:00:00Z"`
	tests := []struct{ name, format, line, want string }{
		{"common", `%h %l %u %t \"%r\" %>s %b`,
			`203.0.113.9 - alice [01/Mar/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 -`,
			`{` + at + `,"Remote":"203.0.113.9","User":"alice","Method":"GET","Target":"/a?b=1","Status":200,"Bytes":0}`},
		{"vhost_combined", `%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"`,
			`api.example.com:443 2001:db8::7 - john doe [01/Mar/2026:11:00:00 +0100] "GET /a\"b\\ HTTP/1.1" 404 17 "-" "say \"hi\" \xc3\xa9\t"`,
			`{` + at + `,"Remote":"2001:db8::7","User":"john doe","Method":"GET","Target":"/a\"b\\","Host":"api.example.com:443","Status":404,"Bytes":17,"UserAgent":"say \"hi\" é\t"}`},
		{"without quotes' backslashes", `%t "%r" %>s`,
			`[01/Mar/2026:10:00:00 +0000] "-" 408`,
			`{` + at + `,"Status":408}`},
		{"addresses", `%h %a %{c}a %{remote}p %t "%r" %>s %s`,
			`host.example.net 203.0.113.9 192.0.2.1 40000 [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 302`,
			`{` + at + `,"Remote":"203.0.113.9","Method":"GET","Target":"/a","Status":200}`},
		{"address and port", `%a:%{remote}p %t "%r" %>s`,
			`203.0.113.9:40000 [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Remote":"203.0.113.9:40000","Method":"GET","Target":"/a","Status":200}`},
		{"forwarded", `%{X-Forwarded-For}i %h %t "%r" %>s`,
			`198.51.100.7, 192.0.2.1 203.0.113.9 [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Remote":"203.0.113.9","ForwardedFor":"198.51.100.7, 192.0.2.1","Method":"GET","Target":"/a","Status":200}`},
		{"forwarded by another header", `%{Forwarded}i %h %t "%r" %>s`,
			`for=198.51.100.7, for=192.0.2.1 203.0.113.9 [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Remote":"203.0.113.9","ForwardedFor":"for=198.51.100.7, for=192.0.2.1","Method":"GET","Target":"/a","Status":200}`},
		{"forwarded in quotes, forged", `"%{X-Forwarded-For}i" %h %t "%r" %>s`,
			`"a b \" 192.0.2.1 c, 198.51.100.7" 203.0.113.9 [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Remote":"203.0.113.9","ForwardedFor":"a b \" 192.0.2.1 c, 198.51.100.7","Method":"GET","Target":"/a","Status":200}`},
		{"cookies and variables that name who asks", `%h %t "%r" %>s "%{connect.sid}C" "%{theme}C" "%{HTTP_X_API_KEY}e" "%{UNIQUE_ID}e"`,
			`203.0.113.9 [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 "s4cr3t" "dark" "k3y" "aaJ0"`,
			`{` + at + `,"Remote":"203.0.113.9","Method":"GET","Target":"/a","Status":200,"RequestID":"aaJ0","APIKey":"k3y","Session":"s4cr3t"}`},
		{"method, path, query", `%t %m %U%q %H %>s %b`,
			`[01/Mar/2026:10:00:00 +0000] GET /a?b=1 HTTP/1.1 200 5`,
			`{` + at + `,"Method":"GET","Target":"/a?b=1","Status":200,"Bytes":5}`},
		{"path and query apart", `%t|%m|%U|%q|%>s`,
			`[01/Mar/2026:10:00:00 +0000]|GET|/a|?b=1|200`,
			`{` + at + `,"Method":"GET","Target":"/a?b=1","Status":200}`},
		{"durations", `%t "%r" %>s %T/%D %{ms}T %{us}T`,
			`[01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 1/1234567 1234 1234567`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200,"Duration":"1.234567s"}`},
		{"milliseconds", `%t "%r" %>s %T %{ms}T`,
			`[01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 1 1234`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200,"Duration":"1.234s"}`},
		{"seconds", `%t "%r" %>s %{s}T`,
			`[01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 3`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200,"Duration":"3s"}`},
		{"modifiers", `%400,501{User-Agent}i|%!200,304{Referer}i|%<s|%>s|%t|%r`,
			`-|https://app.example.com/|302|200|[01/Mar/2026:10:00:00 +0000]|GET /a HTTP/1.1`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200,"Referer":"https://app.example.com/"}`},
		{"names", `%v %V %{Host}i %t "%r" %>s`,
			`www.example.com alias.example.com api.example.com [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Method":"GET","Target":"/a","Host":"api.example.com","Status":200}`},
		{"names, none of them asked for", `%v %V %t "%r" %>s`,
			`www.example.com alias.example.com [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Method":"GET","Target":"/a","Host":"alias.example.com","Status":200}`},
		{"who acts", `%t "%r" %>s "%{X-Api-Key}i" "%{Authorization}i" "%{PHPSESSID}C" "%{Cookie}i" "%{X-Tenant-Id}i" "%{X-Record-Count}o" "%{UNIQUE_ID}e"`,
			`[01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 "k-1" "Bearer abc" "s-1" "a=b; c=d" "t1" "25" "Zx9"`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200,"RequestID":"Zx9","APIKey":"k-1","Authorization":"Bearer abc","Cookie":"a=b; c=d","Session":"s-1","AskedTenant":"t1","Records":25}`},
		{"what says nothing", `%A %f %k %L %P %R %X %I %S %{X-Y}^ti %{note}n %{VAR}e %{SSL_PROTOCOL}x 100%% %t "%r" %>s`,
			`192.0.2.1 /srv/a b.html 0 - 7 handler + 412 900 - n v TLSv1.3 100% [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200}`},
		{"ISO time", `%{%Y-%m-%dT%H:%M:%S%z}t "%r" %>s`,
			`2026-03-01T11:00:00+0100 "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200}`},
		{"time in pieces", `[%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] "%r" %>s`,
			`[01/Mar/2026:10:00:00.250 +0000] "GET /a HTTP/1.1" 200`,
			`{"Time":"2026-03-01T10:00:00.25Z","Method":"GET","Target":"/a","Status":200}`},
		{"the more precise time", `%{%F %T}t.%{msec_frac}t%{%z}t %t %{%F %T}t "%r" %>s`,
			`2026-03-01 10:00:00.250+0000 [01/Mar/2026:10:00:00 +0000] 2026-03-01 11:00:00 "GET /a HTTP/1.1" 200`,
			`{"Time":"2026-03-01T10:00:00.25Z","Method":"GET","Target":"/a","Status":200}`},
		{"seconds with a fraction", `%{sec}t.%{usec_frac}t "%r" %>s`,
			`1772359200.250001 "GET /a HTTP/1.1" 200`,
			`{"Time":"2026-03-01T10:00:00.250001Z","Method":"GET","Target":"/a","Status":200}`},
		{"microseconds and local time", `%{usec}t %t %{begin:msec}t "%r" %>s`,
			`1772359200250001 [01/Mar/2026:10:00:00 +0000] 1772359200250 "GET /a HTTP/1.1" 200`,
			`{"Time":"2026-03-01T10:00:00.250001Z","Method":"GET","Target":"/a","Status":200}`},
		{"as date(1) writes it", `%{%a %b %e %I:%M:%S %p %Z %Y}t "%r" %>s`,
			`Sun Mar  1 12:00:00 PM UTC 2026 "GET /a HTTP/1.1" 200`,
			`{"Time":"2026-03-01T12:00:00Z","Method":"GET","Target":"/a","Status":200}`},
		{"day, month, year", `%{%A %d %B %y %R}t "%r" %>s`,
			`Sunday 01 March 26 10:00 "GET /a HTTP/1.1" 200`,
			`{` + at + `,"Method":"GET","Target":"/a","Status":200}`},
		{"no such day", `%{%F %T}t "%r" %>s`,
			`2026-02-30 10:00:00 "GET /a HTTP/1.1" 200`,
			`{"Reason":"not a time","Value":"2026-02-30 10:00:00","Skip":false}`},
		{"zone without offset", `%{%F %T %Z}t "%r" %>s`,
			`2026-02-20 10:00:00 CET "GET /a HTTP/1.1" 200`,
			`{"Reason":"not a time","Value":"2026-02-20 10:00:00 CET","Skip":false}`},
		{"torn", `%h %l %u %t \"%r\" %>s %b`,
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a`,
			`{"Reason":"not of this log format","Value":"GET /a","Skip":false}`},
		{"error log", `%h %l %u %t \"%r\" %>s %b`,
			`[Sun Mar 01 10:00:00.123456 2026] [core:error] [pid 10] AH00126: Invalid URI`,
			`{"Reason":"Apache error log line","Value":"","Skip":true}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			format, err := ApacheLogFormat("main", test.format)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(dumpLines(format.New(), test.line)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTimeLayout(t *testing.T) {
	tests := []struct {
		format, in string
		want       string // "" for no time
	}{
		{"%s", "1772359200", "2026-03-01T10:00:00Z"},
		{"%s", "99999999999", ""},
		{"%s", "9999999999999999999999", ""},
		{"%s", "x", ""},
		{"%F %T", "2026-03-01 10:00:00", "2026-03-01T10:00:00Z"},
		{"%F %T", "2026-03-01 10:00:0", ""},
		{"%F %T", "2026-03-01 10:00:000", ""},
		{"%F %T", "2026-03-01_10:00:00", ""},
		{"%F %T", "-026-03-01 10:00:00", ""},
		{"%F %T%z", "2026-03-01 10:00:00-0730", "2026-03-01T17:30:00Z"},
		{"%F %T%z", "2026-03-01 10:00:00+9900", ""},
		{"%F %r", "2026-03-01 12:00:00 AM", "2026-03-01T00:00:00Z"},
		{"%F %r", "2026-03-01 01:00:00 pm", "2026-03-01T13:00:00Z"},
		{"%c", "Sun Mar  1 10:00:00 2026", "2026-03-01T10:00:00Z"},
		{"%D %R %%", "03/01/26 10:00 %", "2026-03-01T10:00:00Z"},
		{"%F %B %T", "2026-03-01 Ma", ""},
		{"%F %T.%", "2026-03-01 10:00:00.%", "2026-03-01T10:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.format+" of "+test.in, func(t *testing.T) {
			var c clock
			layout := strftime(test.format)
			got := ""
			if at, ok := layout.read(test.in, &c); ok {
				got = at.Format(time.RFC3339Nano)
			}
			if got != test.want {
				t.Errorf("%q: got %q, want %q", layout, got, test.want)
			}
			if test.want != "" && layout.width() > len(test.in) {
				t.Errorf("width %d is more than %d", layout.width(), len(test.in))
			}
		})
	}
}

const vhostCombined = `%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"`

const vhostCombinedLine = `api.example.com:443 203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/users?page=2 HTTP/1.1" 200 1043 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)"`

func TestApacheLogFormatDoesNotAllocate(t *testing.T) {
	for _, test := range [...]struct{ format, line string }{
		{vhostCombined, vhostCombinedLine},
		{`%{%d/%b/%Y:%T}t.%{usec_frac}t %{%z}t %h %m %U%q %>s %D`, `01/Mar/2026:10:00:00.250001 +0100 203.0.113.9 GET /a 200 1234`},
	} {
		format, err := ApacheLogFormat("main", test.format)
		if err != nil {
			t.Fatal(err)
		}
		parse := format.New()
		var f Fields
		allocs := testing.AllocsPerRun(100, func() {
			if err := parse(test.line, &f); err != nil {
				t.Error(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%v allocations\n  %s", allocs, test.line)
		}
	}
}

func FuzzApacheLogFormat(f *testing.F) {
	f.Add(vhostCombined, vhostCombinedLine)
	f.Add(`[%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] "%r" %>s %D`, `[01/Mar/2026:10:00:00.250 +0000] "GET /a HTTP/1.1" 200 5`)
	f.Add(`%{%a %b %e %I:%M:%S %p %Z %Y %%}t "%r" %>s`, `Sun Mar  1 12:00:00 PM UTC 2026 % "GET /a HTTP/1.1" 200`)
	f.Add(`%!200,304{Referer}i %400^ti %{x`, ``)
	f.Add(`%{sec}t%{%`, `1`)
	f.Fuzz(func(t *testing.T, format, line string) {
		compiled, err := ApacheLogFormat("fuzz", format)
		if err != nil {
			return
		}
		used := compiled.New()
		dumpLines(used, line)
		sameAsFresh(t, compiled, used, line)
	})
}

func FuzzApacheSSLRequest(f *testing.F) { fuzzFormat(f, ApacheSSLRequest) }

// fuzzFormat feeds lines like those of a format to it, fresh and used.
func fuzzFormat(f *testing.F, format func() *Format) {
	for _, line := range sampleLines(f, format()) {
		f.Add(line)
	}
	used := format().New()
	f.Fuzz(func(t *testing.T, line string) { sameAsFresh(t, format(), used, line) })
}

func BenchmarkApacheLogFormat(b *testing.B) {
	format, err := ApacheLogFormat("main", vhostCombined)
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, format, []string{vhostCombinedLine})
}
