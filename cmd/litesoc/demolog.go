package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"
)

// demoLine is one line of the demo log.
type demoLine struct {
	Time      time.Time `json:"time"`
	Client    string    `json:"client_ip"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Status    int       `json:"status"`
	Bytes     int       `json:"bytes"`
	Duration  int       `json:"duration_ms"`
	UserAgent string    `json:"user_agent"`
	User      string    `json:"user,omitempty"`
	Tenant    string    `json:"tenant,omitempty"`
	APIKey    string    `json:"api_key,omitempty"`
	Token     string    `json:"token,omitempty"`
	Records   *int      `json:"records,omitempty"`
}

// demoDay is the first of the two days of the demo log, a Monday.
var demoDay = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// demoTraffic makes the demo log: two days of a small SaaS, and on the second the attacks.
// Whoever makes it, it is the same. Addresses are those of documentation, of which no place
// is known; but a replayed token is told by where it is used, and for that there are two
// others.
type demoTraffic struct {
	rand  *rand.Rand
	lines []demoLine
}

// The two addresses that are somewhere: the first ones of large networks in Germany and
// Brazil, which no machine has.
const (
	desk  = "84.128.0.0" // of the owner of the token
	thief = "177.32.0.0"
)

// demoOwner is the number of the person whose token is stolen: lena@umbra.example.
const demoOwner = 11*8 + 4

var demoTenants = []string{"northwind", "fabrikam", "globex", "initech", "umbra", "hooli", "vandelay", "stark"}

var demoNames = []string{"ada", "ben", "cleo", "dev", "eve", "finn", "gia", "hugo", "iris", "jon", "kit", "lena", "max", "nia", "omar"}

var demoAgents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
}

// A person of the demo is one of its tenants' employees, at one place with one browser.
type person struct {
	number       int
	name, tenant string
	ip, agent    string
}

func demoPerson(n int) person {
	tenant := demoTenants[n%len(demoTenants)]
	p := person{number: n, name: demoNames[n/len(demoTenants)%len(demoNames)] + "@" + tenant + ".example", tenant: tenant, agent: demoAgents[n%len(demoAgents)]}
	switch {
	case n == demoOwner:
		p.ip = desk
	case n%3 == 0:
		p.ip = fmt.Sprintf("192.0.2.%d", 10+n)
	case n%3 == 1:
		p.ip = fmt.Sprintf("198.51.100.%d", 10+n)
	default:
		p.ip = fmt.Sprintf("2001:db8:%x::%x", 0x100+n, 0x10+n)
	}
	return p
}

// token is the access token that a person has on a day.
func (p person) token(day int) string {
	return fmt.Sprintf("at_%016x%016x", uint64(p.number+1)*0x9e3779b97f4a7c15, uint64(day+1)*0xbf58476d1ce4e5b9^uint64(p.number))
}

func demoKey(tenant int) string {
	return fmt.Sprintf("acme_live_%016x%08x", uint64(tenant+7)*0x94d049bb133111eb, uint32(tenant+1)*0x9e3779b9)
}

func (t *demoTraffic) add(l demoLine, at time.Time) {
	l.Time = at.Truncate(time.Millisecond)
	if l.Bytes == 0 {
		l.Bytes = 180 + t.rand.IntN(2800)
	}
	l.Duration = 4 + t.rand.IntN(90)
	t.lines = append(t.lines, l)
}

// of is a line of a person who is logged in.
func of(p person, day int, method, path string, status int) demoLine {
	return demoLine{Client: p.ip, Method: method, Path: path, Status: status, UserAgent: p.agent, User: p.name, Tenant: p.tenant, Token: p.token(day)}
}

// records says how many records a line returned.
func (l demoLine) records(n, bytes int) demoLine {
	l.Records, l.Bytes = &n, bytes
	return l
}

// people are at work on a day.
func (t *demoTraffic) people(day int) {
	r := t.rand
	for n := range len(demoTenants) * len(demoNames) {
		p := demoPerson(n)
		at := demoDay.AddDate(0, 0, day).Add(8*time.Hour + time.Duration(r.IntN(150*60))*time.Second)
		if r.IntN(9) == 0 { // a slip of the finger
			t.add(demoLine{Client: p.ip, Method: "POST", Path: "/api/v1/auth/login", Status: 401, UserAgent: p.agent, User: p.name}, at.Add(-9*time.Second))
		}
		t.add(demoLine{Client: p.ip, Method: "POST", Path: "/api/v1/auth/login", Status: 200, UserAgent: p.agent, User: p.name, Tenant: p.tenant}, at)
		for range 3 {
			for range 16 + r.IntN(14) {
				at = at.Add(time.Duration(3+r.ExpFloat64()*35) * time.Second)
				t.add(t.work(p, day), at)
			}
			at = at.Add(time.Duration(40+r.IntN(110)) * time.Minute)
		}
	}
}

// work is one thing that people do all day.
func (t *demoTraffic) work(p person, day int) demoLine {
	r := t.rand
	project := 2000 + p.number%len(demoTenants)*40 + r.IntN(6)
	switch k := r.IntN(100); {
	case k < 26:
		return of(p, day, "GET", fmt.Sprintf("/api/v1/projects/%d", project), 200)
	case k < 44:
		return of(p, day, "GET", fmt.Sprintf("/api/v1/projects?page=%d&per_page=20", 1+r.IntN(2)), 200).records(20, 5200)
	case k < 58:
		return of(p, day, "GET", "/api/v1/me", 200)
	case k < 70:
		return of(p, day, "GET", fmt.Sprintf("/api/v1/projects/%d/tasks", project), 200).records(8+r.IntN(20), 3100)
	case k < 80:
		return of(p, day, "POST", fmt.Sprintf("/api/v1/projects/%d/comments", project), 201)
	case k < 88:
		return of(p, day, "GET", "/api/v1/contacts?page=1&per_page=50", 200).records(50, 9800)
	case k < 93:
		return of(p, day, "GET", "/api/v1/reports?org_id="+p.tenant, 200)
	case k < 97:
		return of(p, day, "PATCH", fmt.Sprintf("/api/v1/tasks/%d", 50000+p.number*40+r.IntN(12)), 200)
	case k < 98:
		return of(p, day, "GET", fmt.Sprintf("/api/v1/projects/%d", project+3), 404)
	}
	return of(p, day, "GET", "/api/v1/notifications", 200)
}

// integrations call with the keys of the tenants, at all hours.
func (t *demoTraffic) integrations(day int) {
	for n, tenant := range demoTenants {
		l := demoLine{Client: fmt.Sprintf("192.0.2.%d", 200+n), UserAgent: tenant + "-sync/2.3", Tenant: tenant, APIKey: demoKey(n), Status: 200}
		for at := time.Duration(n) * 40 * time.Second; at < 24*time.Hour; at += 14 * time.Minute {
			call := l
			call.Method, call.Path = "GET", "/api/v1/orders?since=cursor"
			t.add(call.records(t.rand.IntN(20), 2400), demoDay.AddDate(0, 0, day).Add(at))
			if t.rand.IntN(3) == 0 {
				call.Method, call.Path, call.Status = "POST", "/api/v1/orders", 201
				t.add(call, demoDay.AddDate(0, 0, day).Add(at+2*time.Second))
			}
		}
	}
}

// The attacks, all on the second day.
func (t *demoTraffic) attacks() {
	clock := func(h, m int) time.Time {
		return demoDay.AddDate(0, 0, 1).Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
	}
	r := t.rand

	// 1. Credential abuse: northwind's key, stolen, from elsewhere, at machine speed and
	// on routes where it never was.
	at := clock(3, 10)
	for i := range 700 {
		paths := []string{"/api/v1/users", "/api/v1/billing/invoices", "/api/v1/orders?since=cursor", "/api/v1/exports", "/api/v1/api-keys", "/api/v1/audit", "/api/v1/contacts"}
		at = at.Add(time.Duration(180+r.IntN(240)) * time.Millisecond)
		t.add(demoLine{Client: "203.0.113.61", Method: "GET", Path: paths[i%len(paths)], Status: 200, UserAgent: "python-requests/2.32.3", Tenant: "northwind", APIKey: demoKey(0)}, at)
	}

	// 2. Enumeration: a word list against paths that are not there, then users by number.
	at = clock(5, 20)
	for _, prefix := range []string{"/", "/api/", "/api/v1/"} {
		for _, word := range []string{"admin", "backup", "config", "debug", "dump", "env", "graphql", "internal", "jenkins", "metrics", "old", "private", "staging", "swagger", "test", "v2"} {
			at = at.Add(700 * time.Millisecond)
			t.add(demoLine{Client: "203.0.113.9", Method: "GET", Path: prefix + word + ".bak", Status: 404, UserAgent: "gobuster/3.6", Bytes: 153}, at)
		}
	}
	trial := person{number: 900, name: "trial-71@signup.example", tenant: "trial-71", ip: "203.0.113.9", agent: "Go-http-client/1.1"}
	at = clock(5, 31)
	for id := range 90 {
		status := 200
		if id%6 == 3 {
			status = 404
		}
		at = at.Add(900 * time.Millisecond)
		t.add(of(trial, 1, "GET", fmt.Sprintf("/api/v1/users/%d", 1001+id), status), at)
	}

	// 3. Privilege escalation: the reports of other tenants, then another role.
	dev := demoPerson(3*len(demoTenants) + 1) // dev@fabrikam.example
	at = clock(10, 40)
	for i, tenant := range []string{"northwind", "globex", "initech", "umbra", "hooli"} {
		status := 403
		if i > 2 {
			status = 200
		}
		at = at.Add(11 * time.Second)
		t.add(of(dev, 1, "GET", "/api/v1/reports?org_id="+tenant, status), at)
	}
	t.add(of(dev, 1, "PATCH", "/api/v1/users/me?role=admin", 403), at.Add(20*time.Second))
	t.add(of(dev, 1, "PATCH", "/api/v1/users/me?role=admin&is_admin=true", 200), at.Add(31*time.Second))

	// 4. Bulk scraping: all contacts, page by page, at night.
	omar := demoPerson(14*len(demoTenants) + 3) // omar@initech.example
	at = clock(1, 5)
	for page := range 300 {
		at = at.Add(time.Duration(5+r.IntN(4)) * time.Second)
		t.add(of(omar, 1, "GET", fmt.Sprintf("/api/v1/contacts?page=%d&per_page=200", page+1), 200).records(200, 41000), at)
	}

	// 5. Token replay: a token in use at its owner's desk is used in another country, by another
	// program, and makes new ones.
	lena := demoPerson(demoOwner)
	at = clock(11, 15)
	for i := range 48 {
		at = at.Add(time.Duration(8+r.IntN(5)) * time.Second)
		t.add(t.work(lena, 1), at)
		l := of(lena, 1, "GET", []string{"/api/v1/me", "/api/v1/contacts?page=1&per_page=50", "/api/v1/projects?page=1&per_page=20"}[i%3], 200)
		l.Client, l.UserAgent = thief, "curl/8.5.0"
		if i%4 == 1 {
			l.Method, l.Path = "POST", "/api/v1/auth/refresh"
		}
		t.add(l, at.Add(3*time.Second))
	}

	// 6. SSRF: webhooks that lead inside.
	kit := demoPerson(10*len(demoTenants) + 5) // kit@hooli.example
	at = clock(14, 2)
	for i, target := range []string{
		"http://169.254.169.254/latest/meta-data/", "http://169.254.169.254/latest/meta-data/iam/security-credentials/", "http://127.0.0.1:6379/", "http://10.0.0.12:9200/_cat/indices",
		"https://[::ffff:169.254.169.254]/", "http://2852039166/latest/", "file:///etc/passwd", "http://localhost:8500/v1/kv/?recurse",
	} {
		status := 422
		if i == 5 {
			status = 201
		}
		at = at.Add(25 * time.Second)
		t.add(of(kit, 1, "POST", "/api/v1/webhooks?url="+url.QueryEscape(target), status), at)
	}

	// And a password that is guessed in the end.
	gia := demoPerson(6*len(demoTenants) + 2) // gia@globex.example
	at = clock(22, 13)
	for i := range 48 {
		status := 401
		if i == 47 {
			status = 200
		}
		at = at.Add(4 * time.Second)
		t.add(demoLine{Client: "203.0.113.77", Method: "POST", Path: "/api/v1/auth/login", Status: status, Bytes: 81, UserAgent: "python-requests/2.32.3", User: gia.name}, at)
	}
}

// demoAccessLog returns the demo log: JSON, one object a line, in order of time.
func demoAccessLog() []byte {
	t := &demoTraffic{rand: rand.New(rand.NewPCG(1, 1))}
	for day := range 2 {
		t.people(day)
		t.integrations(day)
	}
	t.attacks()
	slices.SortStableFunc(t.lines, func(a, b demoLine) int { return a.Time.Compare(b.Time) })
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	for i := range t.lines {
		if err := out.Encode(&t.lines[i]); err != nil {
			panic(fmt.Sprintf("demo log: %v", err)) // all of it is plain values
		}
	}
	return b.Bytes()
}
