package main

import (
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/report"
)

// listFlags are those of the lists of alerts and of incidents.
type listFlags struct {
	db, since, until, actor, ip, severity, status, output string
	limit                                                 int
}

// add adds the flags to a command that writes the given formats.
func (f *listFlags) add(c *cobra.Command, formats string) {
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.since, "since", "", "only those that went on at or after this `time`: "+timeHint)
	flags.StringVar(&f.until, "until", "", "only those that began before this `time`")
	flags.StringVar(&f.actor, "actor", "", "only of this `actor`: a user, key, token, session or address")
	flags.StringVar(&f.ip, "ip", "", "only from this `address` or network")
	flags.StringVar(&f.severity, "severity", "", "only of this `severity` or above: info, low, medium, high, critical")
	flags.StringVar(&f.status, "status", "", "only of this `status`: open, acknowledged, resolved, dismissed")
	flags.IntVar(&f.limit, "limit", 100, "the first `n`; 0 for all")
	flags.StringVarP(&f.output, "output", "o", "table", "`FORMAT[=FILE]`: "+formats)
}

// check refuses what makes no sense, and returns the least severity and the network that
// were asked for.
func (f *listFlags) check() (least detect.Severity, network netip.Prefix, err error) {
	if f.limit < 0 {
		return 0, network, misuse("", "--limit %d is less than 0", f.limit)
	}
	if f.severity != "" {
		if least, err = detect.ParseSeverity(f.severity); err != nil {
			return 0, network, misuse("", "--severity: %w", err)
		}
	}
	if f.status != "" && !slices.Contains([]string{report.Open, report.Acknowledged, report.Resolved, report.Dismissed}, f.status) {
		return 0, network, misuse("", "--status %q: it is open, acknowledged, resolved or dismissed", f.status)
	}
	if f.ip != "" {
		if network, err = parseNetwork(f.ip); err != nil {
			return 0, network, misuse("", "--ip %q: neither an address nor a network such as 203.0.113.0/24", f.ip)
		}
	}
	return least, network, nil
}
