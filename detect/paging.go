package detect

import (
	"bytes"
	"iter"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
	"github.com/zeebo/xxh3"
)

// What a request says of the page of a list that it asks for. A request is hostile: it
// may ask for any size, and the same page under many names.

// A listing is one page of a list, as it was asked for.
type listing struct {
	Size  int64  // records asked for; -1 where it says none, math.MaxInt64 for all there are
	Place string // where the page begins, as sent; "" where it does not say
	Paged bool   // whether it says where the page begins
	First bool   // whether that is the beginning of the list
	Span  bool   // whether it is a span of time, past and told by where it begins and ends
	Tag   uint64 // pageTag of a call for a list
}

// listingOf returns the page that the request asks for, and whether it is a call for a
// list at all: one that names a size or a place, answered 2xx.
func listingOf(r *parsers.Request) (l listing, ok bool) {
	f := featuresOf(r)
	return f.list, f.isList
}

// A listingReader finds out listingOf a request from its parameters, one after the other.
type listingReader struct {
	r     *parsers.Request // nil where it cannot have got a list
	f     *features        // of its path
	l     listing
	sum   pageTagger
	short parameterValue // of a shortName
	size  parameterValue // of a shortSize
	since parameterValue // of a sinceName, or of another one that tells a day
	until parameterValue // of an untilName, likewise
	bound []binding      // of GraphQL, to variables of other names
	sums  bool           // a seriesName stands there
	ok    bool
	plain bool // a name is that of a page or a limit, and of nothing else: chunks have offsets and sizes
}

// newListingReader begins with what the path says.
func (f *features) newListingReader(r *parsers.Request) (b listingReader) {
	b.l.Size = -1
	if !f.answersList(r) {
		return b
	}
	b.r, b.f, b.sum = r, f, newPageTagger(r, f)
	if f.paged {
		for name, rest := nextSegment(r.Path); name != ""; name, rest = nextSegment(rest) {
			value, after := nextSegment(rest)
			if name == "pages" { // /pages/3/100; /pages/3 is a page that somebody wrote
				if size, _ := nextSegment(after); newValue(value).isNumber && newValue(size).isNumber {
					b.l.number(newValue(value))
					b.ok = b.l.take(sizeName, "size", newValue(size), r.Time) || b.ok
				}
				continue
			}
			if kind := pagingKind(name); kind == numberName || kind == sizeName {
				b.ok = b.l.take(kind, name, newValue(value), r.Time) && b.l.Paged || b.ok
			}
		}
	}
	return b
}

// take takes a parameter.
func (b *listingReader) take(p *parameter) {
	if b.r == nil {
		return
	}
	kind := p.paging()
	switch kind {
	case shortName:
		b.short = p.value
	case shortSize:
		b.size = p.value
	case sinceName:
		b.since = p.value
	case untilName:
		b.until = p.value
	case seriesName:
		b.sums = true
	case chanceName:
		b.plain = b.plain || p.name == "draw" // DataTables counts its requests for pages so
	case graphName, statementName, otherName:
		b.takeText(p, kind)
	default:
		if kind == numberName && tellsDay(p.value) {
			b.since = p.value // from=2026-01-01
		}
		if b.l.take(kind, p.name, p.value, b.r.Time) {
			b.ok = true
			b.plain = b.plain || kind == sizeName && !ambiguousSize(p.name) || kind == numberName && lower(p.name[0]) == 'p'
		}
	}
	b.sum.take(p, kind)
}

// takeText takes a parameter whose value may say more than one thing.
func (b *listingReader) takeText(p *parameter, kind nameKind) {
	switch text := p.value.text; {
	case kind == graphName && b.f.graphQL:
		text = unescaped(text)
		b.ok = b.l.arguments(text, b.r.Time) || b.ok
		b.bind(text)
	case b.r.Method == "GET" && holdsJSON(text):
		b.ok = b.l.inside(text, b.r.Time) || b.ok
	case kind != otherName && b.l.statement(text):
		b.ok, b.plain = true, true
	}
}

// listing returns what was found, once all parameters are taken.
func (b *listingReader) listing() (l listing, ok bool) {
	b.takeBound()
	l = b.l
	if b.short.text != "" && l.Size >= 0 && !l.Paged {
		l.number(b.short)
	}
	if size, said := pageSize(b.size); said && l.Paged && l.Size < 0 {
		l.Size = size
	}
	if !l.Paged && !b.sums && tellsDay(b.since) && tellsDay(b.until) && !isClock(b.until, b.r.Time) {
		l.Place, l.Paged, l.Span, b.ok = b.since.text+".."+b.until.text, true, true, true
	}
	if b.ok && b.r.Method != "GET" {
		switch {
		case b.f.graphQL:
			b.ok = l.Paged // every page of an application asks for the first few of something
		case !b.f.searches:
			b.ok = l.Paged && l.Size >= 0 && b.plain // what is written has no such fields
		}
	}
	if b.ok {
		l.Tag = b.sum.tag()
	}
	return l, b.ok
}

// take takes a parameter, and tells whether it is of a list.
func (l *listing) take(kind nameKind, name string, v parameterValue, at time.Time) bool {
	switch kind {
	case sizeName:
		size, said := pageSize(v)
		if said {
			l.Size = max(l.Size, size) // of several, an attacker knows which one counts
		}
		return said || v.text == "" || !ambiguousSize(name)
	case numberName:
		return !isClock(v, at) && l.number(v)
	case rangeName:
		return l.span(v.text)
	case cursorName:
		if isCursor(v.text) && !isClock(v, at) {
			l.Place, l.Paged, l.First = v.text, true, v.text == "" || v.text == "null"
			return true
		}
	}
	return false
}

// inside takes what JSON in a parameter says of the page, {"limit":100,"skip":200}, and tells whether
// it says where that begins and how many it holds: else it may be the bounds of a price.
func (l *listing) inside(text string, at time.Time) bool {
	in := listing{Size: -1}
	if in.arguments(unescaped(text[:min(len(text), maxURLText)]), at); !in.Paged || in.Size < 0 {
		return false
	}
	l.Size = max(l.Size, in.Size)
	l.Place, l.Paged, l.First = in.Place, true, in.First
	return true
}

// arguments takes what a query of GraphQL or its variables say of the page, "first: 100,
// after: \"x\"", and tells whether they say anything.
func (l *listing) arguments(text string, at time.Time) (ok bool) {
	for name, value := range argumentsOf(text) {
		if !strings.HasPrefix(value, "$") && l.take(pagingKind(name), name, newValue(value), at) {
			ok = true
		}
	}
	return ok
}

// argumentsOf returns what stands before and behind the colons of a text.
func argumentsOf(text string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for text != "" {
			name, rest, found := strings.Cut(text, ":")
			if !found {
				return
			}
			name = strings.TrimRight(name, " \"")
			name = name[strings.LastIndexFunc(name, func(c rune) bool { return c != '_' && (c > 127 || !isAlnum(byte(c))) })+1:]
			rest = strings.TrimLeft(rest, " ")
			value := rest
			if quoted, found := strings.CutPrefix(rest, `"`); found {
				value, text, _ = strings.Cut(quoted, `"`)
			} else {
				end := strings.IndexAny(rest, ",)}] \n{")
				if end < 0 {
					end = len(rest)
				}
				value, text = rest[:end], rest[end:]
			}
			if name != "" && !yield(name, value) {
				return
			}
		}
	}
}

// A binding is an argument of GraphQL whose value a variable has: after of "users(after: $x)".
type binding struct{ argument, variable string }

const maxBound = 8

// bind remembers the arguments that say something of the page and whose variables have names that
// do not: the client chooses these.
func (b *listingReader) bind(text string) {
	if strings.IndexByte(text, '$') < 0 {
		return
	}
	for name, value := range argumentsOf(text) {
		variable, ok := strings.CutPrefix(value, "$")
		if ok && len(b.bound) < maxBound && pagingKind(name) != otherName && pagingKind(variable) == otherName {
			b.bound = append(b.bound, binding{name, variable})
		}
	}
}

// takeBound takes the values of the variables that are bound.
func (b *listingReader) takeBound() {
	if len(b.bound) == 0 {
		return
	}
	take := func(variable, value string) {
		for _, of := range b.bound {
			if of.variable == variable && b.l.take(pagingKind(of.argument), of.argument, newValue(value), b.r.Time) {
				b.ok = true
			}
		}
	}
	for _, query := range [...]string{b.r.Query, b.r.Body} {
		for query != "" {
			var name, value string
			name, value, query = cutParameter(query)
			if name != "variables" {
				take(name, unescaped(value))
				continue
			}
			for name, value := range argumentsOf(unescaped(value)) {
				take(name, value)
			}
		}
	}
}

// statement takes what a statement of SQL or SOQL says of the page, and tells whether it says where
// that begins.
func (l *listing) statement(text string) bool {
	if len(text) < len("select a from b offset 1") || !strings.EqualFold(text[:len("select")], "select") {
		return false
	}
	words := strings.Fields(strings.ToLower(unescaped(text[:min(len(text), maxURLText)])))
	size, from := parameterValue{}, parameterValue{}
	for i, word := range words[:len(words)-1] {
		switch next := newValue(strings.Trim(words[i+1], ";,")); word {
		case "limit":
			size = next
		case "offset":
			from = next
		}
	}
	if n, said := pageSize(size); said && from.isNumber {
		l.Size = max(l.Size, n)
	}
	return l.number(from)
}

func isAlnum(c byte) bool { return isLetter(c) || isDigit(c) }

// number takes a number of a page or record, and tells whether it is one.
func (l *listing) number(v parameterValue) bool {
	if v.isNumber {
		l.Place, l.Paged, l.First = v.text, true, v.number <= 1
	}
	return v.isNumber
}

// span takes the numbers of the first and the last record of a page, "100-199" or "[100,199]", and
// tells whether they are such: pages follow one another and have round sizes, prices do not.
func (l *listing) span(text string) bool {
	text = strings.Trim(unescaped(text), "[]")
	from, to, found := strings.Cut(text, "-")
	if !found {
		from, to, _ = strings.Cut(text, ",")
	}
	first, ok := number(from)
	last, too := number(strings.TrimSpace(to))
	size := last - first + 1
	if !ok || !too || last <= first || first%size != 0 || size%5 != 0 {
		return false
	}
	l.Size = max(l.Size, int64(min(size, math.MaxInt64)))
	l.Place, l.Paged, l.First = text, true, first == 0
	return true
}

// answersList tells, at little cost, whether the request can have got a list.
func (f *features) answersList(r *parsers.Request) bool {
	if r.Status < 200 || r.Status > 299 || r.Status == 204 {
		return false
	}
	switch r.Method {
	case "GET":
	case "POST", "QUERY":
		if f.graphQL && f.operation == "" || r.Status == 201 { // what changes things has none
			return false
		}
	default:
		return false
	}
	return (r.Query != "" || r.Body != "" || f.paged) && !f.picture
}

// searchPath tells whether a POST to the path reads: its last segment says so.
func searchPath(path string) bool {
	last := strings.ToLower(lastSegment(path))
	for _, word := range []string{"search", "query", "list", "find", "filter", "scroll", "export"} {
		if strings.Contains(last, word) {
			return true
		}
	}
	return false
}

// asksPath tells whether a POST to the path asks for objects that its body names: its last
// segment says so.
func asksPath(path string) bool {
	last := lastSegment(path)
	switch strings.ToLower(last) {
	case "detail", "details", "info", "batch-get", "batch_get", "batchget", "mget", "_mget":
		return true
	}
	return beginsWithVerb(last, "get", "fetch", "find", "lookup", "query", "show", "retrieve", "download")
}

// beginsWithVerb tells whether a name begins with one of the verbs as a word of its own.
func beginsWithVerb(name string, verbs ...string) bool {
	for _, verb := range verbs {
		n := len(verb)
		if len(name) < n || !strings.EqualFold(name[:n], verb) {
			continue
		}
		if len(name) == n || name[n] == '_' || name[n] == '-' || name[n] >= 'A' && name[n] <= 'Z' { // no "getaway"
			return true
		}
	}
	return false
}

// lastSegment returns the last segment of a path, without matrix parameters.
func lastSegment(path string) string {
	path = strings.TrimRight(path, "/")
	last, _, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ";")
	return last
}

// isPicture tells whether the path is for a picture or a file of the page, whose size is
// no number of records.
func isPicture(path string) bool {
	last := lastSegment(path)
	if dot := strings.LastIndexByte(last, '.'); dot > 0 {
		switch strings.ToLower(last[dot:]) {
		case ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".css", ".js", ".woff", ".woff2", ".mp4", ".m3u8", ".ts":
			return true
		}
	}
	parent := lastSegment(path[:strings.LastIndexByte(strings.TrimRight(path, "/"), '/')+1])
	return namesPicture(last) || namesPicture(parent)
}

func namesPicture(segment string) bool {
	switch segment {
	case "avatar", "avatars", "gravatar", "image", "picture", "photo", "thumbnail", "thumb", "icon", "logo", "qr", "qrcode", "captcha", "badge", "identicon", "cover", "poster":
		return true
	}
	return false
}

// A nameKind is what a parameter says of a page.
type nameKind int

const (
	otherName     nameKind = iota
	sizeName               // how many records
	numberName             // where it begins, by a number
	cursorName             // where it begins, by what the answer before said
	chanceName             // nothing: it keeps caches from answering
	shortName              // where it begins, if another one says how many: else it may be a post, a product
	shortSize              // how many, if another one says where it begins: else it may be of a password, a box
	graphName              // several things at once: arguments of GraphQL
	rangeName              // where it begins and ends, by numbers of records
	sinceName              // where it begins, by a time
	untilName              // where it ends, by a time
	seriesName             // that sums are asked for, of each hour or day: no records
	statementName          // what is asked for, in a language of its own
)

// pagingKind tells what the parameter is for, however it is written: per_page, perPage,
// page[size], page%5Bsize%5D.
func pagingKind(name string) nameKind {
	var buf [maxPagingName]byte
	return kindOfPlain(plainName(buf[:0], name))
}

// paging is pagingKind of the name; where the name says nothing, the value may.
func (p *parameter) paging() (kind nameKind) {
	switch {
	case p.odd:
		kind = pagingKind(p.name)
	case p.size <= maxPagingName:
		kind = kindOfPlain(p.word[:p.size])
	}
	if kind == otherName && isChance(p.value.text) {
		return chanceName
	}
	return kind
}

// isChance tells whether a value is what JavaScript's Math.random returns, as good as always:
// no coordinate is measured to so many digits.
func isChance(value string) bool {
	const digits = 12
	return len(value) >= len("0.")+digits && value[0] == '0' && value[1] == '.' && strings.Trim(value[2:], "0123456789") == ""
}

// maxPagingName bounds a name that says something of a page.
const maxPagingName = 25

// kindOfPlain is pagingKind for what plainName makes of the name.
func kindOfPlain(name []byte) nameKind {
	switch string(name) {
	case "perpage", "limit", "pagesize", "first", "count", "$top", "size", "maxresults",
		"$limit", "pagelimit", "itemsperpage", "resultsperpage", "recordsperpage", "maxitems", "maxrecords", "rows", "take",
		"paginationlimit", "paginationpagesize", "pagingpagesize", "paginglimit", "maxkeys", "maxrows", "numresults", "resultsize",
		"resultlimit", "sysparmlimit", "pagelength", "searchcriteriapagesize", "idisplaylength":
		return sizeName
	case "page", "offset", "skip", "start", "$skip", "from", "paged", "pagenumber", "pageno", "pageindex", "pageoffset", "currentpage",
		"startindex", "startat", "paginationpage", "paginationstart", "pagingpage", "$offset", "pagenum", "firstresult", "startrow", "sysparmoffset",
		"pg", "searchcriteriacurrentpage", "idisplaystart":
		return numberName
	case "cursor", "after", "pagetoken", "startingafter", "next", "nexttoken", "nextpagetoken", "nextcursor", "continuationtoken", "continue",
		"marker", "scrollid", "before", "endingbefore", "pageafter", "pagebefore", "pagecursor", "$skiptoken", "paginationcursor",
		"startafter", "keymarker", "maxid", "paginationtoken", "pagingtoken", "exclusivestartkey", "lastevaluatedkey", "cursormark", "searchafter", "resumptiontoken":
		return cursorName
	case "p":
		return shortName
	case "length", "num":
		return shortSize
	case "variables", "query":
		return graphName
	case "range":
		return rangeName
	case "since", "begin", "startdate", "starttime", "fromdate", "datefrom", "timemin", "mindate", "createdafter", "createdfrom", "createdgte",
		"createdatgte", "createdatmin", "createdsince", "updatedafter", "updatedfrom", "updatedgte", "updatedatmin", "updatedsince", "dategte":
		return sinceName
	case "until", "to", "end", "enddate", "endtime", "todate", "dateto", "timemax", "maxdate", "createdbefore", "createdto", "createdlt", "createdlte",
		"createdatlt", "createdatlte", "createdatmax", "createduntil", "updatedbefore", "updatedto", "updatedlt", "updatedlte", "updatedatmax", "datelt", "datelte":
		return untilName
	case "step", "interval", "granularity", "resolution", "bucket", "groupby", "aggregation", "period":
		return seriesName
	case "cb", "cachebuster", "nocache", "rand", "random", "rnd", "nonce", "dc", "cachebust", "cachebreaker", "bust", "requestid", "correlationid", "traceid", "draw", "":
		return chanceName
	case "q", "sql", "soql", "statement", "stmt":
		return statementName
	}
	if bytes.HasSuffix(name, []byte("cursor")) {
		return cursorName
	}
	return otherName
}

// plainName appends a name to b, as far as there is room: decoded, in lower case, without
// what separates words. A longer one is of no interest.
func plainName(b []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) {
			if v, err := strconv.ParseUint(name[i+1:i+3], 16, 8); err == nil {
				c, i = byte(v), i+2
			}
		}
		switch c {
		case '_', '-', '[', ']', '.':
			continue
		}
		if len(b) == cap(b) {
			return append(b[:0], '?')
		}
		b = append(b, lower(c))
	}
	return b
}

// ambiguousSize tells whether the name is that of a size only where its value is one:
// count=true, first=Ada.
func ambiguousSize(name string) bool {
	switch name {
	case "first", "count", "size", "rows", "take":
		return true
	}
	return false
}

// pageSize reads the size that a request asks for. What is no size leaves it to the
// service, and so does zero; what is below zero, or too large for a number, means all.
func pageSize(v parameterValue) (size int64, said bool) {
	if v.isNumber {
		return int64(min(v.number, math.MaxInt64)), v.number > 0
	}
	value := v.text
	if strings.IndexByte(value, '%') >= 0 {
		plain, err := url.QueryUnescape(value)
		if err != nil {
			return 0, false
		}
		value = plain
	}
	digits := strings.TrimPrefix(value, "-")
	n, fits := number(digits)
	if digits == "" || !fits && strings.Trim(digits, "0123456789") != "" {
		return math.MaxInt64, strings.EqualFold(value, "all") || strings.EqualFold(value, "max")
	}
	switch {
	case fits && n == 0:
		return 0, false
	case !fits, len(digits) < len(value), n > math.MaxInt64:
		return math.MaxInt64, true
	}
	return int64(n), true
}

// isCursor tells whether a value can say where a page begins: it is no link to go to.
func isCursor(value string) bool {
	switch {
	case strings.HasPrefix(value, "/"), strings.HasPrefix(value, "%2F"), strings.HasPrefix(value, "%2f"), strings.HasPrefix(value, "http"):
		return false
	}
	return true
}

// A clock is right to clockError.
const clockError = time.Hour

// isClock tells whether a value is the time of the request, about: a client that asks
// again and again for what is new says from when on. That is no walk through pages.
func isClock(v parameterValue, at time.Time) bool {
	said, ok := timeSaid(v)
	return ok && at.Sub(said).Abs() <= clockError
}

// tellsDay tells whether a value begins with a day, or is a time of Unix.
func tellsDay(v parameterValue) bool {
	if v.isNumber {
		return len(v.text) == 10 || len(v.text) == 13 || len(v.text) == 16
	}
	return len(v.text) >= len("2006-01-02") && v.text[4] == '-' && v.text[7] == '-' && isDigit(v.text[0]) && isDigit(v.text[9])
}

// timeSaid reads a value as a time: of Unix, in seconds or fractions of them, or as people
// write it.
func timeSaid(v parameterValue) (said time.Time, ok bool) {
	switch value, n := v.text, int64(v.number); {
	case v.isNumber && len(value) == 10:
		said = time.Unix(n, 0)
	case v.isNumber && len(value) == 13:
		said = time.UnixMilli(n)
	case v.isNumber && len(value) == 16:
		said = time.UnixMicro(n)
	case v.isNumber, len(value) < len("2006-01-02T15:04"):
		return said, false
	default:
		if value = withoutComparison(value); len(value) < len("2006-01-02T15:04") || value[4] != '-' || value[7] != '-' {
			return said, false
		}
		if strings.IndexByte(value, '%') >= 0 {
			plain, err := url.QueryUnescape(value)
			if err != nil || len(plain) < len("2006-01-02T15:04") {
				return said, false
			}
			value = plain
		}
		var err error
		if said, err = time.Parse(time.RFC3339, value); err != nil {
			if said, err = time.Parse("2006-01-02T15:04", value[:len("2006-01-02T15:04")]); err != nil {
				return said, false
			}
		}
	}
	return said, true
}

// withoutComparison cuts off how a value is compared, where a time may follow: gt of
// "gt2026-03-01T10:00", as FHIR has it, and "gte." of PostgREST.
func withoutComparison(value string) string {
	switch value[:2] {
	case "gt", "ge", "lt", "le", "eq", "sa", "eb":
		return strings.TrimPrefix(strings.TrimPrefix(value[2:], "e"), ".")
	}
	return value
}

// pageTag tells pages apart: by path and parameters, in whatever order they stand,
// without those that only tell the time or keep caches from answering.
func pageTag(r *parsers.Request) uint64 {
	sum := newPageTagger(r, featuresOf(r))
	var p parameter
	for _, query := range [...]string{r.Query, r.Body} {
		for query != "" {
			query = p.read(query)
			sum.take(&p, p.paging())
		}
	}
	return sum.tag()
}

// A pageTagger makes the pageTag of a request from its parameters, one after the other. A
// dashboard asks for a span up to now, from=now-6h&to=now: it moves on with the clock, and
// is the same page for its length.
type pageTagger struct {
	at          time.Time
	sum         uint64 // of all parameters
	moving      uint64 // of those but for times where it begins
	from, until int64  // Unix seconds of these, and of the one that is now; 0 where there is none
}

func newPageTagger(r *parsers.Request, f *features) pageTagger {
	return pageTagger{at: r.Time, sum: f.pathTag, moving: f.pathTag}
}

// take takes a parameter, which is of that kind.
func (t *pageTagger) take(p *parameter, kind nameKind) {
	if kind == chanceName {
		return
	}
	said, isTime := timeSaid(p.value)
	if isTime && t.at.Sub(said).Abs() <= clockError {
		switch p.name {
		case "to", "end", "until":
			t.until = said.Unix()
		}
		return
	}
	const spread = 0x9e3779b97f4a7c15
	n := xxh3.HashString(p.text) * spread
	t.sum += n
	if isTime && (p.name == "from" || p.name == "start") {
		t.from, n = said.Unix(), xxh3.HashString(p.name)*spread
	}
	t.moving += n
}

// tag returns the pageTag, once all parameters are taken. It is never 0.
func (t *pageTagger) tag() uint64 {
	if t.from == 0 || t.until == 0 {
		return max(t.sum, 1)
	}
	const rounding = 30 // seconds: a client may look at the clock twice
	return max(t.moving^uint64((t.until-t.from+rounding)/60), 1)
}

// A pageSizes says how many records a page holds where the log does not count them.
type pageSizes struct{ usual, believed int }

// Where more is asked for than is believed, that much of the answer is a record: as
// little as one takes where it is compressed.
const bytesBelieved = 50

// mostGiven is the most that services give on a page (Elasticsearch: 10,000). Who asks for more
// means all there is.
const mostGiven = 10_000

// What is shorter is an empty list, and what has fewer bytes a record than thinBytes is
// mostly empty pages, or few records on each.
const (
	emptyList = 64
	thinBytes = 4
)

// A batch is the records that one request got.
type batch struct {
	Records int64
	Logged  bool // counted by the service; else estimated
	Thin    bool // the estimate is more than the answer looks like
}

// maxLogged bounds a logged count: no answer holds more, and sums do not overflow.
const maxLogged = 1_000_000_000

// batchOf returns the records that a request got.
func (z pageSizes) batchOf(r *parsers.Request) batch {
	if r.Records >= 0 {
		return logged(r)
	}
	l, ok := listingOf(r)
	if !ok || l.Span && l.Size < 0 { // a span of time may hold any number
		return batch{}
	}
	return z.estimate(r, l)
}

// logged returns the records that the log counts.
func logged(r *parsers.Request) batch {
	if r.Status < 200 || r.Status > 299 || r.Method != "GET" && r.Method != "POST" && r.Method != "QUERY" {
		return batch{}
	}
	return batch{Records: min(r.Records, maxLogged), Logged: true}
}

// estimate returns the records of a page that the log does not count: what was asked for,
// else the usual size, but no more than is believed or than the answer has room for: a
// record takes a byte at least. An answer of no bytes, or of which they are not known, may
// hold what services give at most: those that send in pieces log none.
func (z pageSizes) estimate(r *parsers.Request, l listing) batch {
	n := l.Size
	if n < 0 {
		n = int64(z.usual)
	}
	believed := int64(z.believed)
	if r.Bytes <= 0 {
		if n > max(believed, mostGiven) {
			n = believed
		}
		return batch{Records: n}
	}
	if r.Bytes < emptyList {
		return batch{}
	}
	n = min(n, max(believed, r.Bytes/bytesBelieved), r.Bytes)
	return batch{Records: n, Thin: n*thinBytes > r.Bytes}
}

// pageSizes adds the settings of a pageSizes.
func (d *Detector) pageSizes() func() pageSizes {
	usual := d.count("page-size", 50, "`records` on a page, where the request does not say how many")
	believed := d.count("page-cap", 1000, "`records` that a request may ask for and be believed; more need 50 bytes each in an answer whose size is known")
	return func() pageSizes { return pageSizes{*usual, *believed} }
}

// An endpoint is the route that most of something comes from, by vote: where one has more
// than half, it wins. It is memory.
type endpoint struct {
	Name  string `json:",omitempty"`
	Votes int64  `json:",omitempty"`
	Mixed bool   `json:",omitempty"` // whether there are others
}

func (e *endpoint) members(b []byte) []byte {
	if e.Name != "" {
		b = appendText(b, "Name", e.Name)
	}
	if e.Votes != 0 {
		b = appendInt(b, "Votes", e.Votes)
	}
	if e.Mixed {
		b = appendBool(b, "Mixed", true)
	}
	return b
}

func (e *endpoint) vote(route string, n int64) {
	if route == e.Name {
		e.Votes += n
		return
	}
	e.Mixed = e.Mixed || e.Votes > 0
	if e.Votes -= n; e.Votes < 0 {
		e.Name, e.Votes = strings.Clone(route), -e.Votes
	}
}

// alone returns the route if there are no others, else "".
func (e *endpoint) alone() string {
	if e.Mixed {
		return ""
	}
	return e.Name
}

// after puts the route behind a sentence: " from it", or ", mostly from it" if there are
// others.
func (e *endpoint) after(word string) string {
	if e.Mixed {
		word = ", mostly " + word
	} else {
		word = " " + word
	}
	return word + " " + strconv.Quote(clip(e.Name))
}
