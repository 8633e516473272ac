package parsers

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"
)

// A RouteLearner finds out which segments of paths are names of objects where their
// form does not tell: "/shops/rosewood/orders" is one of many, "/shops/{name}/orders"
// is their route. A segment is a name if more than so many different ones were served
// in its place. What is seen ten times as often as they are on average stays what it
// is: "/users/me".
//
// It learns from requests in their order, so that the same requests give the same
// routes, however they are cut into files and runs. It is used by one goroutine.
type RouteLearner struct {
	least    int // different names that make a template; 0 learns nothing
	declared map[string]bool
	root     *branch
	branches int
	full     bool // maxBranches was reached
	memo     map[string]*learned
	recent   [1 << recentBits]*learned // of memo, by where the shape lies
}

// A branch is what is known of the paths that begin alike.
type branch struct {
	Next map[string]*branch `json:",omitempty"` // by segment
	// Names is what follows in the place of segments found to be names, by their
	// extension: names of scripts tell nothing of names of pictures.
	Names map[string]*branch `json:",omitempty"`
	Seen  int64              // requests served
	count map[string]int     // of Next, those that may be names, by extension; nil if not counted yet
}

// learned is the route of a shape and the way to it.
type learned struct {
	shape string
	route string
	way   []*branch // nil if the shape was not served yet
}

const (
	// LeastNames is how many different names make a template, if nothing else is said.
	// An API has fewer collections than that; shops, pages and users are more.
	LeastNames = 100
	// rootFactor is how many times as many it takes at the top of a site, where pages,
	// files and applications lie side by side.
	rootFactor = 10
	// standsOut is how many times the average share makes a name a word of its own.
	standsOut = 10
	// maxBranches bounds what is remembered. It is reached only by sites with thousands
	// of different routes: a place has few more branches than make a template.
	maxBranches = 1 << 16
	maxLearned  = 8192 // shapes in the memo
	namePlace   = "{name}"
	// recentBits is the power of two that tells how many shapes are found by where they lie:
	// most requests share theirs with others, in one place of memory.
	recentBits = 8
)

// NewRouteLearner returns a learner that takes more than least different names in one
// place for a template. Declared are routes that are known for certain and stay.
func NewRouteLearner(least int, declared []string) *RouteLearner {
	l := &RouteLearner{least: least, declared: map[string]bool{}, root: &branch{}, memo: map[string]*learned{}}
	for _, route := range declared {
		l.declared[route] = true
	}
	return l
}

// Observe learns from a request and sets its route by what is known now.
func (l *RouteLearner) Observe(r *Request) {
	r.Route = r.Shape
	if l.least == 0 || r.Shape == "" || l.declared[r.Shape] {
		return
	}
	known, served := l.find(r.Shape), wasServed(r)
	if known == nil || known.way == nil && served {
		known = l.learn(r.Shape, served)
	}
	if served {
		for _, b := range known.way {
			b.Seen++
		}
	}
	r.Route = known.route
}

// find returns what the memo knows of a shape; nil if nothing. The product spreads addresses,
// which have much in common, over its upper bits.
func (l *RouteLearner) find(shape string) *learned {
	at := &l.recent[uint64(uintptr(unsafe.Pointer(unsafe.StringData(shape))))*0x9e3779b97f4a7c15>>(64-recentBits)]
	if *at == nil || (*at).shape != shape {
		*at = l.memo[shape]
	}
	return *at
}

// forget empties the memo.
func (l *RouteLearner) forget() {
	clear(l.memo)
	clear(l.recent[:])
}

// wasServed tells whether the answer says that there is such a path. To OPTIONS the
// answer is often the same for all.
func wasServed(r *Request) bool {
	return (r.Status >= 200 && r.Status < 300 || r.Status == 304) && r.Method != "OPTIONS"
}

// Route returns the route of a shape by what is known now.
func (l *RouteLearner) Route(shape string) string {
	if l.least == 0 || shape == "" || l.declared[shape] {
		return shape
	}
	return l.route(shape)
}

// learn goes the way of a shape, which it makes if it was served, and keeps what it
// found.
func (l *RouteLearner) learn(shape string, served bool) *learned {
	var way []*branch
	if served {
		way = l.walk(shape)
	}
	known := l.memo[shape]
	if known == nil {
		if len(l.memo) == maxLearned {
			l.forget()
		}
		known = &learned{shape: strings.Clone(shape)}
		l.memo[known.shape] = known
	}
	known.route, known.way = l.route(known.shape), way
	return known
}

// walk goes the way of a shape that was served, and makes it.
func (l *RouteLearner) walk(shape string) []*branch {
	way := make([]*branch, 0, 8)
	at := l.root
	for segment, rest := nextSegment(shape); segment != ""; segment, rest = nextSegment(rest) {
		next := at.follow(segment)
		if next == nil {
			if l.branches >= maxBranches {
				l.full = true
				break
			}
			next = &branch{}
			at.add(strings.Clone(segment), next)
			l.branches++
			if l.settle(at, at == l.root, extension(segment)) {
				l.forget()
				l.branches = l.root.size()
				return l.walk(shape)
			}
		}
		way = append(way, next)
		at = next
	}
	return way
}

// route returns the route of a shape. What was never served stays as it is.
func (l *RouteLearner) route(shape string) string {
	var buf [maxRoute]byte
	b, rooted := buf[:0], shape[0] == '/'
	at := l.root
	for segment, rest := nextSegment(shape); segment != ""; segment, rest = nextSegment(rest) {
		if rooted || len(b) > 0 {
			b = append(b, '/')
		}
		if at == nil {
			b = append(b, segment...)
			continue
		}
		next := at.Next[segment]
		if ext := extension(segment); next == nil && at.Names[ext] != nil && !isTemplate(segment) {
			b = append(append(b, namePlace...), ext...)
			next = at.Names[ext]
		} else {
			b = append(b, segment...)
		}
		at = next
	}
	if len(b) == 0 || string(b) == shape {
		return shape
	}
	return string(b)
}

// follow returns where a segment leads, or nil.
func (b *branch) follow(segment string) *branch {
	if next := b.Next[segment]; next != nil || isTemplate(segment) {
		return next
	}
	return b.Names[extension(segment)]
}

// add puts a branch where there is none.
func (b *branch) add(segment string, next *branch) {
	if b.Next == nil {
		b.Next = map[string]*branch{}
	}
	if b.count == nil {
		b.recount()
	}
	b.Next[segment] = next
	if !isTemplate(segment) {
		b.count[extension(segment)]++
	}
}

// recount counts what may be names.
func (b *branch) recount() {
	b.count = map[string]int{}
	for segment := range b.Next {
		if !isTemplate(segment) {
			b.count[extension(segment)]++
		}
	}
}

// settle decides whether the segments with the extension that follow b are names, and
// makes them one if so.
func (l *RouteLearner) settle(b *branch, root bool, ext string) bool {
	least := l.least
	if root {
		least *= rootFactor
	}
	if b.Names[ext] != nil || b.count[ext] <= least {
		return false
	}
	var names []string
	var seen int64
	for segment, next := range b.Next {
		if !isTemplate(segment) && extension(segment) == ext {
			names = append(names, segment)
			seen += next.Seen
		}
	}
	slices.Sort(names)
	one := &branch{}
	if b.Names == nil {
		b.Names = map[string]*branch{}
	}
	b.Names[strings.Clone(ext)] = one // the path goes with its batch
	for _, name := range names {
		if next := b.Next[name]; next.Seen*int64(len(names)) <= standsOut*seen {
			delete(b.Next, name)
			l.merge(one, next)
		}
	}
	b.recount()
	return true
}

// merge adds what is known of one branch to another.
func (l *RouteLearner) merge(to, from *branch) {
	to.Seen += from.Seen
	for _, segment := range slices.Sorted(maps.Keys(from.Next)) {
		if next := to.follow(segment); next != nil {
			l.merge(next, from.Next[segment])
			continue
		}
		to.add(segment, from.Next[segment])
		l.settle(to, false, extension(segment))
	}
	for _, ext := range slices.Sorted(maps.Keys(from.Names)) {
		if to.Names == nil {
			to.Names = map[string]*branch{}
		}
		if to.Names[ext] == nil {
			to.Names[ext] = &branch{}
		}
		l.merge(to.Names[ext], from.Names[ext])
	}
}

// size returns how many branches follow.
func (b *branch) size() int {
	n := 0
	for _, next := range b.Next {
		n += 1 + next.size()
	}
	for _, next := range b.Names {
		n += 1 + next.size()
	}
	return n
}

// isTemplate reports whether a segment of a shape is a template already.
func isTemplate(segment string) bool {
	i := strings.IndexByte(segment, '{')
	return i >= 0 && strings.IndexByte(segment[i:], '}') > 0
}

// extension returns the extension of a name of a file, with its dot; "" if it has
// none.
func extension(segment string) string {
	if dot := strings.LastIndexByte(segment, '.'); dot > 0 && isExtension(segment[dot+1:]) {
		return segment[dot:]
	}
	return ""
}

// Learned tells whether any template has been learned.
func (l *RouteLearner) Learned() bool { return l.root.learned() }

func (b *branch) learned() bool {
	if len(b.Names) > 0 {
		return true
	}
	for _, next := range b.Next {
		if next.learned() {
			return true
		}
	}
	return false
}

// Full tells whether the bound on what is remembered was reached: routes that came up
// after that are as their form tells.
func (l *RouteLearner) Full() bool { return l.full }

// MarshalJSON writes what was learned, the same to the same bytes.
func (l *RouteLearner) MarshalJSON() ([]byte, error) { return json.Marshal(l.root) }

// UnmarshalJSON gives back what MarshalJSON wrote to a learner that has seen nothing.
func (l *RouteLearner) UnmarshalJSON(text []byte) error {
	root := &branch{}
	if err := json.Unmarshal(text, root); err != nil {
		return fmt.Errorf("learned routes: %w", err)
	}
	l.root, l.branches = root, root.size()
	return nil
}
