// Sbom says what a binary of ours is made of: it writes a bill of materials
// (CycloneDX 1.6) and the licences that have to go with the binary.
//
// What is linked is read from the binary itself, the licences from the sources that
// it was built of. A licence that is not known is an error: somebody must read it.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	o := options{}
	flag.StringVar(&o.version, "version", "dev", "`version` of the binary")
	flag.Int64Var(&o.epoch, "epoch", 0, "`seconds` since 1970 at which its sources were committed")
	out := flag.String("o", "", "`file` to write (default: standard output)")
	flag.StringVar(&o.texts, "texts", "", "`file` for the texts of the licences")
	flag.StringVar(&o.cc, "cc", "", "C `compiler`, whose libraries are linked statically")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: sbom [flags] BINARY")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	var b bytes.Buffer
	err := write(&b, flag.Arg(0), o)
	if err == nil && *out != "" {
		err = os.WriteFile(*out, b.Bytes(), 0o644)
	} else if err == nil {
		_, err = os.Stdout.Write(b.Bytes())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sbom: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

type options struct {
	version string
	epoch   int64
	texts   string
	cc      string
}

// A bom is a bill of materials.
// https://cyclonedx.org/docs/1.6/json/
type bom struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version,omitempty"`
	PURL     string    `json:"purl,omitempty"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licences []licence `json:"licenses"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type licence struct {
	Expression string `json:"expression"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

// write writes the bill of materials of a binary. The same binary gives the same bytes.
func write(w io.Writer, binary string, o options) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	parts, texts, err := modules(info)
	if err != nil {
		return err
	}
	if o.cc != "" {
		linked, err := libraries(o.cc)
		if err != nil {
			return err
		}
		parts = append(parts, linked...)
	}
	if o.texts != "" {
		if err := os.WriteFile(o.texts, texts, 0o644); err != nil {
			return err
		}
	}
	self := component{
		Type: "application", Ref: "litesoc", Name: "litesoc", Version: o.version, PURL: "pkg:golang/" + info.Main.Path + "@" + o.version,
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}, Licences: []licence{{"Apache-2.0"}},
	}
	var on []string
	for _, c := range parts {
		on = append(on, c.Ref)
	}
	// A UUID (version 8, RFC 9562) that depends on the binary alone.
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(bom{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Serial:       fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]),
		Metadata:     metadata{time.Unix(o.epoch, 0).UTC().Format(time.RFC3339), self},
		Components:   parts,
		Dependencies: []dependency{{"litesoc", on}},
	})
}

// libraries returns the C and C++ libraries of a compiler (gcc, for glibc).
func libraries(cc string) ([]component, error) {
	cmd := exec.Command(cc, "-E", "-P", "-")
	cmd.Stdin = strings.NewReader("#include <features.h>\n__GLIBC__.__GLIBC_MINOR__\n")
	macros, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s -E: %w", cc, err)
	}
	gcc, err := exec.Command(cc, "-dumpfullversion").Output()
	if err != nil {
		return nil, fmt.Errorf("%s -dumpfullversion: %w", cc, err)
	}
	library := func(name, version, terms string) component {
		return component{Type: "library", Ref: name + "@" + version, Name: name, Version: version, Licences: []licence{{terms}}}
	}
	words := strings.Join(strings.Fields(string(macros)), "")
	glibc := glibcVersion.FindString(words)
	if glibc == "" {
		return nil, fmt.Errorf("%s: its C library is not glibc", cc)
	}
	return []component{
		library("glibc", glibc, "LGPL-2.1-or-later"),
		library("libstdc++", strings.TrimSpace(string(gcc)), "GPL-3.0-or-later WITH GCC-exception-3.1"),
	}, nil
}

var glibcVersion = regexp.MustCompile(`\d+\.\d+$`)

// A module is what 'go list -m -json' says of one.
type module struct {
	Path, Version, Dir string
}

// modules returns what Go linked, in order of names, and the texts of the licences.
func modules(info *debug.BuildInfo) ([]component, []byte, error) {
	args := []string{"list", "-m", "-json"}
	for _, m := range info.Deps {
		if m.Replace != nil {
			return nil, nil, fmt.Errorf("module %s is replaced", m.Path)
		}
		args = append(args, m.Path)
	}
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list -m: %w", err)
	}
	dirs := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var m module
		if err := d.Decode(&m); err != nil {
			return nil, nil, fmt.Errorf("go list -m: %w", err)
		}
		dirs[m.Path+"@"+m.Version] = m.Dir
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go env: %w", err)
	}
	std := "stdlib@" + strings.TrimPrefix(info.GoVersion, "go")
	dirs[std] = strings.TrimSpace(string(goroot))
	names := []string{std}
	for _, m := range info.Deps {
		names = append(names, m.Path+"@"+m.Version)
	}
	slices.Sort(names)

	var parts []component
	var texts bytes.Buffer
	for _, name := range names {
		dir := dirs[name]
		if dir == "" {
			return nil, nil, fmt.Errorf("module %s: its sources are not here: is this the commit that the binary was built of?", name)
		}
		terms, text, err := licences(dir)
		if err != nil {
			return nil, nil, fmt.Errorf("module %s: %w", name, err)
		}
		fmt.Fprintf(&texts, "%s\n%s (%s)\n%[1]s\n\n%s\n", strings.Repeat("=", 78), name, terms, text)
		path, version, _ := strings.Cut(name, "@")
		parts = append(parts, component{Type: "library", Ref: name, Name: path, Version: version, PURL: "pkg:golang/" + name, Licences: []licence{{terms}}})
		if version, ok := duckdb(name); ok {
			parts = append(parts, component{Type: "library", Ref: "duckdb@" + version, Name: "duckdb", Version: version,
				PURL: "pkg:github/duckdb/duckdb@v" + version, Licences: []licence{{"MIT"}}})
		}
		if path == "github.com/phuslu/iploc" {
			parts = append(parts, component{Type: "data", Ref: "ip2location-lite@" + version, Name: "IP2Location LITE", Version: version,
				Licences: []licence{{"CC-BY-SA-4.0"}}})
		}
	}
	return parts, texts.Bytes(), nil
}

// libs is a module that carries DuckDB itself: 1.5.5 as v0.10505.0.
var libs = regexp.MustCompile(`^github\.com/duckdb/duckdb-go-bindings/lib/[^@]*@v0\.(\d+)(\d\d)(\d\d)\.`)

// duckdb returns the version of the DuckDB that a module carries.
func duckdb(module string) (version string, ok bool) {
	m := libs.FindStringSubmatch(module)
	if m == nil {
		return "", false
	}
	for _, digits := range m[1:] {
		n, _ := strconv.Atoi(digits) // digits they are
		version += "." + strconv.Itoa(n)
	}
	return version[1:], true
}

// licences reads the licences in the top folder of a module, or of the one that it
// was cut from.
func licences(dir string) (terms string, text []byte, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, err
	}
	var found []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		notice := strings.HasPrefix(name, "NOTICE")
		if e.IsDir() || !notice && !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") && !strings.HasPrefix(name, "UNLICENSE") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", nil, err
		}
		text = append(append(text, bytes.TrimSpace(b)...), "\n\n"...)
		if notice {
			continue
		}
		of := classify(string(b))
		if len(of) == 0 {
			return "", nil, fmt.Errorf("%s is a licence that is not known", e.Name())
		}
		found = append(found, of...)
	}
	if len(found) == 0 {
		return "", nil, fmt.Errorf("no licence in %s", filepath.Base(dir))
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " AND "), text, nil
}

// classify names the licences that a text holds, by sentences that no other has.
func classify(text string) []string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	var found []string
	for _, l := range []struct{ name, sentence string }{
		{"Apache-2.0", "apache license version 2.0"},
		{"Apache-2.0", "licensed under the apache license, version 2.0"},
		{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"ISC", "permission to use, copy, modify, and distribute this software for any purpose"},
		{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
		{"MPL-2.0", "mozilla public license version 2.0"},
		{"MPL-2.0", "mozilla public license, version 2.0"},
		{"Unlicense", "this is free and unencumbered software released into the public domain"},
		{"LGPL-3.0-only", "gnu lesser general public license version 3"},
		{"GPL-3.0-only", "gnu general public license version 3"},
		{"GPL-2.0-only", "gnu general public license version 2"},
	} {
		if strings.Contains(text, l.sentence) {
			found = append(found, l.name)
		}
	}
	if strings.Contains(text, "redistribution and use in source and binary forms") {
		if strings.Contains(text, "neither the name") || strings.Contains(text, "may not be used to endorse") {
			found = append(found, "BSD-3-Clause")
		} else {
			found = append(found, "BSD-2-Clause")
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
