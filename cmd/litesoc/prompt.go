package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// A prompt asks a person for queries, one after the other, until they have had enough. It
// has the database open no longer than a query takes, so that scan and tail go on beside
// it.
type prompt struct {
	flags   *sqlFlags
	mode    string // how rows are written, of tables
	term    *term.Terminal
	keys    *keys
	history *history
	words   words
	out     io.Writer         // rows
	stderr  io.Writer         // errors and notes
	page    func(text []byte) // shows rows; nil: they go to out
	// cooked gives the terminal back for as long as a query runs, so that Ctrl-C is a
	// signal again, and returns what takes it anew.
	cooked func() (raw func())
	ctx    context.Context
}

const (
	promptFirst = "litesoc> "
	promptNext  = "    ...> "
)

// promptOnTerminal runs a prompt on the terminal that is standard input.
func promptOnTerminal(c *cobra.Command, f *sqlFlags, mode string) error {
	in := c.InOrStdin().(*os.File) // as a terminal is
	screen := in
	for _, stream := range []any{c.ErrOrStderr(), c.OutOrStdout()} {
		if isTerminal(stream) {
			screen = stream.(*os.File)
		}
	}
	fd := int(in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return failed(fmt.Errorf("sql: terminal: %w", err), "")
	}
	defer term.Restore(fd, before)
	// Ctrl-C ends a query, not the prompt.
	ctx := context.WithoutCancel(c.Context())
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	ended, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	over := context.AfterFunc(ended, func() { // it may be at a read that nothing else ends
		term.Restore(fd, before)
		os.Exit(exitFailed)
	})
	defer over()

	k := &keys{r: in}
	p := &prompt{flags: f, mode: mode, keys: k, out: c.OutOrStdout(), stderr: c.ErrOrStderr(), ctx: ctx}
	p.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k, screen}, promptFirst)
	p.cooked = func() func() {
		term.Restore(fd, before)
		return func() { term.MakeRaw(fd) }
	}
	if isTerminal(p.out) {
		p.page = func(text []byte) { page(p.out, screen, text) }
	}
	p.history = readHistory(historyPath())
	resize := func() {
		if width, height, err := term.GetSize(int(screen.Fd())); err == nil && width > 0 {
			p.term.SetSize(width, height)
		}
	}
	resize()
	p.keys.before = resize
	p.term.SetBracketedPasteMode(true)
	defer p.term.SetBracketedPasteMode(false)
	return p.run()
}

// run asks until the person ends it. Errors are told and end nothing.
func (p *prompt) run() error {
	p.term.History = p.history
	p.term.AutoCompleteCallback = p.complete
	p.learn()
	fmt.Fprintf(p.term, "%s. End a query with ';'. .help tells more, Tab completes, Ctrl-D leaves.\n", report.Show(p.flags.db))
	var text string
	for {
		p.term.SetPrompt(promptFirst)
		if text != "" {
			p.term.SetPrompt(promptNext)
		}
		line, err := p.term.ReadLine()
		if errors.Is(err, term.ErrPasteIndicator) {
			err = nil
		}
		if err == nil && line == "" && p.keys.interrupted() {
			text = ""
			continue
		}
		if errors.Is(err, io.EOF) {
			fmt.Fprintln(p.term)
			return nil
		}
		if err != nil {
			return failed(fmt.Errorf("sql: terminal: %w", err), "")
		}
		if command := strings.TrimSpace(line); text == "" && strings.HasPrefix(command, ".") {
			words := strings.Fields(strings.TrimSuffix(command, ";"))
			if len(words) > 0 && p.command(words) {
				return nil
			}
			p.history.keep(command)
			continue
		}
		if text == "" && strings.TrimSpace(line) == "" {
			continue
		}
		text += line + "\n"
		queries, rest := statements(text)
		if len(queries) == 0 {
			continue
		}
		p.history.keep(strings.TrimSpace(strings.TrimSuffix(text, rest)))
		for _, query := range queries {
			if !p.query(query) {
				rest = ""
				break
			}
		}
		if text = rest; strings.TrimSpace(text) == "" {
			text = ""
		}
	}
}

const promptHelp = `.tables             what can be queried
.schema [TABLE]     the columns of all tables, or of one
.examples           saved queries; '.example NAME' shows and runs one
.mode MODE          how rows are written: table, json, csv or ndjson
.help               this
.quit               leave; so does Ctrl-D

A query ends with ';' and may go over several lines. Ctrl-C ends a query that runs, or
drops one that is written. logs('access.log*') are the requests in raw logs.
`

// promptCommands are what begins with a dot.
var promptCommands = []string{".example", ".examples", ".exit", ".help", ".mode", ".quit", ".schema", ".tables"}

const (
	tablesSQL = `select c.table_name as name, case t.table_type when 'VIEW' then 'view' else 'table' end as kind, count(*) as columns
from information_schema.columns c join information_schema.tables t using (table_schema, table_name) where c.table_schema = 'main'
group by 1, 2 order by name in ('activity', 'alerts', 'events', 'incidents', 'ips', 'requests') desc, name`
	schemaSQL = `select table_name as name, column_name as column, lower(data_type) as type
from information_schema.columns where table_schema = 'main' order by table_name, ordinal_position`
)

// command does what a line that begins with a dot asks for.
func (p *prompt) command(words []string) (over bool) {
	name, rest := words[0], words[1:]
	most := map[string]int{".schema": 1, ".mode": 1, ".example": 1}
	if len(rest) > most[name] {
		p.tell("%s takes less than %q: .help tells more", name, strings.Join(rest, " "))
		return false
	}
	arg := strings.Join(rest, "")
	switch name {
	case ".quit", ".exit":
		return true
	case ".help":
		p.show([]byte(promptHelp))
	case ".tables":
		p.query(tablesSQL)
	case ".schema":
		if arg == "" {
			p.query(schemaSQL)
			return false
		}
		if _, ok := p.words.columns[strings.ToLower(arg)]; !ok {
			p.tell("no table %q: .tables lists them", arg)
			return false
		}
		p.query(`describe "` + strings.ToLower(arg) + `"`)
	case ".examples":
		var b bytes.Buffer
		listExamples(&b)
		p.show(b.Bytes())
	case ".example":
		e := exampleNamed(arg)
		if e == nil {
			p.tell("no saved query %q: .examples lists them", arg)
			return false
		}
		p.show([]byte(strings.TrimSpace(e.sql) + ";\n\n"))
		p.query(e.sql)
	case ".mode":
		if arg != "" && tables[arg] == nil {
			p.tell("no mode %q: table, json, csv, ndjson", arg)
			return false
		}
		p.mode = cmp.Or(arg, p.mode)
		p.show([]byte("mode " + p.mode + "\n"))
	default:
		p.tell("no command %q: .help lists them", name)
	}
	return false
}

// tell says what went wrong.
func (p *prompt) tell(format string, args ...any) {
	defer p.cooked()()
	fmt.Fprintf(p.stderr, format+"\n", args...)
}

// show writes what is not of a log.
func (p *prompt) show(text []byte) {
	defer p.cooked()()
	p.out.Write(text)
}

// query runs one query and shows its rows. It tells whether it worked.
func (p *prompt) query(query string) bool {
	defer p.cooked()()
	ctx, stop := signal.NotifyContext(p.ctx, os.Interrupt)
	defer stop()
	var b bytes.Buffer
	t := &firstRows{table: tables[p.mode](&b)}
	kept, err := p.flags.ask(ctx, query, into(t), p.stderr)
	if ctx.Err() != nil {
		fmt.Fprintln(p.stderr, "cancelled")
		return false
	}
	text := b.Bytes()
	if p.page != nil {
		text = []byte(showLines(b.String()))
	}
	switch {
	case p.page != nil:
		p.page(text)
	default:
		p.out.Write(text)
	}
	if t.cut > 0 {
		fmt.Fprintf(p.stderr, "%d more rows; 'litesoc sql --output %s=FILE' has all\n", t.cut, p.mode)
	}
	if err != nil {
		var status *statusError
		fmt.Fprintln(p.stderr, strings.TrimPrefix(err.Error(), "sql: "))
		if errors.As(err, &status) && status.hint != "" {
			fmt.Fprintf(p.stderr, "hint: %s\n", status.hint)
		}
		return false
	}
	if kept && len(p.words.columns) == 0 {
		p.learn()
	}
	return true
}

// firstRows leaves out what is more than a person reads, and than memory should hold.
type firstRows struct {
	table
	rows, cut int
}

func (t *firstRows) row(values []any) error {
	if t.rows == tableRows {
		t.cut++
		return nil
	}
	t.rows++
	return t.table.row(values)
}

// page shows text: by a pager if it is more than the screen holds.
func page(out io.Writer, screen *os.File, text []byte) {
	width, height, err := term.GetSize(int(screen.Fd()))
	long := bytes.Count(text, []byte{'\n'}) >= height
	for line := range bytes.Lines(text) {
		long = long || len([]rune(string(line))) > width+1
	}
	pager, given := os.LookupEnv("PAGER")
	if !given {
		pager = "less -FSX"
	}
	if err != nil || !long || pager == "" {
		out.Write(text)
		return
	}
	// What the person's own variable names; less is kept from running anything else.
	cmd := exec.Command("sh", "-c", pager)
	cmd.Env = append(os.Environ(), "LESSSECURE=1", "LESSCHARSET=utf-8")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), out, os.Stderr
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case err == nil:
	case errors.As(err, &exit) && exit.ExitCode() != 127:
		// The person left it early, or it has said what was wrong.
	default:
		out.Write(text)
	}
}

// keys reads what is typed. Ctrl-C drops the line: to the terminal it is the end of it.
type keys struct {
	r      io.Reader
	before func() // nil, or called before it waits for keys
	rest   []byte
	drops  int
}

const (
	ctrlC = 3
	// To the end of the line, delete it, Enter.
	dropLine = "\x05\x15\r"
)

func (k *keys) Read(b []byte) (int, error) {
	if len(k.rest) == 0 {
		if k.before != nil {
			k.before()
		}
		typed := make([]byte, 256)
		n, err := k.r.Read(typed)
		if n == 0 {
			return 0, err
		}
		k.drops += bytes.Count(typed[:n], []byte{ctrlC})
		k.rest = bytes.ReplaceAll(typed[:n], []byte{ctrlC}, []byte(dropLine))
	}
	n := copy(b, k.rest)
	k.rest = k.rest[n:]
	return n, nil
}

// interrupted tells whether an empty line is one that Ctrl-C has dropped.
func (k *keys) interrupted() bool {
	if k.drops == 0 {
		return false
	}
	k.drops--
	return true
}

// words are what Tab completes.
type words struct {
	columns map[string][]string // by table
}

// learn asks the database for its tables and columns. Without one there are none.
func (p *prompt) learn() {
	p.words.columns = map[string][]string{}
	p.words.columns["logs"] = store.LogColumns()
	q, _, err := p.flags.open(false, nil)
	if err != nil {
		return
	}
	defer q.Close()
	q.Run(p.ctx, schemaSQL, func([]string) error { return nil }, func(row []any) error {
		name, column := row[0].(string), row[1].(string)
		p.words.columns[name] = append(p.words.columns[name], column)
		return nil
	})
}

var sqlKeywords = strings.Fields(`all and any_value as asc between by case cast coalesce count count(distinct date_trunc desc describe distinct
	else end except exclude exists false filter from group having in intersect interval is join left like limit list max median min not null
	nulls offset on or order over partition quantile_cont round select sum then time_bucket true union unnest using values when where with`)

// complete completes the word before the cursor when Tab is pressed, as far as there is
// one way to; else it lists the ways.
func (p *prompt) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	start := strings.LastIndexFunc(line[:pos], func(r rune) bool {
		return r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) + 1
	word := line[start:pos]
	found := p.words.beginning(word, line[:start])
	if len(found) == 0 {
		return line, pos, true
	}
	common := found[0]
	for _, w := range found[1:] {
		n := 0
		for n < min(len(common), len(w)) && common[n] == w[n] {
			n++
		}
		common = common[:n]
	}
	switch {
	case len(found) == 1 && !strings.HasSuffix(common, "(") && !strings.HasSuffix(common, "('"):
		common += " "
	case len(common) <= len(word):
		fmt.Fprintf(p.term, "%s\n", strings.Join(found, "  "))
		return line, pos, true
	}
	return line[:start] + common + line[pos:], start + len(common), true
}

// beginning returns the words that begin so, sorted. before is the line before the word.
func (w *words) beginning(word, before string) []string {
	var all []string
	command := strings.Fields(before)
	switch {
	case strings.TrimSpace(before) == "" && strings.HasPrefix(word, "."):
		all = promptCommands
	case len(command) == 1 && command[0] == ".mode":
		all = []string{"csv", "json", "ndjson", "table"}
	case len(command) == 1 && command[0] == ".example":
		for _, e := range examples {
			all = append(all, e.name)
		}
	case len(command) == 1 && command[0] == ".schema":
		for table := range w.columns {
			all = append(all, table)
		}
	default:
		if table, _, ok := strings.Cut(word, "."); ok {
			for _, column := range w.columns[strings.ToLower(table)] {
				all = append(all, table+"."+column)
			}
			break
		}
		named := len(command) > 0 && slices.Contains([]string{"from", "join", "describe"}, strings.ToLower(command[len(command)-1]))
		for table, columns := range w.columns {
			if table == "logs" {
				table = "logs('"
			}
			if all = append(all, table); !named { // a table is to come
				all = append(all, columns...)
			}
		}
		if !named {
			all = append(all, sqlKeywords...)
		}
	}
	var found []string
	for _, candidate := range all {
		if len(word) <= len(candidate) && strings.EqualFold(candidate[:len(word)], word) && candidate != "" {
			found = append(found, candidate)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// statements cuts text at the semicolons that end statements, and returns what follows
// the last of them.
func statements(text string) (whole []string, rest string) {
	begin, empty := 0, true
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "--"):
			i += through(text[i:], "\n")
			continue
		case strings.HasPrefix(text[i:], "/*"):
			i += 2 + through(text[i+2:], "*/")
			continue
		case c == '\'' && escapes(text[:i]):
			i++
			for i < len(text) && text[i] != '\'' {
				if text[i] == '\\' {
					i++
				}
				i++
			}
			i = min(i+1, len(text))
			empty = false
			continue
		case c == '\'' || c == '"':
			i += 1 + through(text[i+1:], string(c))
			empty = false
			continue
		case c == '$':
			if tag := dollarTag(text[i:]); tag != "" {
				i += len(tag) + through(text[i+len(tag):], tag)
				empty = false
				continue
			}
		case c == ';':
			if !empty {
				whole = append(whole, strings.TrimSpace(text[begin:i]))
			}
			begin, empty = i+1, true
		case c > ' ':
			empty = false
		}
		i++
	}
	return whole, text[begin:]
}

// escapes tells whether a text in single quotes that follows has escapes in it: e'it\'s'.
func escapes(before string) bool {
	n := len(before) - 1
	return n >= 0 && (before[n] == 'e' || before[n] == 'E') && (n == 0 || !isWordByte(before[n-1]))
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// through returns how far text goes up to and with end; all of it, if that is not there.
func through(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// dollarTag returns the $tag$ that text begins with; "" if it begins with none.
func dollarTag(text string) string {
	n := strings.IndexByte(text[1:], '$')
	if n < 0 || strings.ContainsFunc(text[1:1+n], func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) {
		return ""
	}
	return text[:n+2]
}
