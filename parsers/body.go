package parsers

import (
	"encoding/json"
	"net/url"
	"strings"
)

// maxBody bounds, in bytes, what is read and kept of a logged request body.
const maxBody = 4 << 10

// bodyParameters returns the fields that a logged request body sets, in the form of a
// query: a form as it is, and of JSON each value with the name it stands under, whatever
// lies around that ("role=admin" of {"user":{"role":"admin"}}, "ids=1&ids=2" of a list). Only
// what says which thing an object is keeps the name of that: "role[name]=admin" of {"role":{"name":"admin"}},
// "org_id=7" of {"org":{"id":7}}, "params[id]=7" of {"params":{"id":7}}, as the id of a call by JSON-RPC is another one.
// JSON may be cut short, as loggers do. JSON Patch and SCIM's set what their paths name. The value of a
// secret, as secret tells of names, has its name where the two stand apart, as in
// {"type":"password","value":"…"}. So is multipart/form-data, of whose files the name is told.
// Text of another form is the one value of the name
// "body". It is "" for a body that says nothing.
func bodyParameters(text string, secret func(name string) bool) string {
	text = strings.TrimSpace(logged(text))
	text = text[:min(len(text), maxBody)]
	switch {
	case text == "":
		return ""
	case text[0] == '{':
		if fields := scimParameters(text, secret); fields != "" {
			return fields
		}
		return jsonParameters(text, secret)
	case text[0] == '[':
		if fields := patchParameters(text, secret); fields != "" {
			return fields
		}
		return jsonParameters(text, secret)
	case isForm(text):
		return text
	case strings.HasPrefix(text, "--"):
		if fields := multipartParameters(text); fields != "" {
			return fields
		}
	}
	return "body=" + url.QueryEscape(text)
}

// isForm tells whether the text is a form as browsers encode it.
func isForm(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == '<' || c == '>' || c == '"' || c == '{' {
			return false
		}
	}
	return strings.IndexByte(text, '=') > 0
}

// jsonParameters walks over JSON once, from value to value. It needs no tree: the name of
// a value is the string before the last colon.
func jsonParameters(text string, secret func(name string) bool) string {
	var b strings.Builder
	name, said := "", "" // of the value; the value before it, or the name of its object
	var around []string  // names of the objects that are open
	last := byte(0)      // sign before the string or number at hand
	set := func(value string) {
		if name == "" || value == "" || value == "null" || b.Len() >= 3*maxBody { // a name may serve many values
			return
		}
		if name == "value" && secret(said) {
			name = said
		}
		said = value
		full := name
		if n := len(around); n > 0 && around[n-1] != "" && b.Len() < maxBody {
			switch object := around[n-1]; {
			case tellsWhich(name), name == "id" && object == "params":
				full = object + "[" + name + "]"
			case name == "id" && owns(object):
				full = object + "_id"
			}
		}
		addParameter(&b, full, value)
	}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			s, end := jsonString(text, i)
			i = end
			if after := strings.TrimLeft(text[i:], " \t\r\n"); strings.HasPrefix(after, ":") {
				name = s
				i = len(text) - len(after) + 1
				last = ':'
			} else if i < len(text) || last == ':' { // else it may be a name that was cut short
				set(s)
			}
		case isAlnum(c), c == '-', c == '+', c == '.':
			end := i
			for end < len(text) && (isAlnum(text[end]) || strings.IndexByte("-+.", text[end]) >= 0) {
				end++
			}
			set(text[i:end])
			i = end
		default:
			switch c {
			case '{':
				if last == ':' {
					said = name
				}
				around, name = append(around, name), ""
			case '}':
				if n := len(around); n > 0 {
					around, name = around[:n-1], around[n-1]
				}
			}
			if c > ' ' {
				last = c
			}
			i++
		}
	}
	return b.String()
}

// tellsWhich tells whether a member of an object says which thing it is, rather than something
// of it; "set" is Prisma's way.
func tellsWhich(name string) bool {
	switch name {
	case "name", "set", "slug", "value", "type":
		return true
	}
	return false
}

// owns tells whether an object is named like one that owns others: its id is no id of what is asked for.
func owns(name string) bool {
	switch name {
	case "org", "organization", "organisation", "tenant", "workspace", "account", "user", "owner":
		return true
	}
	return false
}

// patchParameters reads JSON Patch (RFC 6902): "role=admin" of
// [{"op":"replace","path":"/role","value":"admin"}]. It is "" for another list.
func patchParameters(text string, secret func(name string) bool) string {
	changes := json.NewDecoder(strings.NewReader(text))
	if _, err := changes.Token(); err != nil {
		return ""
	}
	var set []string
	for changes.More() {
		var c struct {
			Op, Path string
			Value    json.RawMessage
		}
		if changes.Decode(&c) != nil {
			break // it was cut short
		}
		if c.Op == "" || !strings.HasPrefix(c.Path, "/") {
			return ""
		}
		path := strings.TrimRight(c.Path, "/-0123456789") // places of a list
		if c.Value != nil {
			set = append(set, objectOf(path[strings.LastIndexByte(path, '/')+1:], c.Value))
		}
	}
	return jsonParameters(strings.Join(set, ","), secret)
}

// scimParameters reads a PATCH of SCIM (RFC 7644): "roles[value]=admin" of
// {"Operations":[{"op":"add","path":"roles","value":[{"value":"admin"}]}]}. It is "" for another
// object, and for one that was cut short.
func scimParameters(text string, secret func(name string) bool) string {
	if !strings.Contains(text, `"Operations"`) {
		return ""
	}
	var patch struct {
		Operations []struct {
			Path  string
			Value json.RawMessage
		}
	}
	if json.Unmarshal([]byte(text), &patch) != nil {
		return ""
	}
	var set []string
	for _, c := range patch.Operations {
		switch path, _, _ := strings.Cut(c.Path, "["); { // which of several is a filter in brackets
		case c.Value == nil:
		case path == "":
			set = append(set, string(c.Value))
		default:
			set = append(set, objectOf(path[strings.LastIndexAny(path, ":.")+1:], c.Value))
		}
	}
	return jsonParameters(strings.Join(set, ","), secret)
}

// objectOf is an object with one member.
func objectOf(name string, value json.RawMessage) string {
	quoted, _ := json.Marshal(name)
	return `{` + string(quoted) + `:` + string(value) + `}`
}

// multipartParameters reads multipart/form-data, which begins with its boundary.
func multipartParameters(text string) string {
	boundary, rest, found := cutByte(text, '\n')
	if boundary = strings.TrimRight(boundary, "\r"); !found || len(boundary) == len("--") {
		return ""
	}
	var b strings.Builder
	for part := range strings.SplitSeq(rest, boundary) {
		header, value, found := strings.Cut(part, "\r\n\r\n")
		if !found {
			header, value, found = strings.Cut(part, "\n\n")
		}
		name := headerParameter(header, "name")
		if file := headerParameter(header, "filename"); file != "" {
			value = file
		}
		if value = strings.TrimRight(value, "\r\n"); found && name != "" && value != "" {
			addParameter(&b, name, value)
		}
	}
	return b.String()
}

// headerParameter returns what a header says behind `; name="`.
func headerParameter(header, name string) string {
	_, value, found := strings.Cut(header, "; "+name+`="`)
	if !found {
		return ""
	}
	value, _, _ = cutByte(value, '"')
	return value
}

// addParameter adds a parameter to a query.
func addParameter(b *strings.Builder, name, value string) {
	if b.Len() > 0 {
		b.WriteByte('&')
	}
	b.WriteString(url.QueryEscape(name))
	b.WriteByte('=')
	b.WriteString(url.QueryEscape(value))
}

// jsonString returns the string that begins at i and where it ends. One that is cut short
// or badly escaped is taken as it stands.
func jsonString(text string, i int) (s string, end int) {
	end = i + 1
	for end < len(text) && text[end] != '"' {
		if text[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end+1, len(text))
	raw := text[i:end]
	if json.Unmarshal([]byte(raw), &s) == nil {
		return s, end
	}
	return strings.Trim(raw, `"`), end
}
