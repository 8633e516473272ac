package detect

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Enumeration finds who asks for many things that are not there.
func Enumeration() *Detector {
	d := &Detector{
		Name: "enumeration",
		Doc: `many answers 404 for one actor

Who does not know an API tries names until some answer. Other answers tell as much and
count, too: 409 and 422 where people sign up, are invited or forget a password, and what a
sign-up form is told of whether a name or an address is taken (each once) say which accounts
there are; 400, 410 and 422 where coupons, vouchers and gift cards are redeemed, where an
invitation is accepted by its code, and where a link resets a password or logs in, say that a
code was guessed wrong; 405 says that there is a route, once for each method of it. What
browsers and crawlers ask for unbidden does not count.

The event is of medium severity

- for a client with a broken link: it tries the same few paths, and does not go through the values of one parameter;
- where most requests name the page that led to them, for no more paths than the limit: links are dead, or a service fails; and where people sign up or pay behind one address;
- where most answers are 405: which methods a route has gives little away;
- where most requests ask whether a file is there, as backup and sync clients do before they send it; what they then send does not count, and neither is it a search to look once more for what one has deleted;
- where somebody whom the log knows is mostly told which accounts there are: people are invited by the list;
- for what says to be the crawler of a search engine and asks for nothing but pages, never for an API or what scanners look for, unless its network is known to be another's.

A crawler whose address is known for it is of low severity: it follows dead links.`,
		Type:      APIEnumerationDetected,
		Severity:  High,
		Technique: "T1595.003",
		OWASP:     "API9:2023",
		Of:        RefusedKind | CheckKind | WriteKind,
		Match: func(r *parsers.Request) bool {
			return r.Status == 404 && !featuresOf(r).unbidden || triesMethod(r) || tellsAccount(r) || answersCheck(r) || refusesCode(r) || isSent(r) || isDeleted(r)
		},
		GroupBy: ByActor,
	}
	limit := d.count("limit", 30, "answers 404 within the window that are still `normal`")
	few := d.count("few-paths", 10, "fewer distinct `paths`, or values of a parameter, than this are a broken client, not a scan")
	window := d.span("window", 300*time.Second, "`time` within which answers are counted")
	d.TTL = window
	d.New = func() State { return &enumeration{limit: *limit, few: *few, window: *window} }
	return d
}

type enumeration struct {
	limit, few int
	window     time.Duration

	Recent Window   `json:",omitempty"` // while nothing goes on; tagged by missingTag
	Things []uint64 `json:",omitempty"` // what each of them asked for
	Gone   []uint64 `json:",omitempty"` // tags of the paths that the actor deleted last; at most maxGone
	Going  *scan    `json:",omitempty"`
}

// maxGone bounds the paths that an actor deleted and is known to have: more deletions than that
// within the window are what bulk-delete is about.
const maxGone = 64

// A scan is an enumeration that goes on.
type scan struct {
	Episode
	Paths            Distinct
	Things           Distinct // asked for: paths with their parameters, or accounts
	Crawler          crawling
	Referred, Asking int64 `json:",omitempty"` // of Count: that name the page that led there, that asksFirst
	Methods          int64 `json:",omitempty"` // of Count: triesMethod
	Strays           bool  `json:",omitempty"` // one was strays

	// Of what came once it had begun, and of the answer with which it did.
	Later      Distinct // things
	Parameters Distinct `json:",omitempty"`
	Missing    int64    `json:",omitempty"` // answers 404
	Telling    int64    `json:",omitempty"` // answers 409 and 422
	Checked    int64    `json:",omitempty"` // answersCheck
	Codes      int64    `json:",omitempty"` // refusesCode
	Accounts   int64    `json:",omitempty"` // answers that were for an account that the log names
	Unsaid     bool     `json:",omitempty"` // the log does not say what one was for
}

// referred tells whether most requests name the page that led to them, and no more paths than
// the limit were asked for: an application asks again. Some scanners name a page, too, but ask
// for a path once.
func (g *scan) referred(limit int) bool { return mostly(g.Referred, g.Count) && len(g.Paths) <= limit }

func (g *scan) asking() bool { return mostly(g.Asking, g.Count) }

// missingTag is the tag of the path, but for its last bits: how the request came about.
func missingTag(r *parsers.Request) uint64 {
	t := tag(storedAt(r.Path)) &^ missingBits
	if referred(r) {
		t |= referredBit
	}
	if asksFirst(r) {
		t |= askingBit
	}
	if strays(r) {
		t |= straysBit
	}
	return t
}

const (
	referredBit = 1 << iota
	askingBit
	straysBit
	methodBit
	missingBits = referredBit | askingBit | straysBit | methodBit
)

// match takes a request by its missingTag, and what it asked for.
func (g *scan) match(t, thing uint64) {
	g.Paths.Add(t &^ missingBits)
	g.Things.Add(thing)
	g.Referred += int64(t & referredBit / referredBit)
	g.Asking += int64(t & askingBit / askingBit)
	g.Methods += int64(t & methodBit / methodBit)
	g.Strays = g.Strays || t&straysBit != 0
}

// strays tells whether a request is none of a crawler that follows the links of pages.
func strays(r *parsers.Request) bool {
	return r.Method != "GET" && r.Method != "HEAD" || featuresOf(r).probe != noProbe || IsAPIPath(r) && !strings.HasSuffix(r.Path, ".html") || strings.HasPrefix(lastSegment(r.Path), ".")
}

// crawls tells whether it may be a crawler that follows dead links, as it says.
func (g *scan) crawls() bool {
	return !g.Strays && (g.Crawler.Trust == crawlUnproven || g.Crawler.Trust == crawlDoubtful)
}

// asksFirst tells whether the request is how clients that send files ask whether the
// service has them, or those that build before they do: for their properties, or by a hash of what
// they hold.
func asksFirst(r *parsers.Request) bool {
	return r.Method == "PROPFIND" || (r.Method == "HEAD" || r.Method == "GET") && endsInHash(r.Path)
}

// endsInHash tells whether a path ends in 40 hex digits or more: no list of names has those.
func endsInHash(p string) bool {
	const digits = 40 // of SHA-1
	return len(p) > digits && strings.Trim(p[len(p)-digits:], "0123456789abcdefABCDEF") == ""
}

// isSent tells whether the request put something at its path.
func isSent(r *parsers.Request) bool { return r.Method == "PUT" && granted(r.Status) }

// isDeleted tells whether the request took away what was at its path.
func isDeleted(r *parsers.Request) bool { return r.Method == "DELETE" && granted(r.Status) }

// storedAt returns the path without what clients of an object storage write behind the name of a
// file to ask whether it is a folder.
func storedAt(path string) string {
	return strings.TrimRight(strings.TrimSuffix(path, "_$folder$"), "/")
}

// remove remembers that the actor deleted what was at a path.
func (s *enumeration) remove(path uint64) {
	if slices.Contains(s.Gone, path) {
		return
	}
	if len(s.Gone) == maxGone {
		s.Gone = slices.Delete(s.Gone, 0, 1)
	}
	s.Gone = append(s.Gone, path)
}

// forget takes back the answers for a path, while nothing goes on: who asked for it knew that
// it was to be sent.
func (s *enumeration) forget(path uint64) {
	s.fillThings()
	for i := len(s.Recent) - 1; i >= 0; i-- {
		if s.Recent[i].Tag&^missingBits == path&^missingBits {
			s.Recent = slices.Delete(s.Recent, i, i+1)
			s.Things = slices.Delete(s.Things, i, i+1)
		}
	}
}

func (s *enumeration) Observe(r *parsers.Request, emit func(Event)) {
	path := tag(storedAt(r.Path))
	switch {
	case isSent(r):
		s.forget(path)
		return
	case isDeleted(r):
		s.remove(path)
		return
	case r.Status == 404 && slices.Contains(s.Gone, path):
		return
	}
	m, thing := mark(r, missingTag(r)), thingOf(r)
	if triesMethod(r) {
		thing = both(tag(r.Method), tag(r.Route))
		m.Tag = thing&^missingBits | methodBit
	}
	if (answersCheck(r) || triesMethod(r)) && (slices.Contains(s.Things, thing) || s.Going != nil && s.Going.Things.has(thing)) {
		return // a form may ask again, and a broken client does
	}
	if s.Going == nil {
		if s.slide(m, thing); len(s.Recent) <= s.limit {
			return
		}
		s.Going = &scan{Episode: begin(r, s.Recent)}
		for i, m := range s.Recent {
			s.Going.match(m.Tag, s.Things[i])
		}
		s.Recent, s.Things = nil, nil
	} else {
		s.Going.extend(r)
		s.Going.match(m.Tag, thing)
	}
	g := s.Going
	g.Route = "" // what is not there has none
	g.note(r, thing)
	severity := High
	switch {
	case g.asking(), g.signingUp(), g.buying(), mostly(g.Methods, g.Count), // anybody can send PROPFIND, or name a page
		len(g.Paths) < s.few && !s.walks(), len(g.Paths) >= s.few && g.referred(s.limit):
		severity = Medium
	}
	g.Crawler.meet(r)
	if g.invites() || g.crawls() {
		severity = Medium
	}
	g.reach(g.Crawler.most(severity), Attempted)
	g.tell(emit, s.describe)
}

// fillThings has a thing for each answer. Earlier versions saved none.
func (s *enumeration) fillThings() {
	for len(s.Things) < len(s.Recent) {
		s.Things = append(s.Things, s.Recent[len(s.Things)].Tag)
	}
}

// slide adds an answer while nothing goes on.
func (s *enumeration) slide(m Mark, thing uint64) {
	s.fillThings()
	s.Things = append(s.Things, thing)
	s.Recent.Slide(m, s.window, s.limit+1)
	s.Things = slices.Delete(s.Things, 0, len(s.Things)-len(s.Recent))
}

// note takes what a request asked for.
func (g *scan) note(r *parsers.Request, thing uint64) {
	switch g.Later.Add(thing); {
	case r.Status == 404:
		g.Missing++
	case answersCheck(r):
		g.Checked++
	case triesMethod(r):
	case refusesCode(r):
		g.Codes++
		g.Unsaid = g.Unsaid || r.Query == "" && r.Body == ""
	default:
		g.Telling++
	}
	if account, ok := accountRoute(r); ok {
		if account != "" {
			g.Accounts++
		} else if writes(r.Method) {
			g.Unsaid = true
		}
		return
	}
	for _, query := range [...]string{r.Query, r.Body} {
		for query != "" {
			var p parameter
			query = p.read(query)
			if p.paging() != chanceName && !isClock(p.value, r.Time) {
				g.Parameters.Add(tag(p.text))
			}
			g.Unsaid = g.Unsaid || strings.Contains(p.value.text, "redacted")
		}
	}
}

// walks tells whether it goes through the values of one parameter, or through accounts, at the
// same few paths. Where several parameters are others each time, a client tells of itself.
func (s *enumeration) walks() bool {
	g := s.Going
	if g.Accounts > 0 && g.Accounts == g.Missing+g.Telling+g.Checked {
		return len(g.Things) >= s.few
	}
	return len(g.Later) >= s.few && !s.severalVary()
}

func (s *enumeration) severalVary() bool { return len(s.Going.Parameters) >= len(s.Going.Later)+s.few }

// invites tells whether somebody whom the log knows makes or invites people who are there.
func (g *scan) invites() bool {
	return g.Telling+g.Checked > g.Missing && g.ActorType != string(parsers.ActorIP)
}

// signingUp tells whether the form of a page may ask what is taken, for people who sign up.
func (g *scan) signingUp() bool {
	return g.Checked > g.Missing+g.Telling+g.Codes && mostly(g.Referred, g.Count)
}

// buying tells whether people may have typed the codes, each at the page where one pays.
func (g *scan) buying() bool {
	return g.Codes > g.Missing+g.Telling+g.Checked && mostly(g.Referred, g.Count)
}

func (s *enumeration) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (s *enumeration) describe(e *Event) {
	g := s.Going
	answers := "404"
	switch {
	case g.Missing == 0 && g.Telling > 0:
		answers = "409 or 422"
	case g.Telling > 0:
		answers = "404, 409 or 422"
	}
	switch {
	case g.Checked > 0:
		answers = "on whether there is an account"
	case g.Codes > 0 && g.Missing == 0:
		answers = "that refuse a code"
	case g.Codes > 0:
		answers = "404 or that refuse a code"
	case g.Methods == g.Count:
		answers = "405"
	case g.Methods > 0:
		answers = "404 or 405"
	}
	on := g.Paths.of("path", "paths")
	if g.Methods > 0 {
		on = g.Paths.of("path, or method of a route", "paths, or methods of a route")
	}
	if len(g.Things) > len(g.Paths) {
		on += ", for " + g.Things.of("thing", "different things")
	}
	e.Summary = fmt.Sprintf("%s got %d answers %s on %s in %s (threshold: more than %d within %s)",
		who(e.ActorID, e.ActorType), e.Count, answers, on, inWords(e.Last.Sub(e.First)), s.limit, inWords(s.window))
	switch few := len(g.Paths) < s.few; {
	case g.asking():
		e.Confidence = 0.2
		e.Summary += "; most ask whether a file is there, as clients do before they send it"
	case g.signingUp():
		e.Confidence = 0.4
		e.Summary += "; most requests name the page that led to them, as where people sign up behind one address"
	case g.buying():
		e.Confidence = 0.4
		e.Summary += "; most requests name the page that led to them, as where people buy behind one address"
	case few && s.walks():
		e.Confidence = 0.7
		e.Summary += "; the values of one parameter are gone through"
	case few && s.severalVary():
		e.Confidence = 0.4
		e.Summary += "; several parameters differ each time, as where a client tells of itself"
	case few && len(g.Things) >= s.few:
		e.Confidence = 0.5
	case few && g.Unsaid:
		e.Confidence = 0.5
		e.Summary += "; the log does not say what they were for"
	case few:
		e.Confidence = 0.4
		e.Summary += fmt.Sprintf("; fewer than %d paths look like a broken client", s.few)
	case g.referred(s.limit):
		e.Confidence = 0.4
		e.Summary += "; most requests name the page that led to them, as they do where links are dead or a service fails"
	case len(g.Paths) <= s.limit:
		e.Confidence = 0.7
	default:
		e.Confidence = 0.9 // more things that are not there than may be asked for in vain
	}
	if g.invites() {
		e.Confidence = min(e.Confidence, 0.5)
		e.Summary += "; accounts are made and invited by the list, too"
	}
	g.Crawler.qualify(e)
	if g.crawls() {
		e.Confidence = min(e.Confidence, 0.4)
		e.Summary += "; it asked for pages alone, as crawlers do that follow dead links"
	}
	if len(g.Things) > len(g.Paths) {
		e.Metadata = g.Crawler.meta("endpoint_count", e.Count, "distinct_paths", len(g.Paths), "distinct_things", len(g.Things), "window_seconds", int(s.window.Seconds()))
		return
	}
	e.Metadata = g.Crawler.meta("endpoint_count", e.Count, "distinct_paths", len(g.Paths), "window_seconds", int(s.window.Seconds()))
}

// thingOf tells apart what is asked for: accounts where the request is for one, else paths with
// their parameters.
func thingOf(r *parsers.Request) uint64 {
	if account, ok := accountRoute(r); ok && account != "" {
		return both(featuresOf(r).pathTag, tag(strings.ToLower(account)))
	}
	return pageTag(r)
}

// tellsAccount tells whether an answer 409 or 422 tells that there is an account, or that there
// is none.
func tellsAccount(r *parsers.Request) bool {
	if r.Status != 409 && r.Status != 422 || !writes(r.Method) || isLogin(r) {
		return false
	}
	_, ok := accountRoute(r)
	return ok
}

// triesMethod tells whether the answer says that a route does not have the method. What browsers
// ask of other sites' routes, what looks at links and what mounts folders do so unbidden.
func triesMethod(r *parsers.Request) bool {
	return r.Status == 405 && r.Method != "OPTIONS" && r.Method != "HEAD" && r.Method != "PROPFIND"
}

// answersCheck tells whether an answer tells that there is an account, or that there is none, to
// who asked just that. A name that is taken may make an error of it: 400 at Matrix, 409 or 422 elsewhere.
func answersCheck(r *parsers.Request) bool {
	if !featuresOf(r).checks {
		return false
	}
	switch said := r.Status >= 200 && r.Status < 300; {
	case said, r.Status == 400, r.Status == 409, r.Status == 422:
		return checkedAccount(r) != ""
	}
	return false
}

// checkedAccount returns the account that somebody asks for whether it is there.
func checkedAccount(r *parsers.Request) string {
	if account := namedAccount(r); account != "" {
		return account
	}
	for _, query := range [...]string{r.Query, r.Body} {
		for query != "" {
			var name, value string
			if name, value, query = cutParameter(query); name == "name" || name == "value" {
				return unescaped(value)
			}
		}
	}
	return ""
}

// checksAccounts tells whether at a path one learns whether there is an account: /users/exists,
// /check-username, /email/availability. Whether a user has time is asked at /users/availability.
func checksAccounts(path string) bool {
	last := lastSegment(path)
	parent := lastSegment(strings.TrimSuffix(strings.TrimRight(path, "/"), last))
	holds := func(segment string, words ...string) bool {
		segment = strings.ToLower(segment)
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(segment, word) })
	}
	names := func(segment string) bool {
		return holds(segment, "username", "email", "nickname", "handle", "phone")
	}
	switch {
	case holds(last, "exist", "taken"):
		return names(last) || names(parent) || holds(last+"/"+parent, "user", "account", "member", "customer", "signup", "sign-up", "register", "auth")
	case holds(last, "avail", "unique"):
		return names(last) || names(parent) || holds(parent, "signup", "sign-up", "register")
	case holds(last, "check") && !holds(last, "checkout"):
		return names(last) || holds(last, "user", "account") || names(parent)
	}
	return false
}

// accountRoute tells whether a request makes an account, invites to one, has its password
// forgotten or asks whether it is there, and which account it names; "" if the log does not say.
// Who is known to the log and makes accounts of others fills a directory.
func accountRoute(r *parsers.Request) (account string, ok bool) {
	if featuresOf(r).checks {
		return checkedAccount(r), true
	}
	last, _, _ := strings.Cut(strings.ToLower(lastSegment(r.Path)), ".")
	switch last {
	case "signup", "sign-up", "sign_up", "register", "registration", "registrations", "join", "create-account", "create_account",
		"invite", "invites", "invitation", "invitations",
		"forgot", "forgot-password", "forgot_password", "forgotpassword", "lost-password", "lostpassword", "password-reset", "password_reset",
		"reset-password", "reset_password", "resetpassword", "recover", "recovery":
	case "users", "accounts", "members", "customers":
		if _, typ := r.Actor(); typ != parsers.ActorIP {
			return "", false
		}
	default:
		return "", false
	}
	return namedAccount(r), true
}

// refusesCode tells whether an answer says that a code is none: one that stands for money, or that
// of a link that opens an account. Codes that are sent by a form are logins.
func refusesCode(r *parsers.Request) bool {
	return (r.Status == 400 || r.Status == 410 || r.Status == 422) && (takesCode(r.Path) || opensAccount(r) || r.Method == "POST" && acceptsInvitation(r.Path))
}

// acceptsInvitation tells whether at a path one accepts an invitation: /invitations/accept,
// /invite-code/validate.
func acceptsInvitation(path string) bool {
	path = strings.ToLower(path)
	return strings.Contains(path, "invit") &&
		beginsWithVerb(lastSegment(path), "accept", "claim", "join", "validate", "verify", "check")
}

// opensAccount tells whether a request opens a link that stands for a password: it resets one, or
// logs in.
func opensAccount(r *parsers.Request) bool {
	if r.Method != "GET" && r.Method != "HEAD" || !featuresOf(r).byLink {
		return false
	}
	path := strings.ToLower(r.Path)
	for _, word := range [...]string{"reset", "recover", "password", "magic", "login", "signin", "sign-in"} {
		if strings.Contains(path, word) {
			return true
		}
	}
	return false
}

// takesCode tells whether at a path one redeems a coupon, a voucher or a gift card, or has it checked.
func takesCode(path string) bool {
	for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
		segment = strings.ToLower(segment)
		for _, word := range [...]string{"coupon", "voucher", "gift-card", "gift_card", "giftcard", "promo-code", "promo_code", "promocode", "discount-code", "discount_code", "redeem"} {
			if strings.Contains(segment, word) {
				return true
			}
		}
		if segment == "promo" {
			return true
		}
	}
	return false
}

// referred tells whether the request names the page that led to it.
func referred(r *parsers.Request) bool { return r.Referer != "" && r.Referer != "-" }

// isUnbidden tells whether browsers, crawlers and tools ask for the path by themselves.
func isUnbidden(p string) bool {
	p = unescape(p, false) // "/.well-known/%2e%2e/admin"
	if i := strings.Index(p, "/.well-known/"); i >= 0 && !strings.Contains(p, "..") {
		// At the top of a site, or one name below the folder of a part of it.
		if name := p[i+len("/.well-known/"):]; i == 0 || strings.IndexByte(name, '/') < 0 {
			return true
		}
	}
	name, _, _ := strings.Cut(p[strings.LastIndexByte(p, '/')+1:], ";") // a matrix parameter is no suffix
	switch {
	case strings.HasPrefix(name, "favicon"), strings.HasPrefix(name, "apple-touch-icon"), strings.HasPrefix(name, "sitemap"):
		return true
	}
	switch name {
	case "robots.txt", "ads.txt", "app-ads.txt", "sellers.json", "humans.txt", "security.txt", "llms.txt", "browserconfig.xml", "opensearch.xml",
		"manifest.json", "site.webmanifest", "manifest.webmanifest", "sw.js", "service-worker.js", "apple-app-site-association", "assetlinks.json",
		"crossdomain.xml", "clientaccesspolicy.xml", "wpad.dat", "autodiscover.xml", "rss.xml", "atom.xml", "feed.xml":
		return true
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".js", ".mjs", ".css", ".woff", ".woff2", ".wasm":
		return isBuilt(name)
	case ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".bmp":
		return true
	}
	return false
}

// isBuilt tells whether a file is named by a hash of what it holds, as builds name them:
// "main.3f4a9b2c.js". Pages loaded before a deploy ask for those that it took away.
func isBuilt(name string) bool {
	from, letters, digits := 0, 0, 0
	for i := range len(name) {
		switch c := name[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' || c == '-' || c == '_' || c == '~':
			// Eight signs are usual, with a digit among them; six are a short one.
			if n := i - from; letters > 0 && (n >= 8 && digits >= 1 || n >= 6 && digits >= 2) {
				return true
			}
			from, letters, digits = i+1, 0, 0
		default:
			letters++
		}
	}
	return false
}
