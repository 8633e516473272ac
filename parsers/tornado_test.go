package parsers

import "testing"

func FuzzTornado(f *testing.F) { fuzzFormat(f, Tornado) }
