package store_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

func verify(t *testing.T, path, noted string) *store.Verdict {
	t.Helper()
	q, err := store.OpenQuery(path)
	must(t, err)
	defer q.Close()
	v, err := q.Verify(noted)
	must(t, err)
	return v
}

func handlingProperty(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s := open(t, path)
	minutes, severity := [4]int{1, 1, 1, 1}, detect.Medium
	scan := func() {
		var alerts []detect.Alert
		for i, m := range minutes {
			if rnd.IntN(5) > 0 {
				alerts = append(alerts, alertOf(fmt.Sprint("alt_", i), m, severity))
			}
		}
		found(t, s, alerts...)
	}
	scan()
	for range 40 {
		switch rnd.IntN(6) {
		case 0:
			scan()
		case 1:
			minutes[rnd.IntN(4)]++
			scan()
		case 2:
			must(t, s.Close())
			s = open(t, path)
		default:
			status := []string{report.Acknowledged, report.Resolved, report.Dismissed, report.Open}[rnd.IntN(4)]
			_, _ = s.Handle([]string{fmt.Sprint("alt_", rnd.IntN(4))}, store.Change{Status: status, By: "alice", ResolutionType: "other", Note: fmt.Sprint(rnd.IntN(3))})
		}
	}
	must(t, s.Close())
	if v := verify(t, path, ""); v.Break != nil {
		t.Errorf("audit trail: %+v", v.Break)
	}
	const outgrown = `select count(*) from alert_handling h join alert_rows a on h.alert_id = a.id
		where h.status = 'resolved' and (a.last_ts > h.last_ts or a.count > h.count)`
	if n := query(t, path, outgrown); n != "0\n" {
		t.Errorf("%s resolved alerts have gone on", n)
	}
}

// The hash of a record is that of its documented form, whatever computes it: two rows
// written and hashed by hand are taken for whole.
func TestAuditForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	open(t, path).Close()
	// printf '1:1,16:1772359200000001,5:alice,…' | sha256sum
	tamper(t, path, `insert into audit_log values
		(1, '2026-03-01 10:00:00.000001', 'alice', 'report.exported', 'file', 'ü.json', null, '{"format": "json"}', null, repeat('0', 64),
			sha256('1:1,16:1772359200000001,5:alice,15:report.exported,4:file,7:ü.json,-18:{"format": "json"},-64:' || repeat('0', 64) || ','))`,
		`insert into audit_log select 2, '2026-03-01 09:00:00', 'bob', 'a.b', 'c', '', '{}', null, E'two\nlines', hash,
			sha256('1:2,16:1772355600000000,3:bob,3:a.b,1:c,0:,2:{},-9:two' || chr(10) || 'lines,64:' || hash || ',') from audit_log`,
		`update audit_head set rows = 2, hash = (select hash from audit_log where seq = 2)`)
	if v := verify(t, path, ""); v.Break != nil || v.Rows != 2 {
		t.Errorf("%+v %+v, want 2 whole rows", v, v.Break)
	}
}

// tamper changes the store as anybody who has DuckDB can.
func tamper(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	must(t, err)
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// rehash computes the hashes of the rows from a number on anew, as the documentation says.
func rehash(from, to int) (statements []string) {
	field := func(text string) string {
		return "coalesce(strlen(" + text + ") || ':' || " + text + " || ',', '-')"
	}
	for seq := from; seq <= to; seq++ {
		statements = append(statements,
			fmt.Sprintf(`update audit_log set prev_hash = (select hash from audit_log where seq = %d) where seq = %d`, seq-1, seq),
			fmt.Sprintf(`update audit_log set hash = sha256(%s) where seq = %d`, strings.Join([]string{
				field("seq::varchar"), field(`epoch_us("at")::varchar`), field("who"), field("action"), field("object_type"), field("object_id"),
				field(`"before"::varchar`), field(`"after"::varchar`), field("note"), field("prev_hash"),
			}, " || "), seq))
	}
	return statements
}

// Whatever is done to the trail by hand is found, and where.
func TestTamper(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.duckdb")
	s := open(t, whole)
	found(t, s, alertOf("alt_1", 5, detect.High), alertOf("alt_2", 5, detect.High), alertOf("alt_3", 5, detect.High))
	for _, id := range []string{"alt_1", "alt_2", "alt_3"} {
		_, err := s.Handle([]string{id}, store.Change{Status: report.Resolved, By: "alice", ResolutionType: "other", Note: "note of " + id})
		must(t, err)
	}
	must(t, s.Audit(store.Entry{Who: "bob", Action: "report.exported", ObjectType: "file", ObjectID: "\xff.json",
		Before: json.RawMessage("{ \"a\": \"<\u2028é\" }"), After: json.RawMessage("{}")}))
	_, err := s.Handle([]string{"alt_1"}, store.Change{Status: report.Open, By: "bob", User: "root"})
	must(t, err)
	must(t, s.Close())
	v := verify(t, whole, "")
	if v.Break != nil || v.Rows != 5 {
		t.Fatalf("before anything was done: %+v %+v", v, v.Break)
	}
	noted := v.Head
	text, err := os.ReadFile(whole)
	must(t, err)
	const forged = `'2026-03-01', 'eve', 'alert.resolved', 'alert', 'alt_1', null, '{"status":"resolved"}', null`
	head := `update audit_head set rows = (select max(seq) from audit_log), hash = (select hash from audit_log order by seq desc limit 1)`

	for _, test := range []struct {
		name string
		do   []string
		seq  int64
		what string
	}{
		{"a note edited", []string{`update audit_log set note = 'nothing' where seq = 2`}, 2, "edited"},
		{"a note taken away", []string{`update audit_log set note = null where seq = 2`}, 2, "edited"},
		{"who edited", []string{`update audit_log set who = 'eve' where seq = 4`}, 4, "edited"},
		{"time edited", []string{`update audit_log set "at" = "at" + interval 1 microsecond where seq = 1`}, 1, "edited"},
		{"JSON edited", []string{`update audit_log set "after" = '{"status": "resolved"}' where seq = 3`}, 3, "edited"},
		{"text moved between columns", []string{`update audit_log set who = 'alicea', action = substr(action, 2) where seq = 3`}, 3, "edited"},
		{"a hash edited", []string{`update audit_log set hash = repeat('a', 64) where seq = 3`}, 3, "edited"},
		{"one edited and hashed anew", append([]string{`update audit_log set note = 'x' where seq = 2`}, rehash(2, 2)...), 3, "does not follow row 2"},
		{"a row in the middle deleted", []string{`delete from audit_log where seq = 3`}, 3, "missing"},
		{"rows in the middle deleted", []string{`delete from audit_log where seq in (2, 3)`}, 2, "all up to 3 are missing"},
		{"deleted, the rest numbered anew", []string{`delete from audit_log where seq = 3`, `update audit_log set seq = 3 where seq = 4`,
			`update audit_log set seq = 4 where seq = 5`}, 3, "it was row 4"},
		{"the first row deleted", []string{`delete from audit_log where seq = 1`}, 1, "missing"},
		{"the last row deleted", []string{`delete from audit_log where seq = 5`}, 5, "deleted at the end"},
		{"the last rows deleted", []string{`delete from audit_log where seq > 3`}, 4, "deleted at the end"},
		{"all deleted", []string{`delete from audit_log`}, 1, "all up to 5 are missing"},
		{"two rows swapped", []string{`update audit_log set seq = 9 where seq = 2`, `update audit_log set seq = 2 where seq = 3`,
			`update audit_log set seq = 3 where seq = 9`}, 2, "it was row 3"},
		{"a row put in at the end", []string{`insert into audit_log select 6, ` + forged + `, hash, '' from audit_log where seq = 5`,
			rehash(6, 6)[1]}, 6, "put in"},
		{"a row replaced", []string{`delete from audit_log where seq = 3`, `insert into audit_log values (3, ` + forged + `, repeat('b', 64), 'x')`}, 3, "replaced"},
		{"a row put in without a hash", []string{`insert into audit_log select 6, ` + forged + `, hash, 'x' from audit_log where seq = 5`}, 6, "edited"},
		{"a row put in before the first", []string{`insert into audit_log values (0, ` + forged + `, repeat('0', 64), 'x')`}, 0, "put in"},
		{"written anew from a row on", append([]string{`update audit_log set note = 'x' where seq = 2`}, rehash(2, 5)...), 5, "hashed anew"},
		{"the head's count edited", []string{`update audit_head set rows = 4`}, 5, "the head was edited"},
		{"the head's hash edited", []string{`update audit_head set hash = repeat('a', 64)`}, 5, "the head was edited"},
		{"the head deleted", []string{`delete from audit_head`}, 0, "audit_head was edited"},
		{"the head dropped", []string{`drop table audit_head`}, 0, "is gone"},
		{"the trail dropped", []string{`drop table audit_log`}, 0, "is gone"},
		{"an alert resolved by hand", []string{`update alert_handling set status = 'dismissed' where alert_id = 'alt_2'`}, 2, "alt_2 is dismissed"},
		{"an alert's note edited", []string{`update alert_handling set note = 'x' where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"who resolved an alert edited", []string{`update alert_handling set resolved_by = 'eve' where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"when an alert was resolved edited", []string{`update alert_handling set resolved_at = resolved_at - interval 1 day where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"when an alert was resolved taken away", []string{`update alert_handling set resolved_at = null where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"when an alert was changed edited", []string{`update alert_handling set changed_at = changed_at + interval 1 microsecond where alert_id = 'alt_1'`}, 5, "not as this row tells"},
		{"who resolved an open alert put in", []string{`update alert_handling set resolved_by = 'eve' where alert_id = 'alt_1'`}, 5, "not as this row tells"},
		{"an alert made as severe as it is now", []string{`update alert_handling set severity = 'critical' where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"how many requests an alert had edited", []string{`update alert_handling set count = count + 100 where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"until when an alert went on edited", []string{`update alert_handling set last_ts = last_ts + interval 1 day where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"whom an alert was about edited", []string{`update alert_handling set actor_id = 'eve' where alert_id = 'alt_2'`}, 2, "not as this row tells"},
		{"an alert handled without a row", []string{`update alert_handling set alert_id = 'alt_9' where alert_id = 'alt_2'`}, 0, "no row tells"},
		{"an alert's handling deleted", []string{`delete from alert_handling where alert_id = 'alt_2'`}, 2, "deleted by hand"},
		// With the head written anew only a hash noted elsewhere tells.
		{"noted: deleted at the end", []string{`delete from audit_log where seq = 5`, head,
			`update alert_handling set status = 'resolved', resolution_type = 'other', changed_by = 'alice', note = 'note of alt_1',
				resolved_by = 'alice', changed_at = l."at", resolved_at = l."at" from audit_log l where l.seq = 1 and alert_id = 'alt_1'`}, 0, "noted hash"},
		{"noted: all written anew", append(append([]string{`update audit_log set who = 'eve' where seq = 4`}, rehash(4, 5)...), head), 0, "noted hash"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.duckdb")
			must(t, os.WriteFile(path, text, 0o600))
			tamper(t, path, test.do...)
			v := verify(t, path, "")
			if strings.HasPrefix(test.name, "noted: ") {
				if v.Break != nil {
					t.Errorf("without the noted hash: %+v", v.Break)
				}
				v = verify(t, path, noted)
			}
			if v.Break == nil || v.Break.Seq != test.seq || !strings.Contains(v.Break.What, test.what) {
				t.Errorf("found %+v, want row %d: %s", v.Break, test.seq, test.what)
			}
		})
	}

	// A noted hash holds as long as its row does, whatever is added.
	s = open(t, whole)
	must(t, s.Audit(store.Entry{Who: "bob", Action: "report.exported", ObjectType: "file", ObjectID: "b"}))
	must(t, s.Close())
	if v := verify(t, whole, noted); v.Break != nil || v.Noted != 5 || v.Rows != 6 {
		t.Errorf("with a row more: %+v %+v", v, v.Break)
	}
}

// What is added to a trail whose end was deleted does not hide that.
func TestAuditAfterDeletion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	s := open(t, path)
	entry := store.Entry{Who: "bob", Action: "report.exported", ObjectType: "file", ObjectID: "b"}
	must(t, s.Audit(entry, entry, entry))
	must(t, s.Close())
	tamper(t, path, `delete from audit_log where seq = 3`)
	s = open(t, path)
	must(t, s.Audit(entry))
	must(t, s.Close())
	if v := verify(t, path, ""); v.Break == nil || v.Break.Seq != 3 || !strings.Contains(v.Break.What, "missing") {
		t.Errorf("found %+v, want row 3 missing", v.Break)
	}
}

// Every action is evidence for something.
func TestControls(t *testing.T) {
	for action, want := range map[string]string{
		"alert.acknowledged": "[CC7.3]",
		"alert.resolved":     "[CC7.3 CC7.4]",
		"allowlist.added":    "[CC6.1 CC7.2]",
		"response.exported":  "[CC6.1 CC7.4]",
		"nonsense":           "[]",
	} {
		if got := fmt.Sprint(store.Controls(action)); got != want {
			t.Errorf("%s: %s, want %s", action, got, want)
		}
	}
}
