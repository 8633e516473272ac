package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/geo"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/notify"
	"github.com/litesoc/litesoc/report/store"
)

// How well a thing is.
const (
	stateOK      = "ok"
	stateNote    = "note"   // could be better, or will not last
	stateBroken  = "broken" // does not work, or not as the config says
	stateMissing = "unset"  // is not set up, and need not be
)

// A check is what doctor found of one thing.
type check struct {
	State string `json:"state"` // ok, note, unset or broken
	What  string `json:"what"`
	Text  string `json:"text"`
	Mend  string `json:"mend,omitempty"` // what to do about it
}

// A doctor looks at what is set up. It changes nothing.
type doctor struct {
	Checks []check `json:"checks"`
	now    time.Time
	pause  func() // while somebody else may get on
}

type doctorFlags struct {
	db, config, intel, output string
}

func doctorCommand() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor [LOG...]",
		Short: "Say what is set up, what is missing or broken, and how to mend it",
		Long: `Say what is set up, what is missing or broken, and how to mend it: the config with its
rules, lists and notifications, the database, what tells where addresses are, and logs
if any are named. It changes nothing and sends nothing.

Exit status: 0 nothing is broken, 1 something is, 2 wrong usage.`,
		Example: `  litesoc doctor
  litesoc doctor --output json /var/log/nginx/access.log`,
		RunE: func(c *cobra.Command, args []string) error {
			if f.output != "text" && f.output != "json" {
				return misuse("", "--output %q: the formats are text and json", f.output)
			}
			d := &doctor{now: time.Now(), pause: func() { time.Sleep(2 * time.Second) }}
			d.examine(c, &f, args)
			if err := d.write(c.OutOrStdout(), f.output); err != nil {
				return err
			}
			for _, k := range d.Checks {
				if k.State == stateBroken {
					return &statusError{status: exitFailed}
				}
			}
			return nil
		},
	}
	dbFlag(c, &f.db)
	c.PreRunE = nil // a config that cannot be read is for the doctor to tell
	c.Flags().StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	intelFlag(c, &f.intel)
	c.Flags().StringVarP(&f.output, "output", "o", "text", "`FORMAT`: text or json")
	return c
}

func (d *doctor) say(state, what, text, mend string) {
	d.Checks = append(d.Checks, check{state, what, text, mend})
}

// broken says that something fails.
func (d *doctor) broken(what string, err error, mend string) {
	var status *statusError
	if errors.As(err, &status) && mend == "" {
		mend = status.hint
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // what follows shows the place
	d.say(stateBroken, what, text, mend)
}

func (d *doctor) examine(c *cobra.Command, f *doctorFlags, logs []string) {
	d.say(stateOK, "program", fmt.Sprintf("litesoc %s, DuckDB %s, %s, %s/%s", version, store.DuckDBVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH), "")
	if d.now.Year() < 2025 {
		d.say(stateBroken, "clock", "it is "+d.now.UTC().Format(time.DateTime)+" UTC by this machine", "set the clock: certificates and ages are judged by it")
	} else {
		d.say(stateOK, "clock", d.now.UTC().Format(time.DateTime)+" UTC", "")
	}
	cfg, err := readConfig(f.config)
	if err != nil {
		d.broken("config", err, "mend the file, or write another: litesoc init --output - access.log")
		cfg = &config{path: configName}
	} else {
		d.config(cfg)
	}
	d.intel(cfg, f.intel)
	db := f.db
	if cfg.DB != "" && !c.Flags().Changed("db") && os.Getenv("LITESOC_DB") == "" {
		db = cfg.DB
	}
	d.database(db)
	d.logs(c, cfg, logs)
}

// config looks at what the config sets.
func (d *doctor) config(cfg *config) {
	if _, err := os.Stat(cfg.path); err != nil {
		d.say(stateMissing, "config", "none: everything is as litesoc has it by itself", "litesoc init access.log writes one")
		return
	}
	j := &job{flags: &scanFlags{}}
	if err := j.prepare(cfg); err != nil {
		d.broken("config", fmt.Errorf("%s: %w", cfg.path, err), "")
		return
	}
	j.geo.Close()
	d.say(stateOK, "config", fmt.Sprintf("%s is valid", cfg.path), "")
	if set, _, err := cfg.ruleSet(nil); err == nil && len(cfg.Rules) > 0 {
		d.say(stateOK, "rules", fmt.Sprintf("%s, those of %s among them", report.Plural(int64(len(set.Rules)), "rule", "rules"), strings.Join(cfg.Rules, ", ")), "")
	}
	over := 0
	for _, e := range cfg.Allowlist {
		if until, err := detect.ParseExpiry(e.Expires); err == nil && !until.IsZero() && !d.now.Before(until) {
			over++
			d.say(stateNote, "allowlist", fmt.Sprintf("the entry %q expired %s", e.Reason, e.Expires), "take it out, or give it another day if it still is fine")
		}
	}
	if n := len(cfg.Allowlist); n > over {
		d.say(stateOK, "allowlist", report.Plural(int64(n-over), "entry holds", "entries hold"), "")
	}
	d.accepted(cfg)
	d.notifications(cfg)
}

func (d *doctor) accepted(cfg *config) {
	if cfg.Accepted == "" {
		return
	}
	l, err := readAccepted(cfg.Accepted)
	if err != nil {
		d.broken("accepted", err, "")
		return
	}
	over := 0
	for _, e := range l.Entries() {
		if until, err := detect.ParseExpiry(e.Expires); err == nil && !until.IsZero() && !d.now.Before(until) {
			over++
		}
	}
	if over > 0 {
		d.say(stateNote, "accepted", fmt.Sprintf("%s: %s expired", cfg.Accepted, report.Plural(int64(over), "finding has", "findings have")), "take them out, or accept them anew with 'litesoc accept'")
		return
	}
	d.say(stateOK, "accepted", fmt.Sprintf("%s: %s", cfg.Accepted, report.Plural(int64(len(l.Entries())), "finding", "findings")), "")
}

// notifications looks whether those who are to be told could be. Nothing is sent.
func (d *doctor) notifications(cfg *config) {
	if len(cfg.Notifications) == 0 {
		d.say(stateMissing, "notifications", "nobody is told of alerts", "name channels under 'notifications' in "+configName)
		return
	}
	env := &notify.Environment{Getenv: os.LookupEnv, ReadFile: cfg.readFile, Stdout: io.Discard}
	for _, one := range cfg.Notifications {
		if _, err := notify.New([]notify.Config{one}, env); err != nil {
			d.broken("notifications", err, "set the variable or write the file that it names")
			continue
		}
		d.say(stateOK, "notifications", one.Name+" has all it needs", "litesoc notify test "+one.Name+" sends something")
	}
}

// oldIntel is the age from which lists of addresses are said to be old: those of Tor and
// VPNs change daily.
const oldIntel = 90 * 24 * time.Hour

// intel looks at what tells where addresses are.
func (d *doctor) intel(cfg *config, given string) {
	dir := given
	if dir == "" {
		dir = cfg.Intel
	}
	if dir == "" {
		dir = defaultIntel()
	}
	db, err := geo.Open(geo.Config{Files: cfg.MMDB, Intel: dir, Directories: geo.Directories()})
	if err != nil {
		d.broken("addresses", err, "see 'mmdb' and 'intel' in the config")
		if db == nil {
			return
		}
	}
	defer db.Close()
	for _, err := range db.Skipped() {
		d.broken("addresses", err, "import it anew with 'litesoc intel', or take the file away")
	}
	for _, s := range db.Sources() {
		text := fmt.Sprintf("%s by %s of %s", s.Kind, s.Name, s.Date.Format(time.DateOnly))
		if s.Prefixes+s.Networks > 0 {
			text += fmt.Sprintf(": %s, %s", report.Plural(int64(s.Prefixes), "range", "ranges"), report.Plural(int64(s.Networks), "network", "networks"))
		}
		if age := d.now.Sub(s.Date); age > oldIntel && s.Path != "" {
			d.say(stateNote, "addresses", fmt.Sprintf("%s is %d days old", text, int(age.Hours()/24)), "import a newer one: litesoc intel --help")
			continue
		}
		d.say(stateOK, "addresses", text, "")
	}
	if not := db.NotChecked(); len(not) > 0 {
		d.say(stateMissing, "addresses", "not all is known: "+strings.Join(not, "; "), "litesoc intel --help tells where lists are to be had")
	}
}

// database looks at the file and at what it holds, and leaves it to others at once.
func (d *doctor) database(path string) {
	if path == store.Memory {
		d.say(stateMissing, "database", "none is kept: "+path, "")
		return
	}
	d.room(path)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		d.say(stateMissing, "database", fmt.Sprintf("%q is not there yet", path), "litesoc scan access.log makes it")
		return
	}
	if err != nil {
		d.broken("database", err, "")
		return
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && info.Mode().IsRegular() && runtime.GOOS != "windows" {
		d.say(stateNote, "database", fmt.Sprintf("%q can be read by others: its mode is %04o", path, mode), "chmod 600 "+path)
	}
	pid, err := store.Follower(path)
	if err != nil {
		d.broken("tail", err, "")
	}
	var schema int
	err = betweenTurns(pid, func() (err error) { schema, err = store.Version(path); return err })
	switch {
	case errors.Is(err, store.ErrBusy):
		d.say(stateNote, "database", err.Error(), "what it holds could not be looked at; wait until that is done")
		return
	case errors.Is(err, fs.ErrPermission):
		d.broken("database", err, "let its owner run litesoc, or choose another with --db")
		return
	case err != nil:
		d.broken("database", err, "choose another with --db, or bring back a copy")
		return
	case schema == 0:
		d.say(stateBroken, "database", fmt.Sprintf("%q is a DuckDB file, but not one of litesoc", path), "choose another with --db")
		return
	case schema > store.SchemaVersion:
		d.say(stateBroken, "database", fmt.Sprintf("%q has schema %d, this litesoc knows %d", path, schema, store.SchemaVersion), "use the litesoc that wrote it, or another --db")
		return
	case schema < store.SchemaVersion:
		d.say(stateNote, "database", fmt.Sprintf("%q has schema %d, of an earlier litesoc", path, schema), "the next command brings it to "+fmt.Sprint(store.SchemaVersion)+"; copy it before if the earlier one is still to be used")
		return
	}
	var q *store.Query
	err = betweenTurns(pid, func() (err error) { q, err = store.OpenQuery(path); return err })
	if err != nil {
		d.broken("database", err, "")
		return
	}
	d.say(stateOK, "database", fmt.Sprintf("%q, schema %d, %.1f MiB", path, schema, float64(info.Size())/(1<<20)), "")
	d.contents(q)
	if err := q.Close(); err != nil {
		d.broken("database", err, "")
		return
	}
	d.following(path, pid)
}

const (
	// behindFor is how long a tail may keep nothing of what was written before that is odd:
	// longer than a command that has the database usually takes.
	behindFor = time.Minute
	// goneSince is how long ago a log may have told of something whose file is missed.
	goneSince = 24 * time.Hour
)

// following looks whether a tail runs, in the process of that id, and how far the logs are
// read that were read before. Paths are seen from the folder that this runs in.
func (d *doctor) following(path, pid string) {
	kept, unread, err := d.progress(path, pid)
	if err != nil {
		d.broken("tail", err, "")
		return
	}
	// What was written just now is kept soon.
	for range 5 {
		behind := slices.ContainsFunc(unread, func(r remnant) bool { return r.bytes > 0 })
		if pid == "" || !behind || d.now.Sub(kept) <= behindFor {
			break
		}
		d.pause()
		was := kept
		if kept, unread, err = d.progress(path, pid); err != nil {
			d.broken("tail", err, "")
			return
		}
		if !kept.Equal(was) {
			break
		}
	}
	last := "nothing was kept yet"
	if !kept.IsZero() {
		last = "lines were last kept " + kept.Format(time.DateTime) + " UTC"
	}
	if pid == "" {
		d.say(stateMissing, "tail", "no litesoc tail follows logs into the database; "+last, "litesoc tail access.log shows alerts as they open")
	} else {
		d.say(stateOK, "tail", fmt.Sprintf("litesoc tail follows logs into the database (PID %s); %s", pid, last), "")
	}
	for _, k := range unread {
		what := k.path + ": " + bytesText(k.bytes)
		switch {
		case k.gone:
			d.say(stateNote, "tail", fmt.Sprintf("%s is gone; its last line is of %s UTC", k.path, k.last.UTC().Format(time.DateTime)),
				"if its server writes elsewhere now, follow that; a path is looked for from the folder that this runs in")
		case pid == "":
			d.say(stateNote, "tail", what+" were written since it was read", "litesoc tail or litesoc scan goes on where that ended")
		case d.now.Sub(kept) > behindFor:
			d.say(stateBroken, "tail", what+" were written and not read since then", "what litesoc tail says on stderr tells why (journalctl -u litesoc): "+
				"the disk may be full, another command may have the database, or that log is none that it follows")
		case k.bytes > lagging:
			d.say(stateNote, "tail", what+" are not read yet", "after a burst it catches up; if this grows, the log grows faster than this machine can read it")
		default:
			d.say(stateOK, "tail", what+" are not read yet", "")
		}
	}
}

// A remnant is a log that is not read to its end, or whose file is gone.
type remnant struct {
	path  string
	bytes int64
	gone  bool
	last  time.Time
}

// progress returns when lines were last kept, and the logs that are not read to their end.
func (d *doctor) progress(path, pid string) (kept time.Time, unread []remnant, err error) {
	var q *store.Query
	if err := betweenTurns(pid, func() (err error) { q, err = store.OpenQuery(path); return err }); err != nil {
		return kept, nil, err
	}
	kept, err = q.Stored()
	var known []source.Known
	if err == nil {
		known, err = q.Known()
	}
	if err := errors.Join(err, q.Close()); err != nil {
		return kept, nil, err
	}
	latest := map[string]source.Known{}
	for _, k := range known {
		latest[k.Source.Path] = k
	}
	for _, path := range slices.Sorted(maps.Keys(latest)) {
		k := latest[path]
		_, err := os.Stat(path)
		gone := errors.Is(err, fs.ErrNotExist) && path != "-" && !strings.Contains(path, "!") && d.now.Sub(k.At.Latest()) < goneSince
		if n, _ := k.Unread(); gone || n > 0 {
			unread = append(unread, remnant{path, n, gone, k.At.Latest()})
		}
	}
	return kept, unread, nil
}

// betweenTurns opens a database, if need be between two turns of the tail in the process of that
// id.
func betweenTurns(pid string, open func() error) error {
	wait := time.Duration(0)
	if pid != "" {
		wait = tailWait
	}
	return patiently(context.Background(), wait, open)
}

// lagging is how many bytes of a log may wait to be read and be nothing to tell of.
const lagging = 16 << 20

func (d *doctor) contents(q *store.Query) {
	last, err := q.Last()
	if err != nil {
		d.broken("database", err, "")
		return
	}
	switch {
	case last.After(d.now.Add(5 * time.Minute)):
		d.say(stateNote, "clock", fmt.Sprintf("the last request is of %s UTC, which is to come", last.UTC().Format(time.DateTime)), "one of the clocks is wrong, this machine's or the server's; or the log is made up")
	case !last.IsZero():
		d.say(stateOK, "database", "the last request is of "+last.UTC().Format(time.DateTime)+" UTC", "")
	}
	if began, err := q.Unfinished(); err != nil {
		d.broken("database", err, "")
	} else if !began.IsZero() {
		d.say(stateBroken, "database", "a scan that began "+began.UTC().Format(time.DateTime)+" UTC did not end: not all requests that it kept have been judged", "scan the logs again: it goes on from there")
	}
	gone, err := q.Gone()
	if err != nil {
		d.broken("alerts", err, "")
	} else if len(gone) > 0 {
		d.say(stateNote, "alerts", report.Plural(int64(len(gone)), "alert was handled and is found no more", "alerts were handled and are found no more"), "a setting, a rule or a log has changed since: litesoc alerts list --all")
	}
	waiting, parked, err := q.Unsent()
	switch {
	case err != nil:
		d.broken("outbox", err, "")
	case parked > 0:
		d.say(stateNote, "outbox", report.Plural(int64(parked), "notification was given up", "notifications were given up"), "litesoc notify list --state parked tells why")
	case waiting > 0:
		d.say(stateNote, "outbox", report.Plural(int64(waiting), "notification waits", "notifications wait")+" to be sent", "litesoc notify send")
	}
}

// leastRoom is the free space below which a scan of some size may not end.
const leastRoom = 1 << 30

// room looks at the disk that the database is on, and whether it can be written to.
func (d *doctor) room(path string) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		d.say(stateBroken, "disk", fmt.Sprintf("%q is no folder that the database could be in", dir), "make it, or choose another with --db")
		return
	}
	if err := store.Writable(path); err != nil {
		d.broken("disk", err, "let the owner of the database run litesoc, or choose another place with --db; where the database can be read, reports and queries work")
	}
	free, err := freeSpace(dir)
	if err != nil {
		d.broken("disk", fmt.Errorf("%s: %w", dir, err), "")
		return
	}
	if free < leastRoom {
		d.say(stateNote, "disk", fmt.Sprintf("%.1f GiB are free in %q", float64(free)/(1<<30), dir), "make room, or choose another place with --db: a million requests take about 50 MiB, and as much while they are read")
		return
	}
	d.say(stateOK, "disk", fmt.Sprintf("%.1f GiB are free in %q", float64(free)/(1<<30), dir), "")
}

// logs looks whether logs can be read, and as what.
func (d *doctor) logs(c *cobra.Command, cfg *config, paths []string) {
	if len(paths) == 0 {
		return
	}
	formats, err := cfg.formats(cfg.Format)
	if err != nil {
		d.broken("logs", err, "")
		return
	}
	files, failures := source.Find(paths, c.InOrStdin())
	for _, f := range failures {
		d.say(stateBroken, "logs", fmt.Sprintf("%s: %v", f.Path, f.Err), f.Hint)
	}
	for _, f := range files {
		lines, err := source.Sample(f)
		if err != nil {
			d.broken("logs", fmt.Errorf("%s: %w", f.Path, err), "")
			continue
		}
		guess, ok := parsers.Guess(formats, lines)
		if !ok && guess.Parsed == 0 && guess.Timeless == 0 && guess.Skipped > 0 {
			d.say(stateNote, "logs", f.Path+": no request in it", "name the access log alone, if this is the log of errors")
			continue
		}
		if !ok {
			d.say(stateBroken, "logs", f.Path+": no known format", "litesoc formats detect "+f.Path)
			continue
		}
		d.say(stateOK, "logs", fmt.Sprintf("%s: %s reads %d of %s", f.Path, guess.Format.Name, guess.Parsed, guess.Lines()), "")
	}
}

func (d *doctor) write(w io.Writer, format string) error {
	if format == "json" {
		return report.WriteJSON(w, d)
	}
	broken := 0
	for _, k := range d.Checks {
		if k.State == stateBroken {
			broken++
		}
		if err := beside(w, fmt.Sprintf("%-6s  %-13s  ", k.State, k.What), k.Text); err != nil {
			return err
		}
		if k.Mend == "" {
			continue
		}
		if err := beside(w, fmt.Sprintf("%-6s  %-13s  → ", "", ""), k.Mend); err != nil {
			return err
		}
	}
	if broken > 0 {
		_, err := fmt.Fprintf(w, "\n%s broken.\n", report.Plural(int64(broken), "thing is", "things are"))
		return err
	}
	_, err := fmt.Fprintf(w, "\nNothing is broken.\n")
	return err
}
