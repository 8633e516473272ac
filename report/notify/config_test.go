package notify

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		want   string // part of the error; "" for none
	}{
		{"slack", Config{Type: "slack", URL: "https://hooks.slack.com/services/T0/B0/x"}, ""},
		{"by reference", Config{Type: "slack", URL: "${SLACK}"}, ""},
		{"no type", Config{}, `type "": the types are webhook, slack, discord, teams, pagerduty, email, stdout`},
		{"no such type", Config{Type: "carrier-pigeon"}, `type "carrier-pigeon"`},
		{"no url", Config{Type: "teams"}, `teams needs "url"`},
		{"not its setting", Config{Type: "slack", URL: "${S}", RoutingKey: "${K}"}, `slack has no "routing_key"`},
		{"inside", Config{Type: "webhook", URL: "https://10.0.0.1/hook"}, "a private address; 'allow_private: true' allows it"},
		{"inside, allowed", Config{Type: "webhook", URL: "http://10.0.0.1/hook", AllowPrivate: true}, ""},
		{"in clear", Config{Type: "webhook", URL: "http://example.com/hook"}, "want https"},
		{"a literal secret", Config{Type: "webhook", URL: "https://example.com/", Secret: "hunter2hunter2"}, "secret: a secret does not belong in a config"},
		{"severity", Config{Type: "stdout", Severity: "dire"}, "severity:"},
		{"changes", Config{Type: "stdout", Changes: []Change{"closed"}}, `changes: "closed"`},
		{"quiet hours", Config{Type: "stdout", QuietHours: "at night"}, "quiet_hours:"},
		{"quiet for ever", Config{Type: "stdout", QuietHours: "Mon-Sun 00:00-24:00"}, "they never end"},
		{"digest", Config{Type: "stdout", Digest: -time.Minute}, "digest:"},
		{"mail", Config{Type: "email", Server: "mail.example.com:587", From: "a@example.com", To: []string{"b@example.com"}, User: "a", Password: "${P}"}, ""},
		{"mail to nobody", Config{Type: "email", Server: "mail.example.com:587", From: "a@example.com"}, `email needs "to"`},
		{"mail without a port", Config{Type: "email", Server: "mail.example.com", From: "a@example.com", To: []string{"b@example.com"}}, "want host:port"},
		{"mail to a line", Config{Type: "email", Server: "mail.example.com:25", From: "a@example.com", To: []string{"b@example.com\r\nBcc: c@example.com"}}, "is no address"},
		{"mail in clear", Config{Type: "email", Server: "mail.example.com:25", TLS: "none", From: "a@example.com", To: []string{"b@example.com"}}, "tls: none"},
		{"a password in clear", Config{Type: "email", Server: "10.0.0.1:25", TLS: "none", AllowPrivate: true, User: "a", Password: "${P}", From: "a@example.com", To: []string{"b@example.com"}}, "tls: none"},
		{"mail inside", Config{Type: "email", Server: "localhost:25", From: "a@example.com", To: []string{"b@example.com"}}, "allow_private"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Check([]Config{test.config})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	two := []Config{{Type: "stdout"}, {Type: "stdout"}}
	if err := Check(two); err == nil || !strings.Contains(err.Error(), `two of the name "stdout"`) {
		t.Errorf("error %v", err)
	}
}

func TestSecrets(t *testing.T) {
	env := &Environment{
		Getenv: func(name string) (string, bool) {
			value, ok := map[string]string{"URL": "https://169.254.169.254/token", "EMPTY": "", "SHORT": "abc"}[name]
			return value, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			if path == "key" {
				return []byte("0123456789\n"), nil
			}
			if path == "lines" {
				return []byte("0123\n4567\n"), nil
			}
			return nil, errors.New("open " + path + ": no such file")
		},
	}
	for _, test := range []struct{ url, key, want string }{
		{"", "file:key", ""},
		{"", "file:none", "routing_key: open none: no such file"},
		{"", "file:lines", "routing_key: file:lines holds no secret"},
		{"", "${NONE}", "routing_key: the variable NONE is not set"},
		{"", "${EMPTY}", "routing_key: the variable EMPTY is not set"},
		{"", "${SHORT}", "holds no secret"},
		{"${URL}", "file:key", "169.254.169.254 is where clouds tell machines their credentials"},
	} {
		configs := []Config{{Type: "pagerduty", URL: test.url, RoutingKey: test.key}}
		if err := Check(configs); err != nil {
			t.Fatal(err)
		}
		_, err := New(configs, env)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s %s: error %v, want %q", test.url, test.key, err, test.want)
		}
		if err != nil && (strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "abc")) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func TestWants(t *testing.T) {
	n := hostile() // high, brute_force_attack, brute-force
	for _, test := range []struct {
		config Config
		change Change
		want   bool
	}{
		{Config{}, Opened, true},
		{Config{Severity: "high"}, Opened, true},
		{Config{Severity: "critical"}, Opened, false},
		{Config{AlertTypes: []string{"new_device"}}, Opened, false},
		{Config{AlertTypes: []string{"new_device", "brute_force_attack"}}, Opened, true},
		{Config{Rules: []string{"ssrf"}}, Opened, false},
		{Config{Rules: []string{"brute-force"}, Changes: []Change{Resolved}}, Opened, false},
		{Config{Changes: []Change{Resolved}}, Resolved, true},
	} {
		test.config.Type = "stdout"
		if got := open(t, test.config, nil).Wants(test.change, &n.Alert.Alert); got != test.want {
			t.Errorf("%+v wants %s: %v", test.config, test.change, got)
		}
	}
}
