package source

import (
	"errors"
	"io"
	"runtime"
	"sync/atomic"
)

// An ahead cuts on, in a goroutine of its own, while what it has cut is used: of
// compressed content, decompression takes about as long as all else that is done to a
// line in turn.
type ahead struct {
	blocks chan placed // in order
	end    chan struct{}
	done   chan struct{}
}

// blocksAhead is how many blocks lie ready. Beside them one is cut and one is used.
const blocksAhead = 1

// cutAhead begins to cut. Nobody else uses the cutter until stop returns.
func cutAhead(c *cutter) *ahead {
	a := &ahead{blocks: make(chan placed, blocksAhead), end: make(chan struct{}), done: make(chan struct{})}
	c.r = stoppable{c.r, a.end}
	go a.run(c)
	return a
}

func (a *ahead) run(c *cutter) {
	defer close(a.done)
	for {
		b := c.place()
		select {
		case a.blocks <- b:
		case <-a.end:
			return
		}
		if b.err != nil {
			return
		}
	}
}

// next returns the next block. None may be asked for after one with an error.
func (a *ahead) next() placed { return <-a.blocks }

// stop ends it. It waits for a read to return.
func (a *ahead) stop() {
	close(a.end)
	<-a.done
}

// A stoppable reader is one that ends when a channel is closed.
type stoppable struct {
	r   io.Reader
	end chan struct{}
}

var errStopped = errors.New("stopped")

func (s stoppable) Read(p []byte) (int, error) {
	select {
	case <-s.end:
		return 0, errStopped
	default:
		return s.r.Read(p)
	}
}

// hands counts the goroutines that read ahead for the logs of some Options. The stages
// downstream keep one core busy at the least.
type hands struct{ busy atomic.Int32 }

// take tells whether one more may begin; it then ends with give.
func (h *hands) take() bool {
	if int(h.busy.Add(1)) < runtime.GOMAXPROCS(0) {
		return true
	}
	h.busy.Add(-1)
	return false
}

func (h *hands) give() { h.busy.Add(-1) }
