package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report/store"
)

// defaultDB is the store in the working folder.
const defaultDB = "litesoc.duckdb"

// dbFlag adds --db to a command. Where neither it nor LITESOC_DB is given, the config says
// which database it is.
func dbFlag(c *cobra.Command, to *string) {
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("db") || os.Getenv("LITESOC_DB") != "" {
			return nil
		}
		path := ""
		if f := c.Flags().Lookup("config"); f != nil {
			path = f.Value.String()
		}
		cfg, err := readConfig(path)
		if err == nil && cfg.DB != "" {
			*to = cfg.DB
		}
		return err
	}
	fallback := os.Getenv("LITESOC_DB")
	if fallback == "" {
		fallback = defaultDB
	}
	c.Flags().StringVar(to, "db", fallback, "DuckDB `file` that keeps what is read (also LITESOC_DB)")
}

// openStore opens the database for writing. While another process has it open it waits, as
// long as exportWait says: a tail or a short scan soon has done.
func openStore(ctx context.Context, path string, m memory) (s *store.Store, err error) {
	err = patiently(ctx, exportWait, func() (err error) { s, err = store.OpenWithin(path, int64(m.database())); return err })
	if err != nil {
		return nil, unopened(err, "wait until it is done, or choose another file with --db")
	}
	return s, nil
}

// ownDatabase tells whether what was found to be no log, in a folder of logs, is the database
// that the run writes, or a file of it.
func ownDatabase(db string, f source.Failure) bool {
	return !f.Fatal && anyIs([]string{db, db + ".wal", db + ".tail"}, f.Path)
}

// unopened is the error of a command that could not open the database. busy is what to do
// where another process has it.
func unopened(err error, busy string) error {
	switch {
	case errors.Is(err, store.ErrBusy):
		return failed(err, busy)
	case errors.Is(err, fs.ErrPermission):
		return failed(err, "let its owner run litesoc, or choose another file with --db")
	case errors.Is(err, store.ErrNewer):
		return failed(err, "use the litesoc that wrote it, or choose another file with --db")
	case errors.Is(err, store.ErrNoStore), errors.Is(err, store.ErrEmpty):
		return failed(err, "'litesoc scan' makes it; --db or LITESOC_DB names another")
	}
	return failed(err, "")
}
