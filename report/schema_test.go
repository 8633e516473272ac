package report

import (
	"bytes"
	"encoding"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// enums are the values of fields whose type does not tell them all.
var enums = map[string][]any{
	"Report.schema":     {SchemaVersion},
	"Alert.status":      {Open, Acknowledged, Resolved, Dismissed},
	"Incident.status":   {Open, Acknowledged, Resolved, Dismissed},
	"Event.actor_type":  {"", "api_key", "user", "token", "session", "ip"},
	"Alert.actor_type":  {"", "api_key", "user", "token", "session", "ip"},
	"Event.outcome":     {"", string(detect.Attempted), string(detect.Blocked), string(detect.Succeeded)},
	"Alert.outcome":     {"", string(detect.Attempted), string(detect.Blocked), string(detect.Succeeded)},
	"Incident.outcome":  {"", string(detect.Attempted), string(detect.Blocked), string(detect.Succeeded)},
	"Step.outcome":      {"", string(detect.Attempted), string(detect.Blocked), string(detect.Succeeded)},
	"Event.severity":    severityNames(),
	"Alert.severity":    severityNames(),
	"Incident.severity": severityNames(),
	"Step.severity":     severityNames(),
}

func severityNames() []any {
	var all []any
	for s := detect.Info; s <= detect.Critical; s++ {
		all = append(all, s.String())
	}
	return all
}

// A schemaMaker writes the schema of types as the encoder of JSON writes their values.
type schemaMaker struct {
	docs map[string]string // by "Type.Field" as Go names them
	defs map[string]any
	used map[string]bool // of enums
}

func (m *schemaMaker) of(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": []any{"string", "null"}, "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{"type": "object"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.of(t.Elem())
	case reflect.Struct:
		m.define(t)
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": m.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": m.of(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "integer"}
}

func (m *schemaMaker) define(t reflect.Type) {
	if m.defs[t.Name()] != nil {
		return
	}
	properties, required := map[string]any{}, []any{}
	def := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	m.defs[t.Name()] = def
	m.members(t, t, properties, &required)
	def["required"] = required
}

func (m *schemaMaker) members(t, home reflect.Type, properties map[string]any, required *[]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			m.members(f.Type, home, properties, required)
			continue
		}
		if name == "-" {
			continue
		}
		p := m.of(f.Type)
		if doc := m.docs[t.Name()+"."+f.Name]; doc != "" {
			p["description"] = doc
		}
		if values := enums[home.Name()+"."+name]; values != nil {
			p["enum"] = values
			m.used[home.Name()+"."+name] = true
		}
		properties[name] = p
		if opts != "omitempty" && !(home.Name() == "Event" && name == "evidence") { // it stands under run
			*required = append(*required, name)
		}
	}
}

// fieldDocs returns what the sources say of the fields of structs.
func fieldDocs(t *testing.T, dirs ...string) map[string]string {
	docs := map[string]string{}
	for _, dir := range dirs {
		pkgs, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range pkgs {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok {
					return true
				}
				s, ok := spec.Type.(*ast.StructType)
				if !ok {
					return false
				}
				for _, f := range s.Fields.List {
					doc := f.Doc.Text() + f.Comment.Text()
					for _, name := range f.Names {
						docs[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(doc), " ")
					}
				}
				return false
			})
		}
	}
	return docs
}

// The schema that is shipped is the one of the types: a field cannot be added without it.
func TestJSONSchema(t *testing.T) {
	m := &schemaMaker{docs: fieldDocs(t, ".", "../detect"), defs: map[string]any{}, used: map[string]bool{}}
	m.define(reflect.TypeFor[Report]())
	for name := range enums {
		if !m.used[name] {
			t.Errorf("no field %s: its values are told for nothing", name)
		}
	}
	doc := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     "urn:litesoc:report:1",
		"title":   "litesoc report, " + SchemaVersion,
		"$ref":    "#/$defs/Report",
		"$defs":   m.defs,
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if b.String() != JSONSchema {
		t.Error("schema.json is not that of the types: run 'make golden', read the difference, and raise SchemaVersion where a reader of the old would stumble")
	}
}

// Every golden report keeps to the schema, and what does not is told.
func TestReportsKeepToSchema(t *testing.T) {
	s := newSchema(t, JSONSchema)
	names, err := filepath.Glob("../testdata/report/*.json")
	if err != nil || len(names) < 4 {
		t.Fatalf("%d golden reports, %v", len(names), err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.check(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaTells(t *testing.T) {
	s := newSchema(t, JSONSchema)
	whole, err := os.ReadFile("../testdata/report/incidents.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"a member too many", `"log": {`, `"extra": 1, "log": {`, `extra: no such member`},
		{"a member missing", `"schema": "litesoc.report/1",`, ``, `schema is missing`},
		{"another type", `"alerts": [`, `"alerts": 3, "x": [`, `alerts: a number, not array`},
		{"another value", `"litesoc.report/1"`, `"litesoc.report/2"`, `schema: not one of`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(string(whole), test.old, test.new, 1)
			if text == string(whole) {
				t.Fatal("the report does not hold what is to be changed")
			}
			if err := s.check([]byte(text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}
