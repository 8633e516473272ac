package parsers

import "strings"

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
