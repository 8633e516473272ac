package source

import (
	"errors"
	"io"
	"slices"
	"time"
)

// A Merger reads streams side by side, so that requests of one time come close to
// each other whatever stream they stand in. Streams that lie after the others are
// not opened before their turn.
type Merger struct {
	streams   []Stream
	watermark time.Time
	reached   time.Time // the greatest bound of a stream that has ended
	fail      func(Stream, error)
}

// NewMerger returns a merger of the streams, whose requests all lie at or after the
// watermark or are late. Of a stream that breaks off fail is told why; the others go
// on.
func NewMerger(streams []Stream, watermark time.Time, fail func(Stream, error)) *Merger {
	return &Merger{streams: slices.Clone(streams), watermark: watermark, fail: fail}
}

// Next returns the next batch of the stream that lies furthest back, or io.EOF.
func (m *Merger) Next() (*Batch, error) {
	for len(m.streams) > 0 {
		at := m.furthestBack()
		s := m.streams[at]
		batch, err := s.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				m.fail(s, err)
			}
			m.streams = slices.Delete(m.streams, at, at+1)
			m.reached = later(m.reached, s.Bound())
			continue
		}
		m.watermark = later(m.watermark, m.streams[m.furthestBack()].Bound())
		batch.Watermark = m.watermark
		return batch, nil
	}
	m.watermark = later(m.watermark, m.reached)
	return nil, io.EOF
}

// furthestBack returns the index of the stream with the least bound.
func (m *Merger) furthestBack() int {
	at := 0
	for i, s := range m.streams {
		if s.Bound().Before(m.streams[at].Bound()) {
			at = i
		}
	}
	return at
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
