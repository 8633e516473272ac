package parsers

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

const nginxConf = `# main; "quotes" in a comment
worker_processes auto;
http {
    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" ' # goes on
                      "\"$http_user_agent\" 'q'";
    log_format api escape=json '{"time":"$time_iso8601","status":"$status","uri":"$request_uri"}';
    log_format short ${msec}|$status|a\ b;
    log_format useless $remote_addr;
    access_log /var/log/nginx/access.log main buffer=32k;
    map $uri $loggable { ~^/health 0; default 1; "~ { ; }" 1; }
    server {
        access_log /var/log/nginx/api.log api if=$loggable;
        access_log /var/log/nginx/plain.log;
        access_log /var/log/nginx/bad.log useless;
        access_log /var/log/nginx/lost.log missing;
        location /lua {
            access_log off;
            content_by_lua_block { -- it's { "fun" }
                ngx.say("log_format not { one }")
            }
        }
    }
    include conf.d/*.conf;
    include /etc/nginx/more/[ab].conf;
    include nothing/*.conf;
}
`

func TestReadNginxConf(t *testing.T) {
	files := fstest.MapFS{
		"etc/nginx/nginx.conf":    {Data: []byte(nginxConf)},
		"etc/nginx/conf.d/1.conf": {Data: []byte("access_log logs/one.log short;\ninclude conf.d/nested.inc;")},
		"etc/nginx/conf.d/nested.inc": {Data: []byte(
			"\n\nlog_format nested '$msec $status';\naccess_log syslog:server=192.0.2.1 nested;")},
		"etc/nginx/more/a.conf": {Data: []byte("access_log logs/a.log nested;")},
		"etc/nginx/more/c.conf": {Data: []byte("log_format '")},
	}
	conf, err := ReadNginxConf(files, "etc/nginx/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	describe := func(logs []NginxLog) string {
		var b strings.Builder
		for _, l := range logs {
			format := "-"
			if l.Format != nil {
				format = l.Format.Name
			}
			fmt.Fprintf(&b, "%s %s %s %s %v\n", l.Place, l.Name, l.Path, format, l.Err)
		}
		return b.String()
	}
	wantFormats := `etc/nginx/nginx.conf:4 main  main <nil>
etc/nginx/nginx.conf:7 api  api <nil>
etc/nginx/nginx.conf:8 short  short <nil>
etc/nginx/nginx.conf:9 useless  - log_format useless: it logs no time: add $time_iso8601, $time_local or $msec
etc/nginx/conf.d/nested.inc:3 nested  nested <nil>
`
	if got := describe(conf.Formats); got != wantFormats {
		t.Errorf("formats\n%swant\n%s", got, wantFormats)
	}
	wantLogs := `etc/nginx/nginx.conf:10 main /var/log/nginx/access.log main <nil>
etc/nginx/nginx.conf:13 api /var/log/nginx/api.log api <nil>
etc/nginx/nginx.conf:14 combined /var/log/nginx/plain.log nginx-combined <nil>
etc/nginx/nginx.conf:15 useless /var/log/nginx/bad.log - log_format useless: it logs no time: add $time_iso8601, $time_local or $msec
etc/nginx/nginx.conf:16 missing /var/log/nginx/lost.log - no log_format "missing" is defined
etc/nginx/conf.d/1.conf:1 short logs/one.log short <nil>
etc/nginx/conf.d/nested.inc:4 nested syslog:server=192.0.2.1 nested <nil>
etc/nginx/more/a.conf:1 nested logs/a.log nested <nil>
`
	if got := describe(conf.Logs); got != wantLogs {
		t.Errorf("logs\n%swant\n%s", got, wantLogs)
	}
	main, err := conf.Format("main")
	if err != nil {
		t.Fatal(err)
	}
	line := `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0" 'q'`
	var f Fields
	if err := main.New()(line, &f); err != nil || f.UserAgent != "curl/8.5.0" {
		t.Errorf("main reads %+v, %v", f, err)
	}
}

func TestReadNginxConfErrors(t *testing.T) {
	deep := fstest.MapFS{}
	for i := range maxConfDepth + 2 {
		deep[fmt.Sprintf("%d.conf", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "include %d.conf;", i+1)}
	}
	many := fstest.MapFS{"0.conf": {Data: []byte("include many/*;")}}
	for i := range maxConfFiles + 1 {
		many[fmt.Sprintf("many/%d", i)] = &fstest.MapFile{}
	}
	one := func(text string) fstest.MapFS { return fstest.MapFS{"0.conf": {Data: []byte(text)}} }
	tests := []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"no file", fstest.MapFS{}, "open 0.conf"},
		{"no included file", one("\ninclude x.conf;"), "0.conf:2: open x.conf"},
		{"outside", one("include ../x.conf;"), "0.conf:1: open ../x.conf"},
		{"cycle", one("\n\ninclude 0.conf;"), "0.conf:3: 0.conf includes itself"},
		{"deep", deep, "includes within each other"},
		{"many", many, "files"},
		{"large", one(strings.Repeat("x", maxConfBytes+1)), "larger than"},
		{"open quote", one("a;\nlog_format x '$msec\n;"), "0.conf:2: a quote has no end"},
		{"open directive", one("a;\nb c"), `0.conf:2: "b" has no end`},
		{"brace", one("a }"), `0.conf:1: "a" has no end`},
		{"variable", one("log_format x ${msec\n};"), "${ has no closing brace"},
		{"no format", one("log_format x;"), "0.conf:1: log_format wants"},
		{"no path", one("access_log;"), "0.conf:1: access_log wants"},
		{"two includes", one("include a b;"), "0.conf:1: include wants"},
		{"pattern", one("include [;"), "0.conf:1: include"},
		{"long word", one("a " + strings.Repeat("x", maxConfWord+2) + ";"), "0.conf:1: a word is longer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conf, err := ReadNginxConf(test.files, "0.conf")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want an error with %q", conf, err, test.want)
			}
		})
	}
}
