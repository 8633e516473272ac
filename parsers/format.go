// Package parsers turns lines of access logs into Requests.
//
// A Format knows how one kind of line is written and gives its Fields, raw. A
// Reader puts Fields into normal form: who the client is behind trusted proxies,
// who acts, which route the path belongs to; there secrets become fingerprints.
// The package knows nothing of files (parsers/source) and judges nothing (detect).
package parsers

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// A Format is one way of writing an access log.
type Format struct {
	Name    string   // "nginx-combined"
	Doc     string   // one line, then an empty one, then the whole story
	Samples []string // lines of this format, each read without an error or, by one of Headers, for those that follow
	// Given is what a format that was made at run time was made from, beside its name:
	// the text of a log_format. It is "" for the others.
	Given string
	// Headers are what the lines begin with, without an envelope, that say how later ones
	// are read; none if every line stands alone.
	Headers []string
	// New returns a parse function for one source. It may keep memory of that
	// source (a header, the last time stamp) and is used by one goroutine.
	New func() ParseFunc
}

// A ParseFunc reads one line, without its line end, into f, which is reset. Strings in
// f may share the line's memory. An error is a *Reject.
type ParseFunc func(line string, f *Fields) error

// Fields is a line as its format reads it, before anything is decided about it.
// It may hold secrets and does not leave this package but for tests and explain.
type Fields struct {
	Time         time.Time
	Remote       string // address the server saw, with or without port
	ForwardedFor string // X-Forwarded-For as logged
	User         string
	Method       string
	Target       string // request target: path with query, or absolute URL
	Host         string // Host header or authority
	Status       int
	Bytes        int64         // -1 if not logged
	Duration     time.Duration // -1 if not logged
	UserAgent    string
	Referer      string
	RequestID    string
	Body         string // what the client sent, as logged

	APIKey        string // an API key as sent
	Authorization string // the whole header, with its scheme
	Cookie        string // the whole header
	Token         string // an access token as sent
	TokenID       string // what stands for the token in the log, if that is not there
	Session       string // a session id as sent
	Tenant        string
	AskedTenant   string // what a header of the client's says the tenant is
	Records       int64  // -1 if not logged
}

// reset makes f the Fields of a line that says nothing.
func (f *Fields) reset() {
	*f = Fields{}
	f.Bytes, f.Duration, f.Records = -1, -1, -1
}

// A Reject says why a line gave no Request.
type Reject struct {
	Reason string // class of the fault, from a small fixed set: rejects are counted by it
	Value  string // the offending text, raw; may be empty
	// Skip tells that the line is no request by the rules of its format: a
	// header, a comment, a blank line, another logger's line. It is counted apart
	// and does not speak against the format.
	Skip bool
}

// Error says the reason and the offending text, quoted.
func (e *Reject) Error() string {
	if e.Value == "" {
		return e.Reason
	}
	v := e.Value
	if len(v) > 80 {
		v = v[:80] + "…"
	}
	return fmt.Sprintf("%s: %q", e.Reason, v)
}

// Reading names what the reading of a line depends on: lines that are read by formats
// of one name and one Reading give the same requests. It is "" for a format of All and
// a site that says nothing.
func (f *Format) Reading(site *Site) string {
	if f.Given == "" && site.Fingerprint() == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(f.Given + "\x00" + site.Fingerprint()))
	return fmt.Sprintf("%x", sum[:8])
}

// All returns the formats in the order in which they are tried on an unknown log,
// the most telling first.
func All() []*Format {
	return []*Format{
		ALB(),
		ELB(),
		S3(),
		HAProxy(),
		W3C(),
		JSON(JSONConfig{}),
		APIGateway(),
		LTSV(),
		CEF(),
		F5(),
		UWSGI(),
		Gin(),
		Beego(),
		Fiber(),
		Bunny(),
		Iris(),
		Barracuda(),
		OAuth2Proxy(),
		Squid(),
		IIS(),
		Zoraxy(),
		PHPServer(),
		PHPFPM(),
		Gorouter(),
		CouchDB(),
		Artifactory(),
		OpenStack(),
		Swift(),
		Synapse(),
		MatrixAuth(),
		Bitbucket(),
		Confluence(),
		Gitea(),
		Werkzeug(),    // which these read too, but for what they do not count
		NginxCommon(), // as those to combined stricter than it, which reads their lines too
		Rack(),
		TraefikCLF(),
		NginxIngress(),
		APISIX(),
		HuaweiELB(),
		KeyCDN(),
		NginxCombined(),
		Envoy(),
		ApacheSSLRequest(),
		NginxProxyManager(),
		Chi(),
		Uvicorn(),
		Actix(),
		Warp(),
		Sanic(),
		Granian(),
		Tornado(),
		Morgan(),
		Rails(),
		Logfmt(),
	}
}

// ByName returns the format of that name, or nil.
func ByName(name string) *Format {
	for _, f := range All() {
		if f.Name == name {
			return f
		}
	}
	return nil
}
