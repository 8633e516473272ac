package source

import (
	"container/heap"
	"errors"
	"io"
	"time"
)

// A Merger reads streams side by side, so that requests of one time come close to
// each other whatever stream they stand in. Streams that lie after the others are
// not opened before their turn.
type Merger struct {
	streams   bounds
	watermark time.Time
	reached   time.Time // the greatest bound of a stream that has ended
	fail      func(Stream, error)
}

// NewMerger returns a merger of the streams, whose requests all lie at or after the
// watermark or are late. Of a stream that breaks off fail is told why; the others go
// on.
func NewMerger(streams []Stream, watermark time.Time, fail func(Stream, error)) *Merger {
	m := &Merger{watermark: watermark, fail: fail}
	for n, s := range streams {
		m.streams = append(m.streams, bounded{s, s.Bound(), n})
	}
	heap.Init(&m.streams)
	return m
}

// bounded is a stream, with its bound and its number among all.
type bounded struct {
	Stream
	bound  time.Time
	number int
}

// bounds is a heap of streams. The first is the one that lies furthest back, and has the least
// number of those: there may be many thousands.
type bounds []bounded

func (b bounds) Len() int      { return len(b) }
func (b bounds) Swap(i, j int) { b[i], b[j] = b[j], b[i] }
func (b *bounds) Push(x any)   { *b = append(*b, x.(bounded)) }

func (b bounds) Less(i, j int) bool {
	if c := b[i].bound.Compare(b[j].bound); c != 0 {
		return c < 0
	}
	return b[i].number < b[j].number
}

func (b *bounds) Pop() any {
	last := len(*b) - 1
	x := (*b)[last]
	(*b)[last] = bounded{}
	*b = (*b)[:last]
	return x
}

// Next returns the next batch of the stream that lies furthest back, or io.EOF.
func (m *Merger) Next() (*Batch, error) {
	for len(m.streams) > 0 {
		s := &m.streams[0]
		batch, err := s.Next()
		s.bound = s.Bound()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				m.fail(s.Stream, err)
			}
			m.reached = later(m.reached, s.bound)
			heap.Pop(&m.streams)
			continue
		}
		heap.Fix(&m.streams, 0)
		m.watermark = later(m.watermark, m.streams[0].bound)
		batch.Watermark = m.watermark
		return batch, nil
	}
	m.watermark = later(m.watermark, m.reached)
	return nil, io.EOF
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Watermark is the time before which nothing more can come. After io.EOF it is the
// greatest that any stream got to: what they would have to keep to if they went on.
func (m *Merger) Watermark() time.Time { return m.watermark }
