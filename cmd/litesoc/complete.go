package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// A completer returns the words that may stand in a place, each with what it means after
// a tab. It reads, never writes, and has nothing to say where something fails.
type completer func(c *cobra.Command) []string

// complete tells the shell what may stand in the flags and arguments of the tool.
func complete(root *cobra.Command) {
	severities := oneOf("info", "low", "medium", "high", "critical")
	flags := map[string]completer{
		"severity": severities,
		"fail-on":  severities,
		"status":   oneOf(report.Open, report.Acknowledged, report.Resolved, report.Dismissed),
		"rule":     ruleNames,
		"detector": detectorNames,
		"incident": idsOf("incidents"),
		"state":    oneOf("waiting", "parked", "sent", "dropped"),
	}
	reports := func(*cobra.Command) []string {
		var all []string
		for _, f := range report.All() {
			all = append(all, f.Name+"\t"+f.Doc)
		}
		return append(all, "parquet=\tthe tables as Parquet files, into a folder")
	}
	forms := func(c *cobra.Command) []string {
		all := []string{"live\tthe alerts, on a terminal", "text\tthe alerts, a line each", "ndjson\tthe alerts, for programs"}
		for _, r := range reports(c) {
			name, doc, _ := strings.Cut(r, "\t")
			all = append(all, strings.TrimSuffix(name, "=")+"=\t"+doc)
		}
		return all
	}
	plans := func(*cobra.Command) []string {
		var all []string
		for _, f := range report.PlanFormats() {
			all = append(all, f.Name+"\t"+f.Doc)
		}
		return all
	}
	rows := oneOf("table", "json", "csv", "ndjson")
	texts := oneOf("text", "json")
	handled := oneOf("text", "table", "json", "csv", "ndjson")
	perCommand := map[string]map[string]completer{
		"litesoc scan":           {"format": logFormats, "output": reports},
		"litesoc tail":           {"format": logFormats, "output": forms},
		"litesoc report":         {"output": reports},
		"litesoc explain":        {"format": logFormats, "output": texts},
		"litesoc init":           {"format": logFormats},
		"litesoc doctor":         {"output": texts},
		"litesoc version":        {"output": texts},
		"litesoc formats":        {"output": texts},
		"litesoc check-url":      {"output": texts},
		"litesoc intel status":   {"output": texts},
		"litesoc audit verify":   {"output": texts},
		"litesoc audit export":   {"output": rows},
		"litesoc alerts list":    {"output": oneOf("table", "json", "csv", "ndjson", "ids")},
		"litesoc alerts show":    {"output": texts},
		"litesoc alerts ack":     {"output": handled},
		"litesoc alerts resolve": {"output": handled, "type": oneOf(resolutions...)},
		"litesoc alerts dismiss": {"output": handled},
		"litesoc alerts reopen":  {"output": handled},
		"litesoc incidents list": {"output": rows},
		"litesoc incidents show": {"output": oneOf("text", "ticket", "json")},
		"litesoc events":         {"output": rows},
		"litesoc routes":         {"output": oneOf("table", "json", "csv", "ndjson", "openapi")},
		"litesoc notify list":    {"output": rows},
		"litesoc allow list":     {"output": rows},
		"litesoc rules list":     {"output": rows},
		"litesoc rules replay":   {"output": rows},
		"litesoc baseline show":  {"output": rows},
		"litesoc sql":            {"format": logFormats, "output": oneOf("table", "json", "csv", "ndjson", "parquet=")},
		"litesoc respond":        {"output": plans},
	}
	arguments := map[string]completer{
		"litesoc formats":        logFormats,
		"litesoc rules show":     ruleNames,
		"litesoc rules replay":   ruleNames,
		"litesoc allow check":    idsOf("alerts"),
		"litesoc explain":        func(c *cobra.Command) []string { return append(idsOf("alerts")(c), detectorNames(c)...) },
		"litesoc incidents show": idsOf("incidents"),
	}
	for _, name := range []string{"show", "ack", "resolve", "dismiss", "reopen"} {
		arguments["litesoc alerts "+name] = idsOf("alerts")
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for name, from := range flags {
			if c.Flags().Lookup(name) != nil {
				c.RegisterFlagCompletionFunc(name, from.complete)
			}
		}
		for name, from := range perCommand[c.CommandPath()] {
			if c.Flags().Lookup(name) != nil {
				c.RegisterFlagCompletionFunc(name, from.complete)
			}
		}
		if from := arguments[c.CommandPath()]; from != nil {
			c.ValidArgsFunction = from.complete
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

func (from completer) complete(c *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
	var fit []string
	for _, word := range from(c) {
		name, _, _ := strings.Cut(word, "\t")
		used := false
		for _, g := range given {
			used = used || g == name
		}
		if strings.HasPrefix(name, begun) && !used {
			fit = append(fit, word)
		}
	}
	return fit, cobra.ShellCompDirectiveNoFileComp
}

func oneOf(all ...string) completer { return func(*cobra.Command) []string { return all } }

// logFormats are the formats of logs. A file may stand there, too; it has to be typed.
func logFormats(*cobra.Command) []string {
	var all []string
	for _, f := range parsers.All() {
		doc, _, _ := strings.Cut(f.Doc, "\n")
		all = append(all, f.Name+"\t"+doc)
	}
	return all
}

func detectorNames(*cobra.Command) []string {
	var all []string
	for _, d := range detect.All() {
		doc, _, _ := strings.Cut(d.Doc, "\n")
		all = append(all, d.Name+"\t"+doc)
	}
	return all
}

// ruleNames are the names of the built-in rules and of those that the config names.
func ruleNames(c *cobra.Command) []string {
	cfg := configOf(c)
	set, _, err := cfg.ruleSet(nil)
	if err != nil {
		if set, _, err = (&config{}).ruleSet(nil); err != nil {
			return nil
		}
	}
	var all []string
	for _, r := range set.Rules {
		all = append(all, r.Name+"\t"+report.ShowShort(r.Title, 60))
	}
	return all
}

// configOf reads the config of a command line that is not finished.
func configOf(c *cobra.Command) *config {
	path := ""
	if f := c.Flags().Lookup("config"); f != nil {
		path = f.Value.String()
	}
	cfg, err := readConfig(path)
	if err != nil {
		return &config{}
	}
	return cfg
}

// Bounds of what is read for a completion: nobody reads more of a list, or waits longer.
const (
	mostIDs        = 100
	completionTime = time.Second
)

// idsOf returns the ids of the newest alerts or incidents in the database, with their titles.
func idsOf(table string) completer {
	return func(c *cobra.Command) []string {
		f := c.Flags().Lookup("db")
		if f == nil {
			return nil
		}
		db := f.Value.String()
		if cfg := configOf(c); cfg.DB != "" && !f.Changed && os.Getenv("LITESOC_DB") == "" {
			db = cfg.DB
		}
		if _, err := os.Stat(db); err != nil {
			return nil
		}
		// One of an earlier version would be changed by being opened.
		if v, err := store.Version(db); err != nil || v != store.SchemaVersion {
			return nil
		}
		q, err := store.OpenQuery(db)
		if err != nil {
			return nil
		}
		defer q.Close()
		ctx, cancel := context.WithTimeout(context.Background(), completionTime)
		defer cancel()
		var all []string
		query := fmt.Sprintf("select id, severity, title from %s order by last_ts desc, id limit %d", table, mostIDs)
		err = q.Run(ctx, query, func([]string) error { return nil }, func(row []any) error {
			all = append(all, fmt.Sprintf("%v\t%v: %s", row[0], row[1], report.ShowShort(fmt.Sprint(row[2]), 60)))
			return nil
		})
		if err != nil {
			return nil
		}
		return all
	}
}
