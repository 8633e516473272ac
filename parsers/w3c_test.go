package parsers

import (
	"strings"
	"testing"
	"time"
)

func TestValueEnd(t *testing.T) {
	tests := []struct{ in, want string }{
		{`a b`, `a`},
		{`a`, `a`},
		{``, ``},
		{`"a b" c`, `"a b"`},
		{`"a b"`, `"a b"`},
		{`"a ""b"" c" d`, `"a ""b"" c"`},
		{`"" d`, `""`},
		{`"a"b" c`, `"a"b"`},
		{`"a b`, `"a`},
		{`"`, `"`},
		{`a"b c"`, `a"b`},
	}
	for _, test := range tests {
		if got := test.in[:valueEnd(test.in, ' ')]; got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestPercentDecodedOnce(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"a%20b", "a b"},
		{"a%2520b", "a%20b"},
		{"%", "%"},
		{"a%2", "a%2"},
		{"%zz%41", "%zzA"},
		{"%c3%A9", "é"},
	}
	for _, test := range tests {
		if got := percentDecodedOnce(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestW3CVariable(t *testing.T) {
	tests := []struct {
		column string
		want   meaning
	}{
		{"c-ip", remoteMeaning},
		{"cs(user-agent)", userAgentMeaning},
		{"cs(referer)", refererMeaning},
		{"cs(referrer)", refererMeaning},
		{"cs(cookie)", cookieMeaning},
		{"cs(authorization)", authorizationMeaning},
		{"cs(x-forwarded-for)", forwardedMeaning},
		{"x-forwarded-for", forwardedMeaning},
		{"x-request-id", requestIDMeaning},
		{"cs(host)", hostMeaning},
		{"sc(x-record-count)", recordsMeaning},
		{"cs(x-record-count)", unused}, // the client's own to write
		{"s-ip", unused},
		{"cs-bytes", unused},
		{"sc(user-agent)", unused},
		{"", unused},
		{"(", unused},
	}
	for _, test := range tests {
		if got := w3cVariable(test.column).meaning; got != test.want {
			t.Errorf("%q: got %d, want %d", test.column, got, test.want)
		}
	}
}

// What one line says is not to be changed by the lines after it, nor by how many
// there are.
func TestW3CTargetsLast(t *testing.T) {
	p := &w3c{decoded: map[string]string{}}
	var f Fields
	query := strings.Repeat("q", 1000)
	var targets []string
	for range 100 { // several chunks
		line := "2026-03-01 10:00:00 192.0.2.1 GET /a" + " n=" + string(rune('A'+len(targets)%26)) + query + " 443 - 203.0.113.9 - - 200 0 0 7"
		if err := p.parse(line, &f); err != nil {
			t.Fatal(err)
		}
		targets = append(targets, f.Target)
	}
	if n := p.targets.joined.Cap(); n > 2*joinChunk {
		t.Errorf("%d bytes are held", n)
	}
	for i, got := range targets {
		if want := "/a?n=" + string(rune('A'+i%26)) + query; got != want {
			t.Fatalf("line %d: got %.20q, want %.20q", i, got, want)
		}
	}
}

func TestW3CTooManyColumns(t *testing.T) {
	parse := W3C().New()
	var f Fields
	err := parse("#Fields: "+strings.Repeat("x ", maxColumns)+"date", &f)
	if err == nil || rejectOf(err).Skip {
		t.Errorf("got %v", err)
	}
	if err := parse("#Fields: "+strings.Repeat("x ", maxColumns-2)+"date time", &f); !rejectOf(err).Skip {
		t.Errorf("got %v", err)
	}
	if err := parse(strings.Repeat("x ", maxColumns-2)+"2026-03-01 10:00:00", &f); err != nil {
		t.Errorf("got %v", err)
	}
	if want := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC); !f.Time.Equal(want) {
		t.Errorf("got %v, want %v", f.Time, want)
	}
	if err := parse(strings.Repeat("x ", 1<<19), &f); rejectOf(err).Reason != "not the columns of the #Fields line" {
		t.Errorf("got %v", err)
	}
}

// TestW3CMemo holds what is remembered to its bound.
func TestW3CMemo(t *testing.T) {
	p := &w3c{decoded: map[string]string{}}
	for i := range 3 * maxDecoded {
		p.decode("a+b"+strings.Repeat("+", i%maxDecodedLen)+string(rune(i)), false, false)
		if len(p.decoded) > maxDecoded {
			t.Fatalf("%d remembered", len(p.decoded))
		}
	}
}

// FuzzW3C checks that nothing but the header counts of the lines before.
func FuzzW3C(f *testing.F) {
	fields := ""
	for _, line := range sampleLines(f, W3C()) {
		if rest, ok := strings.CutPrefix(line, "#Fields:"); ok {
			fields = rest
			continue
		}
		f.Add("Microsoft", "2026-03-01", fields, line)
	}
	used := W3C().New()
	f.Fuzz(func(t *testing.T, software, date, fields, line string) {
		text := "#Software: " + oneLine(software) + "\n#Date: " + oneLine(date) + "\n#Fields: " + oneLine(fields) + "\n" + oneLine(line)
		if len(strings.Fields(fields)) > maxColumns {
			return
		}
		want, got := dumpLines(W3C().New(), text), dumpLines(used, text)
		if got != want {
			t.Errorf("%q: got %s, a fresh parser %s", text, got, want)
		}
	})
}

func TestW3CFormat(t *testing.T) {
	const fields = "#Fields: timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-host cs-uri-stem x-edge-request-id x-host-header time-taken cs-user-agent cs-referer cs-cookie cs-uri-query x-forwarded-for"
	tests := []struct{ name, line, want string }{
		{
			"real-time", "1772359200.123\t203.0.113.9\t0.002\t404\t553\tGET\td1.example.net\t/a\tr-7==\tapi.example.com\t0.023\tMozilla/5.0%20(X11)\thttps://app.example.com/\tsid=a;%20b=c\tb=1\t198.51.100.7",
			`{"Time":"2026-03-01T10:00:00.123Z","Remote":"203.0.113.9","ForwardedFor":"198.51.100.7","Method":"GET","Target":"/a?b=1","Host":"api.example.com","Status":404,"Bytes":553,"Duration":"23ms","UserAgent":"Mozilla/5.0 (X11)","Referer":"https://app.example.com/","RequestID":"r-7==","Cookie":"sid=a; b=c"}`,
		},
		{
			"query in the stem", "1772359200\t2001:db8::7\t0.002\t200\t5\tGET\td1.example.net\t/a?b=1\tr-8==\tapi.example.com\t0.023\t-\t-\t-\tb=1\t-",
			`{"Time":"2026-03-01T10:00:00Z","Remote":"2001:db8::7","Method":"GET","Target":"/a?b=1","Host":"api.example.com","Status":200,"Bytes":5,"Duration":"23ms","RequestID":"r-8=="}`,
		},
		{
			"a column too few", "1772359200\t203.0.113.9",
			`{"Reason":"not the columns of the #Fields line","Value":"1772359200\t203.0.113.9","Skip":false}`,
		},
	}
	format, err := W3CFormat("real-time", fields)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := W3CFormat("real-time", strings.TrimPrefix(fields, "#Fields: "))
	if err != nil || format.Given != fields || bare.Given != fields {
		t.Errorf("given %q, and %q without #Fields (%v)", format.Given, bare.Given, err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.TrimSpace(dumpLines(format.New(), test.line)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	akamai, err := W3CFormat("akamai", "#Fields: version streamId cp reqId reqTimeSec bytes cliIP statusCode proto reqHost reqMethod reqPath reqPort rspContentLen rspContentType UA queryStr cookie referer xForwardedFor")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, line, want string }{
		{
			"Akamai", "1 12345 123456 1239f220 1772359200.123 4995 203.0.113.9 404 HTTPS api.example.com GET path1/file.ext 443 5000 text/html Mozilla%2F5.0+%28Macintosh%3B+Intel+Mac+OS+X+10_14_3%29 param=value sid%3D1 https%3A%2F%2Fapp.example.com%2Fen-US 198.51.100.7",
			`{"Time":"2026-03-01T10:00:00.123Z","Remote":"203.0.113.9","ForwardedFor":"198.51.100.7","Method":"GET","Target":"/path1/file.ext?param=value","Host":"api.example.com","Status":404,"Bytes":4995,"UserAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_3)","Referer":"https://app.example.com/en-US","RequestID":"1239f220","Cookie":"sid=1"}`,
		},
		{
			"Akamai, with blanks encoded", "1\t12345\t123456\t1239f220\t1772359200\t5\t2001:db8::7\t200\tHTTPS\tapi.example.com\tGET\t/a\t443\t-\t-\tbot%20+https://example.com/\t-\t-\t-\t-",
			`{"Time":"2026-03-01T10:00:00Z","Remote":"2001:db8::7","Method":"GET","Target":"/a","Host":"api.example.com","Status":200,"Bytes":5,"UserAgent":"bot +https://example.com/","RequestID":"1239f220"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.TrimSpace(dumpLines(akamai.New(), test.line)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	for _, fields := range [...]string{
		"", "#Fields:", "c-ip cs-method sc-status", "date c-ip cs-method", "timestamp c-ip", "timestamp cs-method" + strings.Repeat(" x", maxColumns),
	} {
		if _, err := W3CFormat("x", fields); err == nil {
			t.Errorf("%.40q is taken", fields)
		}
	}
}
