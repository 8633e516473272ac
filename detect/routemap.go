package detect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// A RouteRule says which event a single request is, by its method, path and status.
type RouteRule struct {
	// Method is one method or several, separated by "|"; "" for any.
	Method string `yaml:"method"`
	// Path is a pattern of segments, compared without regard to case, to a trailing
	// slash or to matrix parameters (";jsessionid=…"):
	//
	//	/teams/{x}/close  the whole path; {x} is any one segment
	//	users/{x}         the same after usual prefixes: api, v2, rest, admin, …
	//	**/login          the end of the path, whatever stands before it
	//	/old/**           the beginning of the path, whatever follows
	//	**/*.csv          * is any part of a segment
	//	**/signin|login   either word
	Path string `yaml:"path"`
	// Query is a parameter that must be there, "name=value", as it is logged; "" for
	// none.
	Query string `yaml:"query"`
	// Status is a list of codes and classes: "200", "4xx", "2xx,302"; "" for any.
	Status string `yaml:"status"`
	// Event is a name of the taxonomy, or a site's own: "category.action".
	Event string `yaml:"event"`
}

// A RouteMap says which event a single request is. It never changes and may be used
// by many goroutines.
type RouteMap struct {
	rules []routeRule // in order of precedence
	index routeIndex
	none  *pathRules // of all paths that no rule is for
}

// NewRouteMap compiles the rules of a site, which come before the built-in ones. Of
// the rules that match a request, the first one holds.
func NewRouteMap(own []RouteRule) (*RouteMap, error) {
	m := &RouteMap{}
	m.none = &pathRules{of: m}
	for i, r := range own {
		err := r.checkEvent()
		if err == nil {
			err = m.add(r)
		}
		if err != nil {
			return nil, fmt.Errorf("route rule %d: %w", i+1, err)
		}
	}
	for _, r := range builtInRoutes() {
		if err := m.add(r); err != nil {
			panic(fmt.Sprintf("detect: built-in route rule %+v: %v", r, err))
		}
	}
	return m, nil
}

// Classify returns the event that the request is by itself: that of the first rule
// that matches, else that of its status; "" if none.
func (m *RouteMap) Classify(r *parsers.Request) string {
	if r.Path == "" {
		return ""
	}
	if method := methodOf(r); method != r.Method {
		meant := *r
		meant.Method = method
		r = &meant
	}
	for _, n := range m.rulesFor(r) {
		if rule := &m.rules[n]; rule.matches(r) {
			return rule.event
		}
	}
	return byStatus(r)
}

// methodOf is the method that a request means. Forms are sent by POST, whatever is meant:
// a field "_method" tells.
func methodOf(r *parsers.Request) string {
	if r.Method != "POST" {
		return r.Method
	}
	for _, query := range [...]string{r.Query, r.Body} {
		if !strings.Contains(query, "_method=") && strings.IndexByte(query, '%') < 0 {
			continue
		}
		for query != "" {
			var name, value string
			if name, value, query = cutParameter(query); name != "_method" {
				continue
			}
			for _, method := range [...]string{"DELETE", "PUT", "PATCH"} {
				if strings.EqualFold(unescaped(value), method) {
					return method
				}
			}
		}
	}
	return r.Method
}

// byStatus returns the event that a request is whatever its path.
func byStatus(r *parsers.Request) string {
	switch r.Status {
	case 400, 401, 403, 422:
		if r.Method == "POST" && sendsCode(r.Body) {
			return LoginFailed // whatever its path is called
		}
	}
	switch r.Status {
	case 401:
		if r.Method == "POST" && r.APIKey == "" && r.Token == "" && sendsPassword(r.Body) {
			return LoginFailed // whatever its path is called
		}
		if r.APIKey != "" || r.Token != "" || IsAPIPath(r) {
			return APIKeyInvalid
		}
		if r.User != "" && r.Session == "" { // a name and a password were sent with the request
			return LoginFailed
		}
	case 402:
		return PermissionDenied
	case 403:
		return AccessDenied
	case 419, 440: // Laravel: page expired; IIS: login time-out
		return SessionExpired
	case 429:
		return RateLimitExceeded
	case 444: // nginx closes the connection: only ever because it is told to
		return IPBlocked
	}
	switch {
	case r.Status < 200 || r.Status > 399:
	case r.Status < 300 && (r.Method == "DELETE" || r.Method == "POST" && mayDeleteByPath(r.Path) && deletesByPath(r.Path)):
		return RecordDeleted
	case r.APIKey != "":
		return APIKeyUsed
	}
	return ""
}

// sendsPassword tells whether a body has a field for a password, what it held taken out.
func sendsPassword(body string) bool {
	for body != "" {
		var name, value string
		name, value, body = cutParameter(body)
		switch bareName(name) {
		case "password", "passwd", "pwd", "pass", "passphrase", "passcode", "jpassword", "userpassword", "loginpassword":
			if value == "[redacted]" {
				return true
			}
		}
	}
	return false
}

// sendsCode tells whether a body is little more than a code that is good for one login: what refuses
// it refuses the code. In a longer form, another field may be wrong.
func sendsCode(body string) bool {
	const few = 3
	found := false
	for n := 0; body != ""; n++ {
		if n == few {
			return false
		}
		var name, value string
		name, value, body = cutParameter(body)
		switch bareName(name) {
		case "otp", "otpcode", "totp", "totpcode", "mfacode", "2facode", "twofactorcode", "onetimecode", "onetimepassword", "usercode":
			found = found || value != ""
		}
	}
	return found
}

// IsAPIPath tells whether a request is for an API rather than for pages: its host is
// named api, or one of the first three segments of its path is api, rest, graphql, gql,
// rpc or a version.
func IsAPIPath(r *parsers.Request) bool {
	if strings.HasPrefix(r.Host, "api.") {
		return true
	}
	path := r.Path
	for range 3 {
		var segment string
		segment, path = nextSegment(path)
		switch segment {
		case "":
			return false
		case "api", "API", "rest", "graphql", "gql", "rpc":
			return true
		}
		if isVersion(segment) {
			return true
		}
	}
	return false
}

// isVersion tells whether a segment is a version: v1, v2.1.
func isVersion(s string) bool {
	return len(s) >= 2 && len(s) <= 6 && s[0]|0x20 == 'v' && strings.Trim(s[1:], "0123456789.") == ""
}

// nextSegment cuts the first segment off a path, without slashes and matrix
// parameters; "" if there is none. Segments are short: a loop over bytes is faster
// than searching.
func nextSegment(path string) (segment, rest string) {
	for i := 0; i < len(path); {
		for i < len(path) && path[i] == '/' {
			i++
		}
		from, to := i, -1
		for i < len(path) && path[i] != '/' {
			if path[i] == ';' && to < 0 {
				to = i
			}
			i++
		}
		if to < 0 {
			to = i
		}
		if segment = path[from:to]; segment != "" && segment != "." {
			return segment, path[i:]
		}
	}
	return "", ""
}

// A routeIndex finds the rules that a path may match by one segment of it. Most
// segments are ruled out by their length and first byte.
type routeIndex struct {
	lengths lengths          // of the keywords
	rules   map[string][]int // by keyword, lower case; ".csv" for the end of a last segment
	loose   []int            // rules without a keyword
}

// maxKeyword bounds a keyword; what is longer cannot be looked up.
const maxKeyword = 63

func (x *routeIndex) add(rule int, keywords []string) {
	if len(keywords) == 0 {
		x.loose = append(x.loose, rule)
		return
	}
	if x.rules == nil {
		x.rules = map[string][]int{}
	}
	for _, k := range keywords {
		x.lengths.add(k)
		x.rules[k] = append(x.rules[k], rule)
	}
}

// find returns the rules that have the segment for a keyword.
func (x *routeIndex) find(segment string) []int {
	if !x.lengths.may(segment) {
		return nil
	}
	var buf [maxKeyword]byte
	for i := range len(segment) {
		buf[i] = lower(segment[i])
	}
	return x.rules[string(buf[:len(segment)])]
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// maxSegments bounds the segments of a path that the map looks at. Longer ones match
// no rule.
const maxSegments = 16

// pathRules are the rules of a map that a path matches, by number and in their order.
type pathRules struct {
	of    *RouteMap
	rules []int
}

// rulesFor returns the rules that the path of the request matches, in their order. It looks
// for them in the notes of the path first, and leaves them there.
func (m *RouteMap) rulesFor(r *parsers.Request) []int {
	if p, ok := r.PathNotes.Read(parsers.Routing).(*pathRules); ok && p.of == m {
		return p.rules
	}
	p := m.none
	if rules := m.find(r.Path); len(rules) > 0 {
		p = &pathRules{m, rules}
	}
	r.PathNotes.Write(parsers.Routing, p)
	return p.rules
}

// find returns the rules that the path matches, in their order.
func (m *RouteMap) find(path string) (rules []int) {
	path = unescapedPath(path) // "/log%69n" is a login too
	if len(m.index.loose) == 0 && !m.index.lengths.mayHold(path) {
		return nil
	}
	var room [maxSegments]string
	segments, ok := segmentsOf(path, &room)
	if !ok {
		return nil
	}
	add := func(may []int) {
		for _, n := range may {
			if m.rules[n].matchesPath(segments) {
				rules = append(rules, n)
			}
		}
	}
	for _, s := range segments {
		add(m.index.find(s))
	}
	if n := len(segments); n > 0 {
		if dot := strings.LastIndexByte(segments[n-1], '.'); dot >= 0 {
			add(m.index.find(segments[n-1][dot:]))
		}
	}
	add(m.index.loose)
	slices.Sort(rules)
	return slices.Compact(rules)
}

// segmentsOf returns the segments of a path in the room for them; ok is false where there are too
// many. What ".." takes back is none: servers that resolve it log it as it was sent.
func segmentsOf(path string, room *[maxSegments]string) (segments []string, ok bool) {
	segments = room[:0]
	for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
		switch {
		case segment == "..":
			segments = segments[:max(len(segments)-1, 0)]
		case len(segments) == maxSegments:
			return nil, false
		default:
			segments = append(segments, segment)
		}
	}
	return segments, true
}

// A routeRule is a RouteRule, compiled.
type routeRule struct {
	methods  []string // none: any
	before   before
	segments []segmentPattern
	open     bool // anything may follow
	query    string
	statuses statusSet
	event    string
}

// before says what may stand before the segments of a rule.
type before int

const (
	nothing before = iota
	usualPrefixes
	anything
)

// matches tells whether a request whose path matches does so in all else.
func (rule *routeRule) matches(r *parsers.Request) bool {
	return rule.statuses.has(r.Status) &&
		(len(rule.methods) == 0 || slices.Contains(rule.methods, r.Method)) &&
		(rule.query == "" || hasParameter(r.Query, rule.query) || hasParameter(r.Body, rule.query))
}

func (rule *routeRule) matchesPath(segments []string) bool {
	last := len(segments) - len(rule.segments) // where the pattern can begin at most
	from := last
	if rule.open {
		from = 0
	}
	if rule.before == nothing {
		if last < 0 || last > 0 && !rule.open {
			return false
		}
		from, last = 0, 0
	}
	for ; from >= 0 && from <= last; from++ {
		if rule.before == usualPrefixes && !allPrefixes(segments[:from]) {
			return false
		}
		if rule.matchesAt(segments[from:]) {
			return true
		}
	}
	return false
}

func (rule *routeRule) matchesAt(segments []string) bool {
	for i, p := range rule.segments {
		if !p.matches(segments[i]) {
			return false
		}
	}
	return true
}

// allPrefixes tells whether a path may begin with the segments without being about
// them.
func allPrefixes(segments []string) bool {
	for _, s := range segments {
		if !isUsualPrefix(s) {
			return false
		}
	}
	return true
}

// isUsualPrefix tells whether a path may begin with the segment without being about it.
func isUsualPrefix(segment string) bool {
	switch strings.ToLower(segment) {
	case "api", "rest", "auth", "oauth", "oauth2", "account", "accounts", "admin", "user", "users", "identity",
		"app", "public", "internal", "management", "backend", "service", "services", "web", "index.php", "wp-json":
		return true
	}
	return isVersion(segment) || len(segment) == 2 // two letters are a language
}

// hasParameter tells whether the query holds the parameter, "name=value".
func hasParameter(query, parameter string) bool {
	for query != "" {
		var pair string
		if pair, query, _ = strings.Cut(query, "&"); pair == parameter {
			return true
		}
	}
	return false
}

// A segmentPattern is what may stand in one segment: one of several words, each of
// parts with anything between them. None means any segment.
type segmentPattern [][]string

func (p segmentPattern) matches(segment string) bool {
	if len(p) == 0 {
		return true
	}
	return slices.ContainsFunc(p, func(parts []string) bool { return matchesParts(parts, segment) })
}

// matchesParts tells whether s is the parts in their order, with anything between them
// and without regard to case.
func matchesParts(parts []string, s string) bool {
	if len(parts) == 1 {
		return strings.EqualFold(parts[0], s)
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(s) < len(first)+len(last) || !strings.EqualFold(s[:len(first)], first) || !strings.EqualFold(s[len(s)-len(last):], last) {
		return false
	}
	s = strings.ToLower(s[len(first) : len(s)-len(last)])
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// A statusSet is a set of status codes below 1024, none of which means all of them.
type statusSet [16]uint64

func (set *statusSet) add(from, to int) {
	for code := from; code <= to; code++ {
		set[code/64] |= 1 << (code % 64)
	}
}

func (set *statusSet) has(code int) bool {
	if *set == (statusSet{}) {
		return true
	}
	return code >= 0 && code < 1024 && set[code/64]>>(code%64)&1 == 1
}

// checkEvent tells what is wrong with the event. Of the built-in rules, those without one tell
// what looks like an event and is none.
func (r *RouteRule) checkEvent() error {
	group, action, _ := strings.Cut(r.Event, ".")
	if group == "" || action == "" || strings.Trim(r.Event, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
		return fmt.Errorf("event %q is not of the form category.action, in lower case", r.Event)
	}
	if known := eventNames(); !slices.Contains(known, r.Event) {
		if near := didYouMean(r.Event, known); near != "" {
			return fmt.Errorf("no event %q%s", r.Event, near)
		}
	}
	return nil
}

// add compiles a rule.
func (m *RouteMap) add(r RouteRule) error {
	rule := routeRule{query: r.Query, event: r.Event}
	if name, _, ok := strings.Cut(r.Query, "="); r.Query != "" && (!ok || name == "" || strings.Contains(r.Query, "&")) {
		return fmt.Errorf("query %q is not of the form name=value", r.Query)
	}
	if r.Method != "" {
		rule.methods = strings.Split(r.Method, "|")
		for _, method := range rule.methods {
			if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
				return fmt.Errorf("method %q is not in capital letters", method)
			}
		}
	}
	if err := rule.statuses.parse(r.Status); err != nil {
		return err
	}
	keywords, err := rule.parsePath(r.Path)
	if err != nil {
		return fmt.Errorf("path %q: %w", r.Path, err)
	}
	m.index.add(len(m.rules), keywords)
	m.rules = append(m.rules, rule)
	return nil
}

func (set *statusSet) parse(list string) error {
	if list == "" {
		return nil
	}
	for item := range strings.SplitSeq(list, ",") {
		if len(item) == 3 && item[0] >= '1' && item[0] <= '5' && item[1:] == "xx" {
			class := int(item[0]-'0') * 100
			set.add(class, class+99)
			continue
		}
		code, err := strconv.Atoi(item)
		if err != nil || code < 100 || code > 999 {
			return fmt.Errorf("status %q is neither a code like 404 nor a class like 4xx", item)
		}
		set.add(code, code)
	}
	return nil
}

// parsePath compiles a path pattern and returns the words by one of which the rule is
// found; none if it has none.
func (rule *routeRule) parsePath(pattern string) (keywords []string, err error) {
	rest := pattern
	switch {
	case strings.HasPrefix(rest, "/"):
		rest = rest[1:]
	case strings.HasPrefix(rest, "**/"):
		rule.before, rest = anything, rest[3:]
	default:
		rule.before = usualPrefixes
	}
	if rest == "**" {
		rule.open = true
		return nil, nil
	}
	rest, rule.open = strings.CutSuffix(rest, "/**")
	rest = strings.TrimSuffix(rest, "/")
	if rest == "" {
		if pattern == "/" {
			return nil, nil
		}
		return nil, fmt.Errorf("names no segment")
	}
	for text := range strings.SplitSeq(rest, "/") {
		p, words, err := parseSegment(text)
		if err != nil {
			return nil, err
		}
		rule.segments = append(rule.segments, p)
		if words != nil {
			keywords = words
		}
	}
	if len(rule.segments) > maxSegments {
		return nil, fmt.Errorf("has more than %d segments", maxSegments)
	}
	if text := rest[strings.LastIndexByte(rest, '/')+1:]; keywords == nil && !rule.open &&
		strings.HasPrefix(text, "*.") && strings.LastIndexAny(text, ".*|") == 1 && len(text) <= maxKeyword {
		keywords = []string{strings.ToLower(text[1:])}
	}
	return keywords, nil
}

// parseSegment compiles one segment of a pattern. If it is made of plain words, they
// are returned too.
func parseSegment(text string) (p segmentPattern, words []string, err error) {
	switch {
	case text == "":
		return nil, nil, fmt.Errorf("has an empty segment")
	case text == "*", strings.HasPrefix(text, "{") && strings.IndexByte(text, '}') == len(text)-1:
		return nil, nil, nil
	case strings.Contains(text, "**"):
		return nil, nil, fmt.Errorf("has ** elsewhere than at the beginning or the end")
	case strings.ContainsAny(text, "{}"):
		return nil, nil, fmt.Errorf("has a brace inside segment %q", text)
	}
	plain := true
	for word := range strings.SplitSeq(strings.ToLower(text), "|") {
		if word == "" {
			return nil, nil, fmt.Errorf("has an empty word in segment %q", text)
		}
		p = append(p, strings.Split(word, "*"))
		words = append(words, word)
		plain = plain && !strings.Contains(word, "*") && len(word) <= maxKeyword
	}
	if !plain {
		return p, nil, nil
	}
	return p, words, nil
}
