package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/litesoc/litesoc/detect"
)

// maxAnnotations is how many annotations of one kind GitHub shows of a step.
const maxAnnotations = 10

// GitHub returns the alerts as workflow commands, which GitHub Actions shows as annotations
// at the lines of the logs: critical and high ones as errors, medium ones as warnings, all
// else as notices; ten of each, the worst first, and a last one that counts the rest. The
// summary of a step is what the format markdown is for.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func GitHub() *Format {
	return &Format{
		Name:  "github",
		Doc:   "the alerts that are not over as annotations of GitHub Actions",
		Write: writeGitHub,
	}
}

func writeGitHub(w io.Writer, r *Report, _ Look) error {
	var b strings.Builder
	shown, left, events := map[string]int{}, 0, r.eventsByID()
	for severity := detect.Critical; severity >= detect.Info; severity-- {
		for i := range r.Alerts {
			a := &r.Alerts[i]
			if a.Severity != severity || Over(a.Status) {
				continue
			}
			level := gitHubLevel(severity)
			// The last notice is kept for what is left out.
			if most := maxAnnotations; shown[level] == most || level == "notice" && shown[level] == most-1 {
				left++
				continue
			}
			shown[level]++
			place := ""
			if places := r.places(a, events, 1); len(places) > 0 {
				place = fmt.Sprintf("file=%s,line=%d,", gitHubProperty(places[0].File), max(places[0].Line, 1))
			}
			fmt.Fprintf(&b, "::%s %stitle=%s::%s\n", level, place, gitHubProperty(fmt.Sprintf("%s: %s", severity, a.Title)), gitHubText(a.Description+" ("+a.ID+")"))
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "::notice title=litesoc::%s\n", gitHubText(count(int64(left), "more alert")+"; see the report"))
	}
	for _, f := range r.Run.Failures[:min(len(r.Run.Failures), maxAnnotations-shown["error"])] {
		fmt.Fprintf(&b, "::error title=litesoc::%s\n", gitHubText(f.Path+": "+f.Error))
	}
	if r.Run.Unfinished {
		fmt.Fprintf(&b, "::error title=litesoc::%s\n", gitHubText("Not judged: "+notJudged(r)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func gitHubLevel(s detect.Severity) string {
	switch {
	case s >= detect.High:
		return "error"
	case s == detect.Medium:
		return "warning"
	}
	return "notice"
}

// gitHubText is text as the message of a workflow command: Show leaves no line end, so
// that no text can begin a command of its own.
func gitHubText(s string) string { return strings.ReplaceAll(Show(s), "%", "%25") }

// gitHubProperty is text as the value of a property of a workflow command.
func gitHubProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(gitHubText(s))
}
