package parsers

import "testing"

func TestCutS3Request(t *testing.T) {
	tests := []struct {
		in, request, rest string
		ok                bool
	}{
		{`"GET / HTTP/1.1" 200 -`, "GET / HTTP/1.1", "200 -", true},
		{`"GET /" " HTTP/1.1" 200 -`, `GET /" " HTTP/1.1`, "200 -", true},
		{`"GET / HTTP/1.1" - -`, "GET / HTTP/1.1", "- -", true},
		{`- 204 -`, "-", "204 -", true},
		{`"-" - -`, "-", "- -", true},
		{`"GET / HTTP/1.1"`, "", "", false},
		{`"GET / HTTP/1.1" `, "", "", false},
		{`GET / HTTP/1.1 200`, "", "", false},
		{``, "", "", false},
	}
	for _, test := range tests {
		request, rest, ok := cutS3Request(test.in)
		if !test.ok && !ok {
			continue
		}
		if request != test.request || rest != test.rest || ok != test.ok {
			t.Errorf("%q: got %q, %q, %v", test.in, request, rest, ok)
		}
	}
}

func FuzzS3(f *testing.F) {
	for _, line := range sampleLines(f, S3()) {
		f.Add(line)
	}
	used := S3().New()
	f.Fuzz(func(t *testing.T, line string) { sameAsFresh(t, S3(), used, line) })
}
