package parsers

import (
	"encoding/base64"
	"strings"
	"testing"
)

// jwt returns a token with the claims, whose signature is none.
func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("no signature"))
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// actor is the part of a request that says who made it.
type actor struct {
	user, key, prefix, token, session, tenant string
}

func TestIdentity(t *testing.T) {
	const (
		liveKey = "lsoc_live_0123456789abcdef0123456789"
		liveSum = "key_44ddce081812"
		opaque  = "0f9A8b7C6d5E4f3A2b1C"
		tokSum  = "tok_b81615212f8c"
		sesSum  = "ses_b81615212f8c"
		keySum  = "key_b81615212f8c"
	)
	bearer := jwt(`{"sub":"alice","org_id":"acme","sid":"0f9A8b7C6d5E4f3A2b1C"}`)
	fingerprint := (&redactor{}).fingerprint(tokenSecret, bearer)
	number := jwt(`{"sub":42,"tenant":7}`)
	numberSum := (&redactor{}).fingerprint(tokenSecret, number)
	nobody := jwt(`{"sub":"anonymous","tenant":"0"}`)
	nobodySum := (&redactor{}).fingerprint(tokenSecret, nobody)
	entra := jwt(`{"sub":"alice","tid":"72f988bf-86f1-41af-91ab-2d7cd011db47"}`)
	cognito := jwt(`{"sub":"alice","custom:tenant_id":"acme"}`)
	camel := jwt(`{"sub":"alice","organizationId":"acme","orgName":"Acme"}`)
	odd := jwt(`{"sub":{"a":1},"org":null,"tenant_id":[1]}`)
	oddSum := (&redactor{}).fingerprint(tokenSecret, odd)

	for _, test := range []struct {
		name string
		in   Fields
		want actor
	}{
		{"nobody", Fields{Target: "/?a=b"}, actor{}},
		{"a user", Fields{User: "alice@example.com"}, actor{user: "alice@example.com"}},
		{"a user with a password", Fields{User: "alice:geheim1@db.example"}, actor{user: "alice@db.example"}},
		{"a user with a colon", Fields{User: "auth0:1234"}, actor{user: "auth0:1234"}},
		{"a tenant", Fields{Tenant: "acme"}, actor{tenant: "acme"}},
		{"a tenant in a header", Fields{AskedTenant: "acme"}, actor{tenant: "acme"}},
		{"a tenant in a header, but the log knows better", Fields{AskedTenant: "other", Tenant: "acme"}, actor{tenant: "acme"}},
		{"a tenant in a header, but a JWT says another", Fields{AskedTenant: "other", Token: bearer},
			actor{user: "alice", token: fingerprint, session: sesSum, tenant: "acme"}},
		{"no tenant in a header", Fields{AskedTenant: "-"}, actor{}},

		{"a key", Fields{APIKey: liveKey}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"a key in quotes", Fields{APIKey: ` "` + liveKey + `"`}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"a key after its scheme", Fields{APIKey: "Bearer " + liveKey}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"a key without a prefix", Fields{APIKey: opaque}, actor{key: keySum}},
		{"a key that is a fingerprint", Fields{APIKey: keySum}, actor{key: keySum}},
		{"no key", Fields{APIKey: "null"}, actor{}},
		{"a key that is masked", Fields{APIKey: "[Redacted]"}, actor{}},
		{"a key that is stars", Fields{APIKey: "********"}, actor{}},
		{"a key of which the prefix is left", Fields{APIKey: "sk_live_****"}, actor{}},
		{"a key of which the end is left", Fields{APIKey: "****7f3a"}, actor{key: "key_337a33b8dc0a"}},
		{"a key that ends in x", Fields{APIKey: "0f9A8b7C6d5E4f3A2b1Cxxx"}, actor{key: "key_5868cec042e7"}},
		{"a token that is masked", Fields{Authorization: "Bearer [REDACTED]"}, actor{}},
		{"a token that is filtered", Fields{Target: "/?token=%5BFILTERED%5D"}, actor{}},
		{"a session that is masked", Fields{Cookie: "a=b; connect.sid=<redacted>"}, actor{}},
		{"a masked key beside a token", Fields{APIKey: "xxxxx", Token: opaque}, actor{token: tokSum}},
		{"a user who is none", Fields{User: "anonymous"}, actor{}},
		{"a user of a null", Fields{User: "null", Tenant: "undefined"}, actor{}},
		{"a user of nobody", Fields{User: "--"}, actor{}},
		{"a user of nobody, of Kubernetes", Fields{User: "system:anonymous"}, actor{}},
		{"a user of nobody, of Artifactory", Fields{User: "non_authenticated_user"}, actor{}},
		{"a user unknown to FortiWeb", Fields{User: "Unknown"}, actor{}},
		{"ids that were never set", Fields{User: "0", Tenant: "00000000-0000-0000-0000-000000000000"}, actor{}},
		{"a user who begins so", Fields{User: "0x7", Tenant: "none-such"}, actor{user: "0x7", tenant: "none-such"}},
		{"a JWT of nobody", Fields{Token: nobody}, actor{token: nobodySum}},
		{"a token", Fields{Token: opaque}, actor{token: tokSum}},
		{"a session", Fields{Session: opaque}, actor{session: sesSum}},

		{"bearer", Fields{Authorization: "Bearer " + opaque}, actor{token: tokSum}},
		{"bearer, lower case", Fields{Authorization: "bearer  " + opaque}, actor{token: tokSum}},
		{"bearer with a key", Fields{Authorization: "Bearer " + liveKey}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"bearer with a short prefix", Fields{Authorization: "Bearer acme_0123456789abcdef"}, actor{key: "key_49ffc4cb5548"}},
		{"bearer with a fingerprint", Fields{Authorization: "Bearer " + tokSum}, actor{token: tokSum}},
		{"no scheme", Fields{Authorization: opaque}, actor{token: tokSum}},
		{"no scheme, a key", Fields{Authorization: liveKey}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"bearer with nothing", Fields{Authorization: "Bearer "}, actor{}},
		{"bearer with -", Fields{Authorization: "Bearer -"}, actor{}},
		{"basic", Fields{Authorization: basic("alice:geheim1")}, actor{user: "alice"}},
		{"basic with a key", Fields{Authorization: basic(liveKey + ":")}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"basic without a user", Fields{Authorization: basic(":geheim1")}, actor{}},
		{"basic with garbage", Fields{Authorization: "Basic %%%"}, actor{}},
		{"api key scheme", Fields{Authorization: "ApiKey " + opaque}, actor{key: keySum}},
		{"key scheme", Fields{Authorization: "Key " + opaque}, actor{key: keySum}},
		{"token scheme", Fields{Authorization: "Token " + opaque}, actor{token: tokSum}},
		{"token scheme, a key", Fields{Authorization: "token " + liveKey}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"a token by its own word", Fields{Authorization: "Bearer tok_9f8e7d6c5b4a39281706"}, actor{token: (&redactor{}).fingerprint(tokenSecret, "tok_9f8e7d6c5b4a39281706")}},
		{"a token by its second word", Fields{Authorization: "Bearer ory_at_9f8e7d6c5b4a39281706"}, actor{token: (&redactor{}).fingerprint(tokenSecret, "ory_at_9f8e7d6c5b4a39281706")}},
		{"a key for access", Fields{Authorization: "Bearer access_key_9f8e7d6c5b4a39281706"}, actor{key: (&redactor{}).fingerprint(keySecret, "access_key_9f8e7d6c5b4a39281706")}},
		{"a token of an API", Fields{Authorization: "Bearer api_token_9f8e7d6c5b4a39281706"}, actor{key: (&redactor{}).fingerprint(keySecret, "api_token_9f8e7d6c5b4a39281706"), prefix: "api_token_"}},
		{"a word that says neither", Fields{Authorization: "Bearer acme_9f8e7d6c5b4a39281706"}, actor{key: (&redactor{}).fingerprint(keySecret, "acme_9f8e7d6c5b4a39281706")}},
		{"digest", Fields{Authorization: `Digest username="alice", realm="x", response="6629fae49393a05397450978507c4ef1"`}, actor{user: "alice"}},
		{"signed", Fields{Authorization: "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-east-1/s3/aws4_request, Signature=fe5f80f77d5fa3beca038a248ff027d0"},
			actor{key: "key_1a5d44a2dca1"}},
		{"another scheme", Fields{Authorization: "Negotiate " + opaque}, actor{}},

		{"a JWT", Fields{Authorization: "Bearer " + bearer}, actor{user: "alice", token: fingerprint, session: sesSum, tenant: "acme"}},
		{"a JWT as a token", Fields{Token: bearer}, actor{user: "alice", token: fingerprint, session: sesSum, tenant: "acme"}},
		{"a JWT in the query", Fields{Target: "/?access_token=" + bearer}, actor{user: "alice", token: fingerprint, session: sesSum, tenant: "acme"}},
		{"a JWT, but the log knows better", Fields{Token: bearer, User: "bob", Tenant: "other", Session: "abc"},
			actor{user: "bob", token: fingerprint, session: "ses_ba7816bf8f01", tenant: "other"}},
		{"the id of a token", Fields{TokenID: opaque}, actor{token: tokSum}},
		{"a JWT before its id", Fields{Authorization: "Bearer " + bearer, TokenID: opaque}, actor{user: "alice", token: fingerprint, session: sesSum, tenant: "acme"}},
		{"a JWT with numbers", Fields{Token: number}, actor{user: "42", token: numberSum, tenant: "7"}},
		{"a JWT of Entra ID", Fields{Token: entra}, actor{user: "alice", token: "tok_46b4aa283f4f", tenant: "72f988bf-86f1-41af-91ab-2d7cd011db47"}},
		{"a JWT of Cognito", Fields{Token: cognito}, actor{user: "alice", token: (&redactor{}).fingerprint(tokenSecret, cognito), tenant: "acme"}},
		{"a JWT in camel case", Fields{Token: camel}, actor{user: "alice", token: (&redactor{}).fingerprint(tokenSecret, camel), tenant: "acme"}},
		{"a JWT with odd claims", Fields{Token: odd}, actor{token: oddSum}},

		{"query: a key", Fields{Target: "/?API-Key=" + liveKey}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"query: an encoded name and value", Fields{Target: "/?api%5Fkey=%30f9A8b7C6d5E4f3A2b1C"}, actor{key: keySum}},
		{"query: a list", Fields{Target: "/?token[]=" + opaque}, actor{token: tokSum}},
		{"query: the first counts", Fields{Target: "/?token=" + opaque + "&access_token=other1"}, actor{token: tokSum}},
		{"query: a session", Fields{Target: "/?a=b;sid=" + opaque}, actor{session: sesSum}},
		{"query: in a value", Fields{Target: "/?next=/cb?token=" + opaque}, actor{}},
		{"query: no token", Fields{Target: "/?token=undefined"}, actor{}},
		{"query: key that is a key", Fields{Target: "/?key=" + liveKey}, actor{key: liveSum, prefix: "lsoc_live_"}},
		{"query: key that is a word", Fields{Target: "/?key=name"}, actor{}},
		{"header before query", Fields{Authorization: "Bearer " + opaque, Target: "/?token=other1"}, actor{token: tokSum}},

		{"cookie: sid", Fields{Cookie: "a=b; sid=" + opaque}, actor{session: sesSum}},
		{"cookie: in quotes", Fields{Cookie: `PHPSESSID="` + opaque + `"`}, actor{session: sesSum}},
		{"cookie: connect.sid", Fields{Cookie: "connect.sid=" + opaque}, actor{session: sesSum}},
		{"cookie: host prefix", Fields{Cookie: "__Host-session=" + opaque}, actor{session: sesSum}},
		{"cookie: of an application", Fields{Cookie: "_shop_session=" + opaque}, actor{session: sesSum}},
		{"cookie: laravel", Fields{Cookie: "laravel_session=" + opaque}, actor{session: sesSum}},
		{"cookie: JSESSIONID", Fields{Cookie: "JSESSIONID=" + opaque}, actor{session: sesSum}},
		{"cookie: ASP.NET", Fields{Cookie: "ASP.NET_SessionId=" + opaque}, actor{session: sesSum}},
		{"cookie: ASP", Fields{Cookie: "ASPSESSIONIDQCTB=" + opaque}, actor{session: sesSum}},
		{"cookie: an access token", Fields{Cookie: "access_token=" + opaque}, actor{token: tokSum}},
		{"cookie: the first counts", Fields{Cookie: "sid=" + opaque + "; session=other1"}, actor{session: sesSum}},
		{"cookie: none of a session", Fields{Cookie: "csrftoken=" + opaque + "; theme=dark; =; x; sid="}, actor{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := read(t, SiteConfig{}, test.in)
			got := actor{r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant}
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestKeyPrefix(t *testing.T) {
	for _, test := range []struct{ key, want string }{
		{"lsoc_live_0123456789abcdef0123456789", "lsoc_live_"},
		{"sk_test_0123456789abcdef01", "sk_test_"},
		{"lsoc_live_0123456789", ""}, // half of it would be seen
		{"lsoc_0123456789abcdef01234567890", ""},
		{"a_b_0123456789", "a_b_"},
		{"_a_0123456789abcdef", ""},
		{"a__0123456789abcdef", ""},
		{"abcdefgh_ijklmn_0123456789abcdef0123456789abcdef", ""}, // longer than 12
		{"ghp_0123456789abcdef", ""},
		{"0123456789abcdef", ""},
		{"__", ""},
		{"", ""},
	} {
		t.Run(test.key, func(t *testing.T) {
			if got := keyPrefix(test.key); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestHostileJWT(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	deep := make([]byte, 3000)
	for i := range deep {
		deep[i] = '['
	}
	for name, token := range map[string]string{
		"no header":     encode([]byte(`{"sub`)) + "." + encode([]byte(`{"sub":"x"}`)) + ".x",
		"no base64":     "eyJhbGciOiJIUzI1NiJ9.!!!.x",
		"no object":     "eyJhbGciOiJIUzI1NiJ9." + encode([]byte(`["x"]`)) + ".x",
		"deep":          "eyJhbGciOiJIUzI1NiJ9." + encode(deep) + ".x",
		"encrypted":     "eyJhbGciOiJIUzI1NiJ9.a.b.c.d",
		"two parts":     "eyJhbGciOiJIUzI1NiJ9." + encode([]byte(`{"sub":"x"}`)),
		"nothing but e": "eyJ",
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, SiteConfig{}, Fields{Token: token})
			if r.Token == "" || r.User != "" || r.Tenant != "" {
				t.Errorf("got token %q, user %q, tenant %q", r.Token, r.User, r.Tenant)
			}
		})
	}
}

// TestIdentityOfLines reads who acts from whole lines: fields of JSON, variables of
// nginx, parameters of the query. No secret may be left of them.
func TestIdentityOfLines(t *testing.T) {
	const (
		secret = "0f9A8b7C6d5E4f3A2b1C"
		key    = "key_b81615212f8c"
		token  = "tok_b81615212f8c"
		ses    = "ses_b81615212f8c"
	)
	bearer := jwt(`{"sub":"alice","org_id":"acme","sid":"` + secret + `","jti":"` + secret + `","exp":1772359200}`)
	bearerSum := (&redactor{}).fingerprint(tokenSecret, bearer)
	const before = `{"time":"2026-03-01T10:00:00Z","remote_addr":"203.0.113.9","method":"GET","path":"/a","status":200,`
	nginx := func(variable string) *Format {
		f, err := NginxLogFormat("main", `$remote_addr [$time_local] "$request" $status "`+variable+`"`, "")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	line := func(target, value string) string {
		return `203.0.113.9 [01/Mar/2026:10:00:00 +0000] "GET ` + target + ` HTTP/1.1" 200 "` + value + `"`
	}
	for _, test := range []struct {
		name   string
		format *Format
		line   string
		want   actor
	}{
		{"JSON, key", JSON(JSONConfig{}), before + `"api_key":"` + secret + `"}`, actor{key: key}},
		{"JSON, header", JSON(JSONConfig{}), before + `"headers":{"X-Api-Key":["` + secret + `"]}}`, actor{key: key}},
		{"JSON, bearer", JSON(JSONConfig{}), before + `"headers":{"authorization":"Bearer ` + secret + `"}}`, actor{token: token}},
		{"JSON, JWT", JSON(JSONConfig{}), before + `"authorization":"Bearer ` + bearer + `"}`, actor{user: "alice", token: bearerSum, session: ses, tenant: "acme"}},
		{"JSON, JWT and a user", JSON(JSONConfig{}), before + `"user":"bob","tenant":"other","token":"` + bearer + `"}`, actor{user: "bob", token: bearerSum, session: ses, tenant: "other"}},
		{"JSON, basic", JSON(JSONConfig{}), before + `"authorization":"` + basic("alice:"+secret) + `"}`, actor{user: "alice"}},
		{"JSON, session", JSON(JSONConfig{}), before + `"session_id":"` + secret + `"}`, actor{session: ses}},
		{"JSON, cookie", JSON(JSONConfig{}), before + `"cookie":"a=b; sessionid=` + secret + `"}`, actor{session: ses}},
		{"JSON, user and tenant", JSON(JSONConfig{}), before + `"user":{"id":42},"org":{"id":"acme"}}`, actor{user: "42", tenant: "acme"}},
		{"JSON, mapped", JSON(JSONConfig{Fields: map[string]string{"api_key": "who.k"}}), before + `"who":{"k":"` + secret + `"}}`, actor{key: key}},
		{"JSON, parameter", JSON(JSONConfig{}), before + `"query":"api_key=` + secret + `"}`, actor{key: key}},
		{"nginx, key", nginx("$http_x_api_key"), line("/a", secret), actor{key: key}},
		{"nginx, authorization", nginx("$http_authorization"), line("/a", "Bearer "+secret), actor{token: token}},
		{"nginx, basic", nginx("$http_authorization"), line("/a", basic("alice:"+secret)), actor{user: "alice"}},
		{"nginx, user", nginx("$remote_user"), line("/a", "alice"), actor{user: "alice"}},
		{"nginx, cookies", nginx("$http_cookie"), line("/a", "a=b; PHPSESSID="+secret), actor{session: ses}},
		{"nginx, cookie", nginx("$cookie_sessionid"), line("/a", secret), actor{session: ses}},
		{"nginx, argument", nginx("$arg_api_key"), line("/a?api_key="+secret, secret), actor{key: key}},
		{"nginx, token argument", nginx("$arg_access_token"), line("/a", secret), actor{token: token}},
		{"nginx, claim", nginx("$jwt_claim_sub"), line("/a", "alice"), actor{user: "alice"}},
		{"nginx, tenant's claim", nginx("$jwt_claim_org_id"), line("/a", "acme"), actor{tenant: "acme"}},
		{"nginx, tenant's header", nginx("$http_x_tenant_id"), line("/a", "acme"), actor{tenant: "acme"}},
		{"query, key", nginx("$http_referer"), line("/a?api_key="+secret, "-"), actor{key: key}},
		{"query, token", nginx("$http_referer"), line("/a?access_token="+secret, "-"), actor{token: token}},
		{"query, session", nginx("$http_referer"), line("/a?sid="+secret, "-"), actor{session: ses}},
		{"query, JWT", nginx("$http_referer"), line("/a?token="+bearer, "-"), actor{user: "alice", token: bearerSum, session: ses, tenant: "acme"}},
		{"not the path", nginx("$http_referer"), line("/reset/"+secret, "-"), actor{}},
		{"not the referer", nginx("$http_referer"), line("/a", "https://h.example/?api_key="+secret), actor{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rd := test.format.NewReader(site(t, SiteConfig{}), &Source{})
			var r Request
			if err := rd.Read(test.line, 1, &r); err != nil {
				t.Fatal(err)
			}
			if got := (actor{r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant}); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if shown := dump(t, rd, test.line); leak("|"+secret, shown) != "" {
				t.Errorf("shows %s of\n%s", leak("|"+secret, shown), shown)
			}
		})
	}
}

// A tenant that a header names beside the actor's own is asked for, as one in a body is.
func TestAskedTenant(t *testing.T) {
	s := site(t, SiteConfig{})
	rd := &Reader{redactor: redactor{site: s}}
	long := "a=" + strings.Repeat("x", maxBody-2)
	for _, test := range []struct{ own, header, body, want string }{
		{"acme", "globex", "", "tenant_id=globex"},
		{"acme", "a&b", "x=1", "x=1&tenant_id=a%26b"},
		{"acme", "acme", "x=1", "x=1"},
		{"", "globex", "x=1", "x=1"},
		{"acme", "", "", ""},
	} {
		r := Request{Tenant: test.own, Body: test.body}
		rd.takeAskedTenant(&r, test.header)
		if r.Body != test.want {
			t.Errorf("%q, own %q, after %q: %q; want %q", test.header, test.own, test.body, r.Body, test.want)
		}
	}
	r := Request{Tenant: "acme", Body: long}
	rd.takeAskedTenant(&r, "globex")
	if len(r.Body) != maxBody || !strings.HasSuffix(r.Body, ellipsis+"&tenant_id=globex") {
		t.Errorf("a body of %d bytes ends in %q", len(r.Body), r.Body[maxBody-30:])
	}
}
