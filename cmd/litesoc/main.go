// Litesoc reads access logs and tells who is attacking the API behind them.
//
// This package is the tool: flags, wiring, exit statuses. What a line means is in
// parsers, what many lines mean in detect, how it is shown in report.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // business hours are in a zone, which a bare machine does not know

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/report/store"
)

// Exit statuses.
const (
	exitOK     = 0 // nothing found at or above --fail-on
	exitFailed = 1 // could not finish, or nothing could be read
	exitMisuse = 2 // the command line or the config is wrong
	exitFound  = 3 // found something at or above --fail-on
)

func main() {
	debug.SetMemoryLimit(int64(defaultMemory.heap()))
	cobra.EnableCommandSorting = false // help lists them in the order of the work
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the tool at once, whatever it waits for
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the tool and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	out := &written{to: stdout}
	root.SetOut(out)
	if isTerminal(stdout) { // whoever looks sees what is missing
		root.SetOut(stdout)
	}
	root.SetErr(stderr)
	root.InitDefaultCompletionCmd() // with the output that was just set
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() } // which refuses what is no shell
	}
	c, err := root.ExecuteContextC(ctx)
	var status *statusError
	switch known := errors.As(err, &status); {
	case out.err != nil && !(known && status.status == exitFailed):
		status = &statusError{err: out.err, status: exitFailed}
	case err == nil:
		return exitOK
	case !known:
		// What a command returns is known (see ownErrors): this is cobra's, of the command line.
		status = &statusError{err: plainly(c, err), status: exitMisuse, hint: suggestion(c, err)}
	}
	switch {
	case store.Damaged(status.err):
		status.hint = "the database is damaged: bring back a copy of it, or scan the logs into another with --db"
	case store.Full(status.err):
		status.hint = "make room, or choose another place with --db; what was kept before stays: run it again to go on"
	case status.hint == "" && errors.Is(status.err, syscall.ENOSPC):
		status.hint = "make room, or write it to another place"
	}
	if status.err != nil {
		fmt.Fprintf(stderr, "litesoc: %s\n", showLines(status.err.Error())) // which may quote a log or a database
	}
	if status.hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", showLines(status.hint))
	}
	return status.status
}

// written is an output that remembers what it could not take: whatever else came out, the
// tool has not done what it was asked.
type written struct {
	to  io.Writer
	err error
}

func (w *written) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}

// statusError is an error that knows the exit status it leads to, and what a person
// can do next.
type statusError struct {
	err    error // nil: all is said already
	status int
	hint   string
}

func (e *statusError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// failed says that the tool could not do what it was asked.
func failed(err error, hint string) error {
	return &statusError{err, exitFailed, hint}
}

// ownErrors makes a failure of what a command, or one below it, returns without a status.
func ownErrors(c *cobra.Command) {
	if do := c.RunE; do != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			err := do(c, args)
			var status *statusError
			if err == nil || errors.As(err, &status) {
				return err
			}
			return failed(err, "")
		}
	}
	for _, sub := range c.Commands() {
		ownErrors(sub)
	}
}

// filters are flags that leave out what they do not name. An empty one is a variable of a
// script that was never set, and would leave out nothing.
var filters = []string{"actor", "detector", "event", "incident", "ip", "route", "rule", "severity", "since", "state", "status", "tenant", "type", "until"}

// nameSomething refuses empty filters of a command, or of one below it.
func nameSomething(c *cobra.Command) {
	if do := c.RunE; do != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			for _, name := range filters {
				if f := c.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
					return misuse("without --"+name+" nothing is left out", "--%s is empty", name)
				}
			}
			return do(c, args)
		}
	}
	for _, sub := range c.Commands() {
		nameSomething(sub)
	}
}

// misuse says that it was asked in the wrong way.
func misuse(hint, format string, args ...any) error {
	return &statusError{fmt.Errorf(format, args...), exitMisuse, hint}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "litesoc",
		Short: "Read access logs and tell who is attacking the API behind them",
		Long: `litesoc reads access logs (nginx, Apache, AWS, Kubernetes, JSON and
more: 'litesoc formats' lists them), replays the requests through
detectors of API attacks, keeps everything in a DuckDB file for ad-hoc SQL, and
prints incidents with the lines that prove them. It needs no server, no account and
no change to the application, and sends nothing anywhere unless told to ('notify').`,
		Example: `  litesoc demo
  litesoc scan /var/log/nginx/
  litesoc scan --output json access.log.gz
  litesoc sql "select route, status, count(*) from requests group by all"`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	for _, part := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Find attacks", []*cobra.Command{scanCommand(), tailCommand(), reportCommand()}},
		{"Look into them", []*cobra.Command{alertsCommand(), incidentsCommand(), eventsCommand(), explainCommand(), sqlCommand(), routesCommand()}},
		{"Act on them", []*cobra.Command{respondCommand(), notifyCommand(), allowCommand(), acceptCommand(), auditCommand()}},
		{"Set it up", []*cobra.Command{initCommand(), doctorCommand(), rulesCommand(), intelCommand(), baselineCommand(), formatsCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: part.title, Title: part.title + ":"})
		for _, c := range part.commands {
			c.GroupID = part.title
		}
		root.AddCommand(part.commands...)
	}
	root.AddCommand(demoCommand(), checkURLCommand(), versionCommand(), manCommand())
	layHelp(root)
	complete(root)
	nameSomething(root)
	ownErrors(root)
	return root
}
