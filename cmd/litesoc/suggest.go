package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var (
	unknownCommand = regexp.MustCompile(`^unknown command "(.*)" for "(.*)"`)
	unknownFlag    = regexp.MustCompile(`^unknown flag: --([^=]*)`)
)

// suggestion says what may have been meant where cobra does not know a command or a flag.
func suggestion(c *cobra.Command, err error) string {
	if m := unknownCommand.FindStringSubmatch(err.Error()); m != nil {
		var names []string
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				names = append(names, sub.Name())
			}
		}
		if name := nearest(m[1], names); name != "" {
			return "did you mean '" + c.CommandPath() + " " + name + "'?"
		}
	}
	if m := unknownFlag.FindStringSubmatch(err.Error()); m != nil {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if name := nearest(m[1], names); name != "" {
			return "did you mean --" + name + "?"
		}
	}
	if c.HasParent() {
		return "see '" + c.CommandPath() + " --help'"
	}
	return "see 'litesoc help'"
}

// nearest returns the name that a word was most likely meant to be, or "".
func nearest(word string, names []string) string {
	const mostTyped = 64 // nobody means a name by more
	if len(word) > mostTyped {
		return ""
	}
	best, least := "", len(word)/3+2
	for _, name := range names {
		d := changes(strings.ToLower(word), name)
		if len(word) > 2 && strings.HasPrefix(name, word) {
			d = 1
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// changes counts the letters to put in, take out or change that make b of a.
func changes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := min(row[j], row[j+1]) + 1
			if a[i] == b[j] {
				d = min(d, corner)
			} else {
				d = min(d, corner+1)
			}
			corner, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
