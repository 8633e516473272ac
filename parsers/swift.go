package parsers

import (
	"strings"
	"time"
)

// Swift reads what the proxies of OpenStack's Swift log of requests.
func Swift() *Format {
	return &Format{
		Name: "swift",
		Doc: `OpenStack Swift, the requests in the log of its proxies

  client peer 02/Jan/2006/15/04/05 METHOD /path HTTP/1.0 status referer agent token received sent etag tx-id headers seconds …

The client is Swift's guess: the first of X-Forwarded-For, and believed as that is. Times are
UTC. Of a line that Swift has shortened in the middle what stands before that is read. The
token is left alone, for most of it is cut off. Notices, which end in "(txn: …)", are skipped.`,
		Samples: []string{
			`203.0.113.9 192.0.2.1 01/Mar/2026/10/00/00 GET /v1/AUTH_test/photos?format=json HTTP/1.0 200 - python-swiftclient-4.5.0 AUTH_tk1a2b3c4d5... - 1043 - txe2174b4d6e4f4a4c9a3f1-0069a40e60 - 0.0234 - - 1772359200.123456000 1772359200.146856000 0`,
			`2001:db8::7 2001:db8::7 01/Mar/2026/10/00/01 PUT /v1/AUTH_test/photos/a.jpg HTTP/1.0 401 https://app.example.com/ curl/8.5.0 - 5 131 - txe2174b4d6e4f4a4c9a3f2-0069a40e61 - 0.0119 - - 1772359201.000000000 1772359201.011900000 -`,
		},
		New: func() ParseFunc { return enveloped(parseSwift) },
	}
}

func parseSwift(line string, f *Fields) error {
	f.reset()
	client, rest, _ := cutByte(line, ' ')
	peer, rest, _ := cutByte(rest, ' ')
	stamp, rest, _ := cutByte(rest, ' ')
	if !isAddress(client) || !isAddress(peer) {
		return &Reject{Reason: "not of Swift", Value: line, Skip: strings.Contains(line, "(txn: tx")}
	}
	var ok bool
	if f.Time, ok = parseSwiftTime(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	f.Remote = peer
	if client != peer {
		f.ForwardedFor = client
	}
	request, rest, found := strings.Cut(rest, " HTTP/")
	_, rest, _ = cutByte(rest, ' ') // the version
	status, rest, _ := cutByte(rest, ' ')
	if !found || !f.setRequestLine(request) {
		return &Reject{Reason: "no request", Value: request}
	}
	if !isStatus(status) || !f.setStatus(status) {
		return &Reject{Reason: "status is not a number", Value: status}
	}
	const referer, agent, sent, id, taken = 0, 1, 4, 6, 8
	var fields [taken + 1]string
	for i := range fields {
		fields[i], rest, _ = cutByte(rest, ' ')
	}
	if !strings.HasPrefix(fields[id], "tx") { // shortened
		return nil
	}
	f.Referer, f.UserAgent = percentDecodedOnce(valueOf(fields[referer])), percentDecodedOnce(valueOf(fields[agent]))
	f.RequestID = fields[id]
	if !f.setBytes(fields[sent]) {
		return &Reject{Reason: "bytes are not a number", Value: fields[sent]}
	}
	f.setDuration(fields[taken], time.Second)
	return nil
}

// parseSwiftTime reads "02/Jan/2006/15/04/05", in UTC.
func parseSwiftTime(s string) (time.Time, bool) {
	if len(s) != len("02/Jan/2006/15/04/05") || s[2] != '/' || s[6] != '/' || s[11] != '/' || s[14] != '/' || s[17] != '/' {
		return time.Time{}, false
	}
	return makeTime(digits(s[7:11]), month(s[3:6]), digits(s[:2]), digits(s[12:14]), digits(s[15:17]), digits(s[18:20]), "Z")
}
