package detect

import (
	"slices"
	"strings"
)

// correlationKinds are those of Sigma, and whether they are supported.
var correlationKinds = []string{"event_count", "value_count", "temporal", "temporal_ordered"}

// correlation reads a correlation. Its rules are found when all files are read.
func (l *loader) correlation(f *ruleFile, n, c *node, r *Rule, before int) {
	if !f.keysOf(c, "correlation", "type", "rules", "group-by", "timespan", "condition", "generate", "aliases") {
		return
	}
	if a := c.get("aliases"); a != nil {
		f.fail(a, "aliases of correlations are not supported")
	}
	co := &sigmaCorrelation{file: f, at: c, rule: r, text: n}
	if t := c.get("type"); t == nil {
		f.fail(c, "the correlation has no type")
	} else {
		f.word(t, "correlation type", &co.kind, correlationKinds...)
	}
	if g := c.get("generate"); g != nil {
		f.flag(g, "generate", &co.keep)
	}
	rules := c.get("rules")
	switch {
	case rules == nil:
		f.fail(c, "the correlation has no rules")
	case rules.kind == sequenceNode:
		co.refs = rules.items
	default:
		co.refs = []*node{rules}
	}
	if len(co.refs) > 50 {
		f.fail(rules, "a correlation of more than 50 rules")
	}
	if t := c.get("timespan"); t == nil {
		f.fail(c, "the correlation has no timespan")
	} else {
		f.span(t, "timespan", &r.Window)
	}
	r.GroupBy = []string{GroupNone}
	if g := c.get("group-by"); g != nil {
		var names []string
		f.texts(g, "group-by", &names)
		r.GroupBy = nil
		for _, name := range names {
			ours, ok := sigmaGroups[strings.ToLower(name)]
			if !ok {
				f.fail(g, "group-by: Sigma field %q is not supported there", name)
				continue
			}
			r.GroupBy = append(r.GroupBy, ours)
		}
	}
	f.correlationCount(c.get("condition"), c, co)
	if len(f.errs) > before {
		return
	}
	l.correlations = append(l.correlations, co)
}

// sigmaGroups are the fields by which correlations group and count, in our names.
var sigmaGroups = map[string]string{"c-ip": "user_ip", "src_ip": "user_ip", "cs-username": "user", "cs-host": "host", "cs-method": "method",
	"cs-uri-stem": "path", "c-uri-path": "path", "cs-uri-query": "query", "c-uri-query": "query", "sc-status": "status",
	"cs-user-agent": "user_agent", "c-useragent": "user_agent", "cs-referer": "referer", "cs-referrer": "referer"}

// correlationCount reads how many are wanted.
func (f *ruleFile) correlationCount(n, c *node, co *sigmaCorrelation) {
	if co.kind == "temporal" || co.kind == "temporal_ordered" {
		if n != nil {
			f.fail(n, "a condition with %s is not supported", co.kind)
		}
		return
	}
	if n == nil {
		f.fail(c, "the correlation has no condition")
		return
	}
	if !f.keysOf(n, "a correlation's condition", "gt", "gte", "lt", "lte", "eq", "neq", "field") {
		return
	}
	for _, k := range n.keys {
		if slices.Contains([]string{"lt", "lte", "eq", "neq"}, k.text) {
			f.fail(k, "%s is not supported: a count grows, and fires at gt or gte", k.text)
			return
		}
	}
	gt, gte := n.get("gt"), n.get("gte")
	switch {
	case gt != nil && gte == nil:
		f.whole(gt, "gt", 0, maxThreshold-1, &co.rule.Threshold)
		co.rule.Threshold++
	case gte != nil && gt == nil:
		f.whole(gte, "gte", 1, maxThreshold, &co.rule.Threshold)
	default:
		f.fail(n, "the condition wants gt or gte")
	}
	fld := n.get("field")
	switch {
	case co.kind == "value_count" && fld == nil:
		f.fail(n, "value_count wants a field")
	case co.kind == "event_count" && fld != nil:
		f.fail(fld, "event_count takes no field: value_count does")
	case fld != nil:
		ours, ok := sigmaGroups[strings.ToLower(fld.text)]
		if !ok {
			f.fail(fld, "Sigma field %q is not supported there", fld.text)
		}
		co.rule.Distinct = ours
	}
}

// correlate finds the rules of correlations. Unless a correlation says generate, these
// make no alerts by themselves.
func (l *loader) correlate() {
	for _, co := range l.correlations {
		before := len(co.file.errs)
		var parts []ruledPart
		for _, ref := range co.refs {
			s := l.sigma[ref.text]
			if s == nil {
				var known []string
				for k := range l.sigma {
					known = append(known, k)
				}
				co.file.fail(ref, "no Sigma rule %q%s", ref.text, didYouMean(ref.text, known))
				continue
			}
			if !co.keep {
				s.rule.Off = true
			}
			parts = append(parts, s.part)
		}
		if errs := co.file.errs[before:]; len(errs) > 0 {
			l.errs = append(l.errs, errs...)
			continue
		}
		r := co.rule
		if co.kind == "temporal" || co.kind == "temporal_ordered" {
			r.sequence = &sequence{parts: parts, ordered: co.kind == "temporal_ordered"}
		} else {
			r.Condition = &Condition{Logic: Or}
			for _, p := range parts {
				r.Condition.Conditions = append(r.Condition.Conditions, p.condition)
			}
		}
		l.add(co.file, co.text, r)
		l.errs = append(l.errs, co.file.errs[before:]...)
	}
	l.correlations = nil
}
