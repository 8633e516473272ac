package parsers

// APISIX reads the access log of Apache APISIX.
func APISIX() *Format {
	return &Format{
		Name: "apisix",
		Doc: `Apache APISIX default access log

  $remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time "$upstream_scheme://$upstream_host$upstream_uri"`,
		Samples: []string{
			`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] api.example.com "GET /api/users?page=2 HTTP/1.1" 200 1043 0.012 "-" "curl/8.5.0" 192.0.2.9:8080 200 0.011 "http://api.example.com"`,
			`2001:db8::7 - - [01/Mar/2026:10:00:01 +0000] api.example.com:9080 "POST /login HTTP/1.1" 502 552 0.003 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" 192.0.2.9:8080, 192.0.2.10:8080 502, 502 0.001, 0.002 "http://backend"`,
			`203.0.113.9 - - [01/Mar/2026:10:00:02 +0000] api.example.com "GET /.env HTTP/1.1" 404 36 0.000 "-" "curl/8.5.0" - - - "http://-"`,
		},
		New: func() ParseFunc { return enveloped(apisix.source()) },
	}
}

// apisix is what APISIX puts into nginx's configuration.
var apisix = constant(compileNginx(`$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time `+
	`"$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time "$upstream_scheme://$upstream_host$upstream_uri"`, ""))
