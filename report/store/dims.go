package store

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/litesoc/litesoc/parsers"
)

// A dim is a table of what repeats from request to request, each kept once under a
// small number.
type dim struct {
	table string
	// parts returns what the request says that this table keeps.
	parts func(r *parsers.Request) parts
	ids   map[string]number // by the parts' text; those seen lately
	next  uint32
	whole bool // ids holds all of the table
}

// A number stands for a row.
type number struct {
	id    driver.Value // uint32, as the appender takes it
	batch int64        // the batch with which the row was added; 0 if by an earlier run
}

// parts are the texts of one row. Those a table has no columns for are empty.
type parts [maxParts]string

const maxParts = 9

// dims are the tables of what repeats, by the column that refers to them.
type dims struct {
	callers, calls, referers dim
	text                     []byte // scratch
}

// dimCache bounds the rows of one table that are kept in memory. What is beyond is
// looked up in the store, batch by batch.
const dimCache = 1 << 17

func newDims() dims {
	return dims{
		callers: dim{table: "callers", parts: func(r *parsers.Request) parts {
			return parts{r.ClientIP, r.PeerIP, r.UserAgent, r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant}
		}},
		calls: dim{table: "calls", parts: func(r *parsers.Request) parts {
			return parts{r.Method, r.Host, r.Shape, statusText(r.Status), r.Event}
		}},
		referers: dim{table: "referers", parts: func(r *parsers.Request) parts { return parts{r.Referer} }},
	}
}

func (d *dims) all() []*dim { return []*dim{&d.callers, &d.calls, &d.referers} }

// statusTexts are the statuses there are, so that none is formatted twice.
var statusTexts = func() (texts [1000]string) {
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	texts[0] = ""
	return texts
}()

// statusText returns the status as text; "" if it is not known.
func statusText(status int) string {
	if status < 0 || status >= len(statusTexts) {
		return strconv.Itoa(status)
	}
	return statusTexts[status]
}

// load reads what the tables hold already.
func (d *dims) load(db *sql.DB) error {
	for _, dim := range d.all() {
		if err := dim.load(db); err != nil {
			return fmt.Errorf("%s: %w", dim.table, err)
		}
	}
	return nil
}

func (d *dim) load(db *sql.DB) error {
	var count int
	query := fmt.Sprintf("select count(*), max(id) + 1 from %s", d.table)
	if err := db.QueryRow(query).Scan(&count, &d.next); err != nil {
		return err
	}
	d.ids, d.whole = map[string]number{}, count <= dimCache
	if !d.whole {
		return nil
	}
	rows, err := db.Query(fmt.Sprintf("select text, id from %s where id > 0", d.table))
	if err != nil {
		return err
	}
	return d.take(rows)
}

func (d *dim) take(rows *sql.Rows) error {
	defer rows.Close()
	for rows.Next() {
		var text string
		var id uint32
		if err := rows.Scan(&text, &id); err != nil {
			return err
		}
		d.ids[text] = number{id: id}
	}
	return rows.Err()
}

// recall makes the ids of texts known that are in the table but not in memory.
// Without it a text would be given a second number.
func (d *dim) recall(db *sql.DB, texts []string) error {
	rows, err := db.Query(fmt.Sprintf("select d.text, d.id from %s d join (select unnest(?::varchar[]) as text) t on d.text = t.text", d.table), texts)
	if err != nil {
		return err
	}
	return d.take(rows)
}

// textOf appends to b the one text that stands for the parts; nothing if all are empty.
func textOf(b []byte, p *parts) []byte {
	last := len(p) - 1
	for last > 0 && p[last] == "" {
		last--
	}
	if last == 0 {
		return append(b, p[0]...)
	}
	for _, part := range p[:last+1] {
		// With its length before it no part can pass for another.
		b = strconv.AppendInt(b, int64(len(part)), 10)
		b = append(b, ':')
		b = append(b, part...)
	}
	return b
}

// prepare makes sure that all that repeats in the requests and is in the store is
// known: what was added with a batch up to committed can be looked up there.
func (d *dims) prepare(db *sql.DB, requests []parsers.Request, committed int64) error {
	for _, dim := range d.all() {
		if len(dim.ids) > dimCache {
			maps.DeleteFunc(dim.ids, func(_ string, n number) bool { return n.batch <= committed })
			dim.whole = false
		}
		if dim.whole {
			continue
		}
		var unknown []string
		for n := range requests {
			p := dim.parts(&requests[n])
			d.text = textOf(d.text[:0], &p)
			if _, ok := dim.ids[string(d.text)]; !ok && len(d.text) > 0 {
				unknown = append(unknown, string(d.text))
			}
		}
		if len(unknown) == 0 {
			continue
		}
		slices.Sort(unknown)
		if err := dim.recall(db, slices.Compact(unknown)); err != nil {
			return fmt.Errorf("%s: %w", dim.table, err)
		}
	}
	return nil
}
