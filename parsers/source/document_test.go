package source

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// splitAll takes a text apart that comes in pieces of at most that many bytes.
func splitAll(t testing.TB, l layout, text string, most int) (lines []string, numbers []int64, ok bool) {
	t.Helper()
	s := l.splitter()
	for piece := range slices.Chunk([]byte(text), most) {
		if whole := s.split(piece); whole < 0 || whole > len(piece) {
			t.Fatalf("%d of %d bytes are whole", whole, len(piece))
		}
		b := s.take()
		for line := range strings.Lines(b.text) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
		numbers = append(numbers, b.numbers...)
	}
	if len(lines) != len(numbers) {
		t.Fatalf("%d lines, %d numbers", len(lines), len(numbers))
	}
	return lines, numbers, !s.unfinished()
}

func TestLayout(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       layout
	}{
		{"nothing", "", inLines},
		{"text", "192.0.2.1 - - [", inLines},
		{"a time in brackets", `[2026-03-01T10:00:00Z] "GET / HTTP/1.1"`, inLines},
		{"a pod in brackets", "[pod/web-1/nginx] {}", inLines},
		{"Fluent Bit", `[1772359208.5, {"a": 1}]` + "\n", inLines},
		{"an object a line", "{\"a\":1}\n{\"a\":2}\n", inLines},
		{"the first is torn", `{"a":1,"b`, inLines},
		{"the first is broken in a string", "{\"a\":1,\"b\n{\"a\":2}\n", inLines},
		{"the first is broken", "{\"a\":1,\n{\"a\":2}\n", inLines},
		{"and then text", "{\"a\":1} x\n", inLines},
		{"lists of other things", `{"a":1,"records":[{"b":2}]}` + "\n", inLines},
		{"lists of no objects", `{"records":[1]}` + "\n", inLines},
		{"an empty list", `{"events":[]}` + "\n", inLines},
		{"keys within", `{"owner":{"events":[{}]}}` + "\n", inLines},
		{"array", `[{"a":1}]`, inJSON},
		{"array, indented", "\n [\r\n  {\n", inJSON},
		{"object, indented", "{\n  \"a\": 1\n}\n", inJSON},
		{"empty object, indented", "{\n}\n", inJSON},
		{"two on a line", `{"a":1}{"a":2`, inJSON},
		{"events", `{"events":[{"a":1}]}`, inJSON},
		{"OpenTelemetry", `{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{`, inJSON},
		{"Render", `{"hasMore":true,"nextStartTime":"2026-03-01T10:00:00Z","logs":[{"message":"x"`, inJSON},
		{"Edgecast", `{"agent_id":"a","seq_num":0,"platform":"adn","datestamp":"20260301","logs":[{"client_ip"`, inJSON},
		{"a record with logs", `{"path":"/a","logs":[{"b":2}]}` + "\n", inLines},
		{"metrics", `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{}]}]}]}` + "\n", inLines},
		{"events, indented", "{\n  \"events\": [\n    {\n", inJSON},
		{"events of many lines", "{ \"events\" : [\n{", inJSON},
		{"subscription", `{"messageType":"DATA_MESSAGE","logEvents":[{"a":1`, inJSON},
		{"Loki", `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"b"},"values":[["1","x"`, inJSON},
		{"Elasticsearch", `{"took":5,"_shards":{"total":1},"hits":{"total":{"value":1},"hits":[{"_source":{`, inJSON},
		{"a record with a status and lists", `{"status":200,"data":[{"a":1}],"path":"/a"}` + "\n", inLines},
		{"a record with data", `{"data":{"method":"GET","result":[{}]},"path":"/a"}` + "\n", inLines},
		{"a result of Splunk", `{"preview":false,"offset":0,"result":{"_raw":"x"}}` + "\n", inLines},
		{"journal", "__CURSOR=s=1\n", inJournal},
		{"a table", "\"@timestamp\",\"client.ip\",http.request.method,url.path\r\n", inTable},
		{"a table with a line", "time,client_ip,request,status,message\n", inTable},
		{"a table of Azure", "\ufeffTimeGenerated [UTC],HttpMethod,RequestUri,ClientIp\n", inTable},
		{"the first row is torn", "time,client_ip,request,status", inLines},
		{"lines in a column", "@timestamp,@message\n", inLines},
		{"a table of other things", "time,name,amount\n", inLines},
		{"a table without times", "method,path,status\n", inLines},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := layoutOf([]byte(test.text)); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestSplitters(t *testing.T) {
	for _, test := range []struct {
		name    string
		layout  layout
		text    string
		lines   []string
		numbers []int64
		ok      bool
	}{
		{"nothing", inJSON, "", nil, nil, true},
		{"array", inJSON, `[{"a":1}, {"a":2}]`, []string{`{"a":1}`, `{"a":2}`}, []int64{1, 2}, true},
		{"indented", inJSON, "[\n {\n  \"a b\": [ 1, { } ]\n },\n\n {}\n]", []string{`{"a b":[1,{}]}`, `{}`}, []int64{2, 6}, true},
		{"two lines, three records", inJSON, "{}{}\n{}\n", []string{"{}", "{}", "{}"}, []int64{1, 2, 3}, true},
		{"strings", inJSON, "[\n{\"a\\\"]}\":\"\\\\\"},{\"b\":\"[{\\u0022\n\"}]", []string{`{"a\"]}":"\\"}`, `{"b":"[{\u0022 "}`}, []int64{2, 3}, true},
		{"no objects", inJSON, `[1, "a]", [2,{}], null,{}]`, []string{"1", `"a]"`, "[2,{}]", "null", "{}"}, []int64{1, 2, 3, 4, 5}, true},
		{"text between", inJSON, "{\n}\nno, JSON \r\n{}", []string{"{}", "no, JSON \r", "{}"}, []int64{1, 3, 4}, true},
		{"stray brackets", inJSON, "}\n[}]\n]\n{}", []string{"}", "}", "]", "{}"}, []int64{1, 2, 3, 4}, true},
		{"events", inJSON, "{\"events\": [\n{\"a\":1},\n{\"a\":2}], \"x\": {\"events\":[{}], \"y\":\"}\"}}\n{\"b\":1}", []string{`{"a":1}`, `{"a":2}`, `{"b":1}`}, []int64{2, 3, 4}, true},
		{"empty events", inJSON, `{"events":[ ],"nextToken":"x"}{"events":[{}]}`, []string{`{"events":[],"nextToken":"x"}`, `{}`}, []int64{1, 2}, true},
		{"keys that begin alike", inJSON, `{"eventsx":[{}]}{"events\"":[{}]}{"subscriptionFilters12":1,"events":[{}]}`,
			[]string{`{"eventsx":[{}]}`, `{"events\"":[{}]}`, `{"subscriptionFilters12":1,"events":[{}]}`}, []int64{1, 2, 3}, true},
		{"a list in an element", inJSON, `[{"records":[{"a":1}]}]`, []string{`{"records":[{"a":1}]}`}, []int64{1}, true},
		{"cut off in a record", inJSON, `[{"a":1},{"a":`, []string{`{"a":1}`}, []int64{1}, false},
		{"cut off after one", inJSON, `[{"a":1},`, []string{`{"a":1}`}, []int64{1}, false},
		{"cut off after the list", inJSON, `{"events":[{"a":1}],"nextToken":"`, []string{`{"a":1}`}, []int64{1}, false},

		{"Loki", inJSON, "{\"status\":\"success\",\"data\":{\"result\":[\n{\"stream\":{\"values\":\"[[\"},\"values\":[[\"17\",\"a [ \\\"\"],\n[\"18\",\"b\",{}]]},\n" +
			"{\"values\":[[\"19\",\"c\"]],\"stream\":{\"x\":\"]}\"}}],\"stats\":{\"entries\":[{}]}}}\n{\"d\":1}",
			[]string{`["17","a [ \""]`, `["18","b",{}]`, `["19","c"]`, `{"d":1}`}, []int64{2, 3, 4, 5}, true},
		{"Loki, without lines", inJSON, `{"status":"success","data":{"result":[]}}{"data":{"result":[{"stream":{},"values":[]},{"values":[["17","a"]]}]}}`,
			[]string{`{"status":"success","data":{"result":[]}}`, `{"stream":{},"values":[]}`, `["17","a"]`}, []int64{1, 2, 3}, true},
		{"OpenTelemetry", inJSON, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"a\"}]},\"scopeLogs\":[{\"scope\":{},\"logRecords\":[{\"body\":1},\n{\"attributes\":[{\"logRecords\":[{}]}]}]}," +
			"{\"logRecords\":[{\"body\":3}],\"schemaUrl\":\"x\"}],\"schemaUrl\":\"y\"},{\"scopeLogs\":[{\"logRecords\":[{\"body\":4}]}]}]}\n{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":5}]}]}]}\n",
			[]string{`{"body":1}`, `{"attributes":[{"logRecords":[{}]}]}`, `{"body":3}`, `{"body":4}`, `{"body":5}`}, []int64{1, 2, 3, 4, 5}, true},
		{"OpenTelemetry, without records", inJSON, `{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[]}]}]}`,
			[]string{`{"scope":{},"logRecords":[]}`}, []int64{1}, true},
		{"Elasticsearch", inJSON, "{\"took\":5,\"timed_out\":false,\"_shards\":{\"total\":1,\"failures\":[{}]},\"hits\":{\"total\":{\"value\":2},\"max_score\":null,\"hits\":[\n{\"_source\":{\"hits\":[{}]}},\n{\"result\":[{}]}]},\"aggregations\":{}}",
			[]string{`{"_source":{"hits":[{}]}}`, `{"result":[{}]}`}, []int64{2, 3}, true},
		{"Insights", inJSON, `{"queryLanguage":"CWLI","results":[[{"field":"@message","value":"a"}],[{"field":"b","value":"1"}]],"statistics":{},"status":"Complete"}`,
			[]string{`[{"field":"@message","value":"a"}]`, `[{"field":"b","value":"1"}]`}, []int64{1, 2}, true},
		{"Datadog", inJSON, `{"data":[{"id":"1","attributes":{}}],"meta":{},"links":{"next":"x"}}`, []string{`{"id":"1","attributes":{}}`}, []int64{1}, true},
		{"Splunk", inJSON, `{"preview":false,"init_offset":0,"messages":[],"fields":[{"name":"_raw"}],"results":[{"_raw":"a"}], "highlighted":{}}`,
			[]string{`{"_raw":"a"}`}, []int64{1}, true},
		{"lists deeper than they are known", inJSON, `{"data":{"data":{"x":[{}]}}}{"hits":{"x":1,"hits":[{}]}}{"status":200,"data":[{}]}{"result":[1,{}]}`,
			[]string{`{"data":{"data":{"x":[{}]}}}`, `{"hits":{"x":1,"hits":[{}]}}`, `{"status":200,"data":[{}]}`, `{"result":[1,{}]}`}, []int64{1, 2, 3, 4}, true},
		{"cut off in a list of lists", inJSON, `{"data":{"result":[{"values":[["17","a"]`, []string{`["17","a"]`}, []int64{1}, false},

		{"journal", inJournal, "__CURSOR=1\n__REALTIME_TIMESTAMP=17\nMESSAGE=a=\"\\\té\n_PID=1\n\n\nMESSAGE=b\n\nMESSAGE=c\n",
			[]string{`{"__REALTIME_TIMESTAMP":"17","MESSAGE":"a=\"\\\u0009é"}`, `{"MESSAGE":"b"}`}, []int64{1, 7}, false},
		{"binary", inJournal, "_X\n\x02\x00\x00\x00\x00\x00\x00\x00\n\n\nMESSAGE\n\x0a\x00\x00\x00\x00\x00\x00\x00MESSAGE=\n\n\n_PID=1\n\nMESSAGE=b\n\n",
			[]string{`{"MESSAGE":"MESSAGE=\u000a\u000a"}`, `{"MESSAGE":"b"}`}, []int64{1, 12}, true},
		{"nothing kept", inJournal, "_PID=1\n\n=\n\n", []string{"{}", "{}"}, []int64{1, 3}, true},
		{"table", inTable, "\ufefftime [UTC],\"pa\"\"th\\\",c\r\n1,\"a \"\"b\"\", \tc\nd\",\n\n2,,3\ntime [UTC],x,y\n,,\n1,2\n1,\"2\"x,3\n",
			[]string{`{"time":"1","pa\"th\\":"a \"b\", \u0009c\u000ad"}`, `{"time":"2","c":"3"}`, `{"time":"time [UTC]","pa\"th\\":"x","c":"y"}`, "{}", "1,2", `1,"2"x,3`},
			[]int64{2, 5, 6, 7, 8, 9}, true},
		{"the first row again", inTable, "a,b\n1,2\na,b\n3,4\n5,", []string{`{"a":"1","b":"2"}`, `{"a":"3","b":"4"}`}, []int64{2, 4}, false},
		{"quotes without end", inTable, "a,b\n1,\"2\n3,4\n" + strings.Repeat("5,6\n", maxQuoted/4) + "7,8\n",
			slices.Concat([]string{`{"a":"1","b":"\"2"}`, `{"a":"3","b":"4"}`}, slices.Repeat([]string{`{"a":"5","b":"6"}`}, maxQuoted/4), []string{`{"a":"7","b":"8"}`}), upTo(2, maxQuoted/4+4), true},
		{"a length without end", inJournal, "A\n\xff\xff\xff\xff\xff\xff\xff\xffMESSAGE=b\n\n", nil, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, most := range []int{1, 2, 3, 7, max(1, len(test.text))} {
				lines, numbers, ok := splitAll(t, test.layout, test.text, most)
				if !slices.Equal(lines, test.lines) || !slices.Equal(numbers, test.numbers) || ok != test.ok {
					t.Errorf("%d bytes at a time: got %q, %d, ended %v; want %q, %d, %v", most, lines, numbers, ok, test.lines, test.numbers, test.ok)
				}
			}
		})
	}
}

// upTo returns the numbers from one to another.
func upTo(from, to int64) (numbers []int64) {
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// The last row of a table may have no line end. It is read then, and again from its beginning
// when there is more of it, unless its quotes are open.
func TestTableEnd(t *testing.T) {
	const row = "{\"a\":\"1\",\"b\":\"2\"}\n"
	read := func(c *cutter) (text string, err error) {
		for err == nil {
			var b block
			b, err = c.next()
			text += b.text
		}
		return text, err
	}
	for _, test := range []struct {
		last, want string
		torn       bool
	}{
		{"", "", false},
		{"3,4", "{\"a\":\"3\",\"b\":\"4\"}\n", true},
		{"3", "3\n", true},
		{`3,"4"`, "{\"a\":\"3\",\"b\":\"4\"}\n", true},
		{"3,\"4\n5\"", "{\"a\":\"3\",\"b\":\"4\\u000a5\"}\n", true},
		{`3,"4`, "{\"a\":\"3\",\"b\":\"\\\"4\"}\n", false},
		{"3,\"4\n5,6", "{\"a\":\"3\",\"b\":\"\\\"4\"}\n{\"a\":\"5\",\"b\":\"6\"}\n", false},
	} {
		text := "a,b\n1,2\n" + test.last
		end := len(text)
		if test.torn {
			end -= len(test.last)
		}
		c := newCutter(strings.NewReader(text), inTable)
		if got, err := read(c); got != row+test.want || err != io.EOF || c.offset != int64(end) {
			t.Errorf("%q: got %q, %v, up to %d", test.last, got, err, c.offset)
		}
		again := newCutter(strings.NewReader(text+"\n1,2\n"), inTable)
		if sum, err := again.skip(c.offset, func(block) {}); sum != c.sum() || err != nil {
			t.Fatalf("%q: what was read before is %s, %v, want %s", test.last, sum, err, c.sum())
		}
		if test.torn {
			want := test.want
			if line, ended := again.document.(*tableSplitter).next([]byte(test.last + "\n1,2\n")); string(line)+"\n" != want || !ended {
				t.Errorf("%q: next is %q, %v", test.last, line, ended)
			}
			if got, err := read(again); got != want+row || err != io.EOF {
				t.Errorf("%q: then comes %q, %v", test.last, got, err)
			}
			continue
		}
		if got, err := read(again); got != row || err != io.EOF {
			t.Errorf("%q: then comes %q, %v", test.last, got, err)
		}
	}
}

// An endless record takes no more memory than the longest that is read, is cut and
// counted, and what follows is whole.
func TestLongRecord(t *testing.T) {
	const size = 20 * MaxLine
	for _, test := range []struct {
		name, before, after string
		layout              layout
	}{
		{"string", `[{"a":"`, `"},{"b":1}]`, inJSON},
		{"number", `[`, `,{"b":1}]`, inJSON},
		{"text", "{}\n", "\n{\"b\":1}", inJSON},
		{"key", `{"`, `":1}{"b":1}`, inJSON},
		{"message", "MESSAGE=", "\n\nMESSAGE=\n\n", inJournal},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCutter(io.MultiReader(strings.NewReader(test.before), io.LimitReader(endless('x'), size), strings.NewReader(test.after)), test.layout)
			cut, longest, last := 0, 0, ""
			for {
				b, err := c.next()
				for line := range strings.Lines(b.text) {
					last = line
					longest = max(longest, len(line))
				}
				cut += b.cut
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if cut != 1 || longest != MaxLine+1 || last != "{\"b\":1}\n" && test.layout == inJSON || last != "{\"MESSAGE\":\"\"}\n" && test.layout == inJournal {
				t.Errorf("%d cut, the longest of %d bytes, the last %q", cut, longest, last)
			}
			if c.offset != int64(len(test.before)+size+len(test.after)) {
				t.Errorf("offset %d", c.offset)
			}
		})
	}
}

// indent writes blanks where JSON allows them.
func indent(rng *rand.Rand, text string) string {
	var b strings.Builder
	quoted, escaped, word := false, false, false
	for i := range len(text) {
		c := text[i]
		inWord := !quoted && !strings.ContainsRune(`{}[],:"`, rune(c))
		if !quoted && !(word && inWord) {
			b.WriteString([]string{"", " ", "\n", "\r\n\t"}[rng.IntN(4)])
		}
		word = inWord
		b.WriteByte(c)
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = c == '\\'
			quoted = c != '"'
		case c == '"':
			quoted = true
		}
	}
	return b.String()
}

// Any JSON gives the same records whether it is indented or not, in an array or in an
// object that log systems put around it; any bytes give the same however they come.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"a":["b\"",{"c":1.5e3}]}`), uint64(1))
	f.Add([]byte("[{\"events\":[{}]}]\n{\n\"logEvents\" : [{\"message\":\"x\"}]}\n text {"), uint64(2))
	f.Add([]byte(`"a\\"`), uint64(3))
	f.Add([]byte(`{"status":"success","data":{"result":[{"stream":{},"values":[["17","a"],["18","b"]]}]}}`), uint64(5))
	f.Add([]byte("a,\"b\"\n1,\"x \"\"y\"\"\nz\"\n2,3"), uint64(7))
	f.Add([]byte(`{"took":5,"hits":{"hits":[{"_source":{}}]}}{"results":[[{}],[{}]]}`), uint64(6))
	f.Add([]byte("__CURSOR=1\nMESSAGE\n\x01\x00\x00\x00\x00\x00\x00\x00x\n\n"), uint64(4))
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		if len(text) > 8<<10 {
			return
		}
		for _, l := range []layout{inJSON, inJournal, inTable} {
			lines, numbers, ok := splitAll(t, l, string(text), len(text)+1)
			again, numbersAgain, okAgain := splitAll(t, l, string(text), 1+int(seed%11))
			if !slices.Equal(lines, again) || !slices.Equal(numbers, numbersAgain) || ok != okAgain {
				t.Fatalf("in pieces %q, %d, %v; as a whole %q, %d, %v", again, numbersAgain, okAgain, lines, numbers, ok)
			}
			if !slices.IsSorted(numbers) || len(slices.Compact(slices.Clone(numbers))) != len(numbers) {
				t.Fatalf("numbers %d", numbers)
			}
		}
		layoutOf(text)
		var compact bytes.Buffer
		if json.Compact(&compact, text) != nil {
			return
		}
		element := compact.String()
		rng := rand.New(rand.NewPCG(seed, 5))
		for _, around := range [][2]string{{`[{},`, `]`}, {`{"owner":"x","logEvents":[{},`, `],"nextToken":"}"}`},
			{`{"_shards":{},"hits":{"hits":[{},`, `],"total":1}}`}} {
			document := indent(rng, around[0]+element+","+element+around[1])
			lines, _, ok := splitAll(t, inJSON, document, 1+int(seed%97))
			if want := []string{"{}", element, element}; !ok || !slices.Equal(lines, want) {
				t.Fatalf("%q gives %q, want %q", document, lines, want)
			}
		}
	})
}

// FuzzJoiner gives lines to a joiner: it loses none and holds no more than it may.
func FuzzJoiner(f *testing.F) {
	f.Add("2026-03-01T10:00:00Z stdout P a\n2026-03-01T10:00:00Z stderr F b\n2026-03-01T10:00:00Z stdout F c")
	f.Add(`{"log":"a\n","stream":"stdout","time":"x"}` + "\n" + `{"log":"b\\n","stream":"stdout"}` + "\n" + `{"log":"c\n","stream":"stdout"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var j joiner
		taken, given := 0, 0
		for i, line := range strings.Split(text, "\n") {
			touched := j.touches(line)
			whole, ok := j.join(line, int64(i+1))
			if !ok {
				taken++
				continue
			}
			given++
			if whole.start > int64(i+1) || !touched && (whole.line != line || whole.start != int64(i+1)) {
				t.Fatalf("line %d %q, not split, gives %+v", i+1, line, whole)
			}
		}
		if taken > 0 && given == 0 && len(j.open()) == 0 {
			t.Fatal("pieces are gone")
		}
	})
}

// A line that is split in more than may be read is cut, counted and valid.
func TestLongJoined(t *testing.T) {
	for _, test := range []struct{ name, piece, last string }{
		{"CRI", "2026-03-01T10:00:00Z stdout P ", "2026-03-01T10:00:00Z stdout F x"},
		{"Docker", `{"log":"`, `{"log":"x\n","stream":"stdout"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			for shift := range 7 {
				text := strings.Repeat("x", shift) + strings.Repeat(`\u0022`, dockerSplit/6+1)
				var j joiner
				for i := range 100 {
					line := test.piece + text
					if test.name == "Docker" {
						line += `","stream":"stdout","time":"x"}`
					}
					if whole, ok := j.join(line, int64(i+1)); ok {
						t.Fatalf("piece %d gives %.80q", i, whole.line)
					}
				}
				whole, ok := j.join(test.last, 101)
				if !ok || !whole.long || whole.start != 1 || len(whole.line) > MaxLine || len(whole.line) < MaxLine-10 {
					t.Fatalf("%v, cut %v, from line %d, %d bytes", ok, whole.long, whole.start, len(whole.line))
				}
				if test.name == "Docker" && !json.Valid([]byte(whole.line)) {
					t.Errorf("shifted %d: not valid: …%q", shift, whole.line[len(whole.line)-60:])
				}
				if len(j.open()) != 0 {
					t.Error("still open")
				}
			}
		})
	}
}

// A text whose last letters only look like a line end goes on.
func TestDockerLineEnds(t *testing.T) {
	for _, test := range []struct {
		text string
		goes bool
	}{
		{`a\n`, false}, {`a\\n`, true}, {`a\\\n`, false}, {`an`, true}, {`n`, true}, {``, true}, {`\n`, false}, {`\r\n`, false},
	} {
		j := joiner{ends: true}
		_, ok := j.join(`{"log":"`+test.text+`","stream":"stdout","time":"x"}`, 1)
		if ok == test.goes {
			t.Errorf("%q goes on: %v, want %v", test.text, !ok, test.goes)
		}
	}
}

// What has no line ends at all is not joined.
func TestDockerWithoutLineEnds(t *testing.T) {
	var j joiner
	for i := range int64(3) {
		line := fmt.Sprintf(`{"log":"line %d","stream":"stdout","time":"x"}`, i)
		if whole, ok := j.join(line, i+1); !ok || whole.line != line {
			t.Fatalf("line %d gives %+v, %v", i, whole, ok)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	record := `{"timestamp":1772359200000,"message":"192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 7 \"-\" \"test\"","severity":"INFO","labels":{"a":1}}`
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte("["+strings.Repeat(record+",", 5000)+record+"]"), "", "  "); err != nil {
		b.Fatal(err)
	}
	entry := "__CURSOR=1\n__REALTIME_TIMESTAMP=1772359200000000\n_PID=1\nMESSAGE\n" + string(binary.LittleEndian.AppendUint64(nil, 99)) + strings.Repeat("x", 99) + "\n\n"
	for _, test := range []struct {
		name   string
		layout layout
		text   string
	}{
		{"lines", inLines, strings.Repeat(record+"\n", 5000)},
		{"compact", inJSON, "[" + strings.Repeat(record+",", 5000) + record + "]"},
		{"indented", inJSON, indented.String()},
		{"journal", inJournal, strings.Repeat(entry, 5000)},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.text)))
			b.ReportAllocs()
			for b.Loop() {
				c := newCutter(strings.NewReader(test.text), test.layout)
				for {
					if _, err := c.next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// Most lines are none of a container: asking costs little.
func BenchmarkJoin(b *testing.B) {
	for _, test := range []struct{ name, line string }{
		{"access log", `192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 7 "-" "test"`},
		{"Docker", `{"log":"192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 7\n","stream":"stdout","time":"2026-03-01T10:00:08.123456789Z"}`},
		{"CRI", `2026-03-01T10:00:08.123456789Z stdout F 192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 7`},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			var j joiner
			for b.Loop() {
				if _, ok := j.join(test.line, 1); !ok {
					b.Fatal("not whole")
				}
			}
		})
	}
}
