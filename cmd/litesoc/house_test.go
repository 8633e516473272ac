package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/detect"
)

// The rules of the house: what the folders promise each other, held against the
// source itself.

const (
	root   = "../.."
	module = "github.com/litesoc/litesoc/"
)

// mayImport says which packages of ours each package may use. Imports point from
// cmd back to parsers, never the other way. A package x/xtest helps to test x: it
// may import x and what x may, and only tests may import it.
var mayImport = map[string][]string{
	"parsers":         {},
	"parsers/openapi": {"parsers"},
	"parsers/source":  {"parsers"},
	"parsers/geo":     {"parsers"},
	"detect/keyed":    {},
	"detect":          {"detect/keyed", "parsers"},
	"report":          {"detect", "parsers"},
	"report/notify":   {"detect", "parsers", "report"},
	"report/store":    {"detect", "detect/keyed", "parsers", "parsers/geo", "parsers/source", "report", "report/notify"},
	"cmd/litesoc":     {"detect", "detect/keyed", "parsers", "parsers/geo", "parsers/openapi", "parsers/source", "report", "report/notify", "report/store"},
}

// readsClock are the packages that may ask what time it is.
var readsClock = []string{"cmd/litesoc", "parsers/source"}

// clock are the functions of package time that ask.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// topLevel are the entries of the top folder, beside those that begin with a dot.
var topLevel = []string{
	"LICENSE", "Makefile", "NOTICE", "README.md", "cmd", "detect", "go.mod", "go.sum", "parsers", "report", "testdata",
}

// A file is a Go file of ours.
type file struct {
	*ast.File
	name string // from the top folder, with slashes
	dir  string
	test bool // a test, or part of a package that helps to test
	set  *token.FileSet
	text []byte
}

// at says where a node stands.
func (f *file) at(n ast.Node) string {
	return f.name + ":" + strconv.Itoa(f.set.Position(n.Pos()).Line)
}

// imports calls f with each import of the file.
func (f *file) imports(yield func(spec *ast.ImportSpec, path string)) {
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // the parser has read it
		yield(spec, path)
	}
}

// goFiles returns the Go files of this module.
func goFiles(t *testing.T) []*file {
	t.Helper()
	var files []*file
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			nested := err == nil && name != root
			if nested || name != root && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		dir := path.Dir(rel)
		test := strings.HasSuffix(rel, "_test.go") || dir != tested(dir)
		files = append(files, &file{tree, rel, dir, test, set, text})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d Go files under %s: not the top folder", len(files), root)
	}
	return files
}

// tested returns the folder x of a package x/xtest, and any other folder as it is.
func tested(dir string) string {
	if x := path.Dir(dir); path.Base(dir) == path.Base(x)+"test" {
		return x
	}
	return dir
}

func TestImportsPointOneWay(t *testing.T) {
	for _, f := range goFiles(t) {
		home := tested(f.dir)
		may, known := mayImport[home]
		if !known {
			t.Errorf("%s: package %s has no place in the house", f.name, f.dir)
			continue
		}
		f.imports(func(spec *ast.ImportSpec, path string) {
			ours, ok := strings.CutPrefix(path, module)
			if !ok {
				return
			}
			if x := tested(ours); x != home && !slices.Contains(may, x) {
				t.Errorf("%s: %s must not import %s", f.at(spec), f.dir, ours)
			}
			if !f.test && ours != tested(ours) {
				t.Errorf("%s: %s is for tests", f.at(spec), ours)
			}
		})
	}
}

func TestOnlyTheEdgesReadTheClock(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || slices.Contains(readsClock, f.dir) {
			continue
		}
		name := ""
		f.imports(func(spec *ast.ImportSpec, path string) {
			if path == "time" {
				name = "time"
				if spec.Name != nil {
					name = spec.Name.Name
				}
			}
		})
		ast.Inspect(f.File, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && slices.Contains(clock, sel.Sel.Name) {
				t.Errorf("%s: time.%s: event time is the time in the log", f.at(sel), sel.Sel.Name)
			}
			return true
		})
	}
}

func TestOnlyTheStoreNeedsC(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.dir == "report/store" {
			continue
		}
		f.imports(func(spec *ast.ImportSpec, path string) {
			if path == "C" || strings.HasPrefix(path, "github.com/duckdb/") {
				t.Errorf("%s: import of %q outside report/store", f.at(spec), path)
			}
		})
	}
}

func TestJudgementIsNotRandom(t *testing.T) {
	for _, f := range goFiles(t) {
		top, _, _ := strings.Cut(f.dir, "/")
		if f.test || top != "detect" && top != "parsers" {
			continue
		}
		f.imports(func(spec *ast.ImportSpec, path string) {
			if strings.HasPrefix(path, "math/rand") || path == "crypto/rand" {
				t.Errorf("%s: import of %q", f.at(spec), path)
			}
		})
	}
}

func TestNoInit(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init: list things by hand", f.at(fn))
			}
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	docs := map[string]int{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		n := docs[f.dir]
		if f.Doc != nil {
			n++
		}
		docs[f.dir] = n
	}
	for dir, n := range docs {
		if n != 1 {
			t.Errorf("package %s has %d package comments, want 1", dir, n)
		}
	}
}

func TestNothingIsPutOff(t *testing.T) {
	later := regexp.MustCompile(`\b(TO[D]O|FIX[M]E)\b`)
	for _, f := range goFiles(t) {
		for i, line := range strings.Split(string(f.text), "\n") {
			if word := later.FindString(line); word != "" {
				t.Errorf("%s:%d: %s", f.name, i+1, word)
			}
		}
	}
}

func TestTopFolder(t *testing.T) {
	for _, name := range topEntries(t) {
		if !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			t.Errorf("%s has no place in the top folder", name)
		}
	}
}

// topEntries returns what stands in the top folder: what git keeps there, or, where
// these sources are no clone, all but what the build makes.
func topEntries(t *testing.T) []string {
	t.Helper()
	var names []string
	if out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output(); err == nil {
		for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
			top, _, _ := strings.Cut(name, "/")
			names = append(names, top)
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "litesoc" && name != "bin" {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryDetectorHasItsStory(t *testing.T) {
	var want []string
	for _, d := range detect.All() {
		want = append(want, d.Name)
	}
	slices.Sort(want)
	paths, err := filepath.Glob(filepath.Join(root, "testdata", "detect", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string // sorted by Glob
	for _, p := range paths {
		got = append(got, strings.TrimSuffix(filepath.Base(p), ".txtar"))
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("detector %s has no testdata/detect/%[1]s.txtar", name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("testdata/detect/%s.txtar has no detector", name)
		}
	}
}
