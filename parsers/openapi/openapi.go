// Package openapi reads which routes an API says it has from its OpenAPI description,
// version 2.0 (Swagger), 3.0 or 3.1, in YAML or JSON. It leaves to parsers.Templates
// which request belongs to which route, and fetches nothing.
package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"

	"github.com/litesoc/litesoc/parsers"
)

// An API is what a description says of requests.
type API struct {
	Title      string
	Version    string              // of the API, not of OpenAPI
	Operations []parsers.Operation // by route, then method
}

// maxSize bounds a description. The largest public ones have some ten megabytes.
const maxSize = 64 << 20

// Read reads a description. The paths of its servers are taken as base paths; since a
// proxy may have taken those off before a request was logged, each operation is there
// without them, too. A reference to another file is an error.
func Read(text []byte) (*API, error) {
	if len(text) > maxSize {
		return nil, fmt.Errorf("is larger than %d MiB", maxSize>>20)
	}
	doc, err := load(text)
	if err != nil {
		return nil, err
	}
	api := &API{}
	if doc.Info != nil {
		api.Title, api.Version = doc.Info.Title, doc.Info.Version
	}
	if doc.Paths == nil || doc.Paths.Len() == 0 {
		return nil, errors.New("describes no path")
	}
	for path, item := range doc.Paths.Map() {
		if item == nil {
			continue
		}
		if _, err := parsers.NewTemplates([]string{path}); err != nil {
			return nil, fmt.Errorf("paths: %w", err)
		}
		for method, op := range item.Operations() {
			servers := doc.Servers
			if len(item.Servers) > 0 {
				servers = item.Servers
			}
			if op.Servers != nil && len(*op.Servers) > 0 {
				servers = *op.Servers
			}
			for _, base := range basePaths(servers) {
				api.Operations = append(api.Operations, parsers.Operation{Method: strings.ToUpper(method), Route: base + path, Deprecated: op.Deprecated})
			}
		}
	}
	slices.SortFunc(api.Operations, func(a, b parsers.Operation) int {
		if c := strings.Compare(a.Route, b.Route); c != 0 {
			return c
		}
		return strings.Compare(a.Method, b.Method)
	})
	api.Operations = slices.Compact(api.Operations)
	return api, nil
}

// load reads a description of any version as one of version 3.
func load(text []byte) (*openapi3.T, error) {
	var head struct {
		Swagger any `yaml:"swagger"`
		OpenAPI any `yaml:"openapi"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("is neither YAML nor JSON: %s", firstLine(yaml.FormatError(err, false, false)))
	}
	switch {
	case head.OpenAPI != nil:
		loader := openapi3.NewLoader()
		loader.IsExternalRefsAllowed = false
		doc, err := loader.LoadFromData(text)
		if err != nil {
			return nil, refused(err)
		}
		return doc, nil
	case head.Swagger != nil:
		return loadSwagger(text)
	}
	return nil, errors.New(`is no OpenAPI description: it has neither "openapi" nor "swagger" at its top`)
}

// loadSwagger reads a description of version 2.0.
func loadSwagger(text []byte) (*openapi3.T, error) {
	if !json.Valid(text) {
		converted, err := yaml.YAMLToJSON(text)
		if err != nil {
			return nil, refused(err)
		}
		text = converted
	}
	var old openapi2.T
	if err := json.Unmarshal(bytes.TrimSpace(text), &old); err != nil {
		return nil, refused(err)
	}
	doc, err := openapi2conv.ToV3(&old)
	if err != nil {
		return nil, refused(err)
	}
	if old.BasePath != "" {
		// Without a host no server comes of it.
		doc.Servers = openapi3.Servers{{URL: old.BasePath}}
	}
	return doc, nil
}

// refused puts an error of the library into one line.
func refused(err error) error {
	text := firstLine(err.Error())
	if strings.Contains(text, "external reference") {
		return fmt.Errorf("%s (put all parts into one file first)", text)
	}
	return errors.New(text)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// basePaths returns the paths of servers, without a slash at their end, and "".
func basePaths(servers openapi3.Servers) []string {
	paths := []string{""}
	for _, s := range servers {
		if s == nil {
			continue
		}
		address := s.URL
		for name, v := range s.Variables {
			if v != nil {
				address = strings.ReplaceAll(address, "{"+name+"}", v.Default)
			}
		}
		u, err := url.Parse(address)
		if err != nil {
			continue // of no use, but no reason to refuse all
		}
		path := strings.TrimRight(u.Path, "/")
		if path != "" && path[0] != '/' {
			path = "/" + path
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}
