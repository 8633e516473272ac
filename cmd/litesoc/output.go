package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// An output is one report to write.
type output struct {
	format *report.Format
	file   string // "" is stdout
}

type outputs []output

// formatNames are the names of the formats of reports, in a sentence, with the tables that
// go into a folder.
func formatNames() string {
	var names []string
	for _, f := range report.All() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ") + ", parquet=DIR"
}

func parseOutputs(args []string) (outputs, error) {
	if len(args) == 0 {
		args = []string{"text"}
	}
	var out outputs
next:
	for _, arg := range args {
		name, file, toFile := strings.Cut(arg, "=")
		if toFile && file == "" {
			return nil, misuse("", "--output %q: no file after '='", arg)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return nil, failed(fmt.Errorf("--output %q: no folder %q", arg, filepath.Dir(file)), "")
		}
		if err := replaceable(file); err != nil {
			return nil, misuse("", "--output %q: %w", arg, err)
		}
		if toFile && slices.ContainsFunc(out, func(o output) bool { return o.file == file }) {
			return nil, misuse("", "--output %q: another format goes into that file", arg)
		}
		for _, f := range report.All() {
			if f.Name == name {
				out = append(out, output{f, file})
				continue next
			}
		}
		return nil, misuse("", "--output %q: the formats are %s", arg, formatNames())
	}
	return out, nil
}

// files are the outputs that go into files.
func (out outputs) files() []export {
	var files []export
	for _, o := range out {
		if o.file != "" {
			files = append(files, export{o.format.Name, o.file})
		}
	}
	return files
}

// replaceable refuses a file that nothing may be written over: a database, with what was
// found and what people made of it, is not made anew by a scan.
func replaceable(path string) error {
	if store.IsDatabase(path) {
		return fmt.Errorf("%q is a database, and is not written over", path)
	}
	return nil
}

// aside refuses outputs that would take the place of a log that is read, or was. The paths
// may be patterns.
func (out outputs) aside(paths []string, known []source.Known) error {
	for _, e := range out.files() {
		if anyIs(paths, e.file) {
			return e.refused(errLog)
		}
		if err := e.beside(known); err != nil {
			return err
		}
	}
	return nil
}

// spare refuses outputs that would take the place of a file that the run goes by.
func (out outputs) spare(goneBy []string) error {
	for _, e := range out.files() {
		if anyIs(goneBy, e.file) {
			return e.refused(errGoneBy)
		}
	}
	return nil
}

var (
	errLog    = errors.New("is a log, and is not written over")
	errGoneBy = errors.New("is a file that litesoc goes by, and is not written over")
)

// anyIs tells whether one of the paths, which may be patterns, leads to the file, or would if
// it were there.
func anyIs(paths []string, file string) bool {
	at, err := os.Stat(file)
	if err == nil && !at.Mode().IsRegular() {
		return false
	}
	for _, path := range paths {
		if at == nil {
			if named, _ := filepath.Match(absolute(path), absolute(file)); named || absolute(path) == absolute(file) {
				return true
			}
			continue
		}
		matches, _ := filepath.Glob(path)
		for _, path := range append(matches, path) {
			if is, err := os.Stat(path); err == nil && os.SameFile(at, is) {
				return true
			}
		}
	}
	return false
}

// absolute is the path from the root on, or as it is where the working folder is unknown.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// write writes all outputs. A file appears whole or not at all.
func (out outputs) write(r *report.Report, stdout, stderr io.Writer, quiet bool) error {
	for _, o := range out {
		var b bytes.Buffer
		if err := o.format.Write(&b, r, lookOf(stdout, o.file)); err != nil {
			return fmt.Errorf("output %s: %w", o.format.Name, err)
		}
		if o.file == "" {
			if _, err := stdout.Write(b.Bytes()); err != nil {
				return fmt.Errorf("output %s: %w", o.format.Name, err)
			}
			continue
		}
		if err := writeFile(o.file, b.Bytes()); err != nil {
			return fmt.Errorf("output %s: %w", o.format.Name, err)
		}
		if !quiet {
			fmt.Fprintf(stderr, "litesoc: wrote %s\n", o.file)
		}
	}
	return nil
}

// writeFile writes a file whole or not at all, as replaceFile has it.
func writeFile(path string, content []byte) error {
	return replaceFile(path, func(to *os.File) error {
		_, err := to.Write(content)
		return err
	})
}

// replaceFile puts what write makes of an empty file in the place of the file at path, or
// leaves that as it is. A device or a pipe is written to, and what a link leads to is
// replaced, not the link.
func replaceFile(path string, write func(to *os.File) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		device, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(device), device.Close())
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if err := replaceable(path); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	var perr *fs.PathError
	if errors.As(err, &perr) {
		return &fs.PathError{Op: "write", Path: path, Err: perr.Err}
	}
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = write(tmp)
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if errors.As(err, &perr) && perr.Path == tmp.Name() {
		perr.Path = path
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
