package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// at returns a time of the day on which the reports of these tests play.
func at(clock string) time.Time {
	t, err := time.Parse(time.DateTime, "2026-03-09 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

// samples are the reports that the golden files show.
func samples() map[string]*Report {
	return map[string]*Report{
		"incidents": withIncidents(),
		"quiet":     quiet(),
		"nothing":   {Schema: SchemaVersion},
		"failures":  withFailures(),
	}
}

// quiet is a long log in which nobody did anything.
func quiet() *Report {
	r := &Report{
		Schema: SchemaVersion,
		Log: Log{
			Lines: 181835, Parsed: 181835, Clients: 12070, Actors: 12070, Routes: 911,
			First:    time.Date(2012, 3, 3, 0, 0, 1, 0, time.UTC),
			Last:     time.Date(2012, 3, 31, 23, 59, 58, 0, time.UTC),
			Formats:  []Count{{"nginx-combined", 181835}},
			Statuses: []Count{{"2xx", 170011}, {"3xx", 8012}, {"4xx", 3780}, {"5xx", 32}},
			Activity: Activity{Start: time.Date(2012, 3, 3, 0, 0, 0, 0, time.UTC), Step: 6 * 3600},
		},
		Run: Run{
			Version: "v1.0.0", Command: "scan", DB: "litesoc.duckdb",
			Started: at("12:00:00"), Duration: 1234 * time.Millisecond,
			Detectors: []string{"brute-force-ip", "brute-force-account", "credential-stuffing", "password-spray",
				"enumeration", "sequential-ids", "object-sweep", "cross-tenant", "bulk-export", "token-spread", "ssrf"},
			Sources: []Source{{
				Path: "testdata/access.log.gz", Format: "nginx-combined", Lines: 181835, Parsed: 181835,
				First: time.Date(2012, 3, 3, 0, 0, 1, 0, time.UTC), Last: time.Date(2012, 3, 31, 23, 59, 58, 0, time.UTC),
				TotalLines: 181835,
			}},
		},
	}
	for i := range 29 * 4 {
		n := int64(1200 + 900*((i%4)%3) + 13*i)
		if i == 40 {
			n = 0
		}
		r.Log.Activity.Total = append(r.Log.Activity.Total, n)
		r.Log.Activity.Bad = append(r.Log.Activity.Bad, n/50)
	}
	return r
}

// withFailures is a log of which little could be read.
func withFailures() *Report {
	since := at("00:00:00")
	return &Report{
		Schema: SchemaVersion,
		Log: Log{
			Lines: 1240, Parsed: 1001, Rejected: 203, Skipped: 36, Late: 12, Cut: 1, Clients: 1, Actors: 1, Routes: 3,
			First: at("10:00:00"), Last: at("10:00:00"),
			Formats: []Count{{"nginx-combined", 1240}},
			Rejects: []Reject{
				{"request line is not readable", 200, "\x16\x03\x01\x02\x00\x01\x00 \x1b[2J" + strings.Repeat("\\x00", 60)},
				{"time is not readable", 3, `192.0.2.4 - - [31/Foo/2026] "GET / HTTP/1.1" 200 0`},
			},
		},
		Alerts: []Alert{
			{Alert: detect.Alert{ID: "alt_01", Rule: "rate-limit", Severity: detect.Medium, Title: "rate limit met", ActorID: "203.0.113.9", First: at("10:00:00"), Last: at("10:00:00")}, Status: Open},
			{Alert: detect.Alert{ID: "alt_02", Rule: "probe", Severity: detect.High, Title: "probe by 203.0.113.9", SourceIP: "203.0.113.9"}, Status: Open},
		},
		Run: Run{
			Version: "v1.0.0", Command: "scan", DB: ":memory:", Since: &since,
			Sources: []Source{
				{Path: "old.log", Format: "nginx-combined", Note: "read before", TotalLines: 500},
				{Path: strings.Repeat("very/", 58) + "deep.log", Format: "nginx-combined", Lines: 740, Parsed: 501, Rejected: 203, Skipped: 36, Late: 12, Cut: 1, First: at("10:00:00"), Last: at("10:00:00"), Note: "goes on at line 812",
					Shapes: []Shape{
						{"a a 9", 120, 812, "request line is not readable", "panic: goroutine 7 [running] \x1b[2J"},
						{`9.9.9.9 - - [9/a/9] "a /a" 9 9`, 60, 830, "time is not readable", `192.0.2.4 - - [31/Foo/2026] "GET / HTTP/1.1" 200 0`},
						{strings.Repeat("-=", 30), 1, 900, "request line is not readable", strings.Repeat("-=", 99)},
						{"!", 2, 901, "request line is not readable", "!"},
					},
					OtherShapes: 20,
					Integrity: []Finding{
						{Kind: "gap", Line: 820, At: at("06:00:00"), Until: at("09:12:00"), Text: "no line for 3 h 12 m from line 820 (9 Mar 2026 06:00:00) on"},
						{Kind: "clock-jump", Line: 840, At: at("10:00:00"), Until: at("09:30:00"), More: 7, Text: "the clock goes back 30 m 0 s at line 840 (from 9 Mar 2026 10:00:00 to 9 Mar 2026 09:30:00); 7 more such places"},
						{Kind: "repeat", Line: 841, To: 870, FirstLine: 812, FirstTo: 841, Text: "lines 841–870 repeat lines 812–841"},
					}},
			},
			Notes: []string{"Tor and VPN were not checked: no lists are set up"},
			Failures: []Failure{
				{"/var/log/nginx/access.log", "permission denied", "run as a member of the group adm"},
				{"evil\x1b]0;pwned\a.log", "gzip: invalid header", ""},
			},
		},
	}
}

// withIncidents is a day of three attacks, of which some speak to the terminal.
func withIncidents() *Report {
	event := func(id, name string, s detect.Severity, o detect.Outcome, from, to string, n int64, summary string) Event {
		return Event{
			Event: detect.Event{
				ID: id, Name: name, Severity: s, Detector: "test", ActorID: "203.0.113.9", ActorType: "ip", UserIP: "203.0.113.9",
				Route: "/api/login", First: at(from), Last: at(to), Count: n, Summary: summary, Confidence: 0.9, Outcome: o,
				Metadata: json.RawMessage(`{"threshold": 5, "url": "http://192.0.2.1/?a=1&b=<2>"}`),
				Evidence: []detect.Evidence{{Source: 1, Line: 812}}, Technique: "T1110.004", OWASP: "API2:2023",
			},
			StandardEvent: "security.suspicious_activity",
			APISeverity:   s.API(true),
		}
	}
	step := func(e Event) Step {
		return Step{At: e.First, Until: e.Last, Event: e.ID, Name: e.Name, Severity: e.Severity, Outcome: e.Outcome, Count: e.Count, Summary: e.Summary, Confidence: e.Confidence}
	}
	stuffing := event("evt_0a11", "security.brute_force_detected", detect.High, detect.Blocked, "10:00:00", "10:04:12", 1240,
		"1,240 failed logins on 310 accounts from 203.0.113.9 in 10 min (limit 10 accounts)")
	login := event("evt_0a12", "auth.login_success", detect.Critical, detect.Succeeded, "10:04:12", "10:04:12", 1,
		"alice logged in from 203.0.113.9, which had failed 1,240 times before")
	export := event("evt_0a13", "data.bulk_export", detect.High, detect.Succeeded, "10:05:00", "10:31:00", 52,
		"alice fetched about 52,000 records of /api/customers in 26 min (limit 10,000)")
	sweep := event("evt_0b11", "security.api_enumeration_detected", detect.High, detect.Attempted, "11:00:00", "11:00:30", 64,
		"asked for 64 missing paths, among them /"+strings.Repeat("a", 290)+"/end.php and /管理画面/日本語/表示.php and /\xff\xfe\x1b[31mred\x1b[0m")
	bidi := event("evt_0c11", "security.suspicious_activity", detect.Medium, detect.Attempted, "12:00:00", "12:00:00", 1,
		"user agent \"\u202egpj.exe\u2066\" 🦊\u200b👩\u200d💻 with a line\nfeed, a tab\tand \u009b2J")

	incident := func(id, title string, s detect.Severity, score int, o detect.Outcome, events ...Event) Incident {
		in := Incident{
			Incident: detect.Incident{
				ID: id, Title: title, Severity: s, RiskScore: score, Outcome: o,
				First: events[0].First, Last: events[len(events)-1].Last,
				Actors: []string{"203.0.113.9"}, IPs: []string{"203.0.113.9"},
			},
			Status:    "open",
			Technique: []string{"T1110.004"},
			OWASP:     []string{"API2:2023"},
		}
		for i, e := range events {
			in.Timeline = append(in.Timeline, step(e))
			in.Alerts = append(in.Alerts, fmt.Sprintf("alt_%s%d", strings.TrimPrefix(id, "inc_"), i))
		}
		return in
	}
	takeover := incident("inc_0a", "Credential stuffing from 203.0.113.9, then a login that worked", detect.Critical, 95, detect.Succeeded, stuffing, login, export)
	takeover.Actors = []string{"alice", "203.0.113.9"}
	takeover.IPs = []string{"203.0.113.9", "203.0.113.10", "203.0.113.11", "203.0.113.12", "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"}
	takeover.Addresses = []Address{
		{IP: "203.0.113.9", Country: "DE", ASN: 64500, Org: "Example\x1b[31m Hosting", Traits: []string{"Tor", "datacenter"}},
		{IP: "203.0.113.10", Country: "BR"},
		{IP: "2001:db8::1", ASN: 64501},
	}
	takeover.Reasons = []string{"critical severity (+50)", "it succeeded (+30)", "3 kinds of event in one chain (+15)"}
	takeover.Summary = "One address tried 310 accounts with passwords from elsewhere, got into alice's account after 4 minutes, and read the customer list."
	takeover.NextSteps = []string{
		"Freeze the account alice and end its sessions; ask its owner by another way than e-mail.",
		"Block 203.0.113.9, 203.0.113.10 and the six other addresses: litesoc respond --incident inc_0a writes the rules.",
		"Tell whose records were read: 52 pages of /api/customers between 10:05 and 10:31.",
	}
	takeover.SQL = "SELECT ts, client_ip, actor_id, method, path, status, bytes FROM requests WHERE ts BETWEEN '2026-03-09 10:00:00' AND '2026-03-09 10:31:00' AND (client_ip IN ('203.0.113.9', '203.0.113.10') OR actor_id = 'alice') ORDER BY ts"

	scan := incident("inc_0b", "Enumeration by 198.51.100.7 of /\xff\xfe\x1b[31mred", detect.High, 61, detect.Attempted, sweep)
	scan.Reasons = []string{"high severity (+40)", "64 paths (+21)"}
	scan.SQL = "SELECT * FROM requests WHERE client_ip = '198.51.100.7'\nORDER BY ts"

	odd := incident("inc_0c", "手段を選ばない 🦊 \u202ereversed\u202c", detect.Medium, 30, detect.Attempted, bidi)

	return &Report{
		Schema: SchemaVersion,
		Log: Log{
			Lines: 61842, Parsed: 61839, Rejected: 1, Skipped: 2, Late: 3, Clients: 412, Actors: 430, Routes: 37,
			First: at("00:00:03"), Last: at("23:59:58"),
			Formats:  []Count{{"nginx-combined", 61842}},
			Statuses: []Count{{"2xx", 59011}, {"4xx", 2812}, {"5xx", 16}},
			Rejects:  []Reject{{"request line is not readable", 1, "198.51.100.7 - - \x1b[2J"}},
			Activity: Activity{
				Start: at("00:00:00"), Step: 3600,
				Total: []int64{12, 9, 0, 0, 30, 90, 300, 1200, 3000, 5200, 9800, 7000, 5100, 5000, 5000, 4900, 4700, 3600, 2400, 1700, 1300, 900, 400, 198},
				Bad:   []int64{0, 0, 0, 0, 1, 1, 2, 10, 40, 30, 1300, 300, 50, 40, 40, 40, 60, 30, 30, 20, 10, 10, 2, 1},
			},
			TopClients: []Count{{"203.0.113.9", 1293}, {"192.0.2.17", 800}, {"2001:db8::17", 640}, {"192.0.2.18", 600}},
			TopRoutes:  []Count{{"/api/customers", 22000}, {"/" + strings.Repeat("x", 200), 900}},
		},
		Incidents: []Incident{takeover, scan, odd},
		Alerts: []Alert{
			{Alert: detect.Alert{ID: "alt_0a0", Type: "brute_force_attack", Rule: "brute-force", Severity: detect.High, Title: "Brute force by 203.0.113.9", First: at("10:00:00"), Last: at("10:04:12"), Events: []string{"evt_0a11"}}, Status: Open, IncidentID: "inc_0a"},
			{Alert: detect.Alert{ID: "alt_99", Type: "rate_limit", Rule: "rate-limit", Severity: detect.Low, Title: "Rate limit met", ActorID: "bob\u202e", First: at("09:00:00"), Last: at("09:10:00")}, Status: Open},
		},
		Events: []Event{stuffing, login, export, sweep, bidi},
		Run: Run{
			Version: "v1.0.0", Command: "scan", DB: "logs of march.duckdb", Started: at("23:59:59"), Duration: 812 * time.Millisecond,
			Sources: []Source{
				{Path: "/var/log/nginx/access.log", Format: "nginx-combined", Lines: 61842, Parsed: 61839, Rejected: 1, Skipped: 2, Late: 3, First: at("00:00:03"), Last: at("23:59:58"), TotalLines: 61842},
			},
			Notes: []string{"Tor and VPN were not checked: no lists are set up"},
			Evidence: map[string][]Place{
				"evt_0a11": {{"/var/log/nginx/access.log", 812}, {"/var/log/nginx/access.log", 813}, {"/var/log/nginx/access.log", 814}, {"/var/log/nginx/access.log", 815}, {"/var/log/nginx/access.log", 816}},
				"evt_0a12": {{"/var/log/nginx/access.log", 2052}},
				"evt_0a13": {{"/var/log/nginx/access.log", 2060}, {"/var/log/nginx/access.log", 2061}},
				"evt_0b11": {{"/srv/" + strings.Repeat("backup/", 30) + "access.log", 9}},
				"evt_0c11": {{"weird\x1bname.log", 77}},
			},
		},
	}
}
