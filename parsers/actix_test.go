package parsers

import "testing"

func FuzzActix(f *testing.F) { fuzzFormat(f, Actix) }
