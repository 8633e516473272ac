package parsers

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// take uses the value of a key, which stays where it is, for the first of its meanings that
// it fits, unless a better key came before.
func (p *jsonParser) take(node *jsonNode, value string) {
	p.rest.marks |= node.mark
	if value == "" || value == "-" {
		return
	}
	for _, use := range node.uses {
		if use.rank < p.rank[use.field] && p.set(use, value) {
			p.rank[use.field] = use.rank
			if use.rank > 0 { // a key placed by hand may serve several fields
				return
			}
		}
	}
}

// set puts a value into its field and tells whether it fits.
func (p *jsonParser) set(use jsonUse, s string) bool {
	f := p.f
	switch use.field {
	case jsonTime:
		return p.setTime(s)
	case jsonStatus:
		return p.setStatus(s)
	case jsonDuration:
		return p.setDuration(s, use.unit)
	case jsonBytes:
		return setCount(&f.Bytes, s)
	case jsonRecords:
		return setCount(&f.Records, s)
	case jsonRead:
		p.rest.read, _ = wholeNumber(s)
	case jsonMethod:
		if !isMethod(s) {
			return false
		}
		f.Method = upperMethod(s)
	case jsonPath:
		if s[0] != '/' && strings.Contains(s, "::") { // tracing's target
			p.rest.module = true
			return false
		}
		f.Target = s
	case jsonRequest:
		p.rest.request = djangoRequest(s)
	case jsonClient:
		if s == "0.0.0.0" { // as Application Insights writes all of them
			return false
		}
		f.Remote = s
	case jsonHost:
		if s[0] == '[' && isMasked(s) { // as ASP.NET does with all headers
			return false
		}
		p.rest.client, f.Host = f.Host, s
	case jsonForwardedFor, jsonAPIKey, jsonAuthorization, jsonCookie, jsonToken, jsonSession:
		if isMasked(s) {
			return false
		}
		*p.place(use.field) = s
	case jsonRequestID:
		f.RequestID = s
		if p.rest.exchange.id == "" { // a header may name another
			p.rest.exchange.id = s
		}
	case jsonSaid:
		if s[0] != '{' && s[0] != '[' { // what a logger says
			return false
		}
		p.rest.said = s
	case jsonContent:
		text, found := strings.CutPrefix(s, "[HTTP] ")
		p.rest.content = text
		return found
	case jsonLogger, jsonLevel, jsonMessage:
		p.setLogger(use.field, s)
	case jsonAction:
		p.setAction(s)
	case jsonAudit:
		p.setAudit(s)
	default:
		*p.place(use.field) = s
	}
	return true
}

// place returns where a value belongs that is kept as it is logged.
func (p *jsonParser) place(field jsonField) *string {
	switch field {
	case jsonForwardedFor:
		return &p.f.ForwardedFor
	case jsonUser:
		return &p.f.User
	case jsonQuery:
		return &p.rest.query
	case jsonUserAgent:
		return &p.f.UserAgent
	case jsonReferer:
		return &p.f.Referer
	case jsonAPIKey:
		return &p.f.APIKey
	case jsonAuthorization:
		return &p.f.Authorization
	case jsonCookie:
		return &p.f.Cookie
	case jsonToken:
		return &p.f.Token
	case jsonTokenID:
		return &p.f.TokenID
	case jsonSession:
		return &p.f.Session
	case jsonTenant:
		return &p.f.Tenant
	case jsonAskedTenant:
		return &p.f.AskedTenant
	case jsonBody:
		return &p.f.Body
	case jsonMachine:
		return &p.rest.exchange.machine
	case jsonProcess:
		return &p.rest.exchange.process
	case jsonCall:
		return &p.rest.call
	case jsonResponse:
		return &p.rest.response
	case jsonOperation:
		return &p.rest.audit.operation
	case jsonKind:
		return &p.rest.audit.kind
	case jsonFailure:
		return &p.rest.audit.failure
	case jsonSource:
		return &p.rest.source
	case jsonZone:
		return &p.rest.zone
	case jsonVerb:
		return &p.rest.verb
	case jsonHeaders:
		return &p.rest.headers
	}
	panic("parsers: what a key of JSON means is not set: " + strconv.Itoa(int(field)))
}

// setTime sets the time, or keeps what is but a date or the time of day.
func (p *jsonParser) setTime(s string) bool {
	if !isAlnum(s[0]) || !isAlnum(s[len(s)-1]) {
		s = strings.Trim(s, "[]")
	}
	t, ok := p.clock.read(s)
	switch {
	case ok:
		p.f.Time = t
	case len(s) == len("2006-01-02") && s[4] == '-':
		p.rest.date = s
	case len(s) >= len("15:04:05") && s[2] == ':' && s[5] == ':':
		p.rest.hour = s
	}
	return ok
}

func (p *jsonParser) setStatus(s string) bool {
	v := digits(s)
	if len(s) > 3 || v < 0 {
		if v = looseStatus(s); v < 0 {
			return false
		}
	}
	p.f.Status, p.rest.status = v, true
	return true
}

func (p *jsonParser) setDuration(s string, u unit) bool {
	d, ok := parseDuration(s, u)
	if !ok {
		return false
	}
	p.f.Duration, p.rest.guessed = d, unitUnknown
	if u == unitUnknown && isDigit(s[len(s)-1]) {
		p.rest.guessed = guessUnit(s)
	}
	return true
}

// setCount sets a number of bytes or records.
func setCount(count *int64, s string) bool {
	v, ok := wholeNumber(s)
	if !ok || v < 0 {
		return false
	}
	*count = v
	return true
}

// setLogger takes note of what a logger adds to all that it writes, and of what that says of the line.
func (p *jsonParser) setLogger(field jsonField, s string) {
	p.rest.log = true
	switch field {
	case jsonLogger:
		p.rest.logger = s
	case jsonLevel:
		p.rest.capital = s[0] >= 'A' && s[0] <= 'Z'
		p.rest.again = s == "slow" // go-zero's
	case jsonMessage:
		if s == "started handling request" || strings.HasPrefix(s, "Request starting ") { // logrus, as negroni and Ory use it; ASP.NET
			p.rest.started = true
		}
		p.rest.ended = s == "completed handling request"
		p.rest.incoming = s == "incoming request"
	}
}

// setAction takes note of what was done with the request, or of how far it has come.
func (p *jsonParser) setAction(s string) {
	switch s {
	case "BLOCK", "Blocked", "blocked": // AWS WAF, Azure, BIG-IP
		p.rest.refused = 403
	case "request_started": // django-structlog
		p.rest.started = true
	case "RequestReceived", "ResponseStarted", "REQUEST_IN", "REQUEST_OUT", "RESPONSE_IN": // Kubernetes, WSO2
		p.rest.early = true
	default:
		if s[0] == '/' && p.f.Target == "" { // what authentik logs is what was asked for
			p.f.Target = s
		}
	}
}

// setAudit takes note of what Elasticsearch audits.
func (p *jsonParser) setAudit(s string) {
	p.rest.log = true
	switch s {
	case "authentication_failed", "realm_authentication_failed", "anonymous_access_denied":
		p.rest.refused = 401
	case "access_denied", "run_as_denied":
		p.rest.refused = 403
	}
}

// takeContent takes what go-zero writes of a request as one text: "404 - GET /users?page=2 -
// 203.0.113.9:40000 - curl/8.5.0". Behind the user agent, on lines of its own, may stand the request whole.
// In the place of the address stands X-Forwarded-For, if there is one.
func (p *jsonParser) takeContent() {
	const dash = " - "
	f := p.f
	text, _, _ := cutByte(p.rest.content, '\n')
	status, text, _ := strings.Cut(text, dash)
	request, text, found := strings.Cut(text, dash)
	address, agent, _ := strings.Cut(text, dash)
	method, target, _ := cutByte(request, ' ')
	if !found || !isStatus(status) || !isMethod(method) || !isTarget(target) {
		return
	}
	f.Status, p.rest.status = digits(status), true
	f.Method, f.Target, f.UserAgent = method, target, agent
	if isAddress(address) {
		f.Remote = address
		return
	}
	f.ForwardedFor = address
}

// takeHeaders takes the headers of the request that the line has as one text.
func (p *jsonParser) takeHeaders() {
	headers := p.root.find("headers")
	for line := range strings.Lines(percentDecodedOnce(p.rest.headers)) {
		name, value, _ := cutByte(line, ':')
		if node := headers.find(name); node != nil {
			p.take(node, strings.TrimSpace(value))
		}
	}
}

// upperMethod returns a method that is written in small letters, as hapi does, as it was sent.
func upperMethod(s string) string {
	if s[0] < 'a' {
		return s
	}
	switch s {
	case "get":
		return "GET"
	case "post":
		return "POST"
	case "head":
		return "HEAD"
	case "put":
		return "PUT"
	case "delete":
		return "DELETE"
	case "options":
		return "OPTIONS"
	case "patch":
		return "PATCH"
	}
	return s
}

// djangoRequest returns the request in "<WSGIRequest: GET '/users'>", as Django prints one; all
// else it returns as it is.
func djangoRequest(s string) string {
	kind, request, found := strings.Cut(s, "Request: ")
	if !found || kind != "<WSGI" && kind != "<ASGI" {
		return s
	}
	method, target, _ := strings.Cut(strings.TrimSuffix(request, "'>"), " '")
	return method + " " + target
}

// looseStatus reads a status that is written otherwise than as three digits: "200 OK", or 200.0,
// which is what a number becomes that has passed through Lua or a table of floats. It is -1
// if s is none.
func looseStatus(s string) int {
	if number, _, words := cutByte(s, ' '); words && len(number) == 3 {
		return digits(number)
	}
	v, ok := wholeNumber(s)
	if !ok || v < 0 || v > 999 {
		return -1
	}
	return int(v)
}

// wholeNumber reads an integer, also one that is written with a point or an exponent.
func wholeNumber(s string) (int64, bool) {
	if v, ok := parseInt(s); ok || len(s) > 32 || !strings.ContainsAny(s, ".eE") {
		return v, ok
	}
	const most = 1 << 53 // what lies beyond is not exact
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v != math.Trunc(v) || math.Abs(v) > most {
		return 0, false
	}
	return int64(v), true
}

// A unit is what a number stands for where a duration is meant.
type unit time.Duration

const (
	// unitUnknown leaves it to the number: a fraction is in seconds, a large integer in
	// nanoseconds, any other in milliseconds.
	unitUnknown unit = 0
	// unitWhole is what Traefik and ASP.NET count: nanoseconds as a whole number, milliseconds
	// with a fraction.
	unitWhole unit = -1
	// unitNginx is seconds, as nginx writes them: with decimals. Who calls a time by nginx's name for it
	// and has none counts something else, Alibaba's CDN milliseconds.
	unitNginx unit = -2
)

// parseDuration reads a number of units, or a number with its unit: "1.2ms".
func parseDuration(s string, u unit) (time.Duration, bool) {
	if c := s[len(s)-1] | 0x20; c >= 'a' && c <= 'z' {
		d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
		return d, err == nil && d >= 0
	}
	switch {
	case u == unitUnknown:
		u = guessUnit(s)
	case u == unitWhole && allDigits(s):
		u = unit(time.Nanosecond)
	case u == unitWhole:
		u = unit(time.Millisecond)
	case u == unitNginx && allDigits(s) && s != "0":
		return 0, false
	case u == unitNginx:
		u = unit(time.Second)
	}
	return parseDecimal(s, time.Duration(u))
}

// guessUnit returns what a number that is a duration counts.
func guessUnit(s string) unit {
	switch {
	case !allDigits(s):
		return unit(time.Second)
	case len(s) > 6:
		return unit(time.Nanosecond)
	}
	return unit(time.Millisecond)
}
