package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers/geo"
	"github.com/litesoc/litesoc/report"
)

// defaultIntel is the folder of imported lists and databases.
func defaultIntel() string {
	if dir := os.Getenv("LITESOC_INTEL"); dir != "" {
		return dir
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "" // no home: --intel must tell
	}
	return filepath.Join(config, "litesoc", "intel")
}

// intelFlag adds --intel to a command.
func intelFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "intel", "", "`folder` of imported lists and databases (default: litesoc/intel in your config folder; also LITESOC_INTEL)")
}

// intelFolder returns the folder that --intel names, or the usual one.
func intelFolder(flag string) (string, error) {
	if dir := cmp.Or(flag, defaultIntel()); dir != "" {
		return dir, nil
	}
	return "", misuse("give one with --intel", "intel: no folder to keep lists in: there is no home folder")
}

func intelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "intel",
		Short: "Import lists of Tor, VPNs, clouds and places, and show them",
		Long: `Import what tells more of an address than its country: lists of Tor exits, VPNs,
relays, clouds, datacenters and crawlers, and mmdb files of places and networks.

The country of every address is known without. What there is no list for is not
checked, and reports say so. Nothing is fetched unless 'intel update' is run.

` + geo.Attribution + `.`,
		Example: `  litesoc intel status
  litesoc intel import GeoLite2-City.mmdb vpn-ipv4.txt
  litesoc intel update --source tor`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(intelImportCommand(), intelStatusCommand(), intelUpdateCommand())
	return c
}

func intelImportCommand() *cobra.Command {
	var dir, kind string
	c := &cobra.Command{
		Use:   "import FILE|DIR...",
		Short: "Copy lists and mmdb files to where scan finds them",
		Long: `Copy lists and mmdb files to where scan finds them. A file that is imported again
under the same name takes the place of the former.

A list has an address, a prefix or asn:NUMBER a line, or is a table with a column of
them, or Tor's exit-addresses. Its kind is guessed from its name ("vpn-ipv4.txt",
"cloud-amazon-ipv6.txt", "googlebot/ipv4.txt") and its first lines, or given.
An mmdb file may be MaxMind's (GeoLite2 and GeoIP2 City, Country, ASN, ISP,
Anonymous), DB-IP's or IPinfo's, or have the keys of one of them; all of it is read
once to see that it is whole. Of a folder, everything below it is taken that by its
name is a list or a database.`,
		Example: `  litesoc intel import GeoLite2-City.mmdb GeoLite2-ASN.mmdb
  litesoc intel import --kind tor exits.txt
  litesoc intel import lists/`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("litesoc intel import vpn-ipv4.txt", "intel import: no file given")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			i := importer{out: c.OutOrStdout(), stderr: c.ErrOrStderr(), now: time.Now()}
			var err error
			if i.dir, err = intelFolder(dir); err != nil {
				return err
			}
			if kind != "" {
				if i.kind, err = geo.ParseKind(kind); err != nil {
					return misuse("", "--kind: %w", err)
				}
			}
			return i.run(args)
		},
	}
	intelFlag(c, &dir)
	c.Flags().StringVar(&kind, "kind", "", "`kind` of the lists: "+geo.Kinds+" (default: guessed)")
	return c
}

// An importer copies files into the intel folder.
type importer struct {
	dir         string
	kind        geo.Kind // "": guessed
	out, stderr io.Writer
	now         time.Time
}

func (i *importer) run(args []string) error {
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return failed(fmt.Errorf("intel: %w", err), "")
	}
	taken, broken := 0, 0
	take := func(path string) {
		line, err := i.take(path)
		if err != nil {
			broken++
			fmt.Fprintf(i.stderr, "litesoc: intel import: %s\n", report.Show(err.Error()))
			return
		}
		taken++
		fmt.Fprintf(i.out, "%s: %s\n", report.Show(path), line)
	}
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", path, pathless(err))
			case d.IsDir():
				return nil
			case path == arg, d.Type().IsRegular() && (geo.IsList(path) || geo.IsDatabase(path)):
				take(path)
			}
			return nil
		})
		if err != nil {
			broken++
			fmt.Fprintf(i.stderr, "litesoc: intel import: %s\n", report.Show(err.Error()))
		}
	}
	switch {
	case broken > 0:
		return &statusError{status: exitFailed, hint: "what is no list or database was not taken; --kind says what a list is of"}
	case taken == 0:
		return failed(errors.New("intel import: no list and no database found"), "name a file, whatever it is called")
	}
	return nil
}

// take imports one file and says what it is.
func (i *importer) take(path string) (string, error) {
	if geo.IsDatabase(path) {
		return i.takeDatabase(path)
	}
	l, err := geo.ReadListFile(path)
	if err != nil {
		return "", err
	}
	l.Kind = cmp.Or(i.kind, l.Kind)
	if l.Kind == "" {
		return "", fmt.Errorf("%s: of which kind? Give --kind: %s", path, geo.Kinds)
	}
	return i.keep(l, listName(filepath.Base(path), l.Kind))
}

// keep writes a list into the folder and says what it is.
func (i *importer) keep(l *geo.List, name string) (string, error) {
	var b bytes.Buffer
	if _, err := l.WriteTo(&b); err != nil {
		return "", err
	}
	to := filepath.Join(i.dir, name)
	_, err := os.Stat(to)
	replaced := err == nil
	if err := writeFile(to, b.Bytes()); err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s, %s, as of %s (%s)", l.Kind, sizeOf(len(l.Prefixes), len(l.Networks)), l.Date.Format(time.DateOnly), age(i.now, l.Date))
	if l.Reserved > 0 {
		line += fmt.Sprintf(", %d reserved left out", l.Reserved)
	}
	if l.Licence != "" {
		line += ", licence: " + report.Show(l.Licence)
	}
	if replaced {
		line += ", replaces " + name
	}
	return line, nil
}

func (i *importer) takeDatabase(path string) (string, error) {
	s, err := geo.CheckDatabase(path)
	if err != nil {
		return "", err
	}
	name := slug(s.Type) + ".mmdb"
	to := filepath.Join(i.dir, name)
	_, err = os.Stat(to)
	replaced := err == nil
	if err := copyFile(to, path); err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s (%s), as of %s (%s)", s.Kind, report.Show(s.Type), s.Date.Format(time.DateOnly), age(i.now, s.Date))
	if s.Licence != "" {
		line += ", licence: " + s.Licence
	}
	if replaced {
		line += ", replaces " + name
	}
	return line, nil
}

// copyFile copies a file whole or not at all.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return replaceFile(to, func(tmp *os.File) error {
		_, err := io.Copy(tmp, in)
		return err
	})
}

// listName is what a list is called in the folder: as before if that tells its kind.
func listName(base string, kind geo.Kind) string {
	name := slug(strings.TrimSuffix(base, filepath.Ext(base))) + ".txt"
	if geo.KindOf(name) != kind {
		name = string(kind) + "-" + name
	}
	return name
}

// slug returns s as part of a file name.
func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, s)
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return cmp.Or(strings.Trim(s[:min(len(s), 64)], "-"), "list")
}

// sizeOf says how much a list holds.
func sizeOf(prefixes, networks int) string {
	var parts []string
	for _, n := range []struct {
		count int
		one   string
		many  string
	}{{prefixes, "prefix", "prefixes"}, {networks, "network", "networks"}} {
		switch n.count {
		case 0:
		case 1:
			parts = append(parts, "1 "+n.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n.count, n.many))
		}
	}
	return strings.Join(parts, " and ")
}

// age says how many days have gone by.
func age(now, since time.Time) string {
	switch days := int(now.Sub(since).Hours() / 24); {
	case days <= 0:
		return "today"
	case days == 1:
		return "1 day old"
	default:
		return fmt.Sprintf("%d days old", days)
	}
}

func intelStatusCommand() *cobra.Command {
	var dir, format string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what is known of addresses, how old it is, what is not",
		Long: `Show what is known of addresses, how old it is, and what is not checked.

mmdb files are also found in ` + strings.Join(geo.Directories(), " and ") + `.`,
		Example: `  litesoc intel status
  litesoc intel status --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return misuse("", "--output %q: the formats are text, json", format)
			}
			dir, err := intelFolder(dir)
			if err != nil {
				return err
			}
			db, broken := geo.Open(geo.Config{Intel: dir, Directories: geo.Directories()})
			defer func() { db.Close() }() // what is broken is left out: the rest is of use
			write := writeStatus
			if format == "json" {
				write = writeStatusJSON
			}
			if err := write(c.OutOrStdout(), db, dir, time.Now()); err != nil {
				return failed(err, "")
			}
			for _, err := range db.Skipped() {
				fmt.Fprintf(c.ErrOrStderr(), "litesoc: not used: %s\n", report.Show(err.Error()))
			}
			if broken != nil {
				return failed(fmt.Errorf("intel: %w", broken), "import the file again, or remove it")
			}
			return nil
		},
	}
	intelFlag(c, &dir)
	c.Flags().StringVarP(&format, "output", "o", "text", "`format`, text or json")
	return c
}

func writeStatus(w io.Writer, db *geo.DB, dir string, now time.Time) error {
	fmt.Fprintf(w, "Imported files are in %s\n\n", report.Show(dir))
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tNAME\tHOLDS\tDATE\tAGE")
	for _, s := range db.Sources() {
		holds := report.Show(s.Type)
		if s.Prefixes+s.Networks > 0 {
			holds = sizeOf(s.Prefixes, s.Networks)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Kind, report.Show(s.Name), holds, s.Date.Format(time.DateOnly), age(now, s.Date))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if not := db.NotChecked(); len(not) > 0 {
		fmt.Fprintf(w, "\nNot there:\n  %s\n", strings.Join(not, "\n  "))
	}
	var licences []string
	for _, s := range db.Sources() {
		if s.Licence != "" && !slices.Contains(licences, report.Show(s.Licence)) {
			licences = append(licences, report.Show(s.Licence))
		}
	}
	var lines []string
	for _, l := range licences {
		lines = append(lines, report.Wrap(l, helpWidth-len("  "))...)
	}
	_, err := fmt.Fprintf(w, "\nLicences:\n  %s\n", strings.Join(lines, "\n  "))
	return err
}

func writeStatusJSON(w io.Writer, db *geo.DB, dir string, now time.Time) error {
	type source struct {
		Kind     string `json:"kind"`
		Name     string `json:"name"`
		Path     string `json:"path,omitempty"`
		Type     string `json:"type,omitempty"`
		Date     string `json:"date"`
		AgeDays  int    `json:"age_days"`
		Prefixes int    `json:"prefixes"`
		Networks int    `json:"networks"`
		Licence  string `json:"licence,omitempty"`
	}
	status := struct {
		Folder     string   `json:"folder"`
		Sources    []source `json:"sources"`
		NotChecked []string `json:"not_checked"`
		Skipped    []string `json:"skipped"`
	}{Folder: dir, NotChecked: db.NotChecked(), Skipped: []string{}}
	for _, s := range db.Sources() {
		status.Sources = append(status.Sources, source{
			s.Kind, s.Name, s.Path, s.Type, s.Date.Format(time.DateOnly), max(0, int(now.Sub(s.Date).Hours()/24)), s.Prefixes, s.Networks, s.Licence,
		})
	}
	for _, err := range db.Skipped() {
		status.Skipped = append(status.Skipped, err.Error())
	}
	return report.WriteJSON(w, status)
}

// A feed is a public list that can be fetched.
type feed struct {
	kind         geo.Kind
	file         string // what it is called in the folder, and at a mirror
	url, licence string
}

// feeds are the lists that 'intel update' knows.
func feeds() []feed {
	const (
		x4b    = "https://raw.githubusercontent.com/X4BNet/lists_vpn/main/output/"
		ranges = "https://raw.githubusercontent.com/lord-alfred/ipranges/main/"
	)
	all := []feed{
		{"tor", "tor-exit-addresses.txt", "https://check.torproject.org/exit-addresses", ""},
		{"vpn", "vpn-ipv4.txt", x4b + "vpn/ipv4.txt", "MIT (X4BNet/lists_vpn)"},
		{"vpn", "vpn-ipv6.txt", x4b + "vpn/ipv6.txt", "MIT (X4BNet/lists_vpn)"},
		{"datacenter", "datacenter-ipv4.txt", x4b + "datacenter/ipv4.txt", "MIT (X4BNet/lists_vpn)"},
		{"datacenter", "datacenter-ipv6.txt", x4b + "datacenter/ipv6.txt", "MIT (X4BNet/lists_vpn)"},
	}
	for _, r := range []struct {
		kind     geo.Kind
		name     string
		versions []string
	}{
		{"vpn", "protonvpn", []string{"ipv4"}},
		{"relay", "apple-proxy", []string{"ipv4", "ipv6"}},
		{"cloud-amazon", "amazon", []string{"ipv4", "ipv6"}},
		{"cloud-cloudflare", "cloudflare", []string{"ipv4", "ipv6"}},
		{"cloud-digitalocean", "digitalocean", []string{"ipv4", "ipv6"}},
		{"cloud-github", "github", []string{"ipv4", "ipv6"}},
		{"cloud-google", "google", []string{"ipv4", "ipv6"}},
		{"cloud-linode", "linode", []string{"ipv4", "ipv6"}},
		{"cloud-microsoft", "microsoft", []string{"ipv4", "ipv6"}},
		{"cloud-oracle", "oracle", []string{"ipv4"}},
		{"cloud-vultr", "vultr", []string{"ipv4", "ipv6"}},
		{"crawler-bing", "bing", []string{"ipv4"}},
		{"crawler-googlebot", "googlebot", []string{"ipv4", "ipv6"}},
	} {
		for _, v := range r.versions {
			all = append(all, feed{
				r.kind, listName(r.name+"-"+v+".txt", r.kind), ranges + r.name + "/" + v + "_merged.txt", "CC0-1.0 (lord-alfred/ipranges)",
			})
		}
	}
	return all
}

func intelUpdateCommand() *cobra.Command {
	var dir, mirror string
	var sources []string
	var kinds []string
	for _, f := range feeds() {
		if !slices.Contains(kinds, string(f.kind)) {
			kinds = append(kinds, string(f.kind))
		}
	}
	c := &cobra.Command{
		Use:   "update",
		Short: "Fetch public lists of Tor exits, VPNs, clouds and others",
		Long: `Fetch public lists over https: of the Tor Project (exits), X4BNet/lists_vpn (VPNs and
datacenters, by their networks: a weak sign) and lord-alfred/ipranges (clouds,
relays, crawlers). Beside telling people of alerts this alone uses the network, and it
sends nothing but the requests for the lists. A list that cannot be fetched or read leaves
the one that is there as it is.

The sources are ` + wrapWords(kinds, 80) + `.`,
		Example: `  litesoc intel update
  litesoc intel update --source tor --source vpn
  litesoc intel update --mirror https://mirror.example.com/lists`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := intelFolder(dir)
			if err != nil {
				return err
			}
			if mirror != "" && !strings.HasPrefix(mirror, "https://") {
				return misuse("", "--mirror %q: lists are fetched over https only", mirror)
			}
			u := updater{
				importer: importer{dir: to, out: c.OutOrStdout(), stderr: c.ErrOrStderr(), now: time.Now()},
				client:   &http.Client{Timeout: fetchTimeout, CheckRedirect: onlyHTTPS},
				mirror:   mirror,
			}
			if err := u.choose(sources); err != nil {
				return err
			}
			return u.run(c.Context())
		},
	}
	intelFlag(c, &dir)
	c.Flags().StringSliceVar(&sources, "source", nil, "`names` of the sources to fetch; repeatable (default: all)")
	c.Flags().StringVar(&mirror, "mirror", "", "`URL` of a folder to fetch the lists from instead, under the names they have here")
	return c
}

// wrapWords joins words with commas, in lines of at most width.
func wrapWords(words []string, width int) string {
	var b strings.Builder
	column := len("The sources are ")
	for i, w := range words {
		if i > 0 {
			b.WriteByte(',')
			if column += 2 + len(w); column > width {
				b.WriteByte('\n')
				column = len(w)
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteString(w)
	}
	return b.String()
}

const fetchTimeout = time.Minute

// onlyHTTPS follows a few redirects, and none that gives up https.
func onlyHTTPS(r *http.Request, via []*http.Request) error {
	if r.URL.Scheme != "https" {
		return fmt.Errorf("redirected to %s: lists are fetched over https only", r.URL.Redacted())
	}
	if len(via) >= 5 {
		return errors.New("more than 5 redirects")
	}
	return nil
}

// An updater fetches feeds into the intel folder.
type updater struct {
	importer
	client *http.Client
	mirror string
	feeds  []feed
}

// choose takes the feeds of the named sources, or all.
func (u *updater) choose(names []string) error {
	u.feeds = feeds()
	if len(names) == 0 {
		return nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(u.feeds, func(f feed) bool { return string(f.kind) == name }) {
			return misuse("'litesoc intel update --help' lists them", "--source: no source %q", name)
		}
	}
	u.feeds = slices.DeleteFunc(u.feeds, func(f feed) bool { return !slices.Contains(names, string(f.kind)) })
	return nil
}

func (u *updater) run(ctx context.Context) error {
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return failed(fmt.Errorf("intel: %w", err), "")
	}
	missing := 0
	for _, f := range u.feeds {
		line, err := u.fetch(ctx, f)
		if ctx.Err() != nil {
			return failed(errors.New("intel update: interrupted"), "what was fetched is kept")
		}
		if err != nil {
			missing++
			fmt.Fprintf(u.stderr, "litesoc: intel update: %s: %s\n", f.file, report.Show(err.Error()))
			continue
		}
		fmt.Fprintf(u.out, "%s: %s\n", f.file, line)
	}
	if missing > 0 {
		return failed(fmt.Errorf("intel update: %d of %d lists could not be had; those that were there are kept", missing, len(u.feeds)),
			"fetch them elsewhere, and use 'litesoc intel import', or give a --mirror")
	}
	return nil
}

// fetch brings one list and says what it is.
func (u *updater) fetch(ctx context.Context, f feed) (string, error) {
	url := f.url
	if u.mirror != "" {
		url = strings.TrimSuffix(u.mirror, "/") + "/" + f.file
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("User-Agent", "litesoc/"+version)
	answer, err := u.client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", url, answer.Status)
	}
	sum := sha256.New()
	l, err := geo.ReadList(io.TeeReader(answer.Body, sum), f.file)
	if err != nil {
		return "", err
	}
	l.Kind, l.Licence = f.kind, cmp.Or(l.Licence, f.licence)
	if l.Date.IsZero() {
		l.Date = u.now.UTC()
		if at, err := http.ParseTime(answer.Header.Get("Last-Modified")); err == nil {
			l.Date = at
		}
	}
	line, err := u.keep(l, f.file)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s\n  %s, sha256 %s", line, url, hex.EncodeToString(sum.Sum(nil))), nil
}
