package source

import (
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// An Orderer puts requests in their one order. It holds those that others may still
// come before.
type Orderer struct {
	held     []*parsers.Request // in order
	released int                // how many at the front of held are gone
	before   time.Time          // all before that are
	lent     []lent             // batches that held is of, as they came
	void     map[lineOf]bool    // what may come out of the store, and is not to be judged
}

// A lineOf a log is told by these.
type lineOf struct {
	source int
	line   int64
}

// A lent batch is done with once all before its end is gone.
type lent struct {
	batch *Batch
	end   time.Time
}

// Add takes the requests of one batch; those that are late it leaves. The order of
// batches does not matter as long as none is added after a Release that it should
// have been part of. It is one user of the batch, which is done with it some time after
// all of its requests were released and are not valid any more.
func (o *Orderer) Add(b *Batch) {
	for len(o.lent) > 0 && o.lent[0].end.Before(o.before) {
		o.lent[0].batch.Done()
		o.lent[0].batch = nil
		o.lent = o.lent[1:]
	}
	requests := b.Requests
	if o.released > len(o.held)/2 { // else moving the rest costs more than it frees
		o.held = slices.Delete(o.held, 0, o.released)
		o.released = 0
	}
	o.leave(b)
	old := len(o.held)
	var end time.Time
	line, sorted := int64(0), b.Log != nil // lines of a log are, if neither times nor numbers go back
	for i := range requests {
		if r := &requests[i]; !r.Late && (b.Log != nil || len(o.void) == 0 || !o.void[lineOf{r.Source.ID, r.Line}]) {
			o.held = append(o.held, r)
			back := end.After(r.Time)
			if !back {
				end = r.Time
			}
			sorted = sorted && !back && r.Line > line
			line = r.Line
		}
	}
	if b.users.Load() > 0 {
		o.lent = append(o.lent, lent{b, end})
	}
	if old == len(o.held) {
		return
	}
	// A batch is nearly in order, and mostly lies after what is held. Sorting begins
	// where it must: at the place of its earliest request.
	added := o.held[old:]
	if !sorted && !slices.IsSortedFunc(added, (*parsers.Request).Compare) {
		slices.SortFunc(added, (*parsers.Request).Compare)
	}
	from, _ := slices.BinarySearchFunc(o.held[o.released:old], added[0], (*parsers.Request).Compare)
	if from += o.released; from < old {
		mergeSorted(o.held[from:], old-from)
	}
}

// leave takes out what a batch says is not to be judged as it was given. It lies ahead of
// its log, or ends it, so it was not released yet.
func (o *Orderer) leave(b *Batch) {
	if b.Replaces == 0 && len(b.Leapt) == 0 {
		return
	}
	if o.void == nil {
		o.void = map[lineOf]bool{}
	}
	o.void[lineOf{b.Log.Source.ID, b.Replaces}] = true
	for _, l := range b.Leapt {
		o.void[lineOf{b.Log.Source.ID, l.Line}] = true
	}
	rest := slices.DeleteFunc(o.held[o.released:], func(r *parsers.Request) bool { return o.void[lineOf{r.Source.ID, r.Line}] })
	o.held = o.held[:o.released+len(rest)]
}

// mergeSorted merges the sorted all[:n] and all[n:] in place.
func mergeSorted(all []*parsers.Request, n int) {
	left := slices.Clone(all[:n])
	right := all[n:]
	for i := range all {
		if len(right) == 0 || len(left) > 0 && left[0].Compare(right[0]) <= 0 {
			if len(left) == 0 {
				return
			}
			all[i], left = left[0], left[1:]
		} else {
			all[i], right = right[0], right[1:]
		}
	}
}

// Release returns, in order, the requests that lie before the watermark. The slice
// is valid until the next Add.
func (o *Orderer) Release(watermark time.Time) []*parsers.Request {
	rest := o.held[o.released:]
	n, _ := slices.BinarySearchFunc(rest, watermark, func(r *parsers.Request, t time.Time) int {
		return r.Time.Compare(t)
	})
	o.released += n
	o.before = later(o.before, watermark)
	return rest[:n]
}

// Drain returns, in order, all requests that are held.
func (o *Orderer) Drain() []*parsers.Request {
	rest := o.held[o.released:]
	o.released = len(o.held)
	return rest
}
