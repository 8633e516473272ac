package parsers

import "strings"

// F5 reads the security log of F5's firewalls for web applications, in pairs.
func F5() *Format {
	return &Format{
		Name: "f5-waf",
		Doc: `F5 BIG-IP ASM and Advanced WAF, NGINX App Protect: their security log in pairs

  ASM:key="value",key="value",…

In whatever order; quotes within are doubled. Of a request that stands there whole, the target and the
headers are read. What was blocked has the status 403 if none is given. The time is local, bears no zone
and is taken as UTC. The client is the peer, or whom the firewall took for it from X-Forwarded-For, if it is told to trust that.
What the log is told not to have, as requests without violations by default, stands in the server's own log.`,
		Samples: []string{
			`<131>Mar  1 10:00:00 bigip.example.com ASM:unit_hostname="bigip.example.com",policy_name="/Common/api",violations="Attack signature detected",support_id="1730614276869062795",request_status="blocked",response_code="0",ip_client="203.0.113.9",method="GET",protocol="HTTPS",query_string="q=1",x_forwarded_for_header_value="N/A",date_time="2026-03-01 10:00:00",username="N/A",uri="/users",request="GET /users?q=1 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.5.0\r\n\r\n"`,
			`attack_type="N/A",date_time="2026-03-01 10:00:01",ip_client="2001:db8::7",method="POST",protocol="HTTP",request_status="passed",response_code="401",support_id="16467778842880850137",uri="/login",x_forwarded_for_header_value="198.51.100.7",outcome="PASSED"`,
		},
		New: func() ParseFunc { return enveloped((&f5{}).parse) },
	}
}

// f5 reads one source.
type f5 struct {
	clock   clock
	targets targets
}

func (p *f5) parse(line string, f *Fields) error {
	f.reset()
	equals := strings.Index(line[:min(len(line), maxBefore)], `="`)
	if equals < 0 || line[0] == '{' || !strings.Contains(line, `ip_client="`) {
		return &Reject{Reason: "not of F5's security log", Value: line}
	}
	begin := equals
	for begin > 0 && isLogfmtKey[line[begin-1]] {
		begin--
	}
	var stamp, method, uri, query, request, status string
	blocked := false
	for rest := line[begin:]; rest != ""; {
		key, value, after := cutF5Pair(rest)
		rest = after
		if value == "" || value == "N/A" {
			continue
		}
		switch key {
		case "date_time":
			setOnce(&stamp, value)
		case "ip_client":
			setOnce(&f.Remote, value)
		case "x_forwarded_for_header_value":
			setOnce(&f.ForwardedFor, value)
		case "username":
			setOnce(&f.User, value)
		case "method":
			setOnce(&method, value)
		case "uri":
			setOnce(&uri, value)
		case "query_string":
			setOnce(&query, value)
		case "request":
			setOnce(&request, value)
		case "response_code":
			setOnce(&status, value)
		case "support_id":
			setOnce(&f.RequestID, value)
		case "request_status":
			blocked = value == "blocked"
		}
	}
	if !isAddress(f.Remote) {
		return &Reject{Reason: "no address", Value: f.Remote}
	}
	if !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if blocked && f.Status == 0 {
		f.Status = 403
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	first, _, _ := strings.Cut(request, `\r\n`)
	if !f.setRequestLine(first) {
		if !isMethod(method) || uri == "" {
			return &Reject{Reason: "no request", Value: line}
		}
		if f.Method, f.Target = method, uri; query != "" && strings.IndexByte(uri, '?') < 0 {
			f.Target = p.targets.join(uri, query)
		}
	}
	f.takeHeaders(request)
	return nil
}

// cutF5Pair cuts the first pair off: its value stands in quotes, those within doubled. Older
// versions list several values, each in quotes: it is the first.
func cutF5Pair(s string) (key, value, after string) {
	key, rest, found := strings.Cut(s, `="`)
	if !found {
		return "", "", ""
	}
	doubled, end := false, 0
	for end < len(rest) {
		if rest[end] != '"' {
			end++
			continue
		}
		if end+1 == len(rest) || rest[end+1] != '"' {
			break
		}
		doubled = true
		end += len(`""`)
	}
	value = rest[:end]
	if doubled {
		value = strings.ReplaceAll(value, `""`, `"`)
	}
	rest = strings.TrimPrefix(rest[end:], `"`)
	for strings.HasPrefix(rest, `,"`) {
		_, rest, _ = cutByte(rest[len(`,"`):], '"')
	}
	return key, value, strings.TrimLeft(rest, ", ")
}
