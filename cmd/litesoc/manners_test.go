package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/geo"
)

// commands returns the tool's commands, hidden ones as well.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	root := rootCommand()
	root.InitDefaultCompletionCmd()
	var all []*cobra.Command
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	if len(all) < 40 {
		t.Fatalf("only %d commands", len(all))
	}
	return all
}

// foreign tells of what cobra adds, whose texts are its own.
func foreign(c *cobra.Command) bool {
	return strings.HasPrefix(c.CommandPath(), "litesoc completion") || c.Name() == "help"
}

// What a command returns is a failure, unless it says otherwise; what cobra returns is misuse.
// Neither is obeyed by a terminal.
func TestErrors(t *testing.T) {
	var of error
	root := &cobra.Command{Use: "litesoc", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(&cobra.Command{Use: "do", RunE: func(*cobra.Command, []string) error { return of }})
	ownErrors(root)
	for _, test := range []struct {
		of     error
		status int
	}{{nil, 0}, {errors.New("a disk is full"), exitFailed}, {misuse("", "so not"), exitMisuse}, {fmt.Errorf("x: %w", failed(io.EOF, "")), exitFailed}} {
		of = test.of
		root.SetArgs([]string{"do"})
		status := 0
		if err := root.Execute(); err != nil {
			var known *statusError
			if status = -1; errors.As(err, &known) {
				status = known.status
			}
		}
		if status != test.status {
			t.Errorf("%v: status %d, want %d", test.of, status, test.status)
		}
	}
	for _, args := range [][]string{{"scan", "--\x1b[31m\u202e"}, {"\x1b[31m"}, {"report", "--db", "\u009b2J"}, {"notify", "send", "--db", "\x1b[2J"}} {
		var out bytes.Buffer
		status := run(context.Background(), args, strings.NewReader(""), &out, &out)
		if status == exitOK || out.Len() == 0 {
			t.Errorf("%q: status %d, %q", args, status, out.String())
		}
		obeyed(t, out.String())
	}
}

// Each command says what it does and shows how, with flags that there are.
func TestHelp(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	for _, c := range commands(t) {
		if foreign(c) {
			continue
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Long == "" || c.Example == "" {
			t.Errorf("%s: its short text, long text or example is missing: %q, %q, %q", c.CommandPath(), c.Short, c.Long, c.Example)
		}
		shown := false
		for line := range strings.SplitSeq(c.Example, "\n") {
			for _, words := range invocations(line) {
				to, args, err := rootCommand().Find(words)
				if err == nil {
					err = to.ParseFlags(args)
				}
				if err == nil && to.Args != nil && !strings.Contains(line, "…") {
					err = to.Args(to, to.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: the example %q: %v", c.CommandPath(), line, err)
					continue
				}
				shown = shown || strings.HasPrefix(to.CommandPath(), c.CommandPath())
			}
		}
		if !shown {
			t.Errorf("%s: no example of it in %q", c.CommandPath(), c.Example)
		}
	}
}

// Help fits a terminal of 80 columns. Commands are as long as they are.
func TestHelpFits(t *testing.T) {
	for _, c := range commands(t) {
		if foreign(c) {
			continue
		}
		for line := range strings.Lines(c.Long + "\n" + c.UsageString()) {
			line = strings.TrimRight(line, "\n")
			if n := lipgloss.Width(line); n > helpWidth && !strings.Contains(c.Example, line) && !strings.Contains(c.UseLine(), strings.TrimSpace(line)) {
				t.Errorf("%s: a line of %d cells: %q", c.CommandPath(), n, line)
			}
		}
	}
}

// So does what is said of a format: lines of logs, which are indented, are broken nowhere.
func TestFormatsFit(t *testing.T) {
	for _, f := range parsers.All() {
		var out bytes.Buffer
		if status := run(t.Context(), []string{"formats", f.Name}, nil, &out, io.Discard); status != exitOK {
			t.Errorf("%s: exit status %d", f.Name, status)
		}
		for line := range strings.Lines(out.String()) {
			if n := lipgloss.Width(strings.TrimRight(line, "\n")); n > helpWidth && !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: a line of %d cells: %q", f.Name, n, line)
			}
		}
		if sample := "\n  " + f.Samples[0] + "\n"; !strings.Contains(out.String(), sample) {
			t.Errorf("%s: no sample %q", f.Name, sample)
		}
	}
}

// So does what is said of a detector, but for its settings, which are a table.
func TestDetectorsFit(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, d := range detect.All() {
		var out bytes.Buffer
		if status := run(t.Context(), []string{"explain", d.Name}, nil, &out, io.Discard); status != exitOK {
			t.Errorf("%s: exit status %d", d.Name, status)
		}
		said, _, _ := strings.Cut(out.String(), "\nevent ")
		for line := range strings.Lines(said) {
			if n := lipgloss.Width(strings.TrimRight(line, "\n")); n > helpWidth {
				t.Errorf("%s: a line of %d cells: %q", d.Name, n, line)
			}
		}
	}
}

// So does what the tool says of itself.
func TestOwnWordsFit(t *testing.T) {
	t.Setenv("LITESOC_INTEL", t.TempDir())
	for _, args := range [][]string{{"version"}, {"intel", "status"}} {
		var out bytes.Buffer
		if status := run(t.Context(), args, nil, &out, io.Discard); status != exitOK {
			t.Errorf("%q: exit status %d", args, status)
		}
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), geo.Attribution) {
			t.Errorf("%q: does not say %q", args, geo.Attribution)
		}
		for line := range strings.Lines(out.String()) {
			if n := lipgloss.Width(strings.TrimRight(line, "\n")); n > helpWidth {
				t.Errorf("%q: a line of %d cells: %q", args, n, line)
			}
		}
	}
}

var word = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'|\S+`)

// invocations returns the arguments of each call of litesoc in a line for a shell.
func invocations(line string) [][]string {
	var all [][]string
	var words []string
	inside := false
	end := func() {
		if inside {
			all = append(all, words)
		}
		words, inside = nil, false
	}
	for _, w := range word.FindAllString(line, -1) {
		switch {
		case w == "|" || w == "||" || w == "&&" || w == ";" || strings.HasPrefix(w, "#") || strings.HasPrefix(w, ">") || strings.HasPrefix(w, "<"):
			end()
		case w == "litesoc":
			end()
			inside = true
		default:
			words = append(words, strings.Trim(w, `"'`))
		}
	}
	end()
	return all
}

// The manual has a page for each command, which mentions its flags and those below it.
func TestMan(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	dir := t.TempDir()
	litesoc(t, dir, "man", ".")
	for _, c := range commands(t) {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		text := strings.NewReplacer(`\-`, "-", `\e`, `\`, `\(aq`, "'").Replace(string(page))
		if !strings.Contains(text, c.Short) {
			t.Errorf("%s: its page does not say what it is", c.CommandPath())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" && !strings.Contains(text, "--"+f.Name+`\fP`) {
				t.Errorf("%s: its page does not mention --%s", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			if !sub.Hidden && sub.Name() != "help" && !strings.Contains(text, strings.ReplaceAll(sub.CommandPath(), " ", "-")) {
				t.Errorf("%s: its page does not mention %s", c.CommandPath(), sub.Name())
			}
		}
		for line := range strings.SplitSeq(string(page), "\n") {
			if strings.HasPrefix(line, ".") && !regexp.MustCompile(`^\.(TH|SH|TP|B|nf|fi)\b`).MatchString(line) {
				t.Errorf("%s: roff would obey %q", c.CommandPath(), line)
			}
		}
	}
}

// Each flag that names what there is a list of is completed.
func TestCompletionIsWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	for _, c := range commands(t) {
		if foreign(c) {
			continue
		}
		for _, name := range []string{"severity", "status", "rule", "detector", "incident", "fail-on", "output", "format"} {
			if c.Flags().Lookup(name) == nil || c.Name() == "init" && name == "output" { // which is a file
				continue
			}
			if _, ok := c.GetFlagCompletionFunc(name); !ok {
				t.Errorf("%s --%s is not completed", c.CommandPath(), name)
			}
		}
	}
}
