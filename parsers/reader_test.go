package parsers

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// given is a format whose every line reads as the given fields.
func given(fields Fields) *Format {
	return &Format{Name: "given", New: func() ParseFunc {
		return func(_ string, f *Fields) error {
			*f = fields
			if f.Time.IsZero() {
				f.Time = noon
			}
			return nil
		}
	}}
}

// site compiles a configuration.
func site(t testing.TB, c SiteConfig) *Site {
	t.Helper()
	s, err := NewSite(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read reads the fields as a line of a site.
func read(t testing.TB, c SiteConfig, f Fields) Request {
	t.Helper()
	var r Request
	if err := given(f).NewReader(site(t, c), &Source{}).Read("", 1, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadKeepsWhatIsLogged(t *testing.T) {
	src := &Source{ID: 3, Path: "access.log"}
	f := Fields{
		Time:      time.Date(2026, 3, 1, 13, 30, 0, 123456789, time.FixedZone("", 3600)),
		Remote:    "203.0.113.9",
		User:      "alice",
		Method:    "GET",
		Target:    "/users/42?page=2",
		Host:      "API.example.com:8443",
		Status:    200,
		Bytes:     512,
		Duration:  1500 * time.Microsecond,
		UserAgent: "curl/8.0",
		Referer:   "https://example.com/",
		RequestID: "4f1d",
		Tenant:    "acme",
		Records:   25,
	}
	var r Request
	if err := given(f).NewReader(site(t, SiteConfig{}), src).Read("", 77, &r); err != nil {
		t.Fatal(err)
	}
	for _, notes := range []*Notes{r.PathNotes, r.AgentNotes} {
		if notes == nil || *notes != (Notes{}) {
			t.Errorf("notes of what nobody judged: %v", notes)
		}
	}
	want := Request{
		Time:      time.Date(2026, 3, 1, 12, 30, 0, 123456000, time.UTC),
		Source:    src,
		Line:      77,
		ClientIP:  "203.0.113.9",
		Method:    "GET",
		Host:      "api.example.com",
		Path:      "/users/42",
		Shape:     "/users/{id}",
		Route:     "/users/{id}",
		Query:     "page=2",
		Status:    200,
		Bytes:     512,
		Duration:  1500 * time.Microsecond,
		UserAgent: "curl/8.0",
		Referer:   "https://example.com/",
		RequestID: "4f1d",
		User:      "alice",
		Tenant:    "acme",
		Records:   25,

		PathNotes:   r.PathNotes,
		AgentNotes:  r.AgentNotes,
		ClientNotes: r.ClientNotes,
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

func TestReadWhatIsNotLogged(t *testing.T) {
	got := read(t, SiteConfig{}, Fields{
		Remote: "-", ForwardedFor: "-", User: "-", Method: "-", Target: "-", Host: "-", UserAgent: "-", Referer: "-",
		RequestID: "-", APIKey: "-", Authorization: "-", Cookie: "-", Token: "-", Session: "-", Tenant: "-",
		Status: 1000, Bytes: -7, Duration: -7, Records: -7,
	})
	got.Source = nil
	want := Request{Time: noon, Line: 1, Bytes: -1, Duration: -1, Records: -1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Nothing of what stood in a Request before is left in it.
func TestReadSetsAll(t *testing.T) {
	rd := given(Fields{Bytes: -1, Duration: -1, Records: -1}).NewReader(site(t, SiteConfig{}), &Source{})
	var want Request
	if err := rd.Read("", 1, &want); err != nil {
		t.Fatal(err)
	}
	got := Request{Allowed: []uint16{1}, Origin: &Origin{}, Source: &Source{}, Time: time.Now(), PathNotes: &Notes{}, AgentNotes: &Notes{}, ClientNotes: &ClientNotes{}, Features: 7}
	v := reflect.ValueOf(&got).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("old")
		case reflect.Int, reflect.Int64:
			f.SetInt(7)
		case reflect.Uint8, reflect.Uint64:
			f.SetUint(7)
		case reflect.Bool:
			if f.CanSet() {
				f.SetBool(true)
			}
		default:
			if f.IsZero() {
				t.Fatalf("%s: this test does not know how to fill it", v.Type().Field(i).Name)
			}
		}
	}
	if err := rd.Read("", 1, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadTime(t *testing.T) {
	for _, test := range []struct {
		time time.Time
		want string // "": rejected
	}{
		{time.Unix(0, 0), "1970-01-01T00:00:00Z"},
		{time.Unix(0, -1), ""},
		{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), "9999-12-31T23:59:59.999999Z"},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)), ""},
		{time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), ""},
	} {
		t.Run(test.time.String(), func(t *testing.T) {
			var r Request
			err := given(Fields{Time: test.time}).NewReader(site(t, SiteConfig{}), &Source{}).Read("", 1, &r)
			if test.want == "" {
				reject, ok := err.(*Reject)
				if !ok || reject.Reason != "time out of range" || reject.Skip {
					t.Fatalf("got error %v, want a Reject: time out of range", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Time.Format(time.RFC3339Nano); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestReadTarget(t *testing.T) {
	for _, test := range []struct {
		method, target, host string
		wantHost             string
		wantPath             string
		wantQuery            string
	}{
		{"GET", "", "", "", "", ""},
		{"GET", "/", "", "", "/", ""},
		{"GET", "/a?b=c?d", "", "", "/a", "b=c?d"},
		{"GET", "/a?", "", "", "/a", ""},
		{"GET", "/a%20b?c=%2F", "", "", "/a%20b", "c=%2F"},
		{"GET", "/a?b=1#c?d", "", "", "/a", "b=1"},
		{"GET", "/a#b?c", "", "", "/a", ""},
		{"GET", "//evil.example/a", "h.example", "h.example", "//evil.example/a", ""},
		{"GET", "https://Www.Example.com:443/a?b=1", "", "www.example.com", "/a", "b=1"},
		{"GET", "https://www.example.com:443?b=1", "other.example", "www.example.com", "/", "b=1"},
		{"GET", "http://user:pass1234@www.example.com", "", "www.example.com", "/", ""},
		{"GET", "http://[2001:DB8::1]:80/a", "", "2001:db8::1", "/a", ""},
		{"GET", "http://-:80/a", "h.example", "h.example", "/a", ""},
		{"GET", "/go/http://x.example/y", "", "", "/go/http://x.example/y", ""},
		{"GET", "1http://x.example/y", "", "", "1http://x.example/y", ""},
		{"CONNECT", "X.example:443", "", "x.example", "", ""},
		{"CONNECT", "http://x.example/y", "", "x.example", "/y", ""},
		{"OPTIONS", "*", "h.example", "h.example", "*", ""},
		{"GET", "/", "[2001:db8::1]:8080", "2001:db8::1", "/", ""},
		{"GET", "/", "2001:db8::1", "2001:db8::1", "/", ""},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			r := read(t, SiteConfig{}, Fields{Method: test.method, Target: test.target, Host: test.host})
			if r.Host != test.wantHost || r.Path != test.wantPath || r.Query != test.wantQuery {
				t.Errorf("got  host %q path %q query %q\nwant host %q path %q query %q",
					r.Host, r.Path, r.Query, test.wantHost, test.wantPath, test.wantQuery)
			}
		})
	}
}

func TestReadBounds(t *testing.T) {
	long := strings.Repeat("é", 20<<10)
	r := read(t, SiteConfig{}, Fields{
		Remote: long, User: long, Method: long, Target: "/" + long + "?" + long, Host: long, UserAgent: long,
		Referer: long, RequestID: long, Tenant: long,
	})
	for _, test := range []struct {
		name, got string
		most      int
	}{
		{"client", r.ClientIP, 255},
		{"user", r.User, 255},
		{"method", r.Method, 1 << 10},
		{"path", r.Path, 8 << 10},
		{"route", r.Route, 512},
		{"query", r.Query, 8 << 10},
		{"host", r.Host, 1 << 10},
		{"user agent", r.UserAgent, 2 << 10},
		{"referer", r.Referer, 1 << 10},
		{"request id", r.RequestID, 1 << 10},
		{"tenant", r.Tenant, 1 << 10},
	} {
		if len(test.got) > test.most || !strings.HasSuffix(test.got, "…") || !utf8.ValidString(test.got) {
			t.Errorf("%s: %d bytes, valid %t, ends in %q; want at most %d bytes, ending in …",
				test.name, len(test.got), utf8.ValidString(test.got), test.got[max(0, len(test.got)-8):], test.most)
		}
	}
}

func TestReadInvalidBytes(t *testing.T) {
	r := read(t, SiteConfig{}, Fields{Target: "/\xff\x00?q=\xfe", UserAgent: "a\xe2\x82", User: "\x00"})
	if r.Path != `/\xff\x00` || r.Query != `q=\xfe` || r.UserAgent != `a\xe2\x82` || r.User != `\x00` {
		t.Errorf("got path %q, query %q, user agent %q, user %q", r.Path, r.Query, r.UserAgent, r.User)
	}
}

func TestReadPassesRejects(t *testing.T) {
	reject := &Reject{Reason: "blank line", Skip: true}
	f := &Format{New: func() ParseFunc { return func(string, *Fields) error { return reject } }}
	rd := f.NewReader(site(t, SiteConfig{}), &Source{})
	if err := rd.Read("", 1, &Request{}); err != reject {
		t.Errorf("Read: got %v, want %v", err, reject)
	}
	if _, err := rd.Explain(""); err != reject {
		t.Errorf("Explain: got %v, want %v", err, reject)
	}
}

func TestExplain(t *testing.T) {
	rd := given(Fields{
		Remote: "192.0.2.1", ForwardedFor: "10.0.0.1, 203.0.113.9", Method: "GET", Target: "/users/42\u202e?token=0123456789",
		Status: 200, Bytes: -1, Duration: 2500 * time.Microsecond, Records: -1,
		APIKey: "lsoc_live_0123456789abcdef0123456789",
	}).NewReader(site(t, SiteConfig{TrustedProxies: []string{"192.0.2.0/24"}}), &Source{})
	readings, err := rd.Explain("")
	if err != nil {
		t.Fatal(err)
	}
	const want = `format: given
ts: 2026-03-01T12:00:00Z
x_forwarded_for: 10.0.0.1, 203.0.113.9
client_ip: 203.0.113.9 (X-Forwarded-For, read from the right past the trusted proxies)
peer_ip: 192.0.2.1
method: GET
path: /users/42\u202e
route: /users/42\u202e
query: token=tok_84d89877f0d4
status: 200
duration_ms: 2.5
api_key: key_44ddce081812 (lsoc_live_…) (the API key the log names)
token: tok_84d89877f0d4 (a parameter of the query)
actor_id: key_44ddce081812 (the best known of API key, user, token, session and address)
actor_type: api_key
`
	if got := told(readings); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// lines are ordinary lines, as an API, a crawler and a browser write them.
var lines = []string{
	`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /api/v1/users/42/orders?page=2&sort=created HTTP/1.1" 200 512 "https://shop.example/account/orders" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"`,
	`198.51.100.7 - alice [01/Mar/2026:10:00:01 +0000] "POST /api/v1/orders HTTP/1.1" 201 88 "-" "okhttp/4.9.3"`,
	`2001:db8::7 - - [01/Mar/2026:10:00:02 +0000] "GET /articles/2026/03/a-title-of-some-length HTTP/2.0" 304 0 "https://www.example.com/?q=a+title" "ExampleBot/2.1 (+https://bot.example/about)"`,
	`198.51.100.8 - - [01/Mar/2026:10:00:03 +0000] "\x16\x03\x01" 400 157 "-" "-"`,
}

func TestReadDoesNotAllocate(t *testing.T) {
	rd := NginxCombined().NewReader(site(t, SiteConfig{TrustedProxies: []string{"192.0.2.0/24"}}), &Source{})
	for _, line := range lines {
		var r Request
		allocs := testing.AllocsPerRun(100, func() {
			if err := rd.Read(line, 1, &r); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%v allocations for %s", allocs, line)
		}
	}
}

func TestReadOfKnownSecretsDoesNotAllocate(t *testing.T) {
	rd := given(Fields{
		APIKey:        "lsoc_live_0123456789abcdef0123456789",
		Authorization: "Bearer " + jwt(`{"sub":"alice","org":"acme","sid":"0123456789"}`),
		Cookie:        "theme=dark; sid=0123456789",
	}).NewReader(site(t, SiteConfig{}), &Source{})
	var r Request
	if n := testing.AllocsPerRun(100, func() { _ = rd.Read("", 1, &r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestReadRemembersNoResult reads lines with one reader, over and over and with so
// many others between that memories run over, and with one that remembers nothing.
func TestReadRemembersNoResult(t *testing.T) {
	s, forgetful := site(t, SiteConfig{}), site(t, SiteConfig{})
	clients := []string{"203.0.113.9", "a-name.example", "2001:DB8::7", "2001:db8::7", "203.0.113.9:80", "::ffff:192.0.2.1", "192.0.2.7, 203.0.113.9"}
	var all []string
	for n := range 2 * maxReferers {
		all = append(all, fmt.Sprintf(
			`%s - - [01/Mar/2026:10:00:00 +0000] "GET /u/%d/x%d?api_key=lsoc_live_0123456789abcdef%d HTTP/1.1" 200 1 "https://a.example/%d?sid=abc%d" "agent/%d"`,
			clients[n%len(clients)], n%7, n, n%1500, n%11, n, n%5000))
		all = append(all, lines[n%len(lines)])
	}
	one, many := NginxCombined().NewReader(s, &Source{}), NginxCombined().NewReader(s, &Source{})
	together := make([]Request, len(all))
	for i, line := range all {
		if err := many.Begin(line, 1, &together[i]); err != nil {
			t.Fatal(err)
		}
	}
	for rest, n := together, 0; len(rest) > 0; n = (n + 7) % 100 { // some at a time
		n = min(n, len(rest))
		many.Finish(rest[:n])
		rest = rest[n:]
	}
	for i, line := range all {
		var got, want Request
		if err := one.Read(line, 1, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, together[i]) {
			t.Fatalf("line %d: %s\ngot  %+v\nwant %+v", i, line, together[i], got)
		}
		if i%13 > 1 {
			continue
		}
		forgetful.memos = &memos{newMemo(2), newMemo(2), newMemo(2), newMemo(2), newMemo(2), newClients(2)}
		if err := NginxCombined().NewReader(forgetful, got.Source).Read(line, 1, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("line %d: %s\ngot  %+v\nwant %+v", i, line, got, want)
		}
	}
	if n := len(one.fingerprints); n > maxKnown {
		t.Errorf("%d fingerprints remembered", n)
	}
}

// What is usual is not in memory of the line, which is at hand only while it is read.
func TestReadLeavesTheLine(t *testing.T) {
	rd := NginxCombined().NewReader(site(t, SiteConfig{}), &Source{})
	for _, method := range []string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		for _, client := range []string{"203.0.113.9", "2001:db8::7", "203.0.113.9"} {
			line := client + ` - - [01/Mar/2026:10:00:00 +0000] "` + method + ` /users/7 HTTP/1.1" 200 1 "https://example.com/" "Mozilla/5.0"`
			var r Request
			if err := rd.Read(line, 1, &r); err != nil {
				t.Fatal(err)
			}
			if r.Method != method || r.ClientIP != client {
				t.Errorf("got %s of %s", r.Method, r.ClientIP)
			}
			for of, v := range reflect.ValueOf(r).Fields() {
				if v.Kind() != reflect.String || v.Len() == 0 {
					continue
				}
				at := uintptr(unsafe.Pointer(unsafe.StringData(v.String()))) - uintptr(unsafe.Pointer(unsafe.StringData(line)))
				if at < uintptr(len(line)) {
					t.Errorf("%s: %s is in memory of the line", line, of.Name)
				}
			}
		}
	}
}

// Paths of one route have it in the same memory.
func TestReadSharesShapes(t *testing.T) {
	rd := NginxCombined().NewReader(site(t, SiteConfig{}), &Source{})
	var shapes []string
	for n := range 2 {
		var r Request
		line := fmt.Sprintf(`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /users/%d HTTP/1.1" 200 1 "-" "-"`, n)
		if err := rd.Read(line, 1, &r); err != nil {
			t.Fatal(err)
		}
		shapes = append(shapes, r.Shape)
	}
	if shapes[0] != "/users/{id}" || unsafe.StringData(shapes[0]) != unsafe.StringData(shapes[1]) {
		t.Errorf("got %q, want the same twice", shapes)
	}
}

func BenchmarkRead(b *testing.B) {
	for i, name := range []string{"browser", "api", "crawler", "garbage"} {
		line := lines[i]
		b.Run(name+"/parse", func(b *testing.B) {
			parse := NginxCombined().New()
			var f Fields
			b.ReportAllocs()
			for b.Loop() {
				_ = parse(line, &f)
			}
		})
		b.Run(name+"/read", func(b *testing.B) {
			rd := NginxCombined().NewReader(site(b, SiteConfig{}), &Source{})
			var r Request
			b.ReportAllocs()
			for b.Loop() {
				_ = rd.Read(line, 1, &r)
			}
		})
	}
	b.Run("new-paths/read", func(b *testing.B) {
		rd := NginxCombined().NewReader(site(b, SiteConfig{}), &Source{})
		var many []string
		for n := range 4 * maxPaths {
			many = append(many, strings.Replace(lines[0], "/42/", fmt.Sprintf("/%d/", n), 1))
		}
		var r Request
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			_ = rd.Read(many[n%len(many)], 1, &r)
			n++
		}
	})
}

// filled is a format that puts the line into every field of Fields that is text.
func filled() *Format {
	return &Format{Name: "filled", New: func() ParseFunc {
		return func(line string, f *Fields) error {
			*f = Fields{Time: noon, Bytes: -1, Duration: -1, Records: -1}
			v := reflect.ValueOf(f).Elem()
			for i := range v.NumField() {
				if v.Field(i).Kind() == reflect.String {
					v.Field(i).SetString(line)
				}
			}
			return nil
		}
	}}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"", "-", "203.0.113.9", "[2001:db8::1]:80", "unix:", "203.0.113.9, 192.0.2.1", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2ln",
		"Basic YWxpY2U6c2VjcmV0", "sid=1; session=\"x\"", "/a?b=c&token=x;y=%3D%253D#z", "https://u:p@h/?a[token]=1", "\x00\xff\u202e",
		`{"password":"a\"b"}`, `{\"token\":\"a\"}`, "key=0123456789abcdef",
	} {
		f.Add(seed)
	}
	s := site(f, SiteConfig{TrustedProxies: []string{"192.0.2.0/24", "unix:"}})
	f.Fuzz(func(t *testing.T, line string) {
		rd := filled().NewReader(s, &Source{})
		var r, again Request
		if err := rd.Read(line, 1, &r); err != nil {
			t.Fatal(err)
		}
		if err := rd.Read(line, 1, &again); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("read again: %+v, %v\nwant %+v", again, err, r)
		}
		v := reflect.ValueOf(r)
		for i := range v.NumField() {
			if v.Field(i).Kind() != reflect.String {
				continue
			}
			name, text := v.Type().Field(i).Name, v.Field(i).String()
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") || len(text) > maxPath {
				t.Errorf("%s: %q", name, text)
			}
		}
		readings, err := rd.Explain(line)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range readings {
			if visible(x.Value) != x.Value || !utf8.ValidString(x.Value) {
				t.Errorf("%s: %q is not safe to show", x.Name, x.Value)
			}
		}
	})
}

// dump returns all that is ever shown of a request.
func dump(t testing.TB, rd *Reader, line string) string {
	t.Helper()
	var r Request
	if err := rd.Read(line, 1, &r); err != nil {
		t.Fatal(err)
	}
	request, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	readings, err := rd.Explain(line)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\n%+v", request, readings)
}

// TestReadings reads the .log files of the golden archive and compares how they are
// explained with its .readings files.
func TestReadings(t *testing.T) {
	const name = goldens + "/reader-lines.golden"
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	written := &txtar.Archive{Comment: archive.Comment}
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, ".readings") {
			continue
		}
		written.Files = append(written.Files, file)
		scene, ok := strings.CutSuffix(file.Name, ".log")
		if !ok {
			continue
		}
		t.Run(scene, func(t *testing.T) {
			site, format, _ := strings.Cut(scene, ".")
			got := explained(t, member(archive, site+".yaml"), format, string(file.Data))
			if want := member(archive, scene+".readings"); !*update && got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			written.Files = append(written.Files, txtar.File{Name: scene + ".readings", Data: []byte(got)})
		})
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(written), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// explained returns how lines of a format are read on the site of a configuration.
func explained(t *testing.T, config, format, lines string) string {
	t.Helper()
	var c SiteConfig
	if err := yaml.UnmarshalWithOptions([]byte(config), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	rd := ByName(format).NewReader(site(t, c), &Source{})
	var b strings.Builder
	for line := range strings.Lines(lines) {
		readings, err := rd.Explain(strings.TrimSuffix(line, "\n"))
		if err != nil {
			fmt.Fprintf(&b, "error: %v\n\n", err)
			continue
		}
		b.WriteString(told(readings))
		b.WriteByte('\n')
	}
	return b.String()
}

// told returns the readings that have a value, one a line.
func told(readings []Reading) string {
	var b strings.Builder
	for _, x := range readings {
		if x.Value == "" {
			continue
		}
		fmt.Fprintf(&b, "%s: %s", x.Name, x.Value)
		if x.Why != "" {
			fmt.Fprintf(&b, " (%s)", x.Why)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// An id that is not looked into is stored as any text is.
func TestRequestIDs(t *testing.T) {
	rd := ByName("nginx-combined").NewReader(site(t, SiteConfig{}), &Source{})
	for _, id := range []string{
		"Root=1-58337281-1d84f3d73c47ec4e58577259",
		"0b2d5f8e-4a57-4f0e-9a53-5a6d1f0f2b11",
		strings.Repeat("deadbeef-", maxText),
		"Root=sk_live_0123456789abcdef",
		"sk_live_0123456789abcdef",
		"\x1b[31mdeadbeef00",
	} {
		if got, want := rd.requestID(id), rd.text(id, maxText); got != want {
			t.Errorf("%.50q is stored as %.50q, as any text it would be %.50q", id, got, want)
		}
	}
}

// A text that is too long to remember is not known again by where it lay: its memory may hold
// another one by then.
func TestReadRemembersNoLine(t *testing.T) {
	rd := NginxCombined().NewReader(site(t, SiteConfig{}), &Source{})
	line := []byte(`192.0.2.7 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "` + strings.Repeat("\xffab ", 75) + `"`)
	for _, with := range []string{"\xffab ", "\xffcb ", "\xffab "} {
		copy(line[len(line)-1-300:], strings.Repeat(with, 75))
		var r Request
		if err := rd.Read(unsafe.String(&line[0], len(line)), 1, &r); err != nil {
			t.Fatal(err)
		}
		if want := `\xff` + with[1:]; !strings.HasPrefix(r.UserAgent, want) {
			t.Errorf("got %q, want %q and so on", r.UserAgent, want)
		}
	}
}

func TestSplitTarget(t *testing.T) {
	for _, c := range []struct {
		method, in string
		want       target
	}{
		{"GET", "/a?b=1#c", target{path: "/a", query: "b=1"}},
		{"GET", "index.php?b=1", target{path: "index.php", query: "b=1"}},
		{"GET", "index.php?to=http://a/", target{path: "index.php", query: "to=http://a/"}},
		{"GET", "http://a.example:8080/b?c=1", target{"a.example:8080", "/b", "c=1"}},
		{"GET", "http://a.example?c=1", target{"a.example", "/", "c=1"}},
		{"GET", "svn+ssh://a.example/b", target{"a.example", "/b", ""}},
		{"GET", "no scheme://a/b?c", target{path: "no scheme://a/b", query: "c"}},
		{"GET", "https://-:443/b", target{path: "/b"}},
		{"GET", "?b=1", target{query: "b=1"}},
		{"CONNECT", "a.example:443", target{authority: "a.example:443"}},
		{"CONNECT", "/a", target{path: "/a"}},
		{"OPTIONS", "*", target{path: "*"}},
		{"GET", "-", target{}},
		{"GET", "", target{}},
	} {
		if got := splitTarget(c.method, c.in); got != c.want {
			t.Errorf("%s %s: got %+v, want %+v", c.method, c.in, got, c.want)
		}
	}
}
