package parsers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
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
