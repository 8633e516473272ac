package parsers

import (
	"slices"
	"strings"
	"testing"
)

func TestLacks(t *testing.T) {
	const date, client, status = "a time with its date", "a client's address", "a status"
	for _, test := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"Koa", []string{"  <-- GET /users", "  --> GET /users 200 12ms 5b"}, []string{date, client}},
		{"Rocket", []string{"GET /users text/html:", "   >> Matched: (list) GET /users", "   >> Outcome: Success(200 OK)"}, []string{date, client, status}},
		{"Ktor", []string{"2026-03-01 10:00:00.123 [main] INFO  Application - 200 OK: GET - /users in 12ms"}, []string{client}},
		{"Phoenix", []string{"10:00:00.123 request_id=F1 [info] GET /users", "10:00:00.124 request_id=F1 [info] Sent 200 in 12ms"}, []string{date, client, status}},
		{"Serilog", []string{"[10:00:00 INF] HTTP GET /users responded 200 in 12.3 ms"}, []string{date, client}},
		{"Nest", []string{"[Nest] 7  - 03/01/2026, 10:00:00 AM     LOG [HTTP] GET /users 200 - 12ms"}, []string{client}},
		{"Nest, with the client", []string{"[Nest] 7  - 03/01/2026, 10:00:00 AM     LOG [HTTP] GET /users 200 - 12ms 203.0.113.9"}, nil},
		{"ASP.NET", []string{"info: Microsoft.AspNetCore.Hosting.Diagnostics[2]", "      Request finished HTTP/1.1 GET http://api.example.com/users - 200 5 text/plain 12.3ms"}, []string{date, client}},
		{"epoch", []string{"1772359200.123 GET /users 200 [2001:db8::7]:40000"}, nil},
		{"C's time", []string{"Sun Mar  1 10:00:00 2026 GET /users 404 (203.0.113.9:40000)"}, nil},
		{"an address in the path alone", []string{"2026-03-01T10:00:00Z GET /hosts/203.0.113.9 404"}, []string{client}},
		{"a year in the path alone", []string{"10:00:00 GET /2026-03-01 200 203.0.113.9"}, []string{date}},
		{"one of eight", []string{"", "", "", "", "", "", "", "GET /users"}, []string{date, client, status}},
		{"one of nine", []string{"", "", "", "", "", "", "", "", "GET /users"}, nil},
		{"half of them", []string{"2026-03-01 10:00:00 GET /users 200 203.0.113.9", "GET /users"}, nil},
		{"prose", []string{"Dear diary, GET me some milk", "nothing happened"}, nil},
		{"nothing", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Lacks(test.lines); !slices.Equal(got, test.want) {
				t.Errorf("lacks %q, want %q", got, test.want)
			}
		})
	}
}

func TestOther(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"healthd", `1437609879.311"/bad/path"404"0.001"0.001"203.0.113.9`, "Elastic Beanstalk's health log"},
		{"healthd, of Docker", `1437609879.311"/"200"0.083"-"203.0.113.9, 192.0.2.1`, "Elastic Beanstalk's health log"},
		{"quotes otherwise", `1437609879.311"x"404"0.001"0.001"203.0.113.9`, ""},
		{"CloudTrail", `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser"},"eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","sourceIPAddress":"203.0.113.9"}`, "CloudTrail's events"},
		{"CloudTrail, as a file of it is", `{"Records":[{"eventVersion":"1.08","eventSource":"cognito-idp.amazonaws.com","eventName":"InitiateAuth"}]}`, "CloudTrail's events"},
		{"an event of another", `{"eventVersion":"2.1","eventSource":"aws:s3","path":"/a"}`, ""},
		{"Front Door", `{"category":"FrontdoorWebApplicationFirewallLog","properties":{"action":"Block","clientIP":"203.0.113.9","requestUri":"https://api.example.com:443/a"}}`, "Azure Front Door's firewall log"},
		{"AppSync", `{"logType":"RequestSummary","requestId":"r1","graphQLAPIId":"g","statusCode":200,"latency":242000000}`, "AppSync's log"},
		{"flow", "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK", "VPC flow logs"},
		{"flow, its header", "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status", "VPC flow logs"},
		{"an access log", `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5`, ""},
		{"blank", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			what, instead := Other([]string{test.line})
			if what == "" != (test.want == "") || what == "" != (instead == "") || !strings.HasPrefix(what, test.want) {
				t.Errorf("%q, read %q instead; want %q", what, instead, test.want)
			}
		})
	}
	if what, _ := Other(nil); what != "" {
		t.Errorf("no lines are %q", what)
	}
}

func FuzzLacks(f *testing.F) {
	f.Add("[10:00:00 INF] HTTP GET /users responded 200 in 12.3 ms")
	f.Fuzz(func(t *testing.T, line string) {
		if n := len(Lacks([]string{line})); n > 3 {
			t.Errorf("%d things", n)
		}
		Other([]string{line})
	})
}
