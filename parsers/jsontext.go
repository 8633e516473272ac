package parsers

import (
	"slices"
	"strings"
)

// repairJSON returns the line with what nginx templates spoil made good: values
// that are no JSON (nothing, "-", "0.1, 0.2") become strings, \xHH in a string
// becomes the byte, escaped where it must be, and a comma behind the last value goes. What is
// sound stays as it is.
func repairJSON(line string) string {
	b := make([]byte, 0, len(line)+16)
	for i := 0; i < len(line); {
		switch c := line[i]; c {
		case '"':
			b = append(b, c)
			b, i = repairString(b, line, i+1)
		case ':':
			b = append(b, c)
			b, i = repairValue(b, line, i+1)
		case ',':
			if rest := strings.TrimLeft(line[i+1:], " "); rest == "" || rest[0] != '}' { // behind the last of a template
				b = append(b, c)
			}
			i++
		default:
			b = append(b, c)
			i++
		}
	}
	return string(b)
}

// repairString appends the string that begins at i, up to and with its closing
// quote, and returns where it ends.
func repairString(b []byte, line string, i int) ([]byte, int) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == '"':
			return append(b, c), i + 1
		case c != '\\' || i+1 == len(line):
			b = append(b, c)
			i++
		case line[i+1] != 'x':
			b = append(b, c, line[i+1])
			i += 2
		default:
			v, ok := hex(line[i+2:], 2)
			if !ok {
				b = append(b, `\\x`...)
				i += 2
				continue
			}
			if v < ' ' || v == '"' || v == '\\' {
				b = appendHex(append(b, `\u00`...), byte(v))
			} else {
				b = append(b, byte(v))
			}
			i += 4
		}
	}
	return b, i
}

// repairValue appends the value that begins at i if it is written without quotes
// and brackets, and returns where it ends: before a comma and the next key, or a
// closing brace.
func repairValue(b []byte, line string, i int) ([]byte, int) {
	for i < len(line) && line[i] == ' ' {
		i++
	}
	if i == len(line) || strings.IndexByte(`"{[`, line[i]) >= 0 {
		return b, i
	}
	end := i
	for end < len(line) && line[end] != '}' && line[end] != ']' {
		if line[end] == ',' && strings.HasPrefix(strings.TrimLeft(line[end+1:], " "), `"`) {
			break
		}
		end++
	}
	switch value := strings.TrimSpace(line[i:end]); {
	case value == "true", value == "false", value == "null":
		b = append(b, value...)
	case isJSONNumber(value):
		b = append(b, value...)
	default:
		b = append(b, '"')
		for j := range len(value) {
			if c := value[j]; c >= ' ' && c != '"' && c != '\\' {
				b = append(b, c)
			}
		}
		b = append(b, '"')
	}
	return b, end
}

// isJSONNumber tells whether s consists of what JSON numbers do.
func isJSONNumber(s string) bool {
	digit := false
	for i := range len(s) {
		if !isJSONNumberByte(s[i]) {
			return false
		}
		digit = digit || isDigit(s[i])
	}
	return digit
}

// uncut returns JSON whose end is missing without the member or element that is not whole, or
// may not be, and with what was open closed.
func uncut(line string) string {
	end := 0
	walkBrackets(line, func(i int, c byte) {
		if c == ',' {
			end = i
		}
	})
	line = line[:end]
	var open []byte
	walkBrackets(line, func(_ int, c byte) {
		switch c {
		case '{', '[':
			open = append(open, c+2) // the bracket that closes it
		case '}', ']':
			open = open[:max(len(open)-1, 0)]
		}
	})
	slices.Reverse(open)
	return line + string(open)
}

// maxNesting is how deep objects and arrays are looked into: whoever sends what is logged shall
// not keep a line from being read by how deep it is.
const maxNesting = 64

// shallow returns JSON with null in the place of all that lies deeper than maxNesting.
func shallow(line string) string {
	var b []byte
	depth, from := 0, 0
	walkBrackets(line, func(i int, c byte) {
		switch c {
		case '{', '[':
			if depth++; depth == maxNesting+1 {
				b = append(append(b, line[from:i]...), "null"...)
				from = len(line)
			}
		case '}', ']':
			if depth--; depth == maxNesting {
				from = i + 1
			}
		}
	})
	if b == nil {
		return line
	}
	return string(append(b, line[from:]...))
}

// walkBrackets calls visit for all brackets, braces and commas of JSON that stand in no string.
func walkBrackets(line string, visit func(i int, c byte)) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '}', c == '[', c == ']', c == ',':
			visit(i, c)
		}
	}
}

// reasonArray is that of JSON which is not written an object a line.
const reasonArray = "part of a JSON array: use one object a line"

// trimArray takes off what an array puts around objects that stand a line each.
func trimArray(line string) string {
	line = strings.TrimLeft(line, " \t[,")
	if line != "" && line[len(line)-1] != '}' {
		line = strings.TrimRight(line, " \t],")
	}
	return line
}

// noObject says what a line is that begins no object.
func noObject(line string) *Reject {
	switch s := strings.TrimSpace(line); {
	case s == "[", s == "]":
		return &Reject{Reason: "bracket of a JSON array", Skip: true}
	case s == "{", s == "}", s == "},", s == "],", strings.HasPrefix(s, `"`) && strings.Contains(s, `":`):
		return &Reject{Reason: reasonArray, Value: line}
	}
	return &Reject{Reason: "not a JSON object", Value: line}
}
