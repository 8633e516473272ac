package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A schema is a JSON Schema of the keywords that keywordOf knows. One with another keyword
// lets nothing pass, so that none is passed over.
type schema struct{ root map[string]any }

// A keyword checks what it demands of a value.
type keyword func(s *schema, at string, demand any, is map[string]any, v any) error

func keywordOf(name string) keyword {
	switch name {
	case "$schema", "$id", "$comment", "$defs", "title", "description", "additionalProperties": // for the last, see properties
		return func(*schema, string, any, map[string]any, any) error { return nil }
	case "$ref":
		return (*schema).ref
	case "type":
		return (*schema).typed
	case "enum":
		return (*schema).enum
	case "items":
		return (*schema).items
	case "required":
		return (*schema).required
	case "properties":
		return (*schema).properties
	case "anyOf":
		return (*schema).anyOf
	case "oneOf":
		return (*schema).oneOf
	case "allOf":
		return (*schema).allOf
	case "not":
		return (*schema).not
	case "pattern":
		return (*schema).pattern
	case "format":
		return (*schema).format
	case "uniqueItems":
		return (*schema).unique
	case "minimum":
		return bound(amount, false)
	case "maximum":
		return bound(amount, true)
	case "minLength":
		return bound(length, false)
	case "maxLength":
		return bound(length, true)
	case "minItems":
		return bound(items, false)
	}
	return nil
}

func newSchema(t *testing.T, text string) *schema {
	t.Helper()
	s := &schema{}
	if err := json.Unmarshal([]byte(text), &s.root); err != nil {
		t.Fatal(err)
	}
	return s
}

// check tells where a text is not what the schema demands.
func (s *schema) check(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return s.value("", s.root, v)
}

func (s *schema) value(at string, is map[string]any, v any) error {
	// The order makes what is told of several errors the same each time.
	for _, name := range slices.Sorted(maps.Keys(is)) {
		check := keywordOf(name)
		if check == nil {
			return fmt.Errorf("%s: the schema has %q, which is not known here", at, name)
		}
		if err := check(s, at, is[name], is, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) ref(at string, demand any, _ map[string]any, v any) error {
	defs, _ := s.root["$defs"].(map[string]any)
	def, ok := defs[strings.TrimPrefix(demand.(string), "#/$defs/")].(map[string]any)
	if !ok {
		return fmt.Errorf("%s: no definition %s", at, demand)
	}
	return s.value(at, def, v)
}

func (s *schema) typed(at string, demand any, _ map[string]any, v any) error {
	types, ok := demand.([]any)
	if !ok {
		types = []any{demand}
	}
	kind := ""
	switch x := v.(type) {
	case nil:
		kind = "null"
	case bool:
		kind = "boolean"
	case string:
		kind = "string"
	case float64:
		if kind = "number"; x == float64(int64(x)) && slices.Contains(types, any("integer")) {
			kind = "integer"
		}
	case []any:
		kind = "array"
	case map[string]any:
		kind = "object"
	}
	if !slices.Contains(types, any(kind)) {
		return fmt.Errorf("%s: a %s, not %v", at, kind, strings.Trim(fmt.Sprint(types), "[]"))
	}
	return nil
}

func (s *schema) enum(at string, demand any, _ map[string]any, v any) error {
	if !slices.Contains(demand.([]any), v) {
		return fmt.Errorf("%s: not one of %v", at, demand)
	}
	return nil
}

func (s *schema) items(at string, demand any, _ map[string]any, v any) error {
	list, _ := v.([]any)
	for i := range list {
		if err := s.value(fmt.Sprintf("%s/%d", at, i), demand.(map[string]any), list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) required(at string, demand any, _ map[string]any, v any) error {
	object, ok := v.(map[string]any)
	for _, name := range demand.([]any) {
		if _, has := object[name.(string)]; ok && !has {
			return fmt.Errorf("%s: %s is missing", at, name)
		}
	}
	return nil
}

func (s *schema) properties(at string, demand any, is map[string]any, v any) error {
	object, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		member, ok := demand.(map[string]any)[name].(map[string]any)
		if !ok {
			switch more := is["additionalProperties"].(type) {
			case map[string]any:
				member = more
			case bool:
				if !more {
					return fmt.Errorf("%s/%s: no such member", at, name)
				}
			}
		}
		if err := s.value(at+"/"+name, member, object[name]); err != nil {
			return err
		}
	}
	return nil
}

// fitting is how many of the schemas a value keeps to, and what is told of the others.
func (s *schema) fitting(at string, demand any, v any) (int, error) {
	var errs []error
	n := 0
	for _, one := range demand.([]any) {
		err := s.value(at, one.(map[string]any), v)
		if err == nil {
			n++
		}
		errs = append(errs, err)
	}
	return n, errors.Join(errs...)
}

func (s *schema) allOf(at string, demand any, _ map[string]any, v any) error {
	_, err := s.fitting(at, demand, v)
	return err
}

func (s *schema) anyOf(at string, demand any, _ map[string]any, v any) error {
	n, err := s.fitting(at, demand, v)
	if n > 0 {
		return nil
	}
	return fmt.Errorf("%s: none fits:\n%w", at, err)
}

func (s *schema) oneOf(at string, demand any, _ map[string]any, v any) error {
	n, err := s.fitting(at, demand, v)
	if n == 1 {
		return nil
	}
	return fmt.Errorf("%s: %d fit, not one:\n%w", at, n, err)
}

func (s *schema) not(at string, demand any, _ map[string]any, v any) error {
	if s.value(at, demand.(map[string]any), v) == nil {
		return fmt.Errorf("%s: it is what it must not be: %v", at, demand)
	}
	return nil
}

func (s *schema) pattern(at string, demand any, _ map[string]any, v any) error {
	if text, ok := v.(string); ok && !regexp.MustCompile(demand.(string)).MatchString(text) {
		return fmt.Errorf("%s: %q is not as %s", at, text, demand)
	}
	return nil
}

func (s *schema) format(at string, demand any, _ map[string]any, v any) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	var err error
	switch demand {
	case "date-time":
		_, err = time.Parse(time.RFC3339Nano, text)
	case "uri":
		var u *url.URL
		if u, err = url.Parse(text); err == nil && !u.IsAbs() {
			err = errors.New("no scheme")
		}
	case "uri-reference":
		_, err = url.Parse(text)
	case "ip": // JSON Schema has ipv4 and ipv6
		_, err = netip.ParseAddr(text)
	default:
		err = errors.New("a format that is not known here")
	}
	if err != nil {
		return fmt.Errorf("%s: %q as %s: %w", at, text, demand, err)
	}
	return nil
}

func (s *schema) unique(at string, demand any, _ map[string]any, v any) error {
	list, _ := v.([]any)
	for i := range list {
		for j := range i {
			if demand == true && reflect.DeepEqual(list[i], list[j]) {
				return fmt.Errorf("%s: items %d and %d are the same", at, j, i)
			}
		}
	}
	return nil
}

func amount(v any) (float64, bool) { n, ok := v.(float64); return n, ok }
func length(v any) (float64, bool) {
	t, ok := v.(string)
	return float64(utf8.RuneCountInString(t)), ok
}
func items(v any) (float64, bool) { l, ok := v.([]any); return float64(len(l)), ok }

// bound is a bound of the size of a value that has one.
func bound(size func(v any) (float64, bool), upper bool) keyword {
	return func(_ *schema, at string, demand any, _ map[string]any, v any) error {
		n, ok := size(v)
		if limit := demand.(float64); ok && (upper && n > limit || !upper && n < limit) {
			return fmt.Errorf("%s: %v is beyond the bound %v", at, n, limit)
		}
		return nil
	}
}
