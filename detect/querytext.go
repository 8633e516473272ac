package detect

import "strings"

// Some APIs take a whole statement of a query language: Salesforce, InfluxDB and ClickHouse in q
// or query, ArcGIS and Google in where and filter, Jira and Confluence in jql and cql. What is
// injected ends a text of somebody else's statement, or goes on with it; a statement that is whole
// in itself, in the place for one, injects nothing.

// statementNames are the bare names of parameters that hold a statement, conditionNames of those
// that hold its conditions alone.
var (
	statementNames = map[string]bool{"q": true, "query": true, "$query": true, "sql": true, "soql": true, "stmt": true, "statement": true}
	conditionNames = map[string]bool{"where": true, "filter": true, "jql": true, "cql": true}
)

// isOwnQuery tells whether a decoded value is a whole statement, or whole conditions, in the
// parameter for that.
func isOwnQuery(name, value string) bool {
	name = bareName(name)
	if !statementNames[name] && !conditionNames[name] {
		return false
	}
	frame := queryTexts().ReplaceAllStringFunc(value, func(text string) string { return strings.Repeat(text[:1], 2) })
	if tornTexts().MatchString(frame) || neverAsked().MatchString(frame) {
		return false
	}
	if statementNames[name] {
		return wholeStatement().MatchString(frame)
	}
	return wholeConditions().MatchString(frame)
}

var (
	queryTexts = pattern(`'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"`)
	// tornTexts finds an empty text that stands at a word, is compared with something though it is
	// no name, or a quote that has no other one.
	tornTexts = pattern(`\w['"]|['"]\w|''\s*[=<>!'"]|""['"]|(?:^|[^'])'(?:[^']|$)|(?:^|[^"])"(?:[^"]|$)`)
	// neverAsked finds what no application asks for: other tables by a union, what the database says of
	// itself, waiting, comments, two numbers compared.
	neverAsked = pattern(`(?i)\bunion\b|information_schema|\b(?:pg_)?sleep\s*\(|\bbenchmark\s*\(|\bwaitfor\b|\bxp_|\bextractvalue\s*\(|\bupdatexml\s*\(|` +
		`\bload_file\s*\(|\binto\b|\bdbms_|\butl_|@@|--|/\*|\bchar\s*\(|(?:^|[^\w.])\d+\s*=\s*\d`)
	wholeStatement  = pattern(`(?is)^\s*select\s[^;#]+\sfrom\s[^;#]+$`)
	wholeConditions = pattern(`(?i)^[\s(]*` + queryTerm + `[\s)]*(?:\b(?:and|or)\b[\s(]*` + queryTerm + `[\s)]*)*(?:order\s+by\s[\w\s,."]+)?$`)
)

// A term of conditions compares a name with a value, or with a list of them.
const (
	queryTerm  = `(?:not\s+)?(?:[a-z_][\w.\[\]-]*|"")\s*(?:[=!<>~:]{1,2}|\s(?:not\s+in|in|like|is\s+not|is|was|eq|ne|gt|ge|lt|le)\b)\s*` + queryValue
	queryValue = `(?:''|""|[\w.:%*+-]+(?:\(\))?|\((?:\s*(?:''|""|[\w.-]+(?:\(\))?)\s*,?)+\))`
)
