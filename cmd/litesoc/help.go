package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is how wide help is, for every terminal.
const helpWidth = 80

// layHelp lays the help of a command and those below it out: long texts are broken anew,
// and so are those of flags.
func layHelp(root *cobra.Command) {
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", helpWidth)))
	eachCommand(root, func(c *cobra.Command) { c.Long = reflow(c.Long, helpWidth) })
}

// listed is a line of a list: an indent or a hyphen, a word, and what is said of it.
var listed = regexp.MustCompile(`^(?: +|- )(?:\S.*?  +)?`)

// reflow breaks the lines of a text anew. A line that is listed begins anew, and goes on below
// what is said in it.
func reflow(text string, width int) string {
	var out []string
	var line strings.Builder
	indent := ""
	end := func() {
		if line.Len() > 0 {
			out = append(out, line.String())
		}
		line.Reset()
	}
	for _, given := range strings.Split(text, "\n") {
		head := listed.FindString(given)
		if given == "" || head != "" {
			end()
			indent = strings.Repeat(" ", len(head))
			line.WriteString(head)
		} else if indent != "" {
			end()
			indent = ""
		}
		if given == "" {
			out = append(out, "")
			continue
		}
		fresh := head != "" || line.Len() == 0
		for word := range strings.FieldsSeq(given[len(head):]) {
			if !fresh && line.Len()+1+len(word) > width {
				end()
				line.WriteString(indent)
				fresh = true
			}
			if !fresh {
				line.WriteByte(' ')
			}
			line.WriteString(word)
			fresh = false
		}
	}
	end()
	return strings.Join(out, "\n")
}
