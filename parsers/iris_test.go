package parsers

import "testing"

func FuzzIris(f *testing.F) { fuzzFormat(f, Iris) }
