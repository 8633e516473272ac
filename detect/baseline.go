package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// history is the TTL of a detector that knows what is usual for a key: d.TTL =
// new(history). A key that is quiet for longer begins anew.
//
// Windows stay short, and so does what rules remember of an event: the Expire of such a
// detector is called as soon as its key has been quiet for Detector.Quiet, at the latest
// for maxSpan. The state lives on, so Expire ends the episode (Going = nil) and keeps the
// history; with nothing going on it does nothing. Observe does the same when a request
// comes later than the window, if that is shorter.
const history = 30 * 24 * time.Hour

// A Baseline is how large a number usually is for a key: requests in a minute, objects
// in an hour. It is learned as time goes on, takes a few hundred bytes, and tells
// quantiles to within 2 percent: counts in buckets whose bounds grow by a fixed ratio,
// as DDSketch has them (Masson, Rim, Lee: VLDB 2019). It is memory: exported fields, the
// same bytes in JSON every time.
type Baseline struct {
	N       int64 // numbers added
	Most    int64 // the largest of them
	Buckets []Bucket
}

// A Bucket counts the numbers of about one size.
type Bucket struct {
	Size int32 // of its numbers, as a power of baselineRatio; -1 for those below 1
	N    int64
}

func (b *Baseline) members(to []byte) []byte {
	to = appendInt(appendInt(to, "N", b.N), "Most", b.Most)
	if b.Buckets == nil {
		return append(appendName(to, "Buckets"), "null"...)
	}
	return appendList(to, "Buckets", b.Buckets, func(k *Bucket, to []byte) []byte {
		return appendInt(appendInt(to, "Size", int64(k.Size)), "N", k.N)
	})
}

func (b *Baseline) pack(p *packer) {
	p.int(&b.N)
	p.int(&b.Most)
	packList(p, &b.Buckets)
}

func (k *Bucket) pack(p *packer) {
	packInteger(p, &k.Size)
	p.int(&k.N)
}

const (
	baselineRatio = 1.04
	// maxBuckets bounds a baseline: from 1 to 2^60 there are some thousand buckets, and
	// few keys need fifty. Beyond that the smallest are taken together: only quantiles
	// of no interest are wrong then.
	maxBuckets = 256
)

// Add learns a number.
func (b *Baseline) Add(v int64) {
	b.N++
	b.Most = max(b.Most, v)
	size := sizeOf(v)
	i, found := b.find(size)
	if found {
		b.Buckets[i].N++
		return
	}
	b.Buckets = slices.Insert(b.Buckets, i, Bucket{size, 1})
	if len(b.Buckets) > maxBuckets {
		b.Buckets[1].N += b.Buckets[0].N
		b.Buckets = slices.Delete(b.Buckets, 0, 1)
	}
}

// sizeOf is the size of a number's bucket.
func sizeOf(v int64) int32 {
	switch {
	case v < 1:
		return -1
	case v < int64(len(smallSizes)):
		return smallSizes[v]
	}
	return sizeOfAny(v)
}

// smallSizes are the sizes of small numbers, which most are.
var smallSizes = func() (sizes [64]int32) {
	for v := 1; v < len(sizes); v++ {
		sizes[v] = sizeOfAny(int64(v))
	}
	return sizes
}()

func sizeOfAny(v int64) int32 {
	return int32(math.Round(math.Log(float64(v)) / math.Log(baselineRatio)))
}

// find returns the place of the bucket of a size, or where it would be.
func (b *Baseline) find(size int32) (i int, found bool) {
	for end := len(b.Buckets); i < end; {
		if half := int(uint(i+end) / 2); b.Buckets[half].Size < size {
			i = half + 1
		} else {
			end = half
		}
	}
	return i, i < len(b.Buckets) && b.Buckets[i].Size == size
}

// P99 is a number that 99 percent of those added do not exceed; 0 where none was added.
func (b *Baseline) P99() int64 { return b.quantile(0.99) }

// exactBelow is the smallest number that shares a bucket with another.
const exactBelow = 31

// most99 says in words what 99 percent of the numbers added do not exceed.
func (b *Baseline) most99() string {
	p := b.P99()
	if p < exactBelow || p == b.Most {
		return strconv.FormatInt(p, 10)
	}
	return fmt.Sprintf("about %d", p)
}

// multiple is n times a number that is usual, n from 1 on; the most there is where that is
// more than fits: what is usual may be imported.
func multiple(n, usual int64) int64 {
	if usual > math.MaxInt64/n {
		return math.MaxInt64
	}
	return n * usual
}

func (b *Baseline) quantile(q float64) int64 {
	rank := int64(math.Ceil(q * float64(b.N)))
	for _, k := range b.Buckets {
		if rank -= k.N; rank > 0 {
			continue
		}
		if k.Size < 0 {
			return 0
		}
		return min(int64(math.Round(math.Pow(baselineRatio, float64(k.Size)))), b.Most)
	}
	return b.Most
}
