package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers/geo"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/store"
)

// version and committed are set by the build; committed is when its sources were, in
// seconds since 1970. Nothing in a binary says when it was built.
var (
	version   = "dev"
	committed = ""
)

// sourcesAsOf returns when the sources were committed, or "".
func sourcesAsOf() string {
	seconds, err := strconv.ParseInt(committed, 10, 64)
	if err != nil {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

func versionCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version of litesoc, Go and DuckDB",
		Long: `Print the version of litesoc, of Go and of the DuckDB that is built in, and where the
countries of addresses come from.`,
		Example: `  litesoc version
  litesoc version --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return misuse("", "--output %q: the formats are text, json", output)
			}
			duckdb := store.DuckDBVersion()
			if output == "json" {
				return json.NewEncoder(c.OutOrStdout()).Encode(struct {
					Version string `json:"version"`
					Go      string `json:"go"`
					DuckDB  string `json:"duckdb"`
					Geo     string `json:"geo"`
					Sources string `json:"sources,omitempty"`
				}{version, runtime.Version(), duckdb, geo.Attribution, sourcesAsOf()})
			}
			of := version
			if at := sourcesAsOf(); at != "" {
				of += " of " + at
			}
			fmt.Fprintf(c.OutOrStdout(), "litesoc %s (%s, DuckDB %s, %s/%s)\n", of, runtime.Version(), duckdb, runtime.GOOS, runtime.GOARCH)
			fmt.Fprintln(c.OutOrStdout(), strings.Join(report.Wrap(geo.Attribution+".", helpWidth), "\n"))
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text or json")
	jsonFlag(c, &output)
	return c
}
