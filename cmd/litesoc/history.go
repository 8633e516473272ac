package main

import (
	"os"
	"path/filepath"
	"strings"
)

// A history is what was asked at the prompt, the last first, kept in a file that nobody
// else may read. Where that cannot be, it lasts as long as the prompt.
type history struct {
	path    string // "" if it is in no file
	entries []string
}

// historyMost is how many queries are remembered.
const historyMost = 1000

// historyPath returns where the history is kept: in the person's folder of such state.
func historyPath() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "litesoc", "sql_history")
}

// readHistory reads the history that is kept at path, and cuts it where it has grown long.
func readHistory(path string) *history {
	h := &history{path: path}
	if path == "" || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		h.path = ""
		return h
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return h
	}
	h.entries = strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	if n := len(h.entries) - historyMost; n > 0 {
		h.entries = h.entries[n:]
		writeFile(path, []byte(strings.Join(h.entries, "\n")+"\n"))
	}
	return h
}

// keep adds what was asked. Its lines become one, unless a comment ends with a line.
func (h *history) keep(text string) {
	lines := strings.Split(text, "\n")
	if !strings.Contains(text, "--") {
		lines = []string{strings.Join(lines, " ")}
	}
	for _, line := range lines {
		if n := len(h.entries); line == "" || n > 0 && h.entries[n-1] == line {
			continue
		}
		h.entries = append(h.entries, line)
		if h.path == "" {
			continue
		}
		f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			h.path = ""
			continue
		}
		f.WriteString(line + "\n")
		f.Close()
	}
}

// Add is told of every line, and leaves it to keep: a query may have several.
func (h *history) Add(string) {}

// Len returns how many entries there are.
func (h *history) Len() int { return len(h.entries) }

// At returns an entry; 0 is the last.
func (h *history) At(i int) string { return h.entries[len(h.entries)-1-i] }
