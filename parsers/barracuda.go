package parsers

import (
	"strings"
	"time"
)

// Barracuda reads the access log of Barracuda's web application firewalls.
func Barracuda() *Format {
	return &Format{
		Name: "barracuda",
		Doc: `Barracuda Web Application Firewall, its access log

  2006-01-02 15:04:05.000 -0700 unit TR address port client port login user METHOD protocol host version status sent received hit ms server port ms session SERVER DEFAULT PROTECTED VALID /path query referer cookie "user agent" proxy port …

As it is unless its format was changed. The client is whom Barracuda took for it: from which
header it takes one is its own setting. The login is that of its access control, the user that of a certificate.
What stands behind the query is the client's, without quotes but for the user agent's: of it the
referer is the first word, and the user agent what stands in quotes. Lines of its other logs are skipped.`,
		Samples: []string{
			`<134>2026-03-01 11:00:00.959 +0100  waf-1 TR 192.0.2.1 443 203.0.113.9 40000 "-" "-" GET TLSv1.2 api.example.com HTTP/1.1 200 1043 420 0 12 192.0.2.8 443 11 "-" SERVER DEFAULT PROTECTED VALID /api/users page=2 https://app.example.com/ "-" "Mozilla/5.0 (X11; Linux x86_64)" 203.0.113.9 40000 "-" "-" "-" "-" 186ffd5d3fc-db6c9f3`,
			`2026-03-01 11:00:01.197 +0100  waf-1 TR 192.0.2.1 443 2001:db8::7 40001 alice "-" POST TLSv1.3 api.example.com HTTP/2.0 403 877 113 0 3 192.0.2.1 443 0 "-" INTERNAL PROFILED PROTECTED INVALID /login "-" "-" sid=1; theme=dark "curl/8.5.0" 2001:db8::7 40001 "-" "-" "-" "-" 186ffd5c490-e0b89cc7`,
		},
		New: func() ParseFunc { return enveloped((&barracuda{}).parse) },
	}
}

// barracuda reads one source.
type barracuda struct {
	clock   clock
	targets targets
}

// barracudaStamp is how long a time is.
const barracudaStamp = len("2006-01-02 15:04:05.000 -0700")

func (p *barracuda) parse(line string, f *Fields) error {
	f.reset()
	line = line[priorityLen(line):]
	if len(line) < barracudaStamp || line[10] != ' ' || line[23] != ' ' {
		return &Reject{Reason: "not of Barracuda", Value: line}
	}
	fields := fieldCutter{rest: strings.TrimLeft(line[barracudaStamp:], " ")}
	fields.skip(1) // the unit
	if kind := fields.next(); kind != "TR" {
		return &Reject{Reason: "not of Barracuda", Value: line, Skip: kind == "WF" || kind == "NF" || kind == "AUDIT" || kind == "SYS"}
	}
	fields.skip(2) // where the request came to
	client := fields.next()
	fields.skip(1)
	if !isAddress(client) {
		return &Reject{Reason: "no address", Value: client}
	}
	login := fields.next()
	answer, sent, found := cutAtVerdict(fields.rest)
	if !found {
		return &Reject{Reason: "no request", Value: fields.rest}
	}
	// Before the method stands the user of a certificate, a name with blanks: it is read from its end.
	var words [13]string
	for i := len(words) - 1; i >= 0; i-- {
		answer, words[i], _ = cutLast(strings.TrimRight(answer, " "))
	}
	method, host, status, size, taken := words[0], words[2], words[4], words[5], words[8]
	if !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if !isNumber(size) || !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	var ok bool
	if f.Time, ok = p.clock.read(line[:barracudaStamp]); !ok {
		return &Reject{Reason: "not a time", Value: line[:barracudaStamp]}
	}
	f.setDuration(taken, time.Millisecond)
	f.Remote, f.Host = client, valueOf(host)
	if f.User = valueOf(login); f.User == "" {
		f.User = valueOf(strings.TrimSpace(answer))
	}
	p.takeSent(f, method, sent)
	return nil
}

// cutAtVerdict cuts s where Barracuda says who answered a request, by which profile, whether that is
// enforced and whether the request was valid.
func cutAtVerdict(s string) (before, after string, found bool) {
	for at := 0; ; {
		i := strings.Index(s[at:], " DEFAULT ")
		j := strings.Index(s[at:], " PROFILED ")
		if i < 0 || j >= 0 && j < i {
			i = j
		}
		if i < 0 {
			return "", "", false
		}
		at += i
		before, who, _ := cutLast(s[:at])
		words := fieldCutter{rest: s[at+1:]}
		words.skip(1)
		enforced, valid := words.next(), words.next()
		if (who == "SERVER" || who == "INTERNAL") && strings.HasSuffix(valid, "VALID") &&
			(enforced == "PROTECTED" || enforced == "UNPROTECTED" || enforced == "PASSIVE") {
			return before, words.rest, true
		}
		at++
	}
}

// takeSent takes what the client sent: path, query, referer, cookie and user agent. A path is
// missing where no request was made out.
func (p *barracuda) takeSent(f *Fields, method, sent string) {
	path, sent, _ := cutByte(sent, ' ')
	query, sent, _ := cutByte(sent, ' ')
	referer, sent, _ := cutByte(sent, ' ')
	if isMethod(method) && (isTarget(path) || method == "CONNECT") {
		f.Method, f.Target = method, path
		if query = valueOf(query); query != "" {
			f.Target = p.targets.join(path, query)
		}
	}
	f.Referer = valueOf(referer)
	cookie, agent, found := strings.Cut(sent, ` "`)
	if !found {
		return
	}
	f.Cookie = valueOf(cookie)
	for end := 0; ; end++ { // it ends before the address of the proxy, and may stand in quotes of its own
		i := strings.Index(agent[end:], `" `)
		if i < 0 {
			return
		}
		end += i
		if proxy, _, _ := cutByte(agent[end+len(`" `):], ' '); isAddress(proxy) {
			agent = strings.Trim(agent[:end], `"`)
			break
		}
	}
	if agent != "Unknown" {
		f.UserAgent = valueOf(agent)
	}
}
