package source_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// TestCorpus reads logs that others published as scan does, without a word on their
// formats, and holds what comes out against what those others expect: each field of
// each line, and the totals of whole logs. Every disagreement must stand in
// testdata/parsers/disagreements.txt with the reason why ours is right, and what
// stands there must occur.
//
// The corpus is no part of the repository: LITESOC_LOGS names its folder, or it lies
// in shared/logs beside the repository.
func TestCorpus(t *testing.T) {
	cases := corpusCases(t)
	listed := readDisagreements(t, "../../testdata/parsers/disagreements.txt")
	var met []disagreement
	shares := map[string]*share{}
	for _, c := range cases {
		if c.Kind == "signature" { // requests, not logs
			continue
		}
		t.Run(c.Case, func(t *testing.T) {
			c.compare(t)
			met = append(met, c.met...)
			for _, d := range c.met {
				if !slices.Contains(listed, d) {
					t.Errorf("not listed:\n%s", d)
				}
			}
			s := shares[c.Format]
			if s == nil {
				s = &share{}
				shares[c.Format] = s
			}
			s.agree += c.compared - len(c.met)
			s.of += c.compared
		})
	}
	for _, d := range listed {
		if !slices.Contains(met, d) {
			t.Errorf("listed, but does not occur:\n%s", d)
		}
	}
	var all share
	for _, format := range slices.Sorted(maps.Keys(shares)) {
		t.Logf("%-32s %v", format, shares[format])
		all.agree += shares[format].agree
		all.of += shares[format].of
	}
	t.Logf("%-32s %v", "all", &all)
}

// share is how many of the fields agree.
type share struct{ agree, of int }

func (s *share) String() string {
	return fmt.Sprintf("%d of %d fields agree (%.2f %%)", s.agree, s.of, 100*float64(s.agree)/float64(max(s.of, 1)))
}

// leastCases is how many cases a corpus has at the least: a test that compares
// nothing must not pass.
const leastCases = 100

// corpusCases returns the cases of the corpus. The test ends here where there is none.
func corpusCases(t *testing.T) []*corpusCase {
	dir, named := os.LookupEnv("LITESOC_LOGS")
	if !named {
		dir = filepath.Join("..", "..", "..", "shared", "logs")
	}
	if _, err := os.Stat(dir); err != nil {
		if named {
			t.Fatal(err)
		}
		t.Skipf("no log corpus at %s: set LITESOC_LOGS", dir)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*", "expected.json*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < leastCases {
		t.Fatalf("%d cases in %s, want %d or more", len(paths), dir, leastCases)
	}
	var cases []*corpusCase
	for _, path := range paths {
		c := &corpusCase{}
		if err := json.Unmarshal(unpack(t, path), c); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		c.path = filepath.Join(filepath.Dir(path), c.Input)
		cases = append(cases, c)
	}
	return cases
}

// unpack returns what is in a file, without gzip around it.
func unpack(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A value is a string or a number of an expected.json, as text.
type value string

func (v *value) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		var compact bytes.Buffer
		if err := json.Compact(&compact, b); err != nil {
			return err
		}
		s = compact.String()
	}
	if s == "-" || s == "null" {
		s = ""
	}
	*v = value(s)
	return nil
}

// A corpusCase is a log and what is expected of it, as an expected.json says it.
type corpusCase struct {
	Case, Input, Format, Kind string

	Records []struct {
		Line   int64
		OK     *bool
		Host   string // of a verdict: the client
		Match  bool
		Fields map[string]value
		Peer   map[string]value `json:"peer_parsed"`
	}
	Alerts []struct {
		Sources []string
		Matched []map[string]value `json:"matched_events"`
	}
	Facts struct {
		Lines     int64
		DataLines int64            `json:"data_lines"`
		Clients   int              `json:"distinct_clients"`
		Statuses  map[string]int64 `json:"status_counts"`
		Methods   map[string]int64 `json:"method_counts"`
		Top       [][2]value       `json:"top_clients"`
	}
	Aggregates json.RawMessage

	path     string
	lines    []string
	requests []*parsers.Request
	byLine   map[int64]*parsers.Request
	compared int            // fields
	met      []disagreement // of those
}

// A disagreement is a field of which a source of the corpus says one thing, and we
// another.
type disagreement struct {
	corpus string // source and case
	line   int64  // 0 for what is said of all the log
	field  string
	theirs string
	ours   string
}

func (d disagreement) String() string {
	return fmt.Sprintf("%s:%d %s %q %q", d.corpus, d.line, d.field, d.theirs, d.ours)
}

// readDisagreements reads a list of them: a reason, in lines that begin with "#",
// and those it holds for, one a line, as String writes them.
func readDisagreements(t *testing.T, path string) []disagreement {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []disagreement
	reason := false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if text == "" {
			reason = false
			continue
		}
		if strings.HasPrefix(text, "# ") {
			reason = true
			continue
		}
		var d disagreement
		if _, err := fmt.Sscanf(text, "%s %s %q %q", &d.corpus, &d.field, &d.theirs, &d.ours); err != nil {
			t.Fatalf("%s:%d: %v", path, n, err)
		}
		if !reason {
			t.Errorf("%s:%d: no reason", path, n)
		}
		corpus, line, _ := strings.Cut(d.corpus, ":")
		if d.line, err = strconv.ParseInt(line, 10, 64); err != nil {
			t.Fatalf("%s:%d: %v", path, n, err)
		}
		d.corpus = corpus
		if slices.Contains(list, d) {
			t.Errorf("%s:%d: listed twice", path, n)
		}
		list = append(list, d)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// corpusFormats are our names of the formats of the corpus, or of single cases where
// they are named for a format that not all of their lines are in. "none" is that of
// what is no access log, by the rules of any format.
var corpusFormats = map[string]string{
	"apache_combined":                "nginx-combined",
	"apache_combined (stray quotes)": "nginx-combined",
	"apache_common":                  "nginx-common",
	"apache_vhost_combined":          "nginx-combined",
	"apache_vhost_common":            "nginx-common",
	"app_syslog":                     "none",
	"aws_alb":                        "aws-alb",
	"aws_apigateway":                 "json",
	"aws_cloudfront":                 "w3c",
	"aws_elb_classic":                "aws-elb",
	"aws_s3":                         "aws-s3",
	"caddy_json":                     "json",
	"cloudflare_firewall":            "json",
	"cloudflare_http":                "json",
	"envoy_json (CRI prefix)":        "json",
	"envoy_text":                     "envoy-text",
	"fastly_json (syslog prefix)":    "json",
	"gcp_lb":                         "json",
	"haproxy_http":                   "haproxy",
	"iis_w3c":                        "w3c",
	"json_wrapped_nginx":             "nginx-combined",
	"litespeed_mixed":                "nginx-combined",
	"mixed_web":                      "nginx-combined",
	"nginx_combined":                 "nginx-combined",
	"nginx_combined (syslog prefix)": "nginx-combined",
	"nginx_custom":                   "nginx-combined",
	"nginx_error":                    "none",
	"nginx_json":                     "json",
	"nginx_vhost_combined":           "nginx-combined",
	"traefik_clf":                    "traefik-clf",
	"traefik_json":                   "json",
	"w3c_other":                      "w3c",

	"crowdsec-hub/apache2-http-sensitive-files": "nginx-common",
	"crowdsec-hub/envoy-logs":                   "envoy-text", // and JSON
	"crowdsec-hub/pfsense-rfc5424-nginx":        "none",       // an error log
	"elastic-beats/apache-access-darwin-2.4.23": "nginx-common",
	"elastic-beats/apache-access-ssl-request":   "apache-ssl-request",
	"elastic-beats/traefik-access-test":         "nginx-combined", // one line has no more
}

// givenFormats are the formats of cases that are lists of lines, most of them bad on
// purpose. No format can be told by such, so theirs is given.
var givenFormats = map[string]*parsers.Format{
	"vrl/apache-common": parsers.NginxCommon(),
	"vrl/clf-common":    parsers.NginxCommon(),
}

// say takes down what they say and what we do.
func (c *corpusCase) say(line int64, field, theirs, ours string, same bool) {
	c.compared++
	if !same {
		c.met = append(c.met, disagreement{c.Case, line, field, clip(theirs), clip(ours)})
	}
}

// clip returns as much of s as tells what it is.
func clip(s string) string {
	const enough = 32
	if len(s) <= enough {
		return s
	}
	return strings.ToValidUTF8(s[:enough], "") + "…"
}

func (c *corpusCase) sayEqual(line int64, field, theirs, ours string) {
	c.say(line, field, theirs, ours, theirs == ours)
}

// compare reads the log and compares all that is said of it.
func (c *corpusCase) compare(t *testing.T) {
	text := unpack(t, c.path)
	c.lines = strings.SplitAfter(string(text), "\n")
	if c.lines[len(c.lines)-1] == "" {
		c.lines = c.lines[:len(c.lines)-1]
	}
	l := c.read(t)
	format, at := "none", source.Position{}
	if l != nil {
		format, at = l.Source.Format, l.At
		if n := int64(len(c.lines)); at.Lines != n || at.Parsed+at.Rejected+at.Skipped != n || at.Parsed != int64(len(c.requests)) {
			t.Errorf("%d lines: read %d, parsed %d, rejected %d, skipped %d, requests %d",
				n, at.Lines, at.Parsed, at.Rejected, at.Skipped, len(c.requests))
		}
	}
	right := cmp.Or(corpusFormats[c.Case], corpusFormats[c.Format])
	if right == "" {
		t.Fatalf("no name for the format %q", c.Format)
	}
	c.sayEqual(0, "format", right, format)
	c.compareRecords()
	c.compareAlerts()
	c.compareFacts(at)
	c.compareAggregates(t, at)
}

// read reads the log as scan does; nil if its format is not known.
func (c *corpusCase) read(t *testing.T) *source.Log {
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	files, failures := source.Find([]string{c.path}, nil)
	if len(failures) > 0 {
		t.Fatal(failures)
	}
	opts := &source.Options{Site: site, Formats: parsers.All(), Lateness: time.Minute}
	if given := givenFormats[c.Case]; given != nil {
		opts.Formats = []*parsers.Format{given}
	}
	plan := source.Look(files, opts)
	if len(plan.Logs) != 1 {
		return nil
	}
	l := plan.Logs[0]
	m := source.NewMerger([]source.Stream{l}, time.Time{}, func(_ source.Stream, err error) { t.Error(err) })
	c.byLine = map[int64]*parsers.Request{}
	for {
		b, err := m.Next()
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Requests {
			r := &b.Requests[i]
			c.requests = append(c.requests, r)
			c.byLine[r.Line] = r
		}
	}
}

// compareRecords compares what is said of single lines.
func (c *corpusCase) compareRecords() {
	for _, record := range c.Records {
		line := max(record.Line, 1) // where it is not told, it is the first
		r := c.byLine[line]
		if record.OK != nil {
			c.sayEqual(line, "ok", strconv.FormatBool(*record.OK), strconv.FormatBool(r != nil))
		}
		if r == nil {
			continue
		}
		if record.Match {
			c.sayEqual(line, "client_ip", record.Host, r.ClientIP)
		}
		_, parted := record.Fields["query"]
		for _, field := range slices.Sorted(maps.Keys(record.Fields)) {
			if field == "uri" && parted { // it may be the path alone
				continue
			}
			c.compareField(r, field, string(record.Fields[field]))
		}
		for _, key := range slices.Sorted(maps.Keys(record.Peer)) {
			if field := peerFields[key]; field != "" {
				c.compareField(r, field, string(record.Peer[key]))
			}
		}
	}
}

// peerFields are fields that sources tell under names of their own only.
var peerFields = map[string]string{
	"aws.apigateway.domain_name":     "host",
	"aws.apigateway.http_method":     "method",
	"aws.apigateway.ip_address":      "client_ip",
	"aws.apigateway.request_id":      "request_id",
	"aws.apigateway.request_time":    "ts",
	"aws.apigateway.response_length": "bytes_sent",
	"aws.apigateway.status":          "status",
	"event.duration":                 "duration_ns",
	"http.authority":                 "host",
	"http.request_id":                "request_id",
	"request_duration_in_ms":         "duration_ms",
	"request_id":                     "request_id",
	"request_time_ms":                "duration_ms",
	"requester":                      "user",
	"time_duration":                  "duration_ms",
	"trace_id":                       "request_id",
}

// compareField compares what is said of one field of a line.
func (c *corpusCase) compareField(r *parsers.Request, field, theirs string) {
	var ours string
	same := sameText
	switch field {
	case "ts", "ts_unix_ms":
		ours, same = r.Time.Format(time.RFC3339Nano), c.sameTime(r)
	case "client_ip", "client_ip_port":
		ours, same = r.ClientIP, sameAddress
	case "method":
		ours = r.Method
	case "status":
		ours = number(int64(r.Status), 0)
		theirs = strings.TrimLeft(theirs, "0") // no status
	case "bytes_sent":
		ours = number(r.Bytes, -1)
		same = func(theirs, ours string) bool { return theirs == ours || theirs == "" && ours == "0" }
	case "response_time", "duration_s":
		ours, same = duration(r, time.Second), sameNumber
	case "duration_ms":
		ours, same = duration(r, time.Millisecond), sameNumber
	case "duration_ns":
		ours, same = duration(r, time.Nanosecond), sameNumber
	case "uri", "url":
		ours, same = r.Path, sameURL(r)
		if r.Query != "" {
			ours += "?" + r.Query
		}
	case "path":
		ours = r.Path
	case "query":
		ours = r.Query
	case "referer":
		ours = r.Referer
	case "user_agent":
		ours = r.UserAgent
	case "host":
		ours, same = r.Host, sameHost
	case "user":
		ours = r.User
	case "request_id":
		ours = r.RequestID
	default:
		return
	}
	c.say(r.Line, field, theirs, ours, same(theirs, ours))
}

func number(n, none int64) string {
	if n == none {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// duration returns how many units a request took.
func duration(r *parsers.Request, unit time.Duration) string {
	if r.Duration < 0 {
		return ""
	}
	return strconv.FormatFloat(float64(r.Duration)/float64(unit), 'f', -1, 64)
}

func sameNumber(theirs, ours string) bool {
	a, err := strconv.ParseFloat(theirs, 64)
	b, err2 := strconv.ParseFloat(ours, 64)
	return theirs == ours || err == nil && err2 == nil && math.Abs(a-b) <= 1e-9*max(a, b)
}

// secret is what we write in place of one.
var secret = regexp.MustCompile(`(key|tok|ses)_[0-9a-f]{12}|\[redacted\]`)

// sameText tells whether two texts are the same but for how they are escaped and for
// the secrets that we leave out.
func sameText(theirs, ours string) bool {
	theirs, ours = unescaped(theirs), unescaped(ours)
	if theirs == ours {
		return true
	}
	if !secret.MatchString(ours) {
		return false
	}
	var pattern strings.Builder
	for i, part := range secret.Split(ours, -1) {
		if i > 0 {
			pattern.WriteString(`[^&;/ ]+`)
		}
		pattern.WriteString(regexp.QuoteMeta(part))
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(theirs)
}

var escape = regexp.MustCompile(`\\x[0-9a-fA-F]{2}|\\[\\"]|%[0-9a-fA-F]{2}`)

// unescaped returns s without backslashes before quotes, and bytes for their codes.
func unescaped(s string) string {
	return escape.ReplaceAllStringFunc(s, func(s string) string {
		if len(s) == 2 {
			return s[1:]
		}
		b, _ := strconv.ParseUint(s[len(s)-2:], 16, 8)
		return string([]byte{byte(b)})
	})
}

func sameAddress(theirs, ours string) bool {
	if theirs == ours {
		return true
	}
	if i := strings.LastIndexByte(theirs, ':'); i >= 0 && strings.Trim(theirs[:i], "[]") == ours {
		return true // with its port
	}
	a, err := netip.ParseAddr(theirs)
	return err == nil && a.Unmap().String() == ours
}

// sameHost tells whether two hosts are the same but for their ports.
func sameHost(theirs, ours string) bool {
	return strings.EqualFold(theirs, ours) || strings.EqualFold(withoutPort(theirs), ours)
}

func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

// sameURL tells whether a URL is that of the request. It may bear the host; some
// sources leave out the query.
func sameURL(r *parsers.Request) func(theirs, ours string) bool {
	return func(theirs, ours string) bool {
		if sameText(theirs, ours) {
			return true
		}
		_, rest, found := strings.Cut(theirs, "://")
		if !found {
			return false
		}
		host, path := rest, "/"
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			host, path = rest[:i], rest[i:]
		}
		return (sameHost(host, r.Host) || host == "-") && sameText(path, ours)
	}
}

// timeLayouts are how the corpus writes times.
var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "02/Jan/2006:15:04:05", "02/Jan/2006:15:04:05 -0700",
}

// zone finds the zone of a time in the line.
var zone = regexp.MustCompile(`:\d\d ([+-]\d{4})\]`)

// sameTime returns a function that tells whether a time is that of the request, as far
// as it is told: to the second, or in the unnamed zone of the line.
func (c *corpusCase) sameTime(r *parsers.Request) func(theirs, ours string) bool {
	return func(theirs, _ string) bool {
		if ms, err := strconv.ParseInt(theirs, 10, 64); err == nil {
			return r.Time.UnixMilli() == ms
		}
		for _, layout := range timeLayouts {
			t, err := time.Parse(layout, theirs)
			if err != nil {
				continue
			}
			ours := r.Time
			if t.Nanosecond() == 0 {
				ours = ours.Truncate(time.Second)
			}
			if t = t.Truncate(time.Microsecond); t.Equal(ours) {
				return true
			}
			found := zone.FindStringSubmatch(c.lines[r.Line-1])
			if found == nil || strings.Contains(layout, "07") {
				return false
			}
			local, _ := time.Parse("-0700", found[1])
			_, offset := local.Zone()
			return t.Equal(ours.Add(time.Duration(offset) * time.Second))
		}
		return false
	}
}

// compareAlerts compares the requests that alerts are made of.
func (c *corpusCase) compareAlerts() {
	for _, alert := range c.Alerts {
		for _, address := range alert.Sources {
			sent := slices.ContainsFunc(c.requests, func(r *parsers.Request) bool { return sameAddress(address, r.ClientIP) })
			c.say(0, "source", address, "", sent)
		}
		for _, event := range alert.Matched {
			same := func(r *parsers.Request) bool {
				one := corpusCase{lines: c.lines}
				for key, field := range eventFields {
					if theirs := event[key]; theirs != "" {
						one.compareField(r, field, string(theirs))
					}
				}
				return len(one.met) == 0
			}
			c.say(0, "event", fmt.Sprintf("%s %s %s", event["source_ip"], event["http_verb"], event["http_path"]), "", slices.ContainsFunc(c.requests, same))
		}
	}
}

// eventFields are the names of fields in matched events, and in fields of lines.
var eventFields = map[string]string{
	"source_ip": "client_ip", "http_verb": "method", "http_path": "uri", "http_status": "status", "http_user_agent": "user_agent", "timestamp": "ts",
}

// noRequest is how the corpus counts requests that are none.
const noRequest = "(not a request line)"

// compareFacts compares what was counted over the whole log.
func (c *corpusCase) compareFacts(at source.Position) {
	facts := &c.Facts
	if facts.Lines > 0 {
		c.sayEqual(0, "lines", fmt.Sprint(facts.Lines), fmt.Sprint(at.Parsed))
	}
	if facts.DataLines > 0 {
		c.sayEqual(0, "data_lines", fmt.Sprint(facts.DataLines), fmt.Sprint(at.Parsed))
	}
	clients, statuses, methods := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, r := range c.requests {
		clients[r.ClientIP]++
		statuses[strconv.Itoa(r.Status)]++
		methods[cmp.Or(r.Method, noRequest)]++
	}
	if facts.Clients > 0 {
		c.sayEqual(0, "distinct_clients", fmt.Sprint(facts.Clients), fmt.Sprint(len(clients)))
	}
	if facts.Statuses != nil {
		c.compareCounts("status_counts", facts.Statuses, statuses)
	}
	if facts.Methods != nil {
		c.compareCounts("method_counts", facts.Methods, methods)
	}
	for _, top := range facts.Top {
		address := string(top[0])
		c.sayEqual(0, "top_clients:"+address, string(top[1]), fmt.Sprint(clients[address]))
	}
}

// compareCounts compares all counts of one kind, those that only one side has too.
func (c *corpusCase) compareCounts(field string, theirs, ours map[string]int64) {
	keys := map[string]bool{}
	for key := range theirs {
		keys[key] = true
	}
	for key := range ours {
		keys[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		c.sayEqual(0, field+":"+strings.ReplaceAll(key, " ", "_"), fmt.Sprint(theirs[key]), fmt.Sprint(ours[key]))
	}
}

// compareAggregates compares the totals that a source states: by name, or by URL.
func (c *corpusCase) compareAggregates(t *testing.T, at source.Position) {
	if len(c.Aggregates) == 0 {
		return
	}
	if bytes.HasPrefix(c.Aggregates, []byte("[")) {
		c.compareURLs(t)
		return
	}
	totals := map[string]int64{}
	if err := json.Unmarshal(c.Aggregates, &totals); err != nil {
		t.Fatal(err)
	}
	ours := map[string]int64{"requests": at.Lines, "req_unmatched": at.Rejected + at.Skipped}
	clients := map[string]bool{}
	for _, r := range c.requests {
		ours["bytes_sent"] += max(r.Bytes, 0)
		ours["req_method_"+r.Method]++
		ours[fmt.Sprintf("resp_code_%d", r.Status)]++
		ours[fmt.Sprintf("resp_%dxx", r.Status/100)]++
		ours["req_vhost_"+r.Host]++
		version := "ipv4"
		if strings.Contains(r.ClientIP, ":") {
			version = "ipv6"
		}
		ours["req_"+version]++
		if !clients[r.ClientIP] {
			clients[r.ClientIP] = true
			ours["uniq_"+version]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		if counted, ok := ours[name]; ok || strings.HasPrefix(name, "resp_") {
			c.sayEqual(0, name, fmt.Sprint(totals[name]), fmt.Sprint(counted))
		}
	}
}

// compareURLs compares totals by URL and method. Their source leaves out the lines
// without a duration.
func (c *corpusCase) compareURLs(t *testing.T) {
	var urls []struct {
		URI, Method                            string
		Count, Status2xx, Status4xx, Status5xx int64
		Time                                   float64 `json:"response_time_sum"`
		Bytes                                  int64   `json:"body_bytes_sum"`
	}
	if err := json.Unmarshal(c.Aggregates, &urls); err != nil {
		t.Fatal(err)
	}
	for _, u := range urls {
		var count, bytes int64
		var took time.Duration
		class := map[int]int64{}
		for _, r := range c.requests {
			if r.Path != u.URI || r.Method != u.Method || r.Duration < 0 {
				continue
			}
			count++
			class[r.Status/100]++
			took += r.Duration
			bytes += r.Bytes
		}
		theirs := fmt.Sprint(u.Count, u.Status2xx, u.Status4xx, u.Status5xx, math.Round(u.Time*1000), u.Bytes)
		c.sayEqual(0, u.Method+u.URI, theirs, fmt.Sprint(count, class[2], class[4], class[5], took.Milliseconds(), bytes))
	}
}
