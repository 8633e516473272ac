package source

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Raw returns lines of a log that was read before, redacted, by their numbers. Those that
// the log does not have are left out. opts.Known must hold the log.
//
// The log is looked for where it was last read, then, since it may have been rotated or
// packed meanwhile, among the other files of that folder. It is known by its content.
func Raw(k Known, numbers []int64, opts *Options) (map[int64]string, error) {
	path, _, _ := strings.Cut(k.Source.Path, "!")
	if path == "-" {
		return nil, errors.New("was read from standard input, which is not kept")
	}
	var last error
	for _, place := range []string{path, filepath.Dir(path)} {
		files, failures := Find([]string{place}, nil)
		plan := Look(files, opts)
		for _, f := range append(failures, plan.Failures...) {
			if f.Fatal { // else it is another file of the folder
				last = errors.Join(last, f.Err)
			}
		}
		var log *Log
		for _, l := range plan.Logs {
			l.close() // it may be open where it goes on
			if l.Source.ID == k.Source.ID {
				log = l
			}
		}
		if log != nil {
			return log.raw(numbers)
		}
	}
	if last == nil {
		last = errors.New("the file is another one now, and no other in its folder holds the log")
	}
	return nil, last
}

// raw reads the log from its start and picks lines.
func (l *Log) raw(numbers []int64) (map[int64]string, error) {
	wanted := make(map[int64]bool, len(numbers))
	var last int64
	for _, n := range numbers {
		wanted[n] = true
		last = max(last, n)
	}
	content, err := l.File.open()
	if err != nil {
		return nil, err
	}
	defer content.close()
	found := map[int64]string{}
	cut := newCutter(content, l.layout)
	for number := int64(0); number < last; {
		block, err := cut.next()
		for n, line := range splitLines(block.text) {
			number++
			if block.numbers != nil {
				number = block.numbers[n]
			}
			if wanted[number] {
				found[number] = l.opts.Site.RedactWhole(line)
			}
		}
		if err == io.EOF || len(found) == len(wanted) {
			break
		}
		if err != nil {
			return found, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return found, nil
}

// splitLines returns the lines of a block without their ends.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}
