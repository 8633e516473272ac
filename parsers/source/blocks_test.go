package source_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
)

// Nothing of a request, of a rejected line or of what is told of a log lies in the block that
// it was read from: the memory of that is cleared and used for the next one.
func TestNothingLeftInBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	archives, err := filepath.Glob("../../testdata/parsers/*.txtar")
	if err != nil || len(archives) < 20 {
		t.Fatal(archives, err)
	}
	for _, name := range archives {
		format := parsers.ByName(strings.TrimSuffix(filepath.Base(name), ".txtar"))
		if format == nil {
			continue // of compiled formats
		}
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			if filepath.Ext(file.Name) != ".log" || bytes.IndexByte(file.Data, 0) >= 0 {
				continue
			}
			// A request of every line lives through several blocks.
			text := bytes.Repeat(append(bytes.TrimRight(file.Data, "\n"), '\n'), 600_000/len(file.Data)+1)
			for _, packed := range []bool{false, true} {
				t.Run(format.Name+"/"+file.Name, func(t *testing.T) { nothingLeft(t, format, text, packed) })
			}
		}
	}
}

func nothingLeft(t *testing.T, format *parsers.Format, text []byte, packed bool) {
	path := filepath.Join(t.TempDir(), "a.log")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if packed {
		pack(t, path)
		path += ".gz"
	}
	site, err := parsers.NewSite(parsers.SiteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	files, failures := source.Find([]string{path}, nil)
	if len(failures) > 0 {
		t.Fatal(failures)
	}
	plan := source.Look(files, &source.Options{Site: site, Formats: []*parsers.Format{format}})
	if len(plan.Logs) == 0 {
		t.Fatal("it is no log: ", plan.Failures)
	}
	log := plan.Logs[0]
	var batches []*source.Batch
	for {
		b, err := log.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	if !reflect.ValueOf(log).Elem().FieldByName("texts").IsNil() {
		t.Error("a log that is over keeps room for texts")
	}
	cleared := func(of any) bool {
		found := false
		v := reflect.ValueOf(of)
		for _, f := range v.Fields() {
			found = found || f.Kind() == reflect.String && strings.IndexByte(f.String(), 0) >= 0
		}
		return found
	}
	n := 0
	for _, b := range batches {
		for i := range b.Requests {
			n++
			if cleared(b.Requests[i]) {
				t.Fatalf("%+v", b.Requests[i])
			}
		}
		for _, r := range b.Rejects {
			n++
			if cleared(r) {
				t.Fatalf("%+v", r)
			}
		}
	}
	top, _ := log.Shapes()
	for _, s := range top {
		if cleared(s) {
			t.Fatalf("%+v", s)
		}
	}
	if first, ok := log.FirstReject(); ok && cleared(first) {
		t.Fatalf("%+v", first)
	}
	if cleared(*log.Source) || cleared(log.At) {
		t.Fatalf("%+v %+v", *log.Source, log.At)
	}
	if n == 0 {
		t.Error("there are no requests and no rejects in it")
	}
}
