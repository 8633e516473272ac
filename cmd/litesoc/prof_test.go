package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func BenchmarkInProc(b *testing.B) {
	path := os.Getenv("BENCHLOG")
	for b.Loop() {
		if s := run(context.Background(), []string{"scan", "--quiet", "--db", filepath.Join(b.TempDir(), "x.duckdb"), path}, nil, io.Discard, os.Stderr); s != 0 {
			b.Fatal(s)
		}
	}
}
