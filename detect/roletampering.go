package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// RoleTampering finds who gives itself rights by a parameter.
func RoleTampering() *Detector {
	d := &Detector{
		Name: "role-tampering",
		Doc: `a role or right set to a privileged value by who is no admin

An API that takes any field it is given makes an admin of anybody who asks. The query is
read, and the body where the log has it. Who was let in to an admin route before is an admin,
and reading there is no tampering.

What counts by its name alone often means something else:

- a flag (is_admin, admin), a role or a permission: not where a list is read or searched, which it filters, nor, but for flags, where somebody is invited;
- a group or a type of account: only in a request that writes and is about people, and not where somebody is invited;
- a plan: only in a request that writes, and not where plans are bought;
- a scope: only in a request that writes, and not where a login asks for it.`,
		Type:      PrivilegeEscalation,
		Severity:  High,
		Technique: "T1068",
		OWASP:     "API3:2023",
		Of:        ParameterKind | AdminKind,
		GroupBy:   ByActor,
	}
	window := d.span("window", 10*time.Minute, "`time` of quiet after which an event is over")
	t := &tampering{
		flags:       d.words("flag-parameters", "admin,is_admin,is_administrator,superuser,is_superuser,super_admin,is_super_admin,is_staff,is_owner,is_root", "`parameters` that make an admin when true, separated by commas"),
		roles:       d.words("role-parameters", "role,roles,user_role,role_name,role_id,access_role,permission,permissions,privilege,privileges,rights,authorities,authority,access_level,user_type", "`parameters` that name a role or a right"),
		groups:      d.words("group-parameters", "group,groups,group_name,user_group,user_groups,member_of,membership,account_type", "`parameters` that name a group of people"),
		plans:       d.words("plan-parameters", "plan,plan_name,plan_type,tier,subscription_plan,subscription_tier", "`parameters` that name a plan"),
		scopes:      d.words("scope-parameters", "scope,scopes", "`parameters` that name what a token may do"),
		values:      d.words("privileged-values", "admin,admins,administrator,role_admin,super_admin,role_super_admin,super_administrator,org_admin,site_admin,sys_admin,system,owner,root,superuser,*", "`values` of a role, right or scope that are privileged"),
		groupValues: d.words("privileged-groups", "admin,admins,administrator,administrators,super_admin,super_admins,superuser,superusers,root,sudo,wheel,domain_admins", "`groups` that are privileged"),
		planValues:  d.words("privileged-plans", "enterprise,unlimited,internal,premium_enterprise", "`values` of a plan that are privileged"),
		adminRoutes: d.adminRoutes(),
		admins:      d.exactly("admins", "`actors` who may, separated by commas: users, or fingerprints of keys"),
	}
	d.ownAdmin = t.adminRoutes
	d.Match = func(r *parsers.Request) bool {
		if r.Method == "OPTIONS" {
			return false
		}
		_, _, tampers := t.find(r)
		if !tampers && !letsIn(r, t.adminRoutes) {
			return false
		}
		id, _ := r.Actor()
		return !t.admins.has(id)
	}
	d.TTL, d.Quiet = new(history), window
	d.New = func() State { return &roleTampering{look: t, window: *window} }
	return d
}

// A tampering is what parameters and values are looked for.
type tampering struct {
	flags, roles, groups, plans, scopes, values, groupValues, planValues *wordList
	adminRoutes                                                          *routeList
	admins                                                               *idList
}

type roleTampering struct {
	look   *tampering
	window time.Duration

	Admin    bool       `json:",omitempty"` // was let in to an admin route before tampering
	Tampered bool       `json:",omitempty"` // so what it is let in to later does not excuse it
	Going    *promotion `json:",omitempty"`
}

// A promotion is a series of tampered requests that goes on.
type promotion struct {
	Episode
	Granted  int64
	Set      []string // "name=value", the first ones, clipped; at most maxShown
	Endpoint string   // of the first request, or of the first that worked, clipped
	Writes   bool     // some request was one that writes
}

func (s *roleTampering) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	if s.Admin {
		return
	}
	name, value, tampers := s.look.find(r)
	if !tampers {
		s.Admin = !s.Tampered
		return
	}
	s.Tampered = true
	if s.Going == nil {
		s.Going = &promotion{Episode: begin(r, Window{mark(r, 0)}), Endpoint: clip(r.Path)}
	} else {
		s.Going.extend(r)
	}
	g := s.Going
	g.Set = shown(g.Set, name+"="+value)
	g.Writes = g.Writes || writes(r.Method)
	switch {
	case granted(r.Status):
		if g.Granted++; g.Granted == 1 {
			g.Endpoint = clip(r.Path)
		}
		g.reach(Critical, Succeeded)
	case r.Status >= 400 && r.Status < 500:
		g.reach(High, Blocked)
	default:
		g.reach(High, Attempted)
	}
	g.tell(emit, s.describe)
}

func (s *roleTampering) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

func (s *roleTampering) describe(e *Event) {
	g := s.Going
	to := "to"
	if e.Route == "" && e.Count > 1 {
		to = "to several routes, one of them"
	}
	e.Summary = fmt.Sprintf("%s set %q in %s %s %q; %d answered 2xx (threshold: 1 request with a privileged value, by an actor that no admin route is known to have let in before)",
		who(e.ActorID, e.ActorType), clip(strings.Join(g.Set, ", ")), plural(e.Count, "request", "requests"), to, g.Endpoint, g.Granted)
	switch {
	case !g.Writes:
		e.Confidence = 0.5 // what an application does not know it answers all the same
	case parsers.ActorType(e.ActorType) == parsers.ActorIP:
		e.Confidence = 0.6 // an admin may be behind it whom the log does not name
	default:
		e.Confidence = 0.8
	}
	e.Metadata = Meta("parameters", g.Set, "endpoint", g.Endpoint, "requests", e.Count, "granted", g.Granted, "window_seconds", int(s.window.Seconds()))
}

// find returns the first parameter of the query or the body that sets a right to a privileged value.
func (t *tampering) find(r *parsers.Request) (name, value string, ok bool) {
	f := featuresOf(r)
	named := &f.named
	if !t.flags.mayHold(named) && !t.roles.mayHold(named) && !t.groups.mayHold(named) && !t.plans.mayHold(named) && !t.scopes.mayHold(named) {
		return "", "", false // nearly all requests
	}
	inner := f.inner
	if !f.graphQL {
		inner = "" // JSON in a query is there to filter
	}
	const ofInner = 2
	for i, query := range [...]string{r.Query, r.Body, inner} {
		for query != "" {
			name, value, query = cutPair(query)
			reads := f.reads && (i == ofInner || f.calls || isGraphQL(r.Path)) // elsewhere a text may stand beside to hide it
			name = thingName(name)
			if value = unescaped(value); name != "" && t.sets(r, name, value, reads) {
				return name, value, true
			}
		}
	}
	return "", "", false
}

// sets tells whether a parameter sets a right. reads tells that it is one of what reads by
// GraphQL or JSON-RPC: roles, flags and groups are filters there.
func (t *tampering) sets(r *parsers.Request, name, value string, reads bool) bool {
	switch {
	case reads:
		return false
	case t.flags.has(name):
		return (isTrue(value) || t.names(t.values, value)) && !t.filters(r)
	case t.roles.has(name):
		return t.names(t.values, value) && !t.filters(r) && !passes(r.Path, invites) && !changes(r, "invit") && !speaks(r, value)
	case t.groups.has(name):
		return t.names(t.groupValues, value) && writes(r.Method) && !t.filters(r) && !passes(r.Path, invites) && !changes(r, "invit") &&
			(changesPeople(r) || changes(r, "user", "updateme", "account", "profile", "signup", "register"))
	case t.plans.has(name):
		return t.names(t.planValues, value) && writes(r.Method) && !passes(r.Path, sellsPlans) &&
			!changes(r, "plan", "subscri", "upgrade", "checkout", "billing", "payment", "purchase", "order", "trial", "signup", "register")
	case t.scopes.has(name):
		return t.names(t.values, value) && writes(r.Method) && !passes(r.Path, grantsScopes) && !changes(r, "token", "auth", "login", "consent")
	}
	return false
}

// speaks tells whether a role is that of a message to a language model, which has a content: there
// the system is one of those who speak.
func speaks(r *parsers.Request, role string) bool {
	return strings.EqualFold(role, "system") && (strings.HasPrefix(r.Body, "content=") || strings.Contains(r.Body, "&content="))
}

// changes tells whether a request is of GraphQL and changes something that is named by one of
// the words.
func changes(r *parsers.Request, words ...string) bool {
	field := strings.ToLower(featuresOf(r).change)
	return field != "" && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(field, w) })
}

// filters tells whether the request reads a list of people or something for admins, or
// searches: roles and flags are filters there.
func (t *tampering) filters(r *parsers.Request) bool {
	return featuresOf(r).searches || !writes(r.Method) && (listsPeople(r.Path) || adminRoute(r, t.adminRoutes))
}

// names tells whether one of the parts of a value, as in "read,admin" and "admin:org", is
// one of the words.
func (t *tampering) names(words *wordList, value string) bool {
	for from, i := 0, 0; i <= len(value); i++ {
		if i < len(value) && inWord(value[i]) {
			continue
		}
		if words.has(value[from:i]) {
			return true
		}
		from = i + 1
	}
	return false
}

// inWord tells whether the byte may stand in a privileged value.
func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '*'
}

func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "1", "true", "yes", "on", "t", "y":
		return true
	}
	return false
}

// writes tells whether requests of the method change something. What is no method of HTTP
// may: some applications take what they do not know for a GET, others do not look.
func writes(method string) bool { return method != "GET" && method != "HEAD" }

// listsPeople tells whether a path is that of a list of people, or a search.
func listsPeople(path string) bool {
	last := ""
	for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
		last = segment
	}
	last, _, _ = strings.Cut(last, ".")
	switch strings.ToLower(last) {
	case "users", "members", "people", "team", "teams", "accounts", "employees", "staff", "admins", "roles", "permissions", "groups", "memberships",
		"customers", "contacts", "participants", "subscribers", "collaborators", "invitations", "invites", "search", "directory", "list", "jobs",
		"repos", "orgs", "organizations", "count", "export":
		return true
	}
	return false
}

// passes tells whether the path has a segment of the kind.
func passes(path string, kind func(string) bool) bool {
	for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
		if kind(strings.ToLower(segment)) {
			return true
		}
	}
	return false
}

// invites tells whether a role for somebody else is chosen there.
func invites(segment string) bool {
	return segment == "invite" || segment == "invites" || segment == "invitation" || segment == "invitations"
}

// changesPeople tells whether a request that writes is for people, or one of them, and not for
// what they have: their messages, tickets and events have groups, too.
func changesPeople(r *parsers.Request) bool {
	before, last := lastName(r.Route)
	_, owner := lastName(before)
	switch last {
	case "edit", "update", "create", "new", "add", "save", "set", "settings", "group", "groups", "membership", "memberships", "role", "roles", "permissions":
		return isOfPeople(owner)
	}
	return isOfPeople(last) || r.Method != "POST" && strings.HasSuffix(before, "s") && isOfPeople(owner) // users/ann
}

// lastName returns the last segment of a route that is no place for an id, in lower case, and what
// stands before it.
func lastName(route string) (before, name string) {
	for {
		route = strings.TrimRight(route, "/")
		slash := strings.LastIndexByte(route, '/')
		before, name = route[:max(slash, 0)], route[slash+1:]
		if before == "" || name[0] != '{' {
			return before, strings.ToLower(name)
		}
		route = before
	}
}

// isOfPeople tells whether people, or who asks, are looked after there.
func isOfPeople(segment string) bool {
	switch segment {
	case "me", "self", "user", "users", "profile", "profiles", "account", "accounts", "member", "members", "people", "employee", "employees", "customer", "customers",
		"signup", "sign-up", "sign_up", "register", "registration", "registrations", "join":
		return true
	}
	return false
}

// sellsPlans tells whether a plan is chosen and paid for, or asked about, there.
func sellsPlans(segment string) bool {
	switch segment {
	case "billing", "checkout", "pricing", "plan", "plans", "subscription", "subscriptions", "subscribe", "signup", "sign-up", "sign_up", "register",
		"registration", "trial", "trials", "quote", "quotes", "upgrade", "payment", "payments", "purchase", "order", "orders", "contact", "demo", "contact-sales":
		return true
	}
	return false
}

// grantsScopes tells whether a scope is asked for there, to be granted or not.
func grantsScopes(segment string) bool {
	switch segment {
	case "oauth", "oauth2", "authorize", "authorization", "token", "tokens", "connect", "openid-connect", "login", "auth", "callback", "consent", "device", "introspect":
		return true
	}
	return false
}

func (s *roleTampering) Learned() Learned { return adminLearned(s.Admin) }

func (s *roleTampering) Learn(l Learned, _ time.Time) error {
	s.Admin = l.set(ofAdmin).Requests > 0
	return l.known(ofAdmin)
}
