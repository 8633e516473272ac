package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/source"
	"github.com/litesoc/litesoc/report"
)

func formatsCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "formats [NAME]",
		Short: "List the log formats litesoc reads, or describe one",
		Long: `List the log formats litesoc reads, or describe one with sample lines.

A scan tells the format by the first lines of each log. What none of these reads
is read by its columns, if the first lines show what they hold. --format of scan and
explain takes a name from this list, an nginx log_format or Apache LogFormat
string, or the path of an nginx.conf to read it from.`,
		Example: `  litesoc formats
  litesoc formats aws-alb
  litesoc formats --output json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if output != "text" && output != "json" {
				return misuse("", "--output %q: the formats are text, json", output)
			}
			out := c.OutOrStdout()
			all := parsers.All()
			if len(args) == 1 {
				f := parsers.ByName(args[0])
				if f == nil {
					return misuse("'litesoc formats' lists them", "no format %q%s", args[0], meant(args[0], formatsOfLogs()))
				}
				all = []*parsers.Format{f}
			}
			switch {
			case output == "json":
				type row struct {
					Name    string   `json:"name"`
					Doc     string   `json:"doc"`
					Samples []string `json:"samples"`
				}
				var rows []row
				for _, f := range all {
					rows = append(rows, row{f.Name, f.Doc, f.Samples})
				}
				enc := json.NewEncoder(out)
				enc.SetEscapeHTML(false)
				return enc.Encode(rows)
			case len(args) == 1:
				for i, part := range strings.Split(all[0].Name+": "+all[0].Doc, "\n\n") {
					if i > 0 {
						fmt.Fprintln(out)
					}
					if !strings.HasPrefix(part, " ") { // nor a line of the log, which is broken nowhere
						part = reflow(part, helpWidth)
					}
					fmt.Fprintln(out, part)
				}
				for _, s := range all[0].Samples {
					fmt.Fprintf(out, "\n  %s\n", s)
				}
				return nil
			}
			longest := 0
			for _, f := range all {
				longest = max(longest, len(f.Name))
			}
			for _, f := range all {
				first, _, _ := strings.Cut(f.Doc, "\n")
				if err := beside(out, fmt.Sprintf("%-*s   ", longest, f.Name), first); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text or json")
	jsonFlag(c, &output)
	c.AddCommand(detectCommand())
	return c
}

// formatsOfLogs are the names of the formats of logs.
func formatsOfLogs() []string {
	var names []string
	for _, f := range parsers.All() {
		names = append(names, f.Name)
	}
	return names
}

// jsonFlag adds --json to a command, which is --output json in a word.
func jsonFlag(c *cobra.Command, output *string) {
	c.Flags().BoolFunc("json", "the same as --output json", func(text string) error {
		on, err := strconv.ParseBool(text)
		if on {
			*output = "json"
		}
		return err
	})
}

func detectCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "detect FILE...",
		Short: "Tell which format a log is in, and how sure that is",
		Long: `Tell which format a log is in by its first lines, as scan does, and how many of
them it reads. For a JSON log the keys that hold what litesoc looks for are shown
as config to paste into litesoc.yaml and to correct.`,
		Example: `  litesoc formats detect access.log`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("litesoc formats detect access.log", "formats detect: no file given")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := readConfig(config)
			if err != nil {
				return err
			}
			formats, err := cfg.formats("")
			if err != nil {
				return err
			}
			return detectFormats(c, formats, args)
		},
	}
	c.Flags().StringVar(&config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	return c
}

func detectFormats(c *cobra.Command, formats []*parsers.Format, args []string) error {
	out := c.OutOrStdout()
	files, failures := source.Find(args, c.InOrStdin())
	unknown := len(failures)
	hint := ""
	if len(files) > 0 {
		hint = "give the format with --format; keys of a JSON log can be named in litesoc.yaml"
	}
	for _, f := range failures {
		fmt.Fprintf(out, "%s: %s\n", report.Show(f.Path), report.Show(f.Err.Error()))
	}
	for _, f := range files {
		lines, err := source.Sample(f)
		if err != nil {
			unknown++
			fmt.Fprintf(out, "%s: %s\n", report.Show(f.Path), report.Show(err.Error()))
			continue
		}
		guess, ok := parsers.Guess(formats, lines)
		reads := fmt.Sprintf("%d of %s", guess.Parsed, guess.Lines())
		if guess.Skipped > 0 {
			reads += fmt.Sprintf(", %d more are headers or no requests", guess.Skipped)
		}
		switch {
		case ok && guess.Columns() != "":
			fmt.Fprintf(out, "%s: no known format; %d of %s are read as %s\n", report.Show(f.Path), guess.Parsed, guess.Lines(), report.Show(guess.Columns()))
		case ok:
			fmt.Fprintf(out, "%s: %s reads %s\n", report.Show(f.Path), guess.Format.Name, reads)
		case guess.Parsed > 0:
			unknown++
			fmt.Fprintf(out, "%s: no known format; %s, which comes nearest, reads %s\n", report.Show(f.Path), guess.Format.Name, reads)
		case guess.Timeless > 0:
			unknown++
			hint = "let the log have the time of each request, or what runs the server put it before each line: 'docker logs --timestamps', 'journalctl --output short-iso', rsyslog's RSYSLOG_FileFormat"
			fmt.Fprintf(out, "%s: %s reads all but a time, missing in %d of %s\n",
				report.Show(f.Path), guess.Format.Name, guess.Timeless, guess.Lines())
		case guess.Skipped > 0:
			unknown++
			fmt.Fprintf(out, "%s: no request; %s skips %d of %s\n", report.Show(f.Path), guess.Format.Name, guess.Skipped, guess.Lines())
		default:
			unknown++
			if what, instead := parsers.Other(lines); what != "" {
				hint = instead
				fmt.Fprintf(out, "%s: no access log: %s\n", report.Show(f.Path), what)
				continue
			}
			if lacks := parsers.Lacks(lines); len(lacks) > 0 {
				hint = source.LackHint
				fmt.Fprintf(out, "%s: no known format, and what seem to be requests lack %s\n", report.Show(f.Path), strings.Join(lacks, ", "))
				continue
			}
			fmt.Fprintf(out, "%s: no known format\n", report.Show(f.Path))
		}
		if fields, keys := parsers.GuessJSON(lines); len(fields.Fields) > 0 && (!ok || guess.Format.Name == "json") {
			printKeys(out, keys)
		}
	}
	if unknown > 0 {
		return &statusError{status: exitFailed, hint: hint}
	}
	return nil
}

// printKeys prints which key of a JSON log holds which field, as config.
func printKeys(w io.Writer, keys []parsers.JSONKey) {
	fmt.Fprintf(w, "json_fields:\n")
	for _, k := range keys {
		how := ""
		if k.ByContent {
			how = ", by what it holds"
		}
		fmt.Fprintf(w, "  %s: %q   # in %d of %d lines%s\n", k.Field, report.Show(k.Key), k.Lines, k.Of, how)
	}
}
