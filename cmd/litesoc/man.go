package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand writes the manual pages, for whoever packages the tool. They are made of the
// help texts, and hold nothing else.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages",
		Long:    "Write the manual pages into a folder that is there: litesoc.1 and others.",
		Example: "  litesoc man /usr/local/share/man/man1",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			eachCommand(c.Root(), func(of *cobra.Command) {
				name := strings.ReplaceAll(of.CommandPath(), " ", "-") + ".1"
				if err == nil {
					err = writeFile(filepath.Join(args[0], name), manPage(of))
				}
			})
			if err != nil {
				return failed(fmt.Errorf("man: %w", err), "name a folder that is there and can be written to")
			}
			return nil
		},
	}
}

// eachCommand visits a command and those below it, but for hidden ones.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	if c.Hidden || c.Name() == "help" {
		return
	}
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}

// manPage returns the page of a command, in the man macros of roff. It has no date, so that
// the same program has the same pages.
func manPage(c *cobra.Command) []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	p(`.TH "%s" 1 "" "litesoc %s" "litesoc"`, strings.ToUpper(roff(name)), roff(version))
	p(".SH NAME\n%s \\- %s", roff(name), roff(c.Short))
	p(".SH SYNOPSIS\n.B %s", roff(c.UseLine()))
	p(".SH DESCRIPTION")
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	p(".nf\n%s\n.fi", roff(long))
	manFlags(p, "OPTIONS", c.NonInheritedFlags())
	manFlags(p, "COMMON OPTIONS", c.InheritedFlags())
	if c.Example != "" {
		p(".SH EXAMPLES\n.nf\n%s\n.fi", roff(c.Example))
	}
	var others []string
	if c.HasParent() {
		others = append(others, c.Parent().CommandPath())
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			others = append(others, sub.CommandPath())
		}
	}
	for i, other := range others {
		others[i] = fmt.Sprintf(`\fB%s\fP(1)`, roff(strings.ReplaceAll(other, " ", "-")))
	}
	if len(others) > 0 {
		p(".SH SEE ALSO\n%s", strings.Join(others, ", "))
	}
	return b.Bytes()
}

func manFlags(p func(string, ...any), heading string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p(".SH %s", heading)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		head := "--" + f.Name
		if f.Shorthand != "" {
			head = "-" + f.Shorthand + ", " + head
		}
		p(".TP\n\\fB%s\\fP %s\n%s", roff(head), roff(value), roff(usage))
	})
}

// roffControl is what roff takes for a request at the beginning of a line.
var roffControl = regexp.MustCompile(`(?m)^([.'])`)

// roff writes text so that it stands in a page as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	return roffControl.ReplaceAllString(text, `\&$1`)
}
