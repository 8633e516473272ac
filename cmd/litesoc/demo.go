package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// demoFolder is where the demo is made if no folder is named.
const demoFolder = "litesoc-demo"

// demoConfig holds the facts of the demo's site.
const demoConfig = `# The facts of the demo's site. 'litesoc init' writes such a file for a log of yours.
admin_routes: [/api/v1/admin, /api/v1/api-keys, /api/v1/audit]
business_hours: Mon-Fri 07:00-20:00 Europe/Berlin
tenant_parameters: [org_id]
`

func demoCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Make a sample log with attacks in it, and scan it",
		Long: `Make a sample log in DIR (default ` + demoFolder + `), scan it into a database there and print
the report and what to try next. The log is made up: two days of a small SaaS, JSON
lines, with the attacks of the guide on the second day: a stolen API key, enumeration,
tampering with tenants and roles, bulk scraping, a replayed token and SSRF, and a
password that is guessed. It is the same whenever it is made.

Addresses are those reserved for documentation, of which no place is known. A replayed token
is told by where it is used: its owner and its thief have addresses of two countries, the
first ones of large networks, which no machine has.`,
		Example: `  litesoc demo
  litesoc demo /tmp/look`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := demoFolder
			if len(args) == 1 {
				dir = args[0]
			}
			return demo(c, dir)
		},
	}
	return c
}

func demo(c *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return failed(fmt.Errorf("demo: %w", err), "")
	}
	log, config, db := filepath.Join(dir, "access.log"), filepath.Join(dir, configName), filepath.Join(dir, defaultDB)
	for path, content := range map[string][]byte{log: demoAccessLog(), config: []byte(demoConfig)} {
		if err := writeOnce(path, content); err != nil {
			return err
		}
	}
	sub := scanCommand()
	sub.SilenceErrors, sub.SilenceUsage = true, true
	sub.SetArgs([]string{"--config", config, "--db", db, log})
	sub.SetOut(c.OutOrStdout())
	sub.SetErr(c.ErrOrStderr())
	if err := sub.ExecuteContext(c.Context()); err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), `
TRY NEXT, in %s:
  litesoc alerts list                                  what there is to decide on
  litesoc explain "$(litesoc alerts list -o ids | head -1)"   why the worst alert fired, step by step
  litesoc sql "select client_ip, user_agent, count(*) as n from requests where user_id = 'lena@umbra.example' group by all"
  litesoc respond                                      what to block, revoke and reset
  litesoc report -o html=report.html                   all of it, in a browser
Then scan a log of your own: litesoc scan access.log
`, dir)
	return nil
}

// writeOnce writes a file, or finds that it is there already. What else is there stays.
func writeOnce(path string, content []byte) error {
	there, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(there, content):
		return nil
	case err == nil:
		return failed(fmt.Errorf("demo: %s is there already, and is another", path), "name a folder for the demo: litesoc demo DIR")
	case !errors.Is(err, fs.ErrNotExist):
		return failed(fmt.Errorf("demo: %w", err), "")
	}
	if err := writeFile(path, content); err != nil {
		return failed(fmt.Errorf("demo: %w", err), "")
	}
	return nil
}
