package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The commands of the README work and print what it shows. In its console blocks a
// line that begins with "$ " is a command; what follows is its output, where … stands
// for any lines.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	demo, err := os.ReadFile("../../testdata/demo/access.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "access.log.gz"), demo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks(string(text), "") {
		if strings.HasPrefix(block, "rules:") { // the rule file that the commands read
			if err := os.WriteFile(filepath.Join(dir, "mine.yaml"), []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	commands := 0
	for _, block := range blocks(string(text), "console") {
		for _, session := range strings.Split("\n"+block, "\n$ ")[1:] {
			command, want, _ := strings.Cut(session, "\n")
			commands++
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = dir
			var out, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &stderr
			if err := cmd.Run(); err != nil {
				t.Errorf("$ %s\n%v\n%s", command, err, stderr.Bytes())
				continue
			}
			if err := shows(strings.TrimRight(want, "\n"), out.String()); err != nil {
				t.Errorf("$ %s\n%v\nit prints:\n%s", command, err, out.Bytes())
			}
		}
	}
	if commands < 5 {
		t.Errorf("only %d commands found", commands)
	}
	for _, block := range blocks(string(text), "yaml") {
		var c config
		if err := yaml.UnmarshalWithOptions([]byte(block), &c, yaml.Strict()); err != nil {
			t.Errorf("config: %v", err)
		}
		j := &job{flags: &scanFlags{}}
		if err := j.prepare(&c); err != nil {
			t.Errorf("config: %v", err)
		}
	}
}

// blocks returns the code blocks of that language.
func blocks(text, language string) []string {
	var found []string
	for _, part := range strings.Split(text, "\n```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		found = append(found, block)
	}
	return found
}

// shows tells whether the output is what want shows of it.
func shows(want, got string) error {
	if want == "" {
		return nil // the output is not shown
	}
	lines := strings.Split(strings.TrimRight(got, "\n"), "\n")
	skip := false
	for line := range strings.SplitSeq(want, "\n") {
		if line == "…" {
			skip = true
			continue
		}
		for skip && len(lines) > 0 && lines[0] != line {
			lines = lines[1:]
		}
		if skip = false; len(lines) == 0 || strings.TrimRight(lines[0], " ") != strings.TrimRight(line, " ") {
			return fmt.Errorf("the README shows a line that it does not print:\n%s", line)
		}
		lines = lines[1:]
	}
	if len(lines) > 0 && !strings.HasSuffix(want, "…") {
		return fmt.Errorf("the README does not show all: %q follows", lines[0])
	}
	return nil
}
