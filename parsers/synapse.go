package parsers

import (
	"strings"
	"time"
)

// Synapse reads what Matrix's homeserver Synapse logs of requests.
func Synapse() *Format {
	return &Format{
		Name: "synapse",
		Doc: `Synapse, the homeserver of Matrix, the requests in its log

  2006-01-02 15:04:05,000 - synapse.access.http.8008 - line - INFO - METHOD-id - client - port - {user} Processed request: 0.100sec/0.000sec (…) (…) 11B 200 "METHOD /path HTTP/1.1" "user agent" [0 dbevts]

The user may be another server. A status behind "!" was not received, for the client had left.
The client is the first of X-Forwarded-For where Synapse is told to believe it. The time is
local, bears no zone and is taken as UTC. The log's other lines are skipped.`,
		Samples: []string{
			`2026-03-01 10:00:00,000 - synapse.access.http.8008 - 460 - INFO - GET-1000 - 203.0.113.9 - 8008 - {@alice:example.com} Processed request: 0.100sec/0.001sec ru=(0.001sec, 0.000sec) db=(0.001sec/0.090sec/3) 1043B 200 "GET /_matrix/client/v3/sync?since=s1 HTTP/1.1" "Mozilla/5.0 (X11; Linux x86_64)" [0 dbevts]`,
			`2026-03-01 10:00:01,000 - synapse.access.http.8008 - 311 - INFO - PUT-1001- 2001:db8::7 - 8008 - {matrix.example.net} Processed request: 0.100sec/-0.000sec (0.000sec, 0.000sec) (0.001sec/0.090sec/3) 11B !200 "PUT /_matrix/federation/v1/send/1 HTTP/1.1" "Synapse/1.20.1" [0 dbevts]`,
		},
		New: func() ParseFunc { return enveloped((&synapse{}).parse) },
	}
}

// synapse reads one source.
type synapse struct{ clock clock }

func (p *synapse) parse(line string, f *Fields) error {
	f.reset()
	const dash, processed = " - ", "} Processed request: "
	stamp, rest, _ := strings.Cut(line, dash)
	logger, rest, found := strings.Cut(rest, dash)
	if !found || len(stamp) != len("2006-01-02 15:04:05,000") || stamp[19] != ',' {
		return &Reject{Reason: "not of Synapse", Value: line}
	}
	head, answer, found := strings.Cut(rest, processed)
	if !found || !strings.HasPrefix(logger, "synapse.access.") {
		return &Reject{Reason: "not of Synapse", Value: line, Skip: strings.HasPrefix(logger, "synapse.") || logger == "twisted"}
	}
	head, user, _ := strings.Cut(head, dash+"{")
	port := max(strings.LastIndex(head, dash), 0)
	head, client, _ := cutLast(head[:port])
	if !isAddress(client) {
		return &Reject{Reason: "no address", Value: client}
	}
	_, id, _ := cutLast(strings.TrimRight(head, " -"))
	taken, rest, _ := strings.Cut(answer, "sec/")
	counts, request, _ := strings.Cut(rest, ` "`)
	counts, status, _ := cutLast(counts)
	_, size, _ := cutLast(counts)
	request, agent, found := strings.Cut(request, " HTTP/")
	if !found || !f.setRequestLine(request) {
		return &Reject{Reason: "no request", Value: answer}
	}
	status = strings.Trim(status, "!")
	size = strings.TrimSuffix(size, "B")
	if !isStatus(status) || !f.setStatus(status) || !isNumber(size) || !f.setBytes(size) {
		return &Reject{Reason: "no bytes and status", Value: size + " " + status}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	f.setDuration(taken, time.Second)
	if _, agent, found = strings.Cut(agent, `" "`); found {
		f.UserAgent = valueOf(agent[:max(strings.LastIndex(agent, `" [`), 0)])
	}
	if user, _, _ = cutByte(user, '|'); user != "None" { // who is known, and behind the bar for whom that one acts
		f.User = user
	}
	f.Remote, f.RequestID = client, id
	return nil
}
