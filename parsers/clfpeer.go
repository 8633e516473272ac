package parsers

import "strings"

// How the lines that are built on the common log format tell who sent the request.

// setPeer takes what stands before the time: addresses, identity and user.
func (f *Fields) setPeer(s string) bool {
	s = strings.TrimSuffix(s, " ")
	if !strings.HasPrefix(s, " - ") { // Gunicorn, on a Unix socket, has no address
		s = strings.TrimLeft(s, " ")
	}
	bare := s
	for strings.HasPrefix(bare, "- ") {
		bare = bare[len("- "):]
	}
	if len(bare) < len(s) && beginsWithPeer(bare) { // behind what is left of syslog: "- - - 203.0.113.9 - -"
		s = bare
	}
	if client, upstreams, found := strings.Cut(s, " -> "); found {
		if first, _, _ := cutByte(upstreams, ','); isAddress(first) {
			return f.setAddresses(client)
		}
	}
	if i := strings.Index(s, " - "); i >= 0 {
		before, user := strings.TrimRight(s[:i], " "), strings.Trim(s[i+len(" - "):], " ") // Jetty puts blanks around the user
		if user == "-" {                                                                   // as nearly all
			return i == 0 || f.setAddresses(before)
		}
		if isProgram(before) && beginsWithPeer(user) { // "app - 203.0.113.9 - -"
			return f.setPeer(user)
		}
		if (beginsWithPeer(user) || isAddress(strings.TrimSuffix(user, " -"))) && isDomain(before) {
			f.Host = before // "$host - $remote_addr - $remote_user"
			return f.setPeer(user)
		}
		if strings.HasPrefix(user, "[") { // older ingress controllers: the address again
			if _, after, found := strings.Cut(user, "] - "); found {
				user = after
			}
		}
		// BunkerWeb writes the request id there too; but a user may hold blanks.
		if id, after, found := strings.Cut(user, " "); found && (after == "-" || isRequestID(id)) {
			if !isRequestID(id) && strings.IndexByte(before, ' ') < 0 { // "$remote_addr - $remote_user -": no host before it
				id, after = "", id
			}
			f.RequestID, user = valueOf(id), after
		}
		f.User = unescape(valueOf(strings.Trim(user, `"`)))
		return i == 0 || f.setAddresses(before)
	}
	all := s
	s, user, _ := cutLast(s)
	s, identity, three := cutLast(s)
	if !three { // nothing else tells the client from a host
		return f.setAddresses(strings.TrimSuffix(all, " -")) && (f.Remote == "" || isAddress(f.Remote))
	}
	if s[len(s)-1] == ',' && isAddress(identity) { // the list has its end in what is no identity: "$remote_addr $http_x_forwarded_for -"
		f.User = unescape(valueOf(user))
		return f.setAddresses(all[:len(all)-len(user)-1])
	}
	f.User = unescape(valueOf(user))
	switch {
	case isAddress(identity) && isDomain(s): // "$host $remote_addr $remote_user"
		f.Host, s = s, identity
	case strings.ContainsAny(identity, ".:") && isHost(identity): // lighttpd: address, virtual host, user
		f.Host = identity
	}
	if isJiraID(identity) {
		f.RequestID = identity
	}
	return f.setAddresses(s)
}

// isJiraID tells whether s has the form of the ids of Jira's requests: "600x2x1", with an i before
// it where the request came in, and an o where it was answered.
func isJiraID(s string) bool {
	minute, rest, _ := cutByte(strings.TrimLeft(s, "io"), 'x')
	number, together, _ := cutByte(rest, 'x')
	return isNumber(minute) && isNumber(number) && isNumber(together)
}

// isProgram tells whether s could be the name of a program that stands before a line, and not
// that of a client: a host has dots.
func isProgram(s string) bool {
	return s != "" && isLetter(s[0]) && s != "localhost" && s != "unknown" && isName(s) && strings.IndexByte(s, '.') < 0
}

// beginsWithPeer tells whether s begins as the common log format does: with an address, an
// identity that is none, and a user.
func beginsWithPeer(s string) bool {
	address, rest, _ := cutByte(s, ' ')
	return isAddress(address) && strings.HasPrefix(rest, "- ")
}

// isRequestID tells whether s has the form of nginx's $request_id.
func isRequestID(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return len(s) == 32
}

// cutLast cuts s at its last blank; without one, all of s comes after it.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ' ')
	return s[:max(i, 0)], s[i+1:], i >= 0
}

// setAddresses takes "[virtual host] [addresses of X-Forwarded-For] address", or the address and
// X-Forwarded-For in parentheses.
func (f *Fields) setAddresses(s string) bool {
	if strings.IndexByte(s, ' ') < 0 {
		f.Remote = valueOf(strings.Trim(s, `"`))
		return s != "" && !isPreface(f.Remote)
	}
	if before, list, found := strings.Cut(s, " ("); found && s[len(s)-1] == ')' { // "%h (%{X-Forwarded-For}i)"
		f.ForwardedFor = valueOf(list[:len(list)-1])
		return f.setAddresses(before)
	}
	s, last, _ := cutLast(s)
	if isNumber(last) && isAddress(s) { // "$remote_addr $remote_port"
		f.Remote = s
		return true
	}
	if f.Remote = valueOf(strings.Trim(last, `"`)); isPreface(f.Remote) {
		return false
	}
	if open := strings.IndexByte(s, '"'); open >= 0 && open+1 < len(s) && s[len(s)-1] == '"' {
		// In quotes, a client may send what it likes.
		f.ForwardedFor = unescape(valueOf(s[open+1 : len(s)-1]))
		if s = strings.TrimSuffix(s[:open], " "); isHost(s) {
			f.Host = s
		}
		return s == f.Host || s == "-"
	}
	from := -1 // where the forwarded addresses begin
	for at := 0; at < len(s); {
		word, _, _ := strings.Cut(s[at:], " ")
		bare := strings.Trim(word, `",`)
		switch {
		case isAddress(bare), strings.HasSuffix(word, ","):
			if from < 0 {
				from = at
			}
		case at == 0 && isHost(bare) && !isDay(bare):
			f.Host = bare
		case bare != "-" && bare != "unknown":
			return false
		}
		at += len(word) + 1
	}
	if from >= 0 {
		f.ForwardedFor = strings.Trim(s[from:], `",`)
	}
	return true
}

// isPreface tells whether s is what may stand in front of a line and would be taken for who the
// server spoke to: columns, a day, a time of day, or a level that what follows is not kept apart from,
// "[info]203.0.113.9".
func isPreface(s string) bool {
	switch {
	case len(s) < len("10:00:00"):
		return false
	case len(s) > len("255.255.255.255") && strings.IndexByte(s, '\t') >= 0: // columns
		return true
	case s[0] == '[':
		return !isAddress(s)
	case s[2] == ':':
		return s[5] == ':' && allDigits(s[:2]) && allDigits(s[3:5]) && allDigits(s[6:8]) && !isAddress(s)
	}
	return isDay(s)
}

// isDay tells whether s is a day: "2026-03-01", "2026/03/01".
func isDay(s string) bool {
	return len(s) == len("2026-03-01") && (s[4] == '-' || s[4] == '/') && s[7] == s[4] && allDigits(s[:4]) && allDigits(s[5:7]) && allDigits(s[8:])
}

// isAddress tells whether s looks like an IP address, with or without port. A time of day,
// "10:00:00", does not.
func isAddress(s string) bool {
	letters, dots, colons := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c) || c == '[' || c == ']' || c == '%':
		case c == '.':
			dots++
		case c == ':':
			colons++
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			letters++
		default:
			return false
		}
	}
	return colons > 5 || colons > 1 && strings.Contains(s, "::") || dots == 3 && letters == 0
}

// isHost tells whether s looks like a host name, with or without port; "-" stands
// for none.
func isHost(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '.' || c == '-' || c == '_' || c == '*':
		case c == ':':
			return i > 0 && i+1 < len(s) && len(s)-i <= len(":65535") && allDigits(s[i+1:])
		default:
			return false
		}
	}
	return s != "" && s != "-"
}

// namesHost tells whether s, which isHost, stands for the one that was asked: it is no scheme, no
// number and no version of TLS, which may stand in its place.
func namesHost(s string) bool {
	return s != "" && s != "-" && s != "http" && s != "https" && !strings.HasPrefix(s, "TLSv") && (isAddress(s) || strings.Trim(s, ".0123456789") != "")
}

// isDomain tells whether s is a host name of which nothing else could be written so: its top level
// is a word.
func isDomain(s string) bool {
	name := cutPort(s)
	dot := strings.LastIndexByte(name, '.')
	return dot > 0 && isHost(s) && methodLen(name[dot+1:]) == len(name)-dot-1 && dot+1 < len(name)
}
