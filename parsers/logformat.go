package parsers

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// NginxLogFormat compiles an nginx log_format: text with $variables or ${variables},
// as nginx sees it after the quotes of its configuration are gone. A template of AWS API
// Gateway, with $context.… in it, is one too. Escape is nginx's
// escape parameter: "default" (or ""), "json" or "none". The format must log a time,
// and a request or a status; variables that say nothing of a Request are read over.
func NginxLogFormat(name, format, escape string) (*Format, error) {
	p, err := compileNginx(format, escape)
	if err != nil {
		return nil, fmt.Errorf("log_format %s: %w", name, err)
	}
	return &Format{
		Name:  name,
		Doc:   "a log_format of nginx\n\n  " + format,
		Given: escape + " " + format,
		New:   func() ParseFunc { return enveloped(p.source()) },
	}, nil
}

// meaning says what a variable's value is to Fields.
type meaning uint8

const (
	unused meaning = iota
	timeMeaning
	remoteMeaning
	forwardedMeaning
	appendedMeaning // X-Forwarded-For with the peer's address at its end
	userMeaning
	requestMeaning
	methodMeaning
	targetMeaning
	argsMeaning
	hostMeaning
	statusMeaning
	bytesMeaning
	durationMeaning
	userAgentMeaning
	refererMeaning
	requestIDMeaning
	apiKeyMeaning
	authorizationMeaning
	cookieMeaning
	tokenMeaning
	sessionMeaning
	tenantMeaning
	askedTenantMeaning
	recordsMeaning
	bodyMeaning
	meanings // their number
)

// A variable is what we know of one of nginx's variables or Apache's directives.
type variable struct {
	meaning meaning
	rank    int // of several variables of one meaning, those of the lowest rank are used; of forwarded addresses, of those with a value
}

// variableOf returns what the variable of that name means.
func variableOf(name string) variable {
	name = strings.ToLower(name)
	if v, ok := variables[name]; ok {
		return v
	}
	for _, prefix := range [...]string{"http_", "sent_http_", "upstream_http_", "arg_", "cookie_", "jwt_claim_", "oidc_claim_"} {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		rest = strings.ReplaceAll(strings.TrimPrefix(rest, "x_"), "_", "")
		switch rest {
		case "apikey":
			return variable{apiKeyMeaning, 0}
		case "authtoken", "accesstoken":
			return variable{tokenMeaning, 0}
		case "tenantid", "tenant", "orgid", "organizationid", "accountid", "workspaceid":
			switch {
			case prefix == "arg_": // which names the tenant asked for
			case prefix == "http_" && rest != "accountid" && rest != "workspaceid":
				return variable{askedTenantMeaning, 0}
			default:
				return variable{tenantMeaning, 0}
			}
		case "requestid", "correlationid":
			return variable{requestIDMeaning, 1}
		}
		switch prefix {
		case "cookie_":
			if strings.Contains(rest, "sess") || rest == "sid" || rest == "connect.sid" {
				return variable{sessionMeaning, 0}
			}
		case "arg_":
			switch rest {
			case "key":
				return variable{apiKeyMeaning, 1}
			case "token":
				return variable{tokenMeaning, 1}
			}
		case "jwt_claim_", "oidc_claim_":
			switch rest {
			case "sub":
				return variable{userMeaning, 1}
			case "org", "organization":
				return variable{tenantMeaning, 0}
			}
		case "sent_http_", "upstream_http_":
			switch rest {
			case "recordcount", "resultcount": // not totalcount: that is the size of the whole collection
				return variable{recordsMeaning, 0}
			case "userid":
				return variable{userMeaning, 1}
			}
		}
	}
	return variable{}
}

// variables are those that go by their whole name.
var variables = map[string]variable{
	"msec":         {timeMeaning, 0},
	"time_iso8601": {timeMeaning, 1},
	"time_local":   {timeMeaning, 2},

	"remote_addr":               {remoteMeaning, 0},
	"realip_remote_addr":        {remoteMeaning, 1},
	"proxy_protocol_addr":       {remoteMeaning, 2},
	"http_x_forwarded_for":      {forwardedMeaning, 0},
	"proxy_add_x_forwarded_for": {appendedMeaning, 0},
	"http_x_real_ip":            {forwardedMeaning, 1},
	"http_forwarded":            {forwardedMeaning, 1},
	"http_cf_connecting_ip":     {forwardedMeaning, 2},
	"http_true_client_ip":       {forwardedMeaning, 2},
	"http_fastly_client_ip":     {forwardedMeaning, 2},
	"remote_user":               {userMeaning, 0},

	"request":        {requestMeaning, 0},
	"request_method": {methodMeaning, 0},
	"request_uri":    {targetMeaning, 0},
	"uri":            {targetMeaning, 1}, // decoded and rewritten
	"document_uri":   {targetMeaning, 1},
	"args":           {argsMeaning, 0},
	"query_string":   {argsMeaning, 0},
	"request_body":   {bodyMeaning, 0},

	"http_host":   {hostMeaning, 0},
	"host":        {hostMeaning, 1},
	"server_name": {hostMeaning, 2},

	"status":                 {statusMeaning, 0},
	"body_bytes_sent":        {bytesMeaning, 0},
	"bytes_sent":             {bytesMeaning, 1},
	"request_time":           {durationMeaning, 0},
	"upstream_response_time": {durationMeaning, 1},
	"http_user_agent":        {userAgentMeaning, 0},
	"http_referer":           {refererMeaning, 0},

	"request_id":         {requestIDMeaning, 0},
	"req_id":             {requestIDMeaning, 0}, // ingress-nginx
	"http_authorization": {authorizationMeaning, 0},
	"http_cookie":        {cookieMeaning, 0},

	// API Gateway's
	"context.requesttimeepoch":       {timeMeaning, 0},
	"context.requesttime":            {timeMeaning, 2},
	"context.identity.sourceip":      {remoteMeaning, 0},
	"context.authorizer.principalid": {userMeaning, 0},
	"context.authorizer.claims.sub":  {userMeaning, 0},
	"context.identity.user":          {userMeaning, 1},
	"context.httpmethod":             {methodMeaning, 0},
	"context.path":                   {targetMeaning, 0},
	"context.resourcepath":           {targetMeaning, 1}, // a template
	"context.routekey":               {requestMeaning, 0},
	"context.domainname":             {hostMeaning, 0},
	"context.status":                 {statusMeaning, 0},
	"context.responselength":         {bytesMeaning, 0},
	"context.responselatency":        {durationMeaning, 0},
	"context.identity.useragent":     {userAgentMeaning, 0},
	"context.requestid":              {requestIDMeaning, 0},
	"context.extendedrequestid":      {requestIDMeaning, 1},
	"context.identity.apikeyid":      {apiKeyMeaning, 0},
}

// logParser is a compiled format, nginx's or Apache's, with the memory of one source.
type logParser struct {
	head    string // what every line begins with
	steps   []logStep
	clock   clock
	raw     bool // escape=none
	targets targets

	// Of the line at hand:
	args      string
	forwarded int // rank of what ForwardedFor was taken from
}

// source returns a parse function for one source.
func (p *logParser) source() ParseFunc {
	own := *p
	return own.parse
}

// A logStep takes one variable's value: all up to the literal text behind it.
type logStep struct {
	meaning meaning
	rank    int    // among forwarded addresses, which are taken from the best that has some
	until   string // "" at the end of the line
	last    bool
	quoted  bool   // until begins with the quote that ends the value
	list    bool   // several values may stand here, joined by ", " or " : "
	number  bool   // what follows until is a number, "-" or nothing,
	timed   bool   // or a time,
	then    string // and this behind it
	words   bool   // the value holds no blank but after a comma
	keep    bool   // until is the beginning of the next value
	bare    bool   // a request without quotes, which holds blanks
	width   int    // the value has at least as many bytes
	unit    time.Duration
	layout  timeLayout // of a time that is not written as all others are
}

func (p *logParser) parse(line string, f *Fields) error {
	f.reset()
	p.args = ""
	rest, ok := strings.CutPrefix(line, p.head)
	if !ok {
		return p.misfit(line, line)
	}
	for i := range p.steps {
		s := &p.steps[i]
		end := s.end(rest, p.raw)
		if end < 0 || s.words && !areWords(rest[:end]) {
			return p.misfit(line, rest)
		}
		if s.meaning != unused {
			if err := p.set(f, s, rest[:end]); err != nil {
				if reason := errorLog(line); reason != "" {
					return &Reject{Reason: reason, Skip: true}
				}
				return err
			}
		}
		rest = rest[end:]
		if !s.keep {
			rest = rest[len(s.until):]
		}
	}
	if f.Time.IsZero() {
		return &Reject{Reason: "no time", Value: line}
	}
	if p.args != "" && f.Target != "" && strings.IndexByte(f.Target, '?') < 0 {
		f.Target = p.targets.join(f.Target, p.args)
	}
	f.splitForwarded()
	return nil
}

// misfit says that the line, from rest on, is not of this format.
func (p *logParser) misfit(line, rest string) error {
	if reason := errorLog(line); reason != "" {
		return &Reject{Reason: reason, Skip: true}
	}
	return &Reject{Reason: "not of this log format", Value: rest}
}

// end returns the index in rest at which the value ends and until begins; -1 if
// that is nowhere.
func (s *logStep) end(rest string, raw bool) int {
	if s.until == "" {
		return len(rest)
	}
	if s.last {
		if n := len(rest) - len(s.until); n >= 0 && rest[n:] == s.until {
			return n
		}
		return -1
	}
	at := s.width
	if s.bare {
		at = max(strings.Index(rest, " HTTP/")+1, 0)
	}
	first := -1
	for at <= len(rest) {
		n := strings.Index(rest[at:], s.until)
		if n < 0 {
			break
		}
		at += n
		switch after := rest[at+len(s.until):]; {
		case s.quoted && !raw && isEscaped(rest, at):
		case s.list && (at > 0 && (rest[at-1] == ',' || rest[at-1] == ':') || strings.HasPrefix(rest[at:], " : ")):
		case s.number && !s.numberFollows(after), s.timed && !s.timeFollows(after):
			if first < 0 {
				first = at
			}
		default:
			return at
		}
		at++
	}
	return first
}

// numberFollows tells whether rest begins with the next value, a number.
func (s *logStep) numberFollows(rest string) bool {
	n := 0
	for n < len(rest) && (isDigit(rest[n]) || rest[n] == '.' || rest[n] == '-') {
		n++
	}
	return strings.HasPrefix(rest[n:], s.then) && (s.then != "" || n == len(rest))
}

// timeFollows tells whether rest may begin with the next value, a time: a user name holds what
// a client likes, also what ends it.
func (s *logStep) timeFollows(rest string) bool {
	const least = len("2006-01-02")
	n := strings.Index(rest[:min(len(rest), maxRareTime+len(s.then))], s.then) // no time is longer
	return n >= least && isDigit(rest[0]) && !strings.ContainsAny(rest[:n], `["`)
}

// areWords tells whether all blanks in s stand after commas.
func areWords(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == ' ' && s[i-1] != ',' {
			return false
		}
	}
	return true
}

// set puts the value of one variable into f. Where several variables tell the same
// thing, the first that has a value holds.
func (p *logParser) set(f *Fields, step *logStep, s string) error {
	switch step.meaning {
	case statusMeaning:
		if !f.setStatus(s) {
			return &Reject{Reason: "status is not a number", Value: s}
		}
		return nil
	case bytesMeaning:
		if !f.setBytes(s) {
			return &Reject{Reason: "bytes are not a number", Value: s}
		}
		return nil
	}
	if s = valueOf(s); s == "" {
		return nil
	}
	if step.meaning == requestMeaning {
		f.setLoggedRequest(s)
		return nil
	}
	if !p.raw {
		s = unescape(s)
	}
	switch step.meaning {
	case timeMeaning:
		t, ok := step.layout.read(s, &p.clock)
		if !ok {
			return &Reject{Reason: "not a time", Value: s}
		}
		f.Time = t
	case durationMeaning:
		if d, ok := parseDecimal(s, step.unit); ok {
			f.Duration = d
		}
	case bodyMeaning:
		setOnce(&f.Body, s)
	case recordsMeaning:
		if v, ok := parseInt(s); ok && v >= 0 {
			f.Records = v
		}
	case appendedMeaning:
		i := strings.LastIndexByte(s, ',')
		setOnce(&f.Remote, strings.TrimSpace(s[i+1:]))
		p.setForwarded(f, step, strings.TrimSpace(s[:max(i, 0)]))
	case remoteMeaning:
		f.Remote = s
	case forwardedMeaning:
		p.setForwarded(f, step, s)
	case userMeaning:
		setOnce(&f.User, s)
	case methodMeaning:
		if isMethod(s) {
			f.Method = s
		}
	case targetMeaning:
		f.Target = s
	case argsMeaning:
		p.args = strings.TrimPrefix(s, "?") // which %q holds
	case hostMeaning:
		f.Host = s
	case userAgentMeaning:
		f.UserAgent = s
	case refererMeaning:
		f.Referer = s
	case requestIDMeaning:
		setOnce(&f.RequestID, s)
	case apiKeyMeaning:
		setOnce(&f.APIKey, s)
	case authorizationMeaning:
		f.Authorization = s
	case cookieMeaning:
		f.Cookie = s
	case tokenMeaning:
		setOnce(&f.Token, s)
	case sessionMeaning:
		setOnce(&f.Session, s)
	case tenantMeaning:
		setOnce(&f.Tenant, s)
	case askedTenantMeaning:
		setOnce(&f.AskedTenant, s)
	}
	return nil
}

// setForwarded takes the addresses of a header unless a better header had some.
func (p *logParser) setForwarded(f *Fields, step *logStep, s string) {
	if s != "" && (f.ForwardedFor == "" || step.rank < p.forwarded) {
		f.ForwardedFor, p.forwarded = s, step.rank
	}
}

// setLoggedRequest takes a request line unless its parts are logged by themselves.
func (f *Fields) setLoggedRequest(s string) {
	var line Fields
	if !line.setRequestLine(s) {
		return
	}
	setOnce(&f.Method, line.Method)
	setOnce(&f.Target, line.Target)
}

// setOnce sets a field that has no value yet.
func setOnce(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// compileNginx turns a log_format into steps.
func compileNginx(format, escape string) (*logParser, error) {
	raw := false
	switch escape {
	case "", "default", "json":
	case "none":
		raw = true
	default:
		return nil, fmt.Errorf("escape %q is not one of default, json, none", escape)
	}
	parts, err := splitNginx(format)
	if err != nil {
		return nil, err
	}
	p, err := compile(parts)
	switch err {
	case nil:
		p.raw = raw
		return p, nil
	case errNoTime:
		return nil, fmt.Errorf("%w: add $time_iso8601, $time_local or $msec", err)
	case errNoRequest:
		return nil, fmt.Errorf("%w: add $request and $status", err)
	}
	return nil, err
}

// Why no Request could come of a format.
var (
	errNoTime    = errors.New("it logs no time")
	errNoRequest = errors.New("it logs neither a request nor a status")
)

// compile turns the parts of a format, of which the first is but text, into steps.
func compile(parts []logPart) (*logParser, error) {
	p := &logParser{}
	p.head = parts[0].literal
	parts = join(parts[1:])

	best := [meanings]int{}
	for m := range best {
		best[m] = 1 << 30
	}
	for _, v := range parts {
		best[v.meaning] = min(best[v.meaning], v.rank)
	}
	has := func(m meaning) bool { return best[m] < 1<<30 }
	switch {
	case !has(timeMeaning):
		return nil, errNoTime
	case !has(requestMeaning) && !has(targetMeaning) && !has(statusMeaning):
		return nil, errNoRequest
	case has(requestMeaning) && best[targetMeaning] > 0:
		best[targetMeaning] = -1 // $request is as sent, $uri is not
	}
	for i, v := range parts {
		last := i == len(parts)-1
		if v.literal == "" && !last {
			return nil, fmt.Errorf("no text stands between %s and %s to tell them apart", v.name, parts[i+1].name)
		}
		step := logStep{
			meaning: v.meaning,
			rank:    v.rank,
			until:   v.literal,
			last:    last,
			quoted:  v.literal != "" && v.literal[0] == '"',
			list:    strings.HasPrefix(v.literal, " ") && v.list,
			keep:    v.keep,
			bare:    v.meaning == requestMeaning && strings.HasPrefix(v.literal, " "),
			width:   v.width,
			unit:    v.unit,
			layout:  v.layout,
		}
		switch v.meaning {
		case remoteMeaning, forwardedMeaning, appendedMeaning, hostMeaning:
			step.words = !step.quoted // in quotes, a client may send what it likes
		}
		if v.rank != best[v.meaning] && v.meaning != forwardedMeaning || v.meaning == argsMeaning && best[targetMeaning] != 1 {
			step.meaning = unused
		}
		if !last && parts[i+1].number {
			step.number, step.then = true, parts[i+1].literal
		} else if !last && parts[i+1].meaning == timeMeaning && parts[i+1].layout == "" {
			step.timed, step.then = true, parts[i+1].literal
		}
		p.steps = append(p.steps, step)
	}
	return p, nil
}

// A logPart is a variable with the text that follows it.
type logPart struct {
	variable
	name    string // as the format has it, "$status"
	literal string
	keep    bool // the literal belongs to the next value

	list   bool // several values may stand here, with blanks between
	number bool // it is a number whenever it has a value
	port   bool // it is the port of the address or host before it
	width  int  // how many bytes the value has at least, where it holds blanks
	unit   time.Duration
	layout timeLayout
}

// splitNginx cuts a format into variables; the first part is the text before them.
func splitNginx(format string) ([]logPart, error) {
	parts := make([]logPart, 1)
	for format != "" {
		i := strings.IndexByte(format, '$')
		if i < 0 {
			i = len(format)
		}
		parts[len(parts)-1].literal += format[:i]
		if format = format[i:]; format == "" {
			break
		}
		name, rest, err := cutVariable(format[1:])
		if err != nil {
			return nil, err
		}
		parts = append(parts, nginxPart(name))
		format = rest
	}
	if len(parts) == 1 {
		return nil, errors.New("it holds no $variable")
	}
	return parts, nil
}

// nginxPart returns what is known of an nginx variable.
func nginxPart(name string) logPart {
	part := logPart{variable: variableOf(name), name: "$" + name, unit: time.Second}
	switch name {
	case "status", "body_bytes_sent", "bytes_sent", "request_length", "request_time", "msec":
		part.number = true
	case "remote_port", "realip_remote_port", "proxy_protocol_port", "proxy_protocol_server_port", "server_port":
		part.port = true
	case "http_x_forwarded_for", "proxy_add_x_forwarded_for", "http_forwarded":
		part.list = true
	case "time_local", "context.requestTime":
		part.width = len(clfTime)
	case "context.status", "context.responseLength":
		part.number = true
	case "context.responseLatency":
		part.number, part.unit = true, time.Millisecond
	default:
		part.list = strings.HasPrefix(name, "upstream_")
	}
	return part
}

// cutVariable cuts "name" or "{name}" off the front.
func cutVariable(s string) (name, rest string, err error) {
	braced := strings.HasPrefix(s, "{")
	if braced {
		s = s[1:]
	}
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] == '_') {
		n++
	}
	if s[:n] == "context" { // API Gateway's, which have dots
		for n < len(s) && (isAlnum(s[n]) || strings.IndexByte("._-", s[n]) >= 0) {
			n++
		}
		n = len(strings.TrimRight(s[:n], ".-"))
	}
	name, rest = s[:n], s[n:]
	if name == "" {
		return "", "", errors.New("a $ stands without the name of a variable")
	}
	if braced {
		var closed bool
		if rest, closed = strings.CutPrefix(rest, "}"); !closed {
			return "", "", fmt.Errorf("${%s has no closing brace", name)
		}
	}
	return name, rest, nil
}

// join makes one of variables whose values make one: an address and its port, a
// path and its query; and finds where a host ends and a path begins.
func join(parts []logPart) []logPart {
	var out []logPart
	for _, v := range parts {
		if len(out) == 0 {
			out = append(out, v)
			continue
		}
		prev := &out[len(out)-1]
		switch {
		case prev.literal == ":" && v.port:
			prev.literal = v.literal
		case prev.literal == "" && prev.meaning == targetMeaning && (v.name == "$is_args" || v.meaning == argsMeaning),
			prev.literal == "?" && prev.meaning == targetMeaning && v.meaning == argsMeaning,
			prev.literal == "" && prev.meaning == unused && v.meaning == unused:
			prev.literal = v.literal
		case prev.literal == " " && prev.meaning == methodMeaning && v.name == "$context.routeKey", // "GET GET /pets"
			prev.literal == " " && prev.meaning == requestMeaning && v.name == "$context.protocol":
			prev.variable, prev.literal = variable{requestMeaning, 0}, v.literal
		case prev.literal == "" && prev.meaning == hostMeaning && v.meaning == targetMeaning:
			prev.literal, prev.keep = "/", true
			out = append(out, v)
		default:
			out = append(out, v)
		}
	}
	return out
}
