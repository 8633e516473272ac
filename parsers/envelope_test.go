package parsers

import (
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

const (
	wrappedText = `203.0.113.9 - - [01/Mar/2026:10:00:07 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0"`
	wrappedJSON = `{"time":"2026-03-01T10:00:07Z","method":"GET","path":"/a","status":200}`
)

// envelopesOf returns line in each kind of envelope.
func envelopesOf(line string) map[string]string {
	quoted := strconv.Quote(line)
	ended := strconv.Quote(line + "\n")
	return map[string]string{
		"docker":     `{"log":` + ended + `,"stream":"stdout","time":"2026-03-01T10:00:08.123456789Z"}`,
		"cri":        `2026-03-01T10:00:08.123456789Z stdout F ` + line,
		"3164":       `<190>Mar  1 10:00:08 web1 nginx[312]: ` + line,
		"5424":       `<190>1 2026-03-01T10:00:08Z web1 nginx 312 - [x@1 a="b"] ` + line,
		"counted":    `200 <190>1 2026-03-01T10:00:08Z web1 nginx 312 - - ` + line,
		"syslog":     `Mar  1 10:00:08 web1 nginx: ` + line,
		"rsyslog":    `2026-03-01T10:00:08.123456+01:00 web1 nginx: ` + line,
		"heroku":     `2026-03-01T10:00:08.123456+00:00 app[web.1]: ` + line,
		"cloudwatch": `2026-03-01T10:00:08.000Z ` + line,
		"events":     `{"timestamp":1772359208123,"message":` + quoted + `}`,
		"journal":    `{"__REALTIME_TIMESTAMP":"1772359208123456","MESSAGE":` + quoted + `}`,
		"export":     `MESSAGE=` + line,
		"google":     `{"textPayload":` + quoted + `,"timestamp":"2026-03-01T10:00:08Z"}`,
		"asctime":    `{"asctime":"2026-03-01 10:00:08,123","levelname":"INFO","message":` + quoted + `}`,
		"level":      `{"level":"info","msg":` + quoted + `,"ts":1772359208.5}`,
		"compose":    `web-1  | ` + line,
		"full":       `Sun 2026-03-01 10:00:08 UTC web1 nginx[312]: ` + line,
		"unix":       `1772359208.123456 web1 nginx[312]: ` + line,
		"python":     `INFO:aiohttp.access:` + line,
		"csv":        `2026-03-01 10:00:08.123,"` + strings.ReplaceAll(line, `"`, `""`) + `",web1`,
		"csv alone":  `"` + strings.ReplaceAll(line, `"`, `""`) + `"`,
		"kubectl":    `[pod/web-1/nginx] ` + line,
		"loki":       `["1772359208123456789",` + quoted + `]`,
		"ilogtail":   `{"__tag__:__path__":"/a.log","content":` + quoted + `,"__time__":"1772359208"}`,
	}
}

// TestEnvelopes reads a line in every envelope, and in every envelope within every
// other, as it would be read without, and sees its format guessed by it.
func TestEnvelopes(t *testing.T) {
	for _, test := range []struct{ format, line string }{
		{"nginx-combined", wrappedText},
		{"json", wrappedJSON},
	} {
		want := dumpLines(ByName(test.format).New(), test.line)
		for outer, once := range envelopesOf(test.line) {
			t.Run(test.format+" in "+outer, func(t *testing.T) {
				guess, ok := Guess(All(), []string{once, once})
				if !ok || guess.Format.Name != test.format {
					t.Errorf("guessed as %s, %v", guess.Format.Name, ok)
				}
				if got := dumpLines(ByName(test.format).New(), once); got != want {
					t.Errorf("got %s", got)
				}
			})
			for name, twice := range envelopesOf(once) {
				t.Run(test.format+" in "+outer+" in "+name, func(t *testing.T) {
					if got := dumpLines(ByName(test.format).New(), twice); got != want {
						t.Errorf("%s\ngot  %swant %s", twice, got, want)
					}
				})
			}
		}
	}
}

// TestEnvelopesDoNotAllocate holds for those that are proven by their first bytes.
func TestEnvelopesDoNotAllocate(t *testing.T) {
	for _, format := range []*Format{NginxCombined(), JSON(JSONConfig{})} {
		line := wrappedText
		if format.Name == "json" {
			line = wrappedJSON
		}
		all := envelopesOf(line)
		for _, name := range []string{"docker", "cri", "3164", "5424", "counted", "syslog", "rsyslog", "heroku", "export"} {
			t.Run(format.Name+" in "+name, func(t *testing.T) {
				parse := format.New()
				var f Fields
				allocs := testing.AllocsPerRun(1000, func() {
					if err := parse(all[name], &f); err != nil {
						t.Error(err)
					}
				})
				if allocs != 0 {
					t.Errorf("%v allocations", allocs)
				}
			})
		}
	}
}

// TestEnvelopedFieldsOutliveTheLine holds on to what one line gave while others are read.
func TestEnvelopedFieldsOutliveTheLine(t *testing.T) {
	parse := NginxCombined().New()
	line := func(n int) string {
		return strings.ReplaceAll(envelopesOf(wrappedText)["docker"], "/a ", "/"+strconv.Itoa(n)+" ")
	}
	kept := make([]Fields, 2000) // more than a block of memory
	for n := range kept {
		if err := parse(line(n), &kept[n]); err != nil {
			t.Fatal(err)
		}
	}
	for n, f := range kept {
		if want := "/" + strconv.Itoa(n); f.Target != want {
			t.Fatalf("line %d is now %q", n, f.Target)
		}
	}
}

// TestEnvelopeIsNoProof: what begins like an envelope and is a line of the format is
// read as the line.
func TestEnvelopeIsNoProof(t *testing.T) {
	format, err := NginxLogFormat("odd", `$time_iso8601 stdout F $remote_addr "$request" $status`, "")
	if err != nil {
		t.Fatal(err)
	}
	var f Fields
	if err := format.New()(`2026-03-01T10:00:08+00:00 stdout F 203.0.113.9 "GET /a HTTP/1.1" 200`, &f); err != nil {
		t.Fatal(err)
	}
	if f.Target != "/a" {
		t.Errorf("got %+v", f)
	}
}

// TestEnvelopeIsNoClient: a line that is not of the format is not made one by what
// stands around it.
func TestEnvelopeIsNoClient(t *testing.T) {
	const other = `[2026-03-01T10:00:07Z] "GET /a HTTP/1.1" 200 - 0 512`
	for name, line := range envelopesOf(other) {
		if name == "compose" || name == "kubectl" { // host names, for all the format knows
			continue
		}
		var f Fields
		if err := NginxCombined().New()(line, &f); err == nil {
			t.Errorf("%s gives %+v", name, f)
		}
	}
}

// A log that is emptied while its writer goes on where it was has a hole before its first line.
func TestHole(t *testing.T) {
	hole := strings.Repeat("\x00", 4096)
	for _, test := range []struct{ format, line string }{
		{"nginx-combined", wrappedText},
		{"json", wrappedJSON},
		{"nginx-combined", envelopesOf(wrappedText)["cri"]},
	} {
		parse := ByName(test.format).New()
		if got, want := dumpLines(parse, hole+test.line), dumpLines(parse, test.line); got != want {
			t.Errorf("%s: got %swant %s", test.format, got, want)
		}
		var f Fields
		if err := parse(hole, &f); err == nil || rejectOf(err).Reason != reasonBlank {
			t.Errorf("%s: a hole alone gives %v", test.format, err)
		}
	}
}

// What journalctl and tail write between lines is skipped. Golden files cannot hold it.
func TestMarks(t *testing.T) {
	for _, line := range []string{"-- Boot 8d2e0f9a6c2b4e0f --", "-- Logs begin at Sun 2026-03-01 09:00:00 UTC. --", "==> access.log <=="} {
		var f Fields
		if err := NginxCombined().New()(line, &f); err == nil || !rejectOf(err).Skip {
			t.Errorf("%s gives %v", line, err)
		}
	}
}

func FuzzEnvelopes(f *testing.F) {
	archive, err := txtar.ParseFile(filepath.Join(goldens, "envelopes.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, ".log") {
			for line := range strings.Lines(string(file.Data)) {
				f.Add(strings.TrimSuffix(line, "\n"))
			}
		}
	}
	text, object := NginxCombined(), JSON(JSONConfig{})
	usedText, usedObject := text.New(), object.New()
	f.Fuzz(func(t *testing.T, line string) {
		if len(line) > 4<<10 {
			return
		}
		sameAsFresh(t, text, usedText, line)
		sameAsFresh(t, object, usedObject, line)
	})
}

// What Docker writes is read in another way than objects of others, and not otherwise.
func TestPeelDocker(t *testing.T) {
	lines := []string{
		`{"log":"a \"GET /a HTTP/1.1\" 200\n","stream":"stdout","time":"2026-03-01T10:00:00.123456789Z"}`,
		`{"log":"a\r\n","stream":"stderr","time":"2026-03-01T10:00:00Z"}`,
		`{"log":"cut","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
		`{"log":"\n","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
		`{"log":"a \\","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
		`{"log":"a \","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
		`{"log":"a","b","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
		`{"log":"{\"a\":\"\u00e9\"}\n","stream":"stdout","time":"no time"}`,
		`{"log":"a\n","stream":"stdout","time":"2026-03-01T10:00:00Z","x":"}`,
		`{"log":"a\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-03-01T10:00:00Z"}`,
		`{"log":1","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
		`{"log":{"a":"b","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
	}
	quick, other := &envelopes{}, &envelopes{}
	read := 0
	same := func(line string) {
		t.Helper()
		got, ok := quick.peelDocker(line)
		if want := other.peelJSON(line); ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\nis %+v, and of any object it is %+v", line, got, want)
		}
		if ok {
			read++
		}
	}
	for _, line := range lines {
		same(line)
	}
	if read != 5 {
		t.Errorf("%d lines are read as Docker's", read)
	}
	r := rand.New(rand.NewPCG(1, 2))
	const marks = `"\{},:nx `
	for range 100_000 {
		line := []byte(lines[r.IntN(len(lines))])
		for range 1 + r.IntN(2) {
			at := r.IntN(len(line))
			if r.IntN(2) == 0 {
				line[at] = marks[r.IntN(len(marks))]
			} else {
				other := lines[r.IntN(len(lines))]
				line = append(line[:at], other[r.IntN(len(other)):]...)
			}
		}
		same(string(line))
	}
}

// TestSamplesInEnvelopes reads each sample of each format in every envelope: nothing of that may be
// taken for a part of the request.
func TestSamplesInEnvelopes(t *testing.T) {
	for _, format := range All() {
		for _, line := range format.Samples {
			var want Fields
			if format.New()(line, &want) != nil { // a header
				continue
			}
			for name, within := range envelopesOf(line) {
				if strings.HasPrefix(line, "api.") { // what may as well be the name of a stream, or a host
					continue
				}
				var got Fields
				if err := format.New()(within, &got); err != nil {
					t.Errorf("%s in %s: %v\n  %s", format.Name, name, err, within)
					continue
				}
				if got.Time = want.Time; got != want { // an envelope may have one that is as good
					t.Errorf("%s in %s: %s\n got %+v\nwant %+v", format.Name, name, within, got, want)
				}
			}
		}
	}
}
