package parsers

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestNginxLogFormatErrors(t *testing.T) {
	tests := []struct{ name, format, escape, want string }{
		{"no variable", `plain`, "", "holds no $variable"},
		{"no time", `$remote_addr "$request" $status`, "", "logs no time"},
		{"no request", `$remote_addr [$time_local]`, "", "neither a request nor a status: add $request"},
		{"together", `$time_local $status$body_bytes_sent`, "", "between $status and $body_bytes_sent"},
		{"dollar", `$time_local $status $`, "", "without the name"},
		{"brace", `$time_local ${status`, "", "no closing brace"},
		{"escape", `$time_local $status`, "xml", `escape "xml"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			format, err := NginxLogFormat("main", test.format, test.escape)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "log_format main: ") {
				t.Errorf("got %v, %v, want an error with %q", format, err, test.want)
			}
		})
	}
}

// TestVariables gives every variable we know a value and looks where it lands.
func TestVariables(t *testing.T) {
	lands := map[string]func(*Fields) string{
		"remote_addr":                  func(f *Fields) string { return f.Remote },
		"realip_remote_addr":           func(f *Fields) string { return f.Remote },
		"http_x_forwarded_for":         func(f *Fields) string { return f.Remote }, // the last of it
		"http_x_real_ip":               func(f *Fields) string { return f.Remote },
		"http_cf_connecting_ip":        func(f *Fields) string { return f.Remote },
		"http_true_client_ip":          func(f *Fields) string { return f.Remote },
		"proxy_protocol_addr":          func(f *Fields) string { return f.Remote },
		"proxy_add_x_forwarded_for":    func(f *Fields) string { return f.Remote },
		"remote_user":                  func(f *Fields) string { return f.User },
		"jwt_claim_sub":                func(f *Fields) string { return f.User },
		"sent_http_x_user_id":          func(f *Fields) string { return f.User },
		"request_method":               func(f *Fields) string { return f.Method },
		"request_uri":                  func(f *Fields) string { return f.Target },
		"uri":                          func(f *Fields) string { return f.Target },
		"document_uri":                 func(f *Fields) string { return f.Target },
		"host":                         func(f *Fields) string { return f.Host },
		"http_host":                    func(f *Fields) string { return f.Host },
		"server_name":                  func(f *Fields) string { return f.Host },
		"http_user_agent":              func(f *Fields) string { return f.UserAgent },
		"http_referer":                 func(f *Fields) string { return f.Referer },
		"request_id":                   func(f *Fields) string { return f.RequestID },
		"req_id":                       func(f *Fields) string { return f.RequestID },
		"http_x_request_id":            func(f *Fields) string { return f.RequestID },
		"http_x_correlation_id":        func(f *Fields) string { return f.RequestID },
		"http_authorization":           func(f *Fields) string { return f.Authorization },
		"http_cookie":                  func(f *Fields) string { return f.Cookie },
		"http_x_api_key":               func(f *Fields) string { return f.APIKey },
		"http_api_key":                 func(f *Fields) string { return f.APIKey },
		"http_apikey":                  func(f *Fields) string { return f.APIKey },
		"arg_api_key":                  func(f *Fields) string { return f.APIKey },
		"arg_apikey":                   func(f *Fields) string { return f.APIKey },
		"http_x_auth_token":            func(f *Fields) string { return f.Token },
		"arg_key":                      func(f *Fields) string { return f.APIKey },
		"arg_access_token":             func(f *Fields) string { return f.Token },
		"arg_token":                    func(f *Fields) string { return f.Token },
		"cookie_session":               func(f *Fields) string { return f.Session },
		"cookie_PHPSESSID":             func(f *Fields) string { return f.Session },
		"cookie_sid":                   func(f *Fields) string { return f.Session },
		"http_x_tenant_id":             func(f *Fields) string { return f.AskedTenant },
		"http_x_org_id":                func(f *Fields) string { return f.AskedTenant },
		"http_x_account_id":            func(f *Fields) string { return f.Tenant },
		"jwt_claim_org_id":             func(f *Fields) string { return f.Tenant },
		"jwt_claim_org":                func(f *Fields) string { return f.Tenant },
		"upstream_http_x_workspace_id": func(f *Fields) string { return f.Tenant },

		"context.identity.sourceIp":      func(f *Fields) string { return f.Remote },
		"context.authorizer.principalId": func(f *Fields) string { return f.User },
		"context.authorizer.claims.sub":  func(f *Fields) string { return f.User },
		"context.httpMethod":             func(f *Fields) string { return f.Method },
		"context.path":                   func(f *Fields) string { return f.Target },
		"context.resourcePath":           func(f *Fields) string { return f.Target },
		"context.domainName":             func(f *Fields) string { return f.Host },
		"context.identity.userAgent":     func(f *Fields) string { return f.UserAgent },
		"context.requestId":              func(f *Fields) string { return f.RequestID },
		"context.identity.apiKeyId":      func(f *Fields) string { return f.APIKey },
	}
	for name, landed := range lands {
		t.Run(name, func(t *testing.T) {
			for _, text := range [...]string{"$time_iso8601|$status|$" + name + "|$pid", `[$time_iso8601] $status "${` + name + `}"`} {
				format, err := NginxLogFormat("one", text, "")
				if err != nil {
					t.Fatal(err)
				}
				line := strings.NewReplacer("$time_iso8601", "2026-03-01T10:00:00+00:00", "$status", "200", "${"+name+"}", "VALUE", "$"+name, "VALUE", "$pid", "7").Replace(text)
				var f Fields
				if err := format.New()(line, &f); err != nil {
					t.Fatal(err)
				}
				if landed(&f) != "VALUE" {
					t.Errorf("%s: %+v", line, f)
				}
			}
		})
	}
	// The tenant that a query asks for is not the tenant of who asks.
	if v := variableOf("arg_org_id"); v.meaning != unused {
		t.Errorf("$arg_org_id means %d", v.meaning)
	}
}

// What a client sends for a user name hides neither the request nor its time.
func TestUserNamesThatLookLikeTimes(t *testing.T) {
	const forged, real = "01/Mar/2099:10:00:00 +0000", "01/Mar/2026:10:00:00 +0000"
	nginx := func(format string) *Format {
		f, err := NginxLogFormat("main", format, "")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	apache, err := ApacheLogFormat("main", `%h %l %u %t "%r" %>s %b`)
	if err != nil {
		t.Fatal(err)
	}
	combined := nginx(`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent`)
	iso := nginx(`$remote_addr $remote_user $time_iso8601 "$request" $status $body_bytes_sent`)
	for _, c := range []struct {
		name   string
		format *Format
		before string // the request line
		user   string
	}{
		{"a time", combined, "203.0.113.9 - a [" + forged + "] [" + real + "]", "a [" + forged + "]"},
		{"a time alone", combined, "203.0.113.9 - [" + forged + "] [" + real + "]", "[" + forged + "]"},
		{"a bracket", combined, "203.0.113.9 - a [x [" + real + "]", "a [x"},
		{"brackets", combined, "203.0.113.9 - a [1] [b] [" + real + "]", "a [1] [b]"},
		{"a request", combined, `203.0.113.9 - a [` + forged + `] \x22GET /b HTTP/1.1\x22 [` + real + "]", "a [" + forged + `] "GET /b HTTP/1.1"`},
		{"none", combined, "203.0.113.9 - - [" + real + "]", ""},
		{"a plain one", combined, "203.0.113.9 - ann lee [" + real + "]", "ann lee"},
		{"Apache", apache, "203.0.113.9 - a [" + forged + "] [" + real + "]", "a [" + forged + "]"},
		{"no brackets", iso, "203.0.113.9 ann lee 2026-03-01T10:00:00+00:00", "ann lee"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f Fields
			if err := c.format.New()(c.before+` "GET /a HTTP/1.1" 401 12`, &f); err != nil {
				t.Fatal(err)
			}
			if f.Time.Year() != 2026 || f.User != c.user || f.Remote != "203.0.113.9" || f.Target != "/a" || f.Status != 401 {
				t.Errorf("%s %s %q %s %d, want user %q", f.Time, f.Remote, f.User, f.Target, f.Status, c.user)
			}
		})
	}
}

func TestLogFormatPicksTheBest(t *testing.T) {
	tests := []struct{ name, format, line, want string }{
		{"precise time", `$time_local $msec $status`, `01/Mar/2026:10:00:00 +0000 1772359200.250 200`,
			`{"Time":"2026-03-01T10:00:00.25Z","Status":200}`},
		{"logged target", `$msec "$request" $uri $status`, `1772359200.000 "GET /a?b=1 HTTP/1.1" /rewritten 200`,
			`{"Time":"2026-03-01T10:00:00Z","Method":"GET","Target":"/a?b=1","Status":200}`},
		{"path and query", `$msec $uri?$args $status`, `1772359200.000 /a?b=1 200`,
			`{"Time":"2026-03-01T10:00:00Z","Target":"/a?b=1","Status":200}`},
		{"query before path", `$msec [$args] [$uri] $status`, `1772359200.000 [b=1] [/a] 200`,
			`{"Time":"2026-03-01T10:00:00Z","Target":"/a?b=1","Status":200}`},
		{"client and peer", `$msec $remote_addr $realip_remote_addr $status`, `1772359200.000 203.0.113.9 192.0.2.1 200`,
			`{"Time":"2026-03-01T10:00:00Z","Remote":"203.0.113.9","Status":200}`},
		{"forged header in quotes", `$msec "$http_x_forwarded_for" $remote_addr $status`, `1772359200.000 "a b c" 203.0.113.9 200`,
			`{"Time":"2026-03-01T10:00:00Z","Remote":"203.0.113.9","ForwardedFor":"a b c","Status":200}`},
		{"duration of the upstream", `$msec $upstream_response_time $status`, `1772359200.000 0.250 200`,
			`{"Time":"2026-03-01T10:00:00Z","Status":200,"Duration":"250ms"}`},
		{"template of API Gateway", `$context.identity.sourceIp - [$context.requestTime] "$context.httpMethod $context.routeKey $context.protocol" $context.status $context.responseLatency.`,
			`203.0.113.9 - [01/Mar/2026:10:00:00 +0000] "GET GET /pets/{id} HTTP/1.1" 200 12.`,
			`{"Time":"2026-03-01T10:00:00Z","Remote":"203.0.113.9","Method":"GET","Target":"/pets/{id}","Status":200,"Duration":"12ms"}`},
		{"real path of API Gateway", `$context.requestTimeEpoch $context.resourcePath $context.path $context.status`, `1772359200123 /pets/{id} /prod/pets/7 200`,
			`{"Time":"2026-03-01T10:00:00.123Z","Target":"/prod/pets/7","Status":200}`},
		{"first key given", `$msec $status $http_x_api_key $http_api_key`, `1772359200.000 200 - k2`,
			`{"Time":"2026-03-01T10:00:00Z","Status":200,"APIKey":"k2"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			format, err := NginxLogFormat("main", test.format, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(dumpLines(format.New(), test.line)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestLogFormatSources gives two sources of one format parse functions of their own.
func TestLogFormatSources(t *testing.T) {
	format, err := NginxLogFormat("main", `$msec $uri ?$args $status`, "")
	if err != nil {
		t.Fatal(err)
	}
	a, b := format.New(), format.New()
	var f, g Fields
	if err := a(`1772359200.000 /a ?x 200`, &f); err != nil {
		t.Fatal(err)
	}
	if err := b(`1772359201.000 /b ?- 404`, &g); err != nil {
		t.Fatal(err)
	}
	if f.Target != "/a?x" || g.Target != "/b" || !g.Time.After(f.Time) {
		t.Errorf("got %+v and %+v", f, g)
	}
}

func FuzzLogFormat(f *testing.F) {
	line := `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0" rt=0.012`
	f.Add(`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" rt=$request_time`, "default", line)
	f.Add(`{"t":"$msec","s":$status,"u":$upstream_response_time,"r":"$request"}`, "json", `{"t":"1772359200.0","s":,"u":0.1, 0.2,"r":"\"\u0000"}`)
	f.Add(`$time_iso8601 $remote_addr:$remote_port $host$request_uri $request $status`, "none", `2026-03-01T10:00:00Z ::1:1 h/x GET / HTTP/1.1 200`)
	f.Add(`${msec}$status`, "", ``)
	f.Fuzz(func(t *testing.T, format, escape, line string) {
		compiled, err := NginxLogFormat("fuzz", format, escape)
		if err != nil {
			return
		}
		used := compiled.New()
		dumpLines(used, line)
		sameAsFresh(t, compiled, used, line)
	})
}

func FuzzNginxConf(f *testing.F) {
	f.Add(nginxConf)
	f.Add(`log_format a escape=json '{"t":"$msec",' '"s":$status}'; access_log /x a if=$y;`)
	f.Add("include nginx.conf;")
	f.Add("include *;")
	f.Add("x_by_lua_block { -- it's\n } log_format \"\\\"")
	f.Fuzz(func(t *testing.T, text string) {
		conf, err := ReadNginxConf(fstest.MapFS{"nginx.conf": {Data: []byte(text)}, "a.conf": {Data: []byte("include b*;")}}, "nginx.conf")
		if (conf == nil) == (err == nil) {
			t.Errorf("got %v and %v", conf, err)
		}
	})
}
