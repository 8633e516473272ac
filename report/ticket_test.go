package report

import (
	"bytes"
	"os"
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
