package detect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Single is what stands for the detector where one request alone is the event, as the
// route map finds it.
const Single = "request"

// A clue is what rules judge: an event as a detector tells it, or a request that is an
// event by itself. It lives as long as rules look at it, and belongs to one goroutine.
type clue struct {
	at      time.Time
	request *parsers.Request // nil for what a detector tells
	event   *Event           // nil for a request
	origins func(ip string) *parsers.Origin

	looked, parsed bool // whether origin and meta are set
	from           *parsers.Origin
	meta           map[string]any
}

// single tells whether the clue is one request that is an event by itself.
func (c *clue) single() bool { return c.event == nil || c.event.Detector == Single }

func (c *clue) name() string {
	if c.event != nil {
		return c.event.Name
	}
	return c.request.Event
}

func (c *clue) detector() string {
	if c.event != nil {
		return c.event.Detector
	}
	return Single
}

// actor returns who acts, as in events.
func (c *clue) actor() (id, typ string) {
	if c.event != nil {
		return c.event.ActorID, c.event.ActorType
	}
	id, t := c.request.Actor()
	return id, string(t)
}

func (c *clue) ip() string {
	if c.event != nil {
		return c.event.UserIP
	}
	return c.request.ClientIP
}

func (c *clue) route() string {
	if c.event != nil {
		return c.event.Route
	}
	return c.request.Route
}

// span returns the times of the first and the last request of the clue.
func (c *clue) span() (first, last time.Time) {
	if c.event != nil {
		return c.event.First, c.event.Last
	}
	return c.request.Time, c.request.Time
}

func (c *clue) count() int64 {
	if c.event != nil {
		return max(c.event.Count, 1)
	}
	return 1
}

func (c *clue) severity() Severity {
	if c.event != nil {
		return c.event.Severity
	}
	t, _ := EventTypeOf(c.request.Event)
	return t.Single
}

// outcome says how far the clue got. Of a login that fails it is not known what it
// leads to; other refusals are the end of it.
func (c *clue) outcome() Outcome {
	if c.event != nil {
		return c.event.Outcome
	}
	switch c.request.Event {
	case LoginFailed:
		return Attempted
	case LoginSuccess, Logout:
		return Succeeded
	case APIKeyInvalid, AccessDenied, PermissionDenied, RateLimitExceeded, IPBlocked, SessionExpired:
		return Blocked
	}
	switch s := c.request.Status; {
	case granted(s):
		return Succeeded
	case s >= 400 && s < 500:
		return Blocked
	}
	return Attempted
}

// evidence returns the lines that show the clue; the last one is that by which it was
// told.
func (c *clue) evidence() []Evidence {
	if c.event != nil {
		return c.event.Evidence
	}
	return []Evidence{evidence(c.request)}
}

// origin says where the address is; nil if that is not known.
func (c *clue) origin() *parsers.Origin {
	if !c.looked {
		c.looked = true
		switch {
		case c.request != nil:
			c.from = c.request.Origin
		case c.origins != nil && c.event.UserIP != "":
			c.from = c.origins(c.event.UserIP)
		}
	}
	return c.from
}

// metadata returns the event's own metadata.
func (c *clue) metadata() map[string]any {
	if !c.parsed {
		c.parsed = true
		if c.event != nil && len(c.event.Metadata) > 0 {
			d := json.NewDecoder(bytes.NewReader(c.event.Metadata))
			d.UseNumber()
			if d.Decode(&c.meta) != nil {
				c.meta = nil
			}
		}
	}
	return c.meta
}

// A value is what a field of a clue holds.
type value struct {
	kind   valueKind
	text   string  // of all but a list: as it is compared
	number float64 // of a number
	list   []value
}

type valueKind int

const (
	null valueKind = iota
	aText
	aNumber
	aFlag
	several
)

func textValue(s string) value {
	if s == "" {
		return value{}
	}
	return value{kind: aText, text: s}
}

func flagValue(b bool) value { return value{kind: aFlag, text: strconv.FormatBool(b)} }

func numberValue(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value{}
	}
	form := byte('f')
	if math.Abs(f) >= 1e21 {
		form = 'e'
	}
	return value{kind: aNumber, text: strconv.FormatFloat(f, form, -1, 64), number: f}
}

// knownValue is a number of which a negative one says that it is not known.
func knownValue(n int64) value {
	if n < 0 {
		return value{}
	}
	return numberValue(float64(n))
}

// valueOf returns what JSON or YAML holds as a value. An object is there, and equals
// nothing.
func valueOf(v any) value {
	switch v := v.(type) {
	case string:
		return value{kind: aText, text: v}
	case bool:
		return flagValue(v)
	case float64:
		return numberValue(v)
	case json.Number:
		if f, err := v.Float64(); err == nil {
			n := numberValue(f)
			if !strings.ContainsAny(v.String(), ".eE") {
				n.text = v.String() // an id of twenty digits is no float
			}
			return n
		}
		return value{kind: aText, text: v.String()}
	case []any:
		l := value{kind: several}
		for _, e := range v {
			l.list = append(l.list, valueOf(e))
		}
		return l
	case map[string]any:
		return value{kind: several}
	}
	return value{}
}

// asNumber returns the value as a number, if it is one or its text reads as one.
func (v value) asNumber() (float64, bool) {
	switch v.kind {
	case aNumber:
		return v.number, true
	case aText:
		f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

// A field is something of a clue that a condition may ask for.
type field struct {
	name string
	doc  string
	of   func(*clue) value
}

// ofRequest is a field that only requests have.
func ofRequest(f func(*parsers.Request) value) func(*clue) value {
	return func(c *clue) value {
		if c.request == nil {
			return value{}
		}
		return f(c.request)
	}
}

func actorField(typ parsers.ActorType, of func(*parsers.Request) string) func(*clue) value {
	return func(c *clue) value {
		if c.request != nil {
			return textValue(of(c.request))
		}
		if c.event.ActorType == string(typ) {
			return textValue(c.event.ActorID)
		}
		return value{}
	}
}

func userOf(r *parsers.Request) string { return r.User }

// fields are what a condition may name, but for metadata.*, by name.
var fields = []field{
	{"event", "name of the event", func(c *clue) value { return textValue(c.name()) }},
	{"standard_event", "the standard event it is, or comes nearest to", func(c *clue) value {
		t, _ := EventTypeOf(c.name())
		return textValue(t.StandardEvent)
	}},
	{"severity", "info, low, medium, high or critical; gt, gte, lt and lte compare in this order", func(c *clue) value { return textValue(c.severity().String()) }},
	{"outcome", "attempted, blocked or succeeded", func(c *clue) value { return textValue(string(c.outcome())) }},
	{"detector", "name of the detector; request where one request is the event", func(c *clue) value { return textValue(c.detector()) }},
	{"count", "requests of the event", func(c *clue) value { return numberValue(float64(c.count())) }},
	{"confidence", "of the event, from 0 to 1", func(c *clue) value {
		if c.event == nil {
			return value{}
		}
		return numberValue(c.event.Confidence)
	}},
	{"summary", "of the event, one sentence", func(c *clue) value {
		if c.event == nil {
			return value{}
		}
		return textValue(c.event.Summary)
	}},
	{"actor.id", "who acts, as in events", func(c *clue) value { id, _ := c.actor(); return textValue(id) }},
	{"actor.type", "api_key, user, token, session or ip", func(c *clue) value { _, typ := c.actor(); return textValue(typ) }},
	{"actor.email", "the user, where that is an e-mail address", func(c *clue) value {
		if v := actorField(parsers.ActorUser, userOf)(c); strings.Contains(v.text, "@") {
			return v
		}
		return value{}
	}},
	{"user", "user as logged", actorField(parsers.ActorUser, userOf)},
	{"api_key", "fingerprint", actorField(parsers.ActorAPIKey, func(r *parsers.Request) string { return r.APIKey })},
	{"token", "fingerprint", actorField(parsers.ActorToken, func(r *parsers.Request) string { return r.Token })},
	{"session", "fingerprint", actorField(parsers.ActorSession, func(r *parsers.Request) string { return r.Session })},
	{"tenant", "organisation that the log names", ofRequest(func(r *parsers.Request) value { return textValue(r.Tenant) })},
	{"tenant_mismatch", "whether another tenant than the actor's own was asked for", func(c *clue) value {
		asked, own := metadataOf("requested_org")(c), metadataOf("actual_org")(c)
		return flagValue(asked.kind != null && own.kind != null && asked.text != own.text)
	}},
	{"user_ip", "address of the client", func(c *clue) value { return textValue(c.ip()) }},
	{"country", "of the address, two letters", func(c *clue) value { return textValue(c.origin().CountryCode()) }},
	{"network", "of the address: AS64500, or the network around it where that is not known", func(c *clue) value { return textValue(c.network()) }},
	{"route", "template of the path", func(c *clue) value { return textValue(c.route()) }},
	{"method", "of the request", ofRequest(func(r *parsers.Request) value { return textValue(r.Method) })},
	{"host", "of the request", ofRequest(func(r *parsers.Request) value { return textValue(r.Host) })},
	{"path", "of the request, percent-encoded as sent", ofRequest(func(r *parsers.Request) value { return textValue(r.Path) })},
	{"query", "of the request, secrets redacted", ofRequest(func(r *parsers.Request) value { return textValue(r.Query) })},
	{"status", "of the answer", ofRequest(func(r *parsers.Request) value { return knownValue(int64(cmp.Or(r.Status, -1))) })},
	{"bytes", "of the answer", ofRequest(func(r *parsers.Request) value { return knownValue(r.Bytes) })},
	{"duration_ms", "time taken", ofRequest(func(r *parsers.Request) value {
		if r.Duration < 0 {
			return value{}
		}
		return numberValue(float64(r.Duration.Microseconds()) / 1000)
	})},
	{"records", "that the log counts", ofRequest(func(r *parsers.Request) value { return knownValue(r.Records) })},
	{"user_agent", "of the request", ofRequest(func(r *parsers.Request) value { return textValue(r.UserAgent) })},
	{"referer", "of the request", ofRequest(func(r *parsers.Request) value { return textValue(r.Referer) })},
	{"request_id", "of the request", ofRequest(func(r *parsers.Request) value { return textValue(r.RequestID) })},
}

// fieldAliases are other names of fields: those of the hosted product, and of our own
// tables.
var fieldAliases = map[string]string{
	"event_name": "event", "event_type": "event", "actor_id": "actor.id", "actor_type": "actor.type",
	"ip": "user_ip", "client_ip": "user_ip", "source_ip": "user_ip", "country_code": "country", "user_id": "user",
	"actor.email_address": "actor.email",
}

// untold are fields of the hosted product that no access log fills: they are null.
var untold = []string{"actor.role", "actor.name", "metadata.service", "metadata.raw_log"}

// network returns the network of the address.
func (c *clue) network() string {
	if as := c.origin().Network(); as != "" {
		return as
	}
	return parsers.Prefix(c.ip(), 24, 48)
}

// requestMetadata is what the hosted product's SDKs log with each event, and a request
// tells by itself.
var requestMetadata = map[string]func(*parsers.Request) value{
	"method":     func(r *parsers.Request) value { return textValue(r.Method) },
	"endpoint":   func(r *parsers.Request) value { return textValue(r.Path) },
	"path":       func(r *parsers.Request) value { return textValue(r.Path) },
	"query":      func(r *parsers.Request) value { return textValue(r.Query) },
	"status":     func(r *parsers.Request) value { return knownValue(int64(cmp.Or(r.Status, -1))) },
	"error_code": errorCode,
	"ip_address": func(r *parsers.Request) value { return textValue(r.ClientIP) },
	"user_agent": func(r *parsers.Request) value { return textValue(r.UserAgent) },
	"referer":    func(r *parsers.Request) value { return textValue(r.Referer) },
	"host":       func(r *parsers.Request) value { return textValue(r.Host) },
	"tenant":     func(r *parsers.Request) value { return textValue(r.Tenant) },
	"org_id":     func(r *parsers.Request) value { return textValue(r.Tenant) },
	"file_type":  func(r *parsers.Request) value { return textValue(fileType(r.Path)) },
	"record_count": func(r *parsers.Request) value {
		return knownValue(r.Records)
	},
}

// errorCode is the status of an answer that is an error.
func errorCode(r *parsers.Request) value {
	if r.Status < 400 {
		return value{}
	}
	return knownValue(int64(r.Status))
}

// fileType is the suffix of the last segment of a path, in lower case.
func fileType(path string) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	dot := strings.LastIndexByte(last, '.')
	if dot <= 0 || len(last)-dot > 8 {
		return ""
	}
	return strings.ToLower(last[dot+1:])
}

// eventMetadata are names under which detectors say what the hosted product calls
// otherwise.
var eventMetadata = map[string]string{"record_count": "records_fetched", "ip_address": "client_ip"}

// networkTraits are the names under which rules ask for what an address is.
var networkTraits = map[string]parsers.Traits{"is_tor": parsers.Tor, "is_vpn": parsers.VPN, "is_proxy": parsers.Relay,
	"is_datacenter": parsers.Cloud | parsers.Datacenter, "is_crawler": parsers.Crawler}

// networkPart returns the part of metadata that says where the address is.
func networkPart(o *parsers.Origin, path string) (v value, known bool) {
	group, key, _ := strings.Cut(path, ".")
	switch group {
	case "destination_country", "source_country", "country", "country_code":
		if key != "" {
			return value{}, false
		}
		return textValue(o.CountryCode()), true // the answer goes where the request is from
	case "geo", "location":
		switch key {
		case "country", "country_code":
			return textValue(o.CountryCode()), true
		case "city":
			if o != nil {
				return textValue(o.City), true
			}
		case "latitude", "longitude":
			if o != nil && o.RadiusKM > 0 {
				if key == "latitude" {
					return numberValue(o.Latitude), true
				}
				return numberValue(o.Longitude), true
			}
		default:
			return value{}, false
		}
		return value{}, true
	case "network_intelligence", "network":
		t, isTrait := networkTraits[key]
		switch {
		case isTrait && !o.Knows(t):
			return value{}, true
		case isTrait:
			return flagValue(o.Has(t)), true
		case key == "asn" && o != nil && o.ASN > 0:
			return numberValue(float64(o.ASN)), true
		case (key == "asn_org" || key == "isp") && o != nil:
			return textValue(o.Org), true
		case key == "provider" && o != nil:
			return textValue(o.Provider), true
		case key == "network_type":
			return textValue(networkType(o)), true
		case key == "asn" || key == "asn_org" || key == "isp" || key == "provider":
			return value{}, true
		}
	}
	return value{}, false
}

// networkType names the kind of network; "" if nothing is known of it.
func networkType(o *parsers.Origin) string {
	switch {
	case o.Has(parsers.Tor):
		return "tor"
	case o.Has(parsers.VPN):
		return "vpn"
	case o.Has(parsers.Relay):
		return "proxy"
	case o.Has(parsers.Cloud | parsers.Datacenter):
		return "datacenter"
	}
	return ""
}

// metadataOf returns what stands in the metadata under the dotted path: what the event
// says, else what is known of its address and its request.
func metadataOf(path string) func(*clue) value {
	keys := strings.Split(path, ".")
	return func(c *clue) value {
		if v, found := dig(c.metadata(), keys); found {
			return v
		}
		if other := eventMetadata[path]; other != "" {
			if v, found := dig(c.metadata(), []string{other}); found {
				return v
			}
		}
		if v, known := networkPart(c.origin(), path); known {
			return v
		}
		if of := requestMetadata[path]; of != nil && c.request != nil {
			return of(c.request)
		}
		return value{}
	}
}

// dig looks a dotted path up, also where a key holds the dots itself.
func dig(m map[string]any, keys []string) (value, bool) {
	if m == nil {
		return value{}, false
	}
	if v, ok := m[strings.Join(keys, ".")]; ok {
		return valueOf(v), v != nil
	}
	v, ok := m[keys[0]]
	if !ok || len(keys) == 1 {
		return value{}, false
	}
	inner, _ := v.(map[string]any)
	return dig(inner, keys[1:])
}
