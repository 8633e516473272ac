package store

import (
	"database/sql"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
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
	types []mapping.Type // of all columns: the number and, if write is nil, a text for each part
	write func(c *chunk, r *parsers.Request)
	// ids are the numbers by hash of the text of the parts: what is asked for is remembered
	// in older for one more generation.
	ids, older names
	next       uint32
	rows       int // of the table
	// Of these only what is said a second time gets a number, which older and ids have as 0
	// until then, and only so many do: what is said once is better kept where it was said.
	repeated bool
}

// parts are the texts of one row. Those a table has no columns for are empty.
type parts [maxParts]string

const maxParts = 9

// dims are the tables of what repeats, by the column that refers to them.
type dims struct {
	callers, calls, targets, referers dim
	loaded                            bool
	most                              int              // rows of one table whose numbers are known, in one generation
	seeds                             [maxParts]uint64 // so that nobody can make two texts of one hash
}

// bytesPerName is how much of the memory there must be for each row of one table whose
// number is known, in one of two generations. It takes about 32 bytes, and the tables that
// grow are one or two.
const bytesPerName = 256

func newDims(most int) dims {
	d := dims{
		most: most,
		callers: dim{table: "callers", columns: "client_ip, peer_ip, user_agent, user_id, api_key, key_prefix, token, session, tenant", parts: func(r *parsers.Request) parts {
			return parts{r.ClientIP, r.PeerIP, r.UserAgent, r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant}
		}},
		calls: dim{table: "calls", columns: "method, host, shape, status, event_name", parts: func(r *parsers.Request) parts {
			return parts{r.Method, r.Host, r.Shape, statusText(r.Status), r.Event}
		}, write: writeCall, types: callTypes},
		targets:  dim{table: "targets", columns: "path, query", repeated: true, parts: func(r *parsers.Request) parts { return parts{r.Path, r.Query} }},
		referers: dim{table: "referers", columns: "text", parts: func(r *parsers.Request) parts { return parts{r.Referer} }},
	}
	for _, of := range d.all() {
		if of.types == nil {
			of.types = append(of.types, mapping.TypeUInteger)
			for range strings.Count(of.columns, ",") + 1 {
				of.types = append(of.types, mapping.TypeVarchar)
			}
		}
	}
	for i := range d.seeds {
		d.seeds[i] = rand.Uint64()
	}
	return d
}

func (d *dims) all() []*dim { return []*dim{&d.callers, &d.calls, &d.targets, &d.referers} }

// add adds what the request says to the table, under the number.
func (of *dim) add(c *chunk, id uint32, r *parsers.Request) error {
	if err := c.row(); err != nil {
		return err
	}
	*cell[uint32](c, 0) = id
	if of.write != nil {
		of.write(c, r)
		return nil
	}
	texts := of.parts(r)
	for i := range len(of.types) - 1 {
		c.text(1+i, texts[i])
	}
	return nil
}

var callTypes = []mapping.Type{mapping.TypeUInteger, mapping.TypeVarchar, mapping.TypeVarchar, mapping.TypeVarchar, mapping.TypeUSmallInt,
	mapping.TypeVarchar, mapping.TypeVarchar}

// writeCall writes a row of calls. The route is the shape until another is learned.
func writeCall(c *chunk, r *parsers.Request) {
	c.text(1, r.Method)
	c.text(2, r.Host)
	c.text(3, r.Shape)
	if *cell[uint16](c, 4) = uint16(r.Status); r.Status == 0 {
		c.null(4)
	}
	c.text(5, r.Event)
	c.text(6, r.Shape)
}

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

// Unload gives back the memory that a store needs to add requests: none are added for now.
func (s *Store) Unload() {
	for _, d := range s.dims.all() {
		d.ids, d.older = names{}, names{}
	}
	s.dims.loaded = false
}

// load reads what the tables hold already, the first time: most who open a store add no
// requests.
func (d *dims) load(db *sql.DB) error {
	if d.loaded {
		return nil
	}
	for _, dim := range d.all() {
		if err := d.loadOne(db, dim); err != nil {
			return fmt.Errorf("%s: %w", dim.table, err)
		}
	}
	d.loaded = true
	return nil
}

func (d *dims) loadOne(db *sql.DB, of *dim) error {
	of.ids, of.older = names{}, names{}
	if err := db.QueryRow("select coalesce(max(id), 0) + 1, count(*) from "+of.table).Scan(&of.next, &of.rows); err != nil {
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
		of.ids.set(d.hash(&p), id)
	}
	return rows.Err()
}

// A sum is 96 bits of a hash: of a million texts, two have one with a probability of 10^-17.
type sum struct {
	lo uint64
	hi uint32
}

// nothing is the hash of parts that are all empty.
var nothing sum

// hash returns the hash of the parts.
func (d *dims) hash(p *parts) sum {
	var lo, hi uint64
	for i, part := range p {
		if part == "" {
			continue
		}
		// Each place has a seed of its own: no part can pass for another.
		h := xxh3.HashString128Seed(part, d.seeds[i])
		var carry uint64
		lo, carry = bits.Add64(lo, h.Lo, 0)
		hi, _ = bits.Add64(hi, h.Hi, carry)
	}
	return sum{lo, uint32(hi)}
}

// number returns the number of what has the hash, and whether it is a new one; 0 if it has
// none.
func (d *dims) number(of *dim, hash sum) (id uint32, added bool) {
	id, known := of.ids.get(hash)
	if id != 0 {
		return id, false
	}
	if !known {
		if id, known = of.older.get(hash); !known && of.full() {
			return 0, false
		}
	}
	if added = id == 0 && (known || !of.repeated) && !of.full(); added {
		id = of.next
		of.next++
		of.rows++
	}
	if of.ids.count >= d.most {
		of.ids, of.older = names{}, of.ids
	}
	of.ids.set(hash, id)
	return id, added
}

// full tells whether no more is given a number.
func (of *dim) full() bool { return of.repeated && of.rows > mostTargets }

// names are numbers by the hash of what they stand for: a table that is looked at in one
// place of memory for each, where a map is in two or three.
type names struct {
	slots []name // a power of two, a quarter of them empty at least; none at first
	count int
}

// A name is a number and the hash of what it stands for, in 16 bytes; empty if that is
// nothing.
type name struct {
	lo     uint64
	hi, id uint32
}

func (n *name) hash() sum { return sum{n.lo, n.hi} }

// slot returns the slot of the hash, or the empty one that it would get.
func (n *names) slot(hash sum) *name {
	last := uint64(len(n.slots) - 1)
	i := hash.lo & last
	for n.slots[i].hash() != hash && n.slots[i].hash() != nothing {
		i = (i + 1) & last
	}
	return &n.slots[i]
}

func (n *names) get(hash sum) (id uint32, known bool) {
	if len(n.slots) == 0 {
		return 0, false
	}
	s := n.slot(hash)
	return s.id, s.hash() != nothing
}

func (n *names) set(hash sum, id uint32) {
	if n.count >= len(n.slots)*3/4 {
		old := n.slots
		n.slots = make([]name, max(64, 2*len(old)))
		for _, s := range old {
			if s.hash() != nothing {
				*n.slot(s.hash()) = s
			}
		}
	}
	s := n.slot(hash)
	if s.hash() == nothing {
		n.count++
	}
	*s = name{hash.lo, hash.hi, id}
}
