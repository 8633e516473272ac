package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// An explainedDetector is what a detector finds and by which numbers.
type explainedDetector struct {
	Detector  string                    `json:"detector"`
	Doc       string                    `json:"doc"`
	Event     string                    `json:"event"`     // what it tells, unless the event says otherwise
	Severity  string                    `json:"severity"`  // likewise
	OWASP     string                    `json:"owasp"`     // "" if none
	Technique string                    `json:"technique"` // likewise
	Rules     []string                  `json:"rules"`     // that ask for what it makes
	Settings  []report.ExplainedSetting `json:"settings"`
}

// explainDetector says what a detector finds, as json or text.
func explainDetector(out io.Writer, cfg *config, d *detect.Detector, output string) error {
	set, _, err := cfg.ruleSet(nil)
	if err != nil {
		return err
	}
	x := explainedDetector{d.Name, d.Doc, d.Type, d.Severity.String(), d.OWASP, d.Technique, []string{}, settingsFor(d)}
	for _, r := range set.Rules {
		if r.Silent() == nil && r.AsksFor(d) {
			x.Rules = append(x.Rules, r.Name)
		}
	}
	if output == "json" {
		return report.WriteJSON(out, x)
	}
	fmt.Fprintln(out, reflow(x.Detector+": "+x.Doc, helpWidth))
	fmt.Fprintf(out, "\nevent      %s, %s unless it says otherwise\n", x.Event, x.Severity)
	for _, line := range []struct{ name, value string }{{"owasp", x.OWASP}, {"att&ck", x.Technique}, {"alerts by", strings.Join(x.Rules, ", ")}} {
		if line.value != "" {
			fmt.Fprintf(out, "%-9s  %s\n", line.name, line.value)
		}
	}
	longest, widest := 0, 0
	for _, s := range x.Settings {
		longest, widest = max(longest, len(s.Name)), max(widest, len(s.Value))
	}
	if len(x.Settings) > 0 {
		fmt.Fprintf(out, "\nSettings, in the config under detectors: %s:\n", x.Detector)
	}
	for _, s := range x.Settings {
		if s.Set {
			s.Usage += " (set by the config)"
		}
		if err := beside(out, fmt.Sprintf("  %-*s  %-*s  ", longest, s.Name, widest, s.Value), s.Usage); err != nil {
			return err
		}
	}
	return nil
}
