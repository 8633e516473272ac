package parsers

// HuaweiELB reads the access log of Huawei's load balancers.
func HuaweiELB() *Format {
	return &Format{
		Name: "huawei-elb",
		Doc: `Huawei Cloud ELB (also of Open Telekom Cloud), its access log

  $msec $access_log_topic_id [$time_iso8601] elb_01 $remote_addr:$remote_port $status "$request_method $scheme://$host$router_request_uri $server_protocol" $request_length $bytes_sent $body_bytes_sent $request_time "$upstream_status" … "$http_user_agent" "$http_referer" "$http_x_forwarded_for" …

As its Log Tank Service shows a line. The client is the peer; X-Forwarded-For stands as the
client sent it.`,
		Samples: []string{
			`1772359200.370 eb11c5a9-93a7-4c48-80fc-03f61f638595 [2026-03-01T12:00:00+02:00] elb_01 203.0.113.9:40000 200 "GET https://api.example.com/users?page=2 HTTP/1.1" 1411 251 3 0.011 "200" "0.000" "0.011" "0.011" "192.0.2.8:8080" "okhttp/3.13.1" "-" "-" loadbalancer_295a7eee-9999-46ed-9fad-32a62ff0a687 listener_20679192-8888-4e62-a814-a2f870f62148 3333fd44fe3b42cbaa1dc2c641994d90 pool_89547549-6666-446e-9dbc-e3a551034c46 "-" f2bc165ad9b4483a9b17762da851bbbb 198.51.100.1:443 "192.0.2.8:8080" - TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 api.example.com 56704 -`,
		},
		New: func() ParseFunc { return enveloped(huaweiELB.source()) },
	}
}

// huaweiELB is the format, which nobody can change, up to what is of the load balancer alone.
var huaweiELB = constant(compileNginx(`$msec $access_log_topic_id [$time_iso8601] elb_$log_ver $remote_addr:$remote_port $status "$request" `+
	`$request_length $bytes_sent $body_bytes_sent $request_time "$upstream_status" "$upstream_connect_time" "$upstream_header_time" `+
	`"$upstream_response_time" "$upstream_addr" "$http_user_agent" "$http_referer" "$http_x_forwarded_for" $balancer`, ""))
