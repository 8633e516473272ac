package parsers

import (
	"net/url"
	"strings"
	"testing"
)

func TestBodyParameters(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{"", ""},
		{"-", ""},
		{`{}`, ""},
		{`{"url":"http://169.254.169.254/latest/"}`, "url=http%3A%2F%2F169.254.169.254%2Flatest%2F"},
		{`{"user": {"name": "eve", "role" : "admin"}, "n": 3, "on": true, "off": null}`, "user%5Bname%5D=eve&role=admin&n=3&on=true"},
		{`{"report":{"organization":{"id":"o1","kind":"a"},"file":{"id":2}},"owner":{"id":3},"id":4}`, "organization_id=o1&kind=a&id=2&owner_id=3&id=4"},
		{`{"roles":[{"id":1,"name":"admin"},{"name":"owner"}],"name":"eve"}`, "id=1&roles%5Bname%5D=admin&roles%5Bname%5D=owner&name=eve"},
		{`{"a":{"name":{"b":1}},"type":"c"}}}{"slug":"d`, "b=1&type=c&slug=d"},
		{`{"roles":["admin","owner"],"ids":[1, 2]}`, "roles=admin&roles=owner&ids=1&ids=2"},
		{`[{"a":"b"},{"a":"c"}]`, "a=b&a=c"},
		{`[{"op":"replace","path":"/role","value":"admin"},{"op":"add","value":["a",1],"path":"/user/tags/-"},{"op":"remove","path":"/x"}]`, "role=admin&tags=a&tags=1"},
		{`[{"op":"add","path":"/user","value":{"is_admin":true}},{"op":"test","path":"/roles/0","value":null}]`, "is_admin=true"},
		{`[{"path":"/role","value":"admin"}]`, "path=%2Frole&value=admin"},
		{`[{"op":"replace","path":"role","value":"admin"}]`, "op=replace&path=role&value=admin"},
		{`[{"op":"replace","path":"/password","value":"hunter2"},{"op":"replace","path":"/pin","val`, "password=hunter2"},
		{`{"schemas":["x"],"Operations":[{"op":"add","path":"roles","value":[{"value":"admin"}]},{"op":"Replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:userType","value":"a"}]}`, "roles%5Bvalue%5D=admin&userType=a"},
		{`{"Operations":[{"op":"replace","value":{"active":false}},{"op":"replace","path":"emails[type eq \"work\"].value","value":"eve@example.com"},{"op":"remove","path":"roles"}]}`, "active=false&emails=eve%40example.com"},
		{`{"Operations":[{"op":"replace","path":"password","value":"hunter2"}]}`, "password=hunter2"},
		{`{"Operations":[{"method":"POST","path":"/Users","data":{"role":"admin"}}]}`, "method=POST&path=%2FUsers&role=admin"},
		{`{"Operations":[{"op":"add","path":"roles","value":"adm`, "op=add&path=roles&Operations%5Bvalue%5D=adm"},
		{`[{"op":"replace","path":"/role","value":"adm`, "op=replace&path=%2Frole&value=adm"},
		{`{"credentials":[{"type":"password","value":"hunter2","temporary":false}],"n":"value","value":7}`, "credentials%5Btype%5D=password&password=hunter2&temporary=false&n=value&value=7"},
		{`{"password":{"value":"a"},"pin" : { "value" : ["b",1]},"x":2,"value":"c"}`, "password=a&pin=b&pin=1&x=2&value=c"},
		{`{"session":{"email":"eve@example.com","password":"a"}}`, "email=eve%40example.com&password=a"},
		{`[{"name":"role","value":"admin"},{"value":"a"}]`, "name=role&value=admin&value=a"},
		{`{"a":"q\"u\\o\u0074e"}`, "a=q%22u%5Cote"},
		{`{"a":"cut sho`, "a=cut+sho"},
		{`{"a":"b","c`, "a=b"},
		{`{"a":"bad \x escape"}`, "a=bad+%5Cx+escape"},
		{"role=admin&x=1", "role=admin&x=1"},
		{"role=admin&x=a b", "body=role%3Dadmin%26x%3Da+b"},
		{`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`, "body=%3C%21DOCTYPE+x+%5B%3C%21ENTITY+e+SYSTEM+%22file%3A%2F%2F%2Fetc%2Fpasswd%22%3E%5D%3E"},
		{"plain words", "body=plain+words"},
		{"--X\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.php\"\r\nContent-Type: text/plain\r\n\r\n<?php\r\n--X--\r\n",
			"password=hunter2&f=a.php"},
		{"--X\nContent-Disposition: form-data; name=\"role\"\n\nadm", "role=adm"},
		{"--X\nContent-Disposition: form-data; name=\"role\"", "body=--X%0AContent-Disposition%3A+form-data%3B+name%3D%22role%22"},
		{"-- no boundary", "body=--+no+boundary"},
		{"--\n--\n", "body=--%0A--"},
	} {
		if got := bodyParameters(test.body, secret); got != test.want {
			t.Errorf("%s gives %q, want %q", test.body, got, test.want)
		}
	}
}

func secret(name string) bool { return name == "password" || name == "pin" || name == "session" }

func FuzzBodyParameters(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"c"}]}`, "a=b&c=d", `{"a":"\`, `"`, "<x>", "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--X--"} {
		f.Add(s)
	}
	f.Add(`{"` + strings.Repeat("a", maxBody/2) + `":[` + strings.Repeat("1,", maxBody))
	f.Fuzz(func(t *testing.T, body string) {
		got := bodyParameters(body, secret)
		if len(got) > 6*maxBody+len("body=") {
			t.Fatalf("%d bytes of %d", len(got), len(body))
		}
		if strings.HasPrefix(strings.TrimSpace(body), "{") {
			if _, err := url.ParseQuery(got); err != nil {
				t.Fatalf("%q: %v", got, err)
			}
		}
	})
}

// A body is read wherever logs have one, and its secrets are gone.
func TestReadBody(t *testing.T) {
	nginx, err := NginxLogFormat("body", `$remote_addr [$time_iso8601] "$request" $status "$request_body"`, "")
	if err != nil {
		t.Fatal(err)
	}
	const head, body = `"time":"2026-03-01T10:00:00Z","client_ip":"192.0.2.1","method":"POST","path":"/login","status":401`, `{\"email\":\"eve@example.com\",\"password\":\"hunter2\"}`
	for _, test := range []struct {
		format *Format
		line   string
	}{
		{nginx, `192.0.2.1 [2026-03-01T10:00:00+00:00] "POST /login HTTP/1.1" 401 "{\x22email\x22:\x22eve@example.com\x22,\x22password\x22:\x22hunter2\x22}"`},
		{nginx, `192.0.2.1 [2026-03-01T10:00:00+00:00] "POST /login HTTP/1.1" 401 "--X\x0D\x0AContent-Disposition: form-data; name=\x22email\x22\x0D\x0A\x0D\x0Aeve@example.com\x0D\x0A--X\x0D\x0AContent-Disposition: form-data; name=\x22password\x22\x0D\x0A\x0D\x0Ahunter2\x0D\x0A--X--\x0D\x0A"`},
		{JSON(JSONConfig{}), `{` + head + `,"request_body":"` + body + `"}`},
		{JSON(JSONConfig{}), `{` + head + `,"requestBody":{"user":{"email":"eve@example.com","password":"hunter2"}}}`},
		{JSON(JSONConfig{}), `{` + head + `,"request":{"body":{"email":"eve@example.com","password":"hunter2"}}}`},
		{JSON(JSONConfig{}), `{` + head + `,"http":{"request":{"body":{"content":"email=eve@example.com&password=hunter2"}}}}`},
		{JSON(JSONConfig{Fields: map[string]string{"body": "sent"}}), `{` + head + `,"sent":"` + body + `"}`},
	} {
		site, err := NewSite(SiteConfig{})
		if err != nil {
			t.Fatal(err)
		}
		var r Request
		if err := test.format.NewReader(site, &Source{}).Read(test.line, 1, &r); err != nil {
			t.Errorf("%s: %v", test.line, err)
			continue
		}
		values, err := url.ParseQuery(r.Body)
		if err != nil || values.Get("email") != "eve@example.com" || values.Get("password") != redacted {
			t.Errorf("%s: body %q, %v", test.line, r.Body, err)
		}
	}
}
