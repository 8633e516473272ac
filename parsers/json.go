package parsers

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/valyala/fastjson"
)

// JSONConfig says where a JSON log keeps what. The zero value leaves it all to
// guessing.
type JSONConfig struct {
	// Fields maps names of JSONFields to keys of the log, as written there; dots
	// lead into objects ("request.headers.X-Tenant"). What the keys hold goes
	// before anything guessed.
	Fields map[string]string
}

// Check returns an error if a name in Fields is none of JSONFields, or its key is empty.
func (c JSONConfig) Check() error {
	names := JSONFields()
	for name, key := range c.Fields {
		if !slices.Contains(names, name) {
			return fmt.Errorf("json: no field %q: the fields are %s", name, strings.Join(names, ", "))
		}
		if key == "" {
			return fmt.Errorf("json: field %s: no key", name)
		}
	}
	return nil
}

// JSONFields returns the names by which JSONConfig knows the fields.
func JSONFields() []string { return slices.Clone(jsonFieldNames[:]) }

// text names the mapping: "" if there is none.
func (c JSONConfig) text() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		fmt.Fprintf(&b, "%s=%q\n", name, c.Fields[name])
	}
	return b.String()
}

// JSON reads logs of one JSON object a line. Names in c that Check refuses are
// passed over.
func JSON(c JSONConfig) *Format {
	return &Format{
		Name:  "json",
		Given: c.text(),
		Doc: `one JSON object a line, keys guessed

Known are the keys of nginx and HAProxy templates, Caddy, Traefik, Envoy, Skipper, Kong, Tyk, APISIX,
Pomerium, Oathkeeper, RoadRunner, Beego, go-zero, Iris, GitLab, authentik, Cloudflare Logpush and Workers, Akamai's DataStream 2 and SIEM, Google Cloud load
balancing, AWS API Gateway, VPC Lattice and WAF and the events of Lambda, Azure
Application Gateway, Front Door and App Service, Oracle's load balancers, Alibaba's load balancers and CDN, OVH's, Tencent's and Yandex's load balancers, CacheFly, Fastly, Vercel, Railway, Supabase, Elastic
Common Schema, OpenTelemetry, also as its Collector writes batches to files, WSO2's API log,
Hasura, F5's Distributed Cloud and what its BIG-IP streams, the audit logs of ModSecurity and Coraza, what Zeek and Suricata see of
HTTP, and of the
usual loggers of Go, Node, Python, Ruby, Elixir and Java, whatever their case and whether
their words are joined by "_", "-" or nothing; objects within are looked into, and one in Azure's "properties"
if it is a string, too. Times may be RFC 3339, common log format, numbers since 1970, and
what the languages write by themselves: "Sun Mar  1 10:00:00 2026", Go's with the name of
its zone, "3/1/2026, 10:00:00 AM" of the United States. Where a day could come before its
month, or a zone is a name of several, the time is not read.

The clients of Beego, go-zero and Iris are whom these took for them, by headers that any client may
send where no proxy sets them.

A duration is what its key says it counts ("duration_ms"), else a text with its unit
("1.2ms"), else what its product writes: milliseconds for APISIX, lograge and zerolog
(told by level, message and time), nanoseconds for Traefik, kamal-proxy, Beego, Iris, LoggerJSON, logrus behind
negroni, and slog (told by time, LEVEL and msg) from 100,000 on; what it writes from 1,000 on
could be either and is left out. So is a request_time without the decimals that nginx writes. What is left is
seconds if it has a decimal point, as Caddy, zap and nginx have it, nanoseconds if it has more than six digits, and else milliseconds.

Whose account the service runs under is no tenant of its own: Kong's workspace, the
organization of Apigee, Tyk and Cloud Foundry, the tenant of F5 and the partition of its BIG-IP, the account of Amazon and Netlify, and Azure
Monitor's TenantId are left alone, unless the site's config names them.

The audit trails of Azure's storage, Kubernetes (as is what its API server logs), Vault and OpenBao, MinIO and Elasticsearch are read as the requests they tell
of: a method is what the operation's verb stands for, and a status, where there is none, what a
refusal is answered with. Of Vault's two lines, and of all that Kubernetes and WSO2 write of a
request, the one of the response is read.

Fastify tells of a request in two lines, which are put together: the time is that of the
answer.

The rows of CSV whose first row names its columns by such keys are read as objects. One
may stand in a line of a JSON array, but not over several. Of what Splunk is sent it is the event. Text before an object is
skipped. A request that a firewall's log says was blocked has the status 403 if
none is given. What a template without escape=json spoils ("k":, and "k":0.1, 0.2 and
\x22) is repaired. Of a line that is cut at 1 MiB all is read that is whole. Lines of
other loggers, which hold neither a request nor a status, are skipped.`,
		Samples: []string{
			`{"time":"2026-03-01T10:00:00+00:00","remote_addr":"203.0.113.9","request_method":"GET","request_uri":"/api/users?page=2","status":200,"body_bytes_sent":1043,"request_time":0.012,"http_user_agent":"curl/8.5.0","http_x_api_key":"k-1234"}`,
			`{"level":"info","ts":1772359200.186641,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"203.0.113.9","remote_port":"40000","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"POST","host":"api.example.com","uri":"/login","headers":{"User-Agent":["curl/8.5.0"],"Authorization":["REDACTED"]}},"bytes_read":20,"user_id":"","duration":0.000311,"size":17,"status":401}`,
			`{"ClientIP":"2001:db8::7","ClientRequestHost":"api.example.com","ClientRequestMethod":"GET","ClientRequestURI":"/v1/items","EdgeResponseBytes":570,"EdgeResponseStatus":404,"EdgeStartTimestamp":1772359200123000000,"RayID":"761fde4e984e5ab2"}`,
			`{"level":30,"time":1772359200123,"pid":1,"hostname":"web-1","req":{"id":7,"method":"GET","url":"/v1/items","headers":{"host":"api.example.com","user-agent":"curl/8.5.0"},"remoteAddress":"203.0.113.9","remotePort":40000},"res":{"statusCode":200},"responseTime":3,"msg":"request completed"}`,
		},
		Headers: []string{fastifyBegin},
		New:     func() ParseFunc { return enveloped(newJSONParser(c).parse) },
	}
}

func newJSONParser(c JSONConfig) *jsonParser {
	return &jsonParser{root: jsonTree(c), keys: map[jsonKey]seenKey{}}
}

// Bounds on a JSON log. Memory follows the lines: a parser that a line beyond
// largeLine has swollen is dropped.
const (
	maxJSONLine = 1 << 20
	largeLine   = 64 << 10
	maxKeys     = 4096 // distinct keys remembered, of at most maxKeyLen bytes
	maxShape    = 256  // keys of a line remembered in their order
	maxWrapper  = 4    // keys of an object that holds but records
	maxAround   = 1024 // bytes that an envelope takes of a line that is cut at maxJSONLine
)

// splunkKey is a key of what Splunk is sent, around an event.
const splunkKey = "sourcetype"

// reasonNoTime is that of an object which lacks a time and nothing else: the Fields
// hold the rest, and an envelope may have the time.
const reasonNoTime = "no time found in the JSON object"

// reasonUnanswered is that of a line which tells of a request that a later one tells more of.
const reasonUnanswered = "request not answered yet"

// jsonParser reads one source.
type jsonParser struct {
	root  *jsonNode
	json  fastjson.Parser
	inner fastjson.Parser // of an object that stands in a string of the line's
	token fastjson.Parser // of a string with escapes
	clock clock

	targets targets

	begun     begunLines // of requests that a later line tells the answer of
	answering bool       // a line of begun is read

	keys  map[jsonKey]seenKey // the keys met so far
	shape []seenKey           // those of the last line, in order: most lines have the same

	// Of the line at hand:
	line string
	at   int // where in line the next value is looked for that was copied
	away int // how many values were looked for and not found
	key  int // how long its key is
	nth  int // number of the next key
	text []byte
	f    *Fields

	around time.Time             // what stands around the object tells, if it has none
	cut    bool                  // the line is about as long as lines are read: its end may be missing
	nested bool                  // the walk is in an object that stands in a string
	rank   [jsonFieldCount]uint8 // of the key a field was taken from
	rest   jsonRest
}

// jsonRest is what a line says beyond its Fields.
type jsonRest struct {
	request  string // request line
	query    string
	params   string // the parameters of the query as a JSON object
	pairs    string // those of the query or the body, in the form of a query
	call     string // a URL that the application is asked to call
	said     string // a JSON body, of the request if that has one
	response string // a status, perhaps
	client   string // the host, before another was found: perhaps the client's
	audit    jsonAuditRest
	read     int64  // bytes of the response, perhaps, if not 0
	date     string // where the log has it apart from
	hour     string // the time of day
	zone     string // of both, as logged
	source   string // an address, perhaps
	verb     string // begins with it, perhaps
	headers  string // of the request, percent-encoded
	content  string // of go-zero's line of a request
	logger   string
	status   bool // a status was given
	log      bool // it bears the marks of a logger: a level or a message
	refused  int  // the status with which a firewall, or who checks who asks, answers; 0 if it did not
	started  bool // it tells of a request that another line will tell more of
	early    bool // it is one of several of a request, and not the last
	again    bool // another line tells all of what it does
	ended    bool // it is such another
	capital  bool // its level is in capitals
	incoming bool // it is what Fastify writes of a request before that is answered
	exchange exchange
	module   bool // what wrote it is named as Rust does: it may tell of anything while a request is answered
	marks    jsonMark
	guessed  unit // what the duration was taken to count; unitUnknown if the log says it
}

// jsonAuditRest is what an audit trail says of a request in place of a method and a status.
type jsonAuditRest struct{ operation, kind, failure string }

// jsonKey is a key below a node.
type jsonKey struct {
	parent *jsonNode
	key    string
}

// seenKey is a key that was met and what it leads to; node is nil if to nothing.
type seenKey struct {
	jsonKey
	node  *jsonNode
	plain bool // isPlainKey
}

func (p *jsonParser) parse(line string, f *Fields) error {
	f.reset()
	if p.begin(line, f); p.walkPlain() {
		return p.finish()
	}
	return p.parseAny(line, f)
}

// parseAny is parse for whatever a line may hold.
func (p *jsonParser) parseAny(line string, f *Fields) error {
	f.reset()
	if len(line) > largeLine {
		defer func() { p.json, p.inner = fastjson.Parser{}, fastjson.Parser{} }()
	}
	object, repaired, err := p.object(line)
	if err != nil {
		return err
	}
	p.begin(repaired, f)
	p.walk(object, p.root)
	p.line = trimArray(line) // as logged, for the reject
	if err = p.finish(); err != nil && rejectOf(err).Reason == reasonNoTime && !p.around.IsZero() {
		f.Time, err = p.around, nil
	}
	if err != nil && p.cut && rejectOf(err).Skip { // what it is may stand in the rest
		return &Reject{Reason: "not a request, up to where the line was cut", Value: p.line}
	}
	return err
}

// begin turns to a line, of which nothing has been taken.
func (p *jsonParser) begin(line string, f *Fields) {
	p.line, p.at, p.away, p.nth, p.f = line, 0, 0, 0, f
	p.rank = noRanks
	p.rest = jsonRest{}
}

// object returns the object that the line holds, good until the next is read, and its
// text.
func (p *jsonParser) object(whole string) (object *fastjson.Object, line string, err error) {
	line = trimArray(whole)
	if line == "" || line[0] != '{' || line == "{" {
		return nil, "", noObject(whole)
	}
	if len(line) > maxJSONLine {
		return nil, "", &Reject{Reason: "JSON object too long", Value: whole}
	}
	p.cut = len(whole) > maxJSONLine-maxAround
	if strings.Contains(line, `\x`) {
		line = repairJSON(line)
	}
	v, err := p.json.Parse(line)
	if err != nil {
		line = shallow(repairJSON(line))
		if v, err = p.json.Parse(line); err != nil && p.cut {
			line = uncut(line)
			v, err = p.json.Parse(line)
		}
		if err != nil {
			if whole[0] == '[' {
				return nil, "", &Reject{Reason: reasonArray, Value: whole}
			}
			return nil, "", &Reject{Reason: "not valid JSON", Value: whole}
		}
	}
	if object, err = v.Object(); err != nil {
		return nil, "", &Reject{Reason: "not a JSON object", Value: whole}
	}
	p.around = time.Time{}
	if object.Get(splunkKey) != nil {
		if event := object.Get("event"); event != nil && event.Type() == fastjson.TypeObject {
			p.around = stamp(object.Get("time"))
			object, _ = event.Object()
		}
		return object, line, nil
	}
	if object.Len() > maxWrapper {
		return object, line, nil
	}
	records := object.Get("records") // Azure's
	if records == nil || records.Type() != fastjson.TypeArray {
		return object, line, nil
	}
	list, _ := records.Array()
	if len(list) == 1 && list[0].Type() == fastjson.TypeObject {
		object, _ = list[0].Object()
		return object, line, nil
	}
	return nil, "", &Reject{Reason: reasonBatch, Value: whole}
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

// noRanks are the ranks of a line from which nothing has been taken.
var noRanks = func() (ranks [jsonFieldCount]uint8) {
	for i := range ranks {
		ranks[i] = 0xff
	}
	return ranks
}()

// walk takes from the object what the node and those below it mean.
func (p *jsonParser) walk(object *fastjson.Object, node *jsonNode) {
	object.Visit(func(key []byte, v *fastjson.Value) {
		child := p.child(node, textOf(key))
		if child == nil {
			return
		}
		p.key = len(key)
		kind := v.Type()
		if (kind == fastjson.TypeObject || kind == fastjson.TypeArray) && child.isBody() {
			p.takeBody(child, v)
			return
		}
		if kind == fastjson.TypeArray { // Caddy's headers: the first of several
			values, _ := v.Array()
			if len(values) == 0 {
				return
			}
			if child.means(jsonParams) {
				p.rest.pairs = joinPairs(values)
				return
			}
			if child.means(jsonQuery) && values[0].Exists("key") && p.rest.query == "" { // Iris's
				p.rest.query = joinPairs(values)
				return
			}
			if values[0].Exists("name") || values[0].Exists("key") && values[0].Exists("value") {
				p.pairs(values, child)
				return
			}
			if len(values) > 1 && child.means(jsonForwardedFor) {
				p.takeCopy(child, joinTexts(values))
				return
			}
			v = values[0]
			kind = v.Type()
		}
		switch kind {
		case fastjson.TypeObject:
			if child.means(jsonQuery) {
				p.takeParams(string(v.MarshalTo(nil)))
			}
			if object, err := v.Object(); err == nil && child.leads() {
				p.walk(object, child)
			}
		case fastjson.TypeString:
			text, _ := v.StringBytes()
			if child.text && p.walkText(text, child) {
				return
			}
			p.takeCopy(child, text)
		case fastjson.TypeNumber:
			p.text = v.MarshalTo(p.text[:0])
			p.takeCopy(child, p.text)
		}
	})
}

// joinTexts returns the strings among the values as one list: so do several headers of one name
// stand for one.
func joinTexts(values []*fastjson.Value) []byte {
	var list []byte
	for _, v := range values[:min(len(values), maxShape)] {
		text, err := v.StringBytes()
		if err != nil {
			continue
		}
		if len(list) > 0 {
			list = append(list, ", "...)
		}
		list = append(list, text...)
	}
	return list
}

// takeParams takes an object as which the parameters of the query stand in the line.
func (p *jsonParser) takeParams(object string) {
	if p.rest.params == "" && object != "{}" {
		p.rest.params = object
	}
}

// joinPairs returns, in the form of a query, the parameters of a request as Rails logs them for
// GitLab: [{"key":…,"value":…}]. It is "" if the values are none.
func joinPairs(values []*fastjson.Value) string {
	var b strings.Builder
	for _, v := range values[:min(len(values), maxShape)] {
		name, value := v.GetStringBytes("key"), v.Get("value")
		if name == nil || value == nil {
			return ""
		}
		switch value.Type() {
		case fastjson.TypeString:
			addParameter(&b, textOf(name), textOf(value.GetStringBytes()))
		case fastjson.TypeNumber:
			addParameter(&b, textOf(name), value.String())
		case fastjson.TypeObject: // {"login":"alice"}, which was sent as user[login]=alice
			object, _ := value.Object()
			object.Visit(func(key []byte, value *fastjson.Value) {
				if text, err := value.StringBytes(); err == nil {
					addParameter(&b, textOf(name)+"["+textOf(key)+"]", textOf(text))
				}
			})
		}
	}
	return b.String()
}

// takeBody takes a body that stands in the line as JSON, or what an object says of it.
func (p *jsonParser) takeBody(node *jsonNode, v *fastjson.Value) {
	object, err := v.Object()
	if err == nil && node.leads() {
		p.walk(object, node)
	}
	if err == nil && object.Len() == 1 && object.Get("bytes") != nil { // Elastic's, of which but the size is logged
		return
	}
	if p.f.Body == "" {
		p.text = v.MarshalTo(p.text[:0])
		p.takeCopy(node, p.text)
	}
}

// walkText takes from the object that stands in a string what the node and those below it
// mean, and tells whether there is one. In it, no string is looked into again.
func (p *jsonParser) walkText(text []byte, node *jsonNode) bool {
	if p.nested {
		return false
	}
	object := p.textObject(text)
	if object == nil {
		return false
	}
	p.nested = true
	p.walk(object, node)
	p.nested = false
	return true
}

// textObject returns the object that the text is, nil if it is none.
func (p *jsonParser) textObject(text []byte) *fastjson.Object {
	if len(text) == 0 || text[0] != '{' {
		return nil
	}
	v, err := p.inner.ParseBytes(text)
	if err != nil {
		return nil
	}
	object, _ := v.Object()
	return object
}

// pairs takes from a list of {"name":…,"value":…}, as which AWS WAF writes headers, or of
// {"key":…,"value":{"stringValue":…}}, as which OTLP writes attributes, what the node and
// those below it mean.
func (p *jsonParser) pairs(values []*fastjson.Value, node *jsonNode) {
	for _, v := range values[:min(len(values), maxShape)] {
		key := v.GetStringBytes("name")
		if key == nil {
			key = v.GetStringBytes("key")
		}
		if child := p.child(node, textOf(key)); child != nil {
			p.takeTyped(child, v.Get("value"))
		}
	}
}

// takeTyped takes the value of a pair: a text, or an object that holds it by the name of its type.
func (p *jsonParser) takeTyped(node *jsonNode, v *fastjson.Value) {
	switch {
	case v == nil:
	case v.Type() == fastjson.TypeString:
		text, _ := v.StringBytes()
		p.takeCopy(node, text)
	case v.Type() == fastjson.TypeNumber:
		p.text = v.MarshalTo(p.text[:0])
		p.takeCopy(node, p.text)
	case v.Exists("kvlistValue"):
		p.pairs(v.GetArray("kvlistValue", "values"), node)
	case v.Exists("arrayValue"):
		p.takeTyped(node, v.Get("arrayValue", "values", "0"))
	default:
		p.takeTyped(node, cmp.Or(v.Get("stringValue"), v.Get("intValue"), v.Get("doubleValue")))
	}
}

// child returns what the key means below the node, nil if nothing.
func (p *jsonParser) child(parent *jsonNode, key string) *jsonNode {
	n := p.nth
	p.nth++
	if n < len(p.shape) && p.shape[n].parent == parent && p.shape[n].key == key {
		return p.shape[n].node
	}
	seen, ok := p.keys[jsonKey{parent, key}]
	if !ok {
		if len(p.keys) == maxKeys || len(key) > maxKeyLen {
			return parent.find(key)
		}
		key = strings.Clone(key)
		seen = seenKey{jsonKey{parent, key}, parent.find(key), isPlainKey(key, parent == p.root)}
		p.keys[seen.jsonKey] = seen
	}
	if n < len(p.shape) {
		p.shape[n] = seen
	} else if n < maxShape {
		p.shape = append(p.shape, seen)
	}
	return seen.node
}

// takeCopy is take for a value in memory that the next line will overwrite.
func (p *jsonParser) takeCopy(node *jsonNode, value []byte) {
	text := ""
	if len(value) > 0 && string(value) != "-" && slices.ContainsFunc(node.uses, func(u jsonUse) bool { return u.rank < p.rank[u.field] }) {
		text = p.home(value)
	}
	p.take(node, text)
}

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

// textOf returns the bytes as a text, which lasts as long as they do.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// maxAway is how many values of a line are looked for that do not stand in it as they are.
const maxAway = 8

// home returns the value as part of the line if it stands there, and else a copy. Values
// come in the order of the line, so all of them together cost one pass over it, and one more
// for each that is not found.
func (p *jsonParser) home(value []byte) string {
	rest, text := p.line[p.at:], textOf(value)
	// In compact JSON it mostly lies behind the end of the value before and its own key:
	// `","key":"`, or less by a quote or two.
	for _, i := range [...]int{p.key + 6, p.key + 5, p.key + 4} {
		if i <= len(rest) && strings.HasPrefix(rest[i:], text) {
			start := p.at + i
			p.at = start + len(value)
			return p.line[start:p.at]
		}
	}
	if p.away < maxAway {
		if i := strings.Index(rest, text); i >= 0 {
			start := p.at + i
			p.at = start + len(value)
			return p.line[start:p.at]
		}
		p.away++
	}
	return string(value)
}

// set puts a value into its field and tells whether it fits.
func (p *jsonParser) set(use jsonUse, s string) bool {
	f := p.f
	switch use.field {
	case jsonTime:
		if !isAlnum(s[0]) || !isAlnum(s[len(s)-1]) {
			s = strings.Trim(s, "[]")
		}
		t, ok := p.clock.read(s)
		switch {
		case ok:
			f.Time = t
		case len(s) == len("2006-01-02") && s[4] == '-':
			p.rest.date = s
		case len(s) >= len("15:04:05") && s[2] == ':' && s[5] == ':':
			p.rest.hour = s
		}
		return ok
	case jsonStatus:
		v := digits(s)
		if len(s) > 3 || v < 0 {
			if v = looseStatus(s); v < 0 {
				return false
			}
		}
		f.Status, p.rest.status = v, true
	case jsonBytes:
		v, ok := wholeNumber(s)
		if !ok || v < 0 {
			return false
		}
		f.Bytes = v
	case jsonRecords:
		v, ok := wholeNumber(s)
		if !ok || v < 0 {
			return false
		}
		f.Records = v
	case jsonDuration:
		d, ok := parseDuration(s, use.unit)
		if ok {
			f.Duration = d
			p.rest.guessed = unitUnknown
			if use.unit == unitUnknown && isDigit(s[len(s)-1]) {
				p.rest.guessed = guessUnit(s)
			}
		}
		return ok
	case jsonMethod:
		if !isMethod(s) {
			return false
		}
		f.Method = upperMethod(s)
	case jsonAPIKey, jsonAuthorization, jsonCookie, jsonToken, jsonSession:
		if isMasked(s) {
			return false
		}
		*p.secret(use.field) = s
	case jsonClient:
		if s == "0.0.0.0" { // as Application Insights writes all of them
			return false
		}
		f.Remote = s
	case jsonForwardedFor:
		if isMasked(s) { // as ASP.NET does with all headers
			return false
		}
		f.ForwardedFor = s
	case jsonUser:
		f.User = s
	case jsonPath:
		if s[0] != '/' && strings.Contains(s, "::") { // tracing's target
			p.rest.module = true
			return false
		}
		f.Target = s
	case jsonQuery:
		p.rest.query = s
	case jsonRequest:
		p.rest.request = djangoRequest(s)
	case jsonHost:
		if s[0] == '[' && isMasked(s) { // ASP.NET again
			return false
		}
		p.rest.client, f.Host = f.Host, s
	case jsonUserAgent:
		f.UserAgent = s
	case jsonReferer:
		f.Referer = s
	case jsonRequestID:
		f.RequestID = s
		if p.rest.exchange.id == "" { // a header may name another
			p.rest.exchange.id = s
		}
	case jsonMachine:
		p.rest.exchange.machine = s
	case jsonProcess:
		p.rest.exchange.process = s
	case jsonTenant:
		f.Tenant = s
	case jsonTokenID:
		f.TokenID = s
	case jsonAskedTenant:
		f.AskedTenant = s
	case jsonBody:
		f.Body = s
	case jsonCall:
		p.rest.call = s
	case jsonResponse:
		p.rest.response = s
	case jsonSaid:
		if s[0] != '{' && s[0] != '[' { // what a logger says
			return false
		}
		p.rest.said = s
	case jsonLogger:
		p.rest.logger = s
		p.rest.log = true
	case jsonLevel:
		p.rest.log = true
		p.rest.capital = s[0] >= 'A' && s[0] <= 'Z'
		p.rest.again = s == "slow" // go-zero's
	case jsonMessage:
		p.rest.log = true
		if s == "started handling request" || strings.HasPrefix(s, "Request starting ") { // logrus, as negroni and Ory use it; ASP.NET
			p.rest.started = true
		}
		p.rest.ended = s == "completed handling request"
		p.rest.incoming = s == "incoming request"
	case jsonAction:
		switch s {
		case "BLOCK", "Blocked", "blocked": // AWS WAF, Azure, BIG-IP
			p.rest.refused = 403
		case "request_started": // django-structlog
			p.rest.started = true
		case "RequestReceived", "ResponseStarted", "REQUEST_IN", "REQUEST_OUT", "RESPONSE_IN": // Kubernetes, WSO2
			p.rest.early = true
		default:
			if s[0] == '/' && f.Target == "" { // what authentik logs is what was asked for
				f.Target = s
			}
		}
	case jsonAudit: // Elasticsearch
		p.rest.log = true
		switch s {
		case "authentication_failed", "realm_authentication_failed", "anonymous_access_denied":
			p.rest.refused = 401
		case "access_denied", "run_as_denied":
			p.rest.refused = 403
		}
	case jsonOperation:
		p.rest.audit.operation = s
	case jsonKind:
		p.rest.audit.kind = s
	case jsonFailure:
		p.rest.audit.failure = s
	case jsonRead:
		p.rest.read, _ = wholeNumber(s)
	case jsonSource:
		p.rest.source = s
	case jsonZone:
		p.rest.zone = s
	case jsonVerb:
		p.rest.verb = s
	case jsonHeaders:
		p.rest.headers = s
	case jsonContent:
		var ok bool
		if p.rest.content, ok = strings.CutPrefix(s, "[HTTP] "); !ok {
			return false
		}
	}
	return true
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

// secret returns where a secret of that kind belongs.
func (p *jsonParser) secret(field jsonField) *string {
	switch field {
	case jsonAPIKey:
		return &p.f.APIKey
	case jsonAuthorization:
		return &p.f.Authorization
	case jsonCookie:
		return &p.f.Cookie
	case jsonToken:
		return &p.f.Token
	}
	return &p.f.Session
}

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
	if strings.HasPrefix(p.rest.logger, "http.log.error") || strings.HasPrefix(p.rest.logger, "http.handlers.") {
		return &Reject{Reason: "Caddy error log line", Value: p.rest.logger, Skip: true} // the access log has it too
	}
	if p.rest.early || p.rest.started && !p.rest.status {
		return p.unanswered() // the line of its end follows
	}
	if p.rest.module && !p.rest.status {
		return &Reject{Reason: "not a request", Value: p.line, Skip: true}
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
	p.completeBody()
	f.splitForwarded()
	return nil
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

// noTykKey is what Tyk writes of a request without a key.
const noTykKey = "00000000"

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
