package parsers

import "testing"

func FuzzBunny(f *testing.F) { fuzzFormat(f, Bunny) }
