package parsers

// KeyCDN reads the log that KeyCDN forwards.
func KeyCDN() *Format {
	return &Format{
		Name: "keycdn",
		Doc: `KeyCDN, the log that it forwards

  time|edge|client|status|bytes|user|zone|host|cache|"request"|[date]|"referer"|"user agent"|scheme|TLS|country|region|"organization"|range

The last number of each address is 0: all clients of its network are one. The host is the
zone's alias, or its domain.`,
		Samples: []string{
			`1772359200.123|usla|203.0.113.0|200|253061|uid1234|zid4321|cdn.example.com|HIT|"GET /a.jpg?v=2 HTTP/1.1"|[01/Mar/2026:11:00:00 +0100]|"https://app.example.com/"|"Mozilla/5.0 (X11; Linux x86_64)"|https|TLSv1.3|US|CA|"AS64500 Example, Inc."|-`,
			`1772359201.250|defr|2001:db8::|404|153|uid1234|zid4321|example-hexid.kxcdn.com|MISS|"GET /.env HTTP/2.0"|[01/Mar/2026:11:00:01 +0100]|"-"|"curl/8.5.0"|https|TLSv1.3|DE|-|"AS64501 Example GmbH"|bytes=512-1024`,
		},
		New: func() ParseFunc { return enveloped(keyCDN.source()) },
	}
}

// keyCDN is the format up to what is not of the request.
var keyCDN = constant(compileNginx(`$msec|$edge|$remote_addr|$status|$bytes_sent|$user|$zone|$server_name|$cache|"$request"|[$time_local]|`+
	`"$http_referer"|"$http_user_agent"|$scheme|$others`, ""))
