package detect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Rule files are written by people, fetched from elsewhere or made by an attacker: what
// is read of one is bounded, and each part of it knows where it stands.
const (
	maxFile    = 1 << 20 // bytes
	maxNesting = 60      // levels of a document
	maxNodes   = 200_000 // keys and values of a file
	maxErrors  = 50      // told of a file
	maxRules   = 2000    // of a file
)

// A node is a part of a rule file, whether that is YAML or JSON.
type node struct {
	line, column int
	kind         nodeKind
	value        any // of a scalar: string, float64, bool or nil
	text         string
	keys         []*node // of a mapping, beside items
	items        []*node
}

type nodeKind int

const (
	scalar nodeKind = iota
	mapping
	sequenceNode
)

// get returns what stands under a key; nil if nothing does.
func (n *node) get(keys ...string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	for i, k := range n.keys {
		if slices.Contains(keys, k.text) {
			return n.items[i]
		}
	}
	return nil
}

// isNull tells whether nothing stands there.
func (n *node) isNull() bool { return n == nil || n.kind == scalar && n.value == nil }

// what says what stands there.
func (n *node) what() string {
	switch n.kind {
	case mapping:
		return "a mapping"
	case sequenceNode:
		return "a list"
	}
	switch n.value.(type) {
	case nil:
		return "nothing"
	case bool:
		return "yes or no"
	case float64:
		return "a number"
	}
	return "a text"
}

// A FileError is what is wrong with a rule file, and where.
type FileError struct {
	File         string
	Line, Column int // from 1; 0 if it is the whole file
	Message      string
	Excerpt      string // the line and a mark under the place, or ""
}

func (e *FileError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	if e.Excerpt == "" {
		return where + ": " + e.Message
	}
	return where + ": " + e.Message + "\n" + e.Excerpt
}

// A ruleFile is one that is being read, with what is wrong with it.
type ruleFile struct {
	name  string
	lines []string
	errs  []error
	notes []string
	nodes int
}

func newRuleFile(name string, data []byte) *ruleFile {
	return &ruleFile{name: name, lines: strings.Split(string(data), "\n")}
}

// fail records an error at a node; nil is the whole file.
func (f *ruleFile) fail(n *node, format string, args ...any) {
	line, column := 0, 0
	if n != nil {
		line, column = n.line, n.column
	}
	f.failAt(line, column, fmt.Sprintf(format, args...))
}

func (f *ruleFile) failAt(line, column int, message string) {
	if len(f.errs) > maxErrors {
		return
	}
	if len(f.errs) == maxErrors {
		f.errs = append(f.errs, &FileError{File: f.name, Message: "and more"})
		return
	}
	e := &FileError{File: f.name, Line: line, Column: column, Message: message}
	if line > 0 && line <= len(f.lines) {
		e.Excerpt = excerpt(f.lines[line-1], line, column)
	}
	f.errs = append(f.errs, e)
}

// excerpt shows a line, cut to what is near the column, with a mark below it.
func excerpt(text string, line, column int) string {
	const before, after = 40, 60
	runes := []rune(strings.TrimRight(text, "\r"))
	for i, r := range runes {
		if r == '\t' {
			runes[i] = ' '
		}
	}
	at := min(max(column-1, 0), len(runes))
	from, to := max(at-before, 0), min(at+after, len(runes))
	if from < before/2 {
		from = 0
	}
	shown, mark := string(runes[from:to]), at-from
	if from > 0 {
		shown, mark = "…"+shown, mark+1
	}
	if to < len(runes) {
		shown += "…"
	}
	return fmt.Sprintf("%6d | %s\n       | %s^", line, shown, strings.Repeat(" ", mark))
}

// place is where a node stands.
func (f *ruleFile) place(n *node) string { return fmt.Sprintf("%s:%d", f.name, n.line) }

// err is all that is wrong.
func (f *ruleFile) err() error { return errors.Join(f.errs...) }

// documents reads a file: one JSON value, or YAML documents.
func (f *ruleFile) documents(data []byte) []*node {
	if len(data) > maxFile {
		f.fail(nil, "has %d bytes: more than %d", len(data), maxFile)
		return nil
	}
	if bytes.IndexByte(data, 0) >= 0 {
		f.fail(nil, "is not a text")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	text := bytes.TrimSpace(data)
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') && json.Valid(text) {
		return f.json(data)
	}
	return f.yaml(data)
}

// TooDeep tells whether a text in YAML nests deeper than a parser should follow, before one
// does, and in which line: by brackets, and by what stands in one line.
func TooDeep(data []byte) (line int, deep bool) {
	depth, line := 0, 1
	start := true // of a value
	dashes := 0
	for i, c := range data {
		switch c {
		case '\n':
			line++
			start, dashes = true, 0
			continue
		case '[', '{':
			if start {
				depth++
			}
		case ']', '}':
			depth = max(depth-1, 0)
		case '-', '?', ':':
			if i+1 < len(data) && (data[i+1] == ' ' || data[i+1] == '\t' || data[i+1] == '\n') {
				dashes++
			}
		}
		if depth > maxNesting || dashes > maxNesting*4 {
			return line, true
		}
		start = strings.IndexByte(" \t[{,:-?", c) >= 0
	}
	return 0, false
}

func (f *ruleFile) yaml(data []byte) []*node {
	if line, deep := TooDeep(data); deep {
		f.failAt(line, 1, "nests too deep")
		return nil
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		line, column, message := 0, 0, err.Error()
		var at yaml.Error
		if errors.As(err, &at) {
			message = at.GetMessage()
			if t := at.GetToken(); t != nil && t.Position != nil {
				line, column = t.Position.Line, t.Position.Column
			}
		}
		f.failAt(line, column, message)
		return nil
	}
	var docs []*node
	for _, d := range tree.Docs {
		if d.Body == nil {
			continue
		}
		if n := f.fromYAML(d.Body, 0); n != nil && !n.isNull() {
			docs = append(docs, n)
		}
	}
	return docs
}

// at makes a node where a token stands.
func (f *ruleFile) at(t *token.Token) *node {
	f.nodes++
	n := &node{line: 1, column: 1}
	if t != nil && t.Position != nil {
		n.line, n.column = t.Position.Line, t.Position.Column
	}
	return n
}

// fromYAML takes over a part of a document; nil with an error recorded.
func (f *ruleFile) fromYAML(from ast.Node, depth int) *node {
	if from == nil {
		return f.at(nil)
	}
	n := f.at(from.GetToken())
	switch {
	case depth > maxNesting:
		f.fail(n, "nests too deep")
		return nil
	case f.nodes > maxNodes:
		f.fail(n, "more than %d keys and values", maxNodes)
		return nil
	}
	switch from := from.(type) {
	case *ast.MappingNode:
		n.kind = mapping
		for _, pair := range from.Values {
			if !f.pair(n, pair, depth) {
				return nil
			}
		}
	case *ast.MappingValueNode:
		n.kind = mapping
		if !f.pair(n, from, depth) {
			return nil
		}
	case *ast.SequenceNode:
		n.kind = sequenceNode
		for _, v := range from.Values {
			item := f.fromYAML(v, depth+1)
			if item == nil {
				return nil
			}
			n.items = append(n.items, item)
		}
	case *ast.LiteralNode:
		n.text = from.Value.Value
		n.value = n.text
	case *ast.StringNode:
		n.text, n.value = from.Value, from.Value
	case *ast.BoolNode:
		n.text, n.value = from.Token.Value, from.Value
	case *ast.IntegerNode, *ast.FloatNode:
		n.text = strings.TrimSpace(n.tokenText(from))
		n.value = numberOf(n.text, from)
	case *ast.NullNode:
	case *ast.InfinityNode, *ast.NanNode:
		f.fail(n, "a number is wanted that is one")
		return nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		f.fail(n, "anchors and aliases are not taken: write it out")
		return nil
	case *ast.TagNode:
		f.fail(n, "tags are not taken")
		return nil
	default:
		f.fail(n, "%s is not taken here", strings.ToLower(from.Type().String()))
		return nil
	}
	return n
}

func (n *node) tokenText(from ast.Node) string {
	if t := from.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

// numberOf returns the number that is written. What begins with a zero is a text: an id
// is none of octal digits.
func numberOf(text string, from ast.Node) any {
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return text
	}
	var v float64
	switch from := from.(type) {
	case *ast.IntegerNode:
		switch i := from.Value.(type) {
		case int64:
			v = float64(i)
		case uint64:
			v = float64(i)
		}
	case *ast.FloatNode:
		v = from.Value
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return text
	}
	return v
}

func (f *ruleFile) pair(n *node, pair *ast.MappingValueNode, depth int) bool {
	key := f.at(pair.Key.GetToken())
	switch k := pair.Key.(type) {
	case *ast.StringNode:
		key.text = k.Value
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.NullNode:
		key.text = strings.TrimSpace(key.tokenText(pair.Key))
	case *ast.MergeKeyNode, *ast.AliasNode:
		f.fail(key, "anchors and aliases are not taken: write it out")
		return false
	default:
		f.fail(key, "a key must be a word")
		return false
	}
	if n.get(key.text) != nil {
		f.fail(key, "key %q stands here twice", key.text)
		return false
	}
	if len(n.keys) > 5000 {
		f.fail(key, "more keys than a mapping may have")
		return false
	}
	value := f.fromYAML(pair.Value, depth+1)
	if value == nil {
		return false
	}
	if value.isNull() && value.line == 1 {
		value.line, value.column = key.line, key.column
	}
	n.keys, n.items = append(n.keys, key), append(n.items, value)
	return true
}

// json reads a text that is valid JSON.
func (f *ruleFile) json(data []byte) []*node {
	r := &jsonReader{f: f, d: json.NewDecoder(bytes.NewReader(data)), data: data, starts: []int{0}}
	r.d.UseNumber()
	for i, c := range data {
		if c == '\n' {
			r.starts = append(r.starts, i+1)
		}
	}
	n := r.value(0)
	if n == nil || len(f.errs) > 0 {
		return nil
	}
	return []*node{n}
}

type jsonReader struct {
	f      *ruleFile
	d      *json.Decoder
	data   []byte
	starts []int // of lines
}

// here makes a node where the next token stands.
func (r *jsonReader) here() *node {
	r.f.nodes++
	at := int(r.d.InputOffset())
	for at < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[at]) >= 0 {
		at++
	}
	line, found := slices.BinarySearch(r.starts, at)
	if !found {
		line--
	}
	return &node{line: line + 1, column: at - r.starts[line] + 1}
}

func (r *jsonReader) value(depth int) *node {
	n := r.here()
	if depth > maxNesting || r.f.nodes > maxNodes {
		r.f.fail(n, "nests too deep, or is too much")
		return nil
	}
	t, err := r.d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		r.f.fail(n, "%v", err)
		return nil
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return r.object(n, depth)
		}
		n.kind = sequenceNode
		for r.d.More() {
			item := r.value(depth + 1)
			if item == nil {
				return nil
			}
			n.items = append(n.items, item)
		}
		r.d.Token()
	case string:
		n.text, n.value = t, t
	case bool:
		n.text, n.value = fmt.Sprint(t), t
	case json.Number:
		n.text = t.String()
		v, err := t.Float64()
		if err != nil {
			r.f.fail(n, "%q is not a number that can be compared", t)
			return nil
		}
		n.value = v
	}
	return n
}

func (r *jsonReader) object(n *node, depth int) *node {
	n.kind = mapping
	for r.d.More() {
		key := r.here()
		t, err := r.d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			r.f.fail(key, "a key is wanted")
			return nil
		}
		key.text = name
		if n.get(name) != nil {
			r.f.fail(key, "key %q stands here twice", name)
			return nil
		}
		value := r.value(depth + 1)
		if value == nil {
			return nil
		}
		n.keys, n.items = append(n.keys, key), append(n.items, value)
	}
	r.d.Token()
	return n
}

// keysOf refuses keys that are not among the known.
func (f *ruleFile) keysOf(n *node, what string, known ...string) bool {
	if n.kind != mapping {
		f.fail(n, "%s must be a mapping, not %s", what, n.what())
		return false
	}
	ok := true
	for _, k := range n.keys {
		if !slices.Contains(known, k.text) {
			f.fail(k, "%s has no key %q%s", what, k.text, didYouMean(k.text, known))
			ok = false
		}
	}
	return ok
}

// text reads a text, or a number as one.
func (f *ruleFile) text(n *node, what string, to *string) {
	if n == nil {
		return
	}
	switch n.value.(type) {
	case string, float64:
		if n.kind == scalar {
			*to = n.text
			return
		}
	}
	f.fail(n, "%s must be a text, not %s", what, n.what())
}

// texts reads a text or a list of them.
func (f *ruleFile) texts(n *node, what string, to *[]string) {
	if n == nil {
		return
	}
	items := []*node{n}
	if n.kind == sequenceNode {
		items = n.items
		if len(items) > maxValues {
			f.fail(n, "%s has more than %d entries", what, maxValues)
			return
		}
	}
	*to = []string{}
	for _, item := range items {
		var s string
		if f.text(item, what, &s); s != "" {
			*to = append(*to, s)
		}
	}
}

func (f *ruleFile) flag(n *node, what string, to *bool) {
	if n == nil {
		return
	}
	v, ok := n.value.(bool)
	if !ok {
		f.fail(n, "%s must be true or false, not %s", what, n.what())
		return
	}
	*to = v
}

// whole reads a whole number within bounds.
func (f *ruleFile) whole(n *node, what string, least, most int, to *int) {
	if n == nil {
		return
	}
	v, ok := n.value.(float64)
	if !ok || v != math.Trunc(v) || v < float64(least) || v > float64(most) {
		f.fail(n, "%s must be a whole number from %d to %d", what, least, most)
		return
	}
	*to = int(v)
}

// span reads a time such as 10m, 1h30m or 7d.
func (f *ruleFile) span(n *node, what string, to *time.Duration) {
	if n == nil {
		return
	}
	if _, bare := n.value.(float64); bare {
		f.fail(n, "%s needs a unit: %ss, %sm, %sh", what, n.text, n.text, n.text)
		return
	}
	d, err := parseSpan(n.text)
	if n.kind != scalar || err != nil {
		f.fail(n, "%s must be a time such as 90s, 10m, 1h or 7d, not %q", what, n.text)
		return
	}
	if d < time.Second || d > maxSpan {
		f.fail(n, "%s must be from 1s to %s", what, SpanText(maxSpan))
		return
	}
	*to = d
}

// parseSpan reads a time, also in days: "36h", "7d", "1d12h". What is too long for a
// time.Duration is an error.
func parseSpan(s string) (time.Duration, error) {
	days := time.Duration(0)
	if head, rest, ok := strings.Cut(s, "d"); ok {
		d, err := time.ParseDuration(head + "h")
		if err != nil {
			return 0, err
		}
		if d.Abs() > math.MaxInt64/48 { // half of the room is for what follows the days
			return 0, fmt.Errorf("%q is too long", s)
		}
		if days = d * 24; rest == "" {
			return days, nil
		}
		s = rest
	}
	d, err := time.ParseDuration(s)
	if d.Abs() > math.MaxInt64/2 && days != 0 {
		return 0, fmt.Errorf("%q is too long", s)
	}
	return days + d, err
}

// SpanText writes a time as rule files have it: 10m, 1h30m, 7d.
func SpanText(d time.Duration) string {
	const day = 24 * time.Hour
	if d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
