package parsers

import "testing"

func FuzzGin(f *testing.F) { fuzzFormat(f, Gin) }
