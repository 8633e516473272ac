package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

func checkURLCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "check-url URL...",
		Short: "Tell where a URL aims: at the internet or inside (SSRF)",
		Long: `Tell where a URL aims, as the HTTP client of a server would read it, and why.

The verdict is public, inside (loopback, private, link-local, cloud metadata, …, in
any spelling of the address), not-http (file, gopher, …) or invalid. Names are not
looked up: a public name may still resolve to an address inside, and a public host
may redirect there. For - the URLs are read from standard input, one a line.

Exit status: 0 all are public, 2 misuse, 3 one is not.`,
		Example: `  litesoc check-url https://hooks.example.com/in
  litesoc check-url http://2130706433/ 'http://[::ffff:169.254.169.254]/'
  litesoc check-url --output json - < webhooks.txt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("litesoc check-url http://127.1/", "check-url: no URL given")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			write, ok := verdictWriters[format]
			if !ok {
				return misuse("", "--output %q: the formats are text, json", format)
			}
			verdicts, err := checkURLs(args, c.InOrStdin())
			if err != nil {
				return failed(err, "")
			}
			if err := write(c.OutOrStdout(), verdicts); err != nil {
				return failed(err, "")
			}
			for _, v := range verdicts {
				if v.Target != detect.TargetPublic {
					return &statusError{status: exitFound}
				}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "text", "`FORMAT`: text or json")
	return c
}

// A urlVerdict is a URL and where it aims.
type urlVerdict struct {
	URL string `json:"url"`
	detect.Verdict
}

// checkURLs judges the URLs that are given, and for "-" those that stdin holds, one a
// line.
func checkURLs(args []string, stdin io.Reader) ([]urlVerdict, error) {
	verdicts := []urlVerdict{}
	for _, arg := range args {
		if arg != "-" {
			verdicts = append(verdicts, urlVerdict{arg, detect.CheckURL(arg)})
			continue
		}
		lines := bufio.NewScanner(stdin)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if url := lines.Text(); url != "" {
				verdicts = append(verdicts, urlVerdict{url, detect.CheckURL(url)})
			}
		}
		if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
			return nil, errors.New("check-url: standard input: a line is longer than 1 MiB")
		} else if err != nil {
			return nil, fmt.Errorf("check-url: standard input: %w", err)
		}
	}
	return verdicts, nil
}

// verdictWriters are the ways to write verdicts, by format.
var verdictWriters = map[string]func(io.Writer, []urlVerdict) error{
	"text": func(w io.Writer, verdicts []urlVerdict) error {
		for _, v := range verdicts {
			if _, err := fmt.Fprintf(w, "%-8s  %s\n          %s\n", v.Target, report.Show(v.URL), report.Show(v.Reason)); err != nil {
				return err
			}
		}
		return nil
	},
	"json": func(w io.Writer, verdicts []urlVerdict) error {
		text, err := report.EncodeJSON(verdicts)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", text)
		return err
	},
}
