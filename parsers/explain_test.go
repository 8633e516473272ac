package parsers

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// products are lines as products write them whose logs have no format of their own.
var products = []struct {
	name, format string
	header       string // "": every line stands alone
	line         string
	lacks        string // names of what the line does not tell
}{
	{"caddy", "json", "", `{"level":"info","ts":1772359200.756,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.1","remote_port":"44790","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"POST","host":"api.example.com","uri":"/login?next=%2F","headers":{"X-Forwarded-For":["203.0.113.9"],"User-Agent":["curl/8.5.0"],"Authorization":["REDACTED"],"Referer":["https://app.example.com/"]}},"bytes_read":20,"user_id":"alice","duration":0.000311,"size":17,"status":401,"resp_headers":{"Content-Type":["application/json"]}}`, ""},
	{"traefik", "json", "", `{"ClientAddr":"203.0.113.9:39490","ClientHost":"203.0.113.9","ClientPort":"39490","ClientUsername":"alice","DownstreamContentSize":356,"DownstreamStatus":404,"Duration":215563,"OriginStatus":200,"RequestAddr":"api.example.com","RequestCount":113,"RequestHost":"api.example.com","RequestMethod":"GET","RequestPath":"/users/42?b=1","RequestPort":"-","RequestProtocol":"HTTP/1.1","RequestScheme":"https","RouterName":"api@docker","ServiceURL":{"Scheme":"http","Host":"192.0.2.8:80","Path":""},"StartLocal":"2026-03-01T11:00:00.117364+01:00","StartUTC":"2026-03-01T10:00:00.117364Z","level":"info","msg":"","request_User-Agent":"curl/8.5.0","time":"2026-03-01T10:00:00Z"}`, ""},
	{"envoy", "json", "", `{":authority":"api.example.com","bytes_received":0,"bytes_sent":512,"downstream_local_address":"192.0.2.77:10443","downstream_remote_address":"192.0.2.1:54321","duration":15,"method":"GET","protocol":"HTTP/2","response_code":200,"response_flags":"-","start_time":"2026-03-01T10:00:00.479Z","upstream_host":"192.0.2.82:8080","user-agent":"curl/8.5.0","x-envoy-origin-path":"/a?b=1","x-forwarded-for":"198.51.100.7, 203.0.113.9","x-request-id":"5c9a"}`, ""},
	{"gcp", "json", "", `{"httpRequest":{"latency":"0.005192s","protocol":"HTTP/2","referer":"https://app.example.com/","remoteIp":"203.0.113.9:60102","requestMethod":"GET","requestSize":"44","requestUrl":"https://api.example.com/a?b=1","responseSize":"746","serverIp":"192.0.2.8:80","status":200,"userAgent":"curl/8.5.0"},"insertId":"1043fs2f1ss3li","jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","remoteIp":"203.0.113.9","statusDetails":"response_sent_by_backend"},"logName":"projects/p/logs/requests","resource":{"type":"http_load_balancer"},"severity":"INFO","timestamp":"2026-03-01T10:00:00.123456789Z"}`, ""},
	{"cloudflare", "json", "", `{"ClientASN":64500,"ClientCountry":"de","ClientIP":"203.0.113.9","ClientRequestHost":"api.example.com","ClientRequestMethod":"GET","ClientRequestPath":"/a","ClientRequestReferer":"https://app.example.com/","ClientRequestURI":"/a?b=1","ClientRequestUserAgent":"curl/8.5.0","EdgeEndTimestamp":"2026-03-01T10:00:02Z","EdgeResponseBytes":570,"EdgeResponseStatus":301,"EdgeStartTimestamp":1772359200123456789,"OriginIP":"192.0.2.8","OriginResponseStatus":200,"RayID":"761fde4e984e5ab2","RequestHeaders":{"x-api-key":"sk_live_0123456789abcdef"}}`, ""},
	{"azure-application-gateway", "json", "", `{"timeStamp":"2026-03-01T10:00:00+00:00","operationName":"ApplicationGatewayAccess","category":"ApplicationGatewayAccessLog","properties":{"instanceId":"appgw_1","clientIP":"203.0.113.9","clientPort":40000,"httpMethod":"GET","originalRequestUriWithArgs":"/a?b=1","requestUri":"/a","requestQuery":"b=1","userAgent":"curl/8.5.0","httpStatus":200,"httpVersion":"HTTP/1.1","receivedBytes":65,"sentBytes":553,"timeTaken":0.205,"host":"api.example.com","originalHost":"api.example.com","transactionId":"t1","serverStatus":"200"}}`, ""},
	{"azure-front-door", "json", "", `{"time":"2026-03-01T10:00:00.1234567Z","category":"FrontDoorAccessLog","operationName":"Microsoft.Cdn/Profiles/AccessLog/Write","properties":{"trackingReference":"0abc","httpMethod":"GET","httpVersion":"2.0.0.0","requestUri":"https://api.example.com:443/a?b=1","requestBytes":"65","responseBytes":"553","userAgent":"curl/8.5.0","clientIp":"203.0.113.9","socketIp":"192.0.2.1","clientPort":"40000","timeTaken":"0.25","httpStatusCode":"200","pop":"FRA","hostName":"api.example.com","referer":"https://app.example.com/"}}`, ""},
	{"api-gateway", "json", "", `{"requestId":"c6af9ac6","ip":"203.0.113.9","requestTime":"01/Mar/2026:10:00:00 +0000","requestTimeEpoch":"1772359200123","httpMethod":"GET","resourcePath":"/pets/{petId}","path":"/prod/pets/7","status":"200","protocol":"HTTP/1.1","responseLength":"1043","responseLatency":"12","domainName":"api.example.com","stage":"prod","authorizer":{"principalId":"alice","claims":{"sub":"alice","org_id":"o1"}},"identity":{"sourceIp":"203.0.113.9","userAgent":"curl/8.5.0","apiKeyId":"k1"}}`, ""},
	{"waf", "json", "", `{"timestamp":1772359200123,"formatVersion":1,"webaclId":"arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/api/1","terminatingRuleId":"SQLi","action":"BLOCK","httpSourceName":"ALB","responseCodeSent":null,"httpRequest":{"clientIp":"203.0.113.9","country":"DE","headers":[{"name":"Host","value":"api.example.com"},{"name":"User-Agent","value":"curl/8.5.0"}],"uri":"/a","args":"id=1%20OR%201","httpVersion":"HTTP/1.1","httpMethod":"GET","requestId":"1-65ac"}}`, ""},
	{"kong", "json", "", `{"request":{"method":"GET","uri":"/a?b=1","url":"https://api.example.com:8443/a?b=1","size":"75","querystring":{"b":"1"},"headers":{"host":"api.example.com","user-agent":"curl/8.5.0","x-consumer-username":"alice"}},"response":{"status":200,"size":"434","headers":{"content-length":"197"}},"latencies":{"request":13,"kong":3,"proxy":9},"client_ip":"203.0.113.9","consumer":{"id":"c1","username":"alice"},"upstream_uri":"/","started_at":1772359200123}`, ""},
	{"fastly", "json", "", `<134>2026-03-01T10:00:08Z cache-fra1 access[1]: {"timestamp":"2026-03-01T10:00:00+0000","client_ip":"203.0.113.9","geo_country":"germany","host":"www.example.com","url":"/a?b=1","request_method":"GET","request_protocol":"HTTP/1.1","request_referer":"","request_user_agent":"curl/8.5.0","response_status":404,"response_body_size":564,"fastly_server":"cache-fra1"}`, ""},
	{"pino-http", "json", "", `{"level":30,"time":1772359200123,"pid":1,"hostname":"web-1","req":{"id":7,"method":"GET","url":"/v1/items?page=2","query":{"page":"2"},"headers":{"host":"api.example.com","user-agent":"curl/8.5.0","authorization":"Bearer 0f9A8b7C6d5E4f3A2b1C","x-forwarded-for":"203.0.113.9"},"remoteAddress":"::ffff:10.0.0.1","remotePort":40000},"res":{"statusCode":200,"headers":{"content-length":"12"}},"responseTime":3,"msg":"request completed"}`, ""},
	{"morgan-json", "json", "", `{"method":"GET","url":"/v1/items/9","status":"200","content-length":"12","response-time":"3.456","remote-addr":"::ffff:203.0.113.9","date":"2026-03-01T10:00:00.000Z","user-agent":"curl/8.5.0","referrer":"-"}`, ""},
	{"zap", "json", "", `{"level":"info","ts":1772359200.123,"caller":"http/log.go:42","msg":"request","status":200,"method":"GET","path":"/v1/items","query":"page=2","ip":"203.0.113.9","user-agent":"curl/8.5.0","latency":0.0123}`, ""},
	{"zerolog", "json", "", `{"level":"info","time":"2026-03-01T10:00:00Z","method":"DELETE","url":"/v1/items/9","status":204,"size":0,"duration":1.234,"ip":"203.0.113.9","user_agent":"curl/8.5.0","req_id":"c0ffee","message":"request"}`, ""},
	{"logrus", "json", "", `{"clientIP":"203.0.113.9","dataLength":17,"level":"info","latency":12,"method":"POST","msg":"request","path":"/login","referer":"","statusCode":401,"time":"2026-03-01T10:00:00Z","userAgent":"curl/8.5.0"}`, ""},
	{"logrus-text", "logfmt", "", `time="2026-03-01T10:00:00Z" level=info msg=request method=GET path="/api/users?page=2" status=200 bytes=1043 duration=1.2ms remote_addr=203.0.113.9 user_agent="curl/8.5.0"`, ""},
	{"lograge", "logfmt", "", `I, [2026-03-01T10:00:01.123456 #7]  INFO -- : method=POST path=/login format=html controller=SessionsController action=create status=401 duration=58.33 view=40.43 db=15.26`, "client_ip"},
	{"lograge-json", "json", "", `{"method":"GET","path":"/users/42","format":"json","controller":"UsersController","action":"show","status":200,"duration":58.33,"view":40.43,"db":15.26,"remote_ip":"203.0.113.9","user_id":42,"@timestamp":"2026-03-01T10:00:00.000Z","@version":"1","message":"[200] GET /users/42"}`, ""},
	{"spring", "json", "", `{"@timestamp":"2026-03-01T10:00:00.123Z","@version":"1","message":"203.0.113.9 - alice [01/Mar/2026:10:00:00 +0000] \"GET /users/42 HTTP/1.1\" 200 17","method":"GET","protocol":"HTTP/1.1","status_code":200,"requested_url":"GET /users/42 HTTP/1.1","requested_uri":"/users/42","remote_host":"203.0.113.9","remote_user":"alice","content_length":17,"elapsed_time":12}`, ""},
	{"gunicorn", "json", "", `{"timestamp":"2026-03-01T10:00:00.123Z","level":"INFO","logger":"gunicorn.access","message":"GET /users/42","remote_ip":"203.0.113.9","method":"GET","path":"/users/42","query":"a=1","status":"200","response_length":"17","user_agent":"curl/8.5.0","referer":"-","duration_ms":12}`, ""},
	{"cloudfront", "w3c", "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for",
		"2026-03-01	10:00:00	FRA2	1043	203.0.113.9	GET	d111111abcdef8.cloudfront.net	/api/us%20ers	200	https://app.example.com/?q=a%2520b	Mozilla/5.0%20(X11)	page=2	sid=abc;%20theme=a+b	Miss	REQ-1==	api.example.com	https	217	0.023	198.51.100.7", ""},
	{"iis", "w3c", "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
		`2026-03-01 10:00:00 192.0.2.1 GET /api/users page=2&q=a+b 443 EXAMPLE\alice 203.0.113.9 Mozilla/5.0+(X11;+Linux+x86_64) https://app.example.com/ 200 0 0 123`, ""},
}

// lacking are the names of what not even the first sample of a format tells. Those after
// it show lines that tell less.
var lacking = map[string]string{"apache-ssl-request": "status", "bunny-cdn": "method"}

// TestExplainGolden writes how each sample of each format and a line of each product is
// explained. It is to be read as the person would who asked.
func TestExplainGolden(t *testing.T) {
	const any = "any" // the line may lack any of them, but a time
	s := site(t, SiteConfig{TrustedProxies: []string{"private", "192.0.2.0/24"}})
	var out strings.Builder
	tell := func(name, header, line, lacks string, f *Format) {
		rd := f.NewReader(s, &Source{})
		if header != "" {
			rd.Recall(header)
		}
		readings, err := rd.Explain(line)
		if err != nil {
			t.Errorf("%s: %v\n  %s", name, err, line)
			return
		}
		fmt.Fprintf(&out, "-- %s --\n%s\n\n", name, line)
		for _, r := range readings {
			switch {
			case r.Value == "" && r.Why == "":
			case r.Why == "":
				fmt.Fprintf(&out, "%s: %s\n", r.Name, r.Value)
			default:
				fmt.Fprintf(&out, "%s: %s (%s)\n", r.Name, r.Value, r.Why)
			}
		}
		out.WriteByte('\n')
		for _, need := range [...]string{"ts", "client_ip", "method", "path", "status"} {
			if lacks == any && need != "ts" {
				continue
			}
			i := slices.IndexFunc(readings, func(r Reading) bool { return r.Name == need })
			if has, may := readings[i].Value != "", !slices.Contains(strings.Fields(lacks), need); has != may {
				t.Errorf("%s: %s: got %q\n  %s", name, need, readings[i].Value, line)
			}
		}
	}
	formats := All()
	slices.SortFunc(formats, func(a, b *Format) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range formats {
		header := ""
		for i, line := range f.Samples {
			if i+1 < len(f.Samples) && len(f.Headers) > 1 && strings.Contains(line, f.Headers[0]) {
				header = line
				continue
			}
			lacks := lacking[f.Name]
			if i > 0 {
				lacks = any
			}
			tell(fmt.Sprintf("%s %d", f.Name, i+1), header, line, lacks, f)
		}
	}
	for _, p := range products {
		tell(p.name, p.header, p.line, p.lacks, ByName(p.format))
	}

	const golden = goldens + "/explain.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.SplitAfter(out.String(), "\n-- ")
	for i, block := range strings.SplitAfter(string(want), "\n-- ") {
		if i >= len(got) || got[i] != block {
			t.Fatalf("got\n%s\nwant\n%s", got[min(i, len(got)-1)], block)
		}
	}
	if out.String() != string(want) {
		t.Fatal("there is more than in the golden file")
	}
}
