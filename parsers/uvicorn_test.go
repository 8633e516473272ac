package parsers

import "testing"

func FuzzUvicorn(f *testing.F) { fuzzFormat(f, Uvicorn) }
