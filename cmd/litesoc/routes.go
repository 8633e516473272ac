package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/litesoc/litesoc/parsers"
)

type routesFlags struct {
	db, config, openAPI, output string
	all                         bool
}

func routesCommand() *cobra.Command {
	var f routesFlags
	c := &cobra.Command{
		Use:   "routes",
		Short: "List what of the API is really called",
		Long: `List what of the API is really called: each method of each route with its requests,
the actors that made them, when it was first and last seen and how it was answered.

With an OpenAPI description it says of each whether it is documented. What was never
answered but with 404 is left out: those are the guesses of scanners. --output openapi
writes a description of what was seen, to begin one with.`,
		Example: `  litesoc routes
  litesoc routes --openapi openapi.yaml --output csv > routes.csv
  litesoc routes --output openapi > openapi.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return routes(c, &f) },
	}
	flags := c.Flags()
	dbFlag(c, &f.db)
	flags.StringVar(&f.config, "config", "", "config `file` (default: "+configName+" in the working folder, if there)")
	flags.StringVar(&f.openAPI, "openapi", "", "OpenAPI `file` that says which routes there should be")
	flags.StringVarP(&f.output, "output", "o", "table", "`FORMAT`: table, json, csv, ndjson or openapi")
	flags.BoolVar(&f.all, "all", false, "also what was never answered but with 404")
	return c
}

// calledRoutes is the inventory, the most called first.
const calledRoutes = `
select method, route, count(*) as requests, count(distinct actor_id) as actors, min(ts) as first_seen, max(ts) as last_seen,
	count(*) filter (status between 200 and 399) as granted, count(*) filter (status in (401, 402, 403, 429)) as refused,
	count(*) filter (status = 404) as missing, count(*) filter (status >= 500) as failed
from requests where route is not null and method is not null
group by method, route %s
order by requests desc, route, method`

// where the columns stand that are read here.
const (
	methodColumn  = 0
	routeColumn   = 1
	grantedColumn = 6
)

func routes(c *cobra.Command, f *routesFlags) error {
	write, ok := tables[f.output]
	if !ok && f.output != "openapi" {
		return misuse("", "--output %q: the formats are table, json, csv, ndjson, openapi", f.output)
	}
	cfg, err := readConfig(f.config)
	if err != nil {
		return err
	}
	if f.openAPI != "" {
		cfg.OpenAPI = f.openAPI
	}
	site, err := cfg.site()
	if err != nil {
		return err
	}
	q, err := openQuery(f.db)
	if err != nil {
		return err
	}
	defer q.Close()
	out := c.OutOrStdout()
	if isTerminal(out) {
		out = visible{out}
	}
	var t table = &skeleton{w: out, paths: map[string]*skeletonPath{}}
	if ok {
		t = write(out)
	}
	query := calledRoutes
	if person, _ := t.(*textTable); person != nil {
		// How many called it, when, and whether it is documented may stand below.
		person.below, query = 4, "select method, route, requests, granted, refused, missing, failed, actors, first_seen, last_seen from ("+query+") order by requests desc, route, method"
	}
	having := "having count(*) filter (status is distinct from 404) > 0"
	if f.all {
		having = ""
	}
	columns := func(names []string) error { return t.columns(append(slices.Clone(names), "documented")) }
	row := func(values []any) error {
		method, route := text(values[methodColumn], ""), text(values[routeColumn], "")
		return t.row(append(values, documented(site, method, route)))
	}
	if err := q.Run(c.Context(), fmt.Sprintf(query, having), columns, row); err != nil {
		return failed(fmt.Errorf("routes: %s", showLines(err.Error())), "")
	}
	return t.end()
}

// documented says what the site's description says of a route; nil if there is none.
func documented(site *parsers.Site, method, route string) any {
	switch site.Declared(method, site.Template(route)) {
	case parsers.Described:
		return "yes"
	case parsers.Deprecated:
		return "deprecated"
	case parsers.WrongMethod:
		return "no such method"
	case parsers.NoSuchRoute:
		return "no"
	}
	return nil
}

// A skeleton is a table that becomes an OpenAPI description of what was granted.
type skeleton struct {
	w     io.Writer
	paths map[string]*skeletonPath
}

// A skeletonPath is one route, with places of different names.
type skeletonPath struct {
	places  []string
	methods map[string]string // summary by method, lower case
}

// openAPIMethods are the methods that OpenAPI knows.
var openAPIMethods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

func (s *skeleton) columns([]string) error { return nil }

func (s *skeleton) row(values []any) error {
	method := strings.ToLower(text(values[methodColumn], ""))
	granted, _ := strconv.ParseInt(text(values[grantedColumn], "0"), 10, 64)
	if granted == 0 || !slices.Contains(openAPIMethods, method) {
		return nil
	}
	route, places := namedPlaces(text(values[routeColumn], ""))
	if !strings.HasPrefix(route, "/") {
		return nil
	}
	if s.paths[route] == nil {
		s.paths[route] = &skeletonPath{places: places, methods: map[string]string{}}
	}
	s.paths[route].methods[method] = fmt.Sprintf("requests: %s, granted: %s", text(values[2], "0"), text(values[grantedColumn], "0"))
	return nil
}

// namedPlaces gives the places of a route different names, which OpenAPI asks for:
// "/users/{id}/posts/{id2}".
func namedPlaces(route string) (named string, places []string) {
	var b strings.Builder
	for rest := route; ; {
		before, after, open := strings.Cut(rest, "{")
		b.WriteString(before)
		name, after, closed := strings.Cut(after, "}")
		if !open || !closed {
			if open {
				b.WriteString("{" + name)
			}
			return b.String(), places
		}
		unique := name
		for n := 2; slices.Contains(places, unique); n++ {
			unique = name + strconv.Itoa(n)
		}
		places = append(places, unique)
		b.WriteString("{" + unique + "}")
		rest = after
	}
}

func (s *skeleton) end() error {
	var paths yaml.MapSlice
	for _, route := range slices.Sorted(maps.Keys(s.paths)) {
		p := s.paths[route]
		var item yaml.MapSlice
		if len(p.places) > 0 {
			var parameters []any
			for _, name := range p.places {
				parameters = append(parameters, yaml.MapSlice{{Key: "name", Value: name}, {Key: "in", Value: "path"}, {Key: "required", Value: true},
					{Key: "schema", Value: yaml.MapSlice{{Key: "type", Value: "string"}}}})
			}
			item = append(item, yaml.MapItem{Key: "parameters", Value: parameters})
		}
		for _, method := range openAPIMethods {
			if summary, ok := p.methods[method]; ok {
				item = append(item, yaml.MapItem{Key: method, Value: yaml.MapSlice{
					{Key: "summary", Value: summary},
					{Key: "responses", Value: yaml.MapSlice{{Key: "default", Value: yaml.MapSlice{{Key: "description", Value: "not known"}}}}},
				}})
			}
		}
		paths = append(paths, yaml.MapItem{Key: route, Value: item})
	}
	doc, err := yaml.Marshal(yaml.MapSlice{
		{Key: "openapi", Value: "3.0.3"},
		{Key: "info", Value: yaml.MapSlice{{Key: "title", Value: "What was called"}, {Key: "version", Value: "0"}}},
		{Key: "paths", Value: paths},
	})
	if err != nil {
		return err
	}
	_, err = s.w.Write(doc)
	return err
}
