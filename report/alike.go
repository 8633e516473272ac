package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/detect"
)

// leastAlike is how many incidents are alike, at least, for one of them to speak for all: a few are
// read faster than what stands for them.
const leastAlike = 4

// A telling is an incident of a report for people, and those that it speaks for.
type telling struct {
	*Incident
	Alike []*Incident
}

// tellings returns the incidents in their order, but for those that another speaks for: scanners
// that come and go, and clients that are told to slow down, are many and make the same alerts. Only
// what was refused, is at most of medium severity and is one client's own has another speak for
// it, so that none who got through stands behind others.
func (r *Report) tellings() []telling {
	rules := map[string]string{}
	for i := range r.Alerts {
		rules[r.Alerts[i].ID] = r.Alerts[i].Rule
	}
	kind := func(in *Incident) string {
		if in.Severity > detect.Medium || in.Outcome != detect.Blocked || len(in.Actors) > 1 || len(in.IPs) > 1 || len(in.Handled) > 0 {
			return ""
		}
		of := make([]string, 0, len(in.Alerts))
		for _, id := range in.Alerts {
			rule := rules[id]
			if rule == "" {
				return "" // it is not of this report
			}
			of = append(of, rule)
		}
		slices.Sort(of)
		return fmt.Sprintf("%s %s %s", in.Severity, in.Status, strings.Join(slices.Compact(of), " "))
	}
	kinds, alike := make([]string, len(r.Incidents)), map[string]int{}
	for i := range r.Incidents {
		kinds[i] = kind(&r.Incidents[i])
		alike[kinds[i]]++
	}
	var all []telling
	spokesmen := map[string]int{} // places in all
	for i := range r.Incidents {
		in, kind := &r.Incidents[i], kinds[i]
		if at, told := spokesmen[kind]; told {
			all[at].Alike = append(all[at].Alike, in)
			continue
		}
		if kind != "" && alike[kind] >= leastAlike {
			spokesmen[kind] = len(all)
		}
		all = append(all, telling{Incident: in})
	}
	return all
}

// others says whom an incident speaks for; "" if for none.
func (t *telling) others() string {
	if len(t.Alike) == 0 {
		return ""
	}
	const shown = 3
	first, last := t.Alike[0].First, t.Alike[0].Last
	var names []string
	for _, in := range t.Alike {
		if in.First.Before(first) {
			first = in.First
		}
		if in.Last.After(last) {
			last = in.Last
		}
		if len(names) < shown && len(in.Actors) > 0 {
			names = append(names, ShowShort(in.Actors[0], 40))
		}
	}
	text := fmt.Sprintf("%s, refused as well, %s", count(int64(len(t.Alike)), "more incident")+" of this kind", days(first, last))
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	if more := len(t.Alike) - len(names); more > 0 && len(names) > 0 {
		text += fmt.Sprintf(" and %s more", number(int64(more)))
	}
	return text
}
