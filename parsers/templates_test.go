package parsers

import (
	"slices"
	"strings"
	"testing"
)

func TestTemplates(t *testing.T) {
	routes := []string{
		"/", "/users/{userId}", "/users/me", "/users/{userId}/posts/{postId}", "/users/me/settings",
		"/files/{name}.{ext}", "/files/{name}", "/files/report-{year}.pdf", "/operations/{id}:cancel", "/a b", "/users/{other}",
	}
	templates, err := NewTemplates(routes)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/":                       "/",
		"/users/alice":            "/users/{userId}",
		"/users/alice/":           "/users/{userId}",
		"//users///alice":         "/users/{userId}",
		"/users/al;v=1/posts/7;x": "/users/{userId}/posts/{postId}",
		"/users/me":               "/users/me",
		"/users/me/posts/7":       "/users/{userId}/posts/{postId}", // no dead end at "me"
		"/users/me/settings":      "/users/me/settings",
		"/users/%6de":             "/users/me",
		"/users/%6d%65/settings":  "/users/me/settings",
		"/files/report-2026.pdf":  "/files/report-{year}.pdf",
		"/files/report-.pdf":      "/files/{name}.{ext}", // a place is never empty
		"/files/.pdf":             "/files/{name}",
		"/files/x":                "/files/{name}",
		"/operations/7:cancel":    "/operations/{id}:cancel",
		"/operations/7":           "",
		"/a%20b":                  "/a b",
		"/Users/alice":            "",
		"/users":                  "",
		"/users/alice/posts":      "",
		"users/alice":             "",
		"":                        "",
		"*":                       "",
		strings.Repeat("/x", 100): "",
	} {
		if got := templates.Match(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if want := slices.Delete(slices.Clone(routes), 10, 11); !slices.Equal(templates.Routes(), want) {
		t.Errorf("routes %q", templates.Routes())
	}
	var none *Templates
	if got := none.Match("/"); got != "" {
		t.Errorf("no templates: %q", got)
	}
}

func TestTemplateErrors(t *testing.T) {
	for route, want := range map[string]string{
		"users":                        `"users": does not begin with a slash`,
		"/a?b=1":                       `has a query or a fragment`,
		"/a/{b":                        `has an unmatched brace in "{b"`,
		"/a/b}":                        `has an unmatched brace in "b}"`,
		"/a/}b{":                       `has an unmatched brace in "}b{"`,
		strings.Repeat("/a", 33):       `has more than 32 segments`,
		"/" + strings.Repeat("a", 600): `is longer than 512 bytes`,
	} {
		_, err := NewTemplates([]string{"/", route})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want %s", route, err, want)
		}
	}
}

func FuzzTemplates(f *testing.F) {
	f.Add("/users/{id}\n/users/me\n/f/{a}.x", "/users/1")
	f.Add("/{a}/{b}\n/x/{b}:y", "/%2f/x")
	f.Fuzz(func(t *testing.T, routes, path string) {
		templates, err := NewTemplates(strings.Split(routes, "\n"))
		if err != nil {
			return
		}
		if route := templates.Match(path); route != "" && !slices.Contains(templates.Routes(), route) {
			t.Errorf("%q: %q is none of the routes", path, route)
		}
		for _, route := range templates.Routes() {
			if !strings.ContainsAny(route, "%") && templates.Match(route) == "" {
				t.Errorf("%q does not match itself", route)
			}
		}
	})
}
