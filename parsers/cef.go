package parsers

import (
	"strings"
	"sync"
)

// CEF reads the events of firewalls for web applications as they send them to a SIEM.
func CEF() *Format {
	return &Format{
		Name: "cef",
		Doc: `CEF and LEEF, as web application firewalls write them

  CEF:0|vendor|product|version|event|name|severity|src=… requestMethod=… request=…
  LEEF:1.0|vendor|product|version|event|src=…	url=…

Known are the keys of the two dictionaries and those of F5, Imperva and Zscaler. A value
whose key has a label, as cn1 has in cn1Label, is read by that. Of a full_request, which
F5 logs with its headers, these are read. What was blocked has the status 403 if none is
given. Events of which none is a request are skipped.`,
		Samples: []string{
			`CEF:0|F5|ASM|16.1.3|Successful Request|Successful Request|2|dvchost=waf-1 act=passed cn1=200 cn1Label=response_code src=203.0.113.9 spt=40000 dst=192.0.2.8 dpt=443 requestMethod=GET app=HTTPS cs5=N/A cs5Label=x_forwarded_for_header_value rt=Mar 01 2026 10:00:00 suser=N/A request=/api/users cs3Label=full_request cs3=GET /api/users HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.5.0\r\n\r\n`,
			`CEF:0|Incapsula|SIEMintegration|1|1|Normal|0|fileId=341 sourceServiceName=api.example.com requestClientApplication=Mozilla/5.0 (X11; Linux x86_64) src=203.0.113.9 cn1=404 in=54 start=1772359200123 request=api.example.com/.env requestMethod=GET app=HTTPS act=REQ_PASSED`,
			"LEEF:1.0|Incapsula|SIEMintegration|1.0|Normal|fileId=342\tsourceServiceName=api.example.com\tsrc=203.0.113.9\tcn1=401\tstart=1772359200456\turl=api.example.com/login\trequestMethod=POST",
		},
		New: func() ParseFunc {
			p := &cef{json: jsonParser{root: cefTree(), keys: map[jsonKey]seenKey{}}}
			return timed(p.parse)
		},
	}
}

// cefKeys are the keys that are known, and the labels of those that have some, the most telling
// first, in the form that canonicalKey gives them.
var cefKeys = []struct {
	field jsonField
	keys  string
}{
	{jsonTime, `start rt devtime devicereceipttime end`},
	{jsonClient, `src sourceaddress`},
	{jsonForwardedFor, `xff xforwardedforheadervalue xforwardedfor`},
	{jsonUser, `suser usrname sourceusername`},
	{jsonMethod, `requestmethod method httpmethod`},
	{jsonPath, `request url requesturl uri`},
	{jsonQuery, `qstr querystring`},
	{jsonHost, `dhost desthost httphost host`},
	{jsonStatus, `responsecode responsestatuscode httpstatuscode httpresponsecode httpstatus statuscode outcome`},
	{jsonBytes, `out dstbytes`},
	{jsonUserAgent, `requestclientapplication useragent`},
	{jsonReferer, `requestcontext referer ref`},
	{jsonCookie, `requestcookies`},
	{jsonRequestID, `externalid fileid`},
}

var cefTree = sync.OnceValue(func() *jsonNode {
	top := &jsonNode{}
	for _, k := range cefKeys {
		for i, key := range strings.Fields(k.keys) {
			top.add(key, jsonUse{field: k.field, rank: uint8(i + 1)})
		}
	}
	return top
})

// maxLabels is how many values of a line may have a label.
const maxLabels = 32

// cef reads one source.
type cef struct {
	json   jsonParser
	values [maxLabels]labelled // of the line at hand
	n      int
}

// labelled is a value whose key says nothing, and its label.
type labelled struct{ key, value, label string }

func (p *cef) parse(line string, f *Fields) error {
	f.reset()
	if len(line) > maxJSONLine {
		return &Reject{Reason: "line too long", Value: line}
	}
	pairs, vendor, ok := cefPairsOf(line)
	if !ok || line[0] == '{' || line[0] == '"' || strings.HasPrefix(line, `["`) || inCSV(line[:min(len(line), maxBefore)]) {
		// In JSON or CSV, whose escapes come before those of CEF.
		return &Reject{Reason: "no header of CEF or LEEF", Value: line, Skip: isImpervaHead(line)}
	}
	j := &p.json
	j.begin(line, f)
	j.rest.log = true // of what is no request, too
	p.n = 0
	host, blocked := "", false
	for pairs.rest != "" {
		key, value := pairs.next()
		switch {
		case value == "", value == "-", value == "N/A":
		case key == "act" || key == "action":
			blocked = isBlocked(value)
		case key == "sourceServiceName":
			host = cefValue(value)
		case isLabelled(key):
			p.label(key, value)
		default:
			p.take(key, value)
		}
	}
	for _, v := range p.values[:p.n] {
		switch {
		case v.value == "":
		case v.label == "full_request":
			j.f.takeHeaders(v.value)
		case v.label != "":
			p.take(v.label, v.value)
		case v.key == "cn1" && vendor == "Incapsula":
			p.take("responsecode", v.value)
		}
	}
	if f.Status == 0 && blocked {
		f.Status, j.rest.status = 403, true
	}
	setOnce(&f.Host, host)
	f.splitHost()
	return j.finishTimed()
}

// isImpervaHead tells whether the line is one of those that begin a file of Imperva's Cloud WAF.
func isImpervaHead(line string) bool {
	switch name, _, _ := cutByte(line, ':'); name {
	case "accountId", "configId", "checksum", "format", "startTime", "endTime", "|==|":
		return true
	}
	return false
}

// take uses the value of a key.
func (p *cef) take(key, value string) {
	if node := p.json.child(p.json.root, key); node != nil {
		p.json.take(node, cefValue(value))
	}
}

// label keeps the value of a key that has a label, or its label.
func (p *cef) label(key, value string) {
	name, label := strings.CutSuffix(key, "Label")
	i := 0
	for i < p.n && p.values[i].key != name {
		i++
	}
	if i == maxLabels {
		return
	}
	if i == p.n {
		p.values[i] = labelled{key: name}
		p.n++
	}
	if label {
		p.values[i].label = value
	} else {
		p.values[i].value = value
	}
}

// isLabelled tells whether the key is one whose meaning a label tells, or of such a label:
// cs1, cn1Label, c6a2, cfp1, flexString1.
func isLabelled(key string) bool {
	key = strings.TrimSuffix(key, "Label")
	if key == "" || !isDigit(key[len(key)-1]) {
		return false
	}
	return strings.HasPrefix(key, "c") && len(key) <= len("cfp1") || strings.HasPrefix(key, "flex")
}

// takeHeaders takes the headers and the body of a request that stands in the line whole, with its
// escapes.
func (f *Fields) takeHeaders(request string) {
	const end = `\r\n`
	_, headers, _ := strings.Cut(request, end)
	for headers != "" {
		if body, found := strings.CutPrefix(headers, end); found {
			f.Body = cefValue(body)
			return
		}
		var header string
		header, headers, _ = strings.Cut(headers, end)
		name, value, _ := strings.Cut(header, ": ")
		if field := f.header(name); field != nil && *field == "" {
			*field = cefValue(value)
		}
	}
}

// header returns where the header of that name belongs, nil if nowhere.
func (f *Fields) header(name string) *string {
	switch {
	case strings.EqualFold(name, "Host"):
		return &f.Host
	case strings.EqualFold(name, "User-Agent"):
		return &f.UserAgent
	case strings.EqualFold(name, "Referer"):
		return &f.Referer
	case strings.EqualFold(name, "X-Forwarded-For"):
		return &f.ForwardedFor
	case strings.EqualFold(name, "Authorization"):
		return &f.Authorization
	case strings.EqualFold(name, "Cookie"):
		return &f.Cookie
	case strings.EqualFold(name, "X-Api-Key"):
		return &f.APIKey
	}
	return nil
}

// splitHost takes the host off a target that begins with it, without a scheme.
func (f *Fields) splitHost() {
	host, path, found := cutByte(f.Target, '/')
	if found && host != "" && strings.IndexByte(host, '.') > 0 && strings.IndexByte(host, '?') < 0 && isName(host) {
		setOnce(&f.Host, host)
		f.Target = f.Target[len(f.Target)-len(path)-1:]
	}
}

// isBlocked tells whether a firewall says that it kept the request from its target.
func isBlocked(action string) bool {
	action = strings.TrimPrefix(action, "REQ_")
	for _, word := range [...]string{"block", "den", "drop"} {
		if len(action) >= len(word) && strings.EqualFold(action[:len(word)], word) {
			return true
		}
	}
	return false
}

// cefPairs are pairs of a key and a value.
type cefPairs struct {
	rest      string
	delimiter byte // between them; 0 is CEF's: a blank before a key
}

// cefPairsOf returns the pairs of a line and who made what wrote it; it is not ok if there is no
// header. What may stand before that is syslog's.
func cefPairsOf(line string) (pairs cefPairs, vendor string, ok bool) {
	begin := strings.Index(line[:min(len(line), maxBefore)], "EF:")
	if begin < 1 {
		return pairs, "", false
	}
	fields := 7
	if strings.HasSuffix(line[:begin], "LE") {
		fields, pairs.delimiter = 5, '\t'
	} else if line[begin-1] != 'C' {
		return pairs, "", false
	}
	version, rest := "", line[begin+len("EF:"):]
	for i := range fields {
		end := barIn(rest)
		if end < 0 {
			return pairs, "", false
		}
		switch i {
		case 0:
			version = rest[:end]
		case 1:
			vendor = rest[:end]
		}
		rest = rest[end+1:]
	}
	if fields == 5 && version == "2.0" {
		if name, after, found := cutByte(rest, '|'); found && len(name) <= len("0x5E") && strings.IndexByte(name, '=') < 0 {
			rest = after
			if v, is := hex(strings.TrimPrefix(strings.TrimPrefix(name, "0"), "x"), 2); is {
				pairs.delimiter = byte(v)
			} else if name != "" {
				pairs.delimiter = name[0]
			}
		}
	}
	pairs.rest = rest
	return pairs, vendor, version != "" && isDigit(version[0])
}

// next takes the first pair off.
func (p *cefPairs) next() (key, value string) {
	if p.delimiter != 0 {
		value, p.rest, _ = cutByte(p.rest, p.delimiter)
		key, value, _ = cutByte(value, '=')
		return strings.TrimSpace(key), strings.Trim(value, " ")
	}
	key, value, _ = cutByte(p.rest, '=')
	p.rest = ""
	blank := -1 // the last one
scan:
	for at := 0; at < len(value); at++ {
		switch value[at] {
		case '\\':
			at++
		case ' ':
			blank = at
		case '=':
			if blank >= 0 && isCEFKey(value[blank+1:at]) {
				value, p.rest = value[:blank], value[blank+1:]
				break scan
			}
			blank = -1
		}
	}
	return strings.TrimSpace(key), strings.Trim(value, " ")
}

// barIn returns where the next bar is that has no backslash before it, -1 if there is none.
func barIn(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '|':
			return i
		}
	}
	return -1
}

// isCEFKey tells whether s could be a key.
func isCEFKey(s string) bool {
	for i := range len(s) {
		if !isLogfmtKey[s[i]] {
			return false
		}
	}
	return s != ""
}

// cefValue returns a value without its escapes.
func cefValue(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			switch i++; s[i] {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case '=', '\\', '|':
				c = s[i]
			default:
				b = append(b, c)
				c = s[i]
			}
		}
		b = append(b, c)
	}
	return string(b)
}
