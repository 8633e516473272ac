package parsers

import (
	"math"
	"net/url"
	"strings"
	"time"
)

// finish makes of all that was taken one request, or says why there is none.
func (p *jsonParser) finish() error {
	if err := p.assemble(); err != nil {
		return err
	}
	if p.f.Time.IsZero() {
		return &Reject{Reason: reasonNoTime, Value: p.line}
	}
	return nil
}

// assemble is finish for a line that may lack a time: then all else is in place.
func (p *jsonParser) assemble() error {
	f := p.f
	if err := p.otherLine(); err != nil {
		return err
	}
	if p.rest.audit.operation != "" && f.Method == "" && f.Target != "" {
		if p.rest.audit.kind == "request" { // Vault, whose line of the response has it again
			return p.unanswered()
		}
		p.adaptAudit()
	}
	if p.rest.headers != "" {
		p.takeHeaders()
	}
	if p.rest.content != "" && f.Method == "" && f.Target == "" && !p.rest.again {
		p.takeContent()
	}
	p.adapt()
	p.takeRequest()
	request := f.Method != "" && f.Target != ""
	if p.rest.exchange.id != "" && (p.rest.incoming || p.begun.young != nil) {
		if joined, err := p.joinLines(request); joined || err != nil {
			return err
		}
	}
	if !request && (!p.rest.status || p.rest.log && f.Method == "" && f.Target == "") {
		return &Reject{Reason: "not a request", Value: p.line, Skip: p.rest.log}
	}
	if p.rest.audit.failure != "" && p.rest.log && !p.rest.status && f.Remote == "" && f.ForwardedFor == "" { // what went wrong, beside the line of the answer
		return &Reject{Reason: "not a request", Value: p.line, Skip: true}
	}
	if f.Time.IsZero() && p.rest.date != "" && p.rest.hour != "" {
		f.Time, _ = p.clock.read(p.rest.date + " " + p.rest.hour + loggedZone(p.rest.zone))
	}
	p.completeTarget()
	p.completeBody()
	f.splitForwarded()
	return nil
}

// otherLine says of a line why it is none of a request that was answered, nil if it may be.
func (p *jsonParser) otherLine() error {
	switch logger := p.rest.logger; {
	case strings.HasPrefix(logger, "http.log.error"), strings.HasPrefix(logger, "http.handlers."):
		return &Reject{Reason: "Caddy error log line", Value: logger, Skip: true} // the access log has it too
	case p.rest.early, p.rest.started && !p.rest.status:
		return p.unanswered() // the line of its end follows
	case p.rest.module && !p.rest.status:
		return &Reject{Reason: "not a request", Value: p.line, Skip: true}
	}
	return nil
}

// takeRequest takes method and target from a request line, or from what of it stands in its place.
func (p *jsonParser) takeRequest() {
	f := p.f
	if s := p.rest.request; s != "" {
		whole := strings.Contains(s, " HTTP/") && (p.rank[jsonPath] > 0 || p.rank[jsonRequest] == 0)
		if !whole || !f.setRequestLine(s) { // $uri of nginx is what was made of it
			f.setLoggedRequest(s)
		}
		if f.Target == "" && isTarget(s) {
			f.Target = s
		}
		if f.Method == "" && isMethod(s) && s == strings.ToUpper(s) { // Fastly
			f.Method = s
		}
	}
	if f.Method == "" && f.Target != "" && f.Target[0] != '/' { // S3, whose request_uri is all of the line
		if word, _, _ := cutByte(f.Target, ' '); isUsualMethod(word) || strings.Contains(f.Target, " HTTP/") {
			f.setRequestLine(f.Target)
		}
	}
}

// completeTarget has the target bear the query, where the log has that apart from it. Pairs that
// may be of either are the body's where the request sends one.
func (p *jsonParser) completeTarget() {
	f := p.f
	if p.rest.params != "" && p.rest.query == "" && strings.IndexByte(f.Target, '?') < 0 {
		p.rest.query = jsonParameters(p.rest.params, func(string) bool { return false }) // their names are the client's
	}
	if p.rest.pairs != "" && p.rest.query == "" {
		if sendsBody(f.Method) {
			p.rest.said = p.rest.pairs
		} else {
			p.rest.query = p.rest.pairs
		}
	}
	if query := strings.TrimPrefix(p.rest.query, "?"); query != "" && f.Target != "" && strings.IndexByte(f.Target, '?') < 0 {
		f.Target = p.targets.join(f.Target, query)
	}
}

// completeBody has the body be what the line says of it by other names, if it has none by its
// own. A body that may be the answer's is the request's where that sends one.
func (p *jsonParser) completeBody() {
	f := p.f
	switch {
	case f.Body != "":
	case p.rest.said != "" && sendsBody(f.Method):
		f.Body = p.rest.said
	case p.rest.call != "":
		f.Body = "url=" + url.QueryEscape(p.rest.call)
	}
}

// sendsBody tells whether requests of that method have a body.
func sendsBody(method string) bool { return method == "POST" || method == "PUT" || method == "PATCH" }

// adapt makes good what a few products mean by keys that mean something else to others.
func (p *jsonParser) adapt() {
	f := p.f
	if p.rest.refused > 0 && f.Status == 0 { // firewalls answer so unless told otherwise
		f.Status, p.rest.status = p.rest.refused, true
	}
	is := func(marks jsonMark) bool { return p.rest.marks&marks == marks }
	if f.Method == "" && isUsualMethod(p.rest.audit.kind) { // WordPress VIP
		f.Method = p.rest.audit.kind
	}
	if f.Remote == "" && isAddress(p.rest.source) {
		f.Remote = p.rest.source
	}
	if is(markOTLP) { // its body is what the logger says
		p.rest.said = ""
	}
	if p.rest.marks&(markShipped|markHAProxy) != 0 && p.root.isMachine(p.rank[jsonHost], p.rest.marks) {
		f.Host = ""
	}
	if f.Tenant != "" && p.root.isLandlord(p.rank[jsonTenant], p.rest.marks) {
		f.Tenant = ""
	}
	if is(markGateway) && f.APIKey == noTykKey {
		f.APIKey = ""
	}
	switch {
	case is(markPeer) && f.Remote == "" && p.rest.client != "": // Skipper, which has both
		f.Remote = p.rest.client
	case is(markPeer) && f.Remote == "":
		f.Remote, f.Host = f.Host, ""
	case is(markFluent) && f.Remote == "" && isAddress(f.Host): // %h, which it calls a host
		f.Remote, f.Host = f.Host, ""
	case is(markKubernetes):
		f.Method = kubernetesMethod(f.Method)
	case is(markInsights): // how many requests the line stands for
		f.Records = -1
	case is(markF5):
		p.adaptF5()
	case is(markStorage):
		if p.root.gave(accountKey, jsonUser, p.rank[jsonUser]) {
			f.User = ""
		}
		if f.Method == "" && p.rest.verb != "" {
			f.Method = methodOf(p.rest.verb)
		}
	case is(markWSO2) && f.Target != "" && f.Target[0] != '/':
		f.Target = "/" + f.Target
	case is(markHAProxy) && f.Bytes < 0 && p.rest.read > 0:
		f.Bytes = p.rest.read
	case is(markCloudFront): // it encodes what holds blanks
		f.UserAgent, f.Cookie = percentDecodedOnce(f.UserAgent), decodeCookie(f.Cookie, true)
	case is(markAkamai):
		p.adaptAkamai()
	case is(markGrok) && isTarget(p.rest.request):
		p.adaptGrok()
	case is(markIris) && !p.rest.log && f.Method != "" && f.Target != "":
		p.adaptIris()
	default:
		p.adaptDuration(is)
	}
}

// adaptDuration has the duration count what it does in the log of a product that does not say so.
func (p *jsonParser) adaptDuration(is func(jsonMark) bool) {
	switch f := p.f; {
	case is(markRails), is(markAPISIX), is(markGitLab):
		p.count(unit(time.Millisecond))
	case is(markFrontDoor): // Azure's first application gateways call milliseconds the same
		p.count(unit(time.Second))
	case is(markKamal), is(markSyslog), p.rest.ended, is(markBeego) && p.rest.guessed == unit(time.Millisecond): // a time.Duration as it is
		p.count(unit(time.Nanosecond))
	case is(markSlog) && p.rest.capital && p.rest.guessed == unit(time.Millisecond) && f.Duration >= time.Second:
		// A time.Duration as it is, or what somebody counted by himself: as milliseconds it would
		// be long, as nanoseconds short.
		if p.count(unit(time.Nanosecond)); f.Duration < leastOfSlog {
			f.Duration = -1
		}
	case is(markZerolog) && p.rest.guessed == unit(time.Second): // its Dur
		p.count(unit(time.Millisecond))
	}
}

// leastOfSlog is what a number that slog writes is not read below, but in milliseconds: as these,
// it would be longer than any request should take.
const leastOfSlog = 100 * time.Microsecond

// count says what the number counts that was taken for the duration, where the log has
// not said it and it was guessed.
func (p *jsonParser) count(u unit) {
	switch guessed := p.rest.guessed; {
	case guessed == unitUnknown:
	case guessed > u:
		p.f.Duration /= time.Duration(guessed / u)
	case p.f.Duration < math.MaxInt64/time.Duration(u/guessed):
		p.f.Duration *= time.Duration(u / guessed)
	}
}

// adaptAudit makes of what an audit trail says of a request its method and status: that of Vault and
// OpenBao, or of MinIO, which has the status.
func (p *jsonParser) adaptAudit() {
	f, audit := p.f, p.rest.audit
	f.Method = methodOf(audit.operation)
	if f.Target[0] != '/' {
		f.Target = "/v1/" + f.Target
	}
	if audit.kind != "response" || p.rest.status {
		return
	}
	p.rest.status = true
	switch {
	case audit.failure == "":
		f.Status = 200
	case strings.Contains(audit.failure, "permission denied"):
		f.Status = 403
	case strings.Contains(audit.failure, "unsupported path"):
		f.Status = 404
	case strings.Contains(audit.failure, "internal error"):
		f.Status = 500
	default:
		f.Status = 400
	}
}

// methodOf returns the method by which an operation is asked for, of which the name begins with a
// verb: "GetObject", "read".
func methodOf(operation string) string {
	n := 1
	for n < len(operation) && operation[n] >= 'a' && operation[n] <= 'z' {
		n++
	}
	switch strings.ToLower(operation[:n]) {
	case "get", "read", "list", "help":
		return "GET"
	case "head":
		return "HEAD"
	case "put", "copy":
		return "PUT"
	case "delete":
		return "DELETE"
	case "patch":
		return "PATCH"
	}
	return "POST"
}

// kubernetesMethod returns the method that a verb of Kubernetes stands for; what is none is a
// method already.
func kubernetesMethod(verb string) string {
	switch strings.ToLower(verb) {
	case "list", "watch":
		return "GET"
	case "create":
		return "POST"
	case "update":
		return "PUT"
	case "apply":
		return "PATCH"
	case "deletecollection":
		return "DELETE"
	}
	return verb
}

// adaptGrok undoes how Logstash's patterns name things: what was asked for is the request, beside
// which the path is a file's and the host a machine, and quotes are left around what had some.
func (p *jsonParser) adaptGrok() {
	f := p.f
	f.Target, p.rest.request, f.Host = p.rest.request, "", ""
	f.UserAgent, f.Referer = valueOf(strings.Trim(f.UserAgent, `"`)), valueOf(strings.Trim(f.Referer, `"`))
	if v := digits(p.rest.response); len(p.rest.response) == 3 && v > 0 && !p.rest.status {
		f.Status, p.rest.status = v, true
	}
}

// adaptIris undoes that Iris calls the body that was sent the request, and has parameters that are
// parts of the path. Its durations are a time.Duration as it is.
func (p *jsonParser) adaptIris() {
	p.f.Body, p.rest.request, p.rest.pairs = p.rest.request, "", ""
	if p.rest.guessed == unit(time.Millisecond) {
		p.count(unit(time.Nanosecond))
	}
}

// adaptF5 undoes that F5 names whoever sent a request, by a cookie or an address, a user.
func (p *jsonParser) adaptF5() {
	f := p.f
	if strings.HasPrefix(f.User, "IP-") {
		f.User = ""
	}
	if cookie, found := strings.CutPrefix(f.User, "Cookie-"); found {
		f.User, f.Session = "", cookie
	}
}

// noTykKey is what Tyk writes of a request without a key.
const noTykKey = "00000000"

// adaptAkamai undoes how DataStream writes: percent-encoded, blanks also as pluses, and
// paths without the slash they begin with.
func (p *jsonParser) adaptAkamai() {
	f := p.f
	if strings.IndexByte(f.UserAgent, ' ') < 0 && !strings.Contains(f.UserAgent, "%20") {
		f.UserAgent = strings.ReplaceAll(f.UserAgent, "+", " ")
	}
	f.UserAgent, f.Referer, f.Cookie = percentDecodedOnce(f.UserAgent), percentDecodedOnce(f.Referer), percentDecodedOnce(f.Cookie)
	f.ForwardedFor = percentDecodedOnce(f.ForwardedFor)
	if f.Target != "" && f.Target[0] != '/' && f.Target != "*" {
		f.Target = "/" + f.Target
	}
}

// loggedZone returns the offset from UTC that a zone tells, "+0200" or "(GMT+1:00)Brussels", as it
// is written behind a time; "" if it tells none.
func loggedZone(zone string) string {
	zone, _, _ = cutByte(strings.TrimPrefix(zone, "(GMT"), ')')
	if zone == "" || zone[0] != '+' && zone[0] != '-' {
		return ""
	}
	if len(zone) == len("+1:00") && zone[2] == ':' {
		zone = zone[:1] + "0" + zone[1:]
	}
	if _, ok := parseZone(zone); !ok {
		return ""
	}
	return zone
}
