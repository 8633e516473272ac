package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/geo"
	"github.com/litesoc/litesoc/report"
)

type rulesFlags struct {
	scanFlags
	set []string
	to  string // format of a table
}

func rulesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "List, show, check, test and replay alert rules",
		Long: `List, show, check, test and replay alert rules.

A rule says which events a person should look at: a condition, how many of them within
which time, what must follow, and what to do. The built-in rules are written as a user's
own are; a file of one's own changes one by its name, or switches it off. Files may also
hold the hosted product's threat models as JSON, and Sigma rules of category webserver or
proxy with their correlations.

Files and folders of rules are named in the config (rules:) or by --rules.`,
		Example: `  litesoc rules list
  litesoc rules show brute-force > mine.yaml
  litesoc rules validate mine.yaml
  litesoc rules replay brute-force --since 30d`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(rulesListCommand(), rulesShowCommand(), rulesValidateCommand(), rulesTestCommand(), rulesReplayCommand())
	return c
}

// rulesFlag adds --rules to a command.
func rulesFlag(c *cobra.Command, to *[]string) {
	c.Flags().StringArrayVar(to, "rules", nil, "`file` or folder of alert rules, beside those of the config; repeatable")
}

func rulesListCommand() *cobra.Command {
	var f rulesFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the rules that alerts are made by",
		Long:  "List the rules that alerts are made by, the built-in ones first. One that cannot fire says why.",
		Example: `  litesoc rules list
  litesoc rules list --rules mine.yaml --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listRules(c, &f) },
	}
	configFlag(c, &f.config)
	rulesFlag(c, &f.rules)
	c.Flags().StringVarP(&f.to, "output", "o", "table", "`FORMAT`: table, json, csv or ndjson")
	return c
}

func rulesShowCommand() *cobra.Command {
	var f rulesFlags
	c := &cobra.Command{
		Use:   "show [NAME...]",
		Short: "Print rules as they are written in a file",
		Long: `Print rules as they are written in a file: all of them, or those named. What is printed
can be changed and read again.`,
		Example: `  litesoc rules show
  litesoc rules show repeated-denials > mine.yaml`,
		RunE: func(c *cobra.Command, names []string) error { return showRules(c, &f, names) },
	}
	configFlag(c, &f.config)
	rulesFlag(c, &f.rules)
	return c
}

func rulesValidateCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check files of rules",
		Long: `Check files and folders of rules, and tell all that is wrong with them: file, line,
column, and what may be meant. Exit status 1 if anything is, or if there is no file of
rules in a folder.`,
		Example: `  litesoc rules validate mine.yaml rules.d/`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			cfg, err := readConfig(config)
			if err != nil {
				return err
			}
			cfg.Rules = nil
			set, files, err := cfg.ruleSet(paths)
			if err != nil {
				return err
			}
			for _, note := range set.Notes {
				fmt.Fprintf(c.ErrOrStderr(), "litesoc: rules: %s\n", report.Show(note))
			}
			if len(files) == 0 {
				return &statusError{status: exitFailed}
			}
			for _, file := range files {
				n := 0
				for _, r := range set.Rules {
					if strings.HasPrefix(r.Place, file.Name+":") {
						n++
					}
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", report.Show(file.Name), report.Plural(int64(n), "rule", "rules"))
			}
			return nil
		},
	}
	configFlag(c, &config)
	return c
}

func rulesTestCommand() *cobra.Command {
	var f rulesFlags
	c := &cobra.Command{
		Use:   "test [FILE...]",
		Short: "Run the cases that files of rules carry",
		Long: `Run the cases that files of rules carry (tests:), those of the files named, else those of
the config. A case holds lines of a log, which go through all detectors, or events, which
go to the rule alone, and says whether it fires. Exit status 1 if one does not do what it
says, or if there is none. Two cases, which can be added
to what 'litesoc rules show brute-force' prints:

  tests:
    - name: passwords are guessed
      events: [{event: security.brute_force_detected, severity: high}]
      alerts: 1
    - name: a login fails
      events: [{event: auth.login_failed}]
      fires: false`,
		Example: `  litesoc rules test mine.yaml`,
		RunE:    func(c *cobra.Command, paths []string) error { return testRules(c, &f, paths) },
	}
	configFlag(c, &f.config)
	rulesFlag(c, &f.rules)
	return c
}

func rulesReplayCommand() *cobra.Command {
	var f rulesFlags
	c := &cobra.Command{
		Use:   "replay RULE",
		Short: "Tell what a rule would have fired on",
		Long: `Tell what a rule would have fired on among the requests that the database keeps, and when.
Nothing is written. --set changes the rule for once: threshold, window, group_by, distinct,
cool_down, severity, followed_by.window.`,
		Example: `  litesoc rules replay repeated-denials --since 30d
  litesoc rules replay repeated-denials --set threshold=10 --set window=5m`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return replayRule(c, &f, args[0]) },
	}
	configFlag(c, &f.config)
	rulesFlag(c, &f.rules)
	dbFlag(c, &f.db)
	intelFlag(c, &f.intel)
	flags := c.Flags()
	flags.StringVar(&f.since, "since", "", "only what went on at or after this `time`: "+timeHint)
	flags.StringVar(&f.until, "until", "", "only what began before this `time`")
	flags.StringArrayVar(&f.set, "set", nil, "`KEY=VALUE` that the rule has for once; repeatable")
	flags.StringVarP(&f.to, "output", "o", "table", "`FORMAT`: table, json, csv or ndjson")
	return c
}

// ruleSet returns the built-in rules with those of the config and of the paths, and the
// files that were read.
func (c *config) ruleSet(paths []string) (*detect.RuleSet, []detect.RuleFile, error) {
	var files []detect.RuleFile
	var notes []string
	for _, path := range slices.Concat(c.Rules, paths) {
		found, err := readRuleFiles(path)
		if err != nil {
			return nil, nil, failed(fmt.Errorf("rules: %w", err), "")
		}
		if len(found) == 0 {
			notes = append(notes, path+noRuleFile)
		}
		files = append(files, found...)
	}
	set, err := detect.LoadRules(files, c.Lists)
	if err != nil {
		return nil, nil, failed(fmt.Errorf("rules:\n%s", showLines(err.Error())), "'litesoc rules show' prints rules that are right")
	}
	set.Notes = append(set.Notes, notes...)
	return set, files, nil
}

// noRuleFile is what is odd about a folder of rules without any.
const noRuleFile = ": no file of rules in this folder: they end in .yaml, .yml or .json"

const (
	maxRuleFiles = 1000    // of a folder
	maxRuleFile  = 1 << 20 // bytes
)

// readRuleFiles reads a file of rules, or all of a folder in order of their names.
func readRuleFiles(path string) ([]detect.RuleFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, pathless(err))
	}
	if !info.IsDir() {
		file, err := readRuleFile(path)
		return []detect.RuleFile{file}, err
	}
	var files []detect.RuleFile
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != path && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name))) {
			return nil
		}
		if len(files) == maxRuleFiles {
			return fmt.Errorf("%s: more than %d files", path, maxRuleFiles)
		}
		file, err := readRuleFile(name)
		files = append(files, file)
		return err
	})
	return files, err
}

func readRuleFile(path string) (detect.RuleFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return detect.RuleFile{}, fmt.Errorf("%s: %w", path, pathless(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRuleFile+1)) // what is longer is refused when it is read
	if err != nil {
		return detect.RuleFile{}, fmt.Errorf("%s: %w", path, pathless(err))
	}
	return detect.RuleFile{Name: path, Text: text}, nil
}

// load returns the config, and the rules that it and the flags name.
func (f *rulesFlags) load() (*config, *detect.RuleSet, error) {
	cfg, err := readConfig(f.config)
	if err != nil {
		return nil, nil, err
	}
	set, _, err := cfg.ruleSet(f.rules)
	return cfg, set, err
}

func listRules(c *cobra.Command, f *rulesFlags) error {
	write, ok := tables[f.to]
	if !ok {
		return misuse("", "--output %q: the formats are table, json, csv, ndjson", f.to)
	}
	_, set, err := f.load()
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	if isTerminal(out) {
		out = visible{out}
	}
	t := write(out)
	columns := []string{"name", "severity", "event", "threshold", "window", "alert_type", "state", "written_in", "about"}
	person, _ := t.(*textTable) // nil: it is for a program
	if person != nil {
		person.below, columns = 3, []string{"name", "severity", "threshold", "window", "alert_type", "state", "event", "about"}
	}
	if err := t.columns(columns); err != nil {
		return err
	}
	for _, r := range set.Rules {
		severity, state := "of its events", "on"
		if r.FollowedBy != nil {
			severity = detect.Critical.String()
		} else if r.Severity != detect.Info {
			severity = r.Severity.String()
		}
		if err := r.Silent(); err != nil {
			state = err.Error()
		}
		about, _, _ := strings.Cut(r.Doc, "\n")
		events := strings.Join(r.Events, " ")
		row := []any{r.Name, severity, cmp.Or(events, "*"), int64(r.Threshold), detect.SpanText(r.Window), r.Type, state, cmp.Or(r.Place, "built-in"), about}
		if person != nil {
			if r.Place != "" {
				state += ", " + r.Place
			}
			if events == "" {
				events = "any event"
			}
			row = []any{r.Name, severity, int64(r.Threshold), detect.SpanText(r.Window), r.Type, state, events, about}
		}
		if err := t.row(row); err != nil {
			return err
		}
	}
	return t.end()
}

func showRules(c *cobra.Command, f *rulesFlags, names []string) error {
	_, set, err := f.load()
	if err != nil {
		return err
	}
	rules := set.Rules
	if len(names) > 0 {
		rules = nil
		for _, name := range names {
			r, err := ruleNamed(set, name)
			if err != nil {
				return err
			}
			rules = append(rules, r)
		}
	}
	for i, r := range rules {
		if i > 0 {
			fmt.Fprintln(c.OutOrStdout(), "---")
		}
		if _, err := io.WriteString(c.OutOrStdout(), r.YAML()); err != nil {
			return failed(err, "")
		}
	}
	return nil
}

func ruleNamed(set *detect.RuleSet, name string) (*detect.Rule, error) {
	if r := set.Rule(name); r != nil {
		return r, nil
	}
	return nil, failed(fmt.Errorf("rules: no rule %q%s", name, set.DidYouMean(name)), "'litesoc rules list' has their names")
}

func testRules(c *cobra.Command, f *rulesFlags, paths []string) error {
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	if len(paths) > 0 {
		cfg.Rules = nil
	}
	set, _, err := cfg.ruleSet(append(f.rules, paths...))
	if err != nil {
		return err
	}
	t, err := newRuleTester(c, cfg, "")
	if err != nil {
		return err
	}
	defer t.geo.Close()
	ran, wrong := 0, 0
	out := c.OutOrStdout()
	for _, r := range set.Rules {
		for _, test := range r.Tests {
			ran++
			if err := t.run(r, test); err != nil {
				wrong++
				fmt.Fprintf(out, "FAIL  %s: %s (%s): %s\n", r.Name, report.Show(test.Name), report.Show(test.Place), report.Show(err.Error()))
				continue
			}
			fmt.Fprintf(out, "ok    %s: %s\n", r.Name, report.Show(test.Name))
		}
	}
	switch {
	case ran == 0:
		return failed(errors.New("rules: there are no tests"), "'tests:' of a rule say what fires it and what does not: 'litesoc rules test --help' shows some")
	case wrong > 0:
		return failed(fmt.Errorf("rules: %d of %d tests failed", wrong, ran), "")
	}
	return nil
}

// A ruleTester runs cases of rules.
type ruleTester struct {
	cfg     *config
	site    *parsers.Site
	routes  *detect.RouteMap
	formats []*parsers.Format
	least   int
	geo     *geo.DB
}

// newRuleTester prepares what the cases need beside the rules, as for a scan. It tells on
// standard error what of it cannot be used.
func newRuleTester(c *cobra.Command, cfg *config, intel string) (t *ruleTester, err error) {
	t = &ruleTester{cfg: cfg}
	if t.site, err = cfg.site(); err != nil {
		return nil, err
	}
	if t.routes, err = detect.NewRouteMap(cfg.Routes); err != nil {
		return nil, cfg.wrong("routes", "routes: %w", err)
	}
	if t.formats, err = cfg.formats(cfg.Format); err != nil {
		return nil, err
	}
	if t.least, err = cfg.leastNames(); err != nil {
		return nil, err
	}
	var notes []string
	if t.geo, notes, err = cfg.openGeo(intel); err != nil {
		return nil, err
	}
	for _, note := range notes {
		fmt.Fprintf(c.ErrOrStderr(), "note: %s\n", report.Show(note))
	}
	return t, nil
}

func (t *ruleTester) run(r *detect.Rule, test *detect.RuleTest) error {
	on := *r
	on.Off = false
	if err := on.Silent(); err != nil {
		return fmt.Errorf("the rule cannot fire: %w", err)
	}
	if test.Events != nil {
		return test.Verdict(on.Judge(test.Events))
	}
	requests, err := t.read(test)
	if err != nil {
		return err
	}
	detectors, err := t.cfg.detectors()
	if err != nil {
		return err
	}
	var found lastAlerts
	p := detect.NewPipeline(parsers.NewRouteLearner(t.least, t.site.Routes()), detectors, []*detect.Rule{&on}, 1, found.sink())
	p.Origins = t.geo.Lookup
	if n := len(requests); n > 0 {
		p.Advance(requests, requests[n-1].Time.Add(1))
	}
	p.Flush()
	return test.Verdict(found.alerts())
}

// read reads the lines of a case.
func (t *ruleTester) read(test *detect.RuleTest) ([]*parsers.Request, error) {
	formats := t.formats
	if test.Format != "" {
		var err error
		if formats, err = t.cfg.formats(test.Format); err != nil {
			return nil, err
		}
	}
	var lines []string
	err := test.Lines(func(line string, _ time.Duration) error {
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(formats) > 1 {
		guess, ok := parsers.Guess(formats, lines[:min(len(lines), 200)])
		if !ok {
			return nil, errors.New("no format reads the lines of its log: say which with 'format'")
		}
		formats = []*parsers.Format{guess.Format}
	}
	reader := formats[0].NewReader(t.site, &parsers.Source{ID: 1, Path: test.Place, Format: formats[0].Name})
	var requests []*parsers.Request
	err = test.Lines(func(line string, later time.Duration) error {
		r := &parsers.Request{}
		if err := reader.Read(line, int64(len(requests)+1), r); err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
		r.Time = r.Time.Add(later)
		t.enrich(r)
		requests = append(requests, r)
		return nil
	})
	slices.SortStableFunc(requests, (*parsers.Request).Compare)
	return requests, err
}

// enrich adds to a request what a scan does, but for the allowlist: a rule is asked what it
// fires on, and nobody is spared.
func (t *ruleTester) enrich(r *parsers.Request) {
	r.Origin = t.geo.Lookup(r.ClientIP)
	r.Event = t.routes.Classify(r)
	detect.Identify(r)
	r.Declared = t.site.Declared(r.Method, r.Shape)
}

// lastAlerts are alerts, the last word on each, in the order in which they opened.
type lastAlerts struct {
	order []string
	last  map[string]detect.Alert
}

func (l *lastAlerts) sink() detect.Sink {
	l.last = map[string]detect.Alert{}
	return detect.Sink{
		Event: func(detect.Event) {},
		Alert: func(a detect.Alert) {
			if _, known := l.last[a.ID]; !known {
				l.order = append(l.order, a.ID)
			}
			l.last[a.ID] = a
		},
		Incident: func(detect.Incident) {},
	}
}

func (l *lastAlerts) alerts() []detect.Alert {
	var alerts []detect.Alert
	for _, id := range l.order {
		alerts = append(alerts, l.last[id])
	}
	return alerts
}

func replayRule(c *cobra.Command, f *rulesFlags, name string) error {
	write, ok := tables[f.to]
	if !ok {
		return misuse("", "--output %q: the formats are table, json, csv, ndjson", f.to)
	}
	cfg, set, err := f.load()
	if err != nil {
		return err
	}
	rule, err := ruleNamed(set, name)
	if err != nil {
		return err
	}
	on := *rule
	on.Off = false
	for _, s := range f.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return misuse("", "--set %q is not KEY=VALUE", s)
		}
		if err := on.Set(key, value, cfg.Lists); err != nil {
			return misuse("", "--set %s: %s", s, showLines(err.Error()))
		}
	}
	if err := on.Silent(); err != nil {
		return failed(fmt.Errorf("rules: rule %s cannot fire: %w", name, err), "set it in the config, under lists")
	}
	span, err := parseSpan(f.since, f.until, time.Now())
	if err != nil {
		return err
	}
	t, err := newRuleTester(c, cfg, f.intel)
	if err != nil {
		return err
	}
	defer t.geo.Close()
	found, n, err := t.replay(c, &on, f.db)
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	if isTerminal(out) {
		out = visible{out}
	}
	w := write(out)
	if err := w.columns([]string{"first_ts", "last_ts", "severity", "actor_id", "source_ip", "requests", "description"}); err != nil {
		return err
	}
	shown := 0
	for _, a := range found.alerts() {
		if !span.Since.IsZero() && a.Last.Before(span.Since) || !span.Until.IsZero() && !a.First.Before(span.Until) {
			continue
		}
		shown++
		if err := w.row([]any{a.First, a.Last, a.Severity.String(), a.ActorID, a.SourceIP, a.Count, a.Description}); err != nil {
			return err
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "litesoc: rule %s would have made %s; %d kept requests were replayed, nothing was written\n", name, report.Plural(int64(shown), "alert", "alerts"), n)
	return nil
}

// replay leads the kept requests through the detectors and the rule. All of them, since
// what is usual for an actor is learned from the first on.
func (t *ruleTester) replay(c *cobra.Command, rule *detect.Rule, db string) (*lastAlerts, int, error) {
	detectors, err := t.cfg.detectors()
	if err != nil {
		return nil, 0, err
	}
	if rule.OnlyRequests() {
		detectors = nil
	}
	q, err := openQuery(db)
	if err != nil {
		return nil, 0, err
	}
	defer q.Close()
	known, err := q.Known()
	if err != nil {
		return nil, 0, failed(err, "")
	}
	sources := map[int]*parsers.Source{}
	for i := range known {
		sources[known[i].Source.ID] = &known[i].Source
	}
	kept, err := q.Replay(time.Time{}, 0, sources)
	if err != nil {
		return nil, 0, failed(err, "")
	}
	defer kept.Close()
	var found lastAlerts
	p := detect.NewPipeline(parsers.NewRouteLearner(t.least, t.site.Routes()), detectors, []*detect.Rule{rule}, 1, found.sink())
	p.Origins = t.geo.Lookup
	n := 0
	for {
		b, err := kept.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, failed(err, "")
		}
		if c.Context().Err() != nil {
			return nil, 0, failed(errors.New("rules: interrupted"), "")
		}
		requests := make([]*parsers.Request, len(b.Requests))
		for i := range b.Requests {
			r := &b.Requests[i]
			t.enrich(r)
			requests[i] = r
		}
		n += len(requests)
		p.Advance(requests, requests[len(requests)-1].Time)
	}
	p.Flush()
	return &found, n, nil
}
