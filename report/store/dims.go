package store

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/litesoc/litesoc/parsers"
)

// A dim is a table of what repeats from request to request, each row kept under a small
// number. A row may stand in it twice: of those that were not seen for long the number is
// forgotten, and they are given another.
type dim struct {
	table   string
	columns string // those of its parts, in their order
	// parts returns what the request says that this table keeps.
	parts func(r *parsers.Request) parts
	// ids are the numbers by hash of the text of the parts: what is asked for is remembered
	// in older for one more generation.
	ids, older map[xxh3.Uint128]uint32
	next       uint32
}

// parts are the texts of one row. Those a table has no columns for are empty.
type parts [maxParts]string

const maxParts = 9

// dims are the tables of what repeats, by the column that refers to them.
type dims struct {
	callers, calls, referers dim
	most                     int    // rows of one table whose numbers are known, in one generation
	seed                     uint64 // so that nobody can make two texts of one hash
	text                     []byte // scratch
}

// bytesPerName is how much of the memory there must be for each row of one table whose
// number is known, in one of two generations. It takes about 50 bytes, and the tables that
// grow are one or two.
const bytesPerName = 256

func newDims(most int) dims {
	return dims{
		most: most,
		seed: rand.Uint64(),
		callers: dim{table: "callers", columns: "client_ip, peer_ip, user_agent, user_id, api_key, key_prefix, token, session, tenant", parts: func(r *parsers.Request) parts {
			return parts{r.ClientIP, r.PeerIP, r.UserAgent, r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant}
		}},
		calls: dim{table: "calls", columns: "method, host, shape, status, event_name", parts: func(r *parsers.Request) parts {
			return parts{r.Method, r.Host, r.Shape, statusText(r.Status), r.Event}
		}},
		referers: dim{table: "referers", columns: "text", parts: func(r *parsers.Request) parts { return parts{r.Referer} }},
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
		if err := d.loadOne(db, dim); err != nil {
			return fmt.Errorf("%s: %w", dim.table, err)
		}
	}
	return nil
}

func (d *dims) loadOne(db *sql.DB, of *dim) error {
	of.ids, of.older = map[xxh3.Uint128]uint32{}, nil
	if err := db.QueryRow("select coalesce(max(id), 0) + 1 from " + of.table).Scan(&of.next); err != nil {
		return err
	}
	rows, err := db.Query(fmt.Sprintf("select id, %s from %s where id > 0 order by id desc limit %d", of.columns, of.table, d.most))
	if err != nil {
		return err
	}
	defer rows.Close()
	n := strings.Count(of.columns, ",") + 1
	into, texts := make([]any, n+1), make([]sql.NullString, n)
	var id uint32
	into[0] = &id
	for i := range texts {
		into[i+1] = &texts[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		var p parts
		for i, t := range texts {
			p[i] = t.String
		}
		of.ids[d.hash(&p)] = id
	}
	return rows.Err()
}

// hash is that of the text of the parts, which is in d.text then.
func (d *dims) hash(p *parts) xxh3.Uint128 {
	d.text = textOf(d.text[:0], p)
	return xxh3.Hash128Seed(d.text, d.seed)
}

// number returns the number of what the request says, and whether it is a new one; 0 if it
// says nothing.
func (d *dims) number(of *dim, p *parts) (id uint32, added bool) {
	hash := d.hash(p)
	if len(d.text) == 0 {
		return 0, false
	}
	id, known := of.ids[hash]
	if known {
		return id, false
	}
	if id, known = of.older[hash]; !known {
		id = of.next
		of.next++
	}
	if len(of.ids) == d.most {
		of.ids, of.older = make(map[xxh3.Uint128]uint32, d.most), of.ids
	}
	of.ids[hash] = id
	return id, !known
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
