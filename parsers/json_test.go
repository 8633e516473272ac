package parsers

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// jsonGoldens are the golden files of products that the json format reads, and that
// of envelopes.
var jsonGoldens = []string{
	"apigateway.txtar", "app-json.txtar", "aws-waf.txtar", "azure.txtar", "caddy.txtar", "cloudflare.txtar",
	"envelopes.txtar", "fastly.txtar", "gcp.txtar", "traefik-json.txtar",
}

func TestJSONConfigCheck(t *testing.T) {
	if err := (JSONConfig{}).Check(); err != nil {
		t.Error(err)
	}
	config := JSONConfig{Fields: map[string]string{}}
	for _, name := range JSONFields() {
		config.Fields[name] = "k." + name
	}
	if err := config.Check(); err != nil {
		t.Error(err)
	}
	for name, key := range map[string]string{"colour": "c", "logger": "l", "": "x", "user": ""} {
		if err := (JSONConfig{Fields: map[string]string{name: key}}).Check(); err == nil {
			t.Errorf("%q: %q is taken", name, key)
		}
	}
}

func TestJSONFieldNames(t *testing.T) {
	if got, want := len(jsonFieldNames), int(jsonLogger); got != want {
		t.Fatalf("%d names for %d fields", got, want)
	}
	// Every field can be placed, and what is placed goes before what is guessed.
	line := `{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/guessed","status":200,"x":{"y":%s}}`
	values := map[string]string{
		"time": `1772359201`, "method": `"PUT"`, "status": `404`, "bytes": `7`, "duration": `"7ms"`, "records": `7`,
		"request": `"PUT /placed HTTP/1.1"`,
	}
	for _, name := range JSONFields() {
		t.Run(name, func(t *testing.T) {
			value := values[name]
			if value == "" {
				value = `"placed"`
			}
			text := fmt.Sprintf(line, value)
			guessed := dumpLines(JSON(JSONConfig{}).New(), text)
			placed := dumpLines(JSON(JSONConfig{Fields: map[string]string{name: "x.y"}}).New(), text)
			if guessed == placed && name != "request" { // whose parts are there, and go before it
				t.Errorf("nothing of x.y in %s", placed)
			}
		})
	}
}

// TestJSONFieldsOutliveTheLine holds on to what one line gave while others are read.
func TestJSONFieldsOutliveTheLine(t *testing.T) {
	parse := JSON(JSONConfig{}).New()
	line := func(n int) string {
		return fmt.Sprintf(`{"path":"/p%d","escaped\u0020":1,"user":"u\"%d\u00e9","time":%d,"method":"GET","status":200,"request_id":%d}`, n, n, 1772359200+n, n)
	}
	kept := make([]Fields, 50)
	for n := range kept {
		if err := parse(line(n), &kept[n]); err != nil {
			t.Fatal(err)
		}
	}
	for n, f := range kept {
		want := [...]string{fmt.Sprintf("/p%d", n), fmt.Sprintf(`u"%dé`, n), fmt.Sprint(n)}
		if got := [...]string{f.Target, f.User, f.RequestID}; got != want {
			t.Fatalf("line %d is now %q, was %q", n, got, want)
		}
	}
}

// TestJSONKeysAreKnownByTheirPlace puts one key in the same position of two lines,
// where it means different things.
func TestJSONKeysAreKnownByTheirPlace(t *testing.T) {
	parse := JSON(JSONConfig{}).New()
	want := [...]int64{5, -1, 5}
	for i, object := range [...]string{"response", "request", "response"} {
		var f Fields
		if err := parse(`{"`+object+`":{"size":5},"time":1772359200,"status":200}`, &f); err != nil {
			t.Fatal(err)
		}
		if f.Bytes != want[i] {
			t.Errorf("%s.size gives %d bytes, want %d", object, f.Bytes, want[i])
		}
	}
}

func TestJSONBounds(t *testing.T) {
	p := &jsonParser{root: jsonTree(JSONConfig{}), keys: map[jsonKey]seenKey{}}
	var f Fields
	for n := range 3 * maxKeys / 100 {
		var keys strings.Builder
		for i := range 100 {
			fmt.Fprintf(&keys, `"key%d_%d":1,`, n, i)
		}
		if err := p.parse(`{`+keys.String()+`"time":1772359200,"status":200}`, &f); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.keys) > maxKeys || len(p.shape) > maxShape {
		t.Errorf("%d keys and a shape of %d are remembered", len(p.keys), len(p.shape))
	}
	if f.Status != 200 {
		t.Error("nothing is read once no more keys are remembered")
	}
	p = &jsonParser{root: jsonTree(JSONConfig{}), keys: map[jsonKey]seenKey{}}
	long := `{"headers":{"` + strings.Repeat("x", largeLine/2) + `":"y","Host":"a"},"time":1772359200,"status":200}`
	if err := p.parse(long, &f); err != nil || f.Host != "a" {
		t.Errorf("a line with a long key gives %v, host %q", err, f.Host)
	}
	for k := range p.keys {
		if len(k.key) > maxKeyLen {
			t.Errorf("a key of %d bytes is remembered", len(k.key))
		}
	}
	huge := `{"time":1772359200,"status":200,"x":"` + strings.Repeat("x", maxJSONLine) + `"}`
	if err := p.parse(huge, &f); err == nil || rejectOf(err).Reason != "JSON object too long" {
		t.Errorf("a huge line gives %v", err)
	}
	if err := p.parse(huge[:40]+huge[len(huge)-2*largeLine:], &f); err != nil {
		t.Errorf("a large line gives %v", err)
	}
}

// Whoever sends a body that is logged shall not keep a request from being read by how long it is.
func TestCutJSON(t *testing.T) {
	cut := func(begin string) string { return (begin + strings.Repeat("x, ", maxJSONLine/3))[:maxJSONLine] }
	for _, c := range []struct{ name, line, want string }{
		{"in a string", cut(`{"time":1772359200,"ip":"203.0.113.9","method":"POST","path":"/login","status":401,"body":"`), "POST /login 401"},
		{"in an object", cut(`{"time":1772359200,"req":{"method":"POST","url":"/login","headers":{"host":"a","x":"\"`), "POST /login 0"},
		{"in an array", cut(`{"time":1772359200,"status":401,"method":"POST","path":"/login","tags":["a",{"b":1,"c":[2,"`), "POST /login 401"},
		{"after an object", cut(`{"req":{"method":"POST","tags":["a"]},"time":1772359200,"path":"/login","status":401,"body":"`), "POST /login 401"},
		{"in a key", cut(`{"time":1772359200,"method":"POST","path":"/login","`), "POST /login 0"},
		{"in an envelope", cut(`<134>Mar  1 10:00:00 web app: {"time":1772359200,"method":"POST","path":"/login","body":"`), "POST /login 0"},
		{"before the time", cut(`{"method":"POST","path":"/login","body":"`), reasonNoTime},
		{"before the request", cut(`{"level":"info","time":1772359200,"msg":"request","body":"`), "not a request, up to where the line was cut"},
		{"in the first value", cut(`{"body":"`), "not valid JSON"},
		{"elsewhere", cut(`{"time":1772359200,"method":"POST","path":"/login","body":"`)[:largeLine], "not valid JSON"},
	} {
		var f Fields
		got := ""
		if err := JSON(JSONConfig{}).New()(c.line, &f); err != nil {
			got = rejectOf(err).Reason
			if rejectOf(err).Skip {
				t.Errorf("%s: skipped", c.name)
			}
		} else {
			got = fmt.Sprint(f.Method, " ", f.Target, " ", f.Status)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// What wraps others may stand below itself, under the one name that the site gives it and
// under any spelling of that. A client makes up such a key.
func TestJSONKeyOfManyDots(t *testing.T) {
	parse := JSON(JSONConfig{Fields: map[string]string{"user": "log.data.who", "tenant": "data.log.whose"}}).New()
	read := func(key, value string) (f Fields) {
		t.Helper()
		if err := parse(`{"`+key+`":"`+value+`","time":1772359200,"status":200}`, &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	began := time.Now()
	read(strings.Repeat("log.data.", 25)+"zzz", "x")
	read(strings.Repeat("data.", 50)+"zzz", "x")
	read(strings.Repeat("log.", largeLine/8)+"zzz", "x")
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
	if f := read("log.data.who", "ann"); f.User != "ann" {
		t.Errorf("the user is %q", f.User)
	}
	if f := read("log.log.data.log.whose", "acme"); f.Tenant != "acme" {
		t.Errorf("the tenant is %q", f.Tenant)
	}
	if f := read("Log.Log.Log.userName", "bob"); f.User != "bob" {
		t.Errorf("the user is %q", f.User)
	}
}

func TestRepairJSON(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"sound", `{"a":1,"b":"x: y","c":{"d":[1,2]},"e":null}`, `{"a":1,"b":"x: y","c":{"d":[1,2]},"e":null}`},
		{"nothing", `{"a":,"b":}`, `{"a":"","b":""}`},
		{"hyphen", `{"a":-,"b":1}`, `{"a":"-","b":1}`},
		{"upstreams", `{"a":0.1, 0.2,"b":502 : 200}`, `{"a":"0.1, 0.2","b":"502 : 200"}`},
		{"byte", `{"a":"\x22\x5C\x0A\xD0\xBF\x7F"}`, "{\"a\":\"\\u0022\\u005c\\u000aп\x7f\"}"},
		{"escaped backslash", `{"a":"\\x22"}`, `{"a":"\\x22"}`},
		{"no byte", `{"a":"\xZZ"}`, `{"a":"\\xZZ"}`},
		{"bare word", `{"a":GET /"x"\,"b":1}`, `{"a":"GET /x","b":1}`},
		{"torn", `{"a":"b\`, `{"a":"b\`},
		{"torn value", `{"a":`, `{"a":`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := repairJSON(test.in); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestGuessJSON(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []JSONKey
	}{
		{
			"by name", []string{
				`{"level":"info","ts":1772359200.5,"request":{"remote_ip":"203.0.113.9","method":"GET","uri":"/a","headers":{"User-Agent":["curl/8.5.0"]}},"duration":0.1,"status":200}`,
				`{"level":"info","ts":1772359201.5,"request":{"remote_ip":"203.0.113.9","method":"GET","uri":"/b","headers":{}},"duration":0.1,"status":200}`,
			},
			[]JSONKey{
				{"time", "ts", 2, 2, false}, {"client", "request.remote_ip", 2, 2, false}, {"method", "request.method", 2, 2, false},
				{"path", "request.uri", 2, 2, false}, {"status", "status", 2, 2, false}, {"duration", "duration", 2, 2, false},
				{"user_agent", "request.headers.User-Agent", 1, 2, false},
			},
		},
		{
			"by content", []string{
				`{"a":"2026-03-01T10:00:00Z","b":{"c":"203.0.113.9:4000","d":"192.0.2.1"},"e":"GET","f":"/a","g":200,"upstream":"192.0.2.2","h":"x"}`,
				`{"a":"2026-03-01T10:00:01Z","b":{"c":"2001:db8::7","d":"none"},"e":"POST","f":"/b?c=d","g":"404","upstream":"192.0.2.2","h":"/y"}`,
				`{"a":"2026-03-01T10:00:02Z","b":{"c":"[2001:db8::7]:80"},"e":"PUT","f":"/","g":500,"upstream":"192.0.2.2"}`,
			},
			[]JSONKey{
				{"time", "a", 3, 3, true}, {"client", "b.c", 3, 3, true}, {"method", "e", 3, 3, true}, {"path", "f", 3, 3, true},
				{"status", "g", 3, 3, true},
			},
		},
		{
			"in an envelope, beside noise", []string{
				`{"log":"{\"when\":1772359200,\"what\":\"/a\"}\n","stream":"stdout","time":"2026-03-01T10:00:00Z"}`,
				`2026-03-01T10:00:00Z stdout F {"when":1772359201,"what":"/b"}`,
				`noise`, ``, `{`,
			},
			[]JSONKey{{"time", "when", 2, 2, true}, {"path", "what", 2, 2, true}},
		},
		{
			"a client that is a program", []string{`{"client":"app","addr":"203.0.113.9"}`},
			[]JSONKey{{"client", "addr", 1, 1, true}},
		},
		{"not all of a key's values", []string{`{"x":"/a"}`, `{"x":"b"}`}, nil},
		{"too seldom", []string{`{"x":"/a"}`, `{}`, `{}`}, nil},
		{"twice in a line", []string{`{"x":"/a","x":"/b"}`}, []JSONKey{{"path", "x", 1, 1, true}}},
		{"a key without a name", []string{`{"":"GET"}`}, nil},
		{
			"an object in a string", []string{`{"properties":"{\"CIp\":\"203.0.113.9\",\"CsMethod\":\"GET\"}"}`},
			[]JSONKey{{"client", "properties.CIp", 1, 1, false}, {"method", "properties.CsMethod", 1, 1, false}},
		},
		{"nothing", nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, got := GuessJSON(test.lines)
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if err := config.Check(); err != nil {
				t.Error(err)
			}
			for _, k := range test.want {
				if config.Fields[k.Field] != k.Key {
					t.Errorf("%s is %q in the config, want %q", k.Field, config.Fields[k.Field], k.Key)
				}
			}
		})
	}
}

// TestGuessedConfigReadsTheSame: the mapping guessed from a product's lines, written
// down, reads them as guessing does.
func TestGuessedConfigReadsTheSame(t *testing.T) {
	for _, line := range JSON(JSONConfig{}).Samples {
		config, _ := GuessJSON([]string{line})
		if got, want := dumpLines(JSON(config).New(), line), dumpLines(JSON(JSONConfig{}).New(), line); got != want {
			t.Errorf("%v\ngot  %swant %s", config.Fields, got, want)
		}
	}
	for _, name := range jsonGoldens {
		archive, err := txtar.ParseFile(filepath.Join(goldens, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			if !strings.HasSuffix(file.Name, ".log") || name == "envelopes.txtar" {
				continue
			}
			t.Run(name+" "+file.Name, func(t *testing.T) {
				line, _, _ := strings.Cut(string(file.Data), "\n")
				config, _ := GuessJSON([]string{line})
				if got, want := dumpLines(JSON(config).New(), line), dumpLines(JSON(JSONConfig{}).New(), line); got != want {
					t.Errorf("%v\ngot  %swant %s", config.Fields, got, want)
				}
			})
		}
	}
}

func FuzzGuessJSON(f *testing.F) {
	for _, line := range sampleLines(f, JSON(JSONConfig{})) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		config, keys := GuessJSON([]string{line, line})
		if err := config.Check(); err != nil {
			t.Fatal(err)
		}
		if len(keys) != len(config.Fields) {
			t.Fatalf("%d keys, %d fields", len(keys), len(config.Fields))
		}
		for _, k := range keys {
			if k.Lines == 0 || k.Lines > k.Of {
				t.Fatalf("%+v", k)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, line := range sampleLines(f, JSON(JSONConfig{})) {
		f.Add(line)
	}
	format := JSON(JSONConfig{})
	used := format.New()
	f.Fuzz(func(t *testing.T, line string) {
		if len(line) > 4<<10 {
			return
		}
		sameAsFresh(t, format, used, line)
	})
}

// A line is read however deep what a client sent lies in it.
func TestDeepJSON(t *testing.T) {
	const depth = 10_000
	for _, deep := range []string{
		strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth),
		strings.Repeat(`[`, depth) + strings.Repeat("]", depth),
		strings.Repeat(`{"a":["]}\"",`, depth) + "1" + strings.Repeat("]}", depth),
	} {
		line := `{"time":"2026-03-01T10:00:00Z","method":"POST","req":{"body":{"role":"admin","x":` + deep + `,"plan":"pro"}},"path":"/a","status":401}`
		var f Fields
		if err := JSON(JSONConfig{}).New()(line, &f); err != nil {
			t.Errorf("%.60s…: %.200v", deep, err)
			continue
		}
		if f.Target != "/a" || f.Status != 401 || !strings.HasPrefix(f.Body, `{"role":"admin"`) || !strings.HasSuffix(f.Body, `"plan":"pro"}`) {
			t.Errorf("%.60s…: got %.300v", deep, f)
		}
		if err := JSON(JSONConfig{}).New()(line[:len(line)/2], &f); err == nil {
			t.Errorf("%.60s…: cut, it is read", deep)
		}
	}
}

// What a request asks for in its body stands under many names. What may be the answer's, or
// what a logger says, is no body.
func TestJSONBody(t *testing.T) {
	for _, test := range []struct{ method, said, want string }{
		{"POST", `"body":{"url":"http://127.0.0.1/"}`, `{"url":"http://127.0.0.1/"}`},
		{"PATCH", `"body":"{\"role\":\"admin\"}"`, `{"role":"admin"}`},
		{"PUT", `"body":[1]`, `[1]`},
		{"GET", `"body":{"url":"http://127.0.0.1/"}`, ""},
		{"POST", `"body":"user 7 was created"`, ""},
		{"POST", `"body":{"a":1},"request_body":{"b":2}`, `{"b":2}`},
		{"POST", `"request_body":{"b":2},"body":{"a":1},"webhook_url":"http://c/"`, `{"b":2}`},
		{"POST", `"webhook_url":"http://127.0.0.1/?a=b&c"`, "url=http%3A%2F%2F127.0.0.1%2F%3Fa%3Db%26c"},
		{"GET", `"metadata":{"provided_url":"http://a/"}`, "url=http%3A%2F%2Fa%2F"},
		{"POST", `"req":{"callbackUrl":"http://a/"}`, "url=http%3A%2F%2Fa%2F"},
		{"POST", `"upstream_url":"http://10.0.0.5/","target_url":"http://10.0.0.5/"`, ""},
	} {
		line := fmt.Sprintf(`{"time":"2026-03-01T10:00:00Z","method":%q,"path":"/hooks","status":201,%s}`, test.method, test.said)
		var f Fields
		if err := JSON(JSONConfig{}).New()(line, &f); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if f.Body != test.want {
			t.Errorf("%s: body %q, want %q", line, f.Body, test.want)
		}
	}
}

// What keys mean is worked out once for all logs of which nothing is said, however many there
// are, and what is said of one log is not of another.
func TestOneTree(t *testing.T) {
	usual := jsonTree(JSONConfig{})
	own := jsonTree(JSONConfig{Fields: map[string]string{"path": "status", "client": "request.who"}})
	again := jsonTree(JSONConfig{})
	if again != usual || own == usual {
		t.Errorf("the same tree again: %v; of a log of its own: %v", again == usual, own == usual)
	}
	for key, want := range map[string]jsonField{"status": jsonStatus, "request": jsonRequest} {
		if got := usual.find(key); got == nil || got.uses[0].field != want {
			t.Errorf("%s: %+v", key, got)
		}
	}
	if got := own.find("status"); got.uses[0].field != jsonPath {
		t.Errorf("status of its own: %+v", got)
	}
	if got := usual.find("request.who"); got != nil {
		t.Errorf("request.who is known: %+v", got)
	}
}
