package parsers

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// plainLines are objects whose reading has to be the same whichever way it is done.
var plainLines = []string{
	`{}`, `{ }`, `{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":200}`,
	" {\"time\" : \"2026-03-01T10:00:00Z\" ,\t\"method\":\"GET\",\"path\":\"/a\",\"status\": 200 } ",
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":200},`,
	`[{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":200}]`,
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"\/a\u002fb","user_agent":"a \"b\" \\ c","status":200}`,
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","user_agent":"a\x22b","status":200}`,
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","user_agent":"a\\x22b","status":200}`,
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","user_agent":"a\","status":200}`,
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":}`,
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","request_time":-,"status":200}`,
	`{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","request_time":0.1, 0.2,"status":200}`,
	`{"time":1772359200.25,"method":"GET","path":"/a","status":200,"a":[],"b":[1,{"c":[{"d":null}]},true],"e":{"f":{}},"duration":1e-3}`,
	`{"time":1772359200,"request":{"method":"GET","uri":"/a","headers":{"User-Agent":["curl/8.5.0","b"],"Cookie":[]}},"status":false}`,
	`{"httpRequest":{"headers":[{"name":"Host","value":"a.example"},{"name":"User-Agent","value":""}],"uri":"/a","httpMethod":"GET"},"timestamp":1772359200123,"action":"BLOCK"}`,
	`{"records":[{"time":"2026-03-01T10:00:00Z","properties":{"requestUri":"/a","httpMethod":"GET","httpStatus":200}}]}`,
	`{"time":"2026-03-01T10:00:00Z","properties":"{\"requestUri\":\"/a\",\"httpMethod\":\"GET\",\"httpStatus\":200}"}`,
	`{"time":"2026-03-01T10:00:00Z","method":"POST","path":"/a","status":200,"body":{"a":1}}`,
	`{"time":"2026-03-01T10:00:00Z","method":"POST","path":"/a","status":200,"request":{"body":["a"]}}`,
	`{"time":"2026-03-01T10:00:00Z","method":"POST","path":"/a","status":200,"status":404,"Status":500,"user\u005fagent":"a"}`,
	`{"time":"2026-03-01T10:00:00Z","method":"POST","path":"/a","status":inf,"bytes":nan,"size":-Inf}`,
	`{"time":"2026-03-01T10:00:00Z","method":"POST","path":"/a","status":200}}`,
	`{"time":"2026-03-01T10:00:00Z","method":"POST","path":"/a","status":200,}`,
	`{"time":"2026-03-01T10:00:00Z" "method":"POST"}`, `{"time","method"}`, `{"time":"2026-03-01T10:00:00Z"`, `{"a":tru}`, `{"a":nulL}`, `{"a":01x}`, `{"a":-}`,
	`{"a":` + strings.Repeat("[", maxPlainDepth+2) + strings.Repeat("]", maxPlainDepth+2) + `,"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":200}`,
	strings.Repeat(`{"a":`, maxPlainDepth+2) + "1" + strings.Repeat("}", maxPlainDepth+2),
}

// samePlain tells the test if a line is read otherwise where it may be read as plain. p and
// any have read the same lines before.
func samePlain(t *testing.T, p, any *jsonParser, line string) {
	t.Helper()
	var got, want Fields
	gotErr, wantErr := p.parse(line, &got), any.parseAny(line, &want)
	if !reflect.DeepEqual(gotErr, wantErr) || wantErr == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nis read as   %+v, %v\nand plainly  %+v, %v", line, want, wantErr, got, gotErr)
	}
}

// Reading a line as plain is another way of reading it, not another reading.
func TestPlainJSON(t *testing.T) {
	lines := append(sampleLines(t, JSON(JSONConfig{})), plainLines...)
	p, any := newJSONParser(JSONConfig{}), newJSONParser(JSONConfig{})
	plain := 0
	for _, line := range lines {
		samePlain(t, p, any, line)
		if p.begin(line, &Fields{}); p.walkPlain() {
			plain++
		}
	}
	if plain < len(lines)/3 {
		t.Errorf("%d of %d lines are read as plain", plain, len(lines))
	}
	r := rand.New(rand.NewPCG(1, 2))
	const marks = `"\{}[],:x0-t n` + "\t"
	for range 200_000 { // lines that are nearly sound
		line := []byte(lines[r.IntN(len(lines))])
		for range 1 + r.IntN(2) {
			at := r.IntN(len(line))
			switch r.IntN(3) {
			case 0:
				line[at] = marks[r.IntN(len(marks))]
			case 1:
				line = append(line[:at], line[min(at+1, len(line)-1):]...)
			default:
				other := lines[r.IntN(len(lines))]
				line = append(line[:at], other[r.IntN(len(other)):]...)
			}
		}
		samePlain(t, p, any, string(line))
	}
}

func FuzzPlainJSON(f *testing.F) {
	for _, line := range append(sampleLines(f, JSON(JSONConfig{})), plainLines...) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p, any := newJSONParser(JSONConfig{}), newJSONParser(JSONConfig{})
		samePlain(t, p, any, line)
		samePlain(t, p, any, line) // the keys are known now
	})
}
