package parsers

import "strings"

// maxPlainDepth bounds how deep objects and arrays lie in one another that walkPlain reads.
const maxPlainDepth = 32

// walkPlain does for the line what object and walk do, in less than half the time: it goes
// through the text itself, once, and takes values where they stand. It does so for objects as
// loggers write them. Of others, and of what must be read otherwise, it says no; it may then
// have taken some of the line already.
func (p *jsonParser) walkPlain() bool {
	line := p.line
	if len(line) < 2 || len(line) > largeLine || line[0] != '{' {
		return false
	}
	return p.plainObject(1, p.root, 0) == len(line)
}

// plainObject goes through the object that begins before i and takes what the node and those
// below it mean; nil is a node below which nothing means anything. It returns where the text
// goes on, which is 0 if it is not plain. So do those below.
func (p *jsonParser) plainObject(i int, node *jsonNode, depth int) int {
	line := p.line
	if i = skipBlanks(line, i); i < len(line) && line[i] == '}' {
		return i + 1
	}
	for i < len(line) && line[i] == '"' && depth < maxPlainDepth {
		key, end := p.plainKey(i+1, node)
		if end == 0 {
			return 0
		}
		i = skipBlanks(line, end)
		if i == len(line) || line[i] != ':' {
			return 0
		}
		if i = p.plainValue(skipBlanks(line, i+1), key, depth+1); i == 0 {
			return 0
		}
		over := false
		if i, over = plainNext(line, i, '}'); over {
			return i
		}
	}
	return 0
}

// plainKey returns what the key that begins at i means below the node, nil if nothing.
func (p *jsonParser) plainKey(i int, node *jsonNode) (child *jsonNode, end int) {
	rest := p.line[i:]
	if n := p.nth; node != nil && n < len(p.shape) && p.shape[n].parent == node && p.shape[n].plain {
		// Most probably it is the one that stood there in the line before.
		if key := p.shape[n].key; len(key) < len(rest) && rest[len(key)] == '"' && rest[:len(key)] == key {
			p.nth++
			return p.shape[n].node, i + len(key) + 1
		}
	}
	n := strings.IndexByte(rest, '"')
	if n < 0 || !isPlainKey(rest[:n], node == p.root) {
		return nil, 0
	}
	if node != nil {
		child = p.child(node, rest[:n])
	}
	return child, i + n + 1
}

// isPlainKey tells whether a key, in the outermost object or not, is one that walkPlain
// reads: it stands there as it is, and is not what Azure or Splunk wraps objects in.
func isPlainKey(key string, outermost bool) bool {
	return !strings.ContainsAny(key, `"\`) && !(outermost && (key == "records" || key == splunkKey))
}

// plainValue goes through the value that begins at i and takes what the node says it means.
func (p *jsonParser) plainValue(i int, node *jsonNode, depth int) int {
	line := p.line
	if i == len(line) {
		return 0
	}
	switch c := line[i]; c {
	case '"':
		text, end := p.plainString(i+1, node != nil)
		if end == 0 || node == nil {
			return end
		}
		if node.text && strings.HasPrefix(text, "{") { // an object may stand in it
			return 0
		}
		p.take(node, text)
		return end
	case '{':
		switch {
		case node == nil:
		case node.isBody():
			return 0
		case node.means(jsonQuery):
			end := p.plainObject(i+1, node, depth)
			if end > 0 && strings.IndexByte(line[i:end], '\\') >= 0 {
				return 0
			}
			p.takeParams(line[i:max(i, end)])
			return end
		case !node.leads():
			node = nil
		}
		return p.plainObject(i+1, node, depth)
	case '[':
		return p.plainArray(i+1, node, depth)
	case 't':
		return plainWord(line, i, "true")
	case 'f':
		return plainWord(line, i, "false")
	case 'n':
		return plainWord(line, i, "null")
	}
	end := i
	for end < len(line) && isJSONNumberByte(line[end]) {
		end++
	}
	if end == i || end == i+1 && !isDigit(line[i]) {
		return 0
	}
	if node != nil {
		p.take(node, line[i:end])
	}
	return end
}

// plainArray goes through the array that begins before i, and takes the first of its values.
func (p *jsonParser) plainArray(i int, node *jsonNode, depth int) int {
	line := p.line
	if node != nil && node.isBody() {
		return 0
	}
	if i = skipBlanks(line, i); i < len(line) && line[i] == ']' {
		return i + 1
	}
	for depth < maxPlainDepth {
		if node != nil && i < len(line) && (line[i] == '{' || line[i] == '[') { // it may be a list of pairs
			return 0
		}
		if i = p.plainValue(i, node, depth+1); i == 0 {
			return 0
		}
		over := false
		if i, over = plainNext(line, i, ']'); over {
			return i
		}
		if node != nil && node.means(jsonForwardedFor) { // which all of them are
			return 0
		}
		node = nil
	}
	return 0
}

// plainString returns the string that begins at i; if it is not wanted, perhaps with its
// escapes.
func (p *jsonParser) plainString(i int, wanted bool) (text string, end int) {
	rest := p.line[i:]
	n := strings.IndexByte(rest, '"')
	if n < 0 {
		return "", 0
	}
	if strings.IndexByte(rest[:n], '\\') < 0 {
		return rest[:n], i + n + 1
	}
	for n = 0; n < len(rest) && rest[n] != '"'; n++ {
		if rest[n] == '\\' {
			if n++; n < len(rest) && rest[n] == 'x' { // an escape that JSON does not have
				return "", 0
			}
		}
	}
	if n >= len(rest) {
		return "", 0
	}
	end = i + n + 1
	if !wanted {
		return rest[:n], end
	}
	v, err := p.token.Parse(p.line[i-1 : end])
	if err != nil {
		return "", 0
	}
	b, _ := v.StringBytes()
	return string(b), end
}

// plainNext returns where the next element begins behind one that ends at i, or, if the mark
// that closes them all is there, where the text goes on; 0 if neither is there.
func plainNext(line string, i int, closing byte) (next int, over bool) {
	i = skipBlanks(line, i)
	switch {
	case i == len(line):
	case line[i] == closing:
		return i + 1, true
	case line[i] == ',':
		return skipBlanks(line, i+1), false
	}
	return 0, true
}

// plainWord returns where the word ends, which begins at i.
func plainWord(line string, i int, word string) int {
	if !strings.HasPrefix(line[i:], word) {
		return 0
	}
	return i + len(word)
}

// skipBlanks returns where the blanks end that may begin at i.
func skipBlanks(line string, i int) int {
	for i < len(line) && line[i] <= ' ' && (line[i] == ' ' || line[i] == '\t' || line[i] == '\n' || line[i] == '\r') {
		i++
	}
	return i
}

// isJSONNumberByte tells whether numbers consist of such.
func isJSONNumberByte(c byte) bool {
	return isDigit(c) || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}
