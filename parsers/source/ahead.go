package source

import (
	"io"
	"runtime"
	"sync/atomic"
)

// An ahead reads on, in a goroutine of its own, while what it has read is used: of
// compressed content, decompression takes about as long as all else that is done to a
// line in turn.
type ahead struct {
	read chan chunk  // in order; has room for all chunks there are
	free chan []byte // to be read into
	end  chan struct{}
	done chan struct{}
	now  chunk // what is given out
	at   int   // of it
}

// A chunk is what was read at a time, and the error after it.
type chunk struct {
	text []byte
	err  error
}

// chunks is how many there are: one is given out, one is read, one lies between.
const chunks = 3

// readAhead begins to read from r, which nobody else reads until stop returns.
func readAhead(r io.Reader) *ahead {
	a := &ahead{
		read: make(chan chunk, chunks), free: make(chan []byte, chunks),
		end: make(chan struct{}), done: make(chan struct{}),
	}
	for range chunks {
		a.free <- make([]byte, blockSize)
	}
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.done)
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.end:
			return
		}
		c := chunk{text: buf[:0]}
		for len(c.text) < len(buf) && c.err == nil {
			var n int
			n, c.err = r.Read(buf[len(c.text):])
			if n == 0 {
				break
			}
			c.text = buf[:len(c.text)+n]
		}
		a.read <- c
		if c.err != nil {
			return
		}
	}
}

// Read gives what r gave, and its error for ever.
func (a *ahead) Read(p []byte) (int, error) {
	if a.at == len(a.now.text) {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if cap(a.now.text) > 0 {
			a.free <- a.now.text[:cap(a.now.text)]
		}
		a.now, a.at = <-a.read, 0
	}
	n := copy(p, a.now.text[a.at:])
	if a.at += n; n == 0 && len(p) > 0 {
		return 0, a.now.err
	}
	return n, nil
}

// stop ends it. It waits for a read to return.
func (a *ahead) stop() {
	close(a.end)
	<-a.done
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
