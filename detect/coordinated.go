package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// Coordinated finds addresses that look for the same things as if they were one.
func Coordinated() *Detector {
	d := &Detector{
		Name: "coordinated",
		Doc: `the same rare paths probed from several addresses

Who spreads a scan over many addresses keeps each of them below every limit, but all work
off one list. An address is counted with them if it is refused more often than served and
has asked for several of the paths; a path only if hardly any other address asks for it, and
if it is none of the site's own pages, which many were served before an outage or are served
still. Addresses with paths of their own, as monitors of other pages have, are a campaign of
their own.

Visitors who follow a dead link are served for the most part, and share but that one path.
Clients of calendars and files look for these at the same places: PROPFIND does not count.

Where most requests name the page that led there, the event is of medium severity. So it is
where clients that say what they are, apps, services and monitors, ask for few paths, none
of which scanners try on every site: their routes were taken away. A path that some sites
serve on purpose is none of these where a monitor asks for it.`,
		Type:      APIEnumerationDetected,
		Severity:  High,
		Technique: "T1595.003",
		OWASP:     "API9:2023",
		Match:     func(r *parsers.Request) bool { return r.ClientIP != "" && r.Status != 0 },
		GroupBy:   &GroupBy{Key: func(_ *parsers.Request, b []byte) []byte { return append(b, "all"...) }},
		TTL:       new(addressMemory),
	}
	least := d.count("addresses", 5, "`addresses` that make a campaign")
	paths := d.count("paths", 2, "rare `paths` that each of them has in common with as many others")
	percent := d.count("percent", 1, "`percent` of all addresses from which a path is no longer rare")
	window := d.span("window", time.Hour, "`time` within which they ask")
	d.Quiet = window
	d.New = func() State {
		return &coordinated{least: *least, paths: *paths, percent: *percent, window: *window}
	}
	return d
}

const (
	// addressMemory is how long an address counts among all, if it is not seen again.
	addressMemory = 24 * time.Hour
	// maxAddresses bounds the addresses that are known, and maxSought the paths. Where
	// there are more, the eighth that was seen longest ago is forgotten; paths that one
	// address alone asked for first.
	maxAddresses = 20_000
	maxSought    = 4000
	// maxAskers bounds the addresses that are known of a path. A path with more is as
	// well known as can be.
	maxAskers = 64
	// maxOwnPaths bounds the paths that are remembered because of one address, so that a
	// single scanner does not drive out what others share.
	maxOwnPaths = 64
	// maxPagesServed bounds the pages of the site that are known. Where there are more, the
	// eighth that was served longest ago is forgotten.
	maxPagesServed = 1000
	// maxHot bounds the paths of which a campaign is made: it has its first ones by then.
	maxHot = 128
	// maxProbers bounds the addresses that a campaign lists. It counts up to MaxDistinct.
	maxProbers = 100
	// maxCampaigns bounds those that go on. A further one waits.
	maxCampaigns = 16
	// fewGone is how many paths are no more than clients of what was taken away ask for. A
	// word list has more.
	fewGone = 10
)

type coordinated struct {
	least, paths, percent int
	window                time.Duration

	Addresses byTag[address, *address]       `json:",omitzero"`  // at most maxAddresses
	Pages     byTag[servedPage, *servedPage] `json:",omitzero"`  // by tag of the path; at most maxPagesServed
	Sought    map[uint64]*sought             `json:",omitempty"` // likewise; at most maxSought
	Hot       []uint64                       `json:",omitempty"` // of Sought, what enough addresses asked for; at most maxHot
	Asked     int64                          `json:",omitempty"` // requests for what is sought so far
	Swept     int64                          `json:",omitempty"` // when what is over was last forgotten
	Campaigns []*campaign                    `json:",omitempty"` // that go on, as they began; at most maxCampaigns
}

func (s *coordinated) AppendJSON(b []byte) ([]byte, error) {
	b = appendByTag(append(b, '{'), "Addresses", &s.Addresses)
	b = appendByTag(b, "Pages", &s.Pages)
	return appendRest(b, &coordinated{Sought: s.Sought, Hot: s.Hot, Asked: s.Asked, Swept: s.Swept, Campaigns: s.Campaigns})
}

// An address is what is known of one.
type address struct {
	Last            int64 // when it was last seen, in microseconds since 1970
	Served, Refused int32 // answers 2xx and 3xx, and 403 and 404
	Paths           int32 // it was the first to ask for, of those remembered
}

func lastSeen(a *address) int64 { return a.Last }

func (a *address) pack(p *packer) {
	p.micros(&a.Last)
	packInteger(p, &a.Served)
	packInteger(p, &a.Refused)
	packInteger(p, &a.Paths)
}

// A servedPage is a path without ids that was served, and to whom.
type servedPage struct {
	Last int64
	To   []uint64 // addresses, by tag; at most maxAskers
}

func lastServed(g *servedPage) int64 { return g.Last }

func (g *servedPage) pack(p *packer) {
	p.micros(&g.Last)
	n := len(g.To)
	packInteger(p, &n)
	for i := range n {
		if p.err != nil {
			return
		}
		if p.reading {
			g.To = append(g.To, 0)
		}
		p.tag(&g.To[i])
	}
}

// A sought is a path that was asked for in vain.
type sought struct {
	Path   string // clipped
	Last   int64
	Owner  uint64 // tag of the address that was the first to ask
	Askers []asker
}

// An asker is the last request of an address for a path.
type asker struct {
	Address uint64
	IP      string
	Mark
	Turn     int64  `json:",omitempty"` // of the request among all; 0 if an earlier version saved it
	ASN      uint32 `json:",omitempty"`
	Agent    uint64 // tag of the user agent
	Referred bool
	Declared bool  `json:",omitempty"` // whether it says what it is
	Monitor  bool  `json:",omitempty"` // whether it says to be a monitor
	Waiting  int64 `json:",omitempty"` // requests for the path that no campaign has counted
}

// A campaign is one that goes on.
type campaign struct {
	Episode
	Members   []string // addresses, the first ones; at most maxProbers
	Networks  []string // likewise
	Paths     []string // likewise, at most maxNamed
	Addresses Distinct
	AllNets   Distinct
	AllPaths  Distinct
	Agents    Distinct
	Referred  int64 // of Count
	Declared  int64 `json:",omitempty"` // likewise
	Passed    bool  `json:",omitempty"` // whether members asked for further paths, which are not counted
	Crowded   bool  `json:",omitempty"` // whether more addresses asked for one of its paths than are known of one
	Probed    bool  `json:",omitempty"` // whether scanners try one of the paths on every site
	Crawler   crawling
	Known     int // addresses that were known when it began
}

func (s *coordinated) Observe(r *parsers.Request, emit func(Event)) {
	s.endQuiet(r.Time, emit)
	now := r.Time.UnixMicro()
	s.sweep(now)
	by := placeTag(r)
	a := s.meet(by, now)
	if r.Status < 400 {
		a.Served = min(a.Served+1, maxCount)
		if r.Route == r.Path && granted(r.Status) {
			s.serve(tag(r.Path), by, now)
		}
		return
	}
	if r.Status != 403 && r.Status != 404 || r.Method == "PROPFIND" || featuresOf(r).unbidden || isCrawler(r) {
		return
	}
	a.Refused = min(a.Refused+1, maxCount)
	p := s.seek(r, by, a, now)
	if p == nil {
		s.pass(r)
		return
	}
	s.Asked++
	k := p.ask(r, by, s.Asked, s.window)
	if len(p.Askers) < s.least {
		return
	}
	if path := tag(r.Path); !slices.Contains(s.Hot, path) {
		if len(s.Hot) == maxHot {
			s.Hot = slices.Delete(s.Hot, 0, 1)
		}
		s.Hot = append(s.Hot, path)
	}
	s.campaign(r, p, k, emit)
}

// meet makes an address known.
func (s *coordinated) meet(by uint64, now int64) *address {
	if a := s.Addresses.of(by); a != nil {
		a.Last = now
		return a
	}
	if s.Addresses.count >= maxAddresses {
		for _, out := range s.Addresses.eighth(lastSeen) {
			s.Addresses.remove(out.tag)
		}
	}
	return s.Addresses.add(by, address{Last: now})
}

// serve remembers that a page was served to the address.
func (s *coordinated) serve(path, by uint64, now int64) {
	g := s.Pages.of(path)
	if g == nil {
		if s.Pages.count >= maxPagesServed {
			for _, out := range s.Pages.eighth(lastServed) {
				s.Pages.remove(out.tag)
			}
		}
		g = s.Pages.add(path, servedPage{})
	}
	g.Last = now
	if len(g.To) < maxAskers && !slices.Contains(g.To, by) {
		g.To = append(g.To, by)
	}
}

// isPage tells whether the path is a page of the site: served to several addresses, and to
// no fewer of all than make a path no longer rare.
func (s *coordinated) isPage(path uint64) bool {
	g := s.Pages.of(path)
	return g != nil && len(g.To) >= s.least && (len(g.To) == maxAskers || 100*len(g.To) >= s.percent*s.Addresses.count)
}

// seek returns what is known of the path; nil if the address has had enough remembered
// for it.
func (s *coordinated) seek(r *parsers.Request, by uint64, a *address, now int64) *sought {
	path := tag(r.Path)
	if p := s.Sought[path]; p != nil {
		p.Last = now
		return p
	}
	if a.Paths >= maxOwnPaths {
		return nil
	}
	if s.Sought == nil {
		s.Sought = map[uint64]*sought{}
	}
	if len(s.Sought) >= maxSought {
		s.forgetPaths()
	}
	a.Paths++
	p := &sought{Path: clip(r.Path), Last: now, Owner: by}
	s.Sought[path] = p
	return p
}

// pass notes that an address asked for a path that is not remembered: its campaign is after more
// than it counts.
func (s *coordinated) pass(r *parsers.Request) {
	if len(s.Campaigns) == 0 {
		return
	}
	by := tag(clip(r.ClientIP))
	for _, g := range s.Campaigns {
		g.Passed = g.Passed || g.Addresses.has(by)
	}
}

// forgetPaths makes room among the paths.
func (s *coordinated) forgetPaths() {
	const shared = 1 << 62 // later than any time
	all := make([]seen, 0, len(s.Sought))
	for path, p := range s.Sought {
		at := p.Last
		if len(p.Askers) > 1 {
			at += shared
		}
		all = append(all, seen{at, path})
	}
	for _, o := range oldest(all, len(all)/8) {
		s.forgetPath(o.tag)
	}
}

func (s *coordinated) forgetPath(path uint64) {
	if a := s.Addresses.of(s.Sought[path].Owner); a != nil && a.Paths > 0 {
		a.Paths--
	}
	delete(s.Sought, path)
}

// sweep forgets, once in a window, the paths and addresses that have not been seen for
// as long as they count.
func (s *coordinated) sweep(now int64) {
	if now-s.Swept <= s.window.Microseconds() {
		return
	}
	s.Swept = now
	for path, p := range s.Sought {
		if now-p.Last > s.window.Microseconds() {
			s.forgetPath(path)
		}
	}
	for _, a := range s.Addresses.seen(lastSeen) {
		if now-a.at > addressMemory.Microseconds() {
			s.Addresses.remove(a.tag)
		}
	}
	for _, g := range s.Pages.seen(lastServed) {
		if now-g.at > addressMemory.Microseconds() {
			s.Pages.remove(g.tag)
		}
	}
}

// ask remembers that the address asked: its last request, in the place of the one before
// or of the oldest where there is no room.
func (p *sought) ask(r *parsers.Request, by uint64, turn int64, window time.Duration) asker {
	p.Askers = slices.DeleteFunc(p.Askers, func(o asker) bool { return r.Time.Sub(o.At) > window })
	agent := agentOf(r)
	k := asker{Address: by, IP: clip(r.ClientIP), Mark: mark(r, tag(r.Path)), Turn: turn, Agent: tag(r.UserAgent),
		Referred: referred(r), Declared: agent.declared, Monitor: agent.monitor}
	if r.Origin != nil {
		k.ASN = r.Origin.ASN
	}
	at, oldest := -1, 0
	for i := range p.Askers {
		switch {
		case p.Askers[i].Address == by:
			at = i
		case p.Askers[i].At.Before(p.Askers[oldest].At):
			oldest = i
		}
	}
	k.Waiting = 1
	switch {
	case at >= 0:
		k.Waiting += p.Askers[at].Waiting
		p.Askers[at] = k
	case len(p.Askers) == maxAskers:
		p.Askers[oldest] = k
	default:
		p.Askers = append(p.Askers, k)
	}
	return k
}

// network names the asker's network: by its number, else by the first bits of the
// address.
func (k *asker) network() string {
	return cmp.Or((&parsers.Origin{ASN: k.ASN}).Network(), parsers.Prefix(k.IP, 24, 48))
}

// isRare tells whether few ask for the path: fewer than a percent of all addresses, or,
// where there are too few of them for that to tell anything, of those that are served
// for the most part. A page of the site is not rare.
func (s *coordinated) isRare(path uint64, p *sought) bool {
	if s.isPage(path) {
		return false
	}
	if len(p.Askers) == maxAskers && s.percent*s.Addresses.count <= 100*maxAskers {
		return s.scannersOnly(p)
	}
	return 100*len(p.Askers) < s.percent*s.Addresses.count || s.scannersOnly(p)
}

// scannersOnly tells whether hardly any address that is served for the most part asked
// for the path.
func (s *coordinated) scannersOnly(p *sought) bool {
	visitors := 0
	for _, k := range p.Askers {
		if !s.isScanner(k.Address) {
			visitors++
		}
	}
	return 100*visitors <= s.percent*s.Addresses.count
}

// isScanner tells whether an address is refused more often than served.
func (s *coordinated) isScanner(by uint64) bool {
	a := s.Addresses.of(by)
	return a != nil && a.Refused > a.Served
}

// campaign begins or extends a campaign with a request for a path that several ask for.
func (s *coordinated) campaign(r *parsers.Request, p *sought, k asker, emit func(Event)) {
	if !s.isScanner(k.Address) || !s.isRare(tag(r.Path), p) || !s.shares(k.Address, nil) {
		return
	}
	g := s.campaignOf(&k)
	if g != nil {
		s.catchUp(g, p, k)
		g.extend(r)
		g.Count-- // it waits among those that join counts
		g.join(p.by(k.Address), p.Path)
	} else {
		if len(s.Campaigns) == maxCampaigns {
			return
		}
		asks := s.members(r.Time, k.Address)
		if len(asks) == 0 {
			return
		}
		g = s.begin(r, asks)
	}
	g.Crowded = g.Crowded || len(p.Askers) == maxAskers
	g.UserIP, g.Route = "", ""
	g.Crawler.meet(r)
	severity := High
	if 2*g.Referred > g.Count || g.gone() {
		severity = Medium
	}
	g.reach(severity, Blocked)
	g.tell(emit, func(e *Event) { s.describe(g, e) })
}

// campaignOf returns the campaign that an address is one of: a member, or one that has asked for
// enough of its paths; nil if there is none.
func (s *coordinated) campaignOf(k *asker) *campaign {
	for _, g := range s.Campaigns {
		if g.Addresses.has(tag(k.IP)) {
			return g
		}
	}
	for _, g := range s.Campaigns {
		if s.shares(k.Address, g) {
			return g
		}
	}
	return nil
}

// campaignActor is the actor type of an event that has several: the id is that of the
// event's beginning.
const campaignActor = "campaign"

// name names the campaign by its beginning.
func (g *campaign) name() string {
	return fmt.Sprintf("%s-%04x", g.First.Format("20060102-150405"), tag(strings.Join(g.Members[:1], ""))&0xffff)
}

// members returns the requests of the addresses that share enough rare paths with enough
// others, in order, as far as they are joined to the given address by such paths; none if those
// addresses are too few.
func (s *coordinated) members(now time.Time, by uint64) []asker {
	var asks []asker
	shared := map[uint64]int{} // rare paths by address
	s.Hot = slices.DeleteFunc(s.Hot, func(path uint64) bool {
		p := s.Sought[path]
		if p == nil {
			return true
		}
		p.Askers = slices.DeleteFunc(p.Askers, func(o asker) bool { return now.Sub(o.At) > s.window })
		if len(p.Askers) < s.least {
			return true
		}
		if !s.isRare(path, p) {
			return false
		}
		for i := range p.Askers {
			if k := &p.Askers[i]; s.isScanner(k.Address) && !s.isMember(k) {
				shared[k.Address]++
				asks = append(asks, *k)
			}
		}
		return false
	})
	asks = slices.DeleteFunc(asks, func(k asker) bool { return shared[k.Address] < s.paths })
	joined, paths := map[uint64]bool{by: true}, map[uint64]bool{}
	for more := true; more; {
		more = false
		for i := range asks {
			if k := &asks[i]; joined[k.Address] != paths[k.Tag] {
				joined[k.Address], paths[k.Tag] = true, true
				more = true
			}
		}
	}
	if shared[by] < s.paths || len(joined) < s.least {
		return nil
	}
	asks = slices.DeleteFunc(asks, func(k asker) bool { return !joined[k.Address] })
	slices.SortFunc(asks, func(a, b asker) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Turn, b.Turn), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Address, b.Address))
	})
	return asks
}

// isMember tells whether the address is of a campaign.
func (s *coordinated) isMember(k *asker) bool {
	return slices.ContainsFunc(s.Campaigns, func(g *campaign) bool { return g.Addresses.has(tag(k.IP)) })
}

// shares tells whether an address has asked for enough of the paths that others ask for: of
// those of the campaign, unless it is nil.
func (s *coordinated) shares(by uint64, g *campaign) bool {
	shared := 0
	for _, path := range s.Hot {
		p := s.Sought[path]
		if p == nil || g != nil && !g.AllPaths.has(tag(p.Path)) || p.by(by) == nil {
			continue
		}
		if shared++; shared == s.paths {
			return true
		}
	}
	return false
}

// catchUp counts what has come to be part of the campaign by a request: those of its members
// for the path before enough of them had asked for it, and those that a new member made before.
func (s *coordinated) catchUp(g *campaign, p *sought, by asker) {
	for i := range p.Askers {
		if k := &p.Askers[i]; k.Waiting > 0 && k.Address != by.Address && g.Addresses.has(tag(k.IP)) {
			g.add(k, p.Path)
		}
	}
	if g.Addresses.has(tag(by.IP)) {
		return
	}
	for _, path := range s.Hot {
		if o := s.Sought[path]; o != nil && o != p && s.isRare(path, o) {
			if k := o.by(by.Address); k != nil && k.Waiting > 0 && by.At.Sub(k.At) <= s.window {
				g.add(k, o.Path)
			}
		}
	}
}

// by returns what is known of the address as one that asked for the path; nil if nothing is.
func (p *sought) by(address uint64) *asker {
	if i := slices.IndexFunc(p.Askers, func(k asker) bool { return k.Address == address }); i >= 0 {
		return &p.Askers[i]
	}
	return nil
}

func (s *coordinated) begin(r *parsers.Request, asks []asker) *campaign {
	var marks Window
	for _, k := range asks {
		marks = append(marks, k.Mark)
	}
	g := &campaign{Episode: begin(r, marks), Known: s.Addresses.count}
	g.Count = 0
	for _, k := range asks {
		p := s.Sought[k.Tag]
		g.join(p.by(k.Address), p.Path)
	}
	g.ActorID, g.ActorType = g.name(), campaignActor
	if len(s.Campaigns) > 0 {
		g.ID = g.ActorID // Seal tells it from those that go on
	}
	s.Campaigns = append(s.Campaigns, g)
	return g
}

// add is join for what was asked for before the request at hand.
func (g *campaign) add(k *asker, path string) {
	g.addEvidence(k.Evidence)
	g.join(k, path)
}

// join counts what a member asked for.
func (g *campaign) join(k *asker, path string) {
	n := max(k.Waiting, 1) // earlier versions saved none
	k.Waiting = 0
	g.Count += n
	listName(&g.Members, &g.Addresses, k.IP, maxProbers)
	listName(&g.Networks, &g.AllNets, k.network(), maxProbers)
	listName(&g.Paths, &g.AllPaths, path, maxNamed)
	g.Agents.Add(k.Agent)
	if k.Referred {
		g.Referred += n
	}
	if k.Declared {
		g.Declared += n
	}
	probe := usualProbes.find(path)
	g.Probed = g.Probed || probe == secretProbe || probe == servedProbe && !k.Monitor // who has a site watched says where
}

// gone tells whether the campaign looks like clients whose routes were taken away.
func (g *campaign) gone() bool {
	return g.Declared == g.Count && len(g.AllPaths) < fewGone && !g.Probed
}

// listName adds text to a list of at most limit, if all of it does not have it yet.
func listName(to *[]string, all *Distinct, text string, limit int) {
	if text == "" {
		return
	}
	n := len(*all)
	if all.Add(tag(text)); len(*all) > n && len(*to) < limit {
		*to = append(*to, text)
	}
}

// endQuiet ends the campaigns that are over.
func (s *coordinated) endQuiet(now time.Time, emit func(Event)) {
	if len(s.Campaigns) == 0 {
		return
	}
	s.Campaigns = slices.DeleteFunc(s.Campaigns, func(g *campaign) bool {
		if now.Sub(g.Last) <= s.window {
			return false
		}
		g.end(emit, func(e *Event) { s.describe(g, e) })
		return true
	})
}

func (s *coordinated) Expire(emit func(Event)) {
	for _, g := range s.Campaigns {
		g.end(emit, func(e *Event) { s.describe(g, e) })
	}
	s.Campaigns = nil
}

func (s *coordinated) describe(g *campaign, e *Event) {
	shown := g.Paths[:min(len(g.Paths), 5)]
	paths := strings.Join(quoted(shown), ", ")
	if g.Passed {
		paths += " and others"
	} else {
		paths += g.AllPaths.beyond(len(shown))
	}
	e.Summary = fmt.Sprintf("%s in %s with %s probed the same %s in %s: %s (threshold: %d addresses that share %d paths within %s, each path asked for from less than %d%% of %d addresses or by none that is mostly served)",
		g.Addresses.some("address", "addresses", g.Crowded), g.AllNets.some("network", "networks", g.Crowded), g.Agents.some("user agent", "user agents", g.Crowded),
		g.AllPaths.some("rare path", "rare paths", g.Passed), inWords(e.Last.Sub(e.First)), paths, s.least, s.paths, inWords(s.window), s.percent, g.Known)
	switch {
	case 2*g.Referred > g.Count:
		e.Confidence = 0.3
		e.Summary += "; most requests name the page that led to them, as dead links do"
	case g.gone():
		e.Confidence = 0.3
		e.Summary += "; all say what they are, and ask for few paths that scanners do not try elsewhere, as apps and services do whose routes were taken away"
	case len(g.Agents) == 1 && len(g.AllPaths) > s.paths:
		e.Confidence = 0.9 // one tool, one list
	case len(g.AllPaths) > s.paths:
		e.Confidence = 0.8
	default:
		e.Confidence = 0.6 // two dead links of one page look the same
	}
	g.Crawler.qualify(e)
	e.Metadata = g.Crawler.meta("addresses", g.Members, "networks", g.Networks, "paths", g.Paths, "distinct_addresses", len(g.Addresses),
		"distinct_networks", len(g.AllNets), "distinct_paths", len(g.AllPaths), "user_agents", len(g.Agents),
		"endpoint_count", e.Count, "known_addresses", g.Known, "window_seconds", int(s.window.Seconds()))
}
