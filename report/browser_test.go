package report

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/detect"
)

// A browser is a headless Chromium, driven by the WebDriver protocol.
// https://www.w3.org/TR/webdriver2/
type browser struct {
	t       *testing.T
	session string // URL
}

// openBrowser starts one, or skips the test where none is installed.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	driver, err := exec.LookPath("chromedriver")
	if err != nil {
		t.Skip("no chromedriver: not tested in a browser")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, driver, "--port=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait() // killed
	})
	port := ""
	started := regexp.MustCompile(`started successfully on port (\d+)`)
	for lines := bufio.NewScanner(out); port == "" && lines.Scan(); {
		if m := started.FindStringSubmatch(lines.Text()); m != nil {
			port = m[1]
		}
	}
	if port == "" {
		t.Fatal("chromedriver does not say its port")
	}
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(), "--window-size=1200,900"}
	b := &browser{t, "http://127.0.0.1:" + port + "/session"}
	var made struct{ SessionID string }
	b.call("POST", "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"goog:chromeOptions": map[string]any{"args": args},
		"goog:loggingPrefs":  map[string]string{"browser": "ALL", "performance": "ALL"},
	}}}, &made)
	b.session += "/" + made.SessionID
	t.Cleanup(func() { b.call("DELETE", "", nil, nil) })
	return b
}

// call makes a call of the protocol and reads its value.
func (b *browser) call(method, path string, body, value any) {
	b.t.Helper()
	var text []byte
	var err error
	if method == "POST" {
		if text, err = json.Marshal(body); err != nil {
			b.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, b.session+path, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		b.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %s", method, path, answer.Value)
	}
	if value == nil {
		return
	}
	if err := json.Unmarshal(answer.Value, value); err != nil {
		b.t.Fatalf("%s %s: %v: %s", method, path, err, answer.Value)
	}
}

// open opens a report as a page from disk, and returns its address.
func (b *browser) open(r *Report) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "report.html")
	if err := os.WriteFile(path, write(b.t, HTML(), r, Look{}), 0o600); err != nil {
		b.t.Fatal(err)
	}
	page := (&url.URL{Scheme: "file", Path: path}).String()
	b.call("POST", "/url", map[string]string{"url": page}, nil)
	return page
}

// eval evaluates an expression in the page, again for some seconds until it is true where
// it is a question.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	var v any
	b.call("POST", "/execute/async", map[string]any{"args": []any{}, "script": `
		const done = arguments[arguments.length - 1], ask = () => { try { return (` + expression + `) } catch (e) { return String(e) } };
		const until = performance.now() + 5000;
		const again = () => { const v = ask(); if (v !== false || performance.now() > until) done(v); else setTimeout(again, 20) };
		again()`}, &v)
	return v
}

func (b *browser) want(expression string) {
	b.t.Helper()
	if v := b.eval(expression); v != true {
		b.t.Errorf("%s is %v", expression, v)
	}
}

// quiet checks that the page complained of nothing and asked for nothing but itself.
func (b *browser) quiet(page string) {
	b.t.Helper()
	var logged []struct{ Level, Message string }
	b.call("POST", "/se/log", map[string]string{"type": "browser"}, &logged)
	for _, l := range logged {
		b.t.Errorf("the console says %s: %s", l.Level, l.Message)
	}
	b.call("POST", "/se/log", map[string]string{"type": "performance"}, &logged)
	requests := 0
	for _, l := range logged {
		var m struct {
			Message struct {
				Method string
				Params struct{ Request struct{ URL string } }
			}
		}
		if err := json.Unmarshal([]byte(l.Message), &m); err != nil {
			b.t.Fatal(err)
		}
		if m.Message.Method != "Network.requestWillBeSent" {
			continue
		}
		requests++
		if got, _, _ := strings.Cut(m.Message.Params.Request.URL, "#"); got != page && !strings.HasPrefix(got, "data:") && !strings.HasPrefix(got, "chrome") {
			b.t.Errorf("asked for %s", got)
		}
	}
	if requests == 0 {
		b.t.Error("no request is logged, not even that of the page")
	}
}

func TestHTMLInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	b := openBrowser(t)
	r := withIncidents()
	page := b.open(r)
	b.want(`document.querySelector("h1").textContent === "3 incidents (1 critical, 1 high, 1 medium)"`)
	b.want(`document.querySelectorAll("details.incident").length === 3`)

	// The filter, by words and by severity.
	b.eval(`(document.getElementById("q").value = "ALICE logged", document.getElementById("q").dispatchEvent(new Event("input")), true)`)
	b.want(`Array.from(document.querySelectorAll("details.incident:not([hidden])"), e => e.id).join() === "inc_0a"`)
	b.want(`document.getElementById("shown").textContent === "1 incident and 0 alerts match"`)
	b.eval(`(document.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true})), true)`)
	b.want(`document.activeElement.id === "q"`)
	b.eval(`(document.getElementById("q").dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true})), true)`)
	b.want(`document.querySelectorAll("details.incident:not([hidden])").length === 3`)
	b.eval(`(document.querySelector("#filter input[value=critical]").click(), true)`)
	b.want(`Array.from(document.querySelectorAll("details.incident:not([hidden])"), e => e.id).join() === "inc_0b,inc_0c"`)

	// A deep link opens its incident, though it was filtered away.
	b.eval(`(location.hash = "#inc_0a", true)`)
	b.want(`document.getElementById("inc_0a").open && !document.getElementById("inc_0a").hidden`)

	// Sorting, twice.
	ids := `Array.from(document.querySelectorAll("#alert-table tbody tr"), e => e.id).join()`
	b.eval(`(document.querySelector("#alert-table th button").click(), true)`)
	b.want(ids + ` === "alt_0a0,alt_99"`)
	b.eval(`(document.querySelector("#alert-table th button").click(), true)`)
	b.want(ids + ` === "alt_99,alt_0a0"`)
	b.want(`document.querySelector("#alert-table th").getAttribute("aria-sort") === "ascending"`)

	// Expanding, the theme, and no wider than a phone.
	b.eval(`(document.getElementById("expand").click(), true)`)
	b.want(`document.querySelectorAll("details.incident[open]").length === 3`)
	b.eval(`(document.getElementById("theme").click(), document.getElementById("theme").click(), true)`)
	b.want(`getComputedStyle(document.body).backgroundColor === "rgb(18, 21, 26)"`)
	b.call("POST", "/window/rect", map[string]int{"width": 500, "height": 800}, nil)
	b.want(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`)
	// There, too, the chart shows all of the time, with words and marks as large as elsewhere.
	b.want(`(f => f.scrollWidth <= f.clientWidth)(document.querySelector("figure"))`)
	b.want(`Array.from(document.querySelectorAll(".timeline .bar"), e => e.getBoundingClientRect().right).every(x => x <= innerWidth)`)
	b.want(`Array.from(document.querySelectorAll(".timeline .mark"), e => e.getBoundingClientRect().width).every(w => w >= 10)`)
	b.quiet(page)
}

// Whatever stands in a log stays text.
func TestHTMLOfHostileTextInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	b := openBrowser(t)
	for _, s := range []string{
		`"><script>window.pwned = 1</script><img src=x onerror="window.pwned = 1">`,
		`javascript:window.pwned=1//</title></style></script><svg/onload=window.pwned=1>`,
		"{{.}} ${window.pwned = 1} `]]> <!-- \u202e\x1b[2J",
	} {
		r := filled(s)
		r.Incidents[0].Severity = detect.Critical
		page := b.open(r)
		b.want(`window.pwned === undefined`)
		b.want(`document.querySelectorAll("script").length === 1 && document.querySelectorAll("img, iframe, object, embed, link").length === 0`)
		text, err := json.Marshal(Show(s))
		if err != nil {
			t.Fatal(err)
		}
		b.want(fmt.Sprintf(`document.querySelector(".story p").textContent === %s`, text))
		b.want(`Array.from(document.querySelectorAll("a")).every(a => a.getAttribute("href").startsWith("#"))`)
		b.quiet(page)
	}
}

// Ten thousand alerts stay usable: a word in the filter is answered at once.
func TestHTMLOfManyAlertsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	b := openBrowser(t)
	r := withIncidents()
	one := r.Alerts[0]
	r.Alerts = nil
	for i := range 10_000 {
		a := one
		a.ID = fmt.Sprintf("alt_%05d", i)
		a.ActorID = fmt.Sprintf("user%d", i)
		a.Description = fmt.Sprintf("%d failed logins", 10_000-i)
		r.Alerts = append(r.Alerts, a)
	}
	page := b.open(r)
	b.want(`document.getElementById("shown").textContent === "3 incidents and 10000 alerts match"`)
	rows := `document.querySelectorAll("#alert-table tbody tr:not([hidden])").length`
	b.want(rows + ` === 200`)
	b.eval(`(document.getElementById("more").click(), true)`)
	b.want(rows + ` === 1200`)
	b.eval(`(document.getElementById("q").value = "user9999", document.getElementById("q").dispatchEvent(new Event("input")), true)`)
	b.want(rows + ` === 1`)
	b.want(`document.getElementById("more").hidden`)
	b.quiet(page)
}
