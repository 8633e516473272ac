package parsers

import "testing"

// TestTimed reads lines that lack a time, bare and in envelopes with one.
func TestTimed(t *testing.T) {
	const stamp = "2026-03-01T10:00:00.123456789Z stdout F "
	tests := []struct {
		name   string
		format *Format
		line   string
	}{
		{"chi", Chi(), `"GET http://api.example.com/a HTTP/1.1" from 203.0.113.9:40000 - 200 5B in 1.2ms`},
		{"logfmt", Logfmt(), `at=info method=GET path="/a" fwd="203.0.113.9" status=200`},
		{"ltsv", LTSV(), "host:203.0.113.9\treq:GET /a HTTP/1.1\tstatus:200"},
		{"morgan", Morgan(), `203.0.113.9 - GET /a HTTP/1.1 200 5 - 1.2 ms`},
		{"uvicorn", Uvicorn(), `INFO:     203.0.113.9:40000 - "GET /a HTTP/1.1" 200 OK`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parse := test.format.New()
			var f, clean Fields
			clean.reset()
			err := parse(test.line, &f)
			if err == nil || rejectOf(err).Reason != reasonTimeless || rejectOf(err).Value != test.line {
				t.Errorf("bare: %v", err)
			}
			if f != clean {
				t.Errorf("bare: it leaves %+v behind", f)
			}
			if err := parse(stamp+test.line, &f); err != nil {
				t.Fatal(err)
			}
			if f.Time.Nanosecond() != 123456789 || cutPort(f.Remote) != "203.0.113.9" || f.Method != "GET" || f.Target != "/a" || f.Status != 200 {
				t.Errorf("in an envelope: %+v", f)
			}
		})
	}
}
