package notify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// A Config is one entry of 'notifications' in the config: a channel and what goes there.
// A secret stands there as ${NAME}, a variable of the environment, or file:PATH; its
// value is never printed.
type Config struct {
	Name string `yaml:"name"` // the type, if not given
	Type string `yaml:"type"`

	Severity   string        `yaml:"severity"`    // of this or above; all if not given
	AlertTypes []string      `yaml:"alert_types"` // of these; all if not given
	Rules      []string      `yaml:"rules"`       // likewise
	Changes    []Change      `yaml:"changes"`     // opened, worsened and reopened if not given; for machines all
	QuietHours string        `yaml:"quiet_hours"` // Mon-Sun 22:00-07:00 Europe/Berlin
	Digest     time.Duration `yaml:"digest"`      // one message in this time at most

	URL          string `yaml:"url"`           // may be a secret
	Secret       string `yaml:"secret"`        // of a webhook: it signs
	RoutingKey   string `yaml:"routing_key"`   // of PagerDuty
	AllowPrivate bool   `yaml:"allow_private"` // to addresses inside, and without TLS

	Server   string   `yaml:"server"` // of mail: host:port
	TLS      string   `yaml:"tls"`    // starttls, implicit or none
	User     string   `yaml:"user"`
	Password string   `yaml:"password"`
	From     string   `yaml:"from"`
	To       []string `yaml:"to"`
	CAFile   string   `yaml:"ca_file"` // PEM; the system's if not given
}

// An Environment is where what a config names is found.
type Environment struct {
	Getenv   func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
	Stdout   io.Writer
}

// A kind is a type of channel: what it must and may be set, and how it is made. changes
// and most are those of Channel.
type kind struct {
	name      string
	must, may []string
	changes   []Change
	most      int
	make      func(c *Config, d *door, env *Environment) (sender, error)
}

var (
	forPeople   = []Change{Opened, Worsened, Reopened}
	forMachines = Changes()
)

const (
	mostOfDigest  = 1000 // that people are told of at once; ten are shown
	mostOfMachine = 100
)

func kinds() []kind {
	chat := func(name string, make func(*hook) sender) kind {
		return kind{name, []string{"url"}, []string{"allow_private", "ca_file"}, forPeople, mostOfDigest,
			func(c *Config, d *door, _ *Environment) (sender, error) {
				h, err := d.hook(c.URL)
				return make(h), err
			}}
	}
	return []kind{
		{"webhook", []string{"url"}, []string{"secret", "allow_private", "ca_file"}, forMachines, mostOfMachine,
			func(c *Config, d *door, _ *Environment) (sender, error) {
				h, err := d.hook(c.URL)
				return &webhook{h, c.Secret}, err
			}},
		chat("slack", func(h *hook) sender { return &slack{h} }),
		chat("discord", func(h *hook) sender { return &discord{h} }),
		chat("teams", func(h *hook) sender { return &teams{h} }),
		{"pagerduty", []string{"routing_key"}, []string{"url", "allow_private", "ca_file"}, forMachines, 1,
			func(c *Config, d *door, _ *Environment) (sender, error) {
				if c.URL == "" {
					c.URL = pagerDutyURL
				}
				h, err := d.hook(c.URL)
				return &pagerDuty{h, c.RoutingKey}, err
			}},
		{"email", []string{"server", "from", "to"}, []string{"tls", "user", "password", "allow_private", "ca_file"}, forPeople, mostOfDigest,
			func(c *Config, d *door, _ *Environment) (sender, error) { return newEmail(c, d) }},
		{"stdout", nil, nil, forMachines, mostOfMachine,
			func(_ *Config, _ *door, env *Environment) (sender, error) { return &stream{env.Stdout}, nil }},
	}
}

// Types returns the types of channels.
func Types() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Check tells what is wrong with the configs, but for their secrets: those need not be
// there before something is sent. It gives each its name.
func Check(configs []Config) error {
	seen := map[string]bool{}
	for i := range configs {
		c := &configs[i]
		if c.Name == "" {
			c.Name = c.Type
		}
		if _, err := c.kind(); err != nil {
			return fmt.Errorf("notifications: entry %d: %w", i+1, err)
		}
		if seen[c.Name] {
			return fmt.Errorf("notifications: entry %d: there are two of the name %q: give each a 'name' of its own", i+1, c.Name)
		}
		seen[c.Name] = true
		if _, err := c.channel(); err != nil {
			return fmt.Errorf("notifications: %s: %w", c.Name, err)
		}
	}
	return nil
}

// New returns the channels of configs that were checked.
func New(configs []Config, env *Environment) ([]*Channel, error) {
	var channels []*Channel
	for i := range configs {
		c := configs[i] // its secrets are filled in
		ch, err := c.open(env)
		if err != nil {
			return nil, fmt.Errorf("notifications: %s: %w", c.Name, err)
		}
		channels = append(channels, ch)
	}
	return channels, nil
}

// kind returns the config's type. What is set fits it.
func (c *Config) kind() (*kind, error) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == c.Type })
	if i < 0 {
		return nil, fmt.Errorf("type %q: the types are %s", c.Type, strings.Join(Types(), ", "))
	}
	k := &all[i]
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"url", c.URL != ""}, {"secret", c.Secret != ""}, {"routing_key", c.RoutingKey != ""}, {"allow_private", c.AllowPrivate},
		{"server", c.Server != ""}, {"tls", c.TLS != ""}, {"user", c.User != ""}, {"password", c.Password != ""},
		{"from", c.From != ""}, {"to", len(c.To) > 0}, {"ca_file", c.CAFile != ""},
	} {
		must := slices.Contains(k.must, s.name)
		if must && !s.set {
			return nil, fmt.Errorf("%s needs %q", k.name, s.name)
		}
		if s.set && !must && !slices.Contains(k.may, s.name) {
			return nil, fmt.Errorf("%s has no %q", k.name, s.name)
		}
	}
	return k, nil
}

// channel makes all of a channel but its sender.
func (c *Config) channel() (*Channel, error) {
	k, err := c.kind()
	if err != nil {
		return nil, err
	}
	ch := &Channel{Name: c.Name, Type: c.Type, types: c.AlertTypes, rules: c.Rules, changes: c.Changes, digest: c.Digest, most: k.most}
	if len(ch.changes) == 0 {
		ch.changes = k.changes
	}
	for _, change := range ch.changes {
		if !slices.Contains(Changes(), change) {
			return nil, fmt.Errorf("changes: %q: they are %v", change, Changes())
		}
	}
	if c.Severity != "" {
		if ch.severity, err = detect.ParseSeverity(c.Severity); err != nil {
			return nil, fmt.Errorf("severity: %w", err)
		}
	}
	if ch.quiet, err = detect.ParseHours(c.QuietHours); err != nil {
		return nil, fmt.Errorf("quiet_hours: %w", err)
	}
	if end, quiet := quietUntil(ch.quiet, time.Unix(0, 0)); quiet && end.IsZero() {
		return nil, errors.New("quiet_hours: they never end")
	}
	if c.Digest < 0 || c.Digest > 7*24*time.Hour {
		return nil, fmt.Errorf("digest: %v: want a time of at most a week, such as 15m", c.Digest)
	}
	for _, s := range []struct {
		name, value string
		must        bool // a secret and nothing else
	}{{"url", c.URL, false}, {"secret", c.Secret, true}, {"routing_key", c.RoutingKey, true}, {"password", c.Password, true}, {"user", c.User, false}} {
		if s.value != "" && s.must && !isReference(s.value) {
			return nil, fmt.Errorf("%s: a secret does not belong in a config: name a variable, ${NAME}, or a file, file:PATH", s.name)
		}
	}
	if c.Type == "email" {
		// All but its password can be told now.
		without := *c
		without.Password = ""
		if _, err := newEmail(&without, &door{private: c.AllowPrivate}); err != nil {
			return nil, err
		}
		if (c.User == "") != (c.Password == "") {
			return nil, errors.New("want both 'user' and 'password', or neither")
		}
	}
	if c.URL != "" && !isReference(c.URL) {
		if _, err := (&door{private: c.AllowPrivate}).hook(c.URL); err != nil {
			return nil, err
		}
	}
	return ch, nil
}

// open makes the channel. It fills in the config's secrets.
func (c *Config) open(env *Environment) (*Channel, error) {
	ch, err := c.channel()
	if err != nil {
		return nil, err
	}
	k, err := c.kind()
	if err != nil {
		return nil, err
	}
	d := &door{private: c.AllowPrivate}
	if c.CAFile != "" {
		pem, err := env.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		if d.roots = x509.NewCertPool(); !d.roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("ca_file: no certificate in it")
		}
	}
	for _, s := range []struct {
		name  string
		value *string
	}{{"url", &c.URL}, {"secret", &c.Secret}, {"routing_key", &c.RoutingKey}, {"user", &c.User}, {"password", &c.Password}} {
		if !isReference(*s.value) {
			continue
		}
		if *s.value, err = env.secret(*s.value); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		ch.secrets = append(ch.secrets, *s.value)
	}
	if u, err := url.Parse(c.URL); err == nil {
		// Of a service's URL the path is the secret, and an answer may quote it.
		for _, path := range []string{u.RequestURI(), u.EscapedPath(), u.Path} {
			if len(path) > minSecret {
				ch.secrets = append(ch.secrets, path)
			}
		}
	}
	if ch.sender, err = k.make(c, d, env); err != nil {
		return nil, err
	}
	return ch, nil
}

var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

const filePrefix = "file:"

// isReference tells whether the text says where a secret is.
func isReference(text string) bool {
	return variable.MatchString(text) || strings.HasPrefix(text, filePrefix)
}

// minSecret bounds secrets from below: what is shorter is none, and would blot out half
// of an error in which it happens to stand.
const minSecret = 4

// secret returns the secret that a reference leads to.
func (env *Environment) secret(reference string) (string, error) {
	var value string
	if path, ok := strings.CutPrefix(reference, filePrefix); ok {
		text, err := env.ReadFile(path)
		if err != nil {
			return "", err
		}
		value = strings.TrimRight(string(text), "\r\n")
	} else {
		name := variable.FindStringSubmatch(reference)[1]
		text, ok := env.Getenv(name)
		if !ok || text == "" {
			return "", fmt.Errorf("the variable %s is not set", name)
		}
		value = text
	}
	if len(value) < minSecret || strings.ContainsAny(value, "\r\n\x00") {
		return "", fmt.Errorf("%s holds no secret: want one line of at least %d characters", reference, minSecret)
	}
	return value, nil
}

func newEmail(c *Config, d *door) (*email, error) {
	e := &email{door: d, server: c.Server, tls: c.TLS, user: c.User, password: c.Password}
	host, port, err := net.SplitHostPort(c.Server)
	if err != nil || host == "" || port == "" {
		return nil, fmt.Errorf("server %q: want host:port", c.Server)
	}
	if e.tls == "" {
		e.tls = tlsStart
		if port == "465" {
			e.tls = tlsImplicit
		}
	}
	if !slices.Contains([]string{tlsStart, tlsImplicit, tlsNone}, e.tls) {
		return nil, fmt.Errorf("tls %q: want starttls, implicit or none", c.TLS)
	}
	if v := detect.CheckURL("http://" + c.Server + "/"); v.Target != detect.TargetPublic && !d.private {
		return nil, fmt.Errorf("server: %s; 'allow_private: true' allows it", v.Reason)
	}
	if e.tls == tlsNone && (c.User != "" || !d.private) {
		return nil, errors.New("tls: none is for servers inside ('allow_private: true') that want no password")
	}
	if e.from, err = mail.ParseAddress(c.From); err != nil {
		return nil, fmt.Errorf("from: %q is no address", c.From)
	}
	for _, text := range c.To {
		to, err := mail.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("to: %q is no address", text)
		}
		e.to = append(e.to, to)
	}
	return e, nil
}
