package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/report/store"
)

// planted makes secrets and remembers them.
type planted struct{ secrets []string }

// next returns a secret of n characters that stands nowhere else.
func (p *planted) next(n int) string {
	sum := sha256.Sum256(fmt.Append(nil, "secret ", len(p.secrets)))
	s := strings.NewReplacer("-", "x", "_", "y").Replace(base64.RawURLEncoding.EncodeToString(append(sum[:], sum[:]...)))[:n]
	p.secrets = append(p.secrets, s)
	return s
}

// jwt returns a token whose signature is the secret.
func (p *planted) jwt() string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(`{"sub":"u1","org":"o1"}`) + "." + p.next(43)
}

// basic returns credentials as a header bears them.
func (p *planted) basic() string {
	password := p.next(14)
	b := base64.StdEncoding.EncodeToString([]byte("alice:" + password))
	p.secrets = append(p.secrets, b)
	return b
}

// No secret that a log holds is in any byte that the tool writes: not in the database,
// not in a report, not in what is said of lines and files that cannot be read.
func TestNoSecretWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	p := &planted{}
	put := func(name string, lines ...string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	const at = `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] `
	combined := func(target, referer, agent string, status int) string {
		return fmt.Sprintf(at+`"GET %s HTTP/1.1" %d 12 %q %q`, target, status, referer, agent)
	}
	var lines []string
	for _, name := range []string{"api_key", "apikey", "key", "access_token", "token", "password", "passwd", "pwd", "client_secret", "auth", "sig",
		"code", "sessionid", "id_token", "X-Api-Key", "user[password]", "new_password", "otp", "Authorization", "PASSWORD", "p%61ssword"} {
		lines = append(lines, combined("/q?a=1&"+name+"="+p.next(24)+"&b=2", "-", "curl/8", 200))
	}
	for range 12 {
		lines = append(lines, combined("/login?user=bob&password="+p.next(10), "-", "curl/8", 401))
	}
	lines = append(lines,
		combined("/x?next=%2Flogin%3Ftoken%3D"+p.next(24), "-", "-", 200),
		combined("/x?u=https%3A%2F%2Fbob%3A"+p.next(14)+"%40example.com%2F", "-", "-", 200),
		combined("/p/"+p.jwt(), "-", "-", 200),
		combined("/k/sk_live_"+p.next(24), "-", "-", 200),
		combined("/ok?x="+p.jwt(), "-", "-", 200),
		combined("/ok", "https://example.com/cb?access_token="+p.next(30), "-", 200),
		combined("/ok", "https://example.com/cb#access_token="+p.next(30), "-", 200),
		combined("/ok", "https://u:"+p.next(12)+"@example.com/", "-", 200),
		combined("/ok", "-", "bot token="+p.next(30), 200),
		combined("/ok", "-", "Bearer "+p.jwt(), 200),
		// Lines that cannot be read.
		"garbage password="+p.next(14),
		"garbage Authorization: Basic "+p.basic(),
		"garbage Authorization: Bearer "+p.next(40),
		"Cookie: session="+p.next(30),
		at+`"GET /?token=`+p.next(30),
		at+`"GET / HTTP/1.1" `+p.next(30)+` 1 "-" "-"`,
		`203.0.113.9 - - [`+p.next(30)+`] "GET / HTTP/1.1" 200 1 "-" "-"`,
		at+`"password=`+p.next(20)+`" 400 1 "-" "-"`,
	)
	put("combined.log", lines...)
	said := lines // what is told to explain

	const format = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_authorization" "$http_cookie" "$http_x_api_key"`
	headers := func(auth, cookie, key string, status int) string {
		return fmt.Sprintf(at+`"GET /api/me HTTP/1.1" %d 12 "%s" "%s" "%s"`, status, auth, cookie, key)
	}
	lines = []string{
		headers("Bearer "+p.jwt(), "-", "-", 200),
		headers("bearer "+p.next(8), "-", "-", 200),
		headers("Basic "+p.basic(), "-", "-", 200),
		headers("Token token="+p.next(30), "-", "-", 200),
		headers(p.next(30), "-", "-", 200),
		headers("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/iam/aws4_request, Signature="+p.next(40), "-", "-", 200),
		headers("-", "session="+p.next(30)+"; _ga=GA1.2.33; csrftoken="+p.next(30), "-", 200),
		headers("-", "foo="+p.next(30), "-", 200),
		headers("-", "jwt="+p.jwt(), "-", 200),
		headers("-", "-", "acme_live_"+p.next(30), 200),
		headers("-", "-", p.next(10), 200),
		`broken "Bearer ` + p.next(30) + `"`,
		strings.Replace(headers("-", "foo="+p.next(20), p.next(20), 200), "01/Mar", "xx", 1),
	}
	for range 25 {
		lines = append(lines, headers("-", "-", "acme_live_"+p.next(24), 401)) // guessed keys: an incident
	}
	put("headers.log", lines...)
	saidOfHeaders := lines

	alb := func(target, redirect string) string {
		return `https 2026-03-01T10:00:00.000000Z app/my/50dc 203.0.113.8:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://api.example.com:443` + target +
			` HTTP/1.1" "curl" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/73e2 "Root=1-58337281-1d84f3d73c47ec4e58577259" "api.example.com" "-" 1 2026-03-01T10:00:00.000000Z "forward" "` +
			redirect + `" "-" "10.0.0.1:80" "200" "-" "-"`
	}
	lines = []string{
		alb("/x?api_key="+p.next(30), "-"), alb("/x?X-Amz-Signature="+p.next(40), "-"), alb("/x", "https://idp.example.com/cb?code="+p.next(30)),
		"https nonsense password=" + p.next(20),
	}
	put("alb.log", lines...)
	said = append(said, lines...)

	object := func(more string) string {
		return `{"time":"2026-03-01T10:00:00Z","remote_addr":"203.0.113.7","method":"GET","path":"/api/me","status":200,` + more + `}`
	}
	lines = []string{
		object(`"authorization":"Bearer ` + p.next(30) + `"`),
		object(`"headers":{"cookie":"sid=` + p.next(30) + `","x-api-key":"` + p.next(30) + `"}`),
		object(`"body":{"password":"` + p.next(12) + `"},"msg":"login password=` + p.next(12) + `"`),
		object(`"token":"` + p.next(30) + `","session_id":"` + p.next(30) + `"`),
		object(`"user":"` + p.jwt() + `"`),
		object(`"request_id":"sk_live_` + p.next(24) + `"`),
		`{"time":"bad","password":"` + p.next(12) + `"}`,
		`{"time":"2026-03-01T10:00:00Z","password":"` + p.next(12),
	}
	put("json.log", lines...)
	said = append(said, lines...)

	for i, line := range []string{"Dear diary, password=" + p.next(12), "the key is sk_live_" + p.next(24), "Bearer " + p.next(24)} {
		put(fmt.Sprintf("unknown%d.txt", i), line)
		said = append(said, line)
	}

	var written bytes.Buffer // all that is said
	run := func(args ...string) {
		cmd := exec.Command("litesoc", args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &written, &written
		cmd.Run() // most of this fails, as it should
	}
	const db = "written.duckdb"
	run("scan", "--db", db, "--output", "text", "--output", "json", "--output", "json=written.json",
		"combined.log", "alb.log", "json.log", "unknown0.txt", "unknown1.txt", "unknown2.txt")
	run("scan", "--db", db, "--format", format, "--output", "text", "--output", "json", "headers.log")
	run("scan", "--db", db, "unknown1.txt")
	run("scan", "--db", ":memory:", "--format", format, "combined.log", "json.log") // all rejects
	for _, table := range []string{"requests", "sources", "rejects", "events", "alerts", "incidents", "activity", "callers", "calls", "targets", "referers"} {
		for _, output := range []string{"table", "json", "csv"} {
			run("sql", "--db", db, "--output", output, "select * from "+table)
		}
	}
	q, err := store.OpenQuery(filepath.Join(dir, db))
	if err != nil {
		t.Fatal(err)
	}
	err = q.States(func(stage string, st keyed.Saved) error {
		_, err := fmt.Fprintf(&written, "%s %s %s %s\n", stage, st.Machine, st.Key, st.State)
		return err
	})
	if err = errors.Join(err, q.Close()); err != nil {
		t.Fatal(err)
	}
	for _, line := range said {
		run("explain", line)
	}
	for _, line := range saidOfHeaders {
		run("explain", "--format", format, line)
	}
	for _, want := range []string{"auth.api_key_invalid", "garbage", "key_"} {
		if !strings.Contains(strings.ToLower(written.String()), strings.ToLower(want)) {
			t.Errorf("nothing says %q: the logs were not read as they should be", want)
		}
	}

	bytesOf := map[string][]byte{"what was printed": written.Bytes()}
	files, err := filepath.Glob(filepath.Join(dir, "written.*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %q (%v)", files, err)
	}
	for _, f := range files {
		if bytesOf[filepath.Base(f)], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range bytesOf {
		lower := bytes.ToLower(text)
		for _, secret := range p.secrets {
			// A good part of a secret is one too.
			part := secret
			if len(secret) >= 15 {
				part = secret[:len(secret)*2/3]
			}
			if i := bytes.Index(lower, bytes.ToLower([]byte(part))); i >= 0 {
				t.Errorf("%s holds %q: …%q…", name, part, text[max(0, i-60):min(len(text), i+len(part)+20)])
			}
		}
	}
}
