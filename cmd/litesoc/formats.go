package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers"
)

func formatsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "formats [NAME]",
		Short: "List the log formats litesoc reads, or describe one",
		Long: `List the log formats litesoc reads, or describe one with sample lines.

A scan tells the format by the first lines of each log. --format of scan and
explain takes a name from this list, an nginx log_format string, or the path of
an nginx.conf to read it from.`,
		Example: `  litesoc formats
  litesoc formats aws-alb`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			out := c.OutOrStdout()
			if len(args) == 1 {
				f := parsers.ByName(args[0])
				if f == nil {
					return misuse("'litesoc formats' lists them", "no format %q", args[0])
				}
				fmt.Fprintf(out, "%s: %s\n", f.Name, f.Doc)
				for _, s := range f.Samples {
					fmt.Fprintf(out, "\n  %s\n", s)
				}
				return nil
			}
			if asJSON {
				type row struct {
					Name    string   `json:"name"`
					Doc     string   `json:"doc"`
					Samples []string `json:"samples"`
				}
				var rows []row
				for _, f := range parsers.All() {
					rows = append(rows, row{f.Name, f.Doc, f.Samples})
				}
				enc := json.NewEncoder(out)
				enc.SetEscapeHTML(false)
				return enc.Encode(rows)
			}
			w := tabwriter.NewWriter(out, 0, 8, 3, ' ', 0)
			for _, f := range parsers.All() {
				first, _, _ := strings.Cut(f.Doc, "\n")
				fmt.Fprintf(w, "%s\t%s\n", f.Name, first)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}
