package openapi

import (
	"reflect"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

const petstore = `
openapi: 3.1.0
info: {title: Pets, version: "2.4"}
servers:
  - url: https://{region}.example.com/api/{v}/
    variables:
      region: {default: eu}
      v: {default: v2}
paths:
  /pets:
    get: {responses: {"200": {description: ok}}}
    post: {responses: {"201": {description: ok}}}
  /pets/{petId}:
    parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
    delete: {deprecated: true, responses: {"204": {description: ok}}}
  /health:
    servers: [{url: /}]
    get: {responses: {"200": {description: ok}}}
`

const swagger = `{
  "swagger": "2.0", "info": {"title": "Old", "version": "1"}, "basePath": "/v1",
  "paths": {"/orders/{id}": {"get": {"responses": {"200": {"description": "ok"}},
    "parameters": [{"name": "id", "in": "path", "required": true, "type": "integer"}]}}}
}`

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       API
	}{
		{"3.1 in YAML", petstore, API{"Pets", "2.4", []parsers.Operation{
			{Method: "GET", Route: "/api/v2/pets", Deprecated: false},
			{Method: "POST", Route: "/api/v2/pets", Deprecated: false},
			{Method: "DELETE", Route: "/api/v2/pets/{petId}", Deprecated: true},
			{Method: "GET", Route: "/health", Deprecated: false},
			{Method: "GET", Route: "/pets", Deprecated: false},
			{Method: "POST", Route: "/pets", Deprecated: false},
			{Method: "DELETE", Route: "/pets/{petId}", Deprecated: true},
		}}},
		{"2.0 in JSON", swagger, API{"Old", "1", []parsers.Operation{
			{Method: "GET", Route: "/orders/{id}", Deprecated: false},
			{Method: "GET", Route: "/v1/orders/{id}", Deprecated: false},
		}}},
		{"2.0 in YAML", "swagger: '2.0'\ninfo: {title: Old, version: '1'}\npaths:\n  /a:\n    get: {responses: {'200': {description: ok}}}\n",
			API{"Old", "1", []parsers.Operation{{Method: "GET", Route: "/a", Deprecated: false}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Read([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got  %+v\nwant %+v", *got, c.want)
			}
			if _, err := parsers.NewSite(parsers.SiteConfig{Operations: got.Operations}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	bomb := "openapi: 3.0.0\na: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'l'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "*" + string(c-1) + "]\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "is no OpenAPI description"},
		"a log":             {`192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 0`, ""},
		"other YAML":        {"a: 1", `it has neither "openapi" nor "swagger"`},
		"broken":            {"openapi: [", "is neither YAML nor JSON"},
		"no path":           {"openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths: {}\n", "describes no path"},
		"elsewhere":         {"openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths:\n  /a: {$ref: 'http://192.0.2.1/a.yaml'}\n", "put all parts into one file first"},
		"another file":      {"openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths:\n  /a: {$ref: '../../etc/passwd'}\n", "put all parts into one file first"},
		"a list for a path": {"openapi: 3.0.0\npaths: [1]\n", ""},
		"bomb":              {bomb, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(petstore))
	f.Add([]byte(swagger))
	f.Fuzz(func(t *testing.T, text []byte) {
		api, err := Read(text)
		if err != nil {
			return
		}
		for _, op := range api.Operations {
			if op.Method == "" || op.Route == "" {
				t.Errorf("operation %+v", op)
			}
		}
	})
}
