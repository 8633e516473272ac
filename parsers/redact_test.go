package parsers

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestQueryRedaction(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"page=2&sort=name", "page=2&sort=name"},
		{"a=b=c&&d&=e", "a=b=c&&d&=e"},
		{"api_key=abc", "api_key=key_ba7816bf8f01"},
		{"ApiKey=abc&x=1", "ApiKey=key_ba7816bf8f01&x=1"},
		{"x=1&api-key=abc", "x=1&api-key=key_ba7816bf8f01"},
		{"api%5fkey=abc", "api%5fkey=key_ba7816bf8f01"},
		{"%61pi%255Fkey=abc", "%61pi%255Fkey=key_ba7816bf8f01"},
		{"api_key=%61bc", "api_key=key_ba7816bf8f01"},
		{"access_token=abc", "access_token=tok_ba7816bf8f01"},
		{"jwt=abc", "jwt=tok_ba7816bf8f01"},
		{"token=tok_ba7816bf8f01", "token=tok_ba7816bf8f01"},
		{"sid=abc", "sid=ses_ba7816bf8f01"},
		{"token=", "token="},
		{"token", "token"},
		{"token[]=abc&token[0]=abc", "token[]=tok_ba7816bf8f01&token[0]=tok_ba7816bf8f01"},
		{"token%5B%5D=abc", "token%5B%5D=tok_ba7816bf8f01"},
		{"user[password]=abc&user.pwd=abc", "user[password]=[redacted]&user.pwd=[redacted]"},
		{"password=a;b&x=1", "password=[redacted]&x=1"},
		{"password=a;x=1", "password=[redacted];x=1"},
		{"password=a b\"c,d<e>&x=1", "password=[redacted]&x=1"},
		{"password=%26%3D%22&x=1", "password=[redacted]&x=1"},
		{"new_password=a&client_secret=b&X-Amz-Signature=c&X-Amz-Credential=d&X-Amz-Security-Token=e&code=f&sig=g&auth=h",
			"new_password=[redacted]&client_secret=[redacted]&X-Amz-Signature=[redacted]&X-Amz-Credential=[redacted]&X-Amz-Security-Token=[redacted]&code=[redacted]&sig=[redacted]&auth=[redacted]"},
		{"refresh_token=abc&refreshToken=abc", "refresh_token=tok_ba7816bf8f01&refreshToken=tok_ba7816bf8f01"},
		{"csrf_token=a&my_api_key=abc", "csrf_token=[redacted]&my_api_key=key_ba7816bf8f01"},
		{"query=mutation($password:+String!)+{login(password:$password)}", "query=mutation($password:+String!)+{login(password:$password)}"},
		{"query=mutation%28%24password%3AString%21%29%7Blogin%28password%3A%24password%29%7D", "query=mutation%28%24password%3AString%21%29%7Blogin%28password%3A%24password%29%7D"},
		{"query=mutation($password:String!,$pin:Strings)", "query=mutation($password:String!,$pin:[redacted]"},
		{"query=mutation($password:String!%3D%22a%22)", "query=mutation($password:[redacted]"},
		{"query={login(password:$pass)}", "query={login(password:[redacted]}"},
		{"query={login(password:$password1)}", "query={login(password:[redacted]}"},
		{"query={login(password:String)}", "query={login(password:[redacted]}"},
		{"$skiptoken=abc&resumptionToken=abc", "$skiptoken=abc&resumptionToken=abc"},
		{"page_token=abc&nextToken=abc&postcode=1&passenger=2&author=x", "page_token=abc&nextToken=abc&postcode=1&passenger=2&author=x"},
		{"password1=a&password2=b&pass1=c&pw=d&user[pw]=e&passwordConfirm=f&password_repeat=g&mysql_pwd=h&newpass=i",
			"password1=[redacted]&password2=[redacted]&pass1=[redacted]&pw=[redacted]&user[pw]=[redacted]&passwordConfirm=[redacted]&password_repeat=[redacted]&mysql_pwd=[redacted]&newpass=[redacted]"},
		{"secret1=a&secret_key=b&secretAccessKey=c&aws_secret_access_key=d&private_key=e&ssh_private_key=f&auth_code=g&verification_code=1&credential=h",
			"secret1=[redacted]&secret_key=[redacted]&secretAccessKey=[redacted]&aws_secret_access_key=[redacted]&private_key=[redacted]&ssh_private_key=[redacted]&auth_code=[redacted]&verification_code=[redacted]&credential=[redacted]"},
		{"token2=abc&sid1=abc", "token2=[redacted]&sid1=[redacted]"},
		{"auth0=1&token10=2&bypass=1&compass=2&pwa=3&mypasses=4&1=5&accesskeys=6", "auth0=1&token10=2&bypass=1&compass=2&pwa=3&mypasses=4&1=5&accesskeys=6"},
		{"key=name", "key=name"},
		{"key=0123456789abcdef", "key=key_9f9f5111f7b2"},
		{"key=%22name", "key=%22name"},
		{"authorization=Bearer%20abc&x=1", "authorization=[redacted]&x=1"},
		{"next=/cb?token=abc&x=1", "next=/cb?token=tok_ba7816bf8f01&x=1"},
		{"next=https%3A%2F%2Fh%2F%3Ftoken%3Dabc%26page%3D2&x=1", "next=https%3A%2F%2Fh%2F%3Ftoken%3Dtok_ba7816bf8f01%26page%3D2&x=1"},
		{"next=https%253A%252F%252Fh%252F%253Fapi_key%253Dabc%2526page%253D2", "next=https%253A%252F%252Fh%252F%253Fapi_key%253Dkey_ba7816bf8f01%2526page%253D2"},
		{"url=http://bob:geheim1@h.example/", "url=http://bob:[redacted]@h.example/"},
		{"url=http%3A%2F%2Fbob%3Ageheim1%40h.example%2F", "url=http%3A%2F%2Fbob%3A[redacted]%40h.example%2F"},
		{"url=http://127.0.0.1:80@h.example/", "url=http://127.0.0.1:[redacted]@h.example/"},
		{"url=http://bob@h.example/", "url=http://bob@h.example/"},
		{"url=http://0f9A8b7C6d5E4f3A@h.example/", "url=http://[redacted]@h.example/"},
		{"url=http://h.example:80/a:b@c", "url=http://h.example:80/a:b@c"},
		{`filter={"token":"abc","page":2}`, `filter={"token":"tok_ba7816bf8f01","page":2}`},
		{`filter=%7B%22token%22%3A%22abc%22%2C%22page%22%3A2%7D`, `filter=%7B%22token%22%3A%22tok_ba7816bf8f01%22%2C%22page%22%3A2%7D`},
		{`filter={"token":["abc"],"page":2}`, `filter={"token":["tok_ba7816bf8f01"],"page":2}`},
		{`filter=%7B%22token%22%3A%5B%22abc%22%5D%2C%22page%22%3A2%7D`, `filter=%7B%22token%22%3A%5B%22tok_ba7816bf8f01%22%5D%2C%22page%22%3A2%7D`},
		{`q=password:"a&id=1' or 1=1&x=token:[a&id=2`, `q=password:"[redacted]&id=1' or 1=1&x=token:[redacted]&id=2`},
		{"password=>a,b&x=1", "password=[redacted]&x=1"},
		{"q=sk_live_0123456789abcdef", "q=key_342e20dec519"},
		{"q=x%2Fsk_live_0123456789abcdef", "q=x%2Fkey_342e20dec519"},
		{"q=task_live_stream", "q=task_live_stream"},
		{"cursor=eyJpZCI6MTIzNDU2fQ", "cursor=eyJpZCI6MTIzNDU2fQ"},
		{"q=1'+OR+'1'='1", "q=1'+OR+'1'='1"},
		{"q=basic+income+for+all+2026", "q=basic+income+for+all+2026"},
		{"q=Bearer+of+news", "q=Bearer+of+news"},
	} {
		t.Run(test.in, func(t *testing.T) {
			r := read(t, SiteConfig{}, Fields{Target: "/?" + test.in})
			if r.Query != test.want {
				t.Errorf("got  %s\nwant %s", r.Query, test.want)
			}
		})
	}
}

func TestRefererRedaction(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"https://h.example/a?b=c#d", "https://h.example/a?b=c#d"},
		{"https://h.example/?token=abc&x=1", "https://h.example/?token=tok_ba7816bf8f01&x=1"},
		{"https://h.example/#access_token=abc&x=1", "https://h.example/#access_token=tok_ba7816bf8f01&x=1"},
		{"https://h.example/?x=1#access_token=abc", "https://h.example/?x=1#access_token=tok_ba7816bf8f01"},
		{"https://h.example/?password=abc#top", "https://h.example/?password=[redacted]#top"},
		{"https://bob:geheim1@h.example/?x=1", "https://bob:[redacted]@h.example/?x=1"},
		{"https://h.example/a;jsessionid=abc", "https://h.example/a;jsessionid=ses_ba7816bf8f01"},
		{"token=abc", "token=tok_ba7816bf8f01"},
	} {
		t.Run(test.in, func(t *testing.T) {
			r := read(t, SiteConfig{}, Fields{Referer: test.in})
			if r.Referer != test.want {
				t.Errorf("got  %s\nwant %s", r.Referer, test.want)
			}
		})
	}
}

func TestPathRedaction(t *testing.T) {
	for _, test := range []struct{ in, want, route string }{
		{"/a;jsessionid=abc/b", "/a;jsessionid=ses_ba7816bf8f01/b", "/a/b"},
		{"/bot/sk_live_0123456789abcdef/x", "/bot/key_342e20dec519/x", "/bot/{token}/x"},
		{"/v/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "/v/tok_9ce21d06d988", "/v/{token}"},
		{"/reset/0f9A8b7C6d5E", "/reset/tok_c1098c128a45", "/reset/{token}"},
		{"/users/password-reset/0f9A8b7C6d5E/done", "", "/users/password-reset/{token}/done"},
		{"/reset;a=b/0f9A8b7C6d5E;c=d", "", "/reset/{token}"},
		{"/%72eset%2F0f9A8b7C6d5E", "", ""},
		{"/reset/%30f9A8b7C6d5E", "", "/reset/{token}"},
		{"/reset/MTI/c3a5kd-0123456789abcdef", "", "/reset/MTI/{token}"},
		{"/verify/email/a8Kd92xQ", "", "/verify/email/{token}"},
		{"/magic-link/3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b", "", "/magic-link/{token}"},
		{"/invite/QmFzZTY0VG9rZW5PaG5l", "", "/invite/{token}"},
		{"/invite/abcdefghijklmnopqrstuvwxyz", "", "/invite/{token}"},
		{"/session/0123456789abcdef/a", "/session/ses_9f9f5111f7b2/a", "/session/{token}/a"},
		{"/api-key/0123456789abcdef", "/api-key/key_9f9f5111f7b2", "/api-key/{token}"},
		{"/token/0123456789abcdef", "/token/tok_9f9f5111f7b2", "/token/{token}"},
		{"/csrf-token/0123456789abcdef", "/csrf-token/tok_9f9f5111f7b2", "/csrf-token/{token}"},
		{"/password/0123456789abcdef", "/password/0123456789abcdef", "/password/{hash}"},
		// What an investigation needs stays.
		{"/orders/3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b", "/orders/3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b", "/orders/{uuid}"},
		{"/tokens/3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b", "/tokens/3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b", "/tokens/{uuid}"},
		{"/blobs/0123456789abcdef0123456789abcdef", "/blobs/0123456789abcdef0123456789abcdef", "/blobs/{hash}"},
		{"/reset/42/items/0f9A8b7C6d5E4f3A", "/reset/42/items/0f9A8b7C6d5E4f3A", "/reset/{id}/items/{hash}"},
		{"/reset/12345678", "/reset/12345678", "/reset/{id}"},
		{"/reset/step-02-confirm", "/reset/step-02-confirm", "/reset/step-02-confirm"},
		{"/reset/passwordResetForm", "/reset/passwordResetForm", "/reset/passwordResetForm"},
		{"/verify/alice1999@example.com", "/verify/alice1999@example.com", "/verify/{email}"},
		{"/verify/1'OR'1'='1'--0f9A8b7C", "/verify/1'OR'1'='1'--0f9A8b7C", "/verify/1'OR'1'='1'--0f9A8b7C"},
		{"/proxy/http://bob:geheim1@h.example/", "/proxy/http://bob:[redacted]@h.example/", "/proxy/http:/bob:[redacted]@h.example"},
	} {
		t.Run(test.in, func(t *testing.T) {
			r := read(t, SiteConfig{}, Fields{Target: test.in})
			if test.want != "" && r.Path != test.want || test.route != "" && r.Route != test.route {
				t.Errorf("got  %s, %s\nwant %s, %s", r.Path, r.Route, test.want, test.route)
			}
			if test.want == "" && (!strings.Contains(r.Path, "tok_") || leak("|"+test.in[len(test.in)-6:], r.Path) != "") {
				t.Errorf("shows %s", r.Path)
			}
		})
	}
}

func TestRedactLine(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{`203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" abc`, `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" abc`},
		{`"GET /?token=abc HTTP/1.1" 200`, `"GET /?token=tok_ba7816bf8f01 HTTP/1.1" 200`},
		{`{"api_key":"abc","status":200}`, `{"api_key":"key_ba7816bf8f01","status":200}`},
		{`{"pin" : 1234, "a":1}`, `{"pin" : [redacted], "a":1}`},
		{`{"password":"a\"b c","a":1}`, `{"password":"[redacted]","a":1}`},
		{`{"log":"{\"password\":\"a b\",\"a\":1}"}`, `{"log":"{\"password\":\"[redacted]\",\"a\":1}"}`},
		{`"GET /\x26token=abc HTTP"`, `"GET /\x26token=tok_ba7816bf8f01 HTTP"`},
		{`{\x22password\x22:\x22a b\x22,\x22a\x22:1}`, `{\x22password\x22:\x22[redacted]\x22,\x22a\x22:1}`},
		{`{\\\"password\\\":\\\"a b\\\",\\\"a\\\":1}`, `{\\\"password\\\":\\\"[redacted]\\\",\\\"a\\\":1}`},
		{`"/?a=b\u0026sid=abc"`, `"/?a=b\u0026sid=ses_ba7816bf8f01"`},
		{`{"password":"abc def`, `{"password":"[redacted]`},
		{`{"x-api-key":["abc"],"password":[ "a]b" ],"authorization":["Token a"],"a":[1]}`, `{"x-api-key":["key_ba7816bf8f01"],"password":[ "[redacted]" ],"authorization":["[redacted]"],"a":[1]}`},
		{`{"tokens":["abc"],"token":["abc","d]"],"token":["abc",7],"token":[["abc"]],"token":[7],"a":1}`, `{"tokens":["abc"],"token":[redacted],"token":[redacted],"token":[redacted],"token":[redacted],"a":1}`},
		{`{"password":{"value":"a}b","x":[1]},"a":1}`, `{"password":[redacted],"a":1}`},
		{`{"log":"{\"token\":[\"abc\"],\"token\":[\"abc\",\"d\"],\"a\":1}"}`, `{"log":"{\"token\":[\"tok_ba7816bf8f01\"],\"token\":[redacted],\"a\":1}"}`},
		{`{"token":[],"token":[""],"token":["abc`, `{"token":[redacted],"token":[""],"token":["tok_ba7816bf8f01`},
		{`map[Password:[a b] Authorization:[Token a] Accept:[*/*]]`, `map[Password:[redacted] Authorization:[redacted] Accept:[*/*]]`},
		{`{"user"=>{"password"=>"a b", :pin => 1234, 'token' => ['abc']}, "a"=>"b"}`, `{"user"=>{"password"=>"[redacted]", :pin => [redacted] 'token' => ['tok_ba7816bf8f01']}, "a"=>"b"}`},
		{`{"Authorization":"Basic YWxpY2U6c2VjcmV0"}`, `{"Authorization":"[redacted]"}`},
		{`Cookie: a=b; c=d`, `Cookie: [redacted]`},
		{`"Cookie: a=b; c=d" 200`, `"Cookie: [redacted]" 200`},
		{`x "Bearer abcdef123" y`, `x "Bearer tok_9f4c121d60cf" y`},
		{`x "Bearer tok_9f8e7d6c5b4a39281706" y`, `x "Bearer tok_63aaa35e7152" y`},
		{`x basic YWxpY2U6c2VjcmV0 y`, `x basic [redacted] y`},
		{`200 "0f9A8b7C6d5E4f3A2b1C" 7`, `200 "[redacted]" 7`},
		{"a\x1b[31m\u202eb\xffc", `a\x1b[31m\u202eb\xffc`},
		{strings.Repeat("é", 200), strings.Repeat("é", 200)},
		{strings.Repeat("é", 201), strings.Repeat("é", 199) + "…"},
		{strings.Repeat("x ", 95) + "token=0123456789abcdef0123456789abcdef", strings.Repeat("x ", 95) + "token=tok…"},
	} {
		t.Run(test.in, func(t *testing.T) {
			if got := site(t, SiteConfig{}).RedactLine(test.in); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// Secrets as they are, each with the part of it that may be seen in front.
var (
	shaped = []string{
		"|eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ3aG8iOiJ6dWxleWthIiwieHkiOjk4NzYxfQ.dGhpc2lzbm90YXNpZ25hdHVyZQ",
		"lsoc_live_|Zk3Qw8Xv5Rt1Yp7Lm2Nb9Dc4",
		"sk_live_|Gj6Hf2Kd8Sa4Pq0Wo",
		"|ghp_Vb7Nc3Mx9Zl5Kj1Hg",
		"|xoxb-73915-Ut4Ry8Ei2Wo6",
		"|AKIAQZWSXEDCRFVTGBYH",
		"|glpat-Lk8Jh4Gf0Ds6Ap2",
		"acme_live_|9Xc5Vb1Nm7Qw3",
	}
	opaque = []string{
		"|Tr0ub4dor-and-3-horses",
		"|geheim1",
		"|f3e9c1a7b5d8024680ace13579bdf",
		"|p,q;r(s)t!u*v'w",
	}
)

// leak returns six bytes of the secret that stand in text, or "". What is before
// the bar may be seen.
func leak(secret, text string) string {
	_, hidden, _ := strings.Cut(secret, "|")
	for i := 0; i+6 <= len(hidden); i++ {
		if strings.Contains(text, hidden[i:i+6]) {
			return hidden[i : i+6]
		}
	}
	return ""
}

func TestNoSecretIsShown(t *testing.T) {
	s := site(t, SiteConfig{TrustedProxies: []string{"unix:"}, SecretParams: []string{"birthday"}})
	check := func(t *testing.T, secret string, f Fields) {
		t.Helper()
		f.Time = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
		if text := dump(t, given(f).NewReader(s, &Source{}), ""); leak(secret, text) != "" {
			t.Errorf("%q of %s is shown in\n%s", leak(secret, text), secret, text)
		}
		raw, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			string(raw),
			string(again),
			fmt.Sprintf(`%s - %s [01/Mar/2026:10:00:00 +0000] "%s %s HTTP/1.1" 200 1 "%s" "%s"`, f.Remote, f.User, f.Method, f.Target, f.Referer, f.UserAgent),
			fmt.Sprintf("x Authorization: %s", f.Authorization),
			fmt.Sprintf("x Cookie: %s", f.Cookie),
			fmt.Sprintf(`x "Authorization: %s" y`, f.Authorization),
		} {
			if shown := visibleLine(s, line); leak(secret, shown) != "" {
				t.Errorf("%q of %s is shown in\n%s\nof %s", leak(secret, shown), secret, shown, line)
			}
		}
	}

	for _, secret := range shaped {
		x := strings.Replace(secret, "|", "", 1)
		for _, text := range []string{x, "a " + x + " b", "/" + x + "/x", "/a?b=" + x + "&c=d", "(" + x + ")", "x%2F" + x, "x=" + x, `"` + x + `"`} {
			for name, f := range everywhere(text) {
				t.Run(name+" "+text, func(t *testing.T) { check(t, secret, f) })
			}
		}
	}

	for _, secret := range append(opaque, shaped...) {
		x := strings.Replace(secret, "|", "", 1)
		escaped := url.QueryEscape(x)
		var pairs []string
		for _, name := range []string{
			"api_key", "apikey", "API-KEY", "access_token", "token", "auth", "sig", "signature", "password", "passwd", "pwd", "secret",
			"client_secret", "code", "refresh_token", "session", "sid", "jwt", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token",
			"birthday", "user[password]", "token[]", "user.password", "api%5Fkey", "pass%77ord", "my_client_secret",
		} {
			pairs = append(pairs, "a=b&"+name+"="+escaped+"&c=d", name+"="+escaped, "a=b;"+name+"="+escaped+";c=d",
				"next="+url.QueryEscape("https://h.example/?a=b&"+name+"="+escaped+"&c=d"),
				"next="+url.QueryEscape(url.QueryEscape("https://h.example/?"+name+"="+escaped)))
		}
		for _, pair := range pairs {
			t.Run(pair, func(t *testing.T) {
				check(t, secret, Fields{Target: "/a?" + pair, Referer: "https://h.example/?" + pair, UserAgent: "x (https://h.example/?" + pair + ")"})
				check(t, secret, Fields{Referer: "https://h.example/#" + pair})
			})
		}
		for name, f := range map[string]Fields{
			"bearer":           {Authorization: "Bearer " + x},
			"basic":            {Authorization: basic("alice:" + x)},
			"basic, other way": {Authorization: basic(x + ":alice")},
			"token":            {Authorization: "Token " + x},
			"key":              {Authorization: "ApiKey " + x},
			"digest":           {Authorization: `Digest username="alice", response="` + x + `"`},
			"no scheme":        {Authorization: x},
			"another scheme":   {Authorization: "Negotiate " + x},
			"cookie":           {Cookie: "a=b; sid=" + x + "; c=d"},
			"other cookie":     {Cookie: "a=b; weird=" + x + "; c=d"},
			"session field":    {Session: x},
			"token field":      {Token: x},
			"key field":        {APIKey: x},
			"user":             {User: "alice:" + x + "@h.example"},
			"URL":              {Target: "http://alice:" + escaped + "@h.example/", Referer: "http://alice:" + escaped + "@h.example/"},
			"nested URL":       {Target: "/?u=" + url.QueryEscape("http://alice:"+escaped+"@h.example/")},
			"matrix parameter": {Target: "/a;jsessionid=" + escaped + "/b"},
			"user agent":       {UserAgent: "x token=" + escaped + " y"},
		} {
			if name == "basic, other way" && !strings.HasPrefix(x, "sk_") {
				continue // that is a user's name
			}
			t.Run(name+" "+x, func(t *testing.T) { check(t, secret, f) })
		}
	}
}

// TestNoSecretIsShownAnywhere puts secrets where they are seldom looked for.
func TestNoSecretIsShownAnywhere(t *testing.T) {
	const hidden = "0f9A8b7C6d5E4f3A2b1C"
	s := site(t, SiteConfig{TrustedProxies: []string{"unix:"}})
	twice := func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }
	pem := "-----BEGIN RSA PRIVATE KEY-----\\n" + hidden + "/" + hidden + "\\n-----END RSA PRIVATE KEY-----"
	for name, f := range map[string]Fields{
		"reset":                {Target: "/reset/" + hidden},
		"verify, with a user":  {Target: "/verify/42/" + hidden + "/done"},
		"magic, encoded slash": {Target: "/magic%2F" + hidden},
		"invite, twice":        {Target: "/invite%252F" + hidden},
		"token, absolute":      {Target: "https://h.example/token/" + hidden + "?a=b"},
		"nested, in the query": {Target: "/login?next=/reset/" + hidden + "&a=b"},
		"nested, encoded":      {Target: "/login?next=" + url.QueryEscape("https://h.example/reset/"+hidden)},
		"nested, twice":        {Target: "/login?next=" + twice("https://h.example/invite/"+hidden+"?a=b")},
		"referer":              {Referer: "https://h.example/reset/" + hidden},
		"referer, nested":      {Referer: "https://h.example/?u=" + twice("https://i.example/reset/"+hidden)},
		"referer, fragment":    {Referer: "https://h.example/#/reset/" + hidden},
		"referer, nested name": {Referer: "https://h.example/?u=" + url.QueryEscape("https://i.example/?a=b&token="+hidden)},
		"user agent":           {UserAgent: "x (+https://h.example/reset/" + hidden + ")"},
		"user agent, JSON":     {UserAgent: `{"password":"` + hidden + `"}`},
		"fragment":             {Target: "/a#access_token=" + hidden},
		"fragment in a value":  {Target: "/a?u=https%3A%2F%2Fh.example%2F%23access_token%3D" + hidden},
		"matrix":               {Target: "/a;token=" + hidden + ";b=c/d"},
		"matrix, encoded":      {Target: "/a%3Bjsessionid%3D" + hidden},
		"matrix in the query":  {Target: "/a?u=/b;jsessionid=" + hidden},
		"JSON body":            {Target: "/a?body=" + url.QueryEscape(`{"user":"a","password":"`+hidden+`"}`)},
		"JSON body, deep":      {Target: "/a?body=" + twice(`{"a":{"client_secret": "`+hidden+`"}}`)},
		"form body":            {Target: "/a?body=" + url.QueryEscape("user=a&pass="+hidden)},
		"XML body":             {Target: "/a?body=" + url.QueryEscape("<password>"+hidden+"</password>")},
		"userinfo":             {Target: "http://a:" + hidden + "@h.example/"},
		"userinfo, user only":  {Target: "/a?u=http://" + hidden + "@h.example/"},
		"userinfo, encoded":    {Target: "/a?u=" + twice("http://a:"+hidden+"@h.example/")},
		"userinfo, no scheme":  {UserAgent: "x a:" + hidden + "@h.example y"},
		"host":                 {Host: "a:" + hidden + "@h.example"},
		"CONNECT":              {Method: "CONNECT", Target: "a:" + hidden + "@h.example:443"},
		"user, a URL":          {User: "https://a:" + hidden + "@h.example"},
		"user, a name":         {User: "token=" + hidden},
		"tenant":               {Tenant: "api_key=" + hidden},
		"client, a name":       {Remote: "token=" + hidden},
		"client, a URL":        {Remote: "http://a:" + hidden + "@h.example"},
		"forwarded, a name":    {Remote: "unix:", ForwardedFor: "token=" + hidden},
		"socket":               {Remote: "unix:/run/x?token=" + hidden, ForwardedFor: "203.0.113.9"},
		"SigV4":                {Target: "/a?X-Amz-Credential=" + hidden + "%2F20260301%2Fus-east-1&X-Amz-Signature=" + hidden + "&X-Amz-Security-Token=" + hidden},
		"SigV2":                {Target: "/a?AWSAccessKeyId=" + hidden + "&Signature=" + hidden},
		"CloudFront":           {Target: "/a?Key-Pair-Id=K1&Policy=e30_&Signature=" + hidden},
		"SAS":                  {Target: "/a?sv=2024-01-01&se=2026-03-01&sig=" + hidden},
		"GCS":                  {Target: "/a?X-Goog-Signature=" + hidden + "&X-Goog-Credential=" + hidden},
		"OAuth":                {Target: "/cb?code=" + hidden + "&id_token=" + hidden + "&code_verifier=" + hidden},
		"private key":          {Target: "/a?k=" + url.QueryEscape(pem), UserAgent: pem},
		"cookies":              {Cookie: "a=b; connect.sid=s%3A" + hidden + "; remember_token=" + hidden + "; __Host-auth=" + hidden + "; .AspNetCore.Cookies=" + hidden},
		"digest":               {Authorization: `Digest username="a", nonce="` + hidden + `", response="` + hidden + `"`},
		"signature":            {Authorization: "AWS4-HMAC-SHA256 Credential=" + hidden + "/20260301/us-east-1/s3/aws4_request, Signature=" + hidden},
		"basic in the query":   {Target: "/a?h=" + url.QueryEscape(basic("a:"+hidden))},
		"slack":                {Target: "/a/xoxp-1234-" + hidden, UserAgent: "xoxb-1-" + hidden},
		"stripe":               {Target: "/a/sk_live_" + hidden + "?b=rk_live_" + hidden},
		"github":               {Target: "/a/ghp_" + hidden + "?b=github_pat_" + hidden, Referer: "https://h.example/glpat-" + hidden},
		"google":               {Target: "/a?b=AIza" + hidden + "0123456789abcde"},
		"JWT, cut":             {Target: "/a?b=eyJhbGciOiJIUzI1NiJ9." + hidden},
		"JWT, encoded dots":    {Target: "/a?b=eyJhbGciOiJIUzI1NiJ9%2E" + hidden + "%2E" + hidden},
	} {
		t.Run(name, func(t *testing.T) {
			f.Time = noon
			if shown := dump(t, given(f).NewReader(s, &Source{}), ""); leak("|"+hidden, shown) != "" {
				t.Errorf("shows %s of\n%s", leak("|"+hidden, shown), shown)
			}
		})
	}
}

// everywhere returns Fields that hold the text in one field each.
func everywhere(text string) map[string]Fields {
	return map[string]Fields{
		"Remote":        {Remote: text},
		"ForwardedFor":  {Remote: "unix:", ForwardedFor: text},
		"User":          {User: text},
		"Method":        {Method: text},
		"Target":        {Target: text},
		"CONNECT":       {Method: "CONNECT", Target: text},
		"URL":           {Target: "https://" + text + ".example/"},
		"Host":          {Host: text},
		"UserAgent":     {UserAgent: text},
		"Referer":       {Referer: text},
		"RequestID":     {RequestID: text},
		"APIKey":        {APIKey: text},
		"Authorization": {Authorization: text},
		"Cookie":        {Cookie: text},
		"Token":         {Token: text},
		"Session":       {Session: text},
		"Tenant":        {Tenant: text},
		"sub":           {Token: jwt(fmt.Sprintf(`{"sub":%q,"org":%q,"sid":%q}`, text, text, text))},
	}
}

// visibleLine redacts a line piece by piece, so that no secret is merely cut off.
func visibleLine(s *Site, line string) string {
	x := redactor{site: s}
	whole := visible(randoms(x.redact(clean(line), inText, nil)))
	if got := s.RedactLine(line); got != sample(whole) {
		return "RedactLine does otherwise: " + got + line
	}
	return whole
}

func FuzzRedact(f *testing.F) {
	for _, seed := range []string{
		"", "a=b", "token=abc", `{"password":"a\"b"}`, `{\"token\":\"a\"}`, "https://u:p@h/", "%3D%253D%22", "Basic YTpi", "bearer x", "key=key=key=",
		"eyJeyJ.eyJ.", "a_live_a_live_0", ";;;=;", "\u202e\x1b\xff", "password=\"", "x%2Fsk_live_0123456789", `\\\"token\\\":\\\"x`,
	} {
		f.Add(seed, seed)
	}
	s := site(f, SiteConfig{})
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "qzxwvjkp7"
		if strings.Contains(before+after, secret) {
			return
		}
		line := s.RedactLine(before)
		if !utf8.ValidString(line) || utf8.RuneCountInString(line) > maxSample || visible(line) != line {
			t.Errorf("RedactLine(%q) = %q", before, line)
		}
		x := redactor{site: s}
		for _, test := range []struct {
			in   where
			text string
		}{
			{inQuery, before + "&token=" + secret + "&" + after},
			{inQuery, before + "&user%5Bpassword%5D=" + secret + after},
			{inQuery, before + "&x=%26api_key%3D" + secret + "%26" + after},
			{inText, before + " token=" + secret + " " + after},
			{inText, before + ` {"password":"` + secret + `"} ` + after},
			{inText, before + ` {\"password\":\"` + secret + `\"} ` + after},
			{inText, before + " Authorization: Bearer " + secret + "\" " + after},
			{inText, before + " http://bob:" + secret + "@h/" + after},
			{inPath, before + ";jsessionid=" + secret + "/" + after},
		} {
			text := clean(test.text)
			got := x.redact(text, test.in, nil)
			if strings.Contains(got, secret) {
				t.Errorf("%q is redacted as %q", text, got)
			}
			if !utf8.ValidString(got) {
				t.Errorf("%q is redacted as %q, which is not UTF-8", text, got)
			}
		}
	})
}

func TestRedactIsLinear(t *testing.T) {
	x := redactor{site: site(t, SiteConfig{})}
	for _, part := range []string{
		"key=", "token=", "eyJ", "eyJ.", "a_live_", "sk_live_", "npm_", "basic ", "basic+", "basic%20", "bearer ", "bearer%20", "://", "%3A%2F%2F", ":", "=", ";", ";=", "&", "%25", "%3D",
		"token%3D", `\`, `\"`, `token:\`, `password="`, "a", "A1", "x=y;", "password=;", "[", "a.", "http://a:", "AIza",
		"/", "/reset/", "/reset/0f9A8b7C", "reset%2F", ";/reset", "eyJ%2E", "%2E", "eyJabcdefgh%2Ea", "<password>", "%3Cpassword%3E", ">",
		"-----BEGIN", "-----BEGIN PRIVATE", "-----END", "token:+", "token%3A%20",
		"token:[", `token:[\`, `token:["`, "token:{", "token=>", `"token"=>`, "token%3A%5B", "[[", `['`,
	} {
		for _, in := range []where{inText, inPath, inQuery} {
			text := strings.Repeat(part, (256<<10)/len(part))
			// It takes milliseconds; were it quadratic, many seconds.
			if took := quickest(3*time.Second, func() { x.redact(text, in, nil) }); took > 3*time.Second {
				t.Errorf("%q in where %d: %v", part, in, took)
			}
		}
	}
}

// Whatever a client has put together, looking for secrets in it ends, and soon.
func TestRedactEnds(t *testing.T) {
	parts := []string{
		"", "token=", "token=>", "token:", "key=", "[password]", `"password":"`, `\"password\":\"`, "%22token%22%3A", "cookie: a=\"",
		"Bearer ", "Basic ", "a:b", "@", "://", "<password>", "%3Cpassword%3E", "</", "-----BEGIN PRIVATE", "-----END", "eyJ", "eyJhbGciOi.",
		"a_live_", "AKIA", "/reset/", "a1B2", "/", "%2F", "%", "%25", "%22", "%5C", `\`, `\u0022`, `"`, "'", "[", "]", "%5B", "{", "}",
		";", "&", "=", ":", ",", ".", "-", "_", "+", " ", "\u00e9",
	}
	x := redactor{site: site(t, SiteConfig{})}
	tried := make(chan string)
	go func() {
		for _, first := range parts {
			for _, second := range parts {
				pair := first + second
				for _, text := range []string{strings.Repeat(pair, 2048/max(len(pair), 1)), "token:[" + pair, "token%3A%5B" + pair, "token=" + pair} {
					for _, in := range []where{inText, inPath, inQuery} {
						x.redact(text, in, nil)
					}
				}
				tried <- pair
			}
		}
		close(tried)
	}()
	for last := ""; ; {
		select {
		case pair, more := <-tried:
			if !more {
				return
			}
			last = pair
		case <-time.After(time.Minute): // a pair takes a millisecond
			t.Fatalf("it does not end with what comes after %q", last)
		}
	}
}

// A plain query is redacted as any text is, whatever names were met before.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "page=2&per_page=20", "token=abc", "a=1&token=x&user.password=y", "q=-----BEGIN PRIVATE KEY-----x", "x=-----BEGIN-PRIVATE-----",
		"a=sk_live_0123456789&b", "a=eyJhbGciOi.eyJ.x", "eyJ%2Ea.b=c", "==token=", "tok\\en=1", `"token"=1`, "key=AKIA0123456789ABCDEF", "t\x00oken=1",
	} {
		f.Add(seed, seed)
	}
	s := site(f, SiteConfig{})
	f.Fuzz(func(t *testing.T, before, query string) {
		x := redactor{site: s, names: make([]knownName, maxNames)}
		x.query(before, nil)
		var found, want credentials
		got, redacted := x.query(query, &found), (&redactor{site: s}).redact(clean(query), inQuery, &want)
		if got != redacted || found != want {
			t.Errorf("%q is redacted as %q with %+v, want %q with %+v", query, got, found, redacted, want)
		}
	})
}

func TestOpensByLink(t *testing.T) {
	for path, want := range map[string]bool{
		"/password/reset":                  true,
		"/reset-password":                  true,
		"/api/v1/Verify_Email/now":         true,
		"/auth/magic%2dlink":               true,
		"/invite/accept":                   true,
		"/unsubscribe":                     true,
		"":                                 false,
		"/":                                false,
		"/api/v1/me":                       false,
		"/presets":                         false,
		"/" + strings.Repeat("reset", 200): false,
	} {
		if got := OpensByLink(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}
