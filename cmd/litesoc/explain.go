package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report"
)

func explainCommand() *cobra.Command {
	var f scanFlags
	var output string
	c := &cobra.Command{
		Use:   "explain LINE|ID|DETECTOR",
		Short: "Show how a line is read, why an alert fired, what a detector does",
		Long: `Show how a log line is read: its format, each field and where it comes from, who
the actor is and why, which event it is, and which detectors look at it. Secrets
are shown as the fingerprints they are kept as.

With the id of an alert, event or incident, or the beginning of one, show why it is
there: what the rule asks for, the detector and its settings, what is usual, and step
by step what the detector made of the requests, which are kept in the database and are
led through it once more; who else came near, the lines, and SQL to look further.

With the name of a detector, say what it finds, what it takes care of, by which rules
that becomes an alert, and with which settings.`,
		Example: `  litesoc explain alt_7b1b9856e1246d02
  litesoc explain '203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "POST /login HTTP/1.1" 401 12 "-" "curl/8.5"'
  litesoc explain "$(tail -1 access.log)"
  litesoc explain brute-force-ip`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse("put the line in single quotes", "explain: one line, id or detector is needed, %d arguments given", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			id := strings.TrimSpace(args[0])
			isID := f.format == "" && isWord.MatchString(id)
			if isID && output != "text" && output != "json" {
				return misuse("", "--output %q: the formats are text, json", output)
			}
			cfg, err := readConfig(f.config)
			if err != nil {
				return err
			}
			if err := cfg.fill(c.Flags(), &f); err != nil {
				return err
			}
			if isID {
				detectors, err := cfg.detectors()
				if err != nil {
					return err
				}
				names := make([]string, len(detectors))
				for i, d := range detectors {
					if names[i] = d.Name; d.Name == id {
						return explainDetector(c.OutOrStdout(), cfg, d, output)
					}
				}
				if near := meant(id, names); near != "" {
					return misuse("", "explain: no detector %q%s", id, near)
				}
				return explainFinding(c, &f, cfg, id, output)
			}
			return explain(c, cfg, f.format, args[0])
		},
	}
	dbFlag(c, &f.db)
	intelFlag(c, &f.intel)
	c.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT` of why an alert fired or what a detector does: text or json")
	c.Flags().StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	c.Flags().StringVar(&f.format, "format", "", "`format` of the line: a name, an nginx log_format or Apache LogFormat string, a #Fields: line, or the path of an nginx.conf (default: guessed)")
	return c
}

func explain(c *cobra.Command, cfg *config, format, line string) error {
	site, err := cfg.site()
	if err != nil {
		return err
	}
	routes, err := detect.NewRouteMap(cfg.Routes)
	if err != nil {
		return cfg.wrong("routes", "routes: %w", err)
	}
	detectors, err := cfg.detectors()
	if err != nil {
		return err
	}
	formats, err := cfg.formats(format)
	if err != nil {
		return err
	}
	line = strings.TrimRight(line, "\r\n")
	if strings.TrimSpace(line) == "" {
		return misuse("litesoc explain \"$(tail -1 access.log)\"", "explain: the line is blank")
	}
	if len(formats) > 1 {
		guess, ok := parsers.Guess(formats, []string{line})
		if !ok {
			return unreadable(formats, site, line)
		}
		formats = []*parsers.Format{guess.Format}
	}
	src := &parsers.Source{ID: 1, Format: formats[0].Name}
	reader := formats[0].NewReader(site, src)
	var r parsers.Request
	if err := reader.Read(line, 1, &r); err != nil {
		return unreadable(formats, site, line)
	}
	readings, err := reader.Explain(line)
	if err != nil {
		return failed(fmt.Errorf("explain: %w", err), "")
	}
	r.Event = routes.Classify(&r)
	r.Declared = site.Declared(r.Method, r.Shape)
	user, token := r.User, r.Token
	if detect.Identify(&r); r.User != user || r.Token != token {
		tellIdentity(readings, &r, user, token)
	}

	out := c.OutOrStdout()
	var missing []string
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, rd := range readings {
		switch {
		case rd.Value == "":
			missing = append(missing, rd.Name)
		case rd.Why == "":
			fmt.Fprintf(w, "%s\t%s\n", rd.Name, report.ShowShort(rd.Value, 80))
		default:
			fmt.Fprintf(w, "%s\t%s\t%s\n", rd.Name, report.ShowShort(rd.Value, 80), rd.Why)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nnot in it: %s\n", strings.Join(missing, ", "))

	event := "none: the route map has no event for such a request"
	if r.Event != "" {
		event = r.Event
		if t, ok := detect.EventTypeOf(r.Event); ok {
			event += " (" + t.Severity.String() + ")"
		}
	}
	fmt.Fprintf(out, "event: %s\n", event)
	fmt.Fprintf(out, "detectors that look at it:\n")
	for _, d := range detectors {
		if !d.Match(&r) {
			continue
		}
		key := d.GroupBy.Key(&r, nil)
		if len(key) == 0 {
			continue // the line does not name whom it would be held against
		}
		doc, _, _ := strings.Cut(d.Doc, "\n")
		fmt.Fprintf(out, "  %-23s  %s\n  %-23s  grouped by %s\n", d.Name, doc, "", report.ShowShort(string(key), 60))
	}
	return nil
}

// tellIdentity puts among the readings of a line who acts by the body or query of a login or a
// refresh, which the line was read without: as the given user with the given token.
func tellIdentity(readings []parsers.Reading, r *parsers.Request, user, token string) {
	id, typ := r.Actor()
	for i := range readings {
		switch x := &readings[i]; x.Name {
		case "user_id":
			if r.User != user {
				x.Value, x.Why = r.User, "the account that the body or query of the login names"
			}
		case "token":
			if r.Token != token {
				x.Value, x.Why = r.Token, "the token that the body of the refresh names"
			}
		case "actor_id":
			x.Value = id
		case "actor_type":
			x.Value = string(typ)
		}
	}
}

// unreadable says what each format has against the line.
func unreadable(formats []*parsers.Format, site *parsers.Site, line string) error {
	var b strings.Builder
	b.WriteString("explain: no format reads this line")
	for _, f := range formats {
		var r parsers.Request
		err := f.NewReader(site, &parsers.Source{ID: 1, Format: f.Name}).Read(line, 1, &r)
		var reject *parsers.Reject
		if errors.As(err, &reject) {
			fmt.Fprintf(&b, "\n  %s: %s", f.Name, reject.Reason)
		}
	}
	return failed(errors.New(b.String()), "give the format with --format, by name or as a log_format or LogFormat string")
}
