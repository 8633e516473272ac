package detect

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/litesoc/litesoc/parsers"
)

// maxProbeText bounds, in bytes, each text of a request that is looked at, and so what is found in it.
const maxProbeText = 8 << 10

// odd are the bytes of which an attack in a query has at least one, encoded or not.
// oddInPath are those of an attack in a path, beside two dots.
var odd, oddInPath = func() (query, path [256]bool) {
	for c := range 256 {
		ordinary := isLetter(byte(c)) || isDigit(byte(c)) || c >= 0x80 || strings.IndexByte("-_.~=&,:@$!", byte(c)) >= 0
		query[c] = !ordinary
		path[c] = !ordinary && c != '/'
	}
	query[0xc0], path[0xc0] = true, true // in no UTF-8 but in overlong forms of dots and slashes
	return query, path
}()

// mayProbe tells, at little cost, whether a request may hold a probe: probesOf finds none
// in those it rules out.
func mayProbe(r *parsers.Request) bool { return featuresOf(r).odd || oddHeaders(r) }

// oddHeaders is mayProbe for the headers.
func oddHeaders(r *parsers.Request) bool {
	return referred(r) && oddReferer(r.Referer) || agentOf(r).odd
}

// reaches tells whether a query has a parameter by whose name the fields of an object lead
// to the server itself (Java) or to what all objects have (JavaScript). Nothing of those
// names is odd.
func reaches(query string) bool {
	if query == "" {
		return false
	}
	return strings.Contains(query, "lassLoader.") || strings.Contains(query, "proto") && (strings.Contains(query, "__proto__") ||
		strings.Contains(query, "onstructor.prototype") || strings.Contains(query, "onstructor][prototype"))
}

// oddPath tells whether a path has an odd byte, or two dots.
func oddPath(path string) bool { return hasOdd(path, &oddInPath) || strings.Contains(path, "..") }

// hasOdd tells whether a text has an odd byte, as it stands or encoded once or twice.
func hasOdd(s string, odd *[256]bool) bool {
	for i := 0; i < len(s); i++ {
		if !odd[s[i]] {
			continue
		}
		if s[i] != '%' || i+2 >= len(s) || !isHexDigit(s[i+1]) || !isHexDigit(s[i+2]) {
			return true
		}
		if c := hexValue(s[i+1])<<4 | hexValue(s[i+2]); odd[c] || c == '.' { // nobody encodes a dot for nothing
			return true
		}
	}
	return false
}

// oddHeader tells whether a header has a byte that is in no ordinary one.
func oddHeader(s string) bool {
	return strings.IndexByte(s, '{') >= 0 || strings.IndexByte(s, '<') >= 0 || strings.IndexByte(s, '\'') >= 0 ||
		strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '`') >= 0 || strings.Contains(s, "$(") || strings.Contains(s, "../") || strings.Contains(s, `..\`)
}

// oddReferer tells whether a referer has one, or a query with one.
func oddReferer(s string) bool {
	if oddHeader(s) {
		return true
	}
	i := strings.IndexByte(s, '?')
	return i >= 0 && hasOdd(s[i+1:], &odd)
}

// probesOf returns what of a request looks like an attack.
func probesOf(r *parsers.Request) []hit {
	p := &prober{}
	p.path(clamp(r.Path))
	p.query(clamp(r.Query), "parameter", false)
	p.query(clamp(r.Body), "the body's field", true) // people write all kinds of things in one
	if oddHeader(r.UserAgent) {
		p.whole("the user agent was", clamp(r.UserAgent), agentClasses)
	}
	if oddReferer(r.Referer) {
		p.whole("the referer was", clamp(r.Referer), agentClasses)
		if _, query, ok := strings.Cut(clamp(r.Referer), "?"); ok {
			// A referer may be the page of a search engine, and that of somebody who probes
			// is one that was asked for before.
			p.query(query, "the referer's parameter", true)
		}
	}
	if name := scannerOf(r.UserAgent); name != "" {
		p.add(hit{Class: scannerAgent, Sure: true, Where: "the user agent was", Value: r.UserAgent})
	}
	return p.hits
}

func clamp(s string) string { return s[:min(len(s), maxProbeText)] }

type prober struct{ hits []hit }

func (p *prober) add(h hit) {
	h.tag = tag(h.Class + h.Value)
	h.Value = clip(h.Value)
	p.hits = append(p.hits, h)
}

func (p *prober) has(class string) bool {
	return slices.ContainsFunc(p.hits, func(h hit) bool { return h.Class == class })
}

// whole judges a header.
func (p *prober) whole(where, text string, classes []rule) {
	for class, sure := range judge(text, classes) {
		p.add(hit{Class: class, Sure: sure, Where: where, Value: text})
	}
}

// path judges a path: as a whole, and its segments as values.
func (p *prober) path(path string) {
	if !oddPath(path) {
		return
	}
	encoded := strings.Contains(strings.ToLower(path), "%2e") || strings.Contains(strings.ToLower(path), "%2f") && strings.Contains(path, "..")
	for depth := 0; ; depth++ {
		if ups := climbs(path); ups > 0 {
			// Browsers and tools resolve these before they ask; crawlers of a broken page may not.
			sure := depth > 1 || strings.Contains(path, "..;") || signsIn(strings.ToLower(path))&signOfFile != 0 || (encoded || above(path)) && !relativeLink(path, ups)
			p.add(hit{Class: traversal, Sure: sure, Where: "the path was", Value: path})
			break
		}
		decoded := unescape(path, false)
		if depth == 2 || decoded == path {
			break
		}
		path = decoded
	}
	path = unescape(unescape(path, false), false)
	if last := lastSegment(path); emptyScripts[strings.ToLower(last)] {
		path = path[:strings.LastIndex(path, last)]
	}
	for class, sure := range judge(path, pathClasses) {
		if sure || class != commandInjection { // "/a;type=b" is a matrix parameter
			p.add(hit{Class: class, Sure: sure, Where: "the path was", Value: path})
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if sure, ok := sqli(segment); ok {
			p.add(hit{Class: sqlInjection, Sure: sure, Where: "the path had", Value: segment})
		}
	}
	if sure, ok := xss(path); ok && !p.has(crossSite) {
		p.add(hit{Class: crossSite, Sure: sure, Where: "the path was", Value: path})
	}
}

// relativeLink tells whether a path with so many climbs ends as the links between documents
// and their pictures do, which an application may ask for as a name: "files/..%2Fnotes.md".
func relativeLink(path string, climbs int) bool {
	dot := strings.LastIndexByte(path, '.')
	if climbs > 2 || dot < 0 {
		return false
	}
	switch strings.ToLower(path[dot:]) {
	case ".md", ".markdown", ".rst", ".adoc", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp":
		return true
	}
	return false
}

// emptyScripts are what links have that do nothing. Programs that take them for the name of
// a page ask for it.
var emptyScripts = map[string]bool{"javascript:": true, "javascript:;": true, "javascript:void(0)": true, "javascript:void(0);": true,
	"javascript:history.back()": true, "javascript:history.go(-1)": true}

// query judges each parameter. Where all are doubtful, none is sure.
func (p *prober) query(query, what string, doubtful bool) {
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		if name, _, _ := strings.Cut(param, "="); reaches(name) {
			p.add(hit{Class: templateInjection, Sure: !doubtful, Where: what + " was", Value: param})
			continue
		}
		if !hasOdd(param, &odd) {
			continue
		}
		name, value, ok := strings.Cut(param, "=")
		name = unescape(unescape(name, true), false)
		if !ok { // a value without a name
			name, value = "", param
		}
		before := len(p.hits)
		p.param(name, value)
		for i := before; i < len(p.hits); i++ {
			h := &p.hits[i]
			h.Sure = h.Sure && (!doubtful || h.Class == xmlEntity && fetchesEntity(value))
			h.Text = soughtNames[bareName(name)]
			h.Where = fmt.Sprintf("%s %q was", what, clip(name))
		}
	}
}

// param judges a parameter: its decoded name, then its value, decoded once and twice.
func (p *prober) param(name, value string) {
	if p.value(name, name) {
		return
	}
	once := unescape(value, true)
	if p.value(name, once) {
		return
	}
	if twice := unescape(once, false); twice != once {
		p.value(name, twice)
	}
}

// value judges a decoded value and tells whether anything was found.
func (p *prober) value(name, value string) bool {
	if !hasOdd(value, &odd) {
		return false
	}
	before := len(p.hits)
	for class, sure := range judge(value, valueClasses) {
		p.add(hit{Class: class, Sure: sure, Value: value})
	}
	if value != name && commandNames[bareName(name)] && !p.has(commandInjection) {
		if _, word, rest := firstCommand(strings.ToLower(value)); word != "" && (rest == "" || rest[0] == ' ') {
			p.add(hit{Class: commandInjection, Sure: true, Value: value})
		}
	}
	if slices.ContainsFunc(p.hits[before:], func(h hit) bool { return h.Sure }) {
		return true
	}
	if sure, ok := sqli(value); ok && !isOwnQuery(name, value) {
		p.add(hit{Class: sqlInjection, Sure: sure, Value: value})
	}
	if sure, ok := xss(value); ok {
		p.add(hit{Class: crossSite, Sure: sure, Value: value})
	}
	return len(p.hits) > before
}

// hasText tells whether something in JSON is more than a number or a word: a variable of a query,
// as {"offset":40,"limit":20}, is neither SQL nor prose.
func hasText(object string) bool {
	return strings.ContainsFunc(object, func(c rune) bool {
		return c >= utf8.RuneSelf || !isAlnum(byte(c)) && !strings.ContainsRune(`{}[]:,"._-`, c)
	})
}

// hasWord tells whether a value has a letter, or a quote that may begin a text.
func hasWord(value string) bool {
	for i := range len(value) {
		if c := value[i]; c > '@' || c == '\'' || c == '"' {
			return true
		}
	}
	return false
}
