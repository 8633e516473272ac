package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// A dim is a table of texts that repeat, each kept once under a small number.
type dim struct {
	table string
	ids   map[string]driver.Value // uint32, as the appender takes it, of texts seen lately
	next  uint32
	whole bool // ids holds all of the table
}

// dims are the tables of repeating text, by the column that refers to them.
type dims struct {
	addresses, methods, hosts, routes, agents, referers, events, identities dim
	key                                                                     []byte // scratch
}

// dimCache bounds the texts of one table that are kept in memory. What is beyond is
// looked up in the store, batch by batch.
const dimCache = 1 << 17

func (d *dims) all() []*dim {
	return []*dim{&d.addresses, &d.methods, &d.hosts, &d.routes, &d.agents, &d.referers, &d.events, &d.identities}
}

// load reads what the tables hold already.
func (d *dims) load(db *sql.DB) error {
	names := []string{"addresses", "methods", "hosts", "routes", "agents", "referers", "event_names", "identities"}
	for i, dim := range d.all() {
		dim.table = names[i]
		if err := dim.load(db); err != nil {
			return fmt.Errorf("%s: %w", dim.table, err)
		}
	}
	return nil
}

func (d *dim) load(db *sql.DB) error {
	var count int
	query := fmt.Sprintf("select count(*), coalesce(max(id), 0) + 1 from %s", d.table)
	if err := db.QueryRow(query).Scan(&count, &d.next); err != nil {
		return err
	}
	d.ids, d.whole = map[string]driver.Value{}, count <= dimCache
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
		d.ids[text] = id
	}
	return rows.Err()
}

// recall makes the ids of texts known that are in the table but not in memory.
// Without it a text would be given a second number.
func (d *dim) recall(conn *sql.Conn, texts []string) error {
	rows, err := conn.QueryContext(context.Background(),
		fmt.Sprintf("select d.text, d.id from %s d join (select unnest(?::varchar[]) as text) t on d.text = t.text", d.table), texts)
	if err != nil {
		return err
	}
	return d.take(rows)
}

// identity returns the text under which the identities of a request are known; ""
// if it has none. The text is valid until the next call.
func (d *dims) identity(r *parsers.Request) []byte {
	d.key = d.key[:0]
	if r.User == "" && r.APIKey == "" && r.Token == "" && r.Session == "" && r.Tenant == "" {
		return nil
	}
	for _, part := range [...]string{r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant} {
		// With its length before it no part can pass for another.
		d.key = strconv.AppendInt(d.key, int64(len(part)), 10)
		d.key = append(d.key, ':')
		d.key = append(d.key, part...)
	}
	return d.key
}

// texts returns, for each dim, the text of the request.
func (d *dims) texts(r *parsers.Request) [8]string {
	return [...]string{r.ClientIP, r.Method, r.Host, r.Route, r.UserAgent, r.Referer, r.Event, string(d.identity(r))}
}

// prepare makes sure that every text of the requests that is in the store is known.
// flush makes visible to queries what was added.
func (d *dims) prepare(conn *sql.Conn, requests []parsers.Request, flush func() error) error {
	for i, dim := range d.all() {
		if len(dim.ids) > dimCache {
			dim.ids, dim.whole = map[string]driver.Value{}, false
		}
		if dim.whole {
			continue
		}
		var unknown []string
		want := func(text string) {
			if _, ok := dim.ids[text]; !ok && text != "" {
				unknown = append(unknown, text)
			}
		}
		for n := range requests {
			want(d.texts(&requests[n])[i])
			if dim == &d.addresses {
				want(requests[n].PeerIP)
			}
		}
		if len(unknown) == 0 {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		slices.Sort(unknown)
		if err := dim.recall(conn, slices.Compact(unknown)); err != nil {
			return fmt.Errorf("%s: %w", dim.table, err)
		}
	}
	return nil
}

// id returns the number of the text, and whether it is new and must be added to the
// table.
func (d *dim) id(text string) (id driver.Value, fresh bool) {
	if id, ok := d.ids[text]; ok {
		return id, false
	}
	id = d.next
	d.next++
	d.ids[strings.Clone(text)] = id
	return id, true
}
