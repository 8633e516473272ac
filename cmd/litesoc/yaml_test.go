package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// bomb is a text whose aliases make ten times as many values of each line as of the one before.
func bomb(lines int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < lines; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

// What is small and takes for ever to read, or all memory, is refused before it is parsed.
func TestReadYAML(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.yaml")
	for _, test := range []struct{ name, text, want string }{
		{"aliases of aliases", bomb(12), "its aliases make more than 100000 values of it"},
		{"some aliases of aliases", bomb(3), ""},
		{"one alias of many values", "a: &a [" + strings.Repeat("x, ", 60_000) + "x]\nb: *a\n", ""},
		{"two of them", "a: &a [" + strings.Repeat("x, ", 60_000) + "x]\nb: [*a, *a]\n", "its aliases make more than 100000 values of it"},
		{"many values and no alias", "a: &a 1\nb: [" + strings.Repeat("'*', ", 200_000) + "x]\n", ""},
		{"deep", "a: " + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "line 1 nests too deep"},
		{"not so deep", "a: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), ""},
		{"large", "#" + strings.Repeat("x", 4<<20), "is larger than 4 MiB"},
		{"as large as may be", "#" + strings.Repeat("x", 4<<20-1), ""},
		{"zeros", strings.Repeat("\x00", 5<<20), "is not a text in UTF-8"},
		{"Latin-1", "a: \xe4", "is not a text in UTF-8"},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := ""
		if _, err := readYAML(path, maxSettings); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if err := os.WriteFile(path, []byte("\ufefflateness: 1m"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := readYAML(path, maxSettings); string(text) != "lateness: 1m" {
		t.Errorf("with a byte order mark: %q, %v", text, err)
	}
}

// What is wrong with a config is told in its terms, not in those of Go.
func TestYAMLError(t *testing.T) {
	for text, want := range map[string]string{
		"admin_route: [/x]":         `unknown field "admin_route": did you mean "admin_routes"?`,
		"trusted_proxie: [private]": `unknown field "trusted_proxie": did you mean "trusted_proxies"?`,
		"wholly_other: 1":           `unknown field "wholly_other"`,
		"allowlist: [{adress: x}]":  `unknown field "adress": did you mean "address"?`,
		"routes: [{methd: GET}]":    `unknown field "methd": did you mean "method"?`,
		"allowlist: [{xyzzy: x}]":   `unknown field "xyzzy"`,
		"lateness: [1]":             "want a time such as 90s or 10m",
		"learn_routes: many":        "want a whole number",
		"notify: 7":                 "want true or false",
		"lists: {a: {b: c}}":        "",
		"json_fields: {client: []}": "want a text",
	} {
		err := yaml.UnmarshalWithOptions([]byte(text), &config{}, yaml.Strict())
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		got, _, _ := strings.Cut(yamlError(err, &config{}), "\n")
		if _, got, _ = strings.Cut(got, "] "); got != want && want != "" || strings.Contains(got, "unmarshal") {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if keys := keysOf(reflect.TypeFor[config]()); len(keys) < 25 {
		t.Errorf("only %d keys: %q", len(keys), keys)
	}
}

// A mistake that many make is told with what to write.
func TestConfigHints(t *testing.T) {
	for text, want := range map[string]struct{ said, hint string }{
		"lateness: 2 minutes":                             {`:1: lateness: unknown unit " minutes" in duration "2 minutes": want a time such as 90s or 10m`, ""},
		"notifications:\n  - {type: slack, url: ${HOOK}}": {"',' or '}' must be specified", "in quotes"},
		"admins: [ann, ${ADMIN}]":                         {"must be specified", "in quotes"},
		"route_templates: [/shops/{shop/orders]":          {"must be specified", ""},
		"# {a: ${HOOK}}\nroute_templates: [/a/{b/c]":      {"must be specified", ""},
	} {
		path := filepath.Join(t.TempDir(), "site.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readConfig(path)
		var status *statusError
		if !errors.As(err, &status) || !strings.Contains(err.Error(), want.said) || (want.hint == "") != (status.hint == "") || !strings.Contains(status.hint, want.hint) {
			t.Errorf("%s: %v, want %q with hint %q", text, err, want.said, want.hint)
		}
	}
}
