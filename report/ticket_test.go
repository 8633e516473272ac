package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTicket compares the tickets of all incidents of a report, which some of the
// attackers have written for whoever renders them.
func TestTicket(t *testing.T) {
	r := withIncidents()
	var b bytes.Buffer
	for i := range r.Incidents {
		if err := Ticket(&b, &r.Incidents[i], r.Run.Evidence); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n---\n\n")
	}
	path := filepath.Join("../testdata/report", "tickets.md")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs (make golden writes it anew)\n got:\n%s", path, b.Bytes())
	}
}

// TestTicketTakesTextLiterally puts hostile text where text of a log can stand.
func TestTicketTakesTextLiterally(t *testing.T) {
	for _, s := range append([]string{"[x](javascript:alert(1))", "![](http://192.0.2.1/pixel.png)", "``` \n# heading", "<img src=x onerror=alert(1)>",
		"@everyone", "http://evil.example/", "| a | b |", "`` ` ``", " `", "~~gone~~", "$x^2$"}, hostile...) {
		if got := prose(s); strings.ContainsAny(strings.NewReplacer(`\<`, "", `\[`, "", `\!`, "", "\\`", "", `\@`, "", `\|`, "", `\*`, "").Replace(got), "<[!`@|*\n\x1b") ||
			strings.Contains(got, "://") {
			t.Errorf("prose(%q) = %q would be rendered", s, got)
		}
		got := code(s)
		fence := got[:len(got)-len(strings.TrimLeft(got, "`"))]
		if inner := strings.TrimSuffix(strings.TrimPrefix(got, fence), fence); strings.Contains(inner, fence) || strings.ContainsAny(inner, "\n\x1b") {
			t.Errorf("code(%q) = %q ends early", s, got)
		}
	}
}

// Whoever pastes the command of a ticket asks for what stands there, and runs nothing that
// an actor has for a name.
func TestTicketCommand(t *testing.T) {
	for _, test := range []struct{ actor, quote string }{
		{"alice", `"`},
		{"O'Brien", `"`},
		{"$(touch pwned)", "'"},
		{"`touch pwned`", "'"},
		{`a\`, "'"},
		{`a" ; touch pwned ; "`, "'"},
		{"a!b", "'"},
		{"it's $HOME", "'"},
	} {
		in := Incident{}
		in.Actors = []string{test.actor}
		query := in.query(map[string]string{test.actor: "user"})
		command := sqlCommand(query)
		if !strings.HasPrefix(command, "litesoc sql "+test.quote) {
			t.Errorf("%q: %s", test.actor, command)
		}
		sh := exec.Command("sh", "-c", `litesoc() { printf %s "$2"; }; `+command)
		sh.Dir = t.TempDir()
		got, err := sh.Output()
		if err != nil || string(got) != query {
			t.Errorf("%q: the shell reads %q (%v), want %q", test.actor, got, err, query)
		}
		if left, err := os.ReadDir(sh.Dir); err != nil || len(left) > 0 {
			t.Errorf("%q: the shell has made %v (%v)", test.actor, left, err)
		}
	}
}
