package parsers

import (
	"math"
	"strings"
	"testing"
	"time"
)

// quickest returns how long do takes: at most what is enough, or else the least of three times, since
// other work on the machine may make one long.
func quickest(enough time.Duration, do func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for try := 0; try < 3 && least > enough; try++ {
		start := time.Now()
		do()
		least = min(least, time.Since(start))
	}
	return least
}

// Whatever a client has repeated in a line, no format takes long to read it or to refuse it.
func TestParseIsLinear(t *testing.T) {
	formats := All()
	for _, format := range []string{
		`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $upstream_addr $request_time`,
		`$remote_user $time_iso8601 $upstream_addr $status $http_x_forwarded_for $request_time $request`,
	} {
		f, err := NginxLogFormat("main", format, "")
		if err != nil {
			t.Fatal(err)
		}
		formats = append(formats, f)
	}
	apache, err := ApacheLogFormat("main", `%h %l %u %t "%r" %>s %b`)
	if err != nil {
		t.Fatal(err)
	}
	formats = append(formats, apache)
	for _, line := range []string{
		`203.0.113.9 2026-03-01T10:00:00Z GET /a 200 "https://app.example.com/" curl/8.5.0`,
		`203.0.113.9 2026-03-01T10:00:00Z GET /a 200 curl/8.5.0 (a)` + "\n" + `203.0.113.9 2026-03-01T10:00:00Z GET /a 200 curl/8.5.0`,
		`203.0.113.9|2026-03-01T10:00:00Z|GET|/a|200|curl/8.5.0`,
		`ip=203.0.113.9,time=2026-03-01T10:00:00Z,method=GET,path=/a,status=200,agent=curl/8.5.0`,
	} {
		formats = append(formats, Columns(strings.Split(line, "\n")))
	}
	const common, object = "203.0.113.9 - %s [01/Mar/2026:10:00:00 +0000] \"GET /%s HTTP/1.1\" 200 1043 \"%s\" \"%s\"", `{"time":"2026-03-01T10:00:00Z","method":"GET","path":"/a","status":200,"ip":["203.0.113.9",{}],%s"z":1}`
	for _, shell := range []string{"%s", "203.0.113.9 %s", common, object} {
		for _, part := range []string{
			"] [", "] [1", `] " [`, " 2026 ", " [", `" `, `" 1 `, `"1`, `"a`, `"rt=1`, `\"`, ", ", "1, ", " : ", "=", `a="\`, "\t", "::", "(", "{", "[{", `"ts":"x\n",`, `"log":{"message":"\n"},`,
		} {
			line := strings.ReplaceAll(shell, "%s", strings.Repeat(part, (256<<10)/len(part)))
			for _, format := range formats {
				var f Fields
				parse := format.New()
				// It takes milliseconds; were it quadratic, many seconds.
				if took := quickest(time.Second, func() { parse(line, &f) }); took > time.Second {
					t.Errorf("%s: %q in %q: %v", format.Name, part, shell, took)
				}
			}
		}
	}
}
