package detect

import "fmt"

// A Level is how near a key is to an event: how much of what its detector counts lies
// within the window, and how much begins one.
type Level struct {
	Have  int64  `json:"have"`
	Need  int64  `json:"need"`
	Of    string `json:"of"`              // what is counted
	More  bool   `json:"more,omitempty"`  // whether there may be more than Have: its detector counts no further
	Usual string `json:"usual,omitempty"` // what is usual for the key, where that is known
}

// A gauge is a State that can tell its level while nothing goes on, and, if it counts on,
// meanwhile. It is asked by whoever wants to know why, never while logs are judged.
type gauge interface {
	level() (l Level, ok bool)
}

func (s *enumeration) level() (Level, bool) {
	return Level{Have: int64(len(s.Recent)), Need: int64(s.limit) + 1, Of: "answers 404"}, s.Going == nil
}

func (s *slowScan) level() (Level, bool) {
	return Level{Have: int64(len(s.Recent)), Need: int64(s.limit) + 1, Of: "distinct paths"}, s.Going == nil
}

func (s *bruteForceIP) level() (Level, bool) {
	return Level{Have: int64(len(s.Failed)), Need: int64(s.limit), Of: "failed logins"}, s.Going == nil
}

func (s *credentialStuffing) level() (Level, bool) {
	return Level{Have: int64(len(s.Failed)), Need: int64(s.accounts), Of: "accounts that failed"}, s.Going == nil
}

// level is that of the pace that is nearer to its limit.
func (s *bruteForceAccount) level() (Level, bool) {
	if len(s.Failed) == 0 || s.Going != nil {
		return Level{Need: int64(s.fast.limit), Of: "failed logins"}, s.Going == nil
	}
	now := s.Failed[len(s.Failed)-1].At
	var best Level
	for _, p := range []pace{s.fast, s.slow} {
		l := Level{Need: int64(p.limit), Of: "failed logins within " + inWords(p.window)}
		for _, m := range s.Failed {
			if now.Sub(m.At) <= p.window {
				l.Have++
			}
		}
		if best.Need == 0 || l.Have*best.Need > best.Have*l.Need {
			best = l
		}
	}
	return best, true
}

func (s *accessDenied) level() (Level, bool) {
	l := Level{Need: int64(s.limit), Of: "distinct objects refused"}
	if s.Going != nil {
		l.Have = int64(len(s.Going.Recent))
	}
	return l.upTo(l.Need), true
}

func (s *keyInvalid) level() (Level, bool) {
	l := Level{Need: int64(s.keys) + 1, Of: "distinct rejected keys"}
	if s.Going != nil {
		l.Have = int64(len(s.Going.Recent))
	}
	return l.upTo(l.Need), true
}

func (s *adminProbe) level() (Level, bool) {
	return Level{Have: int64(len(s.Recent)), Need: int64(s.limit), Of: "admin routes refused"}, s.Going == nil && !s.Admin
}

func (s *undocumentedState) level() (Level, bool) {
	return Level{Have: int64(len(s.Recent)), Need: int64(s.least), Of: "undocumented routes"}, s.Going == nil
}

func (s *bulkDelete) level() (Level, bool) {
	return Level{Have: int64(len(s.Recent)), Need: int64(s.limit), Of: "objects deleted"}, s.Going == nil
}

func (s *pageWalk) level() (Level, bool) {
	return Level{Have: int64(len(s.Recent)), Need: int64(*s.least), Of: "distinct pages"}, s.Going == nil
}

func (s *keyRoutes) level() (Level, bool) {
	l := Level{Have: int64(len(s.Recent)), Need: int64(s.routes), Of: "routes new to the key"}
	routes, requests := s.Used, s.Requests
	if n := len(s.Recent); n > 0 {
		routes, requests = routes-int64(n), s.Recent[0].Before
	}
	l.Usual = fmt.Sprintf("%s in %s before", plural(routes, "route", "routes"), plural(requests, "request", "requests"))
	return l, s.Going == nil
}

func (s *keyRate) level() (Level, bool) {
	l := Level{Have: s.Count, Need: max(s.floor, s.limit()) + 1, Of: "requests"}
	l.Usual = usual(&s.Usual, "requests", "minute")
	return l, true
}

func (s *refreshAbuse) level() (Level, bool) {
	if len(s.Recent) == 0 {
		return Level{}, false
	}
	limit, _ := s.limitAt(s.Recent[len(s.Recent)-1].At)
	l := Level{Have: int64(len(s.Recent)), Need: int64(limit) + 1, Of: "refreshes", Usual: usual(&s.Spans, "refreshes", "window")}
	return l.upTo(l.Need), true
}

func (s *byteVolume) level() (Level, bool) {
	l := Level{Need: s.limit() + 1, Of: "bytes", Usual: usual(&s.Usual, "bytes", "window")}
	if s.Going != nil {
		l.Need = s.Going.Limit + 1
	}
	l.Have = s.bytes + s.last.Bytes
	return l, true
}

func (s *bulkExport) level() (Level, bool) {
	l := Level{Need: *s.limit + 1, Of: "records"}
	for _, p := range s.Pages {
		l.Have += p.Records
	}
	return l, true
}

// level is that of the run around the last visit, in the place of the route where that is longest.
func (s *sequentialIDs) level() (outer Level, ok bool) {
	if s.Outer != nil {
		outer, ok = s.Outer.with(s.sequentialSettings).level()
	}
	if len(s.Visits) == 0 {
		return outer, ok
	}
	last := 0
	for i := range s.Visits {
		if s.Visits[i].At >= s.Visits[last].At {
			last = i
		}
	}
	lo, hi, _ := s.run(last)
	if outer.Have > int64(hi-lo) {
		return outer, ok
	}
	l := Level{Have: int64(hi - lo), Need: int64(*s.least), Of: "ids in a dense run"}
	return l.upTo(visitsKept), true
}

func (s *tokenSpread) level() (Level, bool) {
	return Level{Have: int64(s.known()), Need: int64(s.networks) + 1, Of: "networks in turns"}, true
}

// upTo is the level of a detector that counts up to most.
func (l Level) upTo(most int64) Level {
	l.More = l.Have >= most
	return l
}

// usual says what a baseline has learned; "" if nothing.
func usual(b *Baseline, of, span string) string {
	if b.N == 0 {
		return ""
	}
	return fmt.Sprintf("99%% of %s had at most %s %s, the most had %d", plural(b.N, "earlier "+span, "earlier "+span+"s"), b.most99(), of, b.Most)
}
