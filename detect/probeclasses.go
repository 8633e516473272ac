package detect

import (
	"bytes"
	"iter"
	"slices"
	"strings"
	"unicode"
)

// The classes of probes.
const (
	sqlInjection      = "sql injection"
	nosqlInjection    = "nosql injection"
	ldapInjection     = "ldap injection"
	crossSite         = "cross-site scripting"
	traversal         = "path traversal"
	commandInjection  = "command injection"
	jndiLookup        = "jndi lookup"
	templateInjection = "template injection"
	headerInjection   = "header injection"
	phpInjection      = "php injection"
	xmlEntity         = "xml external entity"
	callback          = "out-of-band callback"
	scannerAgent      = "scanner"
)

// probeClasses are all of them, in the order in which they are told.
var probeClasses = []string{jndiLookup, commandInjection, phpInjection, templateInjection, sqlInjection, nosqlInjection, ldapInjection, traversal,
	xmlEntity, headerInjection, callback, crossSite, scannerAgent}

// A rule of a class judges a text. It is asked about no text without any of the marks that
// it needs.
type rule struct {
	class string
	needs marks
	judge func(*judged) (sure, ok bool)
}

// A judged is a text that rules judge: as it is and in lower case, with what stands in it.
type judged struct {
	text, lower string
	marks       marks // of the text
	signs       signs // of the lower case
}

// judge yields the classes that a text is of, and whether that is beyond doubt.
func judge(text string, rules []rule) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		marks := marksIn(text)
		var t *judged
		for _, rule := range rules {
			if marks&rule.needs == 0 {
				continue
			}
			if t == nil {
				lower := strings.ToLower(text)
				t = &judged{text, lower, marks, signsIn(lower)}
			}
			if sure, ok := rule.judge(t); ok && !yield(rule.class, sure) {
				return
			}
		}
	}
}

var (
	valueClasses = []rule{
		{jndiLookup, marksIn("$"), jndi},
		{commandInjection, marksIn("|&`;$<>(/\n-"), command},
		{phpInjection, marksIn(`(<$[/:"_`), php},
		{templateInjection, marksIn("{<#[!(_."), template},
		{nosqlInjection, marksIn("$"), nosql},
		{ldapInjection, marksIn("("), ldap},
		{traversal, marksIn("/\\.\xc0x"), file},
		{xmlEntity, marksIn("<:"), entity},
		{headerInjection, marksIn("\r\n"), splitting},
		{callback, marksIn("."), callsBack},
		{crossSite, marksIn("<(`:=."), script},
	}
	pathClasses = []rule{
		{jndiLookup, marksIn("$"), jndi},
		{commandInjection, marksIn("|&`;$<>(\n"), command},
		{phpInjection, marksIn("(<$[:"), php},
		{templateInjection, marksIn("{<#[!(_"), template},
		{headerInjection, marksIn("\r\n"), splitting},
		{xmlEntity, marksIn("<"), entity},
		{traversal, marksIn("/\\.\xc0"), fileInPath},
		{crossSite, marksIn("<(`:=."), script},
	}
	agentClasses = []rule{
		{jndiLookup, marksIn("$"), jndi},
		{commandInjection, marksIn("(|`"), command},
		{phpInjection, marksIn("(<$"), php},
		{templateInjection, marksIn("{"), template},
		{xmlEntity, marksIn("<"), entity},
		{sqlInjection, marksIn(`'"`), sureSQL},
		{traversal, marksIn("."), sureFile},
		{crossSite, marksIn("<"), sureXSS},
	}
)

// words are the commands that those who inject one begin with.
var words = wordSet(`cat ls id whoami uname wget curl nc ncat netcat bash sh zsh ksh python python2 python3 perl ruby php ping nslookup
	dig getent sleep echo type dir net netstat cmd powershell pwsh ifconfig ipconfig ip env set printenv chmod chown rm cp mv touch head
	tail ps find awk sed tee kill reboot shutdown certutil busybox socat`)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		set[w] = true
	}
	return set
}

// firstCommand returns the command that a text in lower case begins with, and what
// follows it; path is the folder of programs before it. It is "" if there is none.
func firstCommand(text string) (path, command, rest string) {
	text = strings.TrimLeft(text, " \t+")
	plain := strings.TrimPrefix(strings.TrimPrefix(text, "/"), "usr/")
	plain = strings.TrimPrefix(strings.TrimPrefix(plain, "s"), "bin/")
	path = text[:len(text)-len(plain)]
	if !strings.HasSuffix(path, "bin/") { // "sleep" has lost its s
		path, plain = "", text
	}
	n := 0
	for n < len(plain) && (isLetter(plain[n]) || isDigit(plain[n])) {
		n++
	}
	if !words[plain[:n]] {
		return "", "", ""
	}
	return path, plain[:n], plain[n:]
}

// command looks for what a shell would run: a command after a character that ends the one
// before. After a semicolon, as prose has them too, it needs an argument that is none of
// prose, or nothing behind it.
func command(t *judged) (sure, ok bool) {
	if t.signs&signOfCommand != 0 {
		return true, true
	}
	text := t.lower
	for i := 0; i < len(text); i++ {
		var certain bool
		switch c := text[i]; {
		case c == '|', c == '`', c == '\n', c == '(' && i > 0 && strings.IndexByte("$<>", text[i-1]) >= 0, c == '&' && i > 0 && text[i-1] == '&':
			certain = true
		case c != ';' && c != '&':
			continue
		}
		path, word, rest := firstCommand(text[i+1:])
		if word == "" || rest != "" && strings.IndexByte(" \t\n;|&`)<>$/", rest[0]) < 0 {
			continue
		}
		argument := strings.TrimLeft(rest, " \t+")
		switch {
		case certain, path != "", text[i] == ';' && (argument == "" || strings.IndexByte(";|&`$/-.", argument[0]) >= 0),
			argument != "" && len(argument) < len(rest) && strings.IndexByte("/-", argument[0]) >= 0,
			strings.HasPrefix(argument, "http:"), strings.HasPrefix(argument, "https:"):
			return true, true
		}
		ok = ok || text[i] == ';'
	}
	return false, ok
}

// commandNames are the plain names of parameters that hold a command.
var commandNames = map[string]bool{"cmd": true, "exec": true, "command": true, "execute": true, "shell": true, "cli": true}

var (
	phpCalls      = []string{"phpinfo(", "passthru(", "shell_exec(", "base64_decode(", "proc_open(", "file_put_contents(", "eval(", "assert(", "popen(", "system("}
	opening       = marksIn("{@%") // one of them is in what opensExpression
	templateWords = []string{"__", "config", "self.", "request.", ".class", "getclass", "constructor", "cycler", "lipsum", "runtime", "exec", "popen", "import",
		"system(", "processbuilder", "if true", "application.", "session.", "t(java"}

	arithmetic = pattern(`\d\s*[*+/-]\s*\d`)
	serialised = pattern(`(?:^|[;{])[oc]:\d+:"[a-z_\\0-9]+":\d+:\{`)
	header     = pattern(`^(?:set-cookie|location|content-(?:type|length|disposition|security-policy)|transfer-encoding|x-[a-z-]{2,40}|` +
		`refresh|access-control-[a-z-]+|link|http/1\.[01])\s*[: ]\s*\S`)
	scriptSure = pattern(`(?:java|vb)script:\s*[a-z]\S*[(=` + "`" + `]|</\s*script|<[a-z/!][^<]{0,200}\bon[a-z]{4,20}\s*=|` +
		`["'][^"'<>]{0,100}[\s/]on[a-z]{4,20}\s*=\s*["']?[a-z]\S*[(` + "`" + `]|` +
		`["'` + "`" + `;>]\s*-?(?:alert|prompt|confirm)\s*[(` + "`" + `.]|["'` + "`" + `;>=]\s*document\.(?:cookie|domain|location)`)
	mailCommand  = pattern(`^(?:mail from:|rcpt to:|ehlo \S|helo \S|apop \S+ [0-9a-f]{32}|auth (?:login|plain|cram-md5)\b|[a-z]\d+ (?:capability|fetch|login) ?)`)
	callable     = pattern(`['"\[(]\s*(?:system|passthru|shell_exec|exec|popen|proc_open|assert|phpinfo)\s*['"\])]+[^a-z]{0,12}\(`)
	filterOpens  = pattern(`^\)\s*[&|!]?\s*\(\s*(?:[&|!]|[a-z][a-z0-9-]{1,40}\s*[~<>]?=)`)
	filterGoesOn = pattern(`\)\s*\(\s*[&|!]?\s*\(?\s*[a-z][a-z0-9-]{1,40}\s*[~<>]?=\s*[*(]|\*\)\s*\([&|!]?\(?[a-z][a-z0-9-]{1,40}[~<>]?=|\)\s*\([|&]\s*\(`)
	scriptDoubt  = pattern(`\b(?:alert|prompt|confirm)\)?\s*(?:\(|` + "`" + `|\.(?:call|apply)\()`)
)

// anyIn tells whether any of the signs stands in a text.
func anyIn(text string, signs []string) bool {
	for _, sign := range signs {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func php(t *judged) (sure, ok bool) {
	text := t.lower
	if t.signs&signOfPHP != 0 || hasLength(text) && serialised().MatchString(text) {
		return true, true
	}
	if t.signs&signOfPHPName != 0 && strings.IndexByte(text, '(') >= 0 && callable().MatchString(text) {
		return true, true
	}
	if t.signs&signOfPHPCall == 0 {
		return false, false
	}
	for _, call := range phpCalls {
		if i := strings.Index(text, call); i == 0 || i > 0 && !isLetter(text[i-1]) && text[i-1] != '_' {
			return true, true
		}
	}
	return false, false
}

// hasLength tells whether the length of a text may stand before it, as PHP writes objects.
func hasLength(text string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], `:"`)
		if i < 0 {
			return false
		}
		if from += i; from > 0 && isDigit(text[from-1]) {
			return true
		}
		from += len(`:"`)
	}
}

// template looks for expressions of template engines that compute or reach for something.
// What only names a value was left over by a page.
func template(t *judged) (sure, ok bool) {
	if t.signs&signOfTemplate != 0 {
		return true, true
	}
	if t.marks&opening == 0 {
		return false, false
	}
	for text := t.lower; text != ""; {
		var body string
		if body, text = expression(text); anyIn(body, templateWords) || arithmetic().MatchString(body) {
			return true, true
		}
	}
	return false, false
}

// maxExpression is how much is looked at, in bytes, of an expression that is not closed.
const maxExpression = 200

// expression returns what stands within the first expression of a text, with those that open in
// it, and the text from its end on.
func expression(text string) (body, rest string) {
	start, end := 0, len(text)
	for i := 1; i < end; i++ {
		switch c := text[i]; {
		case opensExpression(text[i-1], c):
			if start == 0 {
				start = i + 1
			}
			end = min(i+1+maxExpression, len(text))
		case start > 0 && (c == '}' || c == '>'):
			return text[start:i], text[i:]
		}
	}
	if start == 0 {
		return "", ""
	}
	return text[start:end], text[end-1:] // its last byte may open another one
}

// opensExpression tells whether an expression of a template engine begins behind two bytes.
func opensExpression(a, b byte) bool {
	switch b {
	case '{':
		return strings.IndexByte("{$#*%", a) >= 0
	case '(':
		return a == '@'
	case '%':
		return a == '<' || a == '{'
	}
	return false
}

func file(t *judged) (sure, ok bool) {
	text, found := t.text, t.signs&signOfFile != 0
	if ups := climbs(text); ups > 0 {
		return ups > 1 || found || strings.IndexByte(text, 0) >= 0, true
	}
	if strings.Contains(text, "\xc0\xae") || strings.Contains(text, "\xc0\xaf") {
		return true, true
	}
	// People ask how to edit etc/hosts; a path has no spaces, or is not the only thing there.
	return found && (strings.IndexByte(text, ' ') < 0 || strings.IndexByte(`;|&$`, text[0]) >= 0 || runs(t.lower)), found
}

// runs tells whether a text begins with a command.
func runs(lower string) bool {
	_, word, rest := firstCommand(lower)
	return word != "" && rest != "" && rest[0] == ' '
}

// fileInPath is for what a path asks for without climbing, which is told already.
func fileInPath(t *judged) (sure, ok bool) {
	if climbs(t.text) > 0 {
		return false, false
	}
	return file(t)
}

// sureFile is for headers, where a climb alone may be a link that a program did not resolve.
func sureFile(t *judged) (sure, ok bool) {
	ok = t.signs&signOfFile != 0 && climbs(t.text) > 0
	return ok, ok
}

// climbs counts the ".." between separators in a text.
func climbs(text string) (n int) {
	for from := 0; ; {
		i := strings.Index(text[from:], "..")
		if i < 0 {
			return n
		}
		i += from
		end := i + len("..")
		from = end
		if i > 0 && strings.IndexByte(`/\=:`, text[i-1]) < 0 {
			continue
		}
		for end < len(text) && (text[end] == ';' || text[end] == 0) { // "..;/" slips past some proxies
			end++
		}
		if end < len(text) && (text[end] == '/' || text[end] == '\\') {
			n++
		}
	}
}

// above tells whether a path climbs out of where it began.
func above(path string) bool {
	depth := 0
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if strings.HasPrefix(segment, "..") && strings.Trim(segment[2:], ";\x00") == "" {
			if depth--; depth < 0 {
				return true
			}
			continue
		}
		depth++
	}
	return false
}

func entity(t *judged) (sure, ok bool) {
	found := t.signs&signOfXML != 0 || t.signs&signOfDoctype != 0 && (strings.Contains(t.lower, " system ") || strings.Contains(t.lower, " public "))
	return found, found
}

// fetchesEntity tells whether a value, as logged, is XML with an external entity: that is no
// text that people write.
func fetchesEntity(value string) bool {
	text := unescape(value, true)
	url, _ := externalEntity(text)
	return url != "" && isXML(text)
}

// maxLineStart is how much of a line is looked at for the name of a header and its value.
const maxLineStart = 256

// splitting looks for a line that is a header, or one that a mail server takes for a command.
func splitting(t *judged) (sure, ok bool) {
	for rest := t.lower; ; {
		i := strings.IndexAny(rest, "\r\n")
		if i < 0 {
			return false, false
		}
		rest = strings.TrimLeft(rest[i+1:], "\t\n\f\r ")
		if line := rest[:min(len(rest), maxLineStart)]; line != "" && isLetter(line[0]) && (header().MatchString(line) || mailCommand().MatchString(line)) {
			return true, true
		}
	}
}

func nosql(t *judged) (sure, ok bool) {
	ok = t.signs&signOfNoSQL != 0
	return ok, ok
}

// ldap looks for a filter that is closed and gone on with: "*)(uid=*".
func ldap(t *judged) (sure, ok bool) {
	text := t.lower
	if !opensAgain(text) {
		return false, false
	}
	ok = filterGoesOn().MatchString(text)
	if i := strings.IndexAny(text, "()"); !ok && text[i] == ')' { // it closes what it has not opened
		ok = filterOpens().MatchString(text[i:])
	}
	return ok, ok
}

// opensAgain tells whether a bracket is closed in a text and one opened after it.
func opensAgain(text string) bool {
	for i := range len(text) {
		if text[i] == ')' {
			if rest := strings.TrimLeft(text[i+1:], "\t\n\f\r "); rest != "" && (rest[0] == '(' || rest[0] == '&' || rest[0] == '|' || rest[0] == '!') {
				return true
			}
		}
	}
	return false
}

// callsBack looks for the hosts by which tools learn that an application has fetched what they
// named: nobody else has names there. Among words it may be what is written about them.
func callsBack(t *judged) (sure, ok bool) {
	ok = t.signs&signOfCallback != 0
	return ok && strings.IndexByte(t.text, ' ') < 0, ok
}

// jndi resolves the lookups of Log4j from within, as it does, until one is "jndi:".
func jndi(t *judged) (sure, ok bool) {
	var text []byte // with what was resolved
	var open []int  // where lookups begin in it that are not closed
	for i := range len(t.lower) {
		c := t.lower[i]
		if last := len(open) - 1; c == '}' && last >= 0 {
			start := open[last]
			if asksJNDI(text[start:]) {
				return true, true
			}
			text, open = append(text[:start-len("${")], resolved(string(text[start:]))...), open[:last]
			continue
		}
		if text = append(text, c); bytes.HasSuffix(text, []byte("${")) {
			open = append(open, len(text))
		}
	}
	ok = slices.ContainsFunc(open, func(start int) bool { return asksJNDI(text[start:]) })
	return ok, ok
}

func asksJNDI(lookup []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeftFunc(lookup, unicode.IsSpace), []byte("jndi:"))
}

// resolved returns what Log4j puts in the place of a lookup, as far as that is known here.
func resolved(lookup string) string {
	if i := strings.LastIndex(lookup, ":-"); i >= 0 {
		return lookup[i+len(":-"):]
	}
	for _, name := range [...]string{"lower:", "upper:", "date:"} {
		if value, found := strings.CutPrefix(lookup, name); found {
			return strings.Trim(value, "'")
		}
	}
	return lookup
}
