package parsers

import "testing"

func FuzzGranian(f *testing.F) { fuzzFormat(f, Granian) }
