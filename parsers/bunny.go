package parsers

import "strings"

// Bunny reads the raw log of the Bunny CDN.
func Bunny() *Format {
	return &Format{
		Name: "bunny-cdn",
		Doc: `Bunny CDN, its raw log

  cache|status|time|bytes|zone|client|referer|URL|edge|user agent|request id|country

It tells no method. Unless told otherwise Bunny makes addresses anonymous: the last number
of each is 0 then, and all clients of its network are one; if all of each is dropped, the
client is unknown. Bars are not escaped: where a
client sends some, its URL is the first text behind the referer's beginning that could be one.`,
		Samples: []string{
			`HIT|200|1772359200123|1043|390|203.0.113.9|-|https://cdn.example.com/users?page=2|DE|Mozilla/5.0 (X11; Linux x86_64)|322b688bd63fb63f2babe9de30a5d262|DE`,
			`MISS|404|1772359201250|153|390|2001:db8::7|https://app.example.com/|https://cdn.example.com/.env|WA|curl/8.5.0|422b688bd63fb63f2babe9de30a5d262|US`,
		},
		New: func() ParseFunc { return enveloped(parseBunny) },
	}
}

func parseBunny(line string, f *Fields) error {
	f.reset()
	var before [6]string // what no client writes
	rest, found := line, false
	for i := range before {
		if before[i], rest, found = cutByte(rest, '|'); !found {
			return &Reject{Reason: "not the columns of Bunny", Value: line}
		}
	}
	status, stamp, size, client := before[1], before[2], before[3], before[5]
	var ok bool
	if f.Time, ok = parseEpoch(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	if !isAddress(client) {
		return &Reject{Reason: "no address", Value: client}
	}
	if !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	if !f.setBytes(size) {
		return &Reject{Reason: "bytes are not a number", Value: size}
	}
	country := strings.LastIndexByte(rest, '|')
	id := strings.LastIndexByte(rest[:max(country, 0)], '|')
	at := strings.Index(rest[:max(id, 0)], "|http")
	if at < 0 {
		return &Reject{Reason: "no URL", Value: rest}
	}
	url, behind, _ := cutByte(rest[at+1:id], '|')
	_, agent, found := cutByte(behind, '|') // behind the edge
	if !found || !isTarget(url) {
		return &Reject{Reason: "no URL", Value: url}
	}
	if client == "0.0.0.0" || client == "::" {
		client = ""
	}
	f.Remote, f.Target, f.Referer, f.UserAgent, f.RequestID = client, url, valueOf(rest[:at]), valueOf(agent), valueOf(rest[id+1:country])
	return nil
}
