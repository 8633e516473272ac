package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litesoc/litesoc/detect"
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

// nearest returns the name that a word was most likely meant to be, its beginning or a slip
// of it; "" if none.
func nearest(word string, names []string) string {
	for _, name := range names {
		if len(word) > 2 && strings.HasPrefix(name, word) {
			return name
		}
	}
	return detect.Nearest(word, names)
}
