package parsers

import "testing"

func FuzzChi(f *testing.F) { fuzzFormat(f, Chi) }
