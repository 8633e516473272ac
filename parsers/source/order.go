package source

import (
	"slices"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// An Orderer puts requests in their one order. It holds those that others may still
// come before.
type Orderer struct {
	// runs are what is held, each in order and none empty. There are few: one is merged with
	// the one before it unless that is mostly longer.
	runs   [][]*parsers.Request
	spare  []*parsers.Request // memory of a run that was merged with another
	out    []*parsers.Request // as released
	before time.Time          // all before that are gone
	lent   []lent             // batches that runs are of, as they came
	void   map[lineOf]bool    // what may come out of the store, and is not to be judged
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
	o.leave(b)
	run := slices.Grow(o.spare[:0], len(b.Requests))
	o.spare = nil
	var end time.Time
	line, sorted := int64(0), b.Log != nil // lines of a log are, if neither times nor numbers go back
	for i := range b.Requests {
		if r := &b.Requests[i]; !r.Late && (b.Log != nil || len(o.void) == 0 || !o.void[lineOf{r.Source.ID, r.Line}]) {
			run = append(run, r)
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
	if len(run) == 0 {
		o.spare = run
		return
	}
	if !sorted && !slices.IsSortedFunc(run, (*parsers.Request).Compare) {
		slices.SortFunc(run, (*parsers.Request).Compare)
	}
	o.runs = append(o.runs, run)
	for n := len(o.runs) - 1; n > 0; n-- {
		// A batch is nearly in order, and mostly lies after what is held. Of many logs side by
		// side it does not: to merge it with all that is held would take the longer the more
		// logs there are.
		last, run := o.runs[n-1], o.runs[n]
		if from := placeOf(run[0], last); len(last)-from > 2*len(run) {
			return
		}
		o.runs[n-1], o.runs = merged(last, run), o.runs[:n]
		o.spare = run
	}
}

// placeOf returns how many of a run lie before a request.
func placeOf(r *parsers.Request, run []*parsers.Request) int {
	from, _ := slices.BinarySearchFunc(run, r, (*parsers.Request).Compare)
	return from
}

// merged returns both runs as one, in memory of the first if that has room.
func merged(run, next []*parsers.Request) []*parsers.Request {
	from, old := placeOf(next[0], run), len(run)
	run = append(run, next...)
	if from < old {
		mergeSorted(run[from:], old-from)
	}
	return run
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
	id, gone := b.Log.Source.ID, map[int64]bool{b.Replaces: true}
	for _, l := range b.Leapt {
		gone[l.Line] = true
	}
	for line := range gone {
		o.void[lineOf{id, line}] = true
	}
	for i, run := range o.runs { // what other batches have put in the place of such lines stays
		o.runs[i] = slices.DeleteFunc(run, func(r *parsers.Request) bool { return r.Source.ID == id && gone[r.Line] })
	}
	o.dropEmpty()
}

// dropEmpty takes out the runs of which nothing is left.
func (o *Orderer) dropEmpty() {
	o.runs = slices.DeleteFunc(o.runs, func(run []*parsers.Request) bool {
		if len(run) > 0 {
			return false
		}
		if cap(run) > cap(o.spare) {
			o.spare = run
		}
		return true
	})
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
	o.before = later(o.before, watermark)
	return o.take(func(run []*parsers.Request) int {
		n, _ := slices.BinarySearchFunc(run, watermark, func(r *parsers.Request, t time.Time) int {
			return r.Time.Compare(t)
		})
		return n
	})
}

// Drain returns, in order, all requests that are held.
func (o *Orderer) Drain() []*parsers.Request {
	return o.take(func(run []*parsers.Request) int { return len(run) })
}

// take takes so many from the front of each run and returns them in order.
func (o *Orderer) take(first func(run []*parsers.Request) int) (all []*parsers.Request) {
	of := 0 // runs
	for i, run := range o.runs {
		n := first(run)
		if n == 0 {
			continue
		}
		if of++; of == 1 { // mostly the only one
			all = append(o.out[:0], run[:n]...)
		} else {
			all = merged(all, run[:n])
		}
		if n < len(run)-n {
			o.runs[i] = run[n:]
		} else { // which keeps the memory
			o.runs[i] = run[:copy(run, run[n:])]
		}
	}
	if of > 0 {
		o.out = all
	}
	o.dropEmpty()
	return all
}
