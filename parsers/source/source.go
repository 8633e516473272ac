// Package source finds logs, reads them and puts their requests in one order.
//
// A File is something that can be opened; a Log is a file known by its content: how
// it is packed, which format it has, whether it was read before and how far. A
// Merger reads many logs side by side, always the one that lies furthest back, and
// says with each Batch before which time nothing more can come. An Orderer holds
// what is not due yet.
//
// The package decides what a line's place is, not what it means: lines are read by
// parsers, judged by detect and kept by report/store.
package source

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// A Stream is a series of requests whose time moves forward within a bound.
type Stream interface {
	// Next returns the next batch, or io.EOF after the last. Any other error ends
	// the stream too; what was read before it stands.
	Next() (*Batch, error)
	// Bound returns the time before which the stream gives no request that is to
	// be judged. It never goes back.
	Bound() time.Time
}

// A Batch is what was read from one log in one go.
type Batch struct {
	Log      *Log // nil: the requests come out of the store and are not to be kept again
	Requests []parsers.Request
	Rejects  []Reject
	After    Position // where the log stands after this batch
	// Replaces is the number of a line that an earlier run read before it was
	// finished and that now reads otherwise; 0 if none. What was kept of it is void.
	Replaces int64
	// Leapt are lines that were given in earlier batches, or runs, as to be judged, and have
	// turned out to be late.
	Leapt []Leapt
	// Watermark is the time before which no request will follow, in this batch or
	// later, from any log. Set by the Merger.
	Watermark time.Time

	spare *sync.Pool   // where the requests go once nobody needs them; nil: nowhere
	users atomic.Int32 // that have not called Done; 0 if it was not lent
}

// Lend says that so many users will call Done. Once all have, the requests are gone: their
// memory is used for later ones. A batch that is not lent stays as it is.
func (b *Batch) Lend(users int) { b.users.Store(int32(users)) }

// Done is called by a user who does not look at the requests any more. What was kept of
// them, strings among that, stays.
func (b *Batch) Done() {
	if b.users.Load() == 0 || b.users.Add(-1) > 0 || b.spare == nil {
		return
	}
	b.spare.Put(new(b.Requests))
	b.Requests = nil
}

// A Reject is a line that gave no request.
type Reject struct {
	Line   int64
	Reason string
	Sample string // the line, redacted and cut
}

// A Position says how far a log has been read and what was met on the way.
type Position struct {
	Offset int64  // bytes of whole lines read, as unpacked
	Hash   string // of those bytes
	// Torn tells of a last line that had no line end when it was read: a letter for what
	// became of it, and its hash; "" if there was none. The line is counted below but lies
	// after Offset. A "+" at the end says that lines were rejected of which a container
	// runtime had written only the first pieces.
	Torn string

	Lines    int64
	Parsed   int64
	Rejected int64
	Skipped  int64 // headers, comments, blank lines, pieces of lines, and what was passed over
	Late     int64
	Cut      int64     // lines longer than MaxLine
	Last     time.Time // latest time of a request, but for those that have leapt
	// Open tells of requests that have leapt ahead, and of which it is not certain that they
	// are right; "" if there are none: see Pace.
	Open string
}

// MaxLine is the number of bytes of a line that are read; the rest is passed over, and
// counted as Cut that there was more.
const MaxLine = 1 << 20
