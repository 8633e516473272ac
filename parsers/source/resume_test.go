package source_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A log whose header says how its lines are written is read on in its middle as it is
// read from its start, also where the header has changed on the way.
func TestGrowingWithHeader(t *testing.T) {
	for _, test := range []struct{ name, before, after string }{
		{"bare", "", "\r\n"},
		{"CloudWatch", "2026-03-01T10:00:08.000Z ", "\n"},
		{"Kubernetes", "2026-03-01T10:00:08.123456789Z stdout F ", "\n"},
		{"Docker", `{"log":"`, `\r\n","stream":"stdout","time":"2026-03-01T10:00:08Z"}` + "\n"},
		{"events", `{"timestamp":1772359208123,"message":"`, `"}` + "\n"},
		{"document", "{\n" + `"timestamp":1772359208123,"message":"`, `"}` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) { testGrowingWithHeader(t, test.before, test.after) })
	}
}

func testGrowingWithHeader(t *testing.T, before, after string) {
	var text strings.Builder
	for i := range 60 {
		if i%20 == 0 {
			fields := []string{"date time c-ip cs-method cs-uri-stem sc-status x-extra", "x-extra date time cs-method cs-uri-stem sc-status c-ip"}[i/20%2]
			fmt.Fprintf(&text, "%s#Version: 1.0%s%[1]s#Fields: %[3]s%[2]s", before, after, fields)
		}
		at := fmt.Sprintf("2026-03-01 10:00:%02d", i)
		if i/20%2 == 0 {
			fmt.Fprintf(&text, "%s%s 192.0.2.%d GET /p/%d 200 e%s", before, at, i+1, i, after)
		} else {
			fmt.Fprintf(&text, "%se %s GET /p/%d 200 192.0.2.%d%s", before, at, i, i+1, after)
		}
	}
	path := filepath.Join(t.TempDir(), "ex.log")
	opts := options(t, time.Minute)
	opts.Formats = parsers.All()
	content := text.String()
	want := read(t, opts, write(t, path, content))
	if len(want.judged) != 60 || want.plan.Logs[0].At.Rejected != 0 {
		t.Fatalf("%d requests, %d rejected; want 60, 0", len(want.judged), want.plan.Logs[0].At.Rejected)
	}
	for _, share := range []int{8, 40, 60, 90} {
		cut := len(content) * share / 100
		opts := options(t, time.Minute)
		opts.Formats = parsers.All()
		end := strings.LastIndexByte(content[:cut], '\n') + 1
		first := read(t, opts, write(t, path, content[:end]))
		opts.Known = first.known()
		second := read(t, opts, write(t, path, content))
		if got := append(first.judged, second.judged...); !slices.Equal(got, want.judged) {
			t.Errorf("cut at %d: %d requests, not the %d of one reading", cut, len(got), len(want.judged))
		}
		if second.plan.Logs[0].At != want.plan.Logs[0].At {
			t.Errorf("cut at %d: stands at %+v, want %+v", cut, second.plan.Logs[0].At, want.plan.Logs[0].At)
		}
	}
}

// A log whose requests take several lines gives the same of them wherever it is cut, also
// within a line, and where others were begun in between.
func TestGrowingRails(t *testing.T) {
	for _, test := range []struct{ name, first, second string }{
		{"tagged", "I, [2026-03-01T10:00:00.123456 #7]  INFO -- : [a1] ", "I, [2026-03-01T10:00:00.123456 #7]  INFO -- : [b2] "},
		{"two processes", "I, [2026-03-01T10:00:00.123456 #7]  INFO -- : ", "I, [2026-03-01T10:00:00.123456 #8]  INFO -- : "},
		{"syslog", "Mar  1 10:00:00 web1 rails[7]: [a1] ", "Mar  1 10:00:00 web1 rails[7]: [b2] "},
		{"bare", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var text strings.Builder
			for i := range 12 {
				begin := func(path string) string {
					return fmt.Sprintf("Started GET \"%s/%d\" for 192.0.2.%d at 2026-03-01 10:00:%02d +0000\n", path, i, i+1, i)
				}
				text.WriteString(test.first + begin("/a"))
				if test.first != test.second && i%2 == 0 {
					text.WriteString(test.second + begin("/b"))
				}
				text.WriteString(test.first + "Processing by UsersController#index as JSON\n")
				if i%3 > 0 {
					text.WriteString(test.first + "Completed 200 OK in 58ms (Views: 1.0ms)\n")
				} else {
					fmt.Fprintf(&text, "%sActionController::RoutingError (No route matches [GET] \"/a/%d\"):\n", test.first, i)
				}
				if test.first != test.second && i%2 == 0 {
					text.WriteString(test.second + "Completed 401 Unauthorized in 8ms\n")
				}
			}
			content, path := text.String(), filepath.Join(t.TempDir(), "production.log")
			opts := options(t, time.Minute)
			opts.Formats = parsers.All()
			want := read(t, opts, write(t, path, content))
			requests := 12
			if test.first != test.second {
				requests = 18
			}
			if at := want.plan.Logs[0].At; int(at.Parsed) != requests || at.Rejected != 0 {
				t.Fatalf("%d requests, %d rejected; want %d, 0", at.Parsed, at.Rejected, requests)
			}
			var cuts []int
			for end := strings.Index(content, "Processing"); end < len(content)-1; {
				end += strings.IndexByte(content[end:], '\n') + 1
				cuts = append(cuts, end-1, end, end+20)
			}
			growsAlike(t, path, content, cuts, []*parsers.Format{parsers.Rails()}, want)
		})
	}
}

// Of a log whose requests take two lines, as Fastify writes them, too.
func TestGrowingFastify(t *testing.T) {
	var text strings.Builder
	begin := func(i int) {
		fmt.Fprintf(&text, `{"level":30,"time":%d,"pid":1,"hostname":"web-1","reqId":"req-%d","req":{"method":"GET","url":"/a/%d","remoteAddress":"192.0.2.7"},"msg":"incoming request"}`+"\n", 1772359200000+i*1000, i, i)
	}
	begin(0)
	for i := range 12 {
		begin(i + 1)
		fmt.Fprintf(&text, `{"level":30,"time":%d,"pid":1,"hostname":"web-1","reqId":"req-%d","res":{"statusCode":404},"responseTime":7,"msg":"request completed"}`+"\n", 1772359200500+i*1000, i)
	}
	content, path := text.String(), filepath.Join(t.TempDir(), "server.log")
	formats := []*parsers.Format{parsers.JSON(parsers.JSONConfig{})}
	opts := options(t, time.Minute)
	opts.Formats = formats
	want := read(t, opts, write(t, path, content))
	if at := want.plan.Logs[0].At; at.Parsed != 12 || at.Rejected != 0 {
		t.Fatalf("%d requests, %d rejected; want 12, 0", at.Parsed, at.Rejected)
	}
	var cuts []int
	for end := strings.Index(content, "completed"); end < len(content)-1; {
		end += strings.IndexByte(content[end:], '\n') + 1
		cuts = append(cuts, end-1, end, end+20)
	}
	growsAlike(t, path, content, cuts, formats, want)
}

// The last row of a table that is still written to is read, and read again once it is whole.
func TestGrowingTable(t *testing.T) {
	var text strings.Builder
	text.WriteString("time,client_ip,method,path,status,user_agent\n")
	for i := range 12 {
		agent := "curl/8.5.0"
		if i%3 == 0 {
			agent = "\"a, \"\"b\"\"\nc\""
		}
		fmt.Fprintf(&text, "2026-03-01T10:00:%02dZ,192.0.2.%d,GET,/p/%d,404,%s\n", i, i+1, i, agent)
	}
	content, path := text.String(), filepath.Join(t.TempDir(), "export.csv")
	formats := []*parsers.Format{parsers.JSON(parsers.JSONConfig{})}
	opts := options(t, time.Minute)
	opts.Formats = formats
	want := read(t, opts, write(t, path, content))
	if at := want.plan.Logs[0].At; at.Parsed != 12 || at.Rejected != 0 {
		t.Fatalf("%d requests, %d rejected; want 12, 0", at.Parsed, at.Rejected)
	}
	var cuts []int
	quoted := false
	for i := range content {
		if i > strings.IndexByte(content, '\n') && !quoted {
			cuts = append(cuts, i)
		}
		if content[i] == '"' {
			quoted = !quoted
		}
	}
	growsAlike(t, path, content, cuts, formats, want)
}

// growsAlike reads a log as far as each cut and then to its end, and wants it to end up as it
// was read whole.
func growsAlike(t *testing.T, path, content string, cuts []int, formats []*parsers.Format, want *reading) {
	t.Helper()
	isTable := formats[0].Name == "json"
	for _, cut := range cuts {
		cut = min(cut, len(content))
		opts := options(t, time.Minute)
		opts.Formats = formats
		kept := map[string]string{}
		first := read(t, opts, write(t, path, content[:cut]))
		if len(first.plan.Logs) == 1 {
			maps.Copy(kept, first.kept)
			opts.Known = first.known()
		}
		second := read(t, opts, write(t, path, content))
		l := second.plan.Logs[0]
		if l.Anew() {
			clear(kept)
		}
		if l.Voids() {
			begin, quoted := 0, false // of the last row or line
			for i, c := range content[:cut] {
				if quoted = quoted != (c == '"' && isTable); c == '\n' && !quoted {
					begin = i + 1
				}
			}
			delete(kept, key(l.Source.ID, int64(strings.Count(content[:begin], "\n")+1)))
		}
		for k, v := range second.kept {
			if kept[k] != "" {
				t.Fatalf("cut at %d: line %s read again: %q, then %q", cut, k, kept[k], v)
			}
			kept[k] = v
		}
		if !maps.Equal(kept, want.kept) {
			t.Fatalf("cut at %d, behind %q: %d requests, want the %d of one reading", cut, content[max(cut-30, 0):cut], len(kept), len(want.kept))
		}
		if l.At != want.plan.Logs[0].At {
			t.Fatalf("cut at %d: stands at %+v, want %+v", cut, l.At, want.plan.Logs[0].At)
		}
	}
}
