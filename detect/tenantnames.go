package detect

import (
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// anyIn tells whether the request may name a tenant or user. It allocates nothing for
// ordinary requests.
func (t *tenantNames) anyIn(r *parsers.Request) bool {
	f := featuresOf(r)
	if r.Host == "" && !t.segments.mayHold(&f.segments) && !t.parameters.mayHold(&f.named) &&
		!(mayTellUsers(r) && (t.userSegments.mayHold(&f.segments) || t.users.mayHold(&f.named))) {
		return false // most requests: there is no need for room
	}
	var buf [maxSubjects]subject
	return len(t.appendTo(buf[:0], r)) > 0
}

// gains tells whether by the request somebody made a tenant, POST /workspaces, or joined one, POST
// /invitations/x1/accept.
func (t *tenantNames) gains(r *parsers.Request) bool {
	if r.Method != "POST" || !granted(r.Status) {
		return false
	}
	switch last := lastSegment(r.Path); last {
	case "join":
		return true
	case "accept":
		return strings.Contains(r.Path, "/invit")
	default:
		return t.segments.has(last)
	}
}

// appendTo appends the tenants that the request names to subjects, up to its capacity, and
// the users, where that tells something. Their text is the request's.
func (t *tenantNames) appendTo(subjects []subject, r *parsers.Request) []subject {
	users := mayTellUsers(r)
	subjects = t.inHost(t.inPath(subjects, r, users), r)
	if named := &featuresOf(r).named; !t.parameters.mayHold(named) && !(users && t.users.mayHold(named)) {
		return subjects
	}
	for _, query := range [...]string{r.Query, r.Body, featuresOf(r).inner} {
		for query != "" && len(subjects) < cap(subjects) {
			var name, value string
			name, value, query = cutParameter(query)
			isTenant := t.parameters.has(name)
			if !isTenant && !(users && t.users.has(name)) {
				continue
			}
			for value = unescaped(value); value != "" && len(subjects) < cap(subjects); {
				var id string
				id, value, _ = strings.Cut(value, ",")
				subjects = t.add(subjects, name, id, !isTenant)
			}
		}
	}
	return subjects
}

// mayTellUsers tells whether the users that the request names tell something: refused, who else
// somebody is after, and served, who somebody is.
func mayTellUsers(r *parsers.Request) bool {
	return r.User != "" && (granted(r.Status) || r.Status == 401 || r.Status == 403 || r.Status == 404)
}

// hostSpace begins the space of tenants that are told by their hosts.
const hostSpace = "host."

// inHost appends the first name of the host, if that may be a tenant: where the site's
// hosts are said to be such, else where the log names the actor's own tenant. Nobody having
// said so, only objects count, and only if the actor's own host serves it such ones too.
func (t *tenantNames) inHost(subjects []subject, r *parsers.Request) []subject {
	if r.Host == "" || len(subjects) == cap(subjects) {
		return subjects
	}
	name, domain, ok := strings.Cut(r.Host, ".")
	if !ok || strings.IndexByte(domain, '.') < 0 || formOf(name).kind != slugID {
		return subjects
	}
	said := t.hosts.has(domain)
	if !said && (r.Tenant == "" || strings.IndexByte(r.Route, '{') < 0) {
		return subjects
	}
	for part := range strings.SplitSeq(name, "-") {
		if part = strings.TrimRight(part, "0123456789"); len(part) <= 2 || t.sharedHosts.has(part) {
			return subjects
		}
	}
	s := subject{space: hostSpace + domain, id: name, doubtful: !said}
	if !said {
		s.tail = max(tag(r.Route), 1)
	}
	return append(subjects, s)
}

// inPath appends what stands in the path where the route has a place for an id, after a
// segment that says of what. Few tenants with names of their own ("/orgs/acme/users") make
// no such place: what can be no page there is an id (isMarked), and after the plural of a
// tenant, what more of the path follows is one by its tail.
func (t *tenantNames) inPath(subjects []subject, r *parsers.Request, users bool) []subject {
	if !t.inSegments(r, users) {
		return subjects // nearly all paths: it is asked of every request
	}
	last := ""
	path, route := r.Path, r.Route
	for len(subjects) < cap(subjects) {
		var segment, place string
		segment, path = nextSegment(path)
		place, route = nextSegment(route)
		if segment == "" || place == "" {
			break
		}
		if last != "" && (isPlace(place) || isMarked(segment)) {
			if t.segments.has(last) {
				subjects = t.add(subjects, last, unescapedPath(segment), false)
			} else if users && t.userSegments.has(last) {
				subjects = t.add(subjects, last, unescapedPath(segment), true)
			}
		} else if last != "" && strings.Trim(route, "/") != "" && isTenants(last) && t.segments.has(last) {
			n := len(subjects)
			if subjects = t.add(subjects, last, unescapedPath(segment), false); len(subjects) > n {
				subjects[n].tail = max(tag(strings.Trim(route, "/")), 1)
			}
		}
		last = segment
	}
	return subjects
}

// inSegments tells whether any segment of the path is one after which an id stands.
func (t *tenantNames) inSegments(r *parsers.Request, users bool) bool {
	segments := &featuresOf(r).segments
	if !t.segments.mayHold(segments) && !(users && t.userSegments.mayHold(segments)) {
		return false
	}
	for segment, rest := nextSegment(r.Path); segment != ""; segment, rest = nextSegment(rest) {
		if t.segments.has(segment) || users && t.userSegments.has(segment) {
			return true
		}
	}
	return false
}

// isTenants tells whether a segment is the plural under which tenants stand. Pages stand
// under the others too: "/account/settings/emails", "/org/billing/members".
func isTenants(segment string) bool {
	switch lower(segment[0]) {
	case 'o', 't', 'w':
		return lower(segment[len(segment)-1]) == 's'
	}
	return false
}

// isMarked tells whether a segment is an id by its own mark: org_104. Pages have no digits in
// their names, or none behind such a prefix.
func isMarked(segment string) bool {
	id := unescapedPath(segment)
	return strings.ContainsAny(id, "0123456789") && formOf(id).kind == prefixedID
}

// isPlace tells whether a segment of a route is one for the ids of objects.
func isPlace(segment string) bool {
	_, name, ok := strings.Cut(segment, "{")
	return ok && !strings.HasPrefix(name, "date}") && !strings.HasPrefix(name, "n}")
}

func (t *tenantNames) add(subjects []subject, name, id string, user bool) []subject {
	id = strings.Trim(id, " \t\"'{}")
	if id == "" || len(id) > maxText || t.shared.has(id) || formOf(id).kind == otherID {
		return subjects
	}
	space := "user"
	if !user {
		space = spaceOf(name)
	}
	for _, s := range subjects {
		if s.space == space && sameID(s.id, id) { // spelled in many ways it would leave no room for others
			return subjects
		}
	}
	return append(subjects, subject{user: user, space: space, id: id})
}

// spaceOf names whose ids the parameter or segment holds: an organisation, a tenant and a
// site's own word are one, but the 7th account is not the 7th organisation.
func spaceOf(name string) string {
	var buf [maxWord]byte
	word, _ := fold(&buf, name)
	switch {
	case strings.HasPrefix(string(word), "account"):
		return "account"
	case strings.HasPrefix(string(word), "workspace"):
		return "workspace"
	}
	return "org"
}

// An idForm is what can be told of an id without knowing any other. Two ids of one form
// that differ are two things; of two forms they may be one.
type idForm struct {
	kind   idKind
	prefix string // of prefixedID, as written
	length int    // of opaqueID, without what separates
}

type idKind uint8

const (
	otherID    idKind = iota // text that is no id, or not clearly one
	numberID                 // 42
	opaqueID                 // a UUID, a hash, a ULID
	prefixedID               // org_abc123
	slugID                   // acme, acme-inc
	emailID                  // also a domain
)

// minOpaque is the length from which letters mixed with digits are no word.
const minOpaque = 16

func formOf(id string) idForm {
	letters, digits, separators, dots, firstSeparator := 0, 0, 0, 0, -1
	for i := range len(id) {
		switch c := lower(id[i]); {
		case c >= 'a' && c <= 'z':
			letters++
		case c >= '0' && c <= '9':
			digits++
		case c == '-' || c == '_' || c == ':':
			separators++
			if firstSeparator < 0 {
				firstSeparator = i
			}
		case c == '.' || c == '@' || c == '+':
			dots++
		default:
			return idForm{}
		}
	}
	isUUID := len(id) == 36 && separators == 4 && letters+digits == 32
	switch {
	case letters+digits == 0:
		return idForm{}
	case dots > 0:
		return idForm{kind: emailID}
	case letters == 0 && separators == 0:
		return idForm{kind: numberID}
	case isUUID, separators == 0 && digits > 0 && letters+digits >= minOpaque:
		return idForm{kind: opaqueID, length: letters + digits}
	case firstSeparator > 0 && isPrefix(id, firstSeparator):
		return idForm{kind: prefixedID, prefix: id[:firstSeparator]}
	}
	return idForm{kind: slugID}
}

// isPrefix tells whether what stands before the separator at i says of what the rest is
// the id: usual words, and any word where the rest is no word.
func isPrefix(id string, i int) bool {
	rest := id[i+1:]
	if rest == "" || strings.Trim(strings.ToLower(id[:i]), "abcdefghijklmnopqrstuvwxyz") != "" {
		return false
	}
	switch strings.ToLower(id[:i]) {
	case "org", "organization", "organisation", "tenant", "tnt", "account", "acct", "acc", "workspace", "ws", "team", "company", "customer", "cus", "user", "usr":
		return true
	}
	return id[i] == '_' && len(rest) >= 6 && strings.ContainsAny(rest, "0123456789") && !strings.ContainsAny(rest, "-_:")
}

// oneForm tells whether the actor's own id and one asked for are of one form, so that
// they are of two things if they differ.
func oneForm(own, asked string) bool {
	a, b := formOf(own), formOf(asked)
	switch {
	case a.kind == otherID, a.kind != b.kind, a.length != b.length, !strings.EqualFold(a.prefix, b.prefix):
		return false
	case a.kind == slugID:
		return own == strings.ToLower(own) // a name as people write it is not the one in addresses
	}
	return true
}

// sameID tells whether two ids are one in two spellings: case, separators, leading zeros
// and the prefix that one of them lacks do not count.
func sameID(a, b string) bool {
	if a == b || equalFolded(a, b) {
		return true
	}
	fa, fb := formOf(a), formOf(b)
	switch {
	case fa.kind == prefixedID && fb.kind != prefixedID:
		return equalFolded(a[len(fa.prefix)+1:], b)
	case fb.kind == prefixedID && fa.kind != prefixedID:
		return equalFolded(a, b[len(fb.prefix)+1:])
	}
	return false
}

// equalFolded compares the letters and digits of two texts.
func equalFolded(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	for {
		var x, y byte
		x, a = nextAlnum(a)
		y, b = nextAlnum(b)
		if x != y {
			return false
		}
		if x == 0 {
			return true
		}
	}
}

// nextAlnum returns the first letter or digit, in lower case, and what follows it; 0 if
// there is none. What is no ASCII counts as a letter.
func nextAlnum(s string) (byte, string) {
	for i := range len(s) {
		c := lower(s[i])
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80 {
			return c, s[i+1:]
		}
	}
	return 0, ""
}
