package detect

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A habitat is a network that people use.
type habitat struct {
	prefix              string // of addresses, without the last number: "198.18.4."
	country             string
	asn                 uint32
	latitude, longitude float64
	traits              parsers.Traits
	bot                 string
}

// The places of benign traffic. Those of attacks are elsewhere.
var (
	berlinOffice = habitat{"198.18.0.", "DE", 64496, 52.5, 13.4, 0, ""}
	berlinHomes  = habitat{"198.18.1.", "DE", 64497, 52.5, 13.4, 0, ""}
	berlinMobile = habitat{"198.18.2.", "DE", 64498, 52.5, 13.4, 0, ""}
	berlinVPN    = habitat{"198.18.3.", "NL", 64499, 52.4, 4.9, parsers.VPN, ""}
	yorkHomes    = habitat{"198.18.4.", "US", 64500, 40.7, -74.0, 0, ""}
	yorkHotel    = habitat{"198.18.5.", "US", 64501, 40.7, -74.0, 0, ""}
	sydneyHomes  = habitat{"198.18.6.", "AU", 64502, -33.9, 151.2, 0, ""}
	parisHomes   = habitat{"198.18.7.", "FR", 64503, 48.9, 2.4, 0, ""}
	cloudEast    = habitat{"198.18.8.", "US", 64504, 39.0, -77.5, parsers.Cloud, ""}
	cloudWest    = habitat{"198.18.9.", "IE", 64504, 53.3, -6.3, parsers.Cloud, ""}
	monitoring   = habitat{"198.18.10.", "FI", 64505, 60.2, 24.9, parsers.Datacenter, ""}
	crawlerPlace = habitat{"198.18.11.", "US", 64506, 37.4, -122.1, parsers.Crawler, "googlebot"}
	partners     = habitat{"198.18.12.", "DE", 64507, 50.1, 8.7, parsers.Datacenter, ""}
	relay        = habitat{"198.18.13.", "DE", 64508, 52.5, 13.4, parsers.Relay, ""}
)

// mobile6 is the IPv6 side of berlinMobile.
const mobile6 = "2001:db8:64:"

// An inhabitant uses the application.
type inhabitant struct {
	name, tenant string
	home, mobile habitat
	ip           int // last number of the address at home
	agents       []string
	objects      []int // ids of what is theirs: few of all, since tenants share the numbers
	typos        float64
	odd          bool // their days are written by oddities alone
}

// A benignWorld makes traffic that nobody need look at.
type benignWorld struct {
	*scene
	people []*inhabitant
	start  time.Time
	days   int
}

var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36 Edg/145.0.0.0",
}

const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"

// searchTexts are what people look for, which looks like what attackers write.
var searchTexts = []string{
	"O'Reilly books", "select the best option from the menu", "drop table lamp", "<b>urgent</b>", "5 or 6 rooms", "C++ template<class T>",
	"union of workers & select committee", "1=1 meeting", "rock 'n' roll -- live", "price > 100 and price < 200", "where is my order?",
	"script for onboarding", "etc/hosts how to", "${name} placeholder", "{{ first_name }}", "100%", "it's \"done\"", "invoice #12; draft", "sleep tracker",
	"https://www.example.org/help", "cat & dog | pets", "benchmark 2026", "Ä ö ü ß", "日本語", "exec summary", "passwd reset mail",
}

// benign writes about so many lines over some days from start, a Monday at midnight.
func benign(s *scene, start time.Time, days, lines int) {
	w := &benignWorld{scene: s, start: start, days: days}
	for _, p := range []habitat{berlinOffice, berlinHomes, berlinMobile, berlinVPN, yorkHomes, yorkHotel, sydneyHomes, parisHomes,
		cloudEast, cloudWest, monitoring, crawlerPlace, partners, relay} {
		s.network(p.prefix+"0/24", p.country, p.asn, p.latitude, p.longitude, p.traits)
		s.origins[len(s.origins)-1].Bot = p.bot
	}
	s.network(mobile6+":/48", berlinMobile.country, berlinMobile.asn, berlinMobile.latitude, berlinMobile.longitude, 0)
	// Nobody makes more than about 150 lines a day: more lines are of more people.
	for group := range 1 + lines/days/36_000 {
		w.hire(60, berlinOffice, "office", group)
		w.hire(60, berlinHomes, "berlin", group)
		w.hire(50, yorkHomes, "york", group)
		w.hire(30, sydneyHomes, "sydney", group)
		w.hire(40, parisHomes, "paris", group)
	}
	first := len(s.lines)
	w.machines()
	w.crawler()
	w.oddities()
	w.lookalikes()
	for len(s.lines)-first < lines {
		if p := w.people[w.rand.IntN(len(w.people))]; !p.odd {
			w.day(p, w.rand.IntN(days), 0)
		}
	}
}

// hire adds people of a place. Those of an office share its address.
func (w *benignWorld) hire(n int, home habitat, name string, group int) {
	if group > 0 {
		name = fmt.Sprint(name, string(rune('A'-1+group)))
	}
	for i := range n {
		p := &inhabitant{name: fmt.Sprintf("%s%02d@example.com", name, i), tenant: fmt.Sprintf("org_%s%d", name, i/12), home: home, mobile: berlinMobile,
			ip: 10 + i + 61*group, agents: []string{browsers[w.rand.IntN(len(browsers))], phone}, typos: 0.03 + 0.1*w.rand.Float64()}
		if home.prefix == berlinOffice.prefix {
			p.ip = 10 + group
			p.tenant = "org_" + name
		}
		for range 30 {
			p.objects = append(p.objects, 1000+w.rand.IntN(40_000))
		}
		w.people = append(w.people, p)
	}
}

func (w *benignWorld) at(day int, hour float64) time.Time {
	return w.start.AddDate(0, 0, day).Add(time.Duration(hour * float64(time.Hour)))
}

func (w *benignWorld) secret(prefix string) string {
	return fmt.Sprintf("%s%016x%016x", prefix, w.rand.Uint64(), w.rand.Uint64())
}

// pause is how long people look at a page: seconds mostly, minutes at times.
func pause(r *rand.Rand) time.Duration {
	return time.Duration((1 + r.ExpFloat64()*12) * float64(time.Second))
}

// day is a session of a person: a login, at times after typos, then work.
func (w *benignWorld) day(p *inhabitant, day int, hour float64) {
	if weekday := w.at(day, 0).Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		if w.rand.IntN(8) > 0 {
			return
		}
	}
	if hour == 0 {
		hour = 7 + 11*w.rand.Float64() - p.home.longitude/15 // people work by their own sun
		if hour < 0 {
			hour += 24
		}
		if w.at(day, 0).Weekday() == time.Monday && w.rand.IntN(3) == 0 {
			hour = 7.9 + 0.3*w.rand.Float64() - p.home.longitude/15 // all at once
			if hour < 0 {
				hour += 24
			}
		}
	}
	e := entry{ip: fmt.Sprint(p.home.prefix, p.ip), user: p.name, tenant: p.tenant, ua: p.agents[0], referer: "https://app.example.com/"}
	w.session(p, w.at(day, hour), e)
}

func (w *benignWorld) session(p *inhabitant, at time.Time, e entry) {
	dual, six := false, ""
	if w.rand.IntN(6) == 0 { // on the phone: two address families of one carrier
		dual, e.ua = p.home.country == "DE", p.agents[1]
		e.ip = fmt.Sprint(p.mobile.prefix, 1+p.ip%200)
		six = fmt.Sprintf("%s%x::%x", mobile6, p.ip, w.rand.IntN(1<<16))
		if !dual {
			e.ip = fmt.Sprint(p.home.prefix, p.ip)
		}
	}
	four := e.ip
	step := func(h entry) {
		if dual {
			h.ip = four
			if w.rand.IntN(2) == 0 {
				h.ip = six
			}
		}
		w.add(at, h)
		at = at.Add(pause(w.rand))
	}
	login := e
	login.method, login.uri, login.token = "POST", "/api/v1/auth/login", ""
	fails := 0
	for fails < 4 && w.rand.Float64() < p.typos {
		fails++
	}
	for range fails {
		f := login
		f.status, f.bytes = 401, 57
		step(f)
	}
	if fails == 4 {
		f := login
		f.uri, f.status, f.user = "/api/v1/auth/password/reset", 202, ""
		step(f)
		at = at.Add(3 * time.Minute)
	}
	step(login)
	e.token = w.secret("eyx")
	last := at
	for range 10 + w.rand.IntN(50) {
		if at.Sub(last) > 15*time.Minute {
			last = at
			r := e
			r.method, r.uri = "POST", "/api/v1/auth/refresh"
			step(r)
		}
		w.step(p, e, step)
		if w.rand.IntN(40) == 0 {
			at = at.Add(time.Duration(w.rand.IntN(50)) * time.Minute)
		}
	}
	if w.rand.IntN(3) == 0 {
		e.method, e.uri = "POST", "/api/v1/auth/logout"
		step(e)
	}
}

// step is one thing that a person does.
func (w *benignWorld) step(p *inhabitant, e entry, step func(entry)) {
	object := p.objects[w.rand.IntN(len(p.objects))]
	switch w.rand.IntN(24) {
	case 0, 1, 2:
		e.uri = "/api/v1/projects?page=1&per_page=50"
	case 3:
		for page := range 2 + w.rand.IntN(4) {
			h := e
			h.uri = fmt.Sprintf("/api/v1/projects?page=%d&per_page=50", page+1)
			step(h)
		}
		return
	case 4, 5, 6, 7:
		e.uri = fmt.Sprintf("/api/v1/projects/%d", object)
	case 8, 9:
		e.uri = fmt.Sprintf("/api/v1/projects/%d/tasks", object)
	case 10:
		e.uri, e.method, e.status = fmt.Sprintf("/api/v1/projects/%d/comments", object), "POST", 201
	case 11:
		e.uri, e.method = fmt.Sprintf("/api/v1/tasks/%08x-0000-4000-8000-%012x", object, object), "PATCH"
	case 12:
		e.uri = "/api/v1/search?q=" + url.QueryEscape(searchTexts[w.rand.IntN(len(searchTexts))])
	case 13:
		e.uri, e.token = fmt.Sprintf("/assets/app.%08x.js", w.rand.IntN(4)), ""
	case 14:
		e.uri, e.token = fmt.Sprintf("/assets/app.%08x.css", w.rand.IntN(4)), ""
	case 15:
		e.uri, e.token, e.status = "/favicon.ico", "", 404
	case 16:
		e.uri, e.bytes = fmt.Sprintf("/api/v1/files/%d/download", object), int64(w.rand.IntN(20<<20))
	case 17, 18, 19:
		e.uri = "/api/v1/notifications"
	case 20:
		e.uri = "/api/v1/me"
	case 21:
		e.uri = fmt.Sprintf("/api/v1/reports?org_id=%s", e.tenant)
	case 22:
		switch w.rand.IntN(30) {
		case 0:
			e.uri, e.status = "/api/v1/insights/forecast", 402
		case 1:
			e.uri, e.status = fmt.Sprintf("/api/v1/projects/%d", 1000+w.rand.IntN(40_000)), 403 // a shared link
		case 2:
			e.uri, e.status = fmt.Sprintf("/api/v1/projects/%d", 1000+w.rand.IntN(40_000)), 404 // gone
		case 3:
			e.method, e.uri, e.status = "POST", "/api/v1/webhooks?url="+url.QueryEscape("https://hooks.example.org/in/"+fmt.Sprint(object)), 201
		case 4:
			e.method, e.uri, e.status = "DELETE", fmt.Sprintf("/api/v1/projects/%d/comments/%d", object, w.rand.IntN(90000)), 204
		case 5:
			e.uri, e.status = "/oauth/authorize?client_id=cli&redirect_uri="+url.QueryEscape("http://127.0.0.1:53123/cb"), 302
		case 6:
			e.uri, e.status = "/oauth/authorize?client_id=crm&redirect_uri="+url.QueryEscape("https://crm.example.net/cb"), 302
		default:
			e.uri = "/api/v1/settings"
		}
	case 23:
		e.uri = fmt.Sprintf("/api/v1/users/%s/avatar", url.PathEscape(p.name))
	}
	step(e)
}

// machines are what runs by itself, each with a key.
func (w *benignWorld) machines() {
	poll, ci, sweep, export, sync, old, fresh := w.secret("ak_live_"), w.secret("ak_live_"), w.secret("ak_live_"), w.secret("ak_live_"), w.secret("ak_live_"),
		w.secret("ak_live_"), w.secret("ak_live_")
	var sparse []int
	for id := 1000; id < 41_000; id += 20 + w.rand.IntN(100) {
		sparse = append(sparse, id)
	}
	for day := range w.days {
		for minute := range 24 * 60 {
			at := w.at(day, 0).Add(time.Duration(minute) * time.Minute)
			if minute%2 == 0 {
				w.add(at, entry{ip: monitoring.prefix + "7", uri: "/health", ua: "UptimeCheck/3.1", bytes: 15})
			}
			if minute%3 == 0 {
				w.add(at.Add(11*time.Second), entry{ip: partners.prefix + "20", key: poll, tenant: "org_partner", uri: "/api/v1/events?since=" + fmt.Sprint(minute), ua: "partner-sync/2.0"})
			}
		}
		// A job at night reads all that is its tenant's.
		at := w.at(day, 2)
		for _, id := range sparse {
			w.add(at, entry{ip: partners.prefix + "21", key: sweep, tenant: "org_partner", uri: fmt.Sprintf("/api/v1/projects/%d", id), ua: "python-requests/2.32.3"})
			at = at.Add(time.Duration(600+w.rand.IntN(900)) * time.Millisecond)
		}
		// Another pages through a list, below every limit.
		at = w.at(day, 3)
		for page := range 40 {
			w.add(at, entry{ip: partners.prefix + "22", key: export, tenant: "org_partner", uri: fmt.Sprintf("/api/v1/invoices?page=%d&per_page=100", page+1), records: 100,
				bytes: 60_000, ua: "node-fetch/3.3"})
			at = at.Add(5 * time.Second)
		}
		// CI runs on machines for rent, wherever there is one.
		for range 6 {
			p := []habitat{cloudEast, cloudWest}[w.rand.IntN(2)]
			ip := fmt.Sprint(p.prefix, 1+w.rand.IntN(250))
			at := w.at(day, 24*w.rand.Float64())
			for range 20 {
				w.add(at, entry{ip: ip, key: ci, tenant: "org_office", uri: fmt.Sprintf("/api/v1/deployments/%d", 5000+day), ua: "deploy-cli/4.2"})
				at = at.Add(time.Duration(1+w.rand.IntN(5)) * time.Second)
			}
		}
		// A client that syncs runs into the limit and waits.
		at = w.at(day, 13)
		for n := range 60 {
			e := entry{ip: partners.prefix + "23", key: sync, tenant: "org_sync", uri: "/api/v1/contacts?page=1&per_page=100", ua: "sync/1.4"}
			if n%30 > 26 {
				e.status = 429
			}
			w.add(at, e)
			at = at.Add(2 * time.Second)
		}
		// A key was replaced on the third day; one job was forgotten.
		key := old
		for n := range 24 {
			e := entry{ip: partners.prefix + "24", key: key, tenant: "org_rotated", uri: "/api/v1/stock", ua: "erp/9"}
			if day == 2 && n >= 8 {
				e.key = fresh
				if n < 14 {
					e.key, e.status = old, 401
				}
			}
			if day > 2 {
				e.key = fresh
			}
			w.add(w.at(day, float64(n)), e)
		}
	}
}

// crawler reads the public pages, dead links among them.
func (w *benignWorld) crawler() {
	for day := range w.days {
		at := w.at(day, 5)
		for n := range 300 {
			e := entry{ip: fmt.Sprint(crawlerPlace.prefix, 1+day%4), uri: fmt.Sprintf("/blog/%s-%d", []string{"news", "release", "howto"}[n%3], n), ua: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
			if n%6 == 0 {
				e.uri, e.status = fmt.Sprintf("/old/page-%d", n), 404
			}
			w.add(at, e)
			at = at.Add(time.Duration(2+w.rand.IntN(9)) * time.Second)
		}
	}
}

// oddities are people and programs that behave unlike the others, with good reason.
func (w *benignWorld) oddities() {
	person := func(group string, n int) *inhabitant {
		for _, p := range w.people {
			if p.name == fmt.Sprintf("%s%02d@example.com", group, n) {
				p.odd = true
				return p
			}
		}
		panic("no such person")
	}
	// A broken app asks for a feature that is gone, over and over.
	for n := range 1500 {
		w.add(w.at(1, 9).Add(time.Duration(n)*7*time.Second), entry{ip: parisHomes.prefix + "230", uri: "/api/v1/legacy/feed", status: 404, ua: "OldApp/1.0 (Android 9)"})
	}
	// Developers open pages with source maps that are not there.
	for n := range 60 {
		w.add(w.at(2, 10).Add(time.Duration(n)*3*time.Second), entry{ip: berlinHomes.prefix + "231", uri: fmt.Sprintf("/assets/chunk-%d.js.map", n), status: 404, ua: browsers[0]})
	}
	// Somebody flies to New York: asleep on the plane for nine hours.
	flyer := person("berlin", 1)
	for day := range w.days {
		if day%4 != 3 {
			w.day(flyer, day, 6)
			continue
		}
		w.session(flyer, w.at(day, 20), entry{ip: yorkHotel.prefix + "40", user: flyer.name, tenant: flyer.tenant, ua: flyer.agents[0]})
	}
	// Somebody turns a VPN on and off, another surfs through a relay.
	vpn, hidden := person("berlin", 2), person("berlin", 3)
	for day := range w.days {
		w.day(vpn, day, 7)
		w.day(hidden, day, 7)
		w.session(vpn, w.at(day, 10), entry{ip: fmt.Sprint(berlinVPN.prefix, 1+day), user: vpn.name, tenant: vpn.tenant, ua: vpn.agents[0]})
		w.session(hidden, w.at(day, 11), entry{ip: fmt.Sprint(relay.prefix, 1+w.rand.IntN(200)), user: hidden.name, tenant: hidden.tenant, ua: hidden.agents[0]})
	}
	// Admins administrate, support looks after all tenants from the first day on.
	admin, support := person("office", 0), person("office", 1)
	for day := range w.days {
		e := entry{ip: fmt.Sprint(admin.home.prefix, admin.ip), user: admin.name, tenant: admin.tenant, ua: admin.agents[0], token: w.secret("eya")}
		at := w.at(day, 9)
		for _, uri := range []string{"/admin", "/admin/users", "/admin/users?page=2", "/admin/settings", "/admin/audit", "/admin/billing", "/api/v1/admin/flags"} {
			e.uri = uri
			w.add(at, e)
			at = at.Add(20 * time.Second)
		}
		e = entry{ip: fmt.Sprint(support.home.prefix, support.ip), user: support.name, ua: support.agents[0], token: w.secret("eys")}
		at = w.at(day, 9.2)
		for range 40 {
			p := w.people[w.rand.IntN(len(w.people))]
			e.uri = "/api/v1/reports?org_id=" + p.tenant
			w.add(at, e)
			at = at.Add(time.Duration(20+w.rand.IntN(100)) * time.Second)
		}
	}
	// The integration of a partner is upgraded on the fourth day.
	key := w.secret("ak_live_")
	for day := range w.days {
		for n := range 24 {
			at, version := w.at(day, float64(n)+0.1), 1
			if day >= 4 {
				version = 2
			}
			for i, route := range []string{"orders", "customers", "stock", "prices"} {
				w.add(at.Add(time.Duration(i*4)*time.Second), entry{ip: partners.prefix + "30", key: key, tenant: "org_shop", uri: fmt.Sprintf("/api/v%d/%s?page=1&per_page=100", version, route), ua: "shop-connector/" + fmt.Sprint(version)})
			}
		}
	}
}
