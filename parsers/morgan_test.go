package parsers

import "testing"

func FuzzMorgan(f *testing.F) { fuzzFormat(f, Morgan) }
