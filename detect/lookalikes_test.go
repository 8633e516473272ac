package detect

import (
	"fmt"
	"net/url"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// More places of benign traffic.
var (
	bigOffice  = habitat{"198.18.14.", "DE", 64509, 52.5, 13.4, 0, ""}
	carrierNAT = habitat{"198.18.15.", "DE", 64498, 52.5, 13.4, 0, ""} // of the carrier of berlinMobile
	backupHost = habitat{"198.18.16.", "DE", 64510, 50.1, 8.7, 0, ""}
	homeOffice = habitat{"198.18.17.", "DE", 64511, 48.1, 11.6, 0, ""}
	gateway    = habitat{"198.18.18.", "IE", 64512, 53.3, -6.3, parsers.Cloud, ""} // of a company's own network, abroad
)

// offices6 is the IPv6 side of bigOffice, one /64 for each floor.
const offices6 = "2001:db8:65:"

// lookalikes are people and programs that look like what the attacks do, and are none of
// it.
func (w *benignWorld) lookalikes() {
	for _, p := range []habitat{bigOffice, carrierNAT, backupHost, homeOffice, gateway} {
		w.network(p.prefix+"0/24", p.country, p.asn, p.latitude, p.longitude, p.traits)
	}
	w.network(offices6+":/48", bigOffice.country, bigOffice.asn, bigOffice.latitude, bigOffice.longitude, 0)
	w.manyBehindOne()
	w.outage()
	w.travellers()
	w.programs()
	w.readers()
	w.workers()
	w.deploy()
}

// someone is a user of a lookalike.
func someone(group string, i int) string { return fmt.Sprintf("%s%d@example.com", group, i) }

// daily calls write for each day but those of a weekend.
func (w *benignWorld) daily(write func(day int)) {
	for day := range w.days {
		if weekday := w.at(day, 0).Weekday(); weekday != time.Saturday && weekday != time.Sunday {
			write(day)
		}
	}
}

// manyBehindOne are offices and carriers: people who share an address, or an IPv6 /64.
func (w *benignWorld) manyBehindOne() {
	// Three hundred people log in within the hour; some mistype, password managers try again
	// at once, and each opens what was on the screen the day before.
	w.daily(func(day int) {
		for i := range 300 {
			at := w.at(day, 7.8+w.rand.Float64())
			e := entry{ip: bigOffice.prefix + "10", user: someone("big", i), tenant: fmt.Sprintf("org_big%d", i/30), ua: browsers[i%4]}
			if i%3 == 0 {
				e.ip = fmt.Sprintf("%s%x::%x:%x", offices6, 1+i%4, 1+i, 1+w.rand.IntN(1<<16))
			}
			login := e
			login.method, login.uri = "POST", "/api/v1/auth/login"
			if w.rand.IntN(12) == 0 {
				for range 1 + w.rand.IntN(2) {
					f := login
					f.status, f.bytes = 401, 57
					w.add(at, f)
					at = at.Add(time.Duration(1+w.rand.IntN(12)) * time.Second)
				}
			}
			w.add(at, login)
			e.token = w.secret("eyb")
			for n := range 6 {
				h := e
				h.uri = []string{"/api/v1/me", "/api/v1/notifications", fmt.Sprintf("/api/v1/projects/%d", 1000+(i*131+n*977)%40_000), "/api/v1/settings"}[n%4]
				if w.rand.IntN(400) == 0 {
					h.uri, h.status = fmt.Sprintf("/api/v1/projects/%d", 1000+w.rand.IntN(40_000)), 404
				}
				at = at.Add(pause(w.rand))
				w.add(at, h)
			}
		}
	})
	// Visitors without a name behind a carrier's NAT: each reads a few pages.
	for day := range w.days {
		for n := range 800 {
			at := w.at(day, 24*float64(n)/800)
			w.add(at, entry{ip: fmt.Sprint(carrierNAT.prefix, 1+n%3), uri: []string{"/", "/pricing", "/blog/release-" + fmt.Sprint(n%300), "/docs/api/orders", "/login"}[w.rand.IntN(5)], ua: []string{phone, browsers[n%4]}[n%2]})
			if w.rand.IntN(40) == 0 {
				w.add(at.Add(time.Second), entry{ip: fmt.Sprint(carrierNAT.prefix, 1+n%3), uri: fmt.Sprintf("/blog/old-%d", n), status: 404, ua: phone})
			}
		}
	}
}

// outage is half an hour in which single sign-on refuses everybody, and a minute in which
// the database does.
func (w *benignWorld) outage() {
	day := min(2, w.days-1)
	for i := range 60 {
		p := w.people[(i*17)%len(w.people)]
		at := w.at(day, 10).Add(time.Duration(w.rand.IntN(1800)) * time.Second)
		e := entry{ip: fmt.Sprint(p.home.prefix, p.ip), user: p.name, tenant: p.tenant, ua: p.agents[0], method: "POST", uri: "/api/v1/auth/login", status: 503}
		for range 1 + w.rand.IntN(3) {
			w.add(at, e)
			at = at.Add(time.Duration(20+w.rand.IntN(60)) * time.Second)
		}
	}
	for i := range 400 {
		p := w.people[(i*13)%len(w.people)]
		w.add(w.at(day, 14).Add(time.Duration(i)*200*time.Millisecond), entry{ip: fmt.Sprint(p.home.prefix, p.ip), user: p.name, tenant: p.tenant, ua: p.agents[0],
			uri: fmt.Sprintf("/api/v1/projects/%d", p.objects[i%30]), status: 500 + i%4})
	}
}

// travellers move, with one device or two.
func (w *benignWorld) travellers() {
	// A train: the phone's hotspot, then the train's own network, then the office.
	w.daily(func(day int) {
		e := entry{user: someone("train", 1), tenant: "org_train", token: w.secret("eyt"), ua: browsers[1]}
		at := w.at(day, 7)
		for n := range 60 {
			h := e
			h.ip = berlinMobile.prefix + "201"
			if n > 20 {
				h.ip = homeOffice.prefix + "20"
			}
			if n > 45 {
				h.ip = bigOffice.prefix + "10"
			}
			h.uri = []string{"/api/v1/me", "/api/v1/notifications"}[n%2]
			w.add(at, h)
			at = at.Add(time.Minute)
		}
	})
	// The company's VPN comes out abroad; it is on for calls and off at lunch.
	w.daily(func(day int) {
		e := entry{user: someone("vpn", 1), tenant: "org_vpn", token: w.secret("eyv"), ua: browsers[2]}
		for n := range 40 {
			h := e
			h.ip = homeOffice.prefix + "30"
			if n >= 5 && n < 20 || n >= 26 {
				h.ip = gateway.prefix + "1"
			}
			h.uri = "/api/v1/notifications"
			w.add(w.at(day, 8).Add(time.Duration(n)*13*time.Minute), h)
		}
	})
	// A phone and a laptop with a token each, at home and on the road.
	w.daily(func(day int) {
		desk, hand := w.secret("eyd"), w.secret("eyh")
		for n := range 30 {
			at := w.at(day, 9).Add(time.Duration(n) * 9 * time.Minute)
			w.add(at, entry{ip: homeOffice.prefix + "40", user: someone("two", 1), tenant: "org_two", token: desk, uri: "/api/v1/me", ua: browsers[0]})
			w.add(at.Add(time.Minute), entry{ip: fmt.Sprintf("%s%x::9", mobile6, 0x900), user: someone("two", 1), tenant: "org_two", token: hand, uri: "/api/v1/me", ua: phone})
		}
	})
	// Privacy addresses: one laptop, a new address of its /64 every few hours, v4 between.
	for day := range w.days {
		token := w.secret("eyp")
		for n := range 50 {
			ip := fmt.Sprintf("2001:db8:65:7::%x", 1+n/9+day*16)
			if n%4 == 3 {
				ip = bigOffice.prefix + "10"
			}
			w.add(w.at(day, 9).Add(time.Duration(n)*7*time.Minute), entry{ip: ip, user: someone("six", 1), tenant: "org_six", token: token, uri: "/api/v1/me", ua: browsers[3]})
		}
	}
}

// programs run by themselves.
func (w *benignWorld) programs() {
	backup, bi, web, ci := w.secret("ak_live_"), w.secret("ak_live_"), w.secret("ak_live_"), w.secret("ak_live_")
	for day := range w.days {
		// A backup takes everything away, every night, to the same place.
		at := w.at(day, 1)
		for n := range 12 {
			w.add(at, entry{ip: backupHost.prefix + "5", key: backup, tenant: "org_backup", uri: fmt.Sprintf("/api/v1/backups/latest/part-%d", n), bytes: 60 << 20, ua: "restic/0.18"})
			at = at.Add(20 * time.Second)
		}
		// Monitoring asks whether a login is refused that has to be, from three places.
		for n := range 24 * 4 {
			w.add(w.at(day, float64(n)/4), entry{ip: monitoring.prefix + fmt.Sprint(20+n%3), user: "probe@example.com", method: "POST", uri: "/api/v1/auth/login", status: 200, ua: "UptimeCheck/3.1"})
			w.add(w.at(day, float64(n)/4).Add(time.Second), entry{ip: monitoring.prefix + fmt.Sprint(20+n%3), uri: "/admin", status: 302, ua: "UptimeCheck/3.1"})
		}
		// A dashboard shows twelve reports, neighbours by number, as often as it is opened.
		at = w.at(day, 9)
		for n := range 20 {
			for id := range 8 {
				w.add(at, entry{ip: parisHomes.prefix + "200", user: someone("dash", 1), tenant: "org_dash", uri: fmt.Sprintf("/api/v1/widgets/%d", 301+3*id), ua: browsers[n%4]})
			}
			at = at.Add(11 * time.Minute)
		}
		// A mobile app whose token ran out asks on until its user comes back.
		token := w.secret("eyz")
		at = w.at(day, 6)
		for range 60 {
			w.add(at, entry{ip: berlinMobile.prefix + "210", token: token, uri: "/api/v1/notifications", status: 401, ua: "App/7.1 (iPhone; iOS 19.2)"})
			at = at.Add(30 * time.Second)
		}
		// A business intelligence tool reads tables, 9,000 records an hour.
		at = w.at(day, 4)
		for n := range 9 {
			w.add(at, entry{ip: backupHost.prefix + "7", key: bi, tenant: "org_bi", uri: fmt.Sprintf("/api/v1/orders?offset=%d&limit=1000", n*1000), records: 1000, bytes: 400_000, ua: "bi-connector/2"})
			at = at.Add(6 * time.Minute)
		}
		// Webhooks are set up, to public places and the company's own names.
		for n, target := range []string{"https://hooks.example.org/in", "https://10.example.com/x", "https://example.com:8443/hook", "http://example.net/in", "https://hooks.slack.example/services/T0/B0/x"} {
			w.add(w.at(day, 11).Add(time.Duration(n)*time.Minute), entry{ip: parisHomes.prefix + "201", user: someone("hook", 1), tenant: "org_hook", method: "POST", uri: "/api/v1/webhooks?url=" + url.QueryEscape(target), status: 201, ua: browsers[0]})
		}
		// A web application polls with a key, faster while somebody looks.
		for n := range 200 {
			w.add(w.at(day, 10).Add(time.Duration(n)*3*time.Second), entry{ip: partners.prefix + "60", key: web, tenant: "org_web", uri: "/api/v1/events?since=" + fmt.Sprint(w.at(day, 10).Unix()+int64(3*n)), ua: "web-poller/1"})
		}
		// Tests of a release make and delete what they need, forty of each.
		at = w.at(day, 15)
		for n := range 40 {
			id := fmt.Sprintf("%08x-0000-4000-8000-%012x", w.rand.Uint32(), n)
			w.add(at, entry{ip: cloudEast.prefix + "77", key: ci, tenant: "org_ci", method: "POST", uri: "/api/v1/projects", status: 201, ua: "e2e/5"})
			w.add(at.Add(time.Second), entry{ip: cloudEast.prefix + "77", key: ci, tenant: "org_ci", method: "DELETE", uri: "/api/v1/projects/" + id, status: 204, ua: "e2e/5"})
			at = at.Add(4 * time.Second)
		}
		// A native app logs in on this machine; a sign-in page comes back to where one was.
		for n := range 5 {
			w.add(w.at(day, 9).Add(time.Duration(n)*time.Hour), entry{ip: homeOffice.prefix + "50", uri: fmt.Sprintf("/oauth/authorize?client_id=cli&response_type=code&redirect_uri=http%%3A%%2F%%2Flocalhost%%3A%d%%2Fcallback&scope=openid", 40000+n), status: 302, ua: browsers[1]})
			w.add(w.at(day, 9.5).Add(time.Duration(n)*time.Hour), entry{ip: homeOffice.prefix + "50", uri: "/login?next=" + url.QueryEscape("/projects/17?tab=files&from=2026-01-01"), ua: browsers[1]})
		}
	}
}

// readers look for what attackers write.
func (w *benignWorld) readers() {
	texts := []string{"select * from users", "how to drop table in postgres", "OWASP top 10: SQL injection, XSS", "<script> tag not working", "1' or '1'='1 explained", "union select tutorial",
		"/etc/passwd meaning", "../ in url", "curl | sh is bad", "what is {{7*7}}", "javascript: links", "http://localhost:3000 not loading", "169.254.169.254", "jndi ldap log4j patch",
		"where name = 'O''Brien'", "a && b || c", "C:\\Windows\\System32", "if (x<y && y>z)", "price<100 and size>5", "SELECT name, COUNT(*) FROM t GROUP BY name HAVING COUNT(*) > 1"}
	for i := range 40 {
		for n := range 2 { // each of them two, far apart
			w.add(w.at((i+3*n)%w.days, 9+float64(i%8)+float64(n)/2), entry{ip: fmt.Sprint(sydneyHomes.prefix, 180+i), user: someone("reader", i), uri: "/docs/search?q=" + url.QueryEscape(texts[(i+7*n)%len(texts)]), ua: browsers[i%4]})
		}
	}
	// A newsletter on security links to an article that names what it is about.
	for i := range 60 {
		w.add(w.at(i%w.days, 8+float64(i)/6), entry{ip: fmt.Sprint(yorkHomes.prefix, 190+i%60), uri: "/blog/security/how-we-stopped-sql-injection-union-select?utm_source=newsletter&utm_campaign=xss%20%26%20ssrf", ua: browsers[i%4], referer: "https://news.example.net/?q=sql+injection"})
	}
	// Crawlers that are not in any list, and a link checker, meet dead links.
	for day := range w.days {
		for n := range 40 {
			w.add(w.at(day, 3).Add(time.Duration(n)*30*time.Second), entry{ip: cloudWest.prefix + "99", uri: fmt.Sprintf("/docs/%s", []string{"api/orders", "api/users", "guide", "old/install"}[n%4]), status: []int{200, 200, 200, 404}[n%4], ua: "LinkChecker/10.2"})
		}
	}
}

// workers do much, as their work wants it.
func (w *benignWorld) workers() {
	w.daily(func(day int) {
		// Support looks into many accounts; accounting goes through the invoices of the month,
		// every other one; a manager reads all reports of the week.
		at := w.at(day, 10)
		for n := range 45 {
			w.add(at, entry{ip: bigOffice.prefix + "11", user: someone("account", 9001), tenant: "org_acc", uri: fmt.Sprintf("/api/v1/invoices/%d", 20_000+day*700+n*7+w.rand.IntN(5)), ua: browsers[0]})
			at = at.Add(time.Duration(15+w.rand.IntN(60)) * time.Second)
		}
		// An editor with a mouse: fifteen pages of a list, twice; a list scrolled to its end.
		at = w.at(day, 11)
		for n := range 30 {
			w.add(at, entry{ip: homeOffice.prefix + "60", user: someone("editor", 1), tenant: "org_edit", uri: fmt.Sprintf("/api/v1/articles?page=%d&per_page=25", n%15+1), ua: browsers[2]})
			at = at.Add(6 * time.Second)
		}
		// Somebody tidies up: thirty drafts.
		at = w.at(day, 16)
		for n := range 30 {
			w.add(at, entry{ip: homeOffice.prefix + "61", user: someone("tidy", 1), tenant: "org_tidy", method: "DELETE", uri: fmt.Sprintf("/api/v1/drafts/%d", 1000*day+n*17), status: 204, ua: browsers[1]})
			at = at.Add(3 * time.Second)
		}
		// Who makes a list imports it: objects of one's own, numbered one after another, as fast
		// as one can click: eight.
		at = w.at(day, 13)
		for n := range 8 {
			w.add(at, entry{ip: homeOffice.prefix + "62", user: someone("maker", 1), tenant: "org_maker", uri: fmt.Sprintf("/api/v1/tasks/%d", 90_000+50*day+n), ua: browsers[1]})
			at = at.Add(25 * time.Second)
		}
		// A video is looked at in pieces, photos are put up.
		at = w.at(day, 19)
		for range 90 {
			w.add(at, entry{ip: sydneyHomes.prefix + "179", user: someone("video", 1), tenant: "org_video", uri: "/api/v1/videos/77/stream", status: 206, bytes: 2 << 20, ua: phone})
			at = at.Add(10 * time.Second)
		}
		// A page asks for what four colleagues may see, and its reader may not.
		for n := range 4 {
			w.add(w.at(day, 12).Add(time.Duration(n)*time.Second), entry{ip: homeOffice.prefix + "63", user: someone("page", 1), tenant: "org_page", uri: fmt.Sprintf("/api/v1/teams/%d/budget", 10+n), status: 403, ua: browsers[3]})
		}
		// An invitation with a role, a list filtered by one, a plan that is bought.
		e := entry{ip: homeOffice.prefix + "64", user: someone("chief", 1), tenant: "org_chief", ua: browsers[0]}
		for n, call := range []struct{ method, uri string }{{"GET", "/api/v1/users?role=admin"}, {"POST", "/api/v1/invitations?email=new%40example.com&role=admin"}, {"POST", "/api/v1/billing/subscription?plan=enterprise"}, {"GET", "/oauth/authorize?client_id=x&scope=admin%3Aread&redirect_uri=https%3A%2F%2Fapp.example.net"}} {
			h := e
			h.method, h.uri = call.method, call.uri
			w.add(w.at(day, 14).Add(time.Duration(n)*time.Minute), h)
		}
	})
}

// deploy renames the parts of the pages and a route, while people have the old ones open.
func (w *benignWorld) deploy() {
	day := min(3, w.days-1)
	for i := range 120 {
		p := w.people[(i*7)%len(w.people)]
		at := w.at(day, 12).Add(time.Duration(w.rand.IntN(1800)) * time.Second)
		e := entry{ip: fmt.Sprint(p.home.prefix, p.ip), ua: p.agents[0], referer: "https://app.example.com/", status: 404}
		for n := range 3 + w.rand.IntN(3) {
			h := e
			h.uri = fmt.Sprintf("/assets/chunk-%02d.3f9a1c.js", n)
			w.add(at, h)
			h.uri, h.user, h.tenant = "/api/v1/inbox", p.name, p.tenant
			w.add(at.Add(time.Second), h)
			at = at.Add(2 * time.Second)
		}
	}
}
