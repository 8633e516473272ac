package parsers

import "strings"

// NginxProxyManager reads the access logs of nginx-proxy-manager.
func NginxProxyManager() *Format {
	return &Format{
		Name: "nginx-proxy-manager",
		Doc: `nginx-proxy-manager, its formats proxy and standard, and NPMplus

  [$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server] "$http_user_agent" "$http_referer"

NPMplus writes

  [$time_local] $host $remote_addr $request_time "$request" $status $body_bytes_sent $bytes_sent $http_referer $http_user_agent

The standard format, of hosts that serve and redirect but do not proxy, lacks the two
upstream values and the server. Requests that are none stand in a log of their own,
fallback_http_access.log, which is nginx-combined.`,
		Samples: []string{
			`[01/Mar/2026:10:00:00 +0000] - 200 200 - GET https api.example.com "/api/users?page=2" [Client 203.0.113.9] [Length 1043] [Gzip 2.91] [Sent-to 192.0.2.9] "Mozilla/5.0 (X11; Linux x86_64)" "https://app.example.com/"`,
			`[01/Mar/2026:10:00:01 +0000] MISS 502, 401 401 - POST https api.example.com "/login" [Client 2001:db8::7] [Length 17] [Gzip -] [Sent-to backend] "curl/8.5.0" "-"`,
			`[01/Mar/2026:10:00:01 +0000] api.example.com 203.0.113.9 0.227 "GET /api/users?page=2 HTTP/2.0" 200 1043 1290 - Mozilla/5.0 (X11; Linux x86_64)`,
			`[01/Mar/2026:10:00:02 +0000] 301 - GET http old.example.com "/.env" [Client 203.0.113.9] [Length 166] [Gzip -] "curl/8.5.0" "-"`,
		},
		New: func() ParseFunc {
			proxy, standard, plus := npmProxy.source(), npmStandard.source(), npmPlus.source()
			return enveloped(func(line string, f *Fields) error {
				// What tells them apart may stand in what a client sends, too.
				all := [...]ParseFunc{plus, standard, proxy}
				switch {
				case strings.Contains(line, "] [Sent-to "):
					all = [...]ParseFunc{proxy, standard, plus}
				case strings.Contains(line, " [Client "):
					all = [...]ParseFunc{standard, proxy, plus}
				}
				err := all[0](line, f)
				if err == nil || rejectOf(err).Skip || all[1](line, f) != nil && all[2](line, f) != nil {
					return err
				}
				return nil
			})
		},
	}
}

// What nginx-proxy-manager puts into nginx's configuration.
var (
	npmProxy = constant(compileNginx(`[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "$request_uri" `+
		`[Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server] "$http_user_agent" "$http_referer"`, ""))
	npmStandard = constant(compileNginx(`[$time_local] $status - $request_method $scheme $host "$request_uri" `+
		`[Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] "$http_user_agent" "$http_referer"`, ""))
	npmPlus = constant(compileNginx(`[$time_local] $host $remote_addr $request_time "$request" $status $body_bytes_sent $bytes_sent `+
		`$http_referer $http_user_agent`, ""))
)
