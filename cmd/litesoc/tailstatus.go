package main

import (
	"fmt"
	"time"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
)

// tailStats are what a run has done.
type tailStats struct {
	Lines, Requests, Rejected, Late, Early int64
	Alerts                                 [detect.Critical + 1]int64
	Turns, Failed, Again                   int64
	TurnTime, SaveTime                     time.Duration
	Saves                                  int64
	StateBytes                             int64
	Expired                                int64
	actors                                 actors
	rate                                   rate
}

// tailStatus is how a run gets on.
type tailStatus struct {
	at      time.Time
	started time.Time
	stats   tailStats
	logs    []source.Following
	rate    float64       // lines a second
	lag     time.Duration // how far what was judged lies behind the clock; -1 if nothing was
	held    int
	behind  int64 // bytes of the logs that were not read
	stopped error
	top     []count
	notify  bool
	// minParsed is the share of a log's lines below which it is told that few can be read.
	minParsed float64
	memory    memory
	evicted   int64 // keys that were forgotten early
	full      bool  // more paths are met than routes are learned from
}

func (t *tail) status() *tailStatus {
	now := t.now()
	s := &tailStatus{at: now, started: t.started, stats: t.stats, logs: t.follower.Status(), rate: t.stats.rate.perSecond(now), lag: -1,
		held: t.held + t.underWay(), stopped: t.stopped, top: t.stats.actors.top(now, 5), notify: t.follower.Notified()}
	s.minParsed, s.memory, s.full = t.flags.minParsed, t.flags.memory, t.routes.Full()
	s.evicted = t.pipeline.Stats().Evicted
	for _, l := range s.logs {
		s.behind += max(l.Behind, 0)
	}
	if !t.soon.IsZero() && t.stats.Requests > 0 {
		s.lag = max(now.Sub(t.soon), 0)
	}
	return s
}

// faults tells what is odd about the logs that are followed.
func (s *tailStatus) faults() []string {
	var odd []string
	if s.evicted > 0 {
		odd = append(odd, fmt.Sprintf("keys were forgotten early, to keep to --memory %s: slow patterns may be missed; with more, they would be remembered", s.memory))
	}
	if s.full {
		odd = append(odd, "there are more different paths than are remembered: the routes of some are not told from names; an OpenAPI file or route_templates would tell")
	}
	for _, l := range s.logs {
		lines := l.At.Lines - l.At.Skipped
		switch {
		case l.Pending:
		case lines >= 100 && float64(l.At.Parsed) < s.minParsed*float64(lines):
			odd = append(odd, fmt.Sprintf("%s: %d of %d lines cannot be read as %s", report.Show(l.Path), l.At.Rejected, lines, l.Format))
		case l.Idle >= 0 && l.Skew < -time.Minute:
			odd = append(odd, fmt.Sprintf("%s: its clock is %s ahead of this machine's", report.Show(l.Path), (-l.Skew).Round(time.Second)))
		case l.Idle >= 0 && l.Behind == 0 && l.Skew > source.Patience:
			odd = append(odd, fmt.Sprintf("%s: its lines are %s old when they come, or its clock is behind", report.Show(l.Path), l.Skew.Round(time.Second)))
		}
	}
	return odd
}
