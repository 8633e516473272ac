package source

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// live is content that may grow while it is read.
type live interface {
	// reader reads from the start. An io.EOF says that there is no more for now.
	reader() io.Reader
}

// A liveFile is a file that may grow, be renamed, be emptied or be overwritten while it
// is read. It is read through one descriptor, so that its name does not matter.
type liveFile struct {
	file *os.File
	head []byte // what it begins with, as far as that was read; at most headSize
	// replaced tells that what was read of the file no longer stands in it: it was emptied
	// and maybe written again. Nothing more is given then.
	replaced bool
}

// lastSize is how many bytes before a place show that nothing before it has changed.
const lastSize = 128

// A liveReader gives bytes of a liveFile that are certain to follow those before them.
type liveReader struct {
	*liveFile
	at   int64
	last []byte // before at
}

func (f *liveFile) reader() io.Reader { return &liveReader{liveFile: f} }

// Read reads first and looks afterwards whether the file is still the same: if it is, it
// was so when the bytes were read.
func (r *liveReader) Read(p []byte) (int, error) {
	if r.replaced || len(p) == 0 {
		return 0, io.EOF
	}
	n, err := r.file.ReadAt(p, r.at)
	if err != nil && err != io.EOF {
		return 0, pathless(err)
	}
	info, err := r.file.Stat()
	if err != nil {
		return 0, pathless(err)
	}
	switch end := r.at + int64(n); {
	case info.Size() < end || n == 0 && info.Size() < r.at:
		// Emptied after the bytes were read, if there are any.
		r.replaced = true
	case !r.same():
		r.replaced = true
		if again := make([]byte, n); n > 0 {
			if m, _ := r.file.ReadAt(again, r.at); bytes.Equal(again[:m], p[:n]) {
				n = 0 // what stands here now belongs to what has replaced the log
			}
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	r.took(p[:n])
	return n, nil
}

// same tells whether the beginning and what stands before r.at are as they were.
func (r *liveReader) same() bool {
	var b [headSize]byte
	n, _ := r.file.ReadAt(b[:len(r.head)], 0)
	if !bytes.Equal(b[:n], r.head) {
		return false
	}
	n, _ = r.file.ReadAt(b[:len(r.last)], r.at-int64(len(r.last)))
	return bytes.Equal(b[:n], r.last)
}

// took remembers what shows later that the bytes still stand there.
func (r *liveReader) took(p []byte) {
	if known := int64(len(r.head)); known < headSize && r.at <= known && r.at+int64(len(p)) > known {
		more := p[known-r.at:]
		r.head = append(r.head, more[:min(len(more), headSize-len(r.head))]...)
	}
	r.at += int64(len(p))
	if len(p) >= lastSize {
		r.last = append(r.last[:0], p[len(p)-lastSize:]...)
		return
	}
	r.last = append(r.last, p...)
	r.last = slices.Delete(r.last, 0, max(len(r.last)-lastSize, 0))
}

// stat tells how long the file is and when it was written to.
func (f *liveFile) stat() (fs.FileInfo, error) { return f.file.Stat() }

// pipeMax is how much of a pipe is read ahead. Who writes to it waits then.
const pipeMax = 1 << 20

// A livePipe is a pipe or standard input. It is read as it comes and decompressed, by a
// goroutine of its own, and what was read is kept until the log has taken it.
type livePipe struct {
	mu    sync.Mutex
	room  sync.Cond // there is room again
	buf   []byte
	base  int64 // of buf in all that was read
	taken bool  // a log reads it: what was given is not needed again
	ended bool
	err   error // that ended it, to be told after what came before; nil if all is well
	wake  func()
	close func() error
}

// newLivePipe begins to read. wake is called when there is more. After stop the rest is read
// and left, as far as it still comes: whoever writes it is not to wait.
func newLivePipe(r io.Reader, wake func(), close func() error) *livePipe {
	p := &livePipe{wake: wake, close: close}
	p.room.L = &p.mu
	go func() {
		chunk := make([]byte, 64<<10)
		// What is packed is unpacked here, where it can be waited for in its midst.
		from, done, err := decompress(bufio.NewReaderSize(r, readSize), func() {})
		defer done()
		for {
			n := 0
			if err == nil {
				n, err = from.Read(chunk)
			}
			p.mu.Lock()
			for len(p.buf) >= pipeMax && !p.ended {
				p.room.Wait()
			}
			wanted := !p.ended
			if wanted {
				p.buf = append(p.buf, chunk[:n]...)
				p.ended = err != nil
				if err != io.EOF {
					p.err = pathless(err)
				}
			}
			wake := p.wake
			p.mu.Unlock()
			if wanted {
				wake()
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

// wakes has another be called when there is more.
func (p *livePipe) wakes(wake func()) {
	p.mu.Lock()
	p.wake = wake
	p.mu.Unlock()
	wake() // there may be some already
}

func (p *livePipe) reader() io.Reader { return &pipeReader{p, 0} }

// begun tells whether so many bytes have come and a whole line among them, or as much as
// will be waited for.
func (p *livePipe) begun(least int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return len(p.buf) > 0 || p.err != nil
	}
	return int64(len(p.buf)) >= least && (bytes.IndexByte(p.buf, '\n') >= 0 || len(p.buf) >= peekSize)
}

// held returns how many bytes wait to be taken, and whether a look from now on shows all that
// a later one could.
func (p *livePipe) held() (size int64, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(len(p.buf)), p.ended || len(p.buf) >= peekSize
}

// over tells whether all was taken and nothing will follow.
func (p *livePipe) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended && len(p.buf) == 0 && p.err == nil
}

// stop gives the pipe back. What was not taken of it is gone.
func (p *livePipe) stop() {
	p.mu.Lock()
	p.ended, p.buf, p.err = true, nil, nil
	p.room.Broadcast()
	p.mu.Unlock()
	p.close()
}

type pipeReader struct {
	p  *livePipe
	at int64
}

func (r *pipeReader) Read(b []byte) (int, error) {
	p := r.p
	p.mu.Lock()
	defer p.mu.Unlock()
	begin := min(int(r.at-p.base), len(p.buf))
	n := copy(b, p.buf[begin:])
	r.at += int64(n)
	if p.taken { // also what was read before that
		p.buf = slices.Delete(p.buf, 0, begin+n)
		p.base = r.at
		p.room.Broadcast()
	}
	if n == 0 {
		return 0, cmp.Or(p.err, io.EOF)
	}
	return n, nil
}
