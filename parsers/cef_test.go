package parsers

import "testing"

func FuzzCEF(f *testing.F) { fuzzFormat(f, CEF) }
