package parsers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A NginxConf is what an nginx configuration says about its logs.
type NginxConf struct {
	Formats []NginxLog // what log_format defines, in the order of the files
	Logs    []NginxLog // what access_log writes, in the order of the files; "off" is left out
}

// A NginxLog is a format that an nginx configuration defines, or a log that it writes.
type NginxLog struct {
	Name   string // of the format: "main"
	Path   string // of the log, as written; "" for a definition
	Place  string // "nginx.conf:12"
	Format *Format
	Err    error // why Format is nil: the definition cannot be used, or there is none
}

// Format returns the format that the configuration defines by that name, or "combined",
// which nginx knows without a definition.
func (c *NginxConf) Format(name string) (*Format, error) {
	// nginx refuses to define a format twice; but other blocks (stream) may.
	for _, l := range slices.Backward(c.Formats) {
		if l.Name == name && l.Err == nil {
			return l.Format, nil
		}
	}
	for _, l := range c.Formats {
		if l.Name == name {
			return nil, l.Err
		}
	}
	if name == "combined" {
		return NginxCombined(), nil
	}
	return nil, fmt.Errorf("no log_format %q is defined", name)
}

// Bounds on a configuration.
const (
	maxConfDepth = 16      // includes within includes
	maxConfFiles = 1000    // files read
	maxConfBytes = 4 << 20 // of one file
	maxConfWord  = 64 << 10
)

// ReadNginxConf reads the configuration file of that name in fsys, and all that it
// includes. As nginx does, it takes a relative path to be relative to the first file's
// folder; an absolute one begins at the root of fsys. An error names file and line.
func ReadNginxConf(fsys fs.FS, name string) (*NginxConf, error) {
	r := confReader{fsys: fsys, dir: path.Dir(name)}
	if err := r.file(name); err != nil {
		return nil, err
	}
	c := &r.conf
	for i := range c.Logs {
		l := &c.Logs[i]
		l.Format, l.Err = c.Format(l.Name)
	}
	return c, nil
}

// confReader reads a configuration and what it includes.
type confReader struct {
	fsys  fs.FS
	dir   string
	conf  NginxConf
	open  []string // the files that are being read, each included by the one before
	files int
}

func (r *confReader) file(name string) error {
	if slices.Contains(r.open, name) {
		return fmt.Errorf("%s includes itself", name)
	}
	if len(r.open) == maxConfDepth {
		return fmt.Errorf("%s: more than %d includes within each other", name, maxConfDepth)
	}
	if r.files++; r.files > maxConfFiles {
		return fmt.Errorf("%s: more than %d files", name, maxConfFiles)
	}
	text, err := r.read(name)
	if err != nil {
		return err
	}
	r.open = append(r.open, name)
	defer func() { r.open = r.open[:len(r.open)-1] }()

	words := confWords{text: text, line: 1}
	for {
		directive, line, err := words.directive()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = r.directive(directive, fmt.Sprintf("%s:%d", name, line))
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
}

// read returns the text of a file.
func (r *confReader) read(name string) (string, error) {
	f, err := r.fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfBytes+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxConfBytes {
		return "", fmt.Errorf("%s: larger than %d bytes", name, maxConfBytes)
	}
	return string(text), nil
}

// directive takes one directive: its name and what follows it.
func (r *confReader) directive(words []string, place string) error {
	name, args := words[0], words[1:]
	switch name {
	case "include":
		if len(args) != 1 {
			return errors.New("include wants one path")
		}
		return r.include(args[0])
	case "log_format":
		if len(args) < 2 {
			return errors.New("log_format wants a name and a format")
		}
		l := NginxLog{Name: args[0], Place: place}
		args, escape := args[1:], ""
		if e, found := strings.CutPrefix(args[0], "escape="); found {
			args, escape = args[1:], e
		}
		l.Format, l.Err = NginxLogFormat(l.Name, strings.Join(args, ""), escape)
		r.conf.Formats = append(r.conf.Formats, l)
	case "access_log":
		if len(args) == 0 {
			return errors.New("access_log wants a path")
		}
		if args[0] == "off" {
			return nil
		}
		l := NginxLog{Name: "combined", Path: args[0], Place: place}
		if len(args) > 1 && !strings.Contains(args[1], "=") {
			l.Name = args[1]
		}
		r.conf.Logs = append(r.conf.Logs, l)
	}
	return nil
}

// include reads the files that a pattern stands for. As with nginx, a pattern may
// stand for none, a plain name may not.
func (r *confReader) include(pattern string) error {
	full := strings.TrimPrefix(path.Clean(pattern), "/")
	if !path.IsAbs(pattern) {
		full = path.Join(r.dir, pattern)
	}
	if !strings.ContainsAny(pattern, `*?[`) {
		return r.file(full)
	}
	names, err := fs.Glob(r.fsys, full)
	if err != nil {
		return fmt.Errorf("include %q: %w", pattern, err)
	}
	for _, name := range names {
		if err := r.file(name); err != nil {
			return err
		}
	}
	return nil
}

// confWords cuts a configuration into directives.
type confWords struct {
	text string
	at   int
	line int // at which at stands
}

// directive returns the words of the next directive, up to its semicolon or the
// brace that opens its block, and the line it begins on. After the last it returns
// io.EOF.
func (w *confWords) directive() (words []string, line int, err error) {
	for {
		w.blanks()
		if len(words) == 0 {
			line = w.line
		}
		if w.at == len(w.text) {
			if len(words) > 0 {
				return nil, line, fmt.Errorf("%q has no end", words[0])
			}
			return nil, line, io.EOF
		}
		switch w.text[w.at] {
		case ';', '{':
			open := w.text[w.at] == '{'
			w.at++
			if len(words) == 0 {
				continue
			}
			if open && strings.HasSuffix(words[0], "_by_lua_block") {
				w.skipBlock()
			}
			return words, line, nil
		case '}':
			w.at++
			if len(words) > 0 {
				return nil, line, fmt.Errorf("%q has no end", words[0])
			}
		default:
			word, err := w.word()
			if err != nil {
				return nil, line, err
			}
			words = append(words, word)
		}
	}
}

// blanks moves to the next word.
func (w *confWords) blanks() {
	for w.at < len(w.text) {
		switch w.text[w.at] {
		case '\n':
			w.line++
			w.at++
		case ' ', '\t', '\r':
			w.at++
		case '#':
			n := strings.IndexByte(w.text[w.at:], '\n')
			if n < 0 {
				n = len(w.text) - w.at
			}
			w.at += n
		default:
			return
		}
	}
}

// word returns the word at hand, without its quotes.
func (w *confWords) word() (string, error) {
	quote := w.text[w.at]
	if quote != '"' && quote != '\'' {
		quote = 0
	} else {
		w.at++
	}
	var b []byte
	for ; w.at < len(w.text); w.at++ {
		if len(b) > maxConfWord {
			return "", fmt.Errorf("a word is longer than %d bytes", maxConfWord)
		}
		c := w.text[w.at]
		switch {
		case c == '\\' && w.at+1 < len(w.text):
			w.at++
			b = appendConfEscape(b, w.text[w.at])
			if w.text[w.at] == '\n' {
				w.line++
			}
			continue
		case quote != 0 && c == quote:
			w.at++
			return string(b), nil
		case quote == 0 && c == '{' && len(b) > 0 && b[len(b)-1] == '$': // ${name}
			n := strings.IndexAny(w.text[w.at:], "}\n")
			if n < 0 || w.text[w.at+n] == '\n' {
				return "", errors.New("${ has no closing brace")
			}
			b = append(b, w.text[w.at:w.at+n+1]...)
			w.at += n
			continue
		case quote == 0 && strings.IndexByte(" \t\r\n;{}", c) >= 0:
			return string(b), nil
		case c == '\n':
			w.line++
		}
		b = append(b, c)
	}
	if quote != 0 {
		return "", errors.New("a quote has no end")
	}
	return string(b), nil
}

// appendConfEscape appends what a backslash before c stands for.
func appendConfEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\'', '\\':
		return append(b, c)
	case 't':
		return append(b, '\t')
	case 'r':
		return append(b, '\r')
	case 'n':
		return append(b, '\n')
	}
	return append(b, '\\', c)
}

// skipBlock moves behind a block of Lua, whose quotes and comments are not nginx's.
func (w *confWords) skipBlock() {
	for depth := 1; w.at < len(w.text) && depth > 0; w.at++ {
		switch w.text[w.at] {
		case '{':
			depth++
		case '}':
			depth--
		case '\n':
			w.line++
		}
	}
}
