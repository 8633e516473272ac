package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

func auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Verify and export the trail of who did what",
		Long: `Verify and export the audit trail: every change of an alert, by a person or by
litesoc, and every export into a file, each with the hash of the one before.`,
		Example: `  litesoc audit verify
  litesoc audit export --output csv=audit.csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(auditVerifyCommand(), auditExportCommand())
	return c
}

func auditVerifyCommand() *cobra.Command {
	var db, head, output string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Verify that the audit trail is what was written",
		Long: `Verify that the audit trail is what was written: that each row has its hash and that
of the row before, that none is missing, also at the end, and that alerts are what
the trail says they became. The first place where that is not so is named.

Whoever can write to the database can write all of it anew, hashes and all. So note
the head that is printed somewhere else: --head tells whether the row that had it
then, and with it all before, is still there.

Exit status: 0 the trail is whole, 1 it could not be read, 2 wrong usage, 3 it is not
what was written.`,
		Example: `  litesoc audit verify
  litesoc audit verify --head 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return verifyAudit(c, db, head, output) },
	}
	dbFlag(c, &db)
	c.Flags().StringVar(&head, "head", "", "a head that was noted: the `hash` must be one of the trail")
	c.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text or json")
	return c
}

// hashText is how a hash is written.
var hashText = regexp.MustCompile(`^[0-9a-f]{64}$`)

func verifyAudit(c *cobra.Command, db, noted, output string) error {
	if output != "text" && output != "json" {
		return misuse("", "--output %q: the formats are text, json", output)
	}
	noted = strings.ToLower(strings.TrimSpace(noted))
	if noted != "" && !hashText.MatchString(noted) {
		return misuse("'litesoc audit verify' prints it", "--head %q: a head is a hash of 64 hexadecimal digits", noted)
	}
	q, err := openQuery(db)
	if err != nil {
		return err
	}
	v, err := q.Verify(noted)
	if err := errors.Join(err, q.Close()); err != nil {
		return failed(err, "")
	}
	out := c.OutOrStdout()
	if output == "json" {
		verdict := struct {
			Whole bool         `json:"whole"`
			Rows  int64        `json:"rows"`
			Head  string       `json:"head"`
			Noted int64        `json:"noted_row,omitempty"`
			Break *store.Break `json:"break,omitempty"`
		}{v.Break == nil, v.Rows, v.Head, v.Noted, v.Break}
		text, err := report.EncodeJSON(verdict)
		if err != nil {
			return failed(err, "")
		}
		fmt.Fprintf(out, "%s\n", text)
	}
	if v.Break != nil {
		if output == "text" {
			where := ""
			if v.Break.Seq > 0 {
				where = fmt.Sprintf("row %d: ", v.Break.Seq)
			}
			fmt.Fprintf(out, "The audit trail is not what was written.\n%s%s\n", where, report.Show(v.Break.What))
		}
		return &statusError{status: exitFound}
	}
	if output == "text" {
		fmt.Fprintln(out, "The audit trail is whole.")
		if v.Noted > 0 {
			fmt.Fprintf(out, "The noted head is row %d.\n", v.Noted)
		}
		fmt.Fprintf(out, "rows %d\nhead %s\n", v.Rows, v.Head)
	}
	return nil
}

func auditExportCommand() *cobra.Command {
	var db, since, until, output string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the audit trail, with the SOC 2 criteria it is evidence for",
		Long: `Write the audit trail in its order, each row with the criteria of SOC 2 (Trust
Services Criteria) that it is evidence for: CC6.1 access is restricted, CC7.2
anomalies are watched for, CC7.3 events are evaluated, CC7.4 incidents are responded
to. Export and hashes are those of the table audit_log; 'litesoc audit verify' tells
whether they hold. An export into a file is itself written to the trail.`,
		Example: `  litesoc audit export --since 2026-01-01 --output csv=audit.csv
  litesoc audit export --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return exportAudit(c, db, since, until, output) },
	}
	dbFlag(c, &db)
	c.Flags().StringVar(&since, "since", "", "only what was done at or after this `time`: "+timeHint)
	c.Flags().StringVar(&until, "until", "", "only what was done before this `time`")
	c.Flags().StringVarP(&output, "output", "o", "csv", "`FORMAT[=FILE]`: table, json, csv or ndjson")
	return c
}

func exportAudit(c *cobra.Command, db, since, until, output string) error {
	out, err := rowsTo(c, output, nil)
	if err != nil {
		return err
	}
	span, err := parseSpan(since, until, time.Now())
	if err != nil {
		return err
	}
	q, err := openQuery(db)
	if err != nil {
		return err
	}
	records, err := q.Trail()
	if err := errors.Join(err, q.Close()); err != nil {
		return failed(err, "")
	}
	t := out.table
	if err := t.columns([]string{"seq", "at", "who", "action", "object_type", "object_id", "before", "after", "note", "controls", "prev_hash", "hash"}); err != nil {
		return err
	}
	for _, r := range records {
		if r.At.Before(span.Since) || !span.Until.IsZero() && !r.At.Before(span.Until) {
			continue
		}
		err := t.row([]any{r.Seq, r.At, r.Who, r.Action, r.ObjectType, r.ObjectID, object(r.Before), object(r.After), none(r.Note),
			strings.Join(store.Controls(r.Action), " "), r.PrevHash, r.Hash})
		if err != nil {
			return err
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	return out.done(c, db, "audit.exported")
}

// rows are rows on their way to standard output, or into a file.
type rows struct {
	table   table
	w       io.Writer
	format  string
	file    string // "" is stdout
	content bytes.Buffer
}

// rowsTo returns where --output FORMAT[=FILE] says that rows go: to one of the tables, or
// one that the command has beside them.
func rowsTo(c *cobra.Command, arg string, more map[string]func(io.Writer) table) (*rows, error) {
	r := &rows{}
	var toFile bool
	r.format, r.file, toFile = strings.Cut(arg, "=")
	write, ok := tables[r.format]
	if !ok {
		write, ok = more[r.format]
	}
	switch {
	case !ok:
		names := append([]string{"table", "json", "csv", "ndjson"}, slices.Sorted(maps.Keys(more))...)
		return nil, misuse("", "--output %q: the formats are %s", arg, strings.Join(names, ", "))
	case toFile && r.file == "":
		return nil, misuse("", "--output %q: no file after '='", arg)
	case toFile:
		r.w = &r.content
	case isTerminal(c.OutOrStdout()):
		r.w = visible{c.OutOrStdout()}
	default:
		r.w = c.OutOrStdout()
	}
	r.table = write(r.w)
	return r, nil
}

// done writes the file, if the rows go into one, whole or not at all, and tells the audit
// trail.
func (r *rows) done(c *cobra.Command, db, action string) error {
	if r.file == "" {
		return nil
	}
	if err := exportable(db, export{r.format, r.file}); err != nil {
		return err
	}
	if err := writeFile(r.file, r.content.Bytes()); err != nil {
		return failed(fmt.Errorf("output %s: %w", r.format, err), "")
	}
	fmt.Fprintf(c.ErrOrStderr(), "litesoc: wrote %s\n", r.file)
	return exported(c.Context(), db, action, export{r.format, r.file})
}

// An export is a file into which something of the database went.
type export struct{ format, file string }

// exportWait is how long an export waits for the database, since what it has written is there,
// and so does whatever has logs to read or a baseline to keep.
const exportWait = 15 * time.Second

// exportable refuses exports before anything is written: into the place of the config or of a
// log that the database knows, and where the audit trail cannot be told of them.
func exportable(db string, exports ...export) error {
	if db == store.Memory || len(exports) == 0 {
		return nil
	}
	q, err := openQuery(db)
	if err != nil {
		return err
	}
	known, err := q.Known()
	if err := errors.Join(err, q.Close()); err != nil {
		return failed(err, "")
	}
	for _, e := range exports {
		if err := e.beside(known); err != nil {
			return err
		}
	}
	if err := store.Writable(db); err != nil {
		return failed(fmt.Errorf("nothing is written into a file: the audit trail is to be told of it, but %w", err),
			"let its owner run litesoc; what goes to standard output needs no such right")
	}
	return nil
}

// beside refuses an export into the place of the config in the working folder, or of one of
// the logs, whatever that is called now, or of the one that goes on under its name.
func (e export) beside(known []source.Known) error {
	if anyIs([]string{configName}, e.file) {
		return e.refused(errGoneBy)
	}
	var paths []string
	for i := range known {
		paths = append(paths, known[i].Source.Path)
	}
	if anyIs(paths, e.file) || source.Holds(e.file, known) {
		return e.refused(errLog)
	}
	return nil
}

func (e export) refused(err error) error {
	return misuse("", "--output %s=%s: %w", e.format, e.file, err)
}

// exported tells the audit trail of exports: "report.exported" and its like.
func exported(ctx context.Context, db, action string, exports ...export) error {
	if db == store.Memory || len(exports) == 0 {
		return nil
	}
	var entries []store.Entry
	for _, e := range exports {
		after, err := json.Marshal(map[string]string{"format": e.format})
		if err != nil {
			return failed(err, "")
		}
		entries = append(entries, store.Entry{Who: systemUser(), Action: action, ObjectType: "file", ObjectID: absolute(e.file), After: after})
	}
	err := writing(ctx, db, exportWait, func(s *store.Store) error { return s.Audit(entries...) })
	if err != nil {
		return fmt.Errorf("%s is written, but not told to the audit trail: %w", exports[0].file, err)
	}
	return nil
}
