package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/litesoc/litesoc/report"
)

// exportTables are what Export writes, a file each, and the query of its rows. Events,
// alerts and incidents are those that the report shows.
var exportTables = []struct{ name, query string }{
	{"events", "select * from events where id in (select id from shown) order by first_ts, id"},
	{"alerts", "select * from alerts where id in (select id from shown) order by first_ts, id"},
	{"incidents", "select * from incidents where id in (select id from shown) order by first_ts, id"},
	{"requests", "select * from requests where %s order by ts, source_id, line"},
	{"ips", "select * from ips where ip in (select client_ip from requests where %s) order by ip"},
}

// Export writes tables of the store at path into the folder, as Parquet files with the
// names of the tables, and returns the paths of these: the events, alerts and incidents of
// the report, the requests of the span that are by the filter's actor and from its address,
// where it names one, and the addresses of these requests. The folder is made if there is
// none. A file appears whole or not at all.
func Export(ctx context.Context, path, folder string, r *report.Report, span Span, only report.Filter) (written []string, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	var files []string
	defer func() {
		for _, f := range files {
			os.Remove(f)
		}
	}()
	for _, t := range exportTables {
		f, err := os.CreateTemp(folder, t.name+".parquet.*.tmp")
		if err != nil {
			return nil, err
		}
		files = append(files, f.Name())
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	q, err := OpenQuery(path, files...)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	var ids []string
	for i := range r.Events {
		ids = append(ids, r.Events[i].ID)
	}
	for i := range r.Alerts {
		ids = append(ids, r.Alerts[i].ID)
	}
	for i := range r.Incidents {
		ids = append(ids, r.Incidents[i].ID)
	}
	// A table of this connection alone: the store stays as it is.
	if _, err := q.db.ExecContext(ctx, "create temp table shown as select unnest(?::varchar[]) as id", ids); err != nil {
		return nil, plainSQLError(err)
	}
	inside, err := q.inside(ctx, only)
	if err != nil {
		return nil, err
	}
	for i, t := range exportTables {
		query := strings.ReplaceAll(t.query, "%s", requestsOf(span, only, inside))
		err := q.Copy(ctx, query, files[i])
		if perr, is := errors.AsType[*fs.PathError](err); is {
			perr.Path = parquetOf(folder, t.name)
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	for i, t := range exportTables {
		to := parquetOf(folder, t.name)
		if err := os.Rename(files[i], to); err != nil {
			return written, err
		}
		written = append(written, to)
	}
	return written, nil
}

// parquetOf is where Export writes a table.
func parquetOf(folder, table string) string { return filepath.Join(folder, table+".parquet") }

// inside returns the addresses in the logs that are of the network that is wanted.
func (q *Query) inside(ctx context.Context, only report.Filter) (ips []string, err error) {
	if !only.Network.IsValid() {
		return nil, nil
	}
	err = q.Run(ctx, "select distinct client_ip from callers where client_ip is not null order by 1", func([]string) error { return nil }, func(values []any) error {
		if ip, _ := values[0].(string); only.From(ip) {
			ips = append(ips, ip)
		}
		return nil
	})
	return ips, err
}

// requestsOf is the condition of the requests that Export writes.
func requestsOf(span Span, only report.Filter, inside []string) string {
	const layout = "2006-01-02 15:04:05.999999"
	where := []string{"true"}
	if !span.Since.IsZero() {
		where = append(where, "ts >= timestamp "+quote(span.Since.UTC().Format(layout)))
	}
	if !span.Until.IsZero() {
		where = append(where, "ts < timestamp "+quote(span.Until.UTC().Format(layout)))
	}
	in := func(column string, texts []string) {
		quoted := []string{"null"}
		for _, text := range texts {
			quoted = append(quoted, quote(text))
		}
		where = append(where, column+" in ("+strings.Join(quoted, ", ")+")")
	}
	if len(only.Actors) > 0 {
		in("actor_id", only.Actors)
	}
	if only.Network.IsValid() {
		in("client_ip", inside)
	}
	return strings.Join(where, " and ")
}
