package detect

import (
	"net/url"
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// What XML in a parameter or a body asks for, and makes a server fetch.

// xmlBody is what a body that is XML begins with, as the one parameter that it is.
const xmlBody = "body=%3C"

// readXML finds out what the elements of a body tell: where the operation of a SOAP message says
// that it gets something, which objects. It is found as parameters of their own are.
func (f *features) readXML(r *parsers.Request) {
	operation, fields := xmlFields(unescaped(r.Body[len("body="):]))
	f.inner = strings.Trim(f.inner+"&"+fields, "&")
	asked := operation != "" && asksPath(operation)
	var ids listedIDs
	for fields != "" {
		var p parameter
		fields = p.read(fields)
		f.named.addParameter(&p)
		if asked {
			f.takeObject(&p, &ids)
		}
	}
}

// xmlFields returns, in the form of a query, what the elements of XML hold that hold text alone,
// each by its name without a namespace. Of a SOAP message it is what its body holds, and the
// operation the first element there.
func xmlFields(text string) (operation, fields string) {
	var b strings.Builder
	inBody := false
	for {
		_, rest, found := strings.Cut(text, "<")
		tag, after, closed := strings.Cut(rest, ">")
		if !found || !closed {
			return operation, strings.TrimPrefix(b.String(), "&")
		}
		text = after
		if tag == "" || strings.IndexByte("/?!", tag[0]) >= 0 || strings.HasSuffix(tag, "/") {
			continue
		}
		name, _, _ := strings.Cut(tag, " ")
		name = strings.TrimSpace(name[strings.IndexByte(name, ':')+1:])
		switch {
		case inBody && operation == "":
			operation = name
		case name == "Body":
			inBody = true
			b.Reset()
		}
		value, end, _ := strings.Cut(after, "<")
		if value = strings.TrimSpace(value); value != "" && strings.HasPrefix(end, "/") {
			b.WriteString("&" + url.QueryEscape(name) + "=" + url.QueryEscape(value))
		}
	}
}

// isDocument tells whether the value of a parameter is XML that a program reads, by its
// beginning or because it is all of a body. Of what people write, HTML for the most part, links
// are no more than links.
func isDocument(name, text string) bool {
	text = strings.ToLower(strings.TrimLeft(text[:min(len(text), 256)], " \t\r\n\ufeff"))
	if strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html") {
		return false
	}
	return name == "body" || strings.HasPrefix(text, "<?xml") || strings.HasPrefix(text, "<!doctype") || strings.HasPrefix(text, "<svg")
}

// isXML tells whether a text is XML, and not an address in brackets.
func isXML(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n\ufeff")
	if len(text) < len("<a/>") || text[0] != '<' || text[1] != '?' && text[1] != '!' && !isLetter(text[1]) {
		return false
	}
	return strings.IndexByte(text, '>') > 0 && !fetched(strings.Trim(text, "<>"))
}

// xmlAim returns the worst URL of XML that aims inside or is one that only other clients than
// browsers fetch: an external entity, and in a document an attribute or all that an element
// holds. Namespaces are names, and so is what tells where a message goes.
func xmlAim(r *parsers.Request, name, text string) (worst aim, found bool) {
	take := func(a aim) {
		if a.Severity > worst.Severity {
			worst, found = a, true
		}
	}
	for url, rest := externalEntity(text); url != ""; url, rest = externalEntity(rest) {
		if scheme, _ := cutScheme(url); scheme == "" && strings.HasPrefix(url, "/") && !slashed(url) {
			url = "file://" + url
		}
		if v, ok := aimsInside(url); ok {
			take(newAim("entity", url, v)) // nobody means that for good
		}
	}
	if !isDocument(name, text) {
		return worst, found
	}
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			return worst, found
		}
		i += from
		start := strings.LastIndexAny(text[:i], "\"'<>[") + 1
		end := i + len("://")
		for end < len(text) && strings.IndexByte("\"'<>]", text[end]) < 0 {
			end++
		}
		from = end
		url := strings.TrimSpace(text[start:end])
		name = xmlName(text[:start])
		if name == "" || !fetched(url) {
			continue
		}
		if v, ok := aimsInside(url); ok {
			take(guard(r, newAim(name, url, v), url))
		}
	}
}

// xmlName returns the name of the attribute or element whose value begins where a piece of XML
// ends, without that of its namespace, clipped; "" for one of no interest.
func xmlName(text string) string {
	if text == "" {
		return ""
	}
	switch text[len(text)-1] {
	case '"', '\'':
		text = strings.TrimRight(text[:len(text)-1], " \t\r\n")
		if !strings.HasSuffix(text, "=") {
			return "" // of a document type
		}
		text = strings.TrimRight(text[:len(text)-1], " \t\r\n")
	case '>', '[':
		open := strings.LastIndexByte(strings.TrimSuffix(text, "<![CDATA["), '<')
		if open < 0 {
			return ""
		}
		text = text[open+1:]
		if end := strings.IndexAny(text, " \t\r\n/>"); end >= 0 {
			text = text[:end]
		}
	default:
		return ""
	}
	text = text[strings.LastIndexAny(text, " \t\r\n")+1:]
	space, name, found := strings.Cut(text, ":")
	if !found {
		space, name = "", text
	}
	switch lowered := strings.ToLower(name); {
	case space == "xmlns", lowered == "xmlns", strings.HasSuffix(lowered, "schemalocation"), strings.HasSuffix(lowered, "namespace"),
		lowered == "encodingstyle", lowered == "action", lowered == "to", lowered == "relatesto":
		return ""
	case space == "xlink": // pictures are loaded by it
		return clip(text)
	}
	return clip(name)
}

// externalEntity returns what the first entity of XML that stands elsewhere is read from, and
// what follows it; "" if there is none.
func externalEntity(text string) (url, rest string) {
	const declaration = "<!entity"
	for {
		i := strings.Index(text, "<!")
		if i < 0 {
			return "", ""
		}
		text = text[i:]
		if len(text) < len(declaration) || !strings.EqualFold(text[:len(declaration)], declaration) {
			text = text[len("<!"):]
			continue
		}
		text = text[len(declaration):]
		head := text[:max(strings.IndexAny(text, "\"'>"), 0)]
		words := strings.Fields(head)
		if len(words) == 0 {
			continue
		}
		literals := 0 // before the one that it is read from
		switch last := words[len(words)-1]; {
		case strings.EqualFold(last, "system"):
		case strings.EqualFold(last, "public"):
			literals = 1
		default:
			continue
		}
		for rest = text[len(head):]; ; literals-- {
			rest = strings.TrimLeft(rest, " \t\r\n")
			if rest == "" || rest[0] != '"' && rest[0] != '\'' {
				break
			}
			literal, after, closed := strings.Cut(rest[1:], rest[:1])
			if rest = after; !closed {
				break
			}
			if literals == 0 && literal != "" {
				return literal, rest
			}
		}
	}
}
