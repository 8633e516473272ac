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
	what    what
	n       int            // of parts
	types   []mapping.Type // of all columns: the number and, if write is nil, a text for each part
	write   func(c *chunk, r *parsers.Request)
	// ids are the numbers by hash of the text of the parts: what is asked for is remembered
	// in older for one more generation.
	ids, older names
	generation generation
	next       uint32
	rows       int // of the table
	// Of these only what is said a second time gets a number, which older and ids have as 0
	// until then, and only so many do: what is said once is better kept where it was said.
	repeated bool
}

// what is it that a table keeps of requests. It is the place of its column, too, in the order
// of dims.all.
type what int

const (
	caller what = iota
	call
	target
	referer
	columns
)

// parts are the texts of one row, as many as the table has.
type parts [maxParts]string

// of puts down what the request says, and returns it, but for empty texts at its end.
func (p *parts) of(w what, r *parsers.Request) []string {
	switch w {
	case caller:
		p[0], p[1], p[2] = r.ClientIP, r.PeerIP, r.UserAgent
		if len(r.User)|len(r.APIKey)|len(r.KeyPrefix)|len(r.Token)|len(r.Session)|len(r.Tenant) == 0 {
			return p[:3] // most say no more
		}
		p[3], p[4], p[5], p[6], p[7], p[8] = r.User, r.APIKey, r.KeyPrefix, r.Token, r.Session, r.Tenant
		return p[:]
	case call:
		p[0], p[1], p[2], p[3], p[4] = r.Method, r.Host, r.Shape, statusText(r.Status), r.Event
		return p[:5]
	case target:
		p[0], p[1] = r.Path, r.Query
		return p[:2]
	}
	p[0] = r.Referer
	return p[:1]
}

const maxParts = 9

// dims are the tables of what repeats, by the column that refers to them.
type dims struct {
	callers, calls, targets, referers dim
	loaded                            bool
	most                              int              // rows of one table whose numbers are known, in one generation
	seeds                             [maxParts]uint64 // so that nobody can make two texts of one hash
	agents                            agents
	recentCallers                     recentCallers
	recentCalls                       recentCalls
	sought                            [columns][]lookup // of one batch
}

// bytesPerName is how much of the memory there must be for each row of one table whose
// number is known, in one of two generations. It takes about 18 bytes, and the tables that
// grow are one or two.
const bytesPerName = 256

func newDims(most int) dims {
	d := dims{
		most:     most,
		callers:  dim{what: caller, table: "callers", columns: "client_ip, peer_ip, user_agent, user_id, api_key, key_prefix, token, session, tenant"},
		calls:    dim{what: call, table: "calls", columns: "method, host, shape, status, event_name", write: writeCall, types: callTypes},
		targets:  dim{what: target, table: "targets", columns: "path, query", repeated: true},
		referers: dim{what: referer, table: "referers", columns: "text"},
	}
	for _, of := range d.all() {
		of.n = strings.Count(of.columns, ",") + 1
		if of.types == nil {
			of.types = append(of.types, mapping.TypeUInteger)
			for range of.n {
				of.types = append(of.types, mapping.TypeVarchar)
			}
		}
	}
	for i := range d.seeds {
		d.seeds[i] = rand.Uint64()
	}
	d.agents.seed = d.seeds[agentPlace]
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
	var p parts
	p.of(of.what, r)
	for i, text := range p[:of.n] {
		c.text(1+i, text)
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
	s.dims.recentCallers, s.dims.recentCalls, s.dims.sought = nil, nil, [columns][]lookup{}
	s.dims.loaded = false
}

// load reads what the tables hold already, the first time: most who open a store add no
// requests.
func (d *dims) load(db *sql.DB) error {
	if d.loaded {
		return nil
	}
	d.recentCallers, d.recentCalls = make(recentCallers, 1<<callerBits), make(recentCalls, 1<<callBits)
	for _, dim := range d.all() {
		if err := d.loadOne(db, dim); err != nil {
			return fmt.Errorf("%s: %w", dim.table, err)
		}
	}
	d.loaded = true
	return nil
}

func (d *dims) loadOne(db *sql.DB, of *dim) error {
	of.ids, of.older, of.generation = names{most: d.most}, names{}, newGeneration()
	if err := db.QueryRow("select coalesce(max(id), 0) + 1, count(*) from "+of.table).Scan(&of.next, &of.rows); err != nil {
		return err
	}
	rows, err := db.Query(fmt.Sprintf("select id, %s from %s where id > 0 order by id desc limit %d", of.columns, of.table, d.most))
	if err != nil {
		return err
	}
	defer rows.Close()
	into, texts := make([]any, of.n+1), make([]sql.NullString, of.n)
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
		of.ids.set(d.hash(p[:of.n], nil), id)
	}
	return rows.Err()
}

// A sum is 96 bits of a hash: of a million texts, two have one with a probability of 10^-17.
type sum struct {
	lo uint64
	hi uint32
}

// A lookup is the hash of what a request says, by its number in the batch.
type lookup struct {
	hash    sum
	request int
}

// nothing is the hash of parts that are all empty.
var nothing sum

// hash returns the hash of the parts. The user agent of a caller is long and one of few: its
// hash is found by its notes, if there are any.
func (d *dims) hash(parts []string, agent *parsers.Notes) sum {
	var lo, hi uint64
	for i, part := range parts {
		if part == "" {
			continue
		}
		var h xxh3.Uint128
		if i == agentPlace && agent != nil {
			h = d.agents.hash(part, agent)
		} else {
			// Each place has a seed of its own: no part can pass for another.
			h = xxh3.HashString128Seed(part, d.seeds[i])
		}
		var carry uint64
		lo, carry = bits.Add64(lo, h.Lo, 0)
		hi, _ = bits.Add64(hi, h.Hi, carry)
	}
	return sum{lo, uint32(hi)}
}

// agentPlace is the place of the user agent among the parts of a caller.
const agentPlace = 2

// agents are the hashes of user agents, by the numbers that their notes have, from 1.
type agents struct {
	hashes     []xxh3.Uint128
	generation generation
	seed       uint64
}

// mostAgents is how many there are at most.
const mostAgents = 1 << 12

// hash returns the hash of a user agent, which has the notes.
func (a *agents) hash(agent string, notes *parsers.Notes) xxh3.Uint128 {
	if n := a.generation.noted(notes); n > 0 {
		return a.hashes[n-1]
	}
	if len(a.hashes)%mostAgents == 0 { // none yet, or too many
		a.hashes, a.generation = a.hashes[:0], newGeneration()
	}
	h := xxh3.HashString128Seed(agent, a.seed)
	a.hashes = append(a.hashes, h)
	a.generation.note(notes, uint32(len(a.hashes)))
	return h
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
	of.ids.set(hash, id)
	return id, added
}

// forget begins a new generation if enough is remembered in this one.
func (d *dims) forget(of *dim) {
	if of.ids.count >= d.most {
		of.ids, of.older, of.generation = names{most: d.most, slots: make([]name, len(of.ids.slots))}, of.ids, newGeneration()
	}
}

// full tells whether no more is given a number.
func (of *dim) full() bool { return of.repeated && of.rows > mostTargets }

// names are numbers by the hash of what they stand for: a table that is looked at in one
// place of memory for each, where a map is in two or three.
type names struct {
	slots []name // a sixteenth of them empty at least; none at first
	count int
	most  int // after how many others are begun: looked at now and then, so there may be some more
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
	i, _ := bits.Mul64(hash.lo, uint64(len(n.slots)))
	for n.slots[i].hash() != hash && n.slots[i].hash() != nothing {
		if i++; i == uint64(len(n.slots)) {
			i = 0
		}
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
	if n.count >= len(n.slots)-len(n.slots)/16-1 {
		old, size := n.slots, 2*len(n.slots)
		if enough := n.most + n.most/7; len(old) < enough {
			size = min(size, enough)
		}
		n.slots = make([]name, max(size, 64))
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
