package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

const (
	// maxSettings bounds a file of settings, which is read in some seconds then, and
	// maxDescription one of OpenAPI: the largest known has 35 MiB.
	maxSettings    = 4 << 20
	maxDescription = 64 << 20
	// maxUnfolded bounds the values that a text has by its aliases, beside those written out.
	maxUnfolded = 100_000
)

// readYAML reads a file of YAML or JSON that people write, of at most so many bytes, and
// refuses what would cost far more to parse than its length tells. The error does not name
// the file.
func readYAML(path string, most int64) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, errors.New("is a folder")
	}
	if store.IsDatabase(path) {
		return nil, errors.New("is a database")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, pathless(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, pathless(err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	line, deep := 0, false
	if !json.Valid(text) {
		line, deep = detect.TooDeep(text)
	}
	switch {
	case bytes.IndexByte(text, 0) >= 0 || int64(len(text)) <= most && !utf8.Valid(text):
		return nil, errors.New("is not a text in UTF-8")
	case int64(len(text)) > most:
		return nil, fmt.Errorf("is larger than %d MiB", most>>20)
	case deep:
		return nil, fmt.Errorf("line %d nests too deep", line)
	case unfolded(text) > maxUnfolded:
		return nil, fmt.Errorf("its aliases make more than %d values of it", maxUnfolded)
	}
	return text, nil
}

// secondDocument returns the line with which a second document of a text begins; 0 if there
// is none. Whoever reads the text as one would not see it.
func secondDocument(text []byte) int {
	if !bytes.Contains(text, []byte("---")) {
		return 0
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return 0 // it is told by who reads it
	}
	seen := false
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if seen && doc.Start != nil {
			return doc.Start.Position.Line
		}
		seen = true
	}
	return 0
}

// unfolded returns how many values a text has by its aliases.
func unfolded(text []byte) int {
	if bytes.IndexByte(text, '&') < 0 || bytes.IndexByte(text, '*') < 0 || json.Valid(text) {
		return 0
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return 0 // it is told by who reads it
	}
	c := counter{anchors: map[string]int{}}
	for _, doc := range file.Docs {
		ast.Walk(&c, doc)
	}
	return c.unfolded
}

// A counter counts values as it walks through them.
type counter struct {
	anchors          map[string]int // values under each
	values, unfolded int
}

func (c *counter) Visit(n ast.Node) ast.Visitor {
	c.values++
	switch n := n.(type) {
	case *ast.AliasNode:
		under := c.anchors[n.Value.String()]
		c.values, c.unfolded = min(c.values+under, math.MaxInt32), min(c.unfolded+under, math.MaxInt32)
	case *ast.AnchorNode:
		before := c.values
		ast.Walk(c, n.Value)
		c.anchors[n.Name.String()] = c.values - before
		return nil
	}
	return c
}

// yamlError says what is wrong with a text that was to become a value like to, and shows
// where. What stands there may be of any length, and anything.
func yamlError(err error, to any) string {
	var unknown *yaml.UnknownFieldError
	var mismatch *yaml.TypeError
	switch {
	case errors.As(err, &unknown):
		name, keys := unknown.Token.Value, keysOf(reflect.TypeOf(to))
		if unknown.Token.Position.Column > 1 {
			keys = keysWithin(reflect.TypeOf(to))
		}
		err = &yaml.SyntaxError{Message: fmt.Sprintf("unknown field %q%s", name, meant(name, keys)), Token: unknown.Token}
	case strings.HasPrefix(err.Error(), "time: "):
		return strings.TrimPrefix(err.Error(), "time: ") + ": want a time such as 90s or 10m"
	case errors.As(err, &mismatch):
		err = &yaml.SyntaxError{Message: "want " + kindOf(mismatch.DstType), Token: mismatch.Token}
	}
	lines := strings.Split(strings.TrimSpace(yaml.FormatError(err, false, true)), "\n")
	for i := range lines {
		lines[i] = report.ShowShort(lines[i], pageWidth)
	}
	return strings.Join(lines, "\n")
}

// keysOf are the names of the fields of a struct, or of what leads to one.
func keysOf(t reflect.Type) (keys []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		name, inline, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case inline == "inline":
			keys = append(keys, keysOf(t.Field(i).Type)...)
		case name != "" && name != "-":
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	return keys
}

// keysWithin are the names of the fields of the structs that the fields of one hold.
func keysWithin(t reflect.Type) (keys []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		of := t.Field(i).Type
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			of = of.Elem()
		}
		if of.Kind() == reflect.Struct && t.Field(i).IsExported() {
			keys = append(keys, keysOf(of)...)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// kindOf says what a person is to write for a value of the type.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "names with values"
	case reflect.String:
		return "a text"
	}
	if t == reflect.TypeFor[time.Duration]() {
		return "a time such as 90s or 10m"
	}
	return "a whole number"
}
