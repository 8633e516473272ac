package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
)

// progress shows on a terminal how a run gets on. Elsewhere it is silent.
type progress struct {
	to      io.Writer // nil: silent
	lines   atomic.Int64
	path    atomic.Pointer[string]
	started time.Time
	stop    chan struct{}
	stopped chan struct{}
}

func newProgress(stderr io.Writer, quiet bool) *progress {
	p := &progress{started: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	if !quiet && isTerminal(stderr) {
		p.to = stderr
	}
	go p.show()
	return p
}

func (p *progress) add(b *source.Batch) {
	if b.Log == nil {
		return
	}
	p.lines.Add(int64(len(b.Requests) + len(b.Rejects)))
	p.path.Store(&b.Log.File.Path)
}

func (p *progress) show() {
	defer close(p.stopped)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	const clear = "\r\x1b[K"
	for {
		select {
		case <-p.stop:
			if p.to != nil {
				fmt.Fprint(p.to, clear)
			}
			return
		case <-tick.C:
			path := p.path.Load()
			if p.to == nil || path == nil {
				continue
			}
			n := p.lines.Load()
			rate := float64(n) / time.Since(p.started).Seconds()
			fmt.Fprintf(p.to, "%s%d lines, %.0f a second, %s", clear, n, rate, report.ShowShort(*path, 40))
		}
	}
}

// done takes the progress off the screen.
func (p *progress) done() {
	close(p.stop)
	<-p.stopped
}

// isTerminal tells whether a person sits at the other end of stream.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// screen returns how wide the terminal is that w writes to; 0 if it is none.
func screen(w io.Writer) int {
	if v, ok := w.(visible); ok {
		w = v.w
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// pageWidth is how wide text is laid out for a file, or where a pipe hides the screen.
const pageWidth = 100

// widthOf returns how wide text may be laid out that goes to w.
func widthOf(w io.Writer) int {
	if width := screen(w); width > 0 {
		return max(width, 60)
	}
	return pageWidth
}

// lookOf says how a report may appear: on a terminal, in colour and as wide as it is.
func lookOf(stdout io.Writer, file string) report.Look {
	if file != "" || !isTerminal(stdout) {
		return report.Look{Width: pageWidth}
	}
	return report.Look{Width: widthOf(stdout), Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}
