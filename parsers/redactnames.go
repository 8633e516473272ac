package parsers

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// usualNames are the names under which secrets are sent, plain: see appendName.
var usualNames = map[string]secretKind{
	"apikey": keySecret, "xapikey": keySecret, "appkey": keySecret, "accesskey": keySecret,
	"subscriptionkey": keySecret, "ocpapimsubscriptionkey": keySecret, "key": maybeKey,

	"accesstoken": tokenSecret, "token": tokenSecret, "jwt": tokenSecret, "authtoken": tokenSecret,
	"bearertoken": tokenSecret, "xauthtoken": tokenSecret, "apitoken": tokenSecret,
	"privatetoken": tokenSecret, "oauthtoken": tokenSecret, "refreshtoken": tokenSecret,

	"session": sessionSecret, "sid": sessionSecret, "sessionid": sessionSecret, "sessid": sessionSecret,
	"jsessionid": sessionSecret, "phpsessid": sessionSecret, "sessiontoken": sessionSecret,

	"auth": otherSecret, "sig": otherSecret, "signature": otherSecret, "hmac": otherSecret,
	"password": otherSecret, "passwd": otherSecret, "pwd": otherSecret, "pass": otherSecret, "pw": otherSecret,
	"newpass": otherSecret, "oldpass": otherSecret, "userpass": otherSecret, "loginpass": otherSecret,
	"passphrase": otherSecret, "passcode": otherSecret,
	"secret": otherSecret, "secretkey": otherSecret, "secretaccesskey": otherSecret, "privatekey": otherSecret,
	"code": otherSecret, "authcode": otherSecret, "authorizationcode": otherSecret, "verificationcode": otherSecret, "otpcode": otherSecret,
	"codeverifier": otherSecret, "assertion": otherSecret, "clientassertion": otherSecret,
	"samlresponse": otherSecret, "otp": otherSecret, "totp": otherSecret, "pin": otherSecret,
	"mfacode": otherSecret, "xamzcredential": otherSecret, "xgoogcredential": otherSecret,
	"awsaccesskeyid": otherSecret, "credential": otherSecret, "credentials": otherSecret,

	"authorization": headerSecret, "proxyauthorization": headerSecret,
	"cookie": headerSecret, "setcookie": headerSecret,
}

// secretSuffixes end the plain names of secrets that are not listed.
var secretSuffixes = [...]struct {
	suffix string
	kind   secretKind
}{
	{"password", otherSecret},
	{"passwd", otherSecret},
	{"pwd", otherSecret},
	{"secret", otherSecret},
	{"secretkey", otherSecret},
	{"privatekey", otherSecret},
	{"secretaccesskey", otherSecret},
	{"signature", otherSecret},
	{"apikey", keySecret},
	{"accesstoken", tokenSecret},
	{"sessionid", sessionSecret},
	{"token", otherSecret},
}

// secretPrefixes begin the plain names of passwords that are not listed: "passwordConfirm".
var secretPrefixes = [...][]byte{[]byte("password"), []byte("passwd")}

// cursors end in "token" and are none: they name a page.
var cursors = map[string]bool{
	"pagetoken": true, "nextpagetoken": true, "prevpagetoken": true, "nexttoken": true,
	"continuationtoken": true, "paginationtoken": true, "synctoken": true, "cursortoken": true,
	"skiptoken": true, "pagingtoken": true, "resumptiontoken": true,
}

// maxName bounds the names that are looked at; of a longer one, the end counts.
const maxName = 96

// appendName appends a name in the plain form in which names are compared: percent-
// decoded, lower case, without hyphens and underscores.
func appendName(b []byte, name string) []byte {
	for i := max(0, len(name)-maxName); i < len(name); {
		c, n := name[i], 1
		if c == '%' {
			c, n = charAt(name, i)
		}
		i += n
		switch {
		case c == '-' || c == '_':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// nameKind tells what kind of secret bears a name. "user[password]", "password[]"
// and "user.password" are named by their parts.
func (s *Site) nameKind(name string) secretKind {
	var buf [maxName]byte
	plain := appendName(buf[:0], name)
	start, parts := len(plain), false
	for start > 0 && (isPlainByte(plain[start-1]) || isJoint(plain[start-1])) {
		start--
		parts = parts || isJoint(plain[start])
	}
	plain = plain[start:]
	if kind := s.plainKind(plain); kind != noSecret || !parts {
		return kind
	}
	for end := len(plain); end > 0; {
		begin := end
		for begin > 0 && isPlainByte(plain[begin-1]) {
			begin--
		}
		if kind := s.plainKind(plain[begin:end]); kind != noSecret {
			return kind
		}
		end = begin - 1
	}
	return noSecret
}

// nameKind is that of the site, which takes ten times as long for a name that is not
// remembered.
func (x *redactor) nameKind(name string) secretKind {
	if name == "" {
		return noSecret
	}
	if x.names == nil {
		return x.site.nameKind(name)
	}
	known := &x.names[(uint(len(name))*31+uint(name[0])*7+uint(name[len(name)-1]))%maxNames]
	if string(known.text[:known.size]) == name {
		return known.kind
	}
	kind := x.site.nameKind(name)
	if len(name) <= len(known.text) {
		known.size, known.kind = uint8(copy(known.text[:], name)), kind
	}
	return kind
}

// isPlainByte reports whether c may be of a part of a name.
func isPlainByte(c byte) bool { return isAlnum(c) || c >= utf8.RuneSelf }

// isJoint reports whether c stands between the parts of a name.
func isJoint(c byte) bool { return c == '[' || c == ']' || c == '.' }

// plainKind tells what kind of secret bears a plain name: one that is listed, or such a name
// with a digit behind it, as of a password that is given twice.
func (s *Site) plainKind(plain []byte) secretKind {
	if kind, ok := s.names[string(plain)]; ok {
		return kind
	}
	if last := len(plain) - 1; last > 0 && '1' <= plain[last] && plain[last] <= '9' && isLetter(plain[last-1]) {
		switch kind := s.plainKind(plain[:last]); kind {
		case keySecret, tokenSecret, sessionSecret: // but nobody is known by it
			return otherSecret
		default:
			return kind
		}
	}
	for _, prefix := range secretPrefixes {
		if bytes.HasPrefix(plain, prefix) {
			return otherSecret
		}
	}
	for _, x := range secretSuffixes {
		if n := len(plain) - len(x.suffix); n > 0 && string(plain[n:]) == x.suffix && !cursors[string(plain)] {
			return x.kind
		}
	}
	return noSecret
}

// cookieKind tells what kind of secret a cookie of that name carries.
func (s *Site) cookieKind(name string) secretKind {
	name = withoutCookiePrefix(name)
	var buf [maxName]byte
	plain := string(appendName(buf[:0], name))
	if s.cookies[plain] {
		return sessionSecret
	}
	if kind := s.nameKind(name); kind != noSecret && kind != otherSecret {
		return kind
	}
	for _, end := range [...]string{"session", "sessionid", "sessid", "sess", "sessiontoken", ".sid"} {
		if strings.HasSuffix(plain, end) {
			return sessionSecret
		}
	}
	if strings.HasPrefix(plain, "session") || strings.HasPrefix(plain, "aspsessionid") {
		return sessionSecret
	}
	return noSecret
}

// withoutCookiePrefix drops what browsers give a meaning to.
func withoutCookiePrefix(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "__Host-"), "__Secure-")
}

// isSecret tells whether it is a secret that bears the name.
func (x *redactor) isSecret(name string) bool {
	kind := x.nameKind(name)
	return kind != noSecret && kind != maybeKey
}

// maxNames is how many names are remembered: few tell most queries apart.
const maxNames = 64

// A knownName is a name that was met before, if it fits.
type knownName struct {
	text [30]byte
	size uint8
	kind secretKind
}
