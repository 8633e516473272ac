package parsers

import (
	"strings"
	"time"
)

// S3 reads the server access log of an AWS S3 bucket.
func S3() *Format {
	return &Format{
		Name: "aws-s3",
		Doc: `AWS S3 server access log

  owner bucket [time] remote_ip requester request_id operation key "request_uri" status error_code bytes_sent object_size total_time turn_around_time "referer" "user_agent" version_id …

The user is the requester: a canonical id or an ARN. The duration is the total time.
The host is the Host header, in older lines, which lack it, the name of the bucket.
Where there is no request_uri, as in the lines of objects deleted in a batch, method
and target are taken from operation and key. What S3 does of itself, such as the
expiry of an object, is no request.`,
		Samples: []string{
			`79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be reports [01/Mar/2026:10:00:00 +0000] 203.0.113.9 arn:aws:iam::123456789012:user/alice 3E57427F3EXAMPLE REST.GET.OBJECT 2026/q1.csv "GET /2026/q1.csv?versionId=null HTTP/1.1" 200 - 11383 11383 70 10 "-" "aws-cli/2.15.0" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader reports.s3.us-west-1.amazonaws.com TLSv1.3 - -`,
			`79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be reports [01/Mar/2026:10:00:01 +0000] 2001:db8::7 - 7ACC4BE89EXAMPLE WEBSITE.GET.OBJECT secret.txt "GET /secret.txt HTTP/1.1" 403 AccessDenied 243 - 12 - "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" -`,
		},
		New: func() ParseFunc { return enveloped((&s3{}).parse) },
	}
}

// s3 reads one source.
type s3 struct{ clock clock }

func (p *s3) parse(line string, f *Fields) error {
	f.reset()
	fields := fieldCutter{rest: line}
	fields.next() // owner
	bucket := fields.next()
	if !strings.HasPrefix(fields.rest, "[") {
		return &Reject{Reason: "no owner, bucket and time", Value: line}
	}
	stamp, rest, found := strings.Cut(fields.rest[1:], "] ")
	if !found {
		return &Reject{Reason: "time has no end", Value: fields.rest}
	}
	var ok bool
	if f.Time, ok = p.clock.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	fields.rest = rest
	f.Remote = valueOf(fields.next())
	f.User = valueOf(fields.next())
	f.RequestID = valueOf(fields.next())
	operation, key := fields.next(), fields.next()
	if strings.Count(operation, ".") < 2 && operation != "-" {
		return &Reject{Reason: "not an operation of S3", Value: operation}
	}
	if strings.HasPrefix(operation, "S3.") {
		return &Reject{Reason: "done by S3 itself", Value: operation, Skip: true}
	}
	request, rest, ok := cutS3Request(fields.rest)
	if !ok {
		return &Reject{Reason: "request has no end", Value: fields.rest}
	}
	f.setRequestURL(request)
	fields.rest = rest
	if s := fields.next(); !f.setStatus(s) {
		return &Reject{Reason: "status is not a number", Value: s}
	}
	fields.next() // error code
	if s := fields.next(); !f.setBytes(s) {
		return &Reject{Reason: "bytes are not a number", Value: s}
	}
	fields.next() // object size
	if s := fields.next(); s != "-" && s != "" {
		if f.Duration, ok = parseDecimal(s, time.Millisecond); !ok {
			f.Duration = -1
			return &Reject{Reason: "total time is not a number", Value: s}
		}
	}
	fields.next() // turn-around time
	if f.Method == "" && valueOf(key) != "" {
		f.setS3Operation(operation, key)
	}
	host := f.setS3Agent(fields.rest)
	setOnce(&f.Host, host)
	if f.Host == "" && isHost(bucket) {
		f.Host = bucket
	}
	return nil
}

// cutS3Request cuts the request off the front: "-", or in quotes that end where a
// status follows.
func cutS3Request(s string) (request, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		request, rest, _ = strings.Cut(s, " ")
		return request, rest, request == "-"
	}
	for at := 1; ; at++ {
		n := strings.Index(s[at:], `" `)
		if n < 0 {
			return "", "", false
		}
		at += n
		rest = s[at+2:]
		status, _, _ := strings.Cut(rest, " ")
		if status == "-" || len(status) == 3 && allDigits(status) {
			return s[1:at], rest, true
		}
	}
}

// setS3Operation makes a request of "BATCH.DELETE.OBJECT" and a key.
func (f *Fields) setS3Operation(operation, key string) {
	_, rest, _ := strings.Cut(operation, ".")
	method, _, _ := strings.Cut(rest, ".")
	if isMethod(method) {
		f.Method, f.Target = method, "/"+key
	}
}

// setS3Agent takes referer, user agent and all that follows, of which it returns the
// Host header. Clients write these headers as they like, also with quotes in them, and
// behind them stand none: the last quote of the line is the user agent's.
func (f *Fields) setS3Agent(s string) (host string) {
	tail := fieldCutter{rest: s}
	f.Referer = unescape(valueOf(tail.next()))
	if s = tail.rest; strings.HasPrefix(s, `"`) {
		end := 0
		for { // forward: what follows the last quote is long
			n := strings.IndexByte(s[end+1:], '"')
			if n < 0 {
				break
			}
			end += n + 1
		}
		if end == 0 {
			return "" // torn
		}
		f.UserAgent = unescape(valueOf(s[1:end]))
		tail.rest = strings.TrimPrefix(s[end+1:], " ")
	} else {
		f.UserAgent = valueOf(tail.next())
	}
	tail.skip(5) // version, host id, signature, cipher, authentication
	return valueOf(tail.next())
}
