package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestJSON(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".json", write(t, JSON(), r, Look{}))
		})
	}
}

// A Report without empty lists and unknown times is written as encoding/json
// writes it, but for what a terminal must not see.
func TestJSONIsEncodingJSON(t *testing.T) {
	for _, s := range hostile {
		r := filled(s)
		for i := range r.Events {
			r.Events[i].Evidence = nil
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Compact(&got, write(t, JSON(), filled(s), Look{})); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		checkShown(t, strings.TrimSuffix(got.String(), "\n"))
		if g, w := got.Bytes(), ShowJSON(want.Bytes()); !bytes.Equal(g, w) {
			t.Errorf("of %.20q: %s", s, firstDiff(g, w))
		}
	}
}

func TestJSONReadsBack(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			first := write(t, JSON(), r, Look{})
			var back Report
			if err := json.Unmarshal(first, &back); err != nil {
				t.Fatal(err)
			}
			if second := write(t, JSON(), &back, Look{Width: 40, Color: true}); !bytes.Equal(first, second) {
				t.Errorf("written again: %s", firstDiff(second, first))
			}
		})
	}
}

// Only times may be null, however little a Report holds.
func TestJSONHasNoNullList(t *testing.T) {
	hollow := filled("")
	empty(reflect.ValueOf(hollow).Elem())
	for name, r := range map[string]*Report{"zero": {}, "hollow": hollow} {
		t.Run(name, func(t *testing.T) {
			var got any
			if err := json.Unmarshal(write(t, JSON(), r, Look{}), &got); err != nil {
				t.Fatal(err)
			}
			nulls(t, "", got)
		})
	}
}

// empty sets everything that is in the lists of v, and not itself a list of
// structures, to its zero value.
func empty(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		for i := range v.NumField() {
			empty(v.Field(i))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			empty(v.Index(i))
		}
	default:
		v.SetZero()
	}
}

func nulls(t *testing.T, key string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			nulls(t, k, e)
		}
	case []any:
		for _, e := range v {
			nulls(t, key, e)
		}
	case nil:
		switch key {
		case "first_ts", "last_ts", "at", "until", "start", "started_at", "created_at", "updated_at", "resolved_at":
		default:
			t.Errorf("%q is null", key)
		}
	}
}

func TestJSONOrder(t *testing.T) {
	dec := json.NewDecoder(bytes.NewReader(write(t, JSON(), withIncidents(), Look{})))
	var keys []string
	depth := 0
	for isKey := true; ; {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch d, _ := tok.(json.Delim); d {
		case '{', '[':
			depth++
			isKey = depth == 1
			continue
		case '}', ']':
			depth--
			isKey = depth == 1
			continue
		}
		if depth == 1 {
			if isKey {
				keys = append(keys, tok.(string))
			}
			isKey = !isKey
		}
	}
	if want := []string{"schema", "log", "incidents", "alerts", "events", "run"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("members %q, want %q", keys, want)
	}
}

func TestJSONEvent(t *testing.T) {
	var got struct{ Events []map[string]json.RawMessage }
	if err := json.Unmarshal(write(t, JSON(), withIncidents(), Look{}), &got); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`id event_name standard_event severity api_severity detector actor_id actor_type user_ip route
		first_ts last_ts count summary confidence outcome metadata technique owasp`)
	for _, e := range got.Events {
		for _, k := range want {
			if _, ok := e[k]; !ok {
				t.Errorf("event %s has no %s", e["id"], k)
			}
		}
		if len(e) != len(want) {
			t.Errorf("event %s has %d members, want %d", e["id"], len(e), len(want))
		}
	}
}

func TestJSONRefusesBrokenMetadata(t *testing.T) {
	r := withIncidents()
	r.Events[1].Metadata = json.RawMessage(`{"a":`)
	err := JSON().Write(io.Discard, r, Look{})
	if want := "json: events: 1: metadata: unexpected end of JSON input"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestJSONNormalForm(t *testing.T) {
	r := withIncidents()
	r.Events[0].First = r.Events[0].First.In(time.FixedZone("", 5400))
	r.Events[0].Metadata = json.RawMessage("null")
	r.Events[1].Metadata = nil
	want := withIncidents()
	want.Events[0].Metadata = json.RawMessage("{}")
	want.Events[1].Metadata = json.RawMessage("{ }")
	if got, want := write(t, JSON(), r, Look{}), write(t, JSON(), want, Look{}); !bytes.Equal(got, want) {
		t.Error(firstDiff(got, want))
	}
}

// What is escaped for the terminal's sake reads back as what it was.
func TestEscapeUnfit(t *testing.T) {
	for _, s := range append(hostile, "\ufffd\U000e0041\U0010ffff") {
		if !utf8.ValidString(s) {
			continue
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(ShowJSON(text), &back); err != nil {
			t.Fatal(err)
		}
		if back != s {
			t.Errorf("%+q came back as %+q", s, back)
		}
	}
}
