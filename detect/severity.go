package detect

import "fmt"

// Severity says how much something matters, from Info to Critical. Its text form
// is the word.
type Severity int

// The severities, in order.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severities = [...]string{"info", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severities[s] }

// ParseSeverity reads a severity's word.
func ParseSeverity(word string) (Severity, error) {
	for i, w := range severities {
		if w == word {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("severity %q is not one of info, low, medium, high, critical", word)
}

// MarshalText writes the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSeverity(string(text))
	return err
}

// API returns the severity on the hosted product's scale of info, warning and
// critical. A high event is critical there if a pattern detector says so.
func (s Severity) API(pattern bool) string {
	switch {
	case s == Info:
		return "info"
	case s == Critical, s == High && pattern:
		return "critical"
	}
	return "warning"
}
