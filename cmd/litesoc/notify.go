package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/notify"
	"github.com/litesoc/litesoc/report/store"
)

// A notifier brings what waits in the outbox of a store to the channels of a config.
type notifier struct {
	channels []*notify.Channel
	open     func(context.Context) (*store.Store, error) // in short turns: others want the database, too
	alone    *sync.Mutex                                 // held while the store is open, if others of this process open it too
	kept     *store.Store                                // that keeps nothing and is not closed; nil for a file
	now      func() time.Time
	sleep    func(ctx context.Context, d time.Duration)
	stderr   io.Writer
}

// newNotifier returns a notifier to the channels of the config, without a store.
func newNotifier(c *cobra.Command, cfg *config) (*notifier, error) {
	if len(cfg.Notifications) == 0 {
		return nil, misuse("name who is told of alerts under 'notifications' in "+configName, "notify: the config names nobody")
	}
	channels, err := notify.New(cfg.Notifications, &notify.Environment{
		Getenv:   os.LookupEnv,
		ReadFile: cfg.readFile,
		Stdout:   c.OutOrStdout(),
	})
	if err != nil {
		return nil, cfg.wrong("notifications", "%w", err)
	}
	return &notifier{channels: channels, now: time.Now, sleep: sleep, stderr: c.ErrOrStderr()}, nil
}

// readFile reads a file that the config names, from beside it.
func (c *config) readFile(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.path), path)
	}
	return os.ReadFile(path)
}

// sleep waits for d, or until the context is done.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// of makes the run that the store is open for queue what it finds, and the notifier send
// from that store later.
func (n *notifier) of(s *store.Store, path string) {
	s.Notify(&store.Post{Channels: n.channels, At: n.now().UTC()})
	if path == store.Memory {
		n.kept = s
	}
	n.openAt(path)
}

// openAt makes the notifier use the store at path. While another process has it open it
// waits.
func (n *notifier) openAt(path string) {
	n.open = func(ctx context.Context) (s *store.Store, err error) {
		err = patiently(ctx, busyWait, func() (err error) { s, err = store.Open(path); return err })
		return s, err
	}
}

const (
	// busyWait is how long a turn waits for the database.
	busyWait = 20 * time.Second
	// lease is how long whoever sends has for one message before another may try it.
	lease = 2 * time.Minute
	// scanWait is how long scan waits for a second try at what was not sent at the first.
	scanWait = 15 * time.Second
)

// turn opens the store for f alone.
func (n *notifier) turn(ctx context.Context, f func(*store.Store) error) error {
	if n.kept != nil {
		return f(n.kept)
	}
	if n.alone != nil {
		n.alone.Lock()
		defer n.alone.Unlock()
	}
	s, err := n.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// A delivery is what came of the notices that were due.
type delivery struct {
	sent, later, parked int
}

// deliver sends what is due, and waits up to the given time for what is due again soon.
// The store is open only between messages. What could not be sent stays in the outbox;
// an error says that the outbox could not be read or written.
func (n *notifier) deliver(ctx context.Context, wait time.Duration) (done delivery, err error) {
	start := n.now()
	for {
		work, err := n.plan(ctx)
		if err != nil {
			return done, err
		}
		done.later = 0
		for _, w := range work {
			if err := n.post(ctx, w, &done); err != nil {
				return done, err
			}
		}
		var next time.Time
		if err := n.turn(ctx, func(s *store.Store) (err error) { next, err = s.NextDue(n.known()); return err }); err != nil {
			return done, err
		}
		if next.IsZero() || next.Sub(start) > wait || ctx.Err() != nil {
			return done, nil
		}
		n.sleep(ctx, max(next.Sub(n.now()), 0))
	}
}

// known are the names of the channels.
func (n *notifier) known() []string {
	names := []string{} // not nil: none are none
	for _, c := range n.channels {
		names = append(names, c.Name)
	}
	return names
}

// work is what is to be sent to one channel.
type work struct {
	channel  *notify.Channel
	messages []notify.Message
	attempts map[string]int // made so far, by notice
}

// plan takes from the outbox what is to be sent now, and puts off what is not.
func (n *notifier) plan(ctx context.Context) (todo []work, err error) {
	now := n.now().UTC()
	return todo, n.turn(ctx, func(s *store.Store) error {
		if err := s.QueueHandled(&store.Post{Channels: n.channels, At: now}); err != nil {
			return err
		}
		due, last, err := s.Waiting(now)
		if err != nil {
			return err
		}
		var held []notify.Postponement
		for _, c := range n.channels {
			messages, more := c.Plan(due[c.Name], last[c.Name], now)
			held = append(held, more...)
			if len(messages) == 0 {
				continue
			}
			w := work{c, messages, map[string]int{}}
			for _, e := range due[c.Name] {
				w.attempts[e.ID] = e.Attempts
			}
			todo = append(todo, w)
		}
		return s.Hold(held)
	})
}

// post sends the messages of one channel, one after another. After one that is to be
// tried again the others wait with it: the channel is not there, or wants to be left
// alone.
func (n *notifier) post(ctx context.Context, w work, done *delivery) error {
	var until time.Time
	for _, m := range w.messages {
		if !until.IsZero() || ctx.Err() != nil {
			done.later += len(m.Notices)
			if until.IsZero() {
				continue
			}
			if err := n.turn(ctx, func(s *store.Store) error { return s.Hold([]notify.Postponement{{IDs: ids(&m), Until: until}}) }); err != nil {
				return err
			}
			continue
		}
		var err error
		if until, err = n.try(ctx, w, &m, done); err != nil {
			return err
		}
	}
	return nil
}

// try sends one message. It returns when to try again; zero if it was sent or parked.
func (n *notifier) try(ctx context.Context, w work, m *notify.Message, done *delivery) (again time.Time, err error) {
	now := n.now().UTC()
	var claimed []string
	err = n.turn(ctx, func(s *store.Store) (err error) {
		claimed, err = s.Claim(ids(m), now, now.Add(lease))
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	m.Notices = slices.DeleteFunc(m.Notices, func(x notify.Notice) bool { return !slices.Contains(claimed, x.ID) })
	if len(m.Notices) == 0 {
		return time.Time{}, nil // somebody else has them
	}
	held := m.Held
	*m = notify.NewMessage(now, m.Notices...)
	m.Held = held
	sending := w.channel.Send(ctx, m)
	now = n.now().UTC()
	var sentAt time.Time
	failure := ""
	var failed *notify.SendError
	switch {
	case sending == nil:
		sentAt = now
		done.sent += len(m.Notices)
	case errors.As(sending, &failed):
		failure = failed.Error()
		attempts := 0
		for _, x := range m.Notices {
			attempts = max(attempts, w.attempts[x.ID]+1)
		}
		var ok bool
		if again, ok = notify.Retry(m, attempts, failed, now); !ok {
			done.parked += len(m.Notices)
			fmt.Fprintf(n.stderr, "litesoc: notify %s: %s; given up\n", report.Show(w.channel.Name), failure)
			break
		}
		done.later += len(m.Notices)
		fmt.Fprintf(n.stderr, "litesoc: notify %s: %s; to be tried again at %s\n", report.Show(w.channel.Name), failure, again.Format(time.DateTime))
	}
	// It has been sent: that is noted even if everything is to stop now.
	return again, n.turn(context.WithoutCancel(ctx), func(s *store.Store) error { return s.Settle(ids(m), sentAt, again, failure) })
}

func ids(m *notify.Message) []string {
	var list []string
	for _, n := range m.Notices {
		list = append(list, n.ID)
	}
	return list
}

// afterScan sends what the run has queued, and what waited before. The report does not
// depend on it.
func (n *notifier) afterScan(ctx context.Context, quiet bool) {
	if quiet {
		n.stderr = io.Discard
	}
	done, err := n.deliver(ctx, scanWait)
	if err != nil {
		fmt.Fprintf(n.stderr, "litesoc: notify: %v\n", err)
		return
	}
	if done.sent > 0 {
		fmt.Fprintf(n.stderr, "litesoc: told of %s\n", report.Plural(int64(done.sent), "change of an alert", "changes of alerts"))
	}
	if done.later > 0 {
		fmt.Fprintf(n.stderr, "litesoc: %d could not be told yet; 'litesoc notify send' tries again\n", done.later)
	}
}

func notifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "Tell people of alerts: test, list and send what waits",
		Long: `Tell people of alerts. Who is told, and of what, stands under 'notifications' in the
config: a webhook of your own, Slack, Discord, Microsoft Teams, PagerDuty, mail, or
stdout. 'scan --notify' and 'tail' queue what they find and send it; what could not be
sent waits in the database until 'notify send', which may run from cron, tries again.`,
		Example: `  litesoc notify test
  litesoc notify list --state waiting
  litesoc notify send`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(notifyTestCommand(), notifyListCommand(), notifySendCommand())
	return c
}

func configFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
}

func notifyTestCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "test [CHANNEL...]",
		Short: "Send a test message",
		Long: `Send a test message to the channels of the config, or to those that are named, and say
how that went. Quiet hours and filters do not hold. Nothing is kept of it.`,
		Example: `  litesoc notify test
  litesoc notify test on-call`,
		RunE: func(c *cobra.Command, args []string) error { return testChannels(c, file, args) },
	}
	configFlag(c, &file)
	return c
}

func testChannels(c *cobra.Command, file string, names []string) error {
	cfg, err := readConfig(file)
	if err != nil {
		return err
	}
	n, err := newNotifier(c, cfg)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(n.known(), name) {
			return misuse(fmt.Sprintf("the channels are %q", n.known()), "notify test: no channel %q", name)
		}
	}
	bad := 0
	for _, ch := range n.channels {
		if len(names) > 0 && !slices.Contains(names, ch.Name) {
			continue
		}
		m := notify.TestMessage(ch.Name, n.now().UTC())
		if err := ch.Send(c.Context(), &m); err != nil {
			bad++
			fmt.Fprintf(c.ErrOrStderr(), "litesoc: notify %s: %v\n", report.Show(ch.Name), err)
			continue
		}
		fmt.Fprintf(c.ErrOrStderr(), "litesoc: notify %s: sent\n", report.Show(ch.Name))
	}
	if bad > 0 {
		return failed(fmt.Errorf("notify test: %d of the messages could not be sent", bad), "")
	}
	return nil
}

func notifyListCommand() *cobra.Command {
	var db, state, output string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List what is to be told, and what was",
		Long: `List what is to be told and what was told of alerts, the latest last: waiting, sent,
parked (given up: 'notify send --parked' tries again) and dropped (there was nothing
left to tell).`,
		Example: `  litesoc notify list
  litesoc notify list --state parked --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listNotifications(c, db, state, output, limit) },
	}
	dbFlag(c, &db)
	flags := c.Flags()
	flags.StringVar(&state, "state", "", "only of this `state`: waiting, sent, parked, dropped")
	flags.IntVar(&limit, "limit", 100, "the latest `n`; 0 for all")
	flags.StringVarP(&output, "output", "o", "table", "`FORMAT`: table, json, csv or ndjson")
	return c
}

func listNotifications(c *cobra.Command, db, state, output string, limit int) error {
	write, ok := tables[output]
	if !ok {
		return misuse("", "--output %q: the formats are table, json, csv, ndjson", output)
	}
	if limit < 0 {
		return misuse("", "--limit %d is less than 0", limit)
	}
	w := &filter{}
	if state != "" {
		if states := []string{"waiting", "sent", "parked", "dropped"}; !slices.Contains(states, state) {
			return misuse("", "--state %q: the states are waiting, sent, parked, dropped", state)
		}
		w.add("state = ?", state)
	}
	q, err := openQuery(db)
	if err != nil {
		return err
	}
	defer q.Close()
	query := `select id, channel, change, alert_id, state, queued_at, due, attempts, sent_at, last_error from notifications
		where ` + w.String() + ` order by queued_at desc, rowid desc`
	if limit > 0 {
		query += fmt.Sprintf(" limit %d", limit)
	}
	var names []string
	var rows [][]any
	err = q.Run(c.Context(), query, func(columns []string) error { names = columns; return nil },
		func(values []any) error { rows = append(rows, values); return nil }, w.args...)
	if err != nil {
		return failed(fmt.Errorf("notify list: %s", showLines(err.Error())), "")
	}
	out := c.OutOrStdout()
	if isTerminal(out) {
		out = visible{out}
	}
	t := write(out)
	if err := t.columns(names); err != nil {
		return err
	}
	for _, row := range slices.Backward(rows) {
		if err := t.row(row); err != nil {
			return err
		}
	}
	return t.end()
}

func notifySendCommand() *cobra.Command {
	var db, file string
	var wait time.Duration
	var unpark bool
	c := &cobra.Command{
		Use:   "send",
		Short: "Send what waits",
		Long: `Send what waits and is due, and what people have done with alerts since they were told
of them. What is held by quiet hours or a digest waits on. It may run from cron.

Exit status: 0 all that is due was sent, 1 some could not be.`,
		Example: `  litesoc notify send
  litesoc notify send --wait 5m --parked`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sendWaiting(c, db, file, wait, unpark) },
	}
	dbFlag(c, &db)
	configFlag(c, &file)
	c.Flags().DurationVar(&wait, "wait", 0, "how long to wait for what is due again soon")
	c.Flags().BoolVar(&unpark, "parked", false, "also what was given up")
	return c
}

func sendWaiting(c *cobra.Command, db, file string, wait time.Duration, unpark bool) error {
	cfg, err := readConfig(file)
	if err != nil {
		return err
	}
	n, err := newNotifier(c, cfg)
	if err != nil {
		return err
	}
	if _, err := os.Stat(db); err != nil {
		return failed(fmt.Errorf("database %q: %w", db, store.ErrNoStore), "scan some logs first")
	}
	n.openAt(db)
	if unpark {
		if err := n.turn(c.Context(), func(s *store.Store) error { return s.Unpark(n.now().UTC()) }); err != nil {
			return failed(err, "")
		}
	}
	done, err := n.deliver(c.Context(), wait)
	if err != nil {
		return failed(fmt.Errorf("notify send: %w", err), "")
	}
	fmt.Fprintf(n.stderr, "litesoc: told of %s\n", report.Plural(int64(done.sent), "change of an alert", "changes of alerts"))
	if done.later+done.parked > 0 {
		return failed(fmt.Errorf("notify send: %d could not be told", done.later+done.parked), "'litesoc notify list' says why")
	}
	return nil
}
