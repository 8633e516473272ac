package main

import (
	"strings"
	"testing"

	"github.com/litesoc/litesoc/report"
)

// What accept writes reads back as it was, whatever a log names; what else a file holds is
// a list or an error.
func FuzzAccepted(f *testing.F) {
	f.Add("", "alice", "/api/{id}", "known")
	f.Add("accepted:\n", "a\"\n- b: \\", "\u202e\x00\U000e0041", "#x")
	f.Add("accepted:\n  - finding: fnd_1\n", "é", "", "'")
	f.Add("accepted: []", "\x7f\u0085\u2028", "a: b", "~")
	f.Fuzz(func(t *testing.T, text, actor, route, reason string) {
		actor, route, reason = strings.ToValidUTF8(actor, ""), strings.ToValidUTF8(route, ""), strings.ToValidUTF8(reason, "")
		if strings.TrimSpace(reason) == "" {
			reason = "x"
		}
		want := report.AcceptedFinding{Rule: "api-enumeration", ActorType: "user", Actor: actor, Detector: "enumeration", Route: route, UpTo: "high", Reason: reason}
		want.ID = want.Fingerprint()
		l, err := parseAccepted(appendAccepted(nil, []report.AcceptedFinding{want}))
		if err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		if !l.Has(want.ID) {
			t.Fatalf("%+v is not there", want)
		}
		if l, err := parseAccepted([]byte(text)); err == nil && l == nil {
			t.Fatal("neither a list nor an error")
		}
	})
}
