package parsers

import (
	"slices"
	"strings"
	"time"
)

// Lacks names what lines that no format reads do not say of the requests they seem to tell of, in
// these words: a time with its date, a client's address, a status. It is said of them if less than
// half have it where a method and a path stand. There is nothing to say where few lines have
// these, or all is there.
func Lacks(lines []string) []string {
	const fewest = 8 // one line in so many tells of a request
	var times, clients, statuses, requests int
	for _, line := range lines {
		var l loggedWords
		if !l.look(line) {
			continue
		}
		requests++
		if l.date && l.clock {
			times++
		}
		if l.client {
			clients++
		}
		if l.status {
			statuses++
		}
	}
	if requests == 0 || fewest*requests < len(lines) {
		return nil
	}
	var lacks []string
	for _, part := range [...]struct {
		has  int
		name string
	}{{times, "a time with its date"}, {clients, "a client's address"}, {statuses, "a status"}} {
		if 2*part.has < requests {
			lacks = append(lacks, part.name)
		}
	}
	return lacks
}

// loggedWords is what the words of a line may be.
type loggedWords struct{ date, clock, client, status bool }

// look looks at the words of a line and tells whether a request is among them: a method, and the
// next word or the one after it is a target.
func (l *loggedWords) look(line string) bool {
	method, request := 0, false // how many words may lie before the target
	for word := range strings.FieldsFuncSeq(line[:min(len(line), maxText)], func(c rune) bool { return strings.ContainsRune(" \t\"'()[]{}<>,;=@|", c) }) {
		switch {
		case isUsualMethod(word):
			method = 2
			continue
		case method > 0 && isTarget(word):
			request = true
		case isAddress(word):
			l.client = true
		case len(word) == 3 && word >= "100" && word <= "599" && allDigits(word):
			l.status = true
		default:
			l.lookForTime(word)
		}
		method--
	}
	return request
}

// lookForTime looks for a date, a time of day, or the seconds since 1970.
func (l *loggedWords) lookForTime(word string) {
	for i := 0; i+len("00:00:00") <= len(word); i++ {
		if word[i+2] == ':' && word[i+5] == ':' && allDigits(word[i:i+2]) && allDigits(word[i+3:i+5]) && allDigits(word[i+6:i+8]) {
			l.clock = true
		}
	}
	for part := range strings.FieldsFuncSeq(word, func(c rune) bool { return strings.ContainsRune("-/:T.", c) }) {
		if allDigits(part) {
			l.date = l.date || len(part) == len("2026") && part > "1970" && part < "2100" || len(part) >= len("1772359200")
			l.clock = l.clock || len(part) >= len("1772359200")
		}
	}
}

// Other says what a log is that holds no requests, or none that another log does not tell more of, and
// what to read in its place; what is "" if it is none that is known. It looks at the first line.
func Other(lines []string) (what, instead string) {
	if len(lines) == 0 {
		return "", ""
	}
	line := lines[0]
	has := func(words ...string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) })
	}
	switch {
	case isHealthd(line):
		return "Elastic Beanstalk's health log, which tells no method",
			"read access.log, which nginx writes beside it: it has the same requests"
	case has(`"eventVersion"`, `"eventSource"`, `"eventName"`):
		return "CloudTrail's events, which tell of calls of Amazon's own API (S3, Cognito, IAM), not of requests to yours",
			"read the access log of what answers requests: the load balancer, API Gateway, CloudFront or S3's server access log"
	case has("FrontdoorWebApplicationFirewallLog"), has("FrontDoorWebApplicationFirewallLog"):
		return "Azure Front Door's firewall log, which tells which rules a request matched, not its method and status",
			"read its access log, which has the same requests"
	case has(`"logType"`, `"graphQLAPIId"`):
		return "AppSync's log, which tells no client",
			"put a WAF before AppSync and read its log"
	case strings.HasPrefix(line, "version account-id interface-id"), isFlow(line):
		return "VPC flow logs, which tell of connections, not of requests", "read the access log of what answers requests"
	}
	return "", ""
}

// isHealthd tells whether the line is one of `1772359200.123"/path"200"0.083"0.083"203.0.113.9`.
func isHealthd(line string) bool {
	stamp, rest, _ := cutByte(line, '"')
	path, rest, _ := cutByte(rest, '"')
	status, rest, _ := cutByte(rest, '"')
	taken, _, found := cutByte(rest, '"')
	_, timed := parseEpoch(stamp)
	_, took := parseDecimal(taken, time.Second)
	return found && timed && isTarget(path) && isStatus(status) && took
}

// isFlow tells whether the line is one of a VPC's flow log as it is by default: "2 123456789012 eni-…".
func isFlow(line string) bool {
	words := strings.Fields(line[:min(len(line), maxBefore)])
	return len(words) > 3 && words[0] == "2" && len(words[1]) == 12 && allDigits(words[1]) && strings.HasPrefix(words[2], "eni-")
}
