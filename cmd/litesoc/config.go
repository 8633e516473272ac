package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/parsers"
	"github.com/litesoc/litesoc/parsers/openapi"
	"github.com/litesoc/litesoc/report"
	"github.com/litesoc/litesoc/report/notify"
)

// configName is the config file that is found in the working folder.
const configName = "litesoc.yaml"

// config holds the facts of a site. Its names are those of the flags.
type config struct {
	parsers.SiteConfig `yaml:",inline"`

	path   string   // of the file
	text   []byte   // of it
	opened []string // files of addresses that it names

	DB         string             `yaml:"db"`
	Format     string             `yaml:"format"`
	Lateness   *time.Duration     `yaml:"lateness"`
	MinParsed  *float64           `yaml:"min_parsed"`
	Memory     *memory            `yaml:"memory"`
	JSONFields map[string]string  `yaml:"json_fields"` // our field: the log's key
	Routes     []detect.RouteRule `yaml:"routes"`
	// OpenAPI is the file of an OpenAPI description, whose routes come before
	// route_templates.
	OpenAPI string `yaml:"openapi"`
	// Facts of the site that several detectors share, each a setting of theirs.
	BusinessHours    string   `yaml:"business_hours"`
	AdminRoutes      []string `yaml:"admin_routes"`
	PlanRoutes       []string `yaml:"plan_routes"`
	Admins           []string `yaml:"admins"`
	TenantParameters []string `yaml:"tenant_parameters"`
	// Intel is the folder of imported lists and databases, MMDB are more mmdb files.
	Intel string   `yaml:"intel"`
	MMDB  []string `yaml:"mmdb"`
	// LearnRoutes is how many different names in one place of paths make a template; 0
	// learns none.
	LearnRoutes *int `yaml:"learn_routes"`
	// Rules are files and folders of alert rules, Lists are named lists that rules ask for.
	Rules     []string                 `yaml:"rules"`
	Lists     map[string][]string      `yaml:"lists"`
	Detectors map[string]yaml.MapSlice `yaml:"detectors"` // name: setting: value
	// Notifications are who is told of alerts; Notify says that scan tells them.
	Notifications []notify.Config `yaml:"notifications"`
	Notify        bool            `yaml:"notify"`
	// Accepted is the file of accepted findings, which --new-only leaves out.
	Accepted string `yaml:"accepted"`
	// Allowlist is what is known and fine: its alerts are kept, but suppressed.
	Allowlist []detect.AllowEntry `yaml:"allowlist"`
}

// readConfig reads the config at path, or the one in the working folder if path is
// empty and there is one.
func readConfig(path string) (*config, error) {
	c := &config{}
	given := path != ""
	if !given {
		path = configName
	}
	c.path = path
	text, err := readYAML(path, maxSettings)
	if !given && errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, misuse("", "config %s: %w", path, err)
	}
	c.text = text
	if line := secondDocument(text); line > 0 {
		return nil, misuse("", "config %s:%d: a second document begins: it would not be read", path, line)
	}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		said := yamlError(err, c)
		if key := c.unreadable(); key != "" && !strings.HasPrefix(said, "[") {
			return nil, c.wrong(key, "%s: %s", key, said)
		}
		hint := ""
		if openVariable.Match(text) {
			hint = "what begins with ${ stands in quotes inside of { } and [ ]: '${NAME}'"
		}
		return nil, misuse(hint, "config %s: %s", path, said)
	}
	beside := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(filepath.Dir(path), name)
	}
	if err := notify.Check(c.Notifications); err != nil {
		return nil, c.wrong("notifications", "%w", err)
	}
	c.Open = func(name string) (io.ReadCloser, error) {
		c.opened = append(c.opened, beside(name))
		return os.Open(beside(name))
	}
	if c.Accepted != "" {
		c.Accepted = beside(c.Accepted)
	}
	if c.OpenAPI != "" {
		c.OpenAPI = beside(c.OpenAPI)
	}
	if c.Intel != "" {
		c.Intel = beside(c.Intel)
	}
	for i := range c.Rules {
		c.Rules[i] = beside(c.Rules[i])
	}
	for i := range c.MMDB {
		c.MMDB[i] = beside(c.MMDB[i])
	}
	return c, nil
}

// openVariable finds a variable without quotes in a list or a map of one line, where its brace is
// one of YAML's.
var openVariable = regexp.MustCompile(`(?m)^[^#\n]*[{\[].*[:,\[]\s*\$\{`)

// pathless is the error of a file that is named beside it.
func pathless(err error) error {
	var perr *fs.PathError
	if errors.As(err, &perr) {
		return perr.Err
	}
	return err
}

// unreadable returns the key whose value cannot be read; "" if none is so by itself.
func (c *config) unreadable() string {
	var all yaml.MapSlice
	if yaml.Unmarshal(c.text, &all) != nil {
		return ""
	}
	for _, item := range all {
		if one, err := yaml.Marshal(yaml.MapSlice{item}); err == nil && yaml.Unmarshal(one, &config{}) != nil {
			return fmt.Sprint(item.Key)
		}
	}
	return ""
}

// wrong is a mistake in what the config says at a key, which names its line; "" is no key.
func (c *config) wrong(key, format string, args ...any) error {
	at := c.path
	if key != "" {
		if p, err := yaml.PathString("$." + key); err == nil {
			if node, err := p.ReadNode(bytes.NewReader(c.text)); err == nil {
				at = fmt.Sprintf("%s:%d", c.path, node.GetToken().Position.Line)
			}
		}
	}
	return misuse("", "config %s: "+format, append([]any{at}, args...)...)
}

// meant proposes what comes nearest to a name, in words that follow an error.
func meant(name string, names []string) string {
	if name := nearest(name, names); name != "" {
		return fmt.Sprintf(": did you mean %q?", name)
	}
	return ""
}

// site returns the facts of the site that decide how lines are read.
func (c *config) site() (*parsers.Site, error) {
	if c.OpenAPI != "" {
		text, err := readYAML(c.OpenAPI, maxDescription)
		if err != nil {
			return nil, misuse("", "openapi: %s: %w", report.Show(c.OpenAPI), err)
		}
		api, err := openapi.Read(text)
		if err != nil {
			return nil, misuse("", "openapi: %s: %w", report.Show(c.OpenAPI), err)
		}
		c.Operations = api.Operations
	}
	site, err := parsers.NewSite(c.SiteConfig)
	if err != nil {
		key, _, _ := strings.Cut(err.Error(), ":")
		return nil, c.wrong(key, "%w", err)
	}
	return site, nil
}

// leastNames is how many different names in one place of paths make a template.
func (c *config) leastNames() (int, error) {
	if c.LearnRoutes == nil {
		return parsers.LeastNames, nil
	}
	if *c.LearnRoutes < 0 {
		return 0, c.wrong("learn_routes", "learn_routes: %d is less than 0", *c.LearnRoutes)
	}
	return *c.LearnRoutes, nil
}

// detectors returns the detectors with the config's settings.
func (c *config) detectors() ([]*detect.Detector, error) {
	all := detect.All()
	for _, fact := range []struct{ key, setting, value string }{
		{"business_hours", "business-hours", c.BusinessHours},
		{"admin_routes", "admin-routes", strings.Join(c.AdminRoutes, ",")},
		{"plan_routes", "plan-routes", strings.Join(c.PlanRoutes, ",")},
		{"admins", "admins", strings.Join(c.Admins, ",")},
		{"tenant_parameters", "tenant-parameters", strings.Join(c.TenantParameters, ",")},
	} {
		if fact.value == "" {
			continue
		}
		for _, d := range all {
			if d.Flags.Lookup(fact.setting) == nil {
				continue
			}
			if err := d.Flags.Set(fact.setting, fact.value); err != nil {
				return nil, c.wrong(fact.key, "%s: %q: %w", fact.key, fact.value, err)
			}
		}
	}
	for name, settings := range c.Detectors {
		i := slices.IndexFunc(all, func(d *detect.Detector) bool { return d.Name == name })
		if i < 0 {
			var names []string
			for _, d := range all {
				names = append(names, d.Name)
			}
			return nil, c.wrong("detectors."+name, "detectors: no detector %q%s", name, meant(name, names))
		}
		for _, item := range settings {
			key, value := fmt.Sprint(item.Key), fmt.Sprint(item.Value)
			if all[i].Flags.Lookup(key) == nil {
				var names []string
				all[i].Flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
				return nil, c.wrong("detectors."+name+"."+key, "detectors: %s: no setting %q: it has %s", name, key, strings.Join(names, ", "))
			}
			if err := all[i].Flags.Set(key, value); err != nil {
				return nil, c.wrong("detectors."+name+"."+key, "detectors: %s: %s: %q: %w", name, key, value, err)
			}
		}
	}
	return all, nil
}

// fill gives the flags that were not set on the command line the config's values, and
// the config those that were.
func (c *config) fill(flags *pflag.FlagSet, f *scanFlags) error {
	if c.Accepted != "" && !flags.Changed("accepted") {
		f.accepted = c.Accepted
	}
	if c.Format != "" && !flags.Changed("format") {
		f.format = c.Format
	}
	if c.Lateness != nil && !flags.Changed("lateness") {
		f.lateness = *c.Lateness
	}
	if c.Notify && !flags.Changed("notify") {
		f.notify = true
	}
	if f.openAPI != "" {
		c.OpenAPI = f.openAPI
	}
	if c.MinParsed != nil && !flags.Changed("min-parsed") {
		f.minParsed = *c.MinParsed
	}
	if c.Memory != nil && !flags.Changed("memory") {
		f.memory = *c.Memory
	}
	switch {
	case f.lateness < 0:
		return misuse("", "--lateness %s is less than 0", f.lateness)
	case !(f.minParsed >= 0 && f.minParsed <= 1):
		return misuse("", "--min-parsed %v is no share: it is from 0 to 1", f.minParsed)
	case f.threads < 0:
		return misuse("", "--threads %d is less than 0", f.threads)
	}
	return nil
}

// formats returns the formats a log may be written in: the one that text names (a
// name, an nginx log_format or Apache LogFormat string, a #Fields: line, the path of an
// nginx.conf), or all there are.
func (c *config) formats(text string) ([]*parsers.Format, error) {
	all := parsers.All()
	if len(c.JSONFields) > 0 {
		fields := parsers.JSONConfig{Fields: c.JSONFields}
		if err := fields.Check(); err != nil {
			return nil, c.wrong("json_fields", "json_fields: %w", err)
		}
		mapped := parsers.JSON(fields)
		for i, f := range all {
			if f.Name == mapped.Name {
				all[i] = mapped
			}
		}
	}
	if text == "" {
		return all, nil
	}
	for _, f := range all {
		if f.Name == text {
			return []*parsers.Format{f}, nil
		}
	}
	if strings.HasPrefix(text, "#Fields:") {
		f, err := parsers.W3CFormat("w3c", text)
		if err != nil {
			return nil, misuse("", "--format: %w", err)
		}
		return []*parsers.Format{f}, nil
	}
	if strings.Contains(text, "$") {
		f, err := parsers.NginxLogFormat("nginx", text, "")
		if err != nil {
			return nil, misuse("", "--format: %w", err)
		}
		return []*parsers.Format{f}, nil
	}
	if strings.Contains(text, "%") {
		f, err := parsers.ApacheLogFormat("apache", text)
		if err != nil {
			return nil, misuse("", "--format: %w", err)
		}
		return []*parsers.Format{f}, nil
	}
	if _, err := os.Stat(text); err == nil {
		return confFormats(text)
	}
	return nil, misuse("'litesoc formats' lists the names; a log_format or LogFormat string or the path of an nginx.conf will do, too",
		"--format: no format and no file %q", text)
}

// confFormats returns the formats that an nginx configuration defines, and the one it
// need not define.
func confFormats(path string) ([]*parsers.Format, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, misuse("", "--format: %w", err)
	}
	root := filepath.VolumeName(full) + string(filepath.Separator)
	conf, err := parsers.ReadNginxConf(os.DirFS(root), filepath.ToSlash(strings.TrimPrefix(full, root)))
	if err != nil {
		return nil, misuse("", "--format: %w", err)
	}
	var formats []*parsers.Format
	for _, f := range conf.Formats {
		if f.Err != nil {
			return nil, misuse("", "--format: %s: log_format %s: %w", f.Place, f.Name, f.Err)
		}
		formats = append(formats, f.Format)
	}
	return append(formats, parsers.NginxCombined()), nil
}

// allowlist compiles what is known and fine.
func (c *config) allowlist(detectors []*detect.Detector, rules []*detect.Rule) (*detect.Allowlist, error) {
	l, err := detect.NewAllowlist(c.Allowlist, detectors, rules)
	if err != nil {
		return nil, c.wrong("allowlist", "allowlist: %w", err)
	}
	return l, nil
}
