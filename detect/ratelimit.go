package detect

import (
	"fmt"
	"time"

	"github.com/litesoc/litesoc/parsers"
)

// RateLimit finds who runs into the limits that the service sets.
func RateLimit() *Detector {
	d := &Detector{
		Name: "rate-limit",
		Doc: "answers 429, one event for each actor while they go on\n\n" +
			"The service has refused the excess by itself. That somebody asks for more than anyone may " +
			"is worth knowing, all the more beside other events of the same actor.",
		Type:      RateLimitExceeded,
		Severity:  Medium,
		Technique: "T1499.003",
		OWASP:     "API4:2023",
		Of:        RefusedKind,
		Match:     func(r *parsers.Request) bool { return r.Status == 429 },
		GroupBy:   ByActor,
	}
	quiet := d.span("window", 5*time.Minute, "`time` without an answer 429 after which an event is over")
	d.TTL = quiet
	d.New = func() State { return &rateLimit{quiet: *quiet} }
	return d
}

type rateLimit struct {
	quiet time.Duration

	Going *Episode
}

func (s *rateLimit) Observe(r *parsers.Request, emit func(Event)) {
	if s.Going == nil {
		e := begin(r, Window{mark(r, 0)})
		s.Going = &e
	} else {
		s.Going.extend(r)
	}
	s.Going.reach(Medium, Blocked)
	s.Going.tell(emit, s.describe)
}

func (s *rateLimit) Expire(emit func(Event)) { s.Going.end(emit, s.describe) }

func (s *rateLimit) describe(e *Event) {
	e.Summary = fmt.Sprintf("%s got %s 429%s in %s (threshold: the service's own)", who(e.ActorID, e.ActorType),
		plural(e.Count, "answer", "answers"), atRoute(e), inWords(e.Last.Sub(e.First)))
	e.Confidence = 0.9 // the service has said so itself
	if e.Count == 1 {
		e.Confidence = 0.5
	}
	e.Metadata = Meta("answers_429", e.Count, "window_seconds", int(s.quiet.Seconds()))
}
