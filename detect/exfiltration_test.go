package detect

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
	"github.com/litesoc/litesoc/parsers"
)

func TestSizeSettings(t *testing.T) {
	for text, want := range map[string]string{
		"1GiB": "1GiB", "1073741824": "1GiB", "500MB": "500MB", "1536 MiB": "1536MiB", "4096": "4KiB", "7b": "7B", "2kb": "2kB", "1024TiB": "1024TiB",
		"0": "", "-1": "", "1.5GiB": "", "GiB": "", "": "", "1025TiB": "", "9223372036854775807GiB": "", "1 XB": "",
	} {
		var n sizeSetting
		if err := n.Set(text); (err == nil) != (want != "") {
			t.Errorf("%q: %v", text, err)
		}
		if want != "" && n.String() != want {
			t.Errorf("%q: %v, want %s", text, &n, want)
		}
		var again sizeSetting
		if err := again.Set(n.String()); want != "" && (err != nil || again != n) {
			t.Errorf("%q is not read back: %v", &n, err)
		}
	}
	for text, ok := range map[string]bool{"1": true, "1000000000": true, "1000000001": false, "0": false, "x": false, "": false} {
		var n recordsSetting
		if err := n.Set(text); (err == nil) != ok || ok && n.String() != text {
			t.Errorf("%q: %v, %v", text, err, &n)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 3 << 29: "1.5 GiB", math.MaxInt64: "8388608.0 TiB"} {
		if got := bytesInWords(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestListing(t *testing.T) {
	const none = "no list"
	for _, test := range []struct{ request, want string }{
		{"GET /users?page=2&per_page=100", "100 at 2"},
		{"GET /users?page=1&per_page=100", "100 at 1 first"},
		{"GET /users?offset=0&limit=25", "25 at 0 first"},
		{"GET /users?cursor=&limit=25", "25 at  first"},
		{"GET /users?page=2", "-1 at 2"},
		{"GET /users?limit=10", "10"},
		{"GET /users?limit=", "-1"},
		{"GET /users?limit=ten", "-1"},
		{"GET /users?limit=0", "-1"},
		{"GET /users?limit=-1", "all"},
		{"GET /users?limit=all", "all"},
		{"GET /users?limit=18446744073709551616", "all"},
		{"GET /users?limit=9999999999999999999", "all"},
		{"GET /users?limit=5&limit=500&per_page=50", "500"},
		{"GET /users?%6cimit=%31%30", "10"},
		{"GET /users?page%5Bnumber%5D=3&page%5Bsize%5D=20", "20 at 3"},
		{"GET /users?page[after]=abc&page[size]=20", "20 at abc"},
		{"GET /users?$top=20&$skip=40", "20 at 40"},
		{"GET /users?%24top=20&%24skip=40", "20 at 40"},
		{"GET /users?PageSize=20&PageToken=x", "20 at x"},
		{"GET /users?maxResults=20&startAt=20", "20 at 20"},
		{"GET /users?first=20&after=x", "20 at x"},
		{"GET /users?size=20&starting_after=u_1", "20 at u_1"},
		{"POST /users/search?size=20&from=40", "20 at 40"},
		{"POST /_search?size=1000", "1000"},
		{"GET /blog/page/12", "-1 at 12"},
		{"GET /blog/page/12/", "-1 at 12"},
		{"GET /blog/page/about", none},
		{"GET /users", none},
		{"GET /users?top=20", none},
		{"GET /users?first=Ada&count=true", none},
		{"GET /users?next=%2Fhome", none},
		{"GET /users?next=https://example.com/", none},
		{"GET /index?page=contact", none},
		{"GET /events?after=1772366400", none}, // noon
		{"GET /events?after=1772366399999", none},
		{"GET /events?after=2026-03-01T11:59:58Z", none},
		{"GET /events?after=2026-03-01T12%3A30%3A00%2B01:00", none},
		{"GET /events?after=2020-03-01T11:59:58Z", "-1 at 2020-03-01T11:59:58Z"},
		{"GET /events?after=1600000000", "-1 at 1600000000"},
		{"GET /users/7/avatar?size=200", none},
		{"GET /avatar/7c4f?size=200", none},
		{"GET /a/b.png?size=200&count=9", none},
		{"POST /users?limit=10", none},
		{"POST /users?page=3", none},
		{"POST /users?page=3&limit=10", "10 at 3"},
		{"POST /users?pageNum=3&size=10", "10 at 3"},
		{"POST /users?offset=30&limit=10", "10 at 30"},
		{"POST /files/7?offset=1048576&size=1048576", none}, // a chunk
		{"POST /graphql?page=3&limit=10", none},
		{"GET /files?list-type=2&max-keys=1000&start-after=a", "1000 at a"},
		{"GET /rows?draw=7&start=200&length=100", "100 at 200"},
		{"GET /rows?num=50&start=200", "50 at 200"},
		{"GET /passwords/new?length=20", none},
		{"GET /api/now/table/incident?sysparm_limit=500&sysparm_offset=1000", "500 at 1000"},
		{"PUT /users?limit=10", none},
		{"HEAD /users?limit=10", none},
		{"GET /users?" + strings.Repeat("%", 300) + "=1", none},
		{"GET ?&&==&%=%&limit", "-1"},
	} {
		t.Run(test.request, func(t *testing.T) {
			method, target, _ := strings.Cut(test.request, " ")
			path, query, _ := strings.Cut(target, "?")
			r := &parsers.Request{Time: noon, Method: method, Path: path, Query: query, Status: 200}
			l, ok := listingOf(r)
			got := fmt.Sprint(l.Size)
			if l.Size == math.MaxInt64 {
				got = "all"
			}
			if l.Paged {
				got += " at " + l.Place
			}
			if l.First {
				got += " first"
			}
			if !ok {
				got = none
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, status := range []int{0, 204, 304, 403, 500} {
				r.Status = status
				if _, ok := listingOf(r); ok {
					t.Errorf("a list with status %d", status)
				}
			}
			known := pathFeatures(r)
			read := func() {
				list := known.newListingReader(r)
				list.take(&parameter{text: query, name: query})
				list.listing()
			}
			if n := testing.AllocsPerRun(10, read); n > 0 {
				t.Errorf("%v allocations for what is no list", n)
			}
		})
	}
}

func TestBatch(t *testing.T) {
	sizes := pageSizes{usual: 50, believed: 1000}
	for _, test := range []struct {
		query          string
		records, bytes int64
		want           batch
	}{
		{"limit=100", -1, -1, batch{Records: 100}},
		{"limit=100", -1, 0, batch{Records: 100}}, // sent in pieces
		{"limit=100", -1, 63, batch{}},
		{"limit=100", -1, 64, batch{Records: 64, Thin: true}},
		{"limit=100", -1, 399, batch{Records: 100, Thin: true}},
		{"limit=100", -1, 400, batch{Records: 100}},
		{"page=3", -1, 9000, batch{Records: 50}},
		{"limit=5000", -1, 9000, batch{Records: 1000}},
		{"limit=5000", -1, -1, batch{Records: 5000}},
		{"limit=10000", -1, 0, batch{Records: 10_000}},
		{"limit=10001", -1, -1, batch{Records: 1000}}, // all there is
		{"limit=5000", -1, 100_000, batch{Records: 2000}},
		{"limit=5000", -1, 10_000_000, batch{Records: 5000}},
		{"limit=-1", -1, 10_000_000, batch{Records: 200_000}},
		{"limit=100", 7, 9000, batch{Records: 7, Logged: true}},
		{"limit=100", 0, 9000, batch{Logged: true}},
		{"", 7, 9000, batch{Records: 7, Logged: true}},
		{"", math.MaxInt64, 9000, batch{Records: maxLogged, Logged: true}},
		{"", -1, 9000, batch{}},
	} {
		r := &parsers.Request{Time: noon, Method: "GET", Path: "/users", Query: test.query, Status: 200, Records: test.records, Bytes: test.bytes}
		if got := sizes.batchOf(r); got != test.want {
			t.Errorf("%q of %d bytes, %d logged: %+v, want %+v", test.query, test.bytes, test.records, got, test.want)
		}
	}
}

func TestPageTag(t *testing.T) {
	of := func(target string) uint64 {
		path, query, _ := strings.Cut(target, "?")
		return pageTag(&parsers.Request{Time: noon, Path: path, Query: query})
	}
	same := []string{"/a?limit=10&page=2", "/a/?page=2&limit=10", "/a?page=2&&limit=10&_=17", "/a?page=2&limit=10&t=1772366401", "/a?page=2&limit=10&since=2026-03-01T12:00:00Z&nonce=x", "/a?limit=10&page=2&request_id=8f14e45f&traceId=c9f0", "/a?draw=9&limit=10&page=2"}
	for _, target := range same {
		if of(target) != of(same[0]) {
			t.Errorf("%s is another page than %s", target, same[0])
		}
	}
	for _, target := range []string{"/a?limit=10&page=3", "/b?limit=10&page=2", "/a?limit=10&page=2&page=2", "/a?limit=2&page=10", "/a?limit=10", "/a"} {
		if of(target) == of(same[0]) {
			t.Errorf("%s is the same page as %s", target, same[0])
		}
	}
	// A span up to now is the same page for its length. Noon is 1772366400.
	day := of("/a?from=1772280000&to=1772366400&limit=10")
	if got := of("/a?to=1772366385500&limit=10&from=1772279985500"); got != day {
		t.Error("the day before, asked for a quarter of a minute later, is another page")
	}
	for _, target := range []string{"/a?from=1772276400&to=1772366400&limit=10", "/a?from=1772280000&limit=10", "/a?from=1772193600&to=1772280000&limit=10", "/a?from=1772280000&to=1772366400&limit=10&page=2"} {
		if of(target) == day {
			t.Errorf("%s is the same page as the last day", target)
		}
	}
}

// The sum of a window is that of all pages asked for within it, each counted once; with more pages
// than are remembered it is no less, and what is too much is not older than a 500th.
func TestBulkExportAgainstAll(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	for _, test := range []struct{ pages, requests int }{{30, 400}, {1 << 40, 400}, {1 << 40, 12_000}} {
		window := time.Hour
		s := &bulkExport{exportSettings: &exportSettings{window: &window}}
		counted := map[uint64]time.Time{}
		var all []page
		at := noon
		for n := range test.requests {
			at = at.Add(time.Duration(chance.Int64N(int64(2*time.Hour) * 4 / int64(test.requests))).Truncate(time.Microsecond))
			p := page{At: momentOf(at), Tag: uint64(chance.IntN(test.pages)) + 1, pageSum: pageSum{Requests: 1, Records: int64(1 + chance.IntN(9))}}
			got, _, known := s.within(p)
			if last, was := counted[p.Tag]; (known >= 0) != (was && at.Sub(last) <= window) {
				t.Fatalf("seed %d: page %d after %d requests: known at %d", seed, p.Tag, n, known)
			}
			least, most := int64(0), int64(0)
			for _, o := range slices.Backward(all) {
				back := at.Sub(o.At.time())
				if back > 2*window {
					break
				}
				if back <= window {
					least += o.Records
					most += o.Records
				} else if back <= window+window/pageSpans {
					most += o.Records
				}
			}
			if n < maxPages {
				most = least
			}
			if got < least || got > most {
				t.Fatalf("seed %d: %d records after %d requests, want %d to %d", seed, got, n, least, most)
			}
			counted[p.Tag] = at
			if known >= 0 {
				s.again(known, p)
				i := slices.IndexFunc(all, func(o page) bool { return o.Tag == p.Tag && !o.At.time().Before(at.Add(-window)) })
				p.Records = all[i].Records
				all = append(slices.Delete(all, i, i+1), p)
				continue
			}
			all = append(all, p)
			if s.add(p); len(s.Pages) > maxPages {
				t.Fatalf("seed %d: %d pages", seed, len(s.Pages))
			}
		}
	}
}

// The bytes of a window are those of all answers within it, and what is too much is of
// little or not much older. A state that was restored goes on with what it adds up to.
func TestByteVolumeAgainstAll(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	for _, size := range []int64{100, 1 << 20, 1 << 40} {
		least, window := int64(1<<30), time.Hour
		set := &volumeSettings{least: &least, window: &window}
		s := &byteVolume{volumeSettings: set}
		var all []*parsers.Request
		at := noon
		for n := range 2000 {
			at = at.Add(time.Duration(chance.Int64N(int64(20 * time.Second))))
			r := &parsers.Request{Time: at, Bytes: chance.Int64N(size) + 1}
			all = append(all, r)
			if chance.IntN(10) == 0 {
				saved := mustJSON(s)
				s = &byteVolume{volumeSettings: set}
				if err := json.Unmarshal(saved, s); err != nil {
					t.Fatal(err)
				}
			}
			got := s.slide(r, volumeSum{Requests: 1, Bytes: r.Bytes})
			var parts int64
			for _, p := range s.allParts() {
				parts += p.Bytes
			}
			if got != parts {
				t.Fatalf("seed %d: %d bytes, %d in all parts", seed, got, parts)
			}
			least, most := int64(0), least/smallParts
			for _, o := range all {
				if back := at.Sub(o.Time); back <= window {
					least += o.Bytes
					most += o.Bytes
				} else if back <= window+window/partsOf {
					most += o.Bytes
				}
			}
			if got < least || got > most {
				t.Fatalf("seed %d: %d bytes after %d requests of up to %d, want %d to %d", seed, got, n, size, least, most)
			}
			if n := len(s.allParts()); n > partsOf+2 {
				t.Fatalf("seed %d: %d parts", seed, n)
			}
		}
		if n := len(s.allParts()); size == 100 && n > fewParts+2 {
			t.Errorf("seed %d: %d parts for next to nothing", seed, n)
		}
	}
}

// However many times what is usual are normal, more than usual is.
func TestByteVolumeLimit(t *testing.T) {
	s := set(t, ByteVolume(), "factor", "10000").New().(*byteVolume)
	s.Usual.Add(maxVolume)
	if got := s.limit(); got < maxVolume {
		t.Errorf("%d bytes are too many where %d are usual", got, int64(maxVolume))
	}
}

// A request that changes nothing but sums is remembered like one that is looked at more
// closely.
func TestByteVolumeShortWay(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	for _, size := range []int64{100, 1 << 18, 1 << 22, 1 << 40} {
		d := ByteVolume()
		short, long := d.New().(*byteVolume), d.New().(*byteVolume)
		var told, toldLong []Event
		at, pause := noon, int64(time.Second)
		for n := range 3000 {
			if n%100 == 0 {
				pause = int64(time.Second) << chance.IntN(12)
			}
			at = at.Add(time.Duration(chance.Int64N(pause)).Truncate(time.Microsecond))
			r := &parsers.Request{Time: at, ClientIP: "192.0.2.1", Bytes: chance.Int64N(size) + 1, Status: 200 + 6*chance.IntN(2), Line: int64(n)}
			short.Observe(r, func(e Event) { told = append(told, e) })
			long.room = 0
			long.Observe(r, func(e Event) { toldLong = append(toldLong, e) })
			if got, want := mustJSON(short), mustJSON(long); string(got) != string(want) {
				t.Fatalf("seed %d: after %d requests of up to %d\n%s, want\n%s", seed, n, size, got, want)
			}
		}
		if string(mustJSON(told)) != string(mustJSON(toldLong)) {
			t.Errorf("seed %d: %d events of up to %d bytes a request, want %d", seed, len(told), size, len(toldLong))
		}
	}
}

// What is found outside business hours is one severity worse and says so; without hours
// nothing is, and hours alone find nothing.
func TestOffHours(t *testing.T) {
	const hours = "Mon-Fri 08:00-18:00 Europe/Berlin"
	lines := map[string]string{
		"bulk-export": `x52 +1s 203.0.113.9 - mallory [%s] "GET /api/customers?page={n}&limit=1000 HTTP/1.1" 200 480213 "-" "-"`,
		"page-walk":   `x60 +1s 203.0.113.9 - mallory [%s] "GET /api/customers?page={n}&limit=20 HTTP/1.1" 200 9000 "-" "-"`,
		"byte-volume": `x30 +1s 203.0.113.9 - mallory [%s] "GET /api/files/{n} HTTP/1.1" 200 50000000 "-" "-"`,
	}
	for _, test := range []struct {
		detector, hours, at string
		want                []string
	}{
		{"bulk-export", hours, "02/Mar/2026:10:00:00 +0000", []string{"high", "critical", "critical"}},
		{"bulk-export", hours, "02/Mar/2026:20:00:00 +0000", []string{"critical off", "critical off"}},
		{"bulk-export", "", "02/Mar/2026:20:00:00 +0000", []string{"high", "critical", "critical"}},
		{"page-walk", hours, "02/Mar/2026:10:00:00 +0000", []string{"medium", "medium"}},
		{"page-walk", hours, "01/Mar/2026:10:00:00 +0000", []string{"high off", "high off"}},
		{"page-walk", "", "01/Mar/2026:10:00:00 +0000", []string{"medium", "medium"}},
		// Half of it, and a little more of it, before 08:00 in Berlin.
		{"page-walk", hours, "02/Mar/2026:06:59:35 +0000", []string{"medium", "medium"}},
		{"page-walk", hours, "02/Mar/2026:06:59:34 +0000", []string{"high off", "high"}},
		{"byte-volume", hours, "02/Mar/2026:10:00:00 +0000", []string{"medium", "medium"}},
		{"byte-volume", hours, "02/Mar/2026:17:00:00 +0000", []string{"high off", "high off"}},
		{"byte-volume", "", "02/Mar/2026:17:00:00 +0000", []string{"medium", "medium"}},
	} {
		t.Run(test.detector+" "+test.at+" "+test.hours, func(t *testing.T) {
			var d *Detector
			for _, of := range All() {
				if of.Name == test.detector {
					d = of
				}
			}
			if err := d.Flags.Set("business-hours", test.hours); err != nil {
				t.Fatal(err)
			}
			requests := read(t, parsers.NginxCombined(), fmt.Sprintf(lines[test.detector], test.at))
			var got []string
			for line := range strings.Lines(string(run([]*Detector{d}, requests)["events"])) {
				var e Event
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatal(err)
				}
				word := e.Severity.String()
				if strings.Contains(e.Summary, "outside business hours ("+hours+")") {
					word += " off"
				}
				got = append(got, word)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			keyedtest.Check(t, keyedtest.Engine(keyed.Order[*parsers.Request, Event]{
				Time: func(r *parsers.Request) time.Time { return r.Time },
				ID:   func(e Event) string { return e.ID },
			}, d.machine()), requests)
		})
	}
}

// Whatever a request asks for, nothing panics and no page holds more than can be.
func FuzzListing(f *testing.F) {
	f.Add("/api/users", "page=2&per_page=100", int64(9000), int64(-1))
	f.Add("/blog/page/12", "limit=-1&cursor=%zz&after=2026-03-01T11%3a59", int64(-1), int64(-1))
	f.Add("//page/", "%24top=%39%39&$skip=1772366400&&=", int64(1<<62), int64(1<<62))
	sizes := pageSizes{usual: 50, believed: 1000}
	f.Fuzz(func(t *testing.T, path, query string, bytes, records int64) {
		r := &parsers.Request{Time: noon, Method: "GET", Path: path, Query: query, Status: 200, Bytes: bytes, Records: records}
		b := sizes.batchOf(r)
		if b.Records < 0 || b.Logged && b.Records > maxLogged || !b.Logged && bytes > 0 && b.Records > bytes || !b.Logged && bytes <= 0 && b.Records > 1000 {
			t.Errorf("%q %q, %d bytes, %d logged: %+v", path, query, bytes, records, b)
		}
		if pageTag(r) == 0 {
			t.Error("a page without a tag")
		}
	})
}
