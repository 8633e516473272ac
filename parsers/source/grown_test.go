package source_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// plainLine is a log line without its end.
func plainLine(n int) string { return strings.TrimSuffix(logLine(n, fmt.Sprintf("/p/%d", n)), "\n") }

// cri is what a container runtime makes of lines that two streams write, each split in
// up to four pieces.
func cri(rng *rand.Rand, n int) string {
	var b strings.Builder
	rest := [2]string{}
	streams := [2]string{"stdout", "stderr"}
	for i := 0; i < n || rest[0] != "" || rest[1] != ""; {
		s := rng.IntN(2)
		if rest[s] == "" {
			if i == n {
				continue
			}
			rest[s] = plainLine(i)
			i++
		}
		tag, at := "F", len(rest[s])
		if rng.IntN(2) == 0 {
			tag, at = "P", rng.IntN(at+1)
		}
		fmt.Fprintf(&b, "2026-03-01T10:00:00.%09dZ %s %s %s\n", rng.IntN(1e9), streams[s], tag, rest[s][:at])
		if rest[s] = rest[s][at:]; tag == "P" && rest[s] == "" {
			fmt.Fprintf(&b, "2026-03-01T10:00:00Z %s F \n", streams[s])
		}
	}
	return b.String()
}

// docker is what Docker makes of them.
func docker(rng *rand.Rand, n int) string {
	var b strings.Builder
	for line := range strings.Lines(cri(rng, n)) {
		at, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		stream, rest, _ := strings.Cut(rest, " ")
		tag, text, _ := strings.Cut(rest, " ")
		if tag == "F" {
			text += "\n"
		}
		quoted, _ := json.Marshal(text)
		if b.Len() == 0 {
			b.WriteString(`{"log":"started\n","stream":"stdout","time":"2026-03-01T10:00:00Z"}` + "\n")
		}
		fmt.Fprintf(&b, `{"log":%s,"stream":%q,"time":%q}`+"\n", quoted, stream, at)
	}
	return b.String()
}

// document writes n lines as the messages of a list, with what stands before, between
// and after its elements.
func document(n int, before, between, after string) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"timestamp":%d,"message":%s}`, 1772359200000+i, strconv.Quote(plainLine(i)+` {["`)))
	}
	return before + strings.Join(list, between) + after
}

func journal(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "__CURSOR=s=%d\n__REALTIME_TIMESTAMP=%d\n_PID=1\n", i, 1772359200000000+i)
		if i%2 == 0 {
			fmt.Fprintf(&b, "MESSAGE=%s\n\n", plainLine(i))
			continue
		}
		text := plainLine(i) + "\n\x01é"
		fmt.Fprintf(&b, "MESSAGE\n%s%s\n_COMM=nginx\n\n", binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text)
	}
	return b.String()
}

// grownLogs are logs whose records are not their lines.
func grownLogs(rng *rand.Rand) map[string]string {
	const n = 40
	pretty := strings.ReplaceAll(document(n, "[\n  ", ",\n  ", "\n]\n"), `{"timestamp"`, "{\n    \"timestamp\"")
	return map[string]string{
		"CRI":                 cri(rng, n),
		"Docker":              docker(rng, n),
		"array":               document(n, "[", ",", "]"),
		"array, indented":     pretty,
		"array, a line each":  document(n, "[\n", ",\n", "\n]\n"),
		"objects":             document(n, "", "", ""),
		"objects, indented":   strings.ReplaceAll(document(n, "", "\n", "\n"), `"message"`, "\n  \"message\""),
		"events":              document(n, `{"events": [`, ",\n", `], "searchedLogStreams": [], "nextToken": "]}\"{"}`),
		"subscription":        strings.Repeat(document(n/4, `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[`, ",", "]}"), 4),
		"subscription, lines": strings.Repeat(document(n/4, `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[`, ",", "]}\n"), 4),
		"records":             document(n, `{"records":[`, ",\r\n", "]}\r\n"),
		"objects and text":    "{\n}\n" + document(n/2, "", "\n\n", "") + "\nno JSON\n\n" + document(n/2, "", " ", "\n"),
		"journal":             journal(n),
	}
}

// Each of these logs gives all of its lines.
func TestRecords(t *testing.T) {
	for name, content := range grownLogs(rand.New(rand.NewPCG(1, 1))) {
		t.Run(name, func(t *testing.T) {
			for _, formats := range [][]*parsers.Format{{parsers.NginxCombined()}, parsers.All()} {
				opts := options(t, time.Minute)
				opts.Formats = formats
				rd := read(t, opts, write(t, filepath.Join(t.TempDir(), "a.log"), content))
				if len(rd.plan.Logs) != 1 || len(rd.broken) > 0 {
					t.Fatalf("%d logs, failures %v, broken %q", len(rd.plan.Logs), rd.plan.Failures, rd.broken)
				}
				at := rd.plan.Logs[0].At
				if len(rd.judged) != 40 || at.Parsed != 40 || at.Lines != at.Parsed+at.Rejected+at.Skipped || at.Offset != int64(len(content)) {
					t.Errorf("%d requests, stands at %+v", len(rd.judged), at)
				}
			}
		})
	}
}

// Such a log that is read again and again while it grows ends up as if it had been
// read once.
func TestRecordsGrowing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	for name, content := range grownLogs(rng) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			whole := read(t, options(t, time.Minute), write(t, path, content))
			for range 12 {
				var cuts []int
				for at := 0; at < len(content); {
					at = min(at+1+rng.IntN(1200), len(content))
					cuts = append(cuts, at)
				}
				readGrowing(t, path, content, cuts, whole)
			}
		})
	}
}

// The same where it is first read while little more than its beginning is there.
func TestRecordsBegun(t *testing.T) {
	for name, content := range grownLogs(rand.New(rand.NewPCG(1, 1))) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			whole := read(t, options(t, time.Minute), write(t, path, content))
			for at := 1; at <= 40; at++ {
				readGrowing(t, path, content, []int{at, at + 1, len(content)}, whole)
			}
		})
	}
}

// readGrowing reads a log each time it has grown to one of the cuts, of which the last
// is its length, and wants it to end up as it was read whole.
func readGrowing(t *testing.T, path, content string, cuts []int, whole *reading) {
	t.Helper()
	opts := options(t, time.Minute)
	kept := map[string]string{}
	var last *reading
	for _, at := range cuts {
		last = read(t, opts, write(t, path, content[:at]))
		if len(last.plan.Logs) == 0 { // only blanks
			continue
		}
		l := last.plan.Logs[0]
		if l.Anew() {
			clear(kept)
		}
		if l.Voids() {
			delete(kept, key(l.Source.ID, l.Start.Lines))
		}
		for k, v := range last.kept {
			if kept[k] != "" {
				t.Fatalf("cuts %v: line %s read again: %q, then %q", cuts, k, kept[k], v)
			}
			kept[k] = v
		}
		if n := l.At.Parsed + l.At.Rejected + l.At.Skipped; n != l.At.Lines || int(l.At.Parsed) != len(kept) {
			t.Fatalf("cuts %v: %d lines kept at %+v", cuts, len(kept), l.At)
		}
		opts.Known = last.known()
	}
	if !maps.Equal(kept, whole.kept) {
		t.Fatalf("cuts %v: %d lines kept, want %d, or others", cuts, len(kept), len(whole.kept))
	}
	if got, want := last.plan.Logs[0].At, whole.plan.Logs[0].At; got != want {
		t.Fatalf("cuts %v: stands at %+v, want %+v", cuts, got, want)
	}
}

// What a run that is broken off after any batch has kept, the next goes on from.
func TestReopenedBrokenOff(t *testing.T) {
	head := logLine(0, "/a") + logLine(0, "/b") + "2026-03-01T10:00:00Z stdout P " + plainLine(1)[:30] + "\n2026-03-01T10:00:00Z stderr P " + plainLine(2)[:30] + "\n"
	tail := "2026-03-01T10:00:00Z stderr F " + plainLine(2)[30:] + "\n2026-03-01T10:00:00Z stdout F " + plainLine(1)[30:] + "\n"
	opts := options(t, time.Minute)
	path := filepath.Join(t.TempDir(), "a.log")
	first := read(t, opts, write(t, path, head))
	if at := first.plan.Logs[0].At; at.Rejected != 2 || at.Skipped != 0 || at.Parsed != 2 {
		t.Fatalf("stands at %+v; want 2 rejected", at)
	}
	opts.Known = first.known()
	write(t, path, head+tail)
	for after := range 3 {
		files, _ := source.Find([]string{path}, nil)
		l := source.Look(files, opts).Logs[0]
		at := l.At
		var replaced []int64
		for range after {
			b, err := l.Next()
			if err != nil {
				t.Fatal(err)
			}
			at, replaced = b.After, append(replaced, b.Replaces)
		}
		if want := []int64{3, 4}[:after]; after > 0 && !slices.Equal(replaced, want) {
			t.Errorf("replaced %v, want %v", replaced, want)
		}
		if after == 0 {
			at = l.Start
		}
		opts := options(t, time.Minute)
		opts.Known = []source.Known{{Source: *l.Source, HeadLen: l.HeadLen, At: at}}
		rd := read(t, opts, path)
		if got := rd.plan.Logs[0].At; got.Parsed != 4 || got.Skipped != 2 || got.Rejected != 0 || got.Lines != 6 || got.Torn != "" {
			t.Errorf("broken off after %d: stands at %+v", after, got)
		}
		if !slices.Equal(rd.judged, []string{"1 /p/1", "2 /p/2"}) {
			t.Errorf("broken off after %d: judged %q", after, rd.judged)
		}
	}
}

// A document that is cut off gives what is whole in it, and that it is cut off is told
// each time it is read.
func TestCutOff(t *testing.T) {
	whole := document(10, `{"events":[`, ",", `],"nextToken":"x"}`)
	for _, test := range []struct {
		name string
		size int
		want int
	}{
		{"in a record", strings.LastIndex(whole, "/p/9"), 9},
		{"between records", strings.LastIndex(whole, `{"timestamp"`), 9},
		{"after the list", len(whole) - 1, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := options(t, time.Minute)
			path := write(t, filepath.Join(t.TempDir(), "a.json"), whole[:test.size])
			for _, want := range []int{test.want, 0} {
				rd := read(t, opts, path)
				if len(rd.judged) != want || len(rd.broken) != 1 || !strings.Contains(rd.broken[0], "cut off") {
					t.Errorf("%d requests, told %q; want %d, one cut off", len(rd.judged), rd.broken, want)
				}
				opts.Known = rd.known()
			}
		})
	}
}

// Another document that begins with the same records is another log.
func TestSameBeginningOfDocuments(t *testing.T) {
	opts := options(t, time.Minute)
	content := document(40, "[", ",", "]")
	opts.Known = read(t, opts, write(t, filepath.Join(t.TempDir(), "a.json"), content)).known()
	other := strings.Replace(content, "/p/39", "/q/39", 1) + document(1, "", "", "")
	rd := read(t, opts, write(t, filepath.Join(t.TempDir(), "b.json"), other))
	if len(rd.judged) != 41 || rd.plan.Logs[0].Source.ID != 2 {
		t.Errorf("%d requests of source %d, want 41 of 2", len(rd.judged), rd.plan.Logs[0].Source.ID)
	}
}

// A record stands at the line it begins in, also where that was split.
func TestRecordLines(t *testing.T) {
	half := strings.Index(plainLine(1), `"GET`)
	for _, test := range []struct {
		name, content string
		want          []string
	}{
		{"CRI", "2026-03-01T10:00:00Z stdout P " + plainLine(1)[:half] + "\n2026-03-01T10:00:00Z stderr F " + plainLine(2) + "\n2026-03-01T10:00:00Z stdout F " + plainLine(1)[half:] + "\n",
			[]string{"1:1", "1:2"}},
		{"indented", "[\n" + strings.ReplaceAll(document(3, "", ",\n", "\n]\n"), `"message"`, "\n  \"message\""), []string{"1:2", "1:4", "1:6"}},
		{"events", "{\n\"events\": [\n" + document(3, "", ",\n", "\n]\n}\n"), []string{"1:3", "1:4", "1:5"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rd := read(t, options(t, time.Minute), write(t, filepath.Join(t.TempDir(), "a.log"), test.content))
			if got := slices.Sorted(maps.Keys(rd.kept)); !slices.Equal(got, test.want) {
				t.Errorf("lines %q, want %q", got, test.want)
			}
		})
	}
}

// An earlier copy of a log whose lines were split is that log.
func TestEarlierCopySplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	content := cri(rng, 60)
	for range 20 {
		opts := keep(t, content)
		copied := content[:len(content)/2+rng.IntN(len(content)/3)]
		rd := read(t, opts, write(t, filepath.Join(t.TempDir(), "backup"), copied))
		if l := rd.plan.Logs[0]; l.Source.ID != 1 || !l.Over() {
			t.Fatalf("a copy of %d bytes is source %d, read to its end: %v", len(copied), l.Source.ID, l.Over())
		}
	}
}
