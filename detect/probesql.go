package detect

import (
	"bytes"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"sync"

	"github.com/corazawaf/libinjection-go"
)

var (
	// sqlStacked is a statement behind the end of another one, which the library does not
	// look for.
	sqlStacked = pattern(`(?i)(^|['")\d])\s*;\s*\(?\s*(select\s*[(*@]|select\s+case\s|select\s+[\w,.]+\s*(\(|from\s)|waitfor\s+delay\s|iif\s*\(\d|` +
		`(drop|alter|truncate)\s+(table|database|user|function)\s|insert\s+into\s+\w+\s*[(v]|delete\s+from\s+\w+\s*(where\s|;|--|$)|update\s+\w+\s+set\s+\w+\s*=|exec(ute)?\s*\(|declare\s+@)`)
	// statement is a query as people write it: what is injected ends another one first, or
	// goes on with it.
	statement = pattern(`(?is)^\s*(select\s[\w\s*(),.]+\sfrom\s[^;'"]*|(insert\s+into|update|delete\s+from|create|alter|drop|explain)\s[^;'"]*)$`)
	sqlSure   = pattern(`(?i)\bunion\b.{0,40}\bselect\b|\bselect\b.{1,200}\bfrom\b|information_schema|\bsleep\s*\(|\bbenchmark\s*\(|` +
		`\bpg_sleep\b|\bwaitfor\s+delay\b|\bxp_cmdshell\b|\bextractvalue\s*\(|\bupdatexml\s*\(|\bload_file\s*\(|\binto\s+(out|dump)file\b|` +
		`\b(drop|alter|truncate)\s+(table|database)\b|\binsert\s+into\b|\bdelete\s+from\b|\bexec(ute)?\s*\(|@@\w|\bchar\s*\(\s*\d|\bconcat\s*\(|` +
		`\bdbms_|\butl_|['")]\s*(or|and|\|\||&&|having|order\s+by|group\s+by|xor|like|rlike)\b.*[=<>'"(]|\b(or|and)\b\s+['"(]?\d+['")]?\s*(=|<|>|like|--)|` +
		`['")]\s*(--|#|/\*|;)|/\*.*\*/|\b(or|and)\b\s+\S+\s*=\s*\S+\s*(--|#|/\*)|\border\s+by\s+\d+\s*(--|#)|\bselect\s*[(@'"]|\bdeclare\s+@`)
	xssSure = pattern(`(?i)<\s*/?\s*[a-z!?][^<]{0,200}(\bon[a-z]{3,20}\s*=|src|href|>|/)|\bon[a-z]{3,20}\s*=\s*\S*\(|(java|vb)script\s*:|<script|data:text/html`)
)

// pattern is a regular expression that is compiled when it is first asked for: commands
// that judge no request need none.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// sqli asks the library, and is sure where the value has what people do not write.
func sqli(value string) (sure, ok bool) {
	// A formula is no SQL, and libinjection takes it for some.
	if !hasOdd(value, &odd) || !hasWord(value) {
		return false, false
	}
	if !libraryFinds(isSQLi, value) {
		ok = strings.IndexByte(value, ';') >= 0 && signsIn(strings.ToLower(value))&signOfStatement != 0 && sqlStacked().MatchString(value)
		return ok, ok
	}
	if c := value[0]; c == '{' || c == '[' {
		var plain bytes.Buffer // without blanks that stand in no text
		if json.Compact(&plain, []byte(value)) == nil {
			return false, hasText(plain.String())
		}
	}
	return sqlSure().MatchString(value) && !statement().MatchString(value), true
}

func isSQLi(value string) bool {
	found, _ := libinjection.IsSQLi(value)
	return found
}

// sureSQL and sureXSS are for user agents: every browser's has brackets and semicolons.
func sureSQL(t *judged) (sure, ok bool) {
	sure, ok = sqli(t.text)
	return sure, ok && sure
}

// xss asks the library, and is sure where the value has a tag, a handler of an event or
// a script.
func xss(value string) (sure, ok bool) {
	if strings.IndexByte(value, '<') < 0 && !hasAttribute(value) || !libraryFinds(libinjection.IsXSS, value) {
		return false, false
	}
	return xssSure().MatchString(value), true
}

// hasAttribute tells whether an attribute of a tag may stand in a value, at its begin or behind
// a blank, a slash, a bracket or a quote. In a value without a tag the library finds nothing
// else.
func hasAttribute(value string) bool {
	for end := range len(value) {
		if value[end] != '=' {
			continue
		}
		name := strings.TrimRight(value[:end], "\x00\t\n\v\f\r ")
		start := len(name)
		for start > 0 && (isLetter(name[start-1]) || name[start-1] == ':' || name[start-1] == 0) {
			start--
		}
		if start < len(name) && (start == 0 || strings.IndexByte("\t\n\v\f\r />'\"`", name[start-1]) >= 0) {
			return true
		}
	}
	return false
}

func sureXSS(t *judged) (sure, ok bool) {
	sure, ok = xss(t.text)
	return sure, ok && sure
}

func script(t *judged) (sure, ok bool) {
	text, signs := t.lower, t.signs
	if strings.Contains(text, "&#") { // browsers read "jav&#x09;ascript:" without the tab
		text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(html.UnescapeString(text))
		signs = signsIn(text)
	}
	if signs&signOfScript == 0 && (signs&signOfTag == 0 || strings.IndexByte(text, '<') < 0) && !handlesEvent(text) {
		return false, false
	}
	if scriptSure().MatchString(text) {
		return true, true
	}
	return false, signs&signOfScript != 0 && scriptDoubt().MatchString(text)
}

// handlesEvent tells whether an attribute that handles an event stands in a text in lower
// case: "onload =".
func handlesEvent(text string) bool {
	for end := range len(text) {
		if text[end] != '=' {
			continue
		}
		name := strings.TrimRight(text[:end], "\t\n\f\r ")
		start := len(name)
		for start > 0 && 'a' <= name[start-1] && name[start-1] <= 'z' {
			start--
		}
		if name = name[start:]; len(name) >= len("onload") && name[:2] == "on" {
			return true
		}
	}
	return false
}

// libraryFinds asks one of the library's two judges. There is text over which it panics: v0.3.2
// reads past the end of "<![CDATA[a]bc]". People write none that is, so it counts as found.
func libraryFinds(judge func(string) bool, value string) (found bool) {
	defer func() {
		if recover() != nil {
			found = true
		}
	}()
	return judge(value)
}
