package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// A decision is a command that says what becomes of alerts.
type decision struct {
	name, status, short, long, example string
}

var decisions = []decision{
	{"ack", report.Acknowledged, "Say that somebody looks at alerts",
		"Say that somebody looks at alerts. They stay acknowledged, whatever follows, until they are resolved, dismissed or opened again.",
		"  litesoc alerts ack alt_7b1b\n  litesoc alerts ack --incident inc_7b1b --by alice"},
	{"resolve", report.Resolved, "Say that alerts are dealt with",
		"Say that alerts are dealt with, and how. One that goes on afterwards is opened again.",
		"  litesoc alerts resolve alt_7b1b --type reset_password --note \"owner called, key rotated\"\n  litesoc alerts resolve --incident inc_7b1b --type blocked_ip"},
	{"dismiss", report.Dismissed, "Say that alerts are no attack",
		"Say that alerts are no attack. They stay dismissed even if they go on, unless they become more severe.",
		"  litesoc alerts dismiss alt_7b1b --note \"our own load test\"\n  litesoc alerts list --rule rate-limit --output ids | litesoc alerts dismiss -"},
	{"reopen", report.Open, "Open alerts again",
		"Open alerts again that were acknowledged, resolved or dismissed.",
		"  litesoc alerts reopen alt_7b1b --note \"the key is still in use\""},
}

// resolutions are the ways in which an alert can be resolved.
var resolutions = []string{"blocked_ip", "reset_password", "contacted_user", "investigated", "false_positive", "other"}

const (
	maxNote = 2000 // characters, as the hosted product has it
	maxWho  = 200
)

type handleFlags struct {
	db, typ, note, by, incident, output string
	wait                                time.Duration
}

func (d decision) command() *cobra.Command {
	var f handleFlags
	c := &cobra.Command{
		Use:   d.name + " ID...",
		Short: d.short,
		Long: d.long + `

The beginning of an id will do where no other alert's id begins so. - reads ids from
standard input: words, or lines of JSON objects with an id. All are changed or none;
those that are ` + d.status + ` already are left as they are, and said.`,
		Example: d.example,
		RunE:    func(c *cobra.Command, args []string) error { return d.handle(c, &f, args) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	if d.status == report.Resolved {
		flags.StringVar(&f.typ, "type", "other", "how, a `type` of "+strings.Join(resolutions, ", "))
	}
	flags.StringVar(&f.note, "note", "", "what there is to say of it, a `text` of at most "+strconv.Itoa(maxNote)+" characters")
	flags.StringVar(&f.by, "by", "", "`who` decides (default: the user of this system)")
	flags.StringVar(&f.incident, "incident", "", "all alerts of the incident whose `id` begins so, but for those resolved or dismissed")
	flags.DurationVar(&f.wait, "wait", 15*time.Second, "how long to wait while another process writes to the database")
	flags.StringVarP(&f.output, "output", "o", "text", "`FORMAT`: text, table, json, csv or ndjson")
	return c
}

// change is what the flags ask for.
func (d decision) change(f *handleFlags) (store.Change, error) {
	ch := store.Change{Status: d.status, By: f.by, ResolutionType: f.typ, Note: f.note}
	switch {
	case d.status == report.Resolved && !slices.Contains(resolutions, f.typ):
		return ch, misuse("", "--type %q: the types are %s", f.typ, strings.Join(resolutions, ", "))
	case !utf8.ValidString(f.note):
		return ch, misuse("", "--note is not UTF-8")
	case utf8.RuneCountInString(f.note) > maxNote:
		return ch, misuse("", "--note has %d characters, more than %d", utf8.RuneCountInString(f.note), maxNote)
	case !utf8.ValidString(f.by) || utf8.RuneCountInString(f.by) > maxWho:
		return ch, misuse("", "--by is not UTF-8, or more than %d characters", maxWho)
	case f.by == store.Self:
		return ch, misuse("", "--by %s: that stands for what litesoc does by itself", f.by)
	}
	if d.status == report.Dismissed {
		ch.ResolutionType = "false_positive"
	}
	if ch.By == "" {
		ch.By = systemUser()
	} else if u := systemUser(); u != ch.By {
		ch.User = u
	}
	return ch, nil
}

// systemUser names who runs the tool.
func systemUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

func (d decision) handle(c *cobra.Command, f *handleFlags, args []string) error {
	if f.output != "text" && tables[f.output] == nil {
		return misuse("", "--output %q: the formats are text, table, json, csv, ndjson", f.output)
	}
	change, err := d.change(f)
	if err != nil {
		return err
	}
	if len(args) == 0 && f.incident == "" {
		return misuse("litesoc alerts list", "alerts %s: no alert is named", d.name)
	}
	ids := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "-" })
	if len(ids) < len(args) {
		read, err := idsFrom(c.InOrStdin())
		if err != nil {
			return failed(fmt.Errorf("alerts %s: standard input: %w", d.name, err), "")
		}
		ids = append(ids, read...)
	}
	var handled []store.Handled
	err = writing(c.Context(), f.db, f.wait, func(s *store.Store) error {
		if f.incident != "" {
			of, err := s.AlertsOf(f.incident)
			if err != nil {
				return err
			}
			ids = append(ids, of...)
		}
		if len(ids) == 0 {
			return nil
		}
		handled, err = s.Handle(ids, change)
		return err
	})
	if errors.Is(err, store.ErrChange) {
		hint := "'litesoc alerts reopen' opens what is resolved or dismissed; 'litesoc alerts show' tells why it is"
		if d.status == report.Open || !strings.Contains(err.Error(), " is ") {
			hint = d.meant(f, ids)
		}
		return failed(fmt.Errorf("alerts %s: %w", d.name, err), hint)
	}
	if err != nil {
		return err
	}
	if len(handled) == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "litesoc: there is no such alert: nothing to do")
	}
	if f.output == "text" {
		return handledText(c.OutOrStdout(), handled)
	}
	return handledTable(tables[f.output](c.OutOrStdout()), handled)
}

// meant says what may have been meant by the first of the ids that is none of an alert, or by
// that of --incident.
func (d decision) meant(f *handleFlags, ids []string) string {
	const otherwise = "'litesoc alerts list' has the ids"
	r, err := readReport(f.db, "", "")
	if err != nil {
		return otherwise
	}
	if f.incident != "" && len(beginning(incidentIDs.of(r), f.incident)) != 1 {
		return incidentIDs.meantID(r, f.incident, "'litesoc incidents list' has the ids")
	}
	for _, id := range ids {
		switch n := len(beginning(alertIDs.of(r), id)); {
		case n == 1:
			continue
		case n > 1:
			return moreOfID
		}
		if of := beginning(incidentIDs.of(r), id); len(of) == 1 {
			return fmt.Sprintf("that is an incident; for all of its alerts: litesoc alerts %s --incident %s", d.name, of[0])
		}
		return alertIDs.meantID(r, id, otherwise)
	}
	return otherwise
}

// handledText says of each alert what it is now.
func handledText(w io.Writer, handled []store.Handled) error {
	for _, h := range handled {
		as := ""
		if h.ResolutionType != "" {
			as = " as " + h.ResolutionType
		}
		was := ", was " + h.Was
		if !h.Changed {
			was = " already"
			if h.ResolvedBy != "" {
				was += ", by " + h.ResolvedBy + " on " + h.ResolvedAt.UTC().Format(time.DateTime) + " UTC"
			}
			if h.Status == report.Acknowledged || h.ResolutionType == "" {
				as = ""
			}
		}
		if _, err := fmt.Fprintln(w, report.Show(fmt.Sprintf("%s %s%s%s: %s", h.ID, h.Status, as, was, h.Title))); err != nil {
			return err
		}
	}
	return nil
}

func handledTable(t table, handled []store.Handled) error {
	if err := t.columns([]string{"id", "status", "was", "changed", "resolution_type", "resolved_by", "resolved_at", "updated_at", "note", "title"}); err != nil {
		return err
	}
	for _, h := range handled {
		err := t.row([]any{h.ID, h.Status, h.Was, h.Changed, none(h.ResolutionType), none(h.ResolvedBy), instant(h.ResolvedAt), h.UpdatedAt, none(h.Note), h.Title})
		if err != nil {
			return err
		}
	}
	return t.end()
}

// writing opens a database that is there for f to write to. While another process has it
// open it tries again, ever less often, as long as wait says.
func writing(ctx context.Context, db string, wait time.Duration, f func(*store.Store) error) error {
	if _, err := os.Stat(db); db == store.Memory || errors.Is(err, fs.ErrNotExist) {
		return unopened(fmt.Errorf("database %q: %w", db, store.ErrNoStore), "")
	}
	var s *store.Store
	err := patiently(ctx, wait, func() (err error) { s, err = store.Open(db); return err })
	if err != nil {
		return unopened(err, "wait until it is done, or try for longer with --wait")
	}
	if err := errors.Join(f(s), s.Close()); err != nil {
		var status *statusError
		if errors.As(err, &status) || errors.Is(err, store.ErrChange) {
			return err
		}
		return failed(err, "")
	}
	return nil
}

// patiently tries to open a database as long as another process has it open, ever less
// often, until wait is over. Its error is that of the last try.
func patiently(ctx context.Context, wait time.Duration, try func() error) error {
	const longest = 200 * time.Millisecond // shorter than a tail keeps its hands off the database
	until := time.Now().Add(wait)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, longest) {
		err := try()
		left := time.Until(until)
		if !errors.Is(err, store.ErrBusy) || left <= 0 {
			return err
		}
		select {
		case <-time.After(min(pause, left)):
		case <-ctx.Done():
			return errors.New("interrupted")
		}
	}
}
