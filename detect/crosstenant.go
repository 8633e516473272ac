package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// CrossTenant finds who asks for what belongs to another tenant.
func CrossTenant() *Detector {
	d := &Detector{
		Name: "cross-tenant",
		Doc: `a request that names another tenant than the actor's own

Whoever changes the id of an organisation in a request tests whether the API checks whose it
is; an answer 2xx says that it does not. A parameter that names another user counts only
when refused, and where the own one is learned, from three others on.

The actor's own tenant is the one that the log or a claim names, else the one that nearly all
of its requests were about; its own user is known likewise. A header that names another one asks for it; alone, it may be a
gateway's, and names the own one. Where each tenant has a host, the setting tenant-hosts says
so; else a host counts, at medium, if the actor's own is named like its tenant and serves it
such objects too.

Ids that cannot be told to be of one kind (a number and a name) may mean the same tenant and
do not count. A mere name in a path (/orgs/acme/users) counts once the actor was served the
same page of its own. Tenants that an actor worked with before its own was known are no news,
and an actor of many from the start is a support account. The first tenant that somebody is
served who made one or joined one just before is of medium severity, where the own one is
learned. Of an address without a name only
what is refused to the same user agent counts.`,
		Type:      AccessDenied,
		Severity:  High,
		Technique: "T1190",
		OWASP:     "API1:2023",
		GroupBy:   ByActor,
	}
	look := &tenantNames{
		parameters: d.words("tenant-parameters", "org_id,org,org_slug,organization_id,organization,organisation_id,organisation,tenant_id,tenant,tenant_slug,account_id,workspace_id,workspace,workspace_slug",
			"`parameters` that name a tenant, separated by commas; case, _ and - do not count"),
		segments: d.words("tenant-segments", "org,orgs,organization,organizations,organisation,organisations,tenant,tenants,account,accounts,workspace,workspaces",
			"`segments` of a path after which the id of a tenant stands"),
		users:        d.words("user-parameters", "user_id,user,uid,userid,owner_id,member_id,customer_id,account_holder", "`parameters` that name a user"),
		userSegments: d.words("user-segments", "user,users", "`segments` of a path after which the id of a user stands"),
		shared: d.words("shared-tenants", "me,self,own,mine,my,current,default,public,shared,common,global,system,all,any,none,null,undefined,nil,new,true,false,0",
			"`ids` that stand for no tenant, or for one that everybody may see"),
	}
	look.hosts = d.exactly("tenant-hosts", "`domains` below which each host is a tenant's, separated by commas: example.com for acme.example.com")
	look.sharedHosts = d.words("shared-hosts", "www,web,api,app,apps,admin,auth,login,sso,account,accounts,my,portal,dashboard,console,docs,doc,help,support,status,blog,mail,cdn,static,assets,"+
		"img,images,media,files,upload,uploads,download,downloads,socket,events,webhooks,hooks,dev,test,staging,stage,demo,sandbox,beta,preview,prod,production,internal,"+
		"shop,store,pay,payments,billing,search,graphql,gateway,edge,proxy,mobile,east,west,north,south,central",
		"`hosts` that are no tenant's, by their first name or a part of it")
	share := d.count("share", 95, "`percent` of an actor's requests that one tenant makes at least to be its own")
	least := d.count("requests", 20, "`requests` from which an actor's own tenant is learned")
	many := d.count("support-tenants", 5, "`tenants` served among an actor's first requests that make it a support account")
	people := d.count("users", 3, "other `users` from whom on answers 401 and 404 count as much as 403")
	window := d.span("window", 10*time.Minute, "`time` of quiet after which an event is over")
	admins := d.exactly("admins", "`actors` who may, separated by commas: users, or fingerprints of keys; their events are of low severity")
	d.Match = func(r *parsers.Request) bool { return r.Method != "OPTIONS" && (look.anyIn(r) || look.gains(r)) }
	d.TTL, d.Quiet = new(history), window
	d.New = func() State {
		return &crossTenant{look: look, admins: admins, share: int64(*share), least: int64(*least), many: *many, people: *people, window: *window}
	}
	return d
}

// tenantNames says where tenants and users are named.
type tenantNames struct {
	parameters, segments, users, userSegments, shared, sharedHosts *wordList
	hosts                                                          *idList
}

// A subject is a tenant or user that a request names.
type subject struct {
	user  bool
	space string // whose ids they are: "org", "account", "workspace", "user", "host.example.com"
	id    string
	// tail is what follows the id in the path, by tag, where only that tells that it is one:
	// it stood after the actor's own. 0 where the route has a place for ids.
	tail uint64
	// doubtful tells that it may be no tenant but a part of the site: a host that nobody
	// said is one's.
	doubtful bool
}

// at is where the request asks for the subject.
func (s *subject) at(r *parsers.Request) string {
	if strings.HasPrefix(s.space, hostSpace) {
		return r.Host + r.Path
	}
	return r.Path
}

// Bounds of what is remembered of an actor, and of the subjects of one request.
const (
	maxTenants  = 16
	maxPeople   = 4
	maxSubjects = 8
)

type crossTenant struct {
	look         *tenantNames
	admins       *idList
	share, least int64
	many, people int
	window       time.Duration

	Used     []usedTenant `json:",omitempty"` // served, but for those of others; at most maxTenants
	More     int64        `json:",omitempty"` // requests for tenants beyond those
	People   []usedTenant `json:",omitempty"` // users that were named and served; at most maxPeople
	Crowd    int64        `json:",omitempty"` // requests for users beyond those
	Tails    Distinct     `json:",omitempty"` // of subjects served that have one
	Declared []string     `json:",omitempty"` // own ones, by the log; at most maxTenants
	Seen     int64        `json:",omitempty"` // requests served that named a tenant, up to least
	Early    Distinct     `json:",omitempty"` // tenants of those
	Agent    uint64       `json:",omitempty"` // tag of the user agent of all of those, for an address
	Agents   bool         `json:",omitempty"` // they had several
	Moving   *usedTenant  `json:",omitempty"` // the tenant of others that all recent requests were served for
	Gains    time.Time    `json:",omitzero"`  // when a tenant was made or joined of which nothing was served since
	Gained   uint64       `json:",omitempty"` // tag of the tenant that was served then
	Going    *trespass    `json:",omitempty"`
}

// A usedTenant is how often a tenant was served to an actor.
type usedTenant struct {
	Space, ID string
	N         int64
}

// A trespass is a series of requests for others' that goes on.
type trespass struct {
	Episode
	Denied, Granted int64
	Tenants, Users  Distinct
	Shown           []string // tenants, else users, asked for: the first ones, clipped; at most maxShown
	Asked           string   // the first one, or the first one served, clipped
	Own             string   // whose requests those are, clipped
	OfUser          bool     // these two are users
	Endpoint        string   // of the request for Asked, clipped
	Learned         string   // how Own is known, if not by the log
	Lowered         string   // why it is lowered; "" if it is not
}

func (s *crossTenant) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going != nil && r.Time.Sub(s.Going.Last) > s.window {
		s.Expire(emit)
	}
	served := granted(r.Status)
	denied := r.Status == 401 || r.Status == 403 || r.Status == 404
	if !served && !denied {
		return
	}
	_, typ := r.Actor()
	address := typ == parsers.ActorIP
	if served && r.Tenant != "" && !address {
		s.declare(r.Tenant)
	}
	var buf [maxSubjects]subject
	matched := false
	for _, asked := range s.look.appendTo(buf[:0], r) {
		own, learned := s.own(asked, r, address)
		if own == "" || asked.user && !denied {
			switch {
			case served && !asked.user:
				s.use(asked, r)
			case served && !address:
				s.People, s.Crowd = counted(s.People, s.Crowd, maxPeople, asked)
			}
			continue
		}
		if asked.tail != 0 && !s.follows(asked) {
			continue // "/orgs/settings/profile", "studio.example.com"
		}
		if asked.doubtful && learned != "" {
			continue // a part of the site, for all that is known
		}
		if served {
			s.move(asked)
		}
		if !matched {
			s.extend(r)
			matched = true
		}
		s.match(r, asked, own, learned, served, address)
	}
	switch {
	case matched:
		s.Going.tell(emit, s.describe)
	case s.look.gains(r):
		s.Gains = r.Time
	}
}

func (s *crossTenant) Expire(emit func(Event)) {
	if s.Going != nil {
		s.Going.end(emit, s.describe)
		s.Going = nil
	}
}

// own returns the actor's own tenant or user, and how it is known, if it is another than
// the one asked for; else "".
func (s *crossTenant) own(asked subject, r *parsers.Request, address bool) (own, learned string) {
	if asked.user {
		switch {
		case address || r.User != "" && sameID(r.User, asked.id):
			return "", ""
		case r.User != "" && oneForm(r.User, asked.id):
			return r.User, ""
		}
		return learnedOwn(s.People, s.Crowd, asked, s.least, s.share)
	}
	if tenant := cmp.Or(r.Tenant, s.firstDeclared()); tenant != "" && (!strings.HasPrefix(asked.space, hostSpace) || oneForm(tenant, asked.id)) {
		return s.declaredOwn(asked, tenant), ""
	}
	if address && (r.Status != 403 || len(s.Used) != 1 || s.Agents || s.Agent != tag(r.UserAgent)) {
		return "", "" // maybe somebody else behind it
	}
	return learnedOwn(s.Used, s.More, asked, s.least, s.share)
}

// declaredOwn returns the tenant that the log names if the one asked for is another one.
func (s *crossTenant) declaredOwn(asked subject, tenant string) string {
	if sameID(tenant, asked.id) || !oneForm(tenant, asked.id) {
		return ""
	}
	if slices.ContainsFunc(s.Declared, func(d string) bool { return sameID(d, asked.id) }) {
		return ""
	}
	if asked.space != "org" && formOf(asked.id).kind != prefixedID && !s.used(asked.space, tenant) {
		return "" // the 7th workspace and the 7th organisation are not one
	}
	return tenant
}

func (s *crossTenant) used(space, id string) bool {
	return slices.ContainsFunc(s.Used, func(u usedTenant) bool { return u.Space == space && sameID(u.ID, id) })
}

// gained tells whether the tenant may be the one that the actor made or joined just before: the
// first that it was served since.
func (s *crossTenant) gained(asked subject, now time.Time) bool {
	id := tag(asked.id)
	if !s.Gains.IsZero() && now.Sub(s.Gains) <= s.window {
		s.Gains, s.Gained = time.Time{}, id
	}
	return s.Gained == id
}

// learnedOwn returns the tenant or user that makes nearly all of the actor's requests, which are
// those used and more, if the one asked for is another one, and none that the actor was served
// before that was known.
func learnedOwn(used []usedTenant, more int64, asked subject, least, share int64) (own, learned string) {
	all, most := more, usedTenant{}
	for _, u := range used {
		if u.Space != asked.space {
			continue
		}
		if sameID(u.ID, asked.id) {
			return "", ""
		}
		if !oneForm(u.ID, asked.id) {
			continue
		}
		all += u.N
		if u.N > most.N {
			most = u
		}
	}
	if all < least || 100*most.N < share*all {
		return "", ""
	}
	return most.ID, fmt.Sprintf("%d of %s", most.N, plural(all, "request", "requests"))
}

func (s *crossTenant) firstDeclared() string {
	if len(s.Declared) == 0 {
		return ""
	}
	return s.Declared[0]
}

// declare remembers a tenant of the actor's own, by the log.
func (s *crossTenant) declare(tenant string) {
	if !slices.Contains(s.Declared, tenant) && len(s.Declared) < maxTenants && len(tenant) <= maxText {
		s.Declared = append(s.Declared, strings.Clone(tenant))
	}
}

// follows tells whether what follows the id was served of the actor's own tenant too.
func (s *crossTenant) follows(asked subject) bool {
	_, found := slices.BinarySearch(s.Tails, asked.tail)
	return found
}

// use learns from a request that was served and is not known to be for others'.
func (s *crossTenant) use(asked subject, r *parsers.Request) {
	s.Moving = nil
	if asked.tail != 0 {
		s.Tails.Add(asked.tail)
	}
	s.early(asked, r)
	s.Used, s.More = counted(s.Used, s.More, maxTenants, asked)
}

// counted counts a request for the subject: with it, if it is one of those that are remembered,
// else with those beyond.
func counted(used []usedTenant, more int64, most int, asked subject) ([]usedTenant, int64) {
	for i := range used {
		if u := &used[i]; u.Space == asked.space && sameID(u.ID, asked.id) {
			u.N++
			return used, more
		}
	}
	if len(used) == most {
		return used, more + 1
	}
	return append(used, usedTenant{strings.Clone(asked.space), strings.Clone(asked.id), 1}), more
}

// early takes a request that was served, if it is one of the first.
func (s *crossTenant) early(asked subject, r *parsers.Request) {
	agent := tag(r.UserAgent)
	if s.Seen == 0 {
		s.Agent = agent
	}
	s.Agents = s.Agents || agent != s.Agent
	if s.Seen < s.least {
		s.Seen++
		s.Early.Add(tag(asked.id))
	}
}

// move lets an actor have another tenant of its own once it was served nothing else for
// as long as it takes to learn one: people change where they work. It has been told.
func (s *crossTenant) move(asked subject) {
	if s.Moving == nil || s.Moving.Space != asked.space || !sameID(s.Moving.ID, asked.id) {
		s.Moving = &usedTenant{Space: strings.Clone(asked.space), ID: strings.Clone(asked.id)}
	}
	if s.Moving.N++; s.Moving.N < s.least {
		return
	}
	if len(s.Used) == maxTenants {
		s.Used = slices.Delete(s.Used, 0, 1)
	}
	s.Used = append(s.Used, *s.Moving)
	s.Moving = nil
}

// extend begins the trespass, or adds a request to it.
func (s *crossTenant) extend(r *parsers.Request) {
	if s.Going == nil {
		s.Going = &trespass{Episode: begin(r, Window{mark(r, 0)})}
		return
	}
	s.Going.extend(r)
}

// match adds what was asked for and what came of it.
func (s *crossTenant) match(r *parsers.Request, asked subject, own, learned string, served, address bool) {
	g := s.Going
	if asked.user {
		g.Users.Add(tag(asked.id))
	} else {
		g.Tenants.Add(tag(asked.id))
	}
	first, firstTenant := g.Asked == "", g.OfUser && !asked.user
	severity, outcome, lowered := s.weigh(r, asked, learned, served, address)
	accused := severity >= High && g.Lowered != "" // what excuses the requests before does not excuse this one
	if first || firstTenant || served && g.Granted == 0 || accused && asked.user == g.OfUser {
		g.Asked, g.Own, g.OfUser, g.Endpoint, g.Learned = clip(asked.id), clip(own), asked.user, clip(asked.at(r)), learned
	}
	switch {
	case accused:
		g.Lowered = ""
	case lowered != "" && (first || g.Lowered != ""):
		g.Lowered = lowered
	}
	if firstTenant {
		g.Shown = nil
	}
	if asked.user == g.OfUser {
		g.Shown = shown(g.Shown, asked.id)
	}
	if served {
		g.Granted++
		g.Name = SensitiveAccess
	} else {
		g.Denied++
	}
	g.reach(severity, outcome)
}

// weigh says how grave the request of the trespass is, what came of it, and why it is lowered; ""
// if it is not.
func (s *crossTenant) weigh(r *parsers.Request, asked subject, learned string, served, address bool) (severity Severity, outcome Outcome, lowered string) {
	severity, outcome = High, Blocked
	if served {
		severity, outcome = Critical, Succeeded
	}
	id, _ := r.Actor()
	switch {
	case s.admins.has(id):
		return Low, outcome, "a known admin"
	case len(s.Early) >= s.many:
		return Medium, outcome, fmt.Sprintf("a support account, by %d tenants among its first %d requests", len(s.Early), s.Seen)
	case served && learned != "" && s.gained(asked, r.Time):
		return Medium, outcome, "it made a tenant, or joined one, just before"
	case address && learned != "":
		return Medium, outcome, "an address, behind which may be several people"
	case asked.doubtful:
		return Medium, outcome, fmt.Sprintf("the host %q may be a part of the site (setting tenant-hosts)", clip(asked.id))
	case asked.user && (r.Status != 403 || learned != "") && len(s.Going.Users) < s.people:
		return Low, outcome, "" // a colleague who is gone, a session that ran out, what only looked like the own one
	}
	return severity, outcome, ""
}

func (s *crossTenant) describe(e *Event) {
	g := s.Going
	of, asked, own := fmt.Sprintf(", of tenant %q by %s,", g.Own, cmp.Or(g.Learned, "the log")), g.Tenants.of("other tenant", "other tenants"), "org"
	if g.OfUser {
		of, asked, own = "", g.Users.of("other user", "other users"), "user"
		if g.Learned != "" {
			of = fmt.Sprintf(", known as %q by %s,", g.Own, g.Learned)
		}
	}
	e.Summary = fmt.Sprintf("%s%s asked for %s, %q at %q, in %s; %s served, %d refused (threshold: 1 request)",
		who(e.ActorID, e.ActorType), of, asked, g.Asked, g.Endpoint, inWords(e.Last.Sub(e.First)), plural(g.Granted, "answer was", "answers were"), g.Denied)
	n := max(len(g.Tenants), len(g.Users))
	switch {
	case n >= 3 && g.Learned == "":
		e.Confidence = 0.95 // nobody errs that often
	case n >= 3:
		e.Confidence = 0.75
	case g.Learned != "":
		e.Confidence = 0.5 // people change where they work
	default:
		e.Confidence = 0.7 // an old link, a tenant that is shared, a parameter that does not count
	}
	if g.Lowered != "" {
		e.Confidence = 0.2
		e.Summary += "; lowered: " + g.Lowered
	}
	e.Metadata = Meta("requested_"+own, g.Asked, "actual_"+own, g.Own, "endpoint", g.Endpoint, "requested", g.Shown,
		"distinct_orgs", len(g.Tenants), "distinct_users", len(g.Users), "denied", g.Denied, "served", g.Granted,
		"own_known_by", cmp.Or(g.Learned, "the log"), "lowered", g.Lowered, "window_seconds", int(s.window.Seconds()))
}

const (
	ofTenants  = "tenants"            // served, with the kind of their ids
	ofOthers   = "other tenants"      // requests for those beyond maxTenants
	ofPeople   = "users"              // served, with the kind of their ids
	ofCrowd    = "other users"        // requests for those beyond maxPeople
	ofDeclared = "tenants by the log" // the actor's own
	ofEarly    = "tenants at first"   // by tag
)

func (s *crossTenant) Learned() (l Learned) {
	l.addSet(usedSet(ofTenants, s.Used))
	l.addSet(Set{Of: ofOthers, Requests: s.More})
	l.addSet(usedSet(ofPeople, s.People))
	l.addSet(Set{Of: ofCrowd, Requests: s.Crowd})
	l.addSet(Set{Of: ofDeclared, Items: slices.Clone(s.Declared)})
	early := tagSet(ofEarly, s.Early)
	early.Requests = s.Seen
	l.addSet(early)
	if s.Seen > 0 {
		programs := tagSet(ofPrograms, []uint64{s.Agent})
		if s.Agents {
			programs.Requests = 2 // several
		}
		l.addSet(programs)
	}
	return l
}

func (s *crossTenant) Learn(l Learned, _ time.Time) (err error) {
	if s.Used, err = usedOf(l.set(ofTenants), maxTenants); err != nil {
		return err
	}
	s.More = l.set(ofOthers).Requests
	if s.People, err = usedOf(l.set(ofPeople), maxPeople); err != nil {
		return err
	}
	s.Crowd = l.set(ofCrowd).Requests
	if s.Declared, err = l.set(ofDeclared).items(maxTenants); err != nil {
		return err
	}
	early, err := l.set(ofEarly).tags(MaxDistinct)
	if err != nil {
		return err
	}
	for _, t := range early {
		s.Early.Add(t)
	}
	s.Seen = l.set(ofEarly).Requests
	programs := l.set(ofPrograms)
	tags, err := programs.tags(1)
	if err != nil {
		return err
	}
	if len(tags) > 0 {
		s.Agent, s.Agents = tags[0], programs.Requests > 1
	}
	return l.known(ofTenants, ofOthers, ofPeople, ofCrowd, ofDeclared, ofEarly, ofPrograms)
}

func usedSet(of string, used []usedTenant) Set {
	set := Set{Of: of}
	for _, u := range used {
		set.Items = append(set.Items, u.Space+" "+u.ID)
		set.Counts = append(set.Counts, u.N)
	}
	return set
}

// usedOf is the reverse of usedSet, of at most so many.
func usedOf(set Set, most int) (used []usedTenant, err error) {
	items, err := set.items(most)
	if err != nil {
		return nil, err
	}
	if len(set.Counts) != len(items) {
		return nil, fmt.Errorf("%q: there are no counts", set.Of)
	}
	for i, item := range items {
		space, id, ok := strings.Cut(item, " ")
		if !ok || id == "" {
			return nil, fmt.Errorf("%q: %q is no kind and id", set.Of, clip(item))
		}
		used = append(used, usedTenant{space, id, set.Counts[i]})
	}
	return used, nil
}
