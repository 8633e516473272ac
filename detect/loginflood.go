package detect

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// LoginFlood finds who guesses at logins whose answers do not tell right from wrong.
func LoginFlood() *Detector {
	d := &Detector{
		Name: "login-flood",
		Doc: `many logins from one address that may all have failed

Many sites answer a wrong password as they do the right one: they lead on, and what they
lead to is the form again, or show it with 200. A form that is shown again after nearly
every login tells, by its referer, by the error in its query or by an answer as large as the
form that was loaded and a message. So do many logins that are
answered alike by who never loads the form, or is no browser: people load it each time, in
an office too.

A GraphQL text that logs in several times by aliases counts as that many, and makes the
event one of high severity: nobody does so who knows a password.

Logins of an API count elsewhere: programs log in as often as they are run. One that is answered
200 is of an API, too, unless its client loaded a form from there or comes from one. At WordPress's
XML-RPC all answers are 200; Jetpack signs its requests and does not count.`,
		Type:      BruteForceDetected,
		Severity:  Medium,
		Technique: "T1110",
		OWASP:     "API2:2023",
		Of:        LoginKind | WriteKind,
		Match:     func(r *parsers.Request) bool { return unclearLogin(r) || loginForm(r) || batchedLogins(r) > 1 },
		GroupBy:   ByClient,
	}
	limit := d.count("limit", 20, "`logins` answered alike within the window that nobody makes by hand")
	again := d.count("forms", 5, "`forms` shown again within the window, after nearly all logins, that are an attack")
	grave := d.count("grave", 100, "`logins` from which on the event is of high severity")
	window := d.span("window", 300*time.Second, "`time` within which logins are counted")
	d.TTL = window
	d.New = func() State {
		return &loginFlood{limit: *limit, again: *again, grave: int64(*grave), window: *window}
	}
	return d
}

// unclearLogin tells whether a request sends a login form and the answer may mean that it
// failed, for all that is known of the site.
func unclearLogin(r *parsers.Request) bool {
	switch {
	case r.Method != "POST" || r.Status < 200 || r.Status > 399 || r.APIKey != "":
		return false
	case r.Event == LoginSuccess && r.Status >= 300:
		return true
	case r.Status != 200:
		return false
	case len(r.Path) >= len(xmlRPC) && strings.EqualFold(r.Path[len(r.Path)-len(xmlRPC):], xmlRPC):
		return !strings.Contains(r.Query, "for=jetpack")
	case r.Event == LoginSuccess:
		return !IsAPIPath(r)
	}
	return r.Event == "" && isLoginPage(r.Path)
}

// mayBeCall tells whether a login that unclearLogin takes may be one of an API all the same, and
// have worked: it is answered 200, led nowhere, and comes from no page.
func mayBeCall(r *parsers.Request) bool {
	return r.Event == LoginSuccess && r.Status == 200 && !leadsBack(r.Query) && refererPath(r.Referer) != r.Path
}

// batchedLogins returns how many logins a request to a GraphQL endpoint makes at once, whose 200 may
// hold as many errors.
func batchedLogins(r *parsers.Request) int {
	if r.Status != 200 {
		return 0
	}
	return featuresOf(r).logins
}

const xmlRPC = "/xmlrpc.php"

// isLoginPage tells whether the path is that of a page of its own that takes a login.
func isLoginPage(p string) bool {
	name := strings.ToLower(p[strings.LastIndexByte(p, '/')+1:])
	name, ext, ok := strings.Cut(name, ".")
	if !ok || name != "login" && name != "logon" && name != "signin" {
		return false
	}
	switch ext {
	case "php", "asp", "aspx", "jsp", "jsf", "do", "action", "cgi", "cfm":
		return true
	}
	return false
}

// leadsBack tells whether a query says where to go on after the login.
func leadsBack(query string) bool {
	for query != "" {
		var name string
		name, _, query = cutParameter(query)
		switch strings.ToLower(name) {
		case "returnurl", "return_to", "return", "next", "redirect", "redirect_to", "redirect_uri", "continue", "service", "goto", "back":
			return true
		}
	}
	return false
}

// refererPath is the path of the page that led to a request; "" if that is not known.
func refererPath(referer string) string {
	_, rest, ok := strings.Cut(referer, "://")
	i := strings.IndexByte(rest, '/')
	if !ok || i < 0 {
		return ""
	}
	rest, _, _ = strings.Cut(rest[i:], "?")
	rest, _, _ = strings.Cut(rest, "#")
	return rest
}

// loginForm tells whether a page is shown that may hold the form of a login.
func loginForm(r *parsers.Request) bool {
	return featuresOf(r).login && (r.Status == 200 || r.Status == 304) && r.Method == "GET"
}

// loginPages are the names of pages that hold one.
var loginPages = newWordList("login,signin,logon,wp-login,auth,authenticate,j_spring_security_check")

// mayShowLogin is loginForm for a path.
func mayShowLogin(p string) bool {
	if p == "/" || strings.HasSuffix(p, "/sessions/new") || strings.HasSuffix(p, "/session/new") {
		return true
	}
	p = strings.TrimSuffix(p, "/")
	name := p[strings.LastIndexByte(p, '/')+1:]
	if len(name) > maxWord { // most pages
		return false
	}
	return loginPages.has(strings.TrimSuffix(name, path.Ext(name)))
}

// shownAgain tells whether a form is shown because a login failed.
func shownAgain(r *parsers.Request) bool {
	if refererPath(r.Referer) == r.Path && r.Path != "/" {
		return true
	}
	for query := r.Query; query != ""; {
		var name, value string
		name, value, query = cutParameter(query)
		for _, text := range [...]string{name, value} {
			text = strings.ToLower(text)
			if strings.Contains(text, "error") || strings.Contains(text, "fail") || strings.Contains(text, "invalid") || strings.Contains(text, "incorrect") {
				return true
			}
		}
	}
	return false
}

type loginFlood struct {
	limit, again int
	grave        int64
	window       time.Duration

	Form  Mark   `json:",omitzero"`  // the last one loaded with 200, tagged by path
	Size  int64  `json:",omitempty"` // of it
	Sent  Window `json:",omitempty"` // logins, tagged by answer; limit at most
	Forms Window `json:",omitempty"` // loaded, tagged by path; limit at most
	Shown Window `json:",omitempty"` // shown again, tagged 1 if by size; at most as many as are an attack
	Going *flood `json:",omitempty"`
}

// A flood is many logins that go on.
type flood struct {
	Episode
	Answer uint64 // the usual one
	Shown  int64  // forms shown again
	Sized  int64  `json:",omitempty"` // of these, told by their size
	Forms  int64  // others
	Other  int64  // answers unlike the usual one
	Unlike string // the first of those, in words
	Script bool   // most are of no browser
	More   int64  `json:",omitempty"` // logins beyond the first of each request
}

func (s *loginFlood) Observe(r *parsers.Request, emit func(Event)) {
	if r.Method == "GET" {
		s.form(r)
	} else {
		s.send(r)
	}
	g := s.Going
	if g == nil {
		return
	}
	severity := Medium
	if g.More > 0 || g.logins() >= s.grave || g.Shown-g.Sized >= 2*int64(s.again) {
		severity = High
	}
	g.reach(severity, Attempted)
	g.tell(emit, s.describe)
}

func (s *loginFlood) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
	}
}

func (g *flood) logins() int64 { return g.Count + g.More }

// form takes a form that is loaded, or shown again.
func (s *loginFlood) form(r *parsers.Request) {
	last := len(s.Sent) - 1
	again := shownAgain(r) && (s.Going != nil || last >= 0 && r.Time.Sub(s.Sent[last].At) <= s.window)
	switch {
	case s.Going != nil && again:
		s.Going.Shown++
	case s.Going != nil:
		s.Going.Forms++
	case again:
		s.Shown.Slide(mark(r, 0), s.window, s.again)
		s.judge(r)
	default:
		s.Forms.Slide(mark(r, featuresOf(r).pathTag), s.window, s.limit)
	}
	if r.Status == 200 {
		s.Form, s.Size = mark(r, featuresOf(r).pathTag), r.Bytes
	}
}

// messageSize is how much longer a form is at most with the message that says that a login failed,
// beside a fiftieth of it.
const messageSize = 128

// answersForm tells whether the answer to a login is, by its size, the form that was loaded before
// with a message in it.
func (s *loginFlood) answersForm(r *parsers.Request) bool {
	more := r.Bytes - s.Size
	return r.Status == 200 && s.Size > 0 && s.Form.Tag == featuresOf(r).pathTag && r.Time.Sub(s.Form.At) <= s.window &&
		more >= -16 && more <= messageSize+s.Size/50
}

// loaded tells whether the page that a login is sent to was loaded before, so that 200 shows it again.
func (s *loginFlood) loaded(r *parsers.Request) bool {
	return slices.ContainsFunc(s.Forms, func(m Mark) bool {
		return m.Tag == featuresOf(r).pathTag && r.Time.Sub(m.At) <= s.window
	})
}

// send takes a login.
func (s *loginFlood) send(r *parsers.Request) {
	if s.Going == nil && mayBeCall(r) && !s.loaded(r) {
		return
	}
	answer, logins := answerOf(r), max(batchedLogins(r), 1)
	again := s.answersForm(r)
	if g := s.Going; g != nil {
		if again {
			g.Shown++
			g.Sized++
		}
		g.extend(r)
		g.More += int64(logins - 1)
		if !alike(g.Answer, answer) {
			if g.Other++; g.Other == 1 {
				g.Unlike = fmt.Sprintf("%d with %d bytes, at %s", r.Status, max(r.Bytes, 0), r.Time.UTC().Format("15:04:05"))
			}
		}
		return
	}
	for range min(logins, s.limit) {
		s.Sent.Slide(mark(r, answer), s.window, s.limit)
	}
	if again {
		s.Shown.Slide(mark(r, 1), s.window, s.again)
	}
	if s.judge(r); s.Going != nil {
		s.Going.More += int64(max(logins-s.limit, 0))
	}
}

// judge begins a flood if there is one, with a request that counts.
func (s *loginFlood) judge(r *parsers.Request) {
	if !s.failing() && !s.blind() {
		return
	}
	scripts := 0
	for _, m := range s.Sent {
		scripts += int(m.Tag & 1)
	}
	var sized int64
	for _, m := range s.Shown {
		sized += int64(m.Tag)
	}
	requests := slices.CompactFunc(slices.Clone(s.Sent), func(a, b Mark) bool { return a.Evidence == b.Evidence })
	g := &flood{Episode: beginByClient(r, requests), Shown: int64(len(s.Shown)), Sized: sized, Forms: int64(len(s.Forms)), Answer: s.usual(),
		More: int64(len(s.Sent) - len(requests))}
	g.Script = 5*scripts >= 4*len(s.Sent)
	s.Going, s.Sent, s.Forms, s.Shown = g, nil, nil, nil
}

// failing tells whether the form was shown again after nearly all logins.
func (s *loginFlood) failing() bool {
	if len(s.Shown) < s.again {
		return false
	}
	sent := 0
	for _, m := range s.Sent {
		if !m.At.Before(s.Shown[0].At) {
			sent++
		}
	}
	return len(s.Sent) > 0 && 5*len(s.Shown) >= 4*sent
}

// blind tells whether many logins are answered alike, by who did not load the form for
// them or is no browser.
func (s *loginFlood) blind() bool {
	if len(s.Sent) < s.limit {
		return false
	}
	usual, same, scripts, forms := s.usual(), 0, 0, 0
	for _, m := range s.Sent {
		if alike(usual, m.Tag) {
			same++
		}
		scripts += int(m.Tag & 1)
	}
	for _, m := range s.Forms {
		if !m.At.Before(s.Sent[0].At.Add(-s.window)) {
			forms++
		}
	}
	return 5*same >= 4*len(s.Sent) && (5*scripts >= 4*len(s.Sent) || 5*forms <= len(s.Sent))
}

// usual is the answer in the middle of those to the logins in the window.
func (s *loginFlood) usual() uint64 {
	var all []uint64
	for _, m := range s.Sent {
		all = append(all, m.Tag)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// answerOf puts the status and the size of an answer into a tag, and whether a browser
// was told it.
func answerOf(r *parsers.Request) uint64 {
	answer := uint64(r.Status)<<40 | uint64(min(max(r.Bytes, 0), 1<<38))<<1
	if !strings.HasPrefix(r.UserAgent, "Mozilla/") || strings.Contains(r.UserAgent, "Hydra") {
		answer |= 1
	}
	return answer
}

// alike tells whether two answers are of one status, and of one size but for a name or a
// number that a page has in it.
func alike(a, b uint64) bool {
	if a>>40 != b>>40 {
		return false
	}
	x, y := a>>1&(1<<39-1), b>>1&(1<<39-1)
	return max(x, y)-min(x, y) <= 16+max(x, y)/50
}

func (s *loginFlood) describe(e *Event) {
	g := s.Going
	var to string
	if e.Route != "" {
		to = fmt.Sprintf(" to %q", clip(e.Route))
	}
	e.Summary = fmt.Sprintf("%s sent %s%s in %s, answered %d as if they had worked (threshold: %d answered alike, or the form shown again %d times, within %s)",
		who(e.ActorID, e.ActorType), plural(g.logins(), "login", "logins"), to, inWords(e.Last.Sub(e.First)), g.Answer>>40, s.limit, s.again, inWords(s.window))
	e.Confidence = 0.5 // a program that logs in again and again looks the same
	switch {
	case g.Shown >= int64(s.again):
		e.Summary += fmt.Sprintf("; the form was shown again %s, as after a wrong password", plural(g.Shown, "time", "times"))
		if 2*g.Sized < g.Shown {
			e.Confidence = 0.7
		} else {
			e.Summary += ", by the size of the answers"
		}
	case g.Script:
		e.Summary += "; they come from a program, not a browser"
	default:
		e.Summary += fmt.Sprintf("; the form was loaded %s, and people load it each time", plural(g.Forms, "time", "times"))
	}
	if g.More > 0 {
		e.Summary += fmt.Sprintf("; %s made them, several at once, and GraphQL answers 200 whether they work or not", plural(e.Count, "request", "requests"))
	}
	if g.Other > 0 {
		e.Summary += fmt.Sprintf("; %s unlike the others, the first %s: see whether that one worked", plural(g.Other, "answer was", "answers were"), g.Unlike)
	}
	if e.Severity == High {
		e.Confidence = 0.85
	}
	e.Metadata = Meta("logins", g.logins(), "status", g.Answer>>40, "forms_shown_again", g.Shown, "forms_loaded", g.Forms,
		"other_answers", g.Other, "other_answer", g.Unlike, "window_seconds", int(s.window.Seconds()))
}
