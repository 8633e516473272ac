package parsers

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// A secretKind says what a secret is for, and so what takes its place.
type secretKind uint8

const (
	noSecret      secretKind = iota
	keySecret                // an API key: "key_" and a fingerprint
	tokenSecret              // an access token: "tok_" and a fingerprint
	sessionSecret            // a session id: "ses_" and a fingerprint
	otherSecret              // a password, a signature, a code: "[redacted]"
	headerSecret             // a header of credentials, to its end: "[redacted]"
	maybeKey                 // an API key if it looks like one
)

// redacted stands where a secret stood that nothing is to be told by.
const redacted = "[redacted]"

// fingerprintPrefix are the first letters of a fingerprint, by kind.
var fingerprintPrefix = [...]string{keySecret: "key_", tokenSecret: "tok_", sessionSecret: "ses_"}

// Lengths of a fingerprint and of the hash in it.
const (
	hashDigits     = 12
	fingerprintLen = len("key_") + hashDigits
)

// isFingerprint reports whether s is a secret's fingerprint, of any kind.
func isFingerprint(s string) bool {
	if len(s) != fingerprintLen || s[3] != '_' {
		return false
	}
	if p := s[:4]; p != "key_" && p != "tok_" && p != "ses_" {
		return false
	}
	for i := 4; i < len(s); i++ {
		if c := s[i]; !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Bounds of what is remembered of secrets: how many, and how long each may be.
const (
	maxKnown    = 1024
	maxKnownLen = 4 << 10
)

// A known secret is one that was met before.
type known struct {
	kind   secretKind
	secret string
}

// claims are what the payload of a JWT says of who bears it. Nothing vouches for
// them: the signature is not checked.
type claims struct {
	user, tenant, session string
}

// fingerprint returns what stands for a secret of the kind: the same for the same
// secret, wherever it was met.
func (x *redactor) fingerprint(kind secretKind, secret string) string {
	if isFingerprint(secret) {
		return secret
	}
	if f, ok := x.fingerprints[known{kind, secret}]; ok {
		return f
	}
	sum := sha256.Sum256([]byte(secret))
	text := append(make([]byte, 0, fingerprintLen), fingerprintPrefix[kind]...)
	for _, c := range sum[:hashDigits/2] {
		text = appendHex(text, c)
	}
	f := string(text)
	if x.fingerprints != nil && len(secret) <= maxKnownLen {
		if len(x.fingerprints) == maxKnown {
			clear(x.fingerprints)
		}
		x.fingerprints[known{kind, strings.Clone(secret)}] = f
	}
	return f
}

// Fingerprints returns what stands in requests for a secret, be it an API key, a token or
// a session: whoever holds a leaked one can look for it.
func Fingerprints(secret string) []string {
	x := redactor{}
	secret = bareSecret(secret)
	var all []string
	for _, kind := range []secretKind{keySecret, tokenSecret, sessionSecret} {
		if secret != "" && !isFingerprint(secret) {
			all = append(all, x.fingerprint(kind, secret))
		}
	}
	return all
}

// mask returns what is shown in place of a secret.
func (x *redactor) mask(kind secretKind, secret string) string {
	switch kind {
	case keySecret, tokenSecret, sessionSecret:
		if secret = bareSecret(percentDecoded(secret)); secret != "" && secret[0] != '[' && secret[0] != '{' { // of several nobody is known
			return x.fingerprint(kind, secret)
		}
	}
	return redacted
}

// bareSecret strips what is written around a secret and returns "" for what
// stands where there is none.
func bareSecret(s string) string {
	s = strings.Trim(s, " \t\"'")
	switch s {
	case "-", "--", "null", "undefined", "none", "(null)":
		return ""
	}
	if isMasked(s) {
		return ""
	}
	return s
}

// isMasked tells whether s is what a logger wrote in the place of a secret, the same for all:
// "[Redacted]", "***", "sk_live_****".
func isMasked(s string) bool {
	const longest = 64
	if len(s) < 3 || len(s) > longest || isDigit(s[0]) {
		return false
	}
	switch last := s[len(s)-1]; last {
	case '*', 'x', 'X', '.', '#':
		if rest := strings.TrimRight(s, s[len(s)-1:]); len(s)-len(rest) >= 3 && (rest == "" || last == '*' && rest[len(rest)-1] == '_') {
			return true
		}
	}
	word := strings.Trim(s, "[](){}<>*_")
	for _, known := range [...]string{"redacted", "filtered", "masked", "hidden", "removed", "omitted", "secret", "sanitized", "scrubbed", "protected", "n/a"} {
		if len(word) == len(known) && strings.EqualFold(word, known) {
			return true
		}
	}
	return false
}

// named returns the name of a user or a tenant, or "" for what programs write where there is none.
func named(s string) string {
	switch s {
	case "-", "--", "null", "NULL", "(null)", "<null>", "nil", "<nil>", "none", "None", "undefined", "unknown", "Unknown", "N/A", "n/a",
		"anonymous", "Anonymous", "AnonymousUser", "anonymousUser", "system:anonymous", "non_authenticated_user":
		return ""
	}
	if s != "" && s[0] == '0' && strings.Trim(s, "0-") == "" { // a number or a UUID that was never set
		return ""
	}
	return s
}

// credentials are secrets as they were found, percent-encoded perhaps; the first
// of each kind.
type credentials struct {
	key, token, session string
}

func (c *credentials) add(kind secretKind, secret string) {
	switch {
	case kind == keySecret && c.key == "":
		c.key = secret
	case kind == tokenSecret && c.token == "":
		c.token = secret
	case kind == sessionSecret && c.session == "":
		c.session = secret
	}
}

// any tells whether there are any.
func (c *credentials) any() bool { return len(c.key)|len(c.token)|len(c.session) > 0 }

// identifies tells whether the line says anything of who acts, but for an address.
func (f *Fields) identifies() bool {
	return len(f.User)|len(f.Tenant)|len(f.AskedTenant)|len(f.APIKey)|len(f.Session)|len(f.Token)|len(f.TokenID)|len(f.Authorization)|len(f.Cookie) > 0
}

// identify puts on r, on which there is nothing yet, who acts by what the log says, the most direct first: fields
// of the log, the Authorization header, the query, the cookies. What a JWT claims
// counts only where nothing else is said.
func (rd *Reader) identify(r *Request, f *Fields, inQuery *credentials) {
	rd.takeUser(r, f.User, "the user the log names")
	if tenant := named(f.Tenant); tenant != "" {
		r.Tenant, rd.why.tenant = rd.said(tenant, maxText), "the tenant the log names"
	}
	rd.takeKey(r, f.APIKey, "the API key the log names")
	rd.takeSession(r, f.Session, "the session the log names")
	rd.takeToken(r, f.Token, "the token the log names")
	rd.takeAuthorization(r, f.Authorization)
	rd.takeKey(r, percentDecoded(inQuery.key), "a parameter of the query")
	rd.takeToken(r, percentDecoded(inQuery.token), "a parameter of the query")
	rd.takeSession(r, percentDecoded(inQuery.session), "a parameter of the query")
	rd.takeCookies(r, f.Cookie)
	rd.takeToken(r, f.TokenID, "the id of a token that the log names")
	rd.takeAskedTenant(r, logged(f.AskedTenant))
}

// takeAskedTenant takes the tenant that a header names. The client may write there what it likes, but
// often a gateway does: it is the actor's own where nothing else is known, else it is asked for,
// as a parameter of the body asks.
func (rd *Reader) takeAskedTenant(r *Request, tenant string) {
	if tenant == "" {
		return
	}
	tenant = rd.said(tenant, maxText)
	if r.Tenant == "" {
		r.Tenant, rd.why.tenant = tenant, "a header of the request"
		return
	}
	if tenant == r.Tenant {
		return
	}
	asked := "tenant_id=" + url.QueryEscape(tenant)
	if r.Body != "" {
		asked = "&" + asked
	}
	r.Body = cut(r.Body, maxBody-len(asked)) + asked
}

// said returns a name as it may be stored: clean, without secrets, and at most max
// bytes long.
func (rd *Reader) said(name string, max int) string {
	return cut(rd.redact(clean(name), inText, nil), max)
}

func (rd *Reader) takeUser(r *Request, user, why string) {
	user = named(user)
	if r.User != "" || user == "" {
		return
	}
	// "alice:secret@db" is alice.
	if colon := strings.IndexByte(user, ':'); colon > 0 {
		if at := strings.LastIndexByte(user, '@'); at > colon && !strings.HasPrefix(user[colon:], "://") {
			user = user[:colon] + user[at:]
		}
	}
	r.User, rd.why.user = rd.said(user, maxUser), why
}

func (rd *Reader) takeKey(r *Request, key, why string) {
	if key == "" || r.APIKey != "" {
		return
	}
	key = bareSecret(withoutScheme(key))
	if key == "" {
		return
	}
	r.APIKey, rd.why.key = rd.fingerprint(keySecret, key), why
	r.KeyPrefix = keyPrefix(key)
}

func (rd *Reader) takeSession(r *Request, session, why string) {
	if session == "" || r.Session != "" {
		return
	}
	if session = bareSecret(session); session != "" {
		r.Session, rd.why.session = rd.fingerprint(sessionSecret, session), why
	}
}

func (rd *Reader) takeToken(r *Request, token, why string) {
	if token == "" || r.Token != "" {
		return
	}
	token = bareSecret(withoutScheme(token))
	if token == "" {
		return
	}
	r.Token, rd.why.token = rd.fingerprint(tokenSecret, token), why
	c := rd.claimsOf(token)
	const claimed = "a claim of the token, which is not verified"
	rd.takeUser(r, c.user, claimed)
	rd.takeSession(r, c.session, claimed)
	if tenant := named(c.tenant); r.Tenant == "" && tenant != "" {
		r.Tenant, rd.why.tenant = rd.said(tenant, maxText), claimed
	}
}

// withoutScheme drops the scheme before a secret that was logged with it.
func withoutScheme(s string) string {
	if scheme, rest, ok := strings.Cut(s, " "); ok && strings.EqualFold(scheme, "bearer") {
		return rest
	}
	return s
}

// takeAuthorization reads an Authorization header.
func (rd *Reader) takeAuthorization(r *Request, header string) {
	header = bareSecret(header)
	if header == "" {
		return
	}
	const why = "the Authorization header"
	scheme, secret, ok := strings.Cut(header, " ")
	if !ok {
		if !strings.ContainsAny(header, "0123456789") {
			return // a scheme alone
		}
		scheme, secret = "bearer", header // the scheme was left out
	}
	secret = strings.TrimSpace(secret)
	is := func(known ...string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, scheme) })
	}
	switch {
	case is("basic"):
		rd.takeBasic(r, secret)
	case is("apikey", "api-key", "x-api-key", "key"):
		rd.takeKey(r, secret, why)
	case is("bearer", "token", "oauth", "jwt"):
		if looksLikeKey(secret) && !namesToken(secret) {
			rd.takeKey(r, secret, why)
			return
		}
		rd.takeToken(r, secret, why)
	case is("digest"):
		if _, rest, ok := strings.Cut(secret, `username="`); ok {
			user, _, _ := strings.Cut(rest, `"`)
			rd.takeUser(r, user, why)
		}
	case is("aws4-hmac-sha256"):
		if _, rest, ok := strings.Cut(secret, "Credential="); ok {
			key, _, _ := strings.Cut(rest, "/")
			rd.takeKey(r, key, why)
		}
	}
}

// takeBasic reads the credentials of the scheme Basic: a user, or an API key in
// the user's place. The password is dropped.
func (rd *Reader) takeBasic(r *Request, encoded string) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return
	}
	user, _, ok := strings.Cut(string(raw), ":")
	if !ok {
		return
	}
	const why = "the Authorization header"
	if looksLikeKey(user) {
		rd.takeKey(r, user, why)
		return
	}
	rd.takeUser(r, user, why)
}

// takeCookies reads a Cookie header for a session or a token.
func (rd *Reader) takeCookies(r *Request, header string) {
	for rest := logged(header); rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, ";")
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || value == "" {
			continue
		}
		switch rd.site.cookieKind(name) {
		case sessionSecret:
			rd.takeSession(r, value, "a cookie")
		case tokenSecret:
			rd.takeToken(r, value, "a cookie")
		}
	}
}

// claimsOf reads the payload of a JWT. What is none claims nothing.
func (rd *Reader) claimsOf(token string) claims {
	if !strings.HasPrefix(token, "eyJ") || len(token) > maxKnownLen {
		return claims{}
	}
	if c, ok := rd.claims[token]; ok {
		return c
	}
	c := rd.site.readClaims(token)
	if len(rd.claims) == maxKnown {
		clear(rd.claims)
	}
	rd.claims[strings.Clone(token)] = c
	return c
}

func (s *Site) readClaims(token string) claims {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !isObject(parts[0]) {
		return claims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return claims{}
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(payload, &all) != nil {
		return claims{}
	}
	c := claims{user: claim(all["sub"]), session: claim(all["sid"])}
	for _, name := range s.tenantClaims {
		if c.tenant = claim(all[name]); c.tenant != "" {
			break
		}
	}
	return c
}

// isObject reports whether a part of a JWT is a JSON object.
func isObject(part string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	return err == nil && len(raw) > 0 && raw[0] == '{' && json.Valid(raw)
}

// claim returns a claim that is a string or a number as text, else "".
func claim(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

// keyPrefix returns what may be seen of an API key: "lsoc_live_" of a key that
// begins so, and "" of any other.
func keyPrefix(key string) string {
	const longest = 12
	underscores := 0
	for i := 0; i < len(key) && i < longest; i++ {
		switch c := key[i]; {
		case isLetter(c):
		case c != '_' || i == 0 || key[i-1] == '_':
			return ""
		default:
			if underscores++; underscores < 2 {
				continue
			}
			if 3*(i+1) > len(key) {
				return ""
			}
			return key[:i+1]
		}
	}
	return ""
}
