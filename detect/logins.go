package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// What the detectors of guessed passwords share: who tries to log in, from where, with
// what, and who is known to have got in before.

// Actor types of events that no single actor makes.
const (
	actorNetwork = "network" // "AS64500", or a network in CIDR notation
	actorRoute   = "route"   // many clients at one route
)

const thenUsage = "`time` after a failed login in which one that works was guessed"

// isLogin tells whether the request tries to log in, and whether that worked is known.
func isLogin(r *parsers.Request) bool { return r.Event == LoginFailed || r.Event == LoginSuccess }

// accountOf returns the account that the log names, in one form however it is typed:
// case and space around it are no other account; "" if it names none.
func accountOf(r *parsers.Request) string { return strings.ToLower(strings.TrimSpace(r.User)) }

// byAccount groups by the account that the log names.
var byAccount = &GroupBy{Key: func(r *parsers.Request, b []byte) []byte { return append(b, accountOf(r)...) }}

// accountNames are the fields of a login form that name the account.
var accountNames = map[string]bool{"username": true, "user": true, "email": true, "login": true, "userid": true, "identifier": true, "account": true, "log": true, "phone": true,
	"loginid": true, "loginname": true, "loginemail": true, "uname": true, "usr": true, "uid": true, "useremail": true, "userlogin": true, "mail": true, "emailaddress": true,
	"usernameoremail": true, "usernameoremailaddress": true, "emailorusername": true, "accountname": true, "jusername": true, "phonenumber": true, "mobile": true,
	"mobilenumber": true, "msisdn": true, "customernumber": true, "membernumber": true}

// Identify puts on a request that is classified what its event makes sense of: the account that
// a login names, and the token that access tokens are made of. Where the log says who acts,
// that is the better answer.
func Identify(r *parsers.Request) {
	if r.User == "" {
		r.User = loginAccount(r)
	}
	if r.Token == "" {
		r.Token = refreshedToken(r)
	}
}

// refreshedToken returns the fingerprint of the token that a request to refresh names in its
// body; "" if it is no such request or names none.
func refreshedToken(r *parsers.Request) string {
	if r.Body == "" || r.Event != TokenRefreshed && r.Event != SessionExpired && r.Event != APIKeyInvalid {
		return ""
	}
	for form := r.Body; form != ""; {
		var name, value string
		name, value, form = cutParameter(form)
		if name = bareName(name); (name == "refreshtoken" || name == "refresh") && strings.HasPrefix(value, "tok_") {
			return value
		}
	}
	return ""
}

// loginAccount returns the account that a request to log in names in its body or its query;
// "" if it is no such request or names none. Where the log says who acts, that is the better
// answer.
func loginAccount(r *parsers.Request) string {
	if r.Body == "" && r.Query == "" || !isLogin(r) {
		return ""
	}
	return namedAccount(r)
}

// namedAccount returns the account that a request names in its body or its query; "" if none.
func namedAccount(r *parsers.Request) string {
	for _, form := range [...]string{r.Body, r.Query} {
		for form != "" {
			var name, value string
			if name, value, form = cutParameter(form); accountNames[bareName(name)] {
				if account := strings.TrimSpace(unescaped(value)); account != "" && len(account) <= maxText {
					return strings.ToValidUTF8(account, "\ufffd")
				}
			}
		}
	}
	return ""
}

// accountTag tells accounts apart; 0 where the log names none.
func accountTag(r *parsers.Request) uint64 {
	if account := accountOf(r); account != "" {
		return max(tag(account), 1)
	}
	return 0
}

// actorTag tells actors apart; of addresses, places. It is the one that the request brings,
// else a new one.
func actorTag(r *parsers.Request) uint64 {
	if r.ActorTag != 0 {
		return r.ActorTag
	}
	return newActorTag(r)
}

func newActorTag(r *parsers.Request) uint64 {
	id, typ := r.Actor()
	if typ == parsers.ActorIP {
		return placeTag(r)
	}
	return tag(id)
}

// both makes one tag of two, in their order.
func both(a, b uint64) uint64 { return a*0x9e3779b97f4a7c15 ^ b }

// loginNetwork returns the network of the client: its number where that is known, else the
// IPv4 /24 or IPv6 /48 around the address; "" for what is no address.
func loginNetwork(r *parsers.Request) string {
	if as := r.Origin.Network(); as != "" {
		return as
	}
	return parsers.Prefix(r.ClientIP, 24, 48)
}

// A familiar is what got in most recently, by tag, the last one last. It tells owners
// of accounts from guessers.
type familiar []uint64

const maxFamiliar = 128 // people of an office

func (f familiar) has(tag uint64) bool { return slices.Contains(f, tag) }

func (f *familiar) add(tag uint64) {
	if i := slices.Index(*f, tag); i >= 0 {
		*f = slices.Delete(*f, i, i+1)
	} else if len(*f) == maxFamiliar {
		*f = slices.Delete(*f, 0, 1)
	}
	*f = append(*f, tag)
}

// An attempts is the failed logins of a key within a span, account by account, the one
// that failed last at the end.
type attempts []attempt

// An attempt is the failed logins of one account.
type attempt struct {
	Mark                // the last of them, tagged by account
	Before  []time.Time `json:",omitempty"` // the others, as far back as is of interest
	Account string      // clipped
	Address string      // of the last, clipped
	Place   uint64      // likewise
}

// add adds a failed login and forgets what lies further back than span. At most the
// given number of accounts is held, and that of tries for each.
func (a *attempts) add(r *parsers.Request, span time.Duration, accounts, tries int) {
	now := attempt{Mark: mark(r, accountTag(r)), Address: clip(r.ClientIP), Place: placeTag(r)}
	if was, found := a.take(now.Tag); found {
		now.Account = was.Account
		now.Before = append(was.Before, was.At)
		now.forget(now.At, span)
		now.Before = slices.Delete(now.Before, 0, max(len(now.Before)-tries+1, 0))
	} else {
		now.Account = clip(r.User)
	}
	n := max(len(*a)-accounts+1, 0)
	for n < len(*a) && now.At.Sub((*a)[n].At) > span {
		n++
	}
	*a = append(slices.Delete(*a, 0, n), now)
}

// forget leaves out what lies further back than span, but for the last failed login.
func (a *attempt) forget(now time.Time, span time.Duration) {
	for len(a.Before) > 0 && now.Sub(a.Before[0]) > span {
		a.Before = a.Before[1:]
	}
}

// take takes an account out.
func (a *attempts) take(account uint64) (was attempt, found bool) {
	i := slices.IndexFunc(*a, func(t attempt) bool { return t.Tag == account })
	if i < 0 {
		return attempt{}, false
	}
	was = (*a)[i]
	*a = slices.Delete(*a, i, i+1)
	return was, true
}

// window returns the last failed login of each account, and how many logins that leaves
// out.
func (a attempts) window() (w Window, others int64) {
	for _, t := range a {
		w = append(w, t.Mark)
		others += int64(len(t.Before))
	}
	return w, others
}

// has tells whether the tag is in the set.
func (d Distinct) has(tag uint64) bool {
	_, found := slices.BinarySearch(d, tag)
	return found
}

// A lately is a set of what was seen within a span: nothing of it is forgotten before
// the span is over, and all when it has been over twice.
type lately struct {
	Since       time.Time `json:",omitzero"` // when Now was begun
	Now, Before Distinct  `json:",omitempty"`
}

func (l *lately) add(tag uint64, at time.Time, span time.Duration) {
	l.turn(at, span)
	l.Now.Add(tag)
}

func (l *lately) turn(at time.Time, span time.Duration) {
	switch past := at.Sub(l.Since); {
	case past > 2*span:
		*l = lately{Since: at}
	case past > span:
		*l = lately{Since: at, Before: l.Now}
	}
}

func (l *lately) has(tag uint64, at time.Time, span time.Duration) bool {
	l.turn(at, span)
	return l.Now.has(tag) || l.Before.has(tag)
}

// size is how many there are.
func (l *lately) size(at time.Time, span time.Duration) int {
	l.turn(at, span)
	n := len(l.Now)
	for _, tag := range l.Before {
		if !l.Now.has(tag) {
			n++
		}
	}
	return n
}

// maxLoginNames bounds the names of one kind that an event lists.
const maxLoginNames = 10

// list adds a name to a list of at most maxLoginNames different ones, clipped.
func list(names *[]string, name string) {
	if name == "" || len(*names) == maxLoginNames {
		return
	}
	if name = clip(name); !slices.Contains(*names, name) {
		*names = append(*names, name)
	}
}

// orNone makes an empty list one that JSON shows as such.
func orNone(names []string) []string {
	if names == nil {
		return []string{}
	}
	return slices.Clone(names)
}

// listed is a list in a sentence, with how many there are in all.
func listed(names []string, all string) string {
	const shown = 3
	if len(names) <= shown {
		return fmt.Sprintf("%s (%s)", all, strings.Join(names, ", "))
	}
	return fmt.Sprintf("%s (%s, …)", all, strings.Join(names[:shown], ", "))
}

// firstFew quotes the first few of the names, which are some of all, and counts the others.
func firstFew(names []string, all int) string {
	const shown = 5
	names = names[:min(len(names), shown)]
	text := strings.Join(quoted(names), ", ")
	if more := all - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// What is learned of logins that worked.
const (
	ofInsiders = "accounts that logged in, with their programs"
	ofHomes    = "places of logins, with their programs"
)
