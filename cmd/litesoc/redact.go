package main

import (
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/report"
)

// redactFlags say whether reports are for others to see.
type redactFlags struct {
	on  bool
	key string
}

func (f *redactFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.on, "redact", false, "put pseudonyms in the place of addresses, users, keys, tenants, hosts and ids, the same for the same all over the report")
	c.Flags().StringVar(&f.key, "redact-key", "", "`secret` that the pseudonyms are made with, so that they are the same in the next report (default: another each time)")
}

func (f *redactFlags) check() error {
	if f.key != "" && !f.on {
		return misuse("give both, or none", "--redact-key is for --redact")
	}
	return nil
}

// apply redacts the report if that is asked for.
func (f *redactFlags) apply(r *report.Report) {
	if !f.on {
		return
	}
	key := []byte(f.key)
	if f.key == "" {
		key = []byte(rand.Text())
	}
	r.Redact(key)
}
