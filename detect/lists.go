package detect

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
)

// Bounds on a setting that is a list: its items, and the bytes of each.
const (
	maxListItems = 256
	maxListItem  = 128
)

// splitList reads a list separated by commas. Spaces around an item do not count; an
// empty text is an empty list.
func splitList(s string) ([]string, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		switch {
		case item == "":
			return nil, fmt.Errorf("want a list separated by commas: one item is empty")
		case len(item) > maxListItem:
			return nil, fmt.Errorf("item %q is longer than %d bytes", item, maxListItem)
		case strings.ContainsFunc(item, unicode.IsControl):
			return nil, fmt.Errorf("item %q holds control characters", item)
		case len(items) == maxListItems:
			return nil, fmt.Errorf("more than %d items", maxListItems)
		}
		items = append(items, item)
	}
	return items, nil
}

// exactly adds a setting that is a list of ids, compared as they are.
func (d *Detector) exactly(name, usage string) *idList {
	l := &idList{}
	d.Flags.Var(l, name, usage)
	return l
}

// An idList is a list of ids, compared as they are.
type idList struct{ items []string }

func (l *idList) String() string { return strings.Join(l.items, ",") }

// Set replaces the list.
func (l *idList) Set(s string) error {
	items, err := splitList(s)
	if err != nil {
		return err
	}
	l.items = items
	return nil
}

func (l *idList) has(id string) bool { return id != "" && slices.Contains(l.items, id) }

// words adds a setting that is a list of words, compared without regard to case, "_" and
// "-": org_id, orgId and ORG-ID are one word.
func (d *Detector) words(name, value, usage string) *wordList {
	l := newWordList(value)
	d.Flags.Var(l, name, usage)
	return l
}

// A wordList is a list of words, compared without regard to case, "_" and "-".
type wordList struct {
	items   []string // as given
	folded  map[string]bool
	lengths lengths // of the folded words
	sketch  sketch
}

// newWordList returns a list of the program's own. A mistake in it is one of the program:
// newWordList panics.
func newWordList(value string) *wordList {
	l := &wordList{}
	if err := l.Set(value); err != nil {
		panic(fmt.Sprintf("detect: words %q: %v", value, err))
	}
	return l
}

func (l *wordList) String() string { return strings.Join(l.items, ",") }

// Set replaces the list.
func (l *wordList) Set(s string) error {
	items, err := splitList(s)
	if err != nil {
		return err
	}
	next := wordList{items: items, folded: map[string]bool{}}
	for _, item := range items {
		var buf [maxWord]byte
		word, ok := fold(&buf, item)
		if !ok {
			return fmt.Errorf("item %q is no word of at most %d letters", item, maxWord)
		}
		next.folded[string(word)] = true
		next.lengths.add(string(word))
		next.sketch.add(item)
	}
	*l = next
	return nil
}

// has tells whether the text is one of the words. It allocates nothing.
func (l *wordList) has(text string) bool {
	if text == "" || !l.lengths.upTo(text[0], len(text)) && text[0] != '_' && text[0] != '-' {
		return false
	}
	var buf [maxWord]byte
	word, ok := fold(&buf, text)
	return ok && l.lengths[word[0]]>>len(word)&1 == 1 && l.folded[string(word)]
}

// mayHold tells whether any of the names in a sketch can be one of the words.
func (l *wordList) mayHold(s *sketch) bool {
	o := &l.sketch
	return s[0]&o[0]|s[1]&o[1]|s[2]&o[2]|s[3]&o[3] != 0
}

// A sketch of names has a bit for each, by how it begins and ends and how long it is, folded.
// Most lists of words hold none of the segments of a path, or of its parameters, by that alone.
type sketch [4]uint64

func sketchOf(path string) (s sketch) {
	for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
		s.add(segment)
	}
	return s
}

func (s *sketch) add(name string) {
	var first, last, n byte
	for i := range len(name) {
		c := name[i]
		if c == '_' || c == '-' {
			continue
		}
		if n == 0 {
			first = c
		}
		last = c
		if n++; n > maxWord {
			return // it is no word of any list
		}
	}
	if n > 0 {
		s.set(lower(first), lower(last), n)
	}
}

// set adds a name by how it begins and ends and how long it is, folded.
func (s *sketch) set(first, last, n byte) {
	bit := (first*31+last)*31 + n
	s[bit/64] |= 1 << (bit % 64)
}

// addParameter adds the name that cutParameter gives of the parameter.
func (s *sketch) addParameter(p *parameter) {
	switch n := p.size; {
	case !p.odd && n > 0 && n <= maxWord:
		s.set(p.word[0], p.word[n-1], byte(n))
	case p.odd && !plainWord(p.name):
		*s = sketch{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)} // it is not worth the while to find out
	case p.odd:
		s.add(p.name)
	}
}

// lengths are how long the words of a list are, which rules most texts out: by first byte,
// in lower case, a bit for each length.
type lengths [256]uint64

func (l *lengths) add(word string) { l[word[0]] |= 1 << len(word) }

// may tells whether the text can be one of the words, whatever its case.
func (l *lengths) may(text string) bool {
	return text != "" && l.has(text[0], len(text))
}

// has tells whether there is a word of that length which begins with the byte.
func (l *lengths) has(first byte, length int) bool { return l[lower(first)]>>length&1 == 1 }

// upTo tells whether there is a word of at most that length which begins with the byte.
func (l *lengths) upTo(first byte, length int) bool { return l[lower(first)]&(2<<length-1) != 0 }

// mayHold tells whether any segment of the path, or the end of one from its last dot on,
// is as long as a word that begins as it does. Of most paths none is.
func (l *lengths) mayHold(path string) bool {
	for i := 0; i < len(path); {
		if path[i] == '/' {
			i++
			continue
		}
		from, to, dot := i, -1, -1
		for ; i < len(path) && path[i] != '/'; i++ {
			switch path[i] {
			case ';':
				if to < 0 {
					to = i
				}
			case '.':
				if to < 0 {
					dot = i
				}
			}
		}
		if to < 0 {
			to = i
		}
		if to > from && l.has(path[from], to-from) || dot >= 0 && l.has('.', to-dot) {
			return true
		}
	}
	return false
}

// lengthsOf returns the lengths of the words.
func lengthsOf(words iter.Seq[string]) *lengths {
	l := &lengths{}
	for word := range words {
		l.add(word)
	}
	return l
}

// maxWord bounds a word of a wordList, folded.
const maxWord = 40

// fold writes the text in lower case, without "_" and "-", into buf; ok if it fits and
// something is left.
func fold(buf *[maxWord]byte, text string) (word []byte, ok bool) {
	n := 0
	for i := range len(text) {
		c := lower(text[i])
		if c == '_' || c == '-' {
			continue
		}
		if n == maxWord {
			return nil, false
		}
		buf[n] = c
		n++
	}
	return buf[:n], n > 0
}

// routes adds a setting that is a list of patterns of paths, as RouteRule.Path has them.
func (d *Detector) routes(name, usage string) *routeList {
	l := &routeList{}
	d.Flags.Var(l, name, usage)
	return l
}

// A routeList is a list of patterns of paths.
type routeList struct {
	items []string // as given
	rules []routeRule
}

func (l *routeList) String() string { return strings.Join(l.items, ",") }

// Set replaces the list.
func (l *routeList) Set(s string) error {
	items, err := splitList(s)
	if err != nil {
		return err
	}
	next := routeList{items: items}
	for _, item := range items {
		var rule routeRule
		if _, err := rule.parsePath(item); err != nil {
			return fmt.Errorf("path %q: %w", item, err)
		}
		next.rules = append(next.rules, rule)
	}
	*l = next
	return nil
}

// has tells whether the path matches a pattern.
func (l *routeList) has(path string) bool {
	if len(l.rules) == 0 {
		return false
	}
	var room [maxSegments]string
	segments, ok := segmentsOf(unescapedPath(path), &room)
	return ok && slices.ContainsFunc(l.rules, func(rule routeRule) bool { return rule.matchesPath(segments) })
}
