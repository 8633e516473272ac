package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litesoc/litesoc/detect"
)

var (
	unknownCommand = regexp.MustCompile(`^unknown command "(.*)" for "(.*)"`)
	unknownFlag    = regexp.MustCompile(`^unknown flag: --([^=]*)`)
	wrongNumber    = regexp.MustCompile(`^(?:accepts|requires) .*\barg\(s\),.* received (\d+)$`)
)

// flagTakes says what a flag takes, by the type of its value.
var flagTakes = map[string]string{
	"int": "a whole number", "int64": "a whole number", "float64": "a number", "bool": "true or false", "duration": "a time such as 90s, 15m or 2h",
}

// plainly says in our words, with what is wanted, what cobra says of the value of a flag and of
// the number of arguments.
func plainly(c *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		if want := flagTakes[bad.GetFlag().Value.Type()]; want != "" {
			return fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
		}
	}
	name := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
	if m := wrongNumber.FindStringSubmatch(err.Error()); m != nil {
		_, wants, _ := strings.Cut(c.Use, " ")
		wants = strings.Trim(wants, "[]")
		given := m[1] + " arguments are"
		switch m[1] {
		case "0":
			given = "none is"
		case "1":
			given = "1 argument is"
		}
		return fmt.Errorf("%s: %s is wanted, %s given", name, wants, given)
	}
	if m := unknownCommand.FindStringSubmatch(err.Error()); m != nil && !c.HasSubCommands() {
		return fmt.Errorf("%s: no argument is wanted, %q is given", name, m[1])
	}
	return err
}

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
	if m := wrongNumber.FindStringSubmatch(err.Error()); m != nil && m[1] > "1" {
		return "put what has blanks in it in quotes; see '" + c.CommandPath() + " --help'"
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
