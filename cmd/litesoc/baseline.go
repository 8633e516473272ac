package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

func baselineCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "baseline",
		Short: "Show, carry over and forget what detectors have learned",
		Long: `Show, carry over and forget what detectors have learned to be usual: how many requests a
key makes in a minute, in which countries it is used, which devices a user has.

What is imported or forgotten holds from a time of the log on: after all requests that
are kept, and for an import not before the time at which it was exported. Requests
before that are judged without it, also when they are judged anew, so reading the same
logs again gives the same alerts.`,
		Example: `  litesoc baseline show --actor alice
  litesoc baseline export > baseline.json
  litesoc scan --db :memory: --baseline baseline.json access.log`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(baselineShowCommand(), baselineExportCommand(), baselineImportCommand(), baselineResetCommand())
	return c
}

type baselineFlags struct {
	db, config, actor, detector, output string
	replace, all                        bool
}

// add adds the flags that all of the commands have.
func (f *baselineFlags) add(c *cobra.Command) {
	dbFlag(c, &f.db)
	c.Flags().StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
}

// addFilter adds the flags that say whose baselines are meant.
func (f *baselineFlags) addFilter(c *cobra.Command) {
	c.Flags().StringVar(&f.actor, "actor", "", "only of this `actor`: a user, key, token, session or address")
	c.Flags().StringVar(&f.detector, "detector", "", "only of this `detector`")
}

func baselineShowCommand() *cobra.Command {
	var f baselineFlags
	c := &cobra.Command{
		Use:   "show",
		Short: "Show what is usual, key by key",
		Long: `Show what is usual, key by key: of numbers the 99th percentile, the largest and how many
they are; of sets what is known. A null in since says that the detector does not keep it.
Where only hashes are kept, as of programs, their number is shown.`,
		Example: `  litesoc baseline show --actor alice
  litesoc baseline show --detector key-rate --output csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return showBaseline(c, &f) },
	}
	f.add(c)
	f.addFilter(c)
	c.Flags().StringVarP(&f.output, "output", "o", "table", "`FORMAT`: table, json, csv or ndjson")
	return c
}

func baselineExportCommand() *cobra.Command {
	var f baselineFlags
	c := &cobra.Command{
		Use:   "export",
		Short: "Write what was learned as JSON, for another database",
		Long: `Write what was learned as JSON to standard output. It holds names of users and
fingerprints of keys, no secret.`,
		Example: `  litesoc baseline export > baseline.json`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return exportBaseline(c, &f) },
	}
	f.add(c)
	f.addFilter(c)
	return c
}

func baselineImportCommand() *cobra.Command {
	var f baselineFlags
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Begin with what was learned elsewhere",
		Long: `Begin with what was learned elsewhere. What is known here of a key that the file has is
replaced, the rest stays; with --replace nothing of it does. The settings of the
detectors must be those under which it was learned.`,
		Example: `  litesoc baseline import baseline.json`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return importBaseline(c, &f, args[0]) },
	}
	f.add(c)
	c.Flags().BoolVar(&f.replace, "replace", false, "forget what was learned here")
	return c
}

func baselineResetCommand() *cobra.Command {
	var f baselineFlags
	c := &cobra.Command{
		Use:   "reset",
		Short: "Forget what was learned, and begin anew",
		Long: `Forget what was learned up to the last request that is kept: of one detector, of one
actor, or all. Requests, events and alerts stay. What goes on ends, and may begin again.
A detector that compares the actors of a route keeps them together: its memory is
forgotten by --detector only.`,
		Example: `  litesoc baseline reset --actor alice
  litesoc baseline reset --detector key-geo
  litesoc baseline reset --all`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return resetBaseline(c, &f) },
	}
	f.add(c)
	f.addFilter(c)
	c.Flags().BoolVar(&f.all, "all", false, "of all detectors and actors")
	return c
}

// A baselineDocument is what was learned, as it is carried from one database to another.
type baselineDocument struct {
	Schema    string             `json:"schema"`
	Version   string             `json:"version"` // of the litesoc that wrote it
	Until     time.Time          `json:"until"`   // what it was learned from lies before
	Detectors []baselineDetector `json:"detectors"`
}

type baselineDetector struct {
	Name     string            `json:"name"`
	Settings map[string]string `json:"settings"`
	Keys     []baselineKey     `json:"keys"`
}

type baselineKey struct {
	Key  string    `json:"key"`
	Last time.Time `json:"last"`
	detect.Learned
}

// What a document may be: a file of another kind or a hostile one is refused before it
// takes memory or time.
const (
	baselineSchema = "litesoc.baseline/1"
	maxBaseline    = 64 << 20 // bytes
	maxBaselines   = 1 << 16  // keys of a detector, as many as it remembers
)

// A learned is what a database holds of what was learned.
type learned struct {
	detectors []*detect.Detector
	until     time.Time
	known     []detect.Known
	routes    map[string]string // name of a route by tag
}

// read reads what was learned in the database, and leaves it to others at once.
func (f *baselineFlags) read(c *cobra.Command) (*learned, error) {
	l := &learned{routes: map[string]string{}}
	cfg, err := readConfig(f.config)
	if err != nil {
		return nil, err
	}
	if l.detectors, err = cfg.detectors(); err != nil {
		return nil, err
	}
	if f.detector != "" && !slices.ContainsFunc(l.detectors, func(d *detect.Detector) bool { return d.Name == f.detector }) {
		return nil, misuse("'litesoc baseline show' lists what has learned anything", "--detector: no detector %q", f.detector)
	}
	q, err := openQuery(f.db)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	if err := l.load(c, q, f); err != nil {
		return nil, failed(fmt.Errorf("baseline: %w", err), "")
	}
	return l, nil
}

func (l *learned) load(c *cobra.Command, q *store.Query, f *baselineFlags) (err error) {
	if l.until, _, err = q.Checkpoint(); err != nil {
		return err
	}
	p := detect.NewPipeline(parsers.NewRouteLearner(0, nil), l.detectors, nil, 1, detect.Sink{Event: func(detect.Event) {}})
	err = q.States(p.Load)
	if err != nil {
		return err
	}
	changes, err := q.Changes()
	if err != nil {
		return err
	}
	changes, notes := underSettings(changes, l.detectors)
	for _, note := range notes {
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: %s\n", note)
	}
	p.Plan(changes, l.until)
	for _, change := range changes {
		if change.At.After(l.until) {
			l.until = change.At
		}
	}
	if err := p.Overtake(); err != nil {
		return err
	}
	names := append([]string{f.actor}, parsers.Fingerprints(f.actor)...)
	p.Known(func(k detect.Known) {
		id, _ := k.Actor()
		if (f.detector == "" || f.detector == k.Detector) && (f.actor == "" || slices.Contains(names, id)) {
			l.known = append(l.known, k)
		}
	})
	return q.Run(c.Context(), "select distinct route from calls where route is not null", func([]string) error { return nil }, func(values []any) error {
		if route, ok := values[0].(string); ok {
			l.routes[detect.Tag(route)] = route
		}
		return nil
	})
}

// settingsBy are the settings of a detector, as its flags have them.
func settingsBy(d *detect.Detector) map[string]string {
	all := map[string]string{}
	d.Flags.VisitAll(func(f *flag.Flag) { all[f.Name] = f.Value.String() })
	return all
}

func digestOf(settings map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(h, "%q=%q\n", name, settings[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// underSettings leaves out of the changes what was learned under other settings than the
// detectors have now, and says so.
func underSettings(changes []detect.Change, detectors []*detect.Detector) (usable []detect.Change, notes []string) {
	now := map[string]string{}
	for _, d := range detectors {
		now[d.Name] = digestOf(settingsBy(d))
	}
	for _, c := range changes {
		var begin []detect.Known
		told := map[string]bool{}
		for _, k := range c.Begin {
			if c.Settings[k.Detector] == now[k.Detector] {
				begin = append(begin, k)
				continue
			}
			if !told[k.Detector] {
				told[k.Detector] = true
				notes = append(notes, fmt.Sprintf("the imported baseline of %s is not used: its settings have changed since", k.Detector))
			}
		}
		c.Begin = begin
		usable = append(usable, c)
	}
	return usable, notes
}

func showBaseline(c *cobra.Command, f *baselineFlags) error {
	write, ok := tables[f.output]
	if !ok {
		return misuse("", "--output %q: the formats are table, json, csv, ndjson", f.output)
	}
	l, err := f.read(c)
	if err != nil {
		return err
	}
	if len(l.known) == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "litesoc: nothing is known yet")
	}
	out := c.OutOrStdout()
	if isTerminal(out) {
		out = visible{out}
	}
	t := write(out)
	if err := t.columns([]string{"detector", "actor_type", "key", "what", "p99", "most", "samples", "since", "last", "count", "known"}); err != nil {
		return err
	}
	for _, k := range l.known {
		if err := l.rows(k, t.row); err != nil {
			return err
		}
	}
	return t.end()
}

// rows are those of one key: a row for each number and each set. The actors of a route
// are counted, not listed.
func (l *learned) rows(k detect.Known, row func([]any) error) error {
	id, typ := k.Actor()
	head := []any{k.Detector, none(typ), id}
	last := k.Last.UTC()
	actors := map[string]bool{}
	for _, n := range k.Learned.Numbers {
		if n.Actor != "" {
			actors[n.Actor] = true
			continue
		}
		if err := row(append(slices.Clone(head), n.Of, n.P99(), n.Most, n.N, instant(n.Since.UTC()), last, nil, nil)); err != nil {
			return err
		}
	}
	if len(actors) > 0 {
		if err := row(append(slices.Clone(head), "actors with hours of their own", nil, nil, nil, nil, last, int64(len(actors)), nil)); err != nil {
			return err
		}
	}
	for _, s := range k.Learned.Sets {
		if err := row(append(slices.Clone(head), s.Of, nil, nil, orNone(s.Requests), instant(s.Since.UTC()), last, int64(len(s.Items)), l.names(s))); err != nil {
			return err
		}
	}
	return nil
}

// names are the items of a set, those of tags as far as the database knows their names;
// nil for none.
func (l *learned) names(s detect.Set) any {
	var names []any
	for _, item := range s.Items {
		name := item
		if s.Tags {
			name = l.routes[item]
		}
		if name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return names
}

func orNone(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func exportBaseline(c *cobra.Command, f *baselineFlags) error {
	l, err := f.read(c)
	if err != nil {
		return err
	}
	if len(l.known) == 0 {
		return failed(errors.New("baseline export: nothing is known yet"), "'litesoc scan' learns from logs")
	}
	doc := baselineDocument{Schema: baselineSchema, Version: version, Until: l.until.UTC(), Detectors: []baselineDetector{}}
	for _, d := range l.detectors {
		one := baselineDetector{Name: d.Name, Settings: settingsBy(d)}
		for _, k := range l.known {
			if k.Detector == d.Name {
				one.Keys = append(one.Keys, baselineKey{k.Key, k.Last.UTC(), k.Learned})
			}
		}
		if len(one.Keys) > 0 {
			doc.Detectors = append(doc.Detectors, one)
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return failed(fmt.Errorf("baseline export: %w", err), "")
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", report.ShowJSON(text))
	return err
}

// readBaseline reads a document and makes of it a change for the detectors. at is the time
// from which it may hold.
func readBaseline(path string, detectors []*detect.Detector, at time.Time) (*detect.Change, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, pathless(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBaseline+1))
	if err != nil {
		return nil, pathless(err)
	}
	if len(text) > maxBaseline {
		return nil, fmt.Errorf("is larger than %d MiB", maxBaseline>>20)
	}
	var doc baselineDocument
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var wrong *json.UnmarshalTypeError
	switch err := d.Decode(&doc); {
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("is no baseline: %s stands where it has something else", wrong.Value)
	case err == io.EOF:
		return nil, errors.New("is no baseline: it is empty")
	case err == io.ErrUnexpectedEOF:
		return nil, errors.New("is no whole baseline: it is cut off")
	case err != nil:
		return nil, fmt.Errorf("is no baseline: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("is no baseline: something stands behind it")
	}
	if doc.Schema != baselineSchema {
		return nil, fmt.Errorf("is of schema %q, this litesoc knows %q", doc.Schema, baselineSchema)
	}
	if doc.Until.Year() < 1970 || doc.Until.Year() > 9999 {
		return nil, fmt.Errorf("until: %s is no time of a log", doc.Until)
	}
	until := doc.Until.Truncate(time.Microsecond)
	if until.After(at) {
		at = until
	}
	sum := sha256.Sum256(text)
	c := &detect.Change{At: at.UTC(), Settings: map[string]string{}, Digest: hex.EncodeToString(sum[:8])}
	for _, one := range doc.Detectors {
		if err := one.addTo(c, detectors, until); err != nil {
			return nil, err
		}
	}
	if len(c.Begin) == 0 {
		return nil, fmt.Errorf("holds nothing that is still known at %s", at.UTC().Format(time.RFC3339))
	}
	return c, nil
}

// addTo adds what is known of the detector's keys, but for what it would have forgotten
// by the time of the change.
func (one *baselineDetector) addTo(c *detect.Change, detectors []*detect.Detector, until time.Time) error {
	i := slices.IndexFunc(detectors, func(d *detect.Detector) bool { return d.Name == one.Name })
	if i < 0 {
		return fmt.Errorf("no detector %q", one.Name)
	}
	d := detectors[i]
	if c.Settings[d.Name] != "" {
		return fmt.Errorf("detector %q stands twice", one.Name)
	}
	if err := sameSettings(d.Name, one.Settings, settingsBy(d)); err != nil {
		return err
	}
	c.Settings[d.Name] = digestOf(one.Settings)
	if len(one.Keys) > maxBaselines {
		return fmt.Errorf("%s: %d keys are more than %d", d.Name, len(one.Keys), maxBaselines)
	}
	seen := map[string]bool{}
	for _, key := range one.Keys {
		k := detect.Known{Detector: d.Name, Key: key.Key, Last: key.Last, Learned: key.Learned}
		if err := k.CanBegin(detectors, c.At); err != nil {
			return err
		}
		if seen[key.Key] {
			return fmt.Errorf("%s: key %.200q stands twice", d.Name, key.Key)
		}
		seen[key.Key] = true
		if key.Last.After(until) || key.Last.Year() < 1970 {
			return fmt.Errorf("%s: key %.200q: last: %s is not before the baseline's own time", d.Name, key.Key, key.Last)
		}
		if c.At.Sub(key.Last) <= *d.TTL {
			c.Begin = append(c.Begin, k)
		}
	}
	return nil
}

// sameSettings says which setting is another than when the baseline was learned.
func sameSettings(name string, then, now map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if then[key] != now[key] {
			return fmt.Errorf("%s: it was learned with %s %.100q, which is %q here", name, key, then[key], now[key])
		}
	}
	if len(then) != len(now) {
		return fmt.Errorf("%s: it was learned with settings that there are not here", name)
	}
	return nil
}

const baselineHint = "a baseline is of use only under the settings it was learned with: give them in the config, or export it anew"

func importBaseline(c *cobra.Command, f *baselineFlags, path string) error {
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	detectors, err := cfg.detectors()
	if err != nil {
		return err
	}
	if f.db == store.Memory {
		return misuse("litesoc scan --db :memory: --baseline "+path, "baseline import: --db :memory: keeps nothing")
	}
	// A file that is no good makes no database.
	if _, err := readBaseline(path, detectors, time.Time{}); err != nil {
		return failed(fmt.Errorf("baseline import %s: %s", report.Show(path), showLines(err.Error())), hintFor(err))
	}
	s, err := openStore(c.Context(), f.db, defaultMemory)
	if err != nil {
		return err
	}
	defer s.Close()
	at, err := s.Unjudged()
	if err != nil {
		return failed(err, "")
	}
	change, err := readBaseline(path, detectors, at)
	if err != nil {
		return failed(fmt.Errorf("baseline import %s: %s", report.Show(path), showLines(err.Error())), hintFor(err))
	}
	change.Forget = f.replace
	if err := s.AddChanges([]detect.Change{*change}, baselineEntry("baseline.imported", path, change, len(change.Begin))); err != nil {
		return failed(err, "")
	}
	if err := s.Close(); err != nil {
		return failed(fmt.Errorf("database %q: %w", f.db, err), "")
	}
	fmt.Fprintf(c.ErrOrStderr(), "litesoc: imported %s of %s, which hold from %s on\n",
		report.Plural(int64(len(change.Begin)), "baseline", "baselines"), report.Plural(int64(len(change.Settings)), "detector", "detectors"), change.At.UTC().Format(time.RFC3339))
	return nil
}

// hintFor is what to do about a baseline that is refused.
func hintFor(err error) string {
	if strings.Contains(err.Error(), "it was learned with") {
		return baselineHint
	}
	return "'litesoc baseline export > FILE' writes one"
}

// beginWith lets the database begin with a baseline, unless it did so before.
func (j *job) beginWith(path string) error {
	at, err := j.store.Unjudged()
	if err != nil {
		return failed(err, "")
	}
	changes, err := j.store.Changes()
	if err != nil {
		return failed(err, "")
	}
	change, err := readBaseline(path, j.all, at)
	if err != nil {
		return failed(fmt.Errorf("--baseline %s: %s", report.Show(path), showLines(err.Error())), hintFor(err))
	}
	if slices.ContainsFunc(changes, func(c detect.Change) bool { return c.Digest == change.Digest }) {
		return nil
	}
	j.notes = append(j.notes, fmt.Sprintf("the baseline %s holds from %s on: requests before that are judged without it", path, change.At.UTC().Format(time.RFC3339)))
	if err := j.store.AddChanges([]detect.Change{*change}, baselineEntry("baseline.imported", path, change, len(change.Begin))); err != nil {
		return failed(err, "")
	}
	return nil
}

// baselineEntry tells the audit trail of a change of n baselines.
func baselineEntry(action, object string, c *detect.Change, n int) store.Entry {
	after, _ := json.Marshal(map[string]any{"from": c.At.UTC(), "forgets": c.Forget, "baselines": n}) // no error: a time, a bool and a number
	return store.Entry{Who: systemUser(), Action: action, ObjectType: "baseline", ObjectID: object, After: after}
}

func resetBaseline(c *cobra.Command, f *baselineFlags) error {
	if f.all == (f.actor != "" || f.detector != "") {
		return misuse("--all forgets what all detectors have learned", "baseline reset: give --actor, --detector, both of them, or --all")
	}
	l, err := f.read(c)
	if err != nil {
		return err
	}
	if len(l.known) == 0 {
		return failed(errors.New("baseline reset: nothing is known of that"), "'litesoc baseline show' says what is")
	}
	s, err := openStore(c.Context(), f.db, defaultMemory)
	if err != nil {
		return err
	}
	defer s.Close()
	at, err := s.Unjudged()
	if err != nil {
		return failed(err, "")
	}
	// What was imported and does not hold yet is forgotten as well.
	if l.until.After(at) {
		at = l.until
	}
	actors := map[string]bool{"": true}
	if f.actor != "" {
		clear(actors)
		for _, k := range l.known {
			id, _ := k.Actor()
			actors[id] = true
		}
	}
	var changes []detect.Change
	for _, actor := range slices.Sorted(maps.Keys(actors)) {
		changes = append(changes, detect.Change{At: at.UTC(), Forget: true, Detector: f.detector, Actor: actor})
	}
	if err := s.AddChanges(changes, baselineEntry("baseline.reset", strings.TrimSpace(f.detector+" "+f.actor), &changes[0], len(l.known))); err != nil {
		return failed(err, "")
	}
	if err := s.Close(); err != nil {
		return failed(fmt.Errorf("database %q: %w", f.db, err), "")
	}
	fmt.Fprintf(c.ErrOrStderr(), "litesoc: forgot %s up to %s\n", report.Plural(int64(len(l.known)), "baseline", "baselines"), at.UTC().Format(time.RFC3339))
	return nil
}
