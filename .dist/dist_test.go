package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		text, want string
	}{
		{"Permission is hereby granted, free of charge, to any\nperson obtaining a copy", "MIT"},
		{"                Apache License\n        Version 2.0, January 2004", "Apache-2.0"},
		{"Redistribution and use in source and binary forms, with ...\n1. ...", "BSD-2-Clause"},
		{"Redistribution and use in source and binary forms ... Neither the name of X", "BSD-3-Clause"},
		{"Permission to use, copy, modify, and distribute this software for any purpose", "ISC"},
		{"Apache License, Version 2.0", ""}, // a mention, not the text
		{"All rights reserved.", ""},
	} {
		if got := strings.Join(classify(c.text), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestDuckDB(t *testing.T) {
	for _, c := range []struct{ module, want string }{
		{"github.com/duckdb/duckdb-go-bindings/lib/linux-arm64@v0.10505.0", "1.5.5"},
		{"github.com/duckdb/duckdb-go-bindings/lib/linux-amd64@v0.20012.1", "2.0.12"},
		{"github.com/duckdb/duckdb-go-bindings@v0.10505.0", ""},
	} {
		if got, _ := duckdb(c.module); got != c.want {
			t.Errorf("%s: %q, want %q", c.module, got, c.want)
		}
	}
}

// What goreleaser builds and packs is what make dist does.
func TestGoreleaserSaysTheSame(t *testing.T) {
	text, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Builds []struct {
			Goarch, Env, Flags, Tags, Ldflags []string
		}
		Archives []struct{ Files []any }
		Nfpms    []struct{ Contents []struct{ Src, Dst string } }
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Builds) != 1 || !slices.Equal(c.Builds[0].Goarch, []string{"amd64", "arm64"}) {
		t.Fatalf("builds %+v", c.Builds)
	}
	script, err := os.ReadFile("build")
	if err != nil {
		t.Fatal(err)
	}
	b := c.Builds[0]
	ldflags := strings.NewReplacer("{{ .Tag }}", "$version", "{{ .CommitTimestamp }}", "$SOURCE_DATE_EPOCH").Replace(b.Ldflags[0])
	wants := []string{strings.Join(b.Flags, " "), "-tags '" + strings.Join(b.Tags, " ") + "'", `-ldflags "` + ldflags + `"`}
	linker := ""
	for _, e := range b.Env {
		if flags, ok := strings.CutPrefix(e, `CGO_LDFLAGS=-g -O2{{ if eq .Arch "arm64" }}`); ok {
			linker = strings.TrimSuffix(flags, "{{ end }}")
		}
	}
	wants = append(wants, `linker=([arm64]='`+linker+`')`, `CGO_LDFLAGS="-g -O2${linker[$arch]:-}"`)
	for _, f := range c.Nfpms[0].Contents {
		wants = append(wants, filepath.Dir(strings.TrimPrefix(f.Dst, "/")))
	}
	for _, want := range wants {
		if !strings.Contains(string(script), want) {
			t.Errorf(".dist/build has not: %s", want)
		}
	}
	files := fmt.Sprint(c.Archives[0].Files...)
	for _, want := range []string{"LICENSE", "NOTICE", "README.md", "dst:LICENCES", "dst:man", "dst:completions"} {
		if !strings.Contains(files, want) {
			t.Errorf("archives have not: %s", want)
		}
	}
}
