package parsers

import "testing"

func FuzzF5(f *testing.F) { fuzzFormat(f, F5) }
